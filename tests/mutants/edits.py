"""Small, realistic mistakes in a source file, each one edit of its syntax tree.

What a mistake could not change in a number or a decision is left alone: docstrings, annotations, messages (``raise``,
``assert``, f-strings, progress), ``__repr__``, caches and the decorators of data classes.
"""

from __future__ import annotations

import ast
import copy
import dataclasses
import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import CodeType

COMPARED: dict[type, tuple[type, ...]] = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
}  # fmt: skip
CALCULATED: dict[type, type] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Div,
    ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitOr,
    ast.LShift: ast.RShift, ast.RShift: ast.LShift,
}  # fmt: skip


def both_ways(*pairs: tuple[str, str]) -> dict[str, str]:
    return dict(pairs) | {b: a for a, b in pairs}


FUNCTIONS = both_ways(
    ("min", "max"), ("minimum", "maximum"), ("argmin", "argmax"), ("nanmin", "nanmax"), ("any", "all"),
    ("floor", "ceil"), ("zeros", "ones"), ("zeros_like", "ones_like"), ("mean", "sum"), ("nanmean", "nansum"),
    ("logical_and", "logical_or"),
)  # fmt: skip
WORDS = both_ways(("higher", "lower"), ("better", "worse"), ("hole", "image"), ("wins", "losses"), ("floor", "ceiling"))
"""Words that decide."""
UNWRAPPED = {"abs", "absolute", "sorted", "sqrt", "square", "clip", "clamp", "rint", "round", "log", "exp"}
MODULES = {"np", "torch", "math", "F"}
SYMMETRIC = {
    "min", "max", "minimum", "maximum", "isinstance", "issubclass", "isclose", "allclose", "array_equal", "hypot",
    "fmin", "fmax", "suppress", "add", "multiply", "logical_and", "logical_or",
}  # fmt: skip
QUIET = {"print", "warn", "report", "progress", "filterwarnings", "simplefilter", "cast", "suggest", "wrong"}
"""Calls that tell and do not decide."""
HARMLESS = {"exist_ok", "parents", "encoding", "flush", "file", "strict", "maxsize", "non_blocking", "copy", "inplace"}
IDLE = {"dataclass", "lru_cache"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclasses.dataclass(frozen=True)
class Mutant:
    """One mistake. place: the qualified name of its function, "" for what runs at import. span: the first and last
    line of the function's body, or of the file. nth: counts the same mistakes in that place."""

    file: str
    line: int
    place: str
    span: tuple[int, int]
    before: str
    after: str
    nth: int
    edit: tuple[ast.AST, ast.AST, str, int | None, ast.AST] = dataclasses.field(repr=False, compare=False)
    """Tree, owner, field, index and the new node."""

    @property
    def key(self) -> str:
        """What tells it from others wherever its file lies, so that a sample stays when other code changes."""
        return f"{self.place}|{self.before}|{self.after}|{self.nth}"

    def rank(self, seed: int) -> str:
        return hashlib.sha256(f"{seed}|{self.key}".encode()).hexdigest()

    def code(self, filename: str) -> CodeType:
        """The mutated file, compiled."""
        tree, owner, field, index, new = self.edit
        old = getattr(owner, field) if index is None else getattr(owner, field)[index]
        for inner in ast.walk(new):
            if "lineno" in inner._attributes and not hasattr(inner, "lineno"):
                ast.copy_location(inner, old)
        put(owner, field, index, new)
        try:
            return compile(tree, filename, "exec", dont_inherit=True)
        finally:
            put(owner, field, index, old)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}  {self.before}  →  {self.after}"


