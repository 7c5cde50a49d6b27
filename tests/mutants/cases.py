# The cases of the test programs as the runner sees them: what each takes, which points it passes, and one run of some of
# them against one mutant.
import concurrent.futures
import os
import pickle
import re
import shutil
import signal
import subprocess
import tempfile
import time


# Cases that take longer than all others together; what they see is where processes meet between two accesses. They are
# the last resort, for what nothing else caught, with a budget of their own.
LAST = ('Operation/Stopped.', 'Operation/Interleaved.')
LAST_BUDGET = 3.0  # of the budget of the others


class Case:
    def __init__(self, program, name, seconds, reached):
        self.program, self.name, self.seconds, self.reached = program, name, seconds, reached


def names_of(program):
    """The cases of a GoogleTest program, as its filter wants them."""
    listed = subprocess.run([program, '--gtest_list_tests'], capture_output=True, text=True, check=True).stdout
    suite = ''
    for line in listed.splitlines():
        word = line.split('#')[0].rstrip()
        if word.startswith('  '):
            yield suite + word.strip()
        elif word.endswith('.'):
            suite = word


def end_session(leader):
    """Kills what a run left: children of a program that was killed, stopped ones too."""
    for _ in range(100):
        try:
            os.killpg(leader, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return
        time.sleep(0.01)


def run(program, names, most_s, mutant=0, reached=None):
    """Runs cases in a session and a folder of their own: None if all pass, else what failed."""
    folder = tempfile.mkdtemp(prefix='shmq-mutant.', dir='/dev/shm')
    os.chmod(folder, 0o755)  # some tests go on without privileges
    try:
        with tempfile.TemporaryFile() as output:
            environment = dict(os.environ, SHMQ_MUTANT=str(mutant), SHMQ_MUTANT_FOLDER=folder)
            if reached:
                environment['SHMQ_MUTANT_REACHED'] = reached
            process = subprocess.Popen([program, '--gtest_fail_fast', '--gtest_brief=1', '--gtest_filter=' + ':'.join(names)],
                                       stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd=folder,
                                       env=environment, start_new_session=True)
            try:
                status = process.wait(most_s)
            except subprocess.TimeoutExpired:
                status = 'hangs'
            finally:
                end_session(process.pid)
                process.wait()
            if status == 0:
                return None
            output.seek(0)
            failed = re.search(rb'\[  FAILED  \] ([\w./]+)', output.read(1 << 20))
            named = failed.group(1).decode() if failed else names[0] if len(names) == 1 else f'{len(names)} cases'
            return f'{os.path.basename(program)} {named}' + ('' if status == 1 else f' ({status})')
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def record(programs, highest, place, made_from, jobs, say):
    """Each case run once by itself, without a mutant. What fails then is left out, and told."""
    kept = os.path.join(place, 'cases.pickle')
    if os.path.exists(kept):
        with open(kept, 'rb') as stream:
            name, cases = pickle.load(stream)
        if name == made_from:
            return cases

    def look(program, name):
        with tempfile.NamedTemporaryFile(dir=place) as file:
            for _ in range(2):
                file.truncate(0)
                file.truncate(highest + 1)
                begin = time.monotonic()
                failed = run(program, [name], 300, reached=file.name)
                if failed is None:
                    file.seek(0)
                    bits = file.read()
                    return Case(program, name, time.monotonic() - begin, {i for i, bit in enumerate(bits) if bit})
            return failed

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        looks = [pool.submit(look, program, name) for program in programs.values() for name in names_of(program)]
        cases = []
        for result in (each.result() for each in looks):
            if isinstance(result, Case):
                cases.append(result)
            else:
                say(f'left out, it fails without a mutant: {result}')
    with open(kept, 'wb') as stream:
        pickle.dump((made_from, cases), stream)
    return cases


def batches(cases, number, most_s):
    """The cases that pass a point, cheap ones first, as many as take `most_s` together; in batches of half a second. The
    last resort comes last."""
    for last in False, True:
        wanted = [case for case in cases if number in case.reached and case.name.startswith(LAST) == last]
        yield from batches_of(sorted(wanted, key=lambda case: case.seconds), most_s * (LAST_BUDGET if last else 1))


def batches_of(wanted, most_s):
    open_, total = {}, 0.0
    for case in wanted:
        total += case.seconds
        if most_s and total > most_s and total > case.seconds:
            break
        batch = open_.setdefault(case.program, [])
        if batch and sum(other.seconds for other in batch) + case.seconds > 0.5:
            yield open_.pop(case.program)
            open_[case.program] = batch = []
        batch.append(case)
    yield from (batch for batch in open_.values() if batch)


def judge(cases, number, most_s):
    """What catches a mutant: a case, None if nothing does, and '' if no case passes the point."""
    answer = ''
    for batch in batches(cases, number, most_s):
        normal = sum(case.seconds for case in batch)
        for patience in 1, 2:  # a machine that is busy elsewhere is no hang: that is looked at twice
            answer = run(batch[0].program, [case.name for case in batch], patience * max(10.0, 20 * normal),
                         mutant=number)
            if answer is None or not answer.endswith('(hangs)'):
                break
        if answer is not None:
            return answer
    return answer
