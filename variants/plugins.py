"""Plug-ins: files named by ``--plugin``, and installed packages that register by entry points.

A package's entry point of the group ``inpaint_bench.variants`` (``.metrics``, ``.masks``, ``.datasets``,
``.exporters``) is a module whose decorated entries join (``anything = "package.module"``), or one entry by its name
(``mine = "package.module:Mine"``). What is wrong with a plug-in is a sentence on stderr and stops nothing else.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.util
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from variants.errors import PluginError, UnknownName

PLUGINS_ENV = "BENCH_PLUGINS"
"""Python files, separated like PATH, whose decorated entries join the built-in ones."""

GROUPS = {
    "variant": "inpaint_bench.variants",
    "metric": "inpaint_bench.metrics",
    "mask": "inpaint_bench.masks",
    "dataset": "inpaint_bench.datasets",
    "exporter": "inpaint_bench.exporters",
}
"""The entry points' group, by the decorator's name."""

ANY = re.compile(r"^@(?:[\w.]+\.)?(?:variant|metric|set_metric|mask|dataset|exporter)\(", re.MULTILINE)

PREFIX = "bench_plugin_"


@dataclass(frozen=True)
class Source:
    """Where an entry is defined. module: its dotted name; what: as messages call it; plugin: not one of ours."""

    module: str
    what: str
    file: Path | None = None
    entry: EntryPoint | None = None
    plugin: bool = False

    def load(self) -> Any:
        """Import it; of an entry point, what that names. Raises PluginError where a plug-in cannot be imported."""
        if not self.plugin:
            return importlib.import_module(self.module)
        _loading.append(self)
        try:
            if self.entry is not None:
                return self.entry.load()
            assert self.file is not None
            return sys.modules.get(self.module) or _run_file(self.module, self.file)
        except (Exception, SystemExit) as error:
            raise PluginError(f"{self.what} cannot be loaded: {reason(error)}") from error
        finally:
            _loading.pop()

    def holds(self, entry: Any) -> bool:
        """Whether the entry is defined there, or elsewhere in the same package."""
        return module_of(entry).partition(".")[0] == self.module.partition(".")[0]

    def digest(self) -> str:
        """SHA-256 of a plug-in's code, of every Python file of its package; of ours, nothing."""
        if not self.plugin:
            return ""
        return code_digest(self.file or self.module.partition(".")[0])


_loading: list[Source] = []


def being_loaded() -> Source | None:
    """The plug-in whose code runs at the moment."""
    return _loading[-1] if _loading else None


def _run_file(name: str, file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None, file
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def module_of(entry: Any) -> str:
    """Where an entry is defined: a class or a function, a metric by what computes it, an instance by its class."""
    entry = getattr(entry, "compute", None) or entry
    return getattr(entry, "__module__", None) or type(entry).__module__


def reason(error: BaseException) -> str:
    """The error in one line."""
    if isinstance(error, SystemExit):
        return f"it ends the process (SystemExit {error.code})"
    return f"{type(error).__name__}: {' '.join(str(error).split())}".removesuffix(": ")


def an(entry: Any) -> str:
    """What kind of thing an entry is.

    >>> an(3), an(None)
    ('an int', 'None')
    """
    if entry is None:
        return "None"
    kind = type(entry).__name__
    return f"{'an' if kind[0].lower() in 'aeiou' else 'a'} {kind}"


@functools.cache
def code_digest(place: Path | str) -> str:
    """Of a file, or of a package by its name."""
    files = [place] if isinstance(place, Path) else package_files(place)
    total = hashlib.sha256()
    for file in files:
        total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def package_files(package: str) -> list[Path]:
    """The Python files of a package, or the one of a module."""
    spec = importlib.util.find_spec(package)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    if not folders:
        return [Path(spec.origin)] if spec and spec.origin and spec.origin.endswith(".py") else []
    return sorted(file for folder in folders for file in Path(folder).rglob("*.py"))


def use(*files: Path | str) -> None:
    """Plug these files in, in this process and the ones that it starts. Raises UnknownName for one that is not there
    or registers nothing."""
    for file in files:
        path = Path(file)
        if not path.is_file():
            raise UnknownName(f"the plug-in file {file} does not exist")
        if not ANY.search(text_of(path)):
            raise UnknownName(
                f'the plug-in file {file} registers nothing: no line of it begins with @variant("NAME"), @metric, '
                "@mask, @dataset or @exporter"
            )
    known = [part for part in os.environ.get(PLUGINS_ENV, "").split(os.pathsep) if part]
    os.environ[PLUGINS_ENV] = os.pathsep.join([*known, *(str(Path(file).resolve()) for file in files)])


def text_of(file: Path) -> str:
    """Its source; bytes that are no UTF-8 hold no entry that could be found."""
    return file.read_text(encoding="utf-8", errors="replace")


def plugin_files() -> list[Path]:
    """The files named in BENCH_PLUGINS. Raises UnknownName where one is missing."""
    files = [Path(part).resolve() for part in os.environ.get(PLUGINS_ENV, "").split(os.pathsep) if part]
    for file in files:
        if not file.is_file():
            raise UnknownName(f"the plug-in file {file} does not exist: check {PLUGINS_ENV} and --plugin")
    return list(dict.fromkeys(files))


@functools.cache
def installed() -> tuple[EntryPoint, ...]:
    """Every entry point of our groups, sorted, so that what wins does not depend on the order of folders."""
    everything = entry_points()
    found = [entry for group in GROUPS.values() for entry in everything.select(group=group)]
    return tuple(sorted(found, key=lambda entry: (entry.group, entry.name, entry.value)))


def sources(word: str) -> Iterator[tuple[str, Source]]:
    """(name, source) of what plug-ins register with the decorator ``word``: files first, as they were named."""
    for file in plugin_files():
        mark = hashlib.sha256(str(file).encode()).hexdigest()[:8]
        source = Source(f"{PREFIX}{mark}_{file.stem}", f"the plug-in {file}", file, plugin=True)
        for name in entries_in(text_of(file), word):
            yield name, source
    for entry in installed():
        dist = entry.dist
        owner = f"{dist.name} {dist.version}" if dist is not None else entry.module
        source = Source(entry.module, f"the plug-in {owner} ({entry.value})", entry=entry, plugin=True)
        if entry.attr:
            if entry.group == GROUPS.get(word):
                yield entry.name, source
            continue
        try:
            text = "".join(map(text_of, _module_file(entry.module)))
        except (Exception, SystemExit) as error:  # a package's own __init__ runs to find a module in it
            warn(f"{source.what} cannot be loaded: {reason(error)}")
            continue
        for name in entries_in(text, word):
            yield name, source


def _module_file(module: str) -> list[Path]:
    spec = importlib.util.find_spec(module)
    if spec is None:
        raise ModuleNotFoundError(f"No module named '{module}'")
    return [Path(spec.origin)] if spec.origin and spec.origin.endswith(".py") else []


def entries_in(text: str, word: str) -> list[str]:
    """The names that a source file registers: ``@variant("mine")`` at a line's beginning."""
    return re.findall(rf"""^@(?:[\w.]+\.)?{word}\(\s*["']([^"']+)["']""", text, re.MULTILINE)


_told: set[str] = set()


def warn(text: str) -> None:
    """Once a process, and not in its workers, which find the same."""
    import multiprocessing

    if text not in _told and multiprocessing.parent_process() is None:
        print(f"warning: {text}", file=sys.stderr, flush=True)
    _told.add(text)