def mutants(path: Path, file: str) -> Iterator[Mutant]:
    """Every mutant of the file at ``path``, which is called ``file``, in the order of its text."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    seen: Counter[tuple[str, str, str]] = Counter()
    for owner, name, index, names, function in slots(tree, (), None):
        value = getattr(owner, name)
        node = value if index is None else value[index]
        for new in edits(node):
            shown = ".".join(names) if function else "", short(node), short(new)
            line = getattr(node, "lineno", None) or node.target.lineno
            edit = (tree, owner, name, index, new)
            span = (function.body[0].lineno, function.end_lineno or 0) if function else (1, text.count("\n") + 1)
            yield Mutant(file, line, shown[0], span, shown[1], shown[2], seen[shown], edit)
            seen[shown] += 1


def put(owner: ast.AST, field: str, index: int | None, node: ast.AST) -> None:
    if index is None:
        setattr(owner, field, node)
    else:
        getattr(owner, field)[index] = node


def short(node: ast.AST) -> str:
    return "(dropped)" if isinstance(node, ast.Pass) else ast.unparse(node).strip().split("\n")[0]


def slots(node: ast.AST, names: tuple[str, ...], function: Function | None) -> Iterator[tuple]:
    """(owner, field, index, names, function) of whatever may be edited; ``function``: the outermost around it."""
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "type_comment"):
            continue
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(child, ast.AST) or skipped(child, field):
                continue
            named = isinstance(child, Function | ast.ClassDef) and function is None
            inside = node if function is None and isinstance(node, Function) and field == "body" else function
            if field != "decorator_list":
                yield node, field, index, names, inside
            yield from slots(child, (*names, child.name) if named else names, inside)


def skipped(node: ast.AST, field: str) -> bool:
    """Whether neither a node nor what it holds is edited."""
    if isinstance(node, ast.Raise | ast.Assert | ast.JoinedStr | ast.Import | ast.ImportFrom):
        return True
    if isinstance(node, Function):
        return node.name in ("__repr__", "__str__")
    if isinstance(node, ast.keyword):
        return node.arg in HARMLESS
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant) or skipped(node.value, "value")
    if isinstance(node, ast.If):
        return ast.unparse(node.test) in ("TYPE_CHECKING", "__name__ == '__main__'")
    if isinstance(node, ast.Call):
        return called(node) in (IDLE if field == "decorator_list" else QUIET)
    return field == "decorator_list"


def called(node: ast.Call) -> str:
    return getattr(node.func, "id", "") or getattr(node.func, "attr", "")


def edits(node: ast.AST) -> Iterator[ast.AST]:
    """What a node is mistaken for."""

    def but(**fields: object) -> ast.AST:
        new = copy.copy(node)
        for name, value in fields.items():
            setattr(new, name, value)
        return new

    match node:
        case ast.Compare(ops=ops):
            for i, op in enumerate(ops):
                yield from (but(ops=[*ops[:i], other(), *ops[i + 1 :]]) for other in COMPARED[type(op)])
        case ast.BoolOp(op=op):
            yield but(op=ast.Or() if isinstance(op, ast.And) else ast.And())
        case ast.BinOp(op=op, left=left, right=right) if type(op) in CALCULATED:
            # Text put together, a path, a type: not arithmetic.
            if not any(isinstance(side, ast.JoinedStr) or text(side) for side in (left, right)):
                yield but(op=CALCULATED[type(op)]())
        case ast.UnaryOp(operand=operand):
            yield operand
        case ast.Constant(value=bool(value)):
            yield but(value=not value)
        case ast.Constant(value=int(value)):
            yield but(value=value + 1)
        case ast.Constant(value=float(value)):
            yield but(value=1.0 if value == 0 else value * (1000 if abs(value) < 1e-6 else 2))
        case ast.Constant(value=str(value)) if value in WORDS:
            yield but(value=WORDS[value])
        case ast.IfExp(body=body, orelse=orelse):
            yield from (body, orelse)
        case ast.If(orelse=orelse):
            yield but(test=ast.Constant(False))
            if orelse:
                yield but(test=ast.Constant(True))
        case ast.comprehension(ifs=ifs):
            yield from (but(ifs=[*ifs[:i], *ifs[i + 1 :]]) for i in range(len(ifs)))
        case ast.AugAssign(op=op):
            yield ast.Pass()
            if type(op) in CALCULATED:
                yield but(op=CALCULATED[type(op)]())
        case ast.Expr(value=ast.Call()) | ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield ast.Pass()
        case ast.Continue():
            yield ast.Break()
        case ast.Break():
            yield ast.Continue()
        case ast.Call(func=func, args=args, keywords=keywords):
            name = called(node)
            if name in FUNCTIONS:
                other = copy.copy(func)
                setattr(other, "id" if isinstance(func, ast.Name) else "attr", FUNCTIONS[name])
                yield but(func=other)
            if name in UNWRAPPED:
                free = isinstance(func, ast.Name) or getattr(func.value, "id", "") in MODULES
                yield args[0] if free else func.value
            if name not in SYMMETRIC and swappable(args):
                yield but(args=[args[1], args[0], *args[2:]])
            for word in keywords if name != "field" else []:
                if word.arg not in (None, *HARMLESS):
                    yield but(keywords=[other for other in keywords if other is not word])


def swappable(args: list[ast.expr]) -> bool:
    first = args[:2]
    starred = any(isinstance(arg, ast.Starred) for arg in first)
    unlike = len({ast.dump(arg) for arg in first}) == 2
    return unlike and not starred and not all(isinstance(arg, ast.Constant) for arg in first)


def text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str | None)
