# The copy of the tree that has the points in it, and its build: build/mutants/tree and build/mutants/build. What did not
# change is not written again, so that only what did is compiled.
import hashlib
import os
import pickle
import subprocess

import points

PROGRAMS = ('log', 'group', 'recovery', 'api', 'crash')
# Streams of a mutant that is killed stay; the copy's tests make theirs where the runner can take them away.
FOLDERS = ('tests/support/folder.hpp', 'tests/os/scratch.hpp')


def files(root):
    """What the copy needs, by name."""
    for folder in ('src', 'include', 'tests', 'cmake'):
        for where, _, names in os.walk(os.path.join(root, folder)):
            for name in names:
                if not name.endswith(('.py', '.pyc', '.tsv')):
                    yield os.path.relpath(os.path.join(where, name), root)
    yield from ('CMakeLists.txt', 'CMakePresets.json', 'LICENSE', 'README.md')


def write(path, text):
    old = None
    if os.path.exists(path):
        with open(path, 'rb') as stream:
            old = stream.read()
    if old != text:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'wb') as stream:
            stream.write(text)


def digest(root, folders):
    """What the contents of the folders come to."""
    sum_ = hashlib.sha256()
    for name in sorted(files(root)):
        if name.startswith(folders) and not name.startswith('tests/mutants/'):
            with open(os.path.join(root, name), 'rb') as stream:
                sum_.update(name.encode() + b'\0' + hashlib.sha256(stream.read()).digest())
    return sum_.hexdigest()


def find_points(root, place):
    """As points.find, which takes its time: kept until a source changes."""
    kept = os.path.join(place, 'points.pickle')
    with open(points.__file__, 'rb') as stream:
        made_from = digest(root, ('src/', 'include/')) + hashlib.sha256(stream.read()).hexdigest()
    if os.path.exists(kept):
        with open(kept, 'rb') as stream:
            name, found = pickle.load(stream)
        if name == made_from:
            return found
    sources, all_points, orders = points.find(root)
    found = {name: source.written() for name, source in sources.items()}, all_points, orders
    with open(kept, 'wb') as stream:
        pickle.dump((made_from, found), stream)
    return found


def build(root, place, written):
    """Writes and builds the copy; where the programs are."""
    tree, out = os.path.join(place, 'tree'), os.path.join(place, 'build')
    wanted = set(files(root))
    for name in wanted:
        with open(os.path.join(root, name), 'rb') as stream:
            text = stream.read()
        if name in written:
            text = written[name].encode()
        if name in FOLDERS:
            before = b'parent = "/dev/shm"'
            if before not in text:
                raise SystemExit(f'mutants: {name} makes its folders in another way by now')
            text = text.replace(before, b'parent = ::shmq::mutants::folder()')
        if name == 'tests/CMakeLists.txt':  # most of the time goes there, for tests that gain nothing by it
            text += b'foreach(room api crash)\n    target_compile_options(${room}_test PRIVATE -O0)\nendforeach()\n'
        write(os.path.join(tree, name), text)
    for name in set(files(tree)) - wanted:
        if os.path.exists(os.path.join(tree, name)):
            os.remove(os.path.join(tree, name))
    header = os.path.join(tree, 'tests/mutants/mutant.hpp')
    log = os.path.join(place, 'build.log')
    off = [f'-DSHMQ_{what}=OFF' for what in ('BUILD_TOOLS', 'BUILD_EXAMPLES', 'BUILD_BENCH', 'INSTALL',
                                             'WARNINGS_AS_ERRORS')]
    steps = (['cmake', '-S', tree, '-B', out, '-G', 'Ninja', '-DCMAKE_BUILD_TYPE=Release',
              f'-DCMAKE_CXX_FLAGS=-w -include {header}', '-DCMAKE_CXX_FLAGS_RELEASE=-O2', *off],
             ['cmake', '--build', out, '--parallel', str(os.cpu_count()), '--target',
              *(room + '_test' for room in PROGRAMS)])
    with open(log, 'wb') as stream:
        for step in steps:
            if subprocess.run(step, stdout=stream, stderr=subprocess.STDOUT).returncode != 0:
                with open(log, errors='replace') as text:
                    raise SystemExit('mutants: the copy does not compile:\n' + ''.join(text.readlines()[-40:]))
    return {room: os.path.join(out, 'tests', room + '_test') for room in PROGRAMS}
