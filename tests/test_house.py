"""The house: which room may import which, and that each fact has one home. Read from the source, nothing is run."""

from __future__ import annotations

import ast
import pydoc
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = {
    ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file
    for package in ("bench", "variants", "reports")
    for file in sorted((ROOT / package).rglob("*.py"))
}
SHOWN_BY = ("bench.cli", "bench.commands", "bench.demo")
"""The rooms that may call what shows runs; all others lie below it."""


def imported(module: str) -> Iterator[str]:
    """The modules of this project that a module imports, wherever the statement stands."""
    for node in ast.walk(ast.parse(FILES[module].read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{module} imports relatively"
            # ``from package import name``: the module ``package.name`` where there is one, else the package.
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in FILES else node.module for name in names]
        yield from (name for name in names if name in FILES and name != module)


IMPORTS = {module: sorted(set(imported(module))) for module in FILES}


def room_of(module: str) -> str:
    """``bench.gate`` of ``bench.gate.verdict``; variants and reports are one room each."""
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "bench" else parts[0]


def test_what_is_compared_knows_nothing_of_how() -> None:
    for module in FILES:
        if module.startswith("variants"):
            assert all(other.startswith("variants") for other in IMPORTS[module]), module


def test_only_commands_call_what_shows_runs() -> None:
    for module, others in IMPORTS.items():
        if module.startswith("bench.") and not module.startswith(SHOWN_BY):
            assert not [other for other in others if other.startswith("reports")], module


def test_what_shows_runs_neither_trains_nor_fills() -> None:
    for module, others in IMPORTS.items():
        if module.startswith("reports"):
            wrong = ("bench.stages", "bench.training", "bench.commands", "bench.cli", "bench.methods", "variants.")
            assert not [other for other in others if other.startswith(wrong)], module


def test_no_file_imports_itself_by_a_detour() -> None:
    try:
        TopologicalSorter(IMPORTS).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_arrows_between_rooms_run_one_way() -> None:
    rooms: dict[str, set[str]] = {}
    for module, others in IMPORTS.items():
        own = room_of(module)
        rooms.setdefault(own, set()).update(room_of(other) for other in others if room_of(other) != own)
    rooms.pop("bench", None)
    for others in rooms.values():
        others.discard("bench")
    try:
        TopologicalSorter(rooms).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def registered(word: str, package: str) -> dict[str, str]:
    """Names that the decorator ``word`` registers in a package, with their file."""
    pattern = re.compile(rf'^@{word}\(\s*"([^"]+)"', re.MULTILINE)
    return {
        name: str(file.relative_to(ROOT))
        for file in sorted((ROOT / package).rglob("*.py"))
        for name in pattern.findall(file.read_text(encoding="utf-8"))
    }


NAMES = {
    "metric": registered("metric", "bench/metrics") | registered("set_metric", "bench/set_metrics"),
    "variant": registered("variant", "variants"),
    "data set": registered("dataset", "bench/datasets"),
}
WORDS = {"suite", "folder", "lama", "files", "shards", "precision", "recall", "density", "coverage"}
"""Names that are common words, keys of JSON among them."""

ALLOWED = re.compile(r"reports/claims\.py|bench/profiles/|bench/cli/|bench/student/")
"""The paper's claims, the profiles, the examples of the commands' help, and the script that trains the student."""


EXEMPT = {
    "bench/methods/probe.py": "the probe's own pictures and the score that it tells conventions apart by",
    "bench/commands/probe.py": "the same score, printed",
    "bench/backbones/lpips.py": "the package called lpips, whose heads are read",
    "bench/runs/provenance.py": "the package called lpips, whose version is told",
    "bench/metrics/colour_correction.py": "each metric after correction names the one that it corrects",
    "variants/objectives.py": "losses that a training history tells, which are no scores",
    "bench/throughput/paper_programme.py": "the paper's six, whose training is counted",
    "bench/demo/samples.py": "pictures to begin with",
}
"""Files that hold a name for a reason of their own."""


def literals(file: Path) -> Iterator[tuple[int, str]]:
    """Texts of a source file that are no docstrings: (line, text)."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    docs = set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            docs |= {id(s.value) for s in body if isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.lineno, node.value


@pytest.mark.parametrize("kind", NAMES)
def test_a_name_stands_in_its_own_file_alone(kind: str) -> None:
    found = []
    for file in FILES.values():
        place = str(file.relative_to(ROOT))
        if ALLOWED.match(place):
            continue
        for line, text in literals(file):
            if text in NAMES[kind] and text not in WORDS and NAMES[kind][text] != place and place not in EXEMPT:
                found.append(f"{place}:{line}: {text}")
    assert not found, "\n".join(found)


def names_in(module: str) -> dict[str, str]:
    """What the names of a module's classes and imports stand for, in full."""
    found = {}
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ClassDef):
            found[node.name] = f"{module}.{node.name}"
    return found


