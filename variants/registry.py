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
import importlib.util
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Generic, TypeVar

from variants.errors import PluginError
from variants.errors import UnknownName as UnknownName
from variants.plugins import PLUGINS_ENV, Source, an, being_loaded, entries_in, sources, text_of, warn

T = TypeVar("T")


def suggest(noun: str, name: str, names: Iterable[str]) -> UnknownName:
    """The error for a wrong name: says what was asked for and the nearest names, or all of them."""
    known = sorted(names)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"choose from {', '.join(known)}."
    return UnknownName(f"unknown {noun} '{name}': {hint}")


class Registry(Generic[T]):
    """Entries by name; ``word`` is the decorator's name in source files, ``noun`` what messages call it.

    wanted: what an entry must be, in words, and fits: whether something is that; asked of what plug-ins enter.
    """

    def __init__(
        self,
        word: str,
        package: str,
        noun: str | None = None,
        wanted: str = "a class or a function",
        fits: Callable[[Any], bool] = callable,
    ) -> None:
        self.word = word
        self.noun = noun or word
        self.package = package
        self.wanted = wanted
        self.fits = fits
        self._entries: dict[str, T] = {}
        self._sources: dict[str, Source] | None = None
        self._plugins = ""
        self._broken: dict[str, str] = {}

    def __call__(self, name: str) -> Callable[[Any], Any]:
        """Decorator: enter what follows under ``name``. Raises ValueError for a name already taken."""

        def enter(entry: Any) -> Any:
            self.add(name, entry)
            return entry

        return enter

    def add(self, name: str, entry: T) -> None:
        """Enter ``entry`` under ``name``. Raises ValueError for a bad or a taken name; a plug-in's is left out."""
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            raise ValueError(f"{self.noun} name '{name}' may contain only a-z, 0-9 and _, and must start with a letter")
        owner = self._found().get(name)
        plugin = being_loaded()
        if plugin is not None and owner is not None and not owner.holds(entry):
            warn(taken(plugin, self.noun, name, owner))
            return
        if name in self._entries and not same_definition(self._entries[name], entry):
            raise ValueError(f"the {self.noun} name '{name}' is taken by {self.origin(name)}")
        self._entries[name] = entry

    def names(self) -> list[str]:
        """Every name, sorted, without importing the modules that define them."""
        return sorted({*self._entries, *self._found()})

    def origin(self, name: str) -> str:
        """What defines ``name``, in words: a file of ours, or a plug-in."""
        source = self._found().get(name)
        return "this session" if source is None else source.what

    def plugin(self, name: str) -> Source | None:
        """The plug-in that defines ``name``; None where it is one of ours."""
        source = self._found().get(name)
        return source if source is not None and source.plugin else None

    def get(self, name: str) -> T:
        """The entry called ``name``. Raises UnknownName with the nearest names, PluginError for a broken plug-in."""
        if name not in self._entries:
            source = self._found().get(name)
            if source is None:
                raise suggest(self.noun, name, self.names())
            self._load(name, source)
        return self._entries[name]

    def all(self) -> dict[str, T]:
        """Every entry by name, importing what is not yet imported; plug-ins that are broken are told and left out."""
        found = {}
        for name in self.names():
            try:
                found[name] = self.get(name)
            except PluginError as error:
                warn(f"{error}; it is ignored")
        return found

    def _load(self, name: str, source: Source) -> None:
        """Import what defines ``name``, which enters itself, or is entered as the object of that entry point."""
        if name in self._broken:
            raise PluginError(self._broken[name])
        try:
            loaded = source.load()
            if name not in self._entries and source.entry is not None and source.entry.attr:
                self._entries[name] = loaded
            if source.plugin and name not in self._entries:
                raise PluginError(f"{source.what} registers no {self.noun} '{name}'")
            if source.plugin and not self.fits(self._entries[name]):
                entry = self._entries.pop(name)
                raise PluginError(f"{source.what}: the {self.noun} '{name}' is {an(entry)}, not {self.wanted}")
        except PluginError as error:
            self._broken[name] = str(error)
            raise

    def _found(self) -> dict[str, Source]:
        """Name -> what defines it, from the text of the package's files and of the plug-ins."""
        plugins = os.environ.get(PLUGINS_ENV, "")
        if self._sources is None or self._plugins != plugins:
            found: dict[str, Source] = {}
            for file in package_files(self.package):
                for name in entries_in(text_of(file), self.word):
                    if name in found:
                        raise ValueError(f"the {self.noun} name '{name}' is taken twice: {found[name].what} and {file}")
                    found[name] = Source(dotted(file, self.package), str(file), file)
            for name, source in sources(self.word):
                if name in found and found[name].module != source.module:
                    warn(taken(source, self.noun, name, found[name]))
                elif not re.fullmatch(r"[a-z][a-z0-9_]*", name):
                    warn(
                        f"{source.what}: the {self.noun} name '{name}' may contain only a-z, 0-9 and _, and must "
                        "start with a letter; it is ignored"
                    )
                else:
                    found[name] = source
            self._sources, self._plugins = found, plugins
        return self._sources


def taken(source: Source, noun: str, name: str, owner: Source) -> str:
    """The warning for a second definition of a name, which is ignored."""
    return f"{source.what}: the {noun} name '{name}' is taken by {owner.what}; it is ignored"


def same_definition(old: Any, new: Any) -> bool:
    """True when a module was merely imported again."""
    return getattr(old, "__qualname__", old) == getattr(new, "__qualname__", new) and getattr(
        old, "__module__", None
    ) == getattr(new, "__module__", None)


def _package_root(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    assert spec is not None and spec.submodule_search_locations, package
    return Path(next(iter(spec.submodule_search_locations)))


def package_files(package: str) -> list[Path]:
    """All modules of a package but the registry itself, sorted by path."""
    return sorted(path for path in _package_root(package).rglob("*.py") if path.name != "registry.py")


def dotted(file: Path, package: str) -> str:
    """The module's name of a file of the package."""
    return ".".join([package, *file.relative_to(_package_root(package)).with_suffix("").parts])


variant: Registry[Any] = Registry(
    "variant",
    "variants",
    wanted="a class of Network or Reference, or a function of picture and hole",
    fits=lambda entry: callable(entry) or hasattr(entry, "fill"),
)
"""The registry of variants: entries are subclasses of Network or Reference (:mod:`variants.method`)."""
