# Finds the points of the rooms where a check can be taken away or weakened, and writes the rooms with all of them in:
# each asks `shmq::mutant(N)` of mutant.hpp whether it is the one that differs.
#
# libclang says where the expressions are; what is written is only put before, after or in place of tokens, so that
# points inside of points need no care. What stands in constant expressions, types and template arguments has none.
import os
import re

from clang.cindex import CursorKind as Kind
from clang.cindex import Index

COMPARISONS = {'==': 'equal', '!=': 'unequal', '<': 'less', '<=': 'at_most', '>': 'greater', '>=': 'at_least'}
CHANGED = {'==': '!=', '!=': '==', '<': '<=', '<=': '<', '>': '>=', '>=': '>'}
FUNCTIONS = {Kind.FUNCTION_DECL, Kind.CXX_METHOD, Kind.CONSTRUCTOR, Kind.DESTRUCTOR, Kind.FUNCTION_TEMPLATE,
             Kind.CONVERSION_FUNCTION}
# Never looked into: what stands there is no value that a process computes.
CLOSED = {Kind.STATIC_ASSERT, Kind.DECL_REF_EXPR, Kind.TYPE_REF, Kind.TEMPLATE_REF, Kind.CXX_UNARY_EXPR,
          Kind.TYPE_ALIAS_DECL, Kind.ENUM_DECL, Kind.NAMESPACE_REF, Kind.OVERLOADED_DECL_REF}
# Calls that may be left out by anybody: hints to the processor. Fences are counted as orders.
HINTS = {'prefetch_for_writing', 'pause', 'fence', 'compiler_fence'}
ORDER = re.compile(r'\bmemory_order_(?:acquire|release|acq_rel|seq_cst)\b')


class Point:
    """One place and one change: `kind` of change, the `function` it stands in, the text `before` and `after`."""

    def __init__(self, file, line, function, kind, before, after):
        self.file, self.line, self.function, self.kind = file, line, function, kind
        self.before, self.after = before, after
        self.number = 0
        self.repeat = 0  # how many alike stand before it in the function

    def key(self):
        text = f'{self.file}\t{self.function}\t{self.kind}\t{self.before}'
        return text if self.repeat == 0 else f'{text}\t{self.repeat + 1}'


class Source:
    """A file of a room: its bytes, its points, and what is to be written where."""

    def __init__(self, root, file):
        self.file = file
        with open(os.path.join(root, file), 'rb') as stream:
            self.bytes = stream.read()
        self.edits = []  # (start, end, point, text before, text after, replacement of (start, end))
        self.seen = set()

    def text(self, start, end):
        return re.sub(r'\s+', ' ', self.bytes[start:end].decode()).strip()

    def around(self, start, end, point, before, after):
        self.edits.append((start, end, point, before, after, None))

    def instead(self, start, end, point, text):
        self.edits.append((start, end, point, None, None, text))

    def written(self):
        """The file with all its points in. The outer of two at one place begins first and ends last."""
        marks = []
        for order, (start, end, point, before, after, text) in enumerate(self.edits):
            number = str(point.number)
            if text is None:
                marks.append((start, 1, -end, order, start, before.replace('@', number)))
                marks.append((end, 0, -start, -order, end, after.replace('@', number)))
            else:
                marks.append((start, 2, 0, order, end, text.replace('@', number)))
        out, at = [], 0
        for start, _, _, _, end, text in sorted(marks):
            out += [self.bytes[at:start].decode(), text]
            at = end
        return ''.join(out) + self.bytes[at:].decode()


