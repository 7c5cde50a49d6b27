#!/usr/bin/python3
# Draws what bench.json holds, by gnuplot, as SVG: the rates of all peers, their round trips, and how shmq scales.
#
#     pictures.py BENCH_JSON FOLDER
#
# What was not measured is not drawn. Names the pictures it made, one a line.
import json
import math
import os
import subprocess
import sys

OURS = '#1f77b4'
OTHERS = '#9a9a9a'
LIMIT = '#d9a441'
LIMITS = ('cache line', 'futex', 'memory alone', 'bare ring')


def colour_of(name):
    return OURS if name.startswith('shmq') else LIMIT if name in LIMITS else OTHERS


def gnuplot(path, size, script):
    head = f'set terminal svg size {size[0]},{size[1]} font "sans-serif,13" background "#ffffff"\nset output "{path}"\n'
    subprocess.run(['gnuplot'], input=head + script, text=True, check=True)
    print(path)


def quoted(text):
    return '"' + text.replace('\\', '\\\\').replace('"', '\\"').replace('_', '\\\\_') + '"'


def shown(value):
    """Three digits, and no exponent."""
    return f'{float(f"{value:.3g}"):,.0f}' if value >= 100 else f'{value:.3g}'


def bars(path, title, label, rows, machine):
    """Horizontal bars on a logarithmic scale, the best on top; rows of (name, median, lowest, highest)."""
    rows = rows[::-1]
    begin = 10 ** math.floor(math.log10(min(row[2] for row in rows if row[2] > 0)))
    lines = []
    for at, (name, median, lowest, highest) in enumerate(rows):
        lines.append(f'set object rectangle from {begin},{at - 0.32} to {median},{at + 0.32} '
                     f'fillcolor rgb "{colour_of(name)}" fillstyle solid noborder')
        lines.append(f'set arrow from {lowest},{at} to {highest},{at} nohead lw 1.5 lc rgb "#333333" front')
        lines.append(f'set label "{shown(median)}" at {highest * 1.12},{at} left font ",11"')
    tics = ', '.join(f'{quoted(row[0])} {at}' for at, row in enumerate(rows))
    most = max(row[3] for row in rows)
    gnuplot(path, (860, 90 + 24 * len(rows)), '\n'.join((
        f'set title {quoted(title)} font ",15"', f'set xlabel {quoted(label + "   (" + machine + ")")} font ",10"',
        'set logscale x', f'set xrange [{begin}:{most * 4}]', f'set yrange [-0.7:{len(rows) - 0.3}]',
        'unset key', 'set grid x lc rgb "#dddddd"', f'set ytics ({tics}) nomirror', 'set border 3', 'set xtics nomirror',
        *lines, 'plot NaN notitle')) + '\n')


def rows_of(measurement, unit, more_is_better):
    rows = [(name[:-len(unit) - 1], figure['median'], figure['lowest'], figure['highest'])
            for name, figure in measurement.items() if name.endswith(' ' + unit)]
    return sorted(rows, key=lambda row: row[1], reverse=more_is_better)


def lines(path, measurements, wanted, machine):
    """One panel for each of scale/..., its cases from left to right."""
    panels = [(name, [(case[:-len(' M/s')], figure) for case, figure in measurements[name].items() if case.endswith(' M/s')])
              for name in wanted if name in measurements]
    if not panels:
        return
    script = [f'set multiplot layout 2,{(len(panels) + 1) // 2} title {quoted("Million entries of 64 bytes a second, delivered and acked")} '
              'font ",15"', 'unset key', 'set grid y lc rgb "#dddddd"', 'set border 3', 'set xtics nomirror', 'set ytics nomirror',
              'set yrange [0:*]', 'set offsets 0.4,0.4,0,0']
    for name, cases in panels:
        unit = cases[0][0].split(' ', 1)[1]
        tics = ', '.join(f'{quoted(case.split(" ", 1)[0])} {at}' for at, (case, _) in enumerate(cases))
        data = '\n'.join(f'{at} {figure["median"]} {figure["lowest"]} {figure["highest"]}'
                         for at, (_, figure) in enumerate(cases))
        script += [f'set xlabel {quoted(unit)}', f'set xtics ({tics})', f'$data << EOD\n{data}\nEOD',
                   f'plot $data using 1:2:3:4 with yerrorlines lw 2 pt 7 ps 0.7 lc rgb "{OURS}"']
    script += ['unset multiplot']
    gnuplot(path, (300 * ((len(panels) + 1) // 2), 560), '\n'.join(script) + '\n')


def main():
    if len(sys.argv) != 3:
        sys.exit('usage: pictures.py BENCH_JSON FOLDER')
    with open(sys.argv[1]) as stream:
        found = json.load(stream)
    measurements, machine = found['measurements'], found['machine']['processor']
    machine = f"{machine}, {found['machine']['processors']} processors"
    os.makedirs(sys.argv[2], exist_ok=True)
    for name, file, title, unit, more in (
            ('one way, 64 B', 'rates', 'Messages of 64 bytes a second, one way', 'M/s', True),
            ('there and back, 64 B, polling', 'trips', '64 bytes there and back, polling: p50', 'ns', False),
            ('there and back, 64 B, waiting', 'waits', '64 bytes there and back, waiting: p50', 'ns', False)):
        rows = rows_of(measurements.get(name, {}), unit, more)
        if rows:
            bars(os.path.join(sys.argv[2], file + '.svg'), title, 'million a second' if more else 'nanoseconds', rows, machine)
    lines(os.path.join(sys.argv[2], 'scale.svg'), measurements,
          ('scale/batch', 'scale/groups', 'scale/consumers', 'scale/producers', 'scale/processes', 'scale/slots'), machine)


if __name__ == '__main__':
    main()
