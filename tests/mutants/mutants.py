#!/usr/bin/python3
# Takes away or weakens every check of the rooms log, group and recovery, one at a time, and runs the tests that pass it:
# a mutant that no test catches is a check that could go without anybody noticing.
#
#     mutants.py [--sample N] [--seed S] [--seconds S] [--again] [--list] [REGEX]
#
# REGEX chooses by "file:line function kind text". Judged ones are kept in build/mutants/results.tsv until a source
# changes, survivors until a test does. Known survivors and why are in survivors.txt: those that are equivalent are not
# run, but with --again. Exits 0 if at least 95 % of the others are caught; memory orders are counted apart.
import argparse
import concurrent.futures
import os
import random
import re
import resource
import sys

import cases
import tree

LEAST_PERCENT = 95.0
here = os.path.dirname(os.path.abspath(__file__))
root = os.path.dirname(os.path.dirname(here))
place = os.path.join(root, 'build', 'mutants')


def say(text):
    print(f'run: {text}', flush=True)


def read_known():
    """survivors.txt: keys at the beginning of a line, then the reason of all of them, indented."""
    known, keys, reason = {}, [], []
    with open(os.path.join(here, 'survivors.txt')) as stream:
        for line in [*stream, 'end']:
            if line.startswith('#') or not line.strip():
                continue
            if line.startswith(' '):
                reason.append(line.strip())
                continue
            if reason:
                known.update((key, ' '.join(reason)) for key in keys)
                keys, reason = [], []
            keys.append('\t'.join(part.strip() for part in line.split(' | ')))
    return known


class Results:
    """results.tsv: a line per mutant that was judged, the last one counts."""

    def __init__(self, sources, tests):
        self.path, self.sources, self.tests, self.rows = os.path.join(place, 'results.tsv'), sources[:16], tests[:16], {}
        if os.path.exists(self.path):
            with open(self.path) as stream:
                for line in stream:
                    sources, tests, verdict, *key = line.rstrip('\n').split('\t')
                    if sources == self.sources and (tests == self.tests or verdict not in ('survives', 'not reached')):
                        self.rows['\t'.join(key)] = verdict

    def get(self, point):
        return self.rows.get(point.key())

    def put(self, point, verdict):
        self.rows[point.key()] = verdict
        with open(self.path, 'a') as stream:
            stream.write('\t'.join((self.sources, self.tests, verdict, point.key())) + '\n')


def arguments():
    parser = argparse.ArgumentParser(prog='run test mutants', description='Removes or weakens checks, one at a time.')
    parser.add_argument('--sample', type=int, metavar='N', help='only N of them, by chance')
    parser.add_argument('--seed', type=int, default=random.randrange(1 << 32), help='of the order and the sample')
    parser.add_argument('--seconds', type=float, default=40.0,
                        help='what the cases that are run against one mutant may take normally (40; 0: all of them)')
    parser.add_argument('--again', action='store_true', help='judge anew what survived, also what is known to')
    parser.add_argument('--list', action='store_true', help='list the mutants, run nothing')
    parser.add_argument('regex', nargs='?', default='', help='of "file:line function kind text"')
    return parser.parse_args()


def line_of(point):
    return f'{point.file}:{point.line} {point.function} {point.kind} {point.before}'


def report(chosen, results, known, unseen_orders):
    """Prints the survivors and the counts; whether enough is caught."""
    judged = [p for p in chosen if results.get(p) is not None]
    survives = [p for p in judged if results.get(p) in ('survives', 'not reached')]
    equivalent = [p for p in chosen if known.get(p.key(), '').startswith('equivalent')]
    skipped = {p.number for p in equivalent}
    for point in survives:
        if point.number not in skipped:
            reason = known.get(point.key())
            say(f'{point.file}:{point.line} {point.function}: {results.get(point)}: {point.before}  ->  '
                f'{point.after or "(left out)"}' + (f'  [{reason}]' if reason else ''))
    for point in chosen:
        if point.key() in known and results.get(point) not in (None, 'survives', 'not reached'):
            say(f'in survivors.txt, but caught by {results.get(point)}: {" | ".join(point.key().split(chr(9)))}')
    orders = [p for p in judged if p.kind == 'order']
    counted = [p for p in judged if p.kind != 'order' and p.number not in skipped]
    caught = len(counted) - sum(p in survives for p in counted)
    percent = 100.0 * caught / len(counted) if counted else 0.0
    say(f'{len(counted) + len(equivalent)} mutants: {caught} of {len(counted)} caught ({percent:.1f} %), '
        f'{len(counted) - caught} survive, {len(equivalent)} more are equivalent; of memory orders: {len(orders)}, '
        f'{len(orders) - sum(p in survives for p in orders)} caught, {unseen_orders} more that x86 has one instruction for')
    good = bool(counted) and percent >= LEAST_PERCENT
    print('1 passed, 0 failed' if good else '0 passed, 1 failed', flush=True)
    return good


def main():
    options = arguments()
    os.nice(10)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (16 << 30, 16 << 30))  # a mutant may ask for memory without end
    os.makedirs(place, exist_ok=True)
    say('looking for checks in src/log, src/group and src/recovery')
    written, points, unseen_orders = tree.find_points(root, place)
    known = read_known()
    for key in sorted(known.keys() - {point.key() for point in points}):
        say(f'in survivors.txt, but there is no such check: {" | ".join(key.split(chr(9)))}')
    chosen = [p for p in points if re.search(options.regex, line_of(p))]
    random.Random(options.seed).shuffle(chosen)
    if options.sample:
        chosen = chosen[:options.sample]
    if options.list:
        for point in sorted(chosen, key=lambda p: p.number):
            print(f'{point.number}\t{line_of(point)}  ->  {point.after}')
        return True
    say(f'building build/mutants, with {len(points)} of them')
    programs = tree.build(root, place, written)
    jobs = min(2, os.cpu_count() or 1)
    made_from = tree.digest(root, ('src/', 'include/')), tree.digest(root, ('tests/',))
    say('running each test once, to see which checks it passes')
    seen = cases.record(programs, max(point.number for point in points), place, made_from, jobs, say)
    results = Results(*made_from)

    def is_open(point):
        if results.get(point) in ('survives', 'not reached') and options.again:
            return True
        return results.get(point) is None and (
            options.again or not known.get(point.key(), '').startswith('equivalent'))

    todo = [point for point in chosen if is_open(point)]
    say(f'{len(todo)} mutants by {len(seen)} tests, seed {options.seed}')
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        runs = {pool.submit(cases.judge, seen, point.number, options.seconds): point for point in todo}
        try:
            for done, each in enumerate(concurrent.futures.as_completed(runs), 1):
                verdict = each.result()
                results.put(runs[each], 'survives' if verdict is None else verdict or 'not reached')
                if done % 100 == 0:
                    say(f'{done} of {len(todo)}')
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
    return report(chosen, results, known, unseen_orders)


if __name__ == '__main__':
    sys.exit(0 if main() else 1)