class Finder:
    """Walks over a translation unit and gives its sources their points."""

    def __init__(self, root):
        self.root, self.sources, self.points = root, {}, []
        self.orders = set()  # (file, offset) of memory orders that x86 has no weaker instruction for

    def parse(self, file, rooms):
        unit = Index.create().parse(os.path.join(self.root, file), args=[
            '-xc++', '-std=c++20', '-I' + os.path.join(self.root, 'src'), '-I' + os.path.join(self.root, 'include')])
        bad = [str(d) for d in unit.diagnostics if d.severity >= 3]
        if bad:
            raise SystemExit('mutants: ' + '\n'.join(bad))
        for cursor in unit.cursor.get_children():
            name = os.path.relpath(cursor.location.file.name, self.root) if cursor.location.file else ''
            if not name.startswith(rooms):
                continue
            if name not in self.sources:
                self.sources[name] = Source(self.root, name)
            self.source = self.sources[name]
            self.declaration(cursor)

    def declaration(self, cursor):
        if cursor.kind not in FUNCTIONS:
            for child in cursor.get_children():
                self.declaration(child)
            return
        start = cursor.extent.start.offset
        if start in self.source.seen:
            return
        self.source.seen.add(start)
        self.function = cursor.spelling.split('<')[0]
        for child in cursor.get_children():
            if child.kind == Kind.COMPOUND_STMT or (cursor.kind == Kind.CONSTRUCTOR and child.kind.is_expression()):
                self.visit(child)

    def add(self, kind, cursor_or_range, before, after):
        start, end = span(cursor_or_range)
        line = self.source.bytes.count(b'\n', 0, start) + 1
        point = Point(self.source.file, line, self.function, kind, before, after)
        self.points.append((self.source.file, start, end, point))
        return point

    def visit(self, cursor, whole=False):
        """`whole`: it is all of a condition that has points already which do as much."""
        kind = cursor.kind
        if kind in CLOSED:
            return
        children = [c for c in cursor.get_children() if inside(c, cursor)]
        if kind in (Kind.UNEXPOSED_EXPR, Kind.PAREN_EXPR) and len(children) == 1:
            return self.visit(children[0], whole)
        if kind == Kind.LAMBDA_EXPR:
            children = [c for c in children if c.kind == Kind.COMPOUND_STMT]
        elif kind == Kind.VAR_DECL:
            children = self.of_variable(cursor, children)
        elif kind == Kind.CASE_STMT:
            children = children[1:]
        elif kind in (Kind.IF_STMT, Kind.WHILE_STMT, Kind.FOR_STMT, Kind.DO_STMT, Kind.CONDITIONAL_OPERATOR):
            return self.of_condition(cursor, children)
        elif kind == Kind.BINARY_OPERATOR and len(children) == 2:
            return self.of_binary(cursor, children, whole)
        elif kind == Kind.CALL_EXPR:
            self.of_call(cursor, children, whole)
        elif kind == Kind.UNARY_OPERATOR and self.source.bytes.startswith(b'!=', span(cursor)[0]):
            return self.of_rewritten(cursor, whole)
        elif kind == Kind.UNARY_OPERATOR and self.source.bytes.startswith(b'!', span(cursor)[0]):
            if not whole:
                text = self.source.text(*span(cursor))
                point = self.add('negation', cursor, text, text[1:])
                self.source.around(*span(cursor), point, '(::shmq::mutant(@) != ', ')')
        elif kind == Kind.RETURN_STMT and children and plain(children[0]).kind == Kind.CXX_BOOL_LITERAL_EXPR:
            value = plain(children[0])
            text = self.source.text(*span(value))
            point = self.add('constant', value, 'return ' + text, 'return ' + ('false' if text == 'true' else 'true'))
            self.source.instead(*span(value), point, ('!' if text == 'true' else '') + '::shmq::mutant(@)')
            return
        if kind == Kind.COMPOUND_STMT:
            for child in children:
                self.of_statement(child)
        for child in children:
            self.visit(child)

    def of_variable(self, cursor, children):
        start = cursor.location.offset
        if b'constexpr' in self.source.bytes[cursor.extent.start.offset:start]:
            return []
        return [c for c in children if c.extent.start.offset > start
                and b'[' not in self.source.bytes[start:c.extent.start.offset].split(b'=')[0]]

    def of_statement(self, statement):
        """A call whose value nobody wants: left out."""
        call = plain(statement)
        if call.kind != Kind.CALL_EXPR or call.spelling.startswith('operator'):
            return
        start, end = span(statement)
        name = re.match(rb'[\w:.>\-]*', self.source.bytes[start:end]).group().decode()
        if name.split('::')[-1] in HINTS or self.source.bytes[end:end + 1] != b';':
            return
        text = self.source.text(start, end)
        point = self.add('call', (start, end), text, '')
        # An expression, so that an else behind it stays where it belongs.
        self.source.around(start, end, point, '(::shmq::mutant(@) ? static_cast<void>(0) : static_cast<void>(', '))')

    def of_condition(self, cursor, children):
        condition, kind = self.condition_of(cursor, children), cursor.kind
        if condition is not None:
            start, end = span(condition)
            text = self.source.text(start, end)
            # Without one of its sides, `a && b` is true more often, `a || b` false: that way the whole needs no point.
            if kind in (Kind.IF_STMT, Kind.CONDITIONAL_OPERATOR) and not self.is_chain(condition, '&&'):
                point = self.add('true', condition, text, 'true')
                self.source.around(start, end, point, '(::shmq::mutant(@) || (', '))')
            if not self.is_chain(condition, '||'):
                point = self.add('false', condition, text, 'false')
                self.source.around(start, end, point, '(!::shmq::mutant(@) && (', '))')
        elif kind == Kind.IF_STMT and children[0].kind == Kind.VAR_DECL:
            start, end = span(children[0])
            point = self.add('false', children[0], self.source.text(start, end), 'false')
            self.source.around(start, end, point, '', f'; !::shmq::mutant(@) && {children[0].spelling}')
        for child in children:
            if condition is None or span(child) != span(condition):
                if kind != Kind.CONDITIONAL_OPERATOR:
                    self.of_statement(child)
                self.visit(child)
            else:
                self.visit(child, kind in (Kind.IF_STMT, Kind.CONDITIONAL_OPERATOR))

    def condition_of(self, cursor, children):
        if cursor.kind == Kind.CONDITIONAL_OPERATOR:
            return children[0]
        if cursor.kind == Kind.DO_STMT:
            return children[-1]
        tokens = list(cursor.get_tokens())
        opening = next(i for i, t in enumerate(tokens) if t.spelling == '(')
        if any(t.spelling == 'constexpr' for t in tokens[:opening]):
            return None
        depth, cuts, closing = 0, [tokens[opening].extent.end.offset], 0
        for token in tokens[opening:]:
            depth += {'(': 1, '{': 1, ')': -1, '}': -1}.get(token.spelling, 0)
            if token.spelling == ';' and depth == 1:
                cuts.append(token.extent.end.offset)
            if depth == 0:
                closing = token.extent.start.offset
                break
        cuts.append(closing)
        low, high = cuts[1:3] if cursor.kind == Kind.FOR_STMT else cuts[-2:]
        for child in children:
            start, end = span(child)
            if low <= start and end <= high and child.kind.is_expression():
                return child
        return None

    def of_binary(self, cursor, children, whole):
        left, right = children
        start, end = span(left)[1], span(right)[0]
        between = self.source.bytes[start:end].decode()
        operator = re.sub(r'//[^\n]*|\s', '', between).strip('()')
        at = start + between.find(operator)
        if operator in COMPARISONS:
            self.compare(cursor, left, right, operator, at, whole)
        elif operator in ('&&', '||'):
            value, text = ('true', '(::shmq::mutant(@) || (') if operator == '&&' else ('false', '(!::shmq::mutant(@) && (')
            for side in children:
                if self.source.text(*span(plain(side))) and not self.is_chain(side, operator):
                    point = self.add('operand', side, self.source.text(*span(side)), value)
                    self.source.around(*span(side), point, text, '))')
        elif operator in ('+', '-') and plain(right).kind == Kind.INTEGER_LITERAL:
            literal = span(plain(right))
            if self.source.text(*literal) == '1':
                text = self.source.text(*span(cursor))
                point = self.add('bound', cursor, text, text[:-1] + '0')
                self.source.instead(*literal, point, '(::shmq::mutant(@) ? 0 : 1)')
                return self.visit(left)
        for side in children:
            self.visit(side)

    def is_chain(self, side, operator):
        """Whether it is itself an operation of the kind, whose sides are points of their own."""
        if side.kind not in (Kind.BINARY_OPERATOR, Kind.UNEXPOSED_EXPR):
            return False
        side = plain(side)
        parts = list(side.get_children())
        return side.kind == Kind.BINARY_OPERATOR and len(parts) == 2 and operator in self.source.text(
            span(parts[0])[1], span(parts[1])[0])

    def compare(self, cursor, left, right, operator, at, whole):
        if whole and operator in ('==', '!='):
            return
        text = self.source.text(*span(cursor))
        changed = self.source.text(span(cursor)[0], at) + ' ' + CHANGED[operator] + ' ' + self.source.text(
            at + len(operator), span(cursor)[1])
        point = self.add('compare', cursor, text, changed)
        self.source.around(*span(cursor), point, f'::shmq::mutants::{COMPARISONS[operator]}(@, ', ')')
        self.source.instead(at, at + len(operator), point, ',')

    def of_rewritten(self, cursor, whole):
        """`a != b` where there is only an operator==: `!` at the operator, with the call of both sides below it."""
        call = plain(next(cursor.get_children()))
        sides = sorted((c for c in call.get_children() if not c.spelling.startswith('operator')), key=lambda c: span(c)[0])
        if len(sides) == 2:
            self.compare((span(sides[0])[0], span(sides[1])[1]), *sides, '!=', span(cursor)[0], whole)
        for side in sides:
            self.visit(side)

    def of_call(self, cursor, children, whole):
        if cursor.spelling.startswith('operator') and cursor.spelling[8:] in COMPARISONS:
            sides = sorted((c for c in children if not c.spelling.startswith('operator')), key=lambda c: span(c)[0])
            operator = cursor.spelling[8:]
            if len(sides) == 2:
                at = self.source.bytes.find(operator.encode(), span(sides[0])[1], span(sides[1])[0])
                if at >= 0:
                    self.compare(cursor, *sides, operator, at, whole)
            return
        if not children:
            return
        start, end = span(cursor)
        called = children[0]
        text = self.source.text(start, end)
        opening = self.source.bytes.find(b'(', span(called)[1] if called.kind != Kind.MEMBER_REF_EXPR else
                                         called.extent.end.offset)
        parts = list(called.get_children()) if called.kind == Kind.MEMBER_REF_EXPR else []
        weak = cursor.spelling == 'store' and 'memory_order_seq_cst' in text
        if (cursor.spelling == 'compare_exchange' or weak) and parts and inside(parts[0], called):
            name = cursor.spelling
            base = span(parts[0])
            arrow = self.source.bytes[base[1]:base[1] + 2] == b'->'
            after = text.replace('memory_order_seq_cst', 'memory_order_relaxed') if weak else \
                text.replace('compare_exchange', 'exchange')
            point = self.add('order' if weak else 'exchange', cursor, text, after)
            self.source.around(*base, point, f'::shmq::mutants::{name}(@, ' + ('*(' if arrow else ''), ')' if arrow else '')
            self.source.instead(base[1], opening + 1, point, ', ')
        elif cursor.spelling == 'raise_to':
            point = self.add('exchange', cursor, text, text.replace('raise_to', 'store'))
            self.source.instead(start, opening + 1, point, '::shmq::mutants::raise_to(@, ')