TREES = {module: ast.parse(file.read_text(encoding="utf-8")) for module, file in FILES.items()}
CLASSES = {
    f"{module}.{node.name}": (module, node)
    for module, tree in TREES.items()
    for node in ast.walk(tree)
    if isinstance(node, ast.ClassDef)
}


def bases_of(name: str) -> Iterator[str]:
    module, node = CLASSES[name]
    names = names_in(module)
    for base in node.bases:
        first, dot, rest = ast.unparse(base).partition("[")[0].partition(".")
        yield names.get(first, first) + dot + rest


def overrides(name: str, method: str) -> bool:
    """Whether a base says what a method does: one of ours in its docstring, one of a library by having it at all."""
    for base in bases_of(name):
        if base not in CLASSES:
            if hasattr(pydoc.locate(base), method):
                return True
        elif overrides(base, method) or any(
            isinstance(own, ast.FunctionDef) and own.name == method and ast.get_docstring(own)
            for own in CLASSES[base][1].body
        ):
            return True
    return False


def undocumented(node: ast.Module | ast.ClassDef, where: str) -> Iterator[str]:
    """Public definitions without a docstring; what stands inside a function is its own affair."""
    if isinstance(node, ast.Module) and not ast.get_docstring(node):
        yield where
    for own in node.body:
        if isinstance(own, ast.FunctionDef | ast.ClassDef) and not own.name.startswith("_"):
            known = isinstance(node, ast.ClassDef) and isinstance(own, ast.FunctionDef) and overrides(where, own.name)
            # A property's docstring is its getter's.
            known = known or any(ast.unparse(decorator).endswith(".setter") for decorator in own.decorator_list)
            if not ast.get_docstring(own) and not known:
                yield f"{where}.{own.name}"
            if isinstance(own, ast.ClassDef):
                yield from undocumented(own, f"{where}.{own.name}")


@pytest.mark.parametrize("room", sorted({room_of(module) for module in FILES}))
def test_every_public_definition_has_a_docstring(room: str) -> None:
    modules = [module for module in FILES if room_of(module) == room]
    assert modules
    assert not [name for module in modules for name in undocumented(TREES[module], module)]


SHOWN = ("metrics", "masks", "statistics", "comparison")
"""Rooms whose public functions all show an example, which tests/test_examples.py runs."""

TAKE_RUNS = {
    *("load_scores", "summarise", "rows_so_far", "write_summary"),
    *("compare", "compare_sides", "pair_sides", "resolve_sides"),
}
"""They take finished runs' folders, which are no example's size."""


@pytest.mark.parametrize("room", SHOWN)
def test_every_public_function_shows_an_example(room: str) -> None:
    found = [
        f"{module}.{node.name}"
        for module, file in FILES.items()
        if module.startswith(f"bench.{room}.")
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and node.name not in TAKE_RUNS
        if ">>> " not in (ast.get_docstring(node) or "")
    ]
    assert not found, "\n".join(found)
