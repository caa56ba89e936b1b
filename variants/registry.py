"""Named things that live one to a file and are found without being imported.

A registry is its own decorator::

    variant = Registry("variant", "variants")

    @variant("baseline")
    class Baseline(Network): ...

Names are read from the source text of the package (and of plug-in files), so listing them, or
refusing a wrong one, imports nothing heavy; the module is imported when the entry is asked for.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import os
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Generic, TypeVar

from variants.errors import UnknownName as UnknownName

T = TypeVar("T")

PLUGINS_ENV = "BENCH_PLUGINS"
"""Python files, separated like PATH, whose decorated entries join the built-in ones."""


def suggest(noun: str, name: str, names: Iterable[str]) -> UnknownName:
    """The error for a wrong name: says what was asked for and the nearest names, or all of them."""
    known = sorted(names)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"choose from {', '.join(known)}."
    return UnknownName(f"unknown {noun} '{name}': {hint}")


class Registry(Generic[T]):
    """Entries by name; ``word`` is the decorator's name in source files, ``noun`` what messages call it."""

    def __init__(self, word: str, package: str, noun: str | None = None) -> None:
        self.word = word
        self.noun = noun or word
        self.package = package
        self._entries: dict[str, T] = {}
        self._sources: dict[str, str] | None = None

    def __call__(self, name: str) -> Callable[[Any], Any]:
        """Decorator: enter what follows under ``name``. Raises ValueError for a name already taken."""

        def enter(entry: Any) -> Any:
            self.add(name, entry)
            return entry

        return enter

    def add(self, name: str, entry: T) -> None:
        """Enter ``entry`` under ``name``. Raises ValueError for a bad or a taken name."""
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            raise ValueError(f"{self.noun} name '{name}' may hold a-z, 0-9 and _ only, and starts with a letter")
        if name in self._entries and not same_definition(self._entries[name], entry):
            raise ValueError(f"the {self.noun} name '{name}' is taken by {self.origin(name)}")
        self._entries[name] = entry

    def names(self) -> list[str]:
        """Every name, sorted, without importing the modules that define them."""
        return sorted({*self._entries, *self._found()})

    def origin(self, name: str) -> str:
        """The file that defines ``name``."""
        return self._found().get(name, "this session")

    def get(self, name: str) -> T:
        """The entry called ``name``. Raises UnknownName with the nearest names."""
        if name not in self._entries:
            sources = self._found()
            if name not in sources:
                raise suggest(self.noun, name, self.names())
            load_file(Path(sources[name]), self.package)
        return self._entries[name]

    def all(self) -> dict[str, T]:
        """Every entry by name, importing what is not yet imported."""
        return {name: self.get(name) for name in self.names()}

    def _found(self) -> dict[str, str]:
        """Name -> defining file, from the text of the package's files and of the plug-ins."""
        if self._sources is None:
            pattern = re.compile(rf'^@{self.word}\(\s*"([^"]+)"', re.MULTILINE)
            self._sources = {}
            for file in [*package_files(self.package), *plugin_files()]:
                for name in pattern.findall(file.read_text(encoding="utf-8")):
                    if name in self._sources:
                        raise ValueError(
                            f"the {self.noun} name '{name}' is taken twice: {self._sources[name]} and {file}"
                        )
                    self._sources[name] = str(file)
        return self._sources


def same_definition(old: Any, new: Any) -> bool:
    """True when a module was merely imported again."""
    return getattr(old, "__qualname__", old) == getattr(new, "__qualname__", new) and getattr(
        old, "__module__", None
    ) == getattr(new, "__module__", None)


def package_files(package: str) -> list[Path]:
    spec = importlib.util.find_spec(package)
    assert spec is not None and spec.submodule_search_locations, package
    root = Path(next(iter(spec.submodule_search_locations)))
    return sorted(path for path in root.rglob("*.py") if path.name != "registry.py")


def plugin_files() -> list[Path]:
    """The files named in BENCH_PLUGINS. Raises UnknownName where one is missing."""
    files = [Path(part).resolve() for part in os.environ.get(PLUGINS_ENV, "").split(os.pathsep) if part]
    for file in files:
        if not file.is_file():
            raise UnknownName(f"the plug-in file {file} does not exist: mend {PLUGINS_ENV} or --plugin")
    return files


def load_file(file: Path, package: str) -> None:
    """Import a source file under its dotted name if it belongs to ``package``, else as a plug-in."""
    spec = importlib.util.find_spec(package)
    assert spec is not None and spec.submodule_search_locations
    root = Path(next(iter(spec.submodule_search_locations)))
    if file.is_relative_to(root):
        importlib.import_module(".".join([package, *file.relative_to(root).with_suffix("").parts]))
        return
    name = f"bench_plugin_{file.stem}"
    if name in sys.modules:
        return
    plugin = importlib.util.spec_from_file_location(name, file)
    assert plugin is not None and plugin.loader is not None
    module = importlib.util.module_from_spec(plugin)
    sys.modules[name] = module
    plugin.loader.exec_module(module)


variant: Registry[Any] = Registry("variant", "variants")
"""The registry of variants: entries are subclasses of Network or Reference (:mod:`variants.method`)."""