def span(cursor):
    if isinstance(cursor, tuple):
        return cursor
    return cursor.extent.start.offset, cursor.extent.end.offset


def inside(child, parent):
    """Whether it is written there; what the compiler adds is not, or has the place of what it was added to."""
    (a, b), (low, high) = span(child), span(parent)
    return child.extent.start.file is not None and low <= a < b <= high and \
        child.extent.start.file.name == parent.extent.start.file.name


def plain(cursor):
    """What is left without conversions and parentheses."""
    while cursor.kind in (Kind.UNEXPOSED_EXPR, Kind.PAREN_EXPR):
        children = list(cursor.get_children())
        if len(children) != 1:
            break
        cursor = children[0]
    return cursor


def find(root, rooms=('src/log', 'src/group', 'src/recovery')):
    """The sources of the rooms by name, their points in order, and how many memory orders x86 can't show."""
    finder = Finder(root)
    for room in rooms:
        for name in sorted(os.listdir(os.path.join(root, room))):
            if name.endswith('.cpp'):
                finder.parse(f'{room}/{name}', tuple(r + '/' for r in rooms))
    for room in rooms:
        for name in sorted(os.listdir(os.path.join(root, room))):
            if name.endswith('.hpp') and f'{room}/{name}' not in finder.sources:
                finder.parse(f'{room}/{name}', tuple(r + '/' for r in rooms))
    alike = {}
    points = [entry[3] for entry in sorted(finder.points, key=lambda entry: (*entry[:3], entry[3].kind))]
    first = {file: 1 + 1000 * index for index, file in enumerate(sorted(finder.sources))}
    for point in points:
        point.number = first[point.file]  # by file, so that a change in one does not compile the others anew
        first[point.file] += 1
        key = point.key()
        point.repeat = alike.get(key, 0)
        alike[key] = point.repeat + 1
    orders = sum(len(ORDER.findall(re.sub(r'//[^\n]*', '', source.bytes.decode())))
                 for source in finder.sources.values())
    return finder.sources, points, orders - sum(point.kind == 'order' for point in points)
