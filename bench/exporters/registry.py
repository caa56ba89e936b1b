"""The registry of export formats: one file a format, all from the same finished results.

A format is a subclass of :class:`Exporter` that says which suffix files of it have and writes what it can::

    @exporter("markdown")
    class Markdown(Exporter):
        suffix = ".md"

        def comparison(self, comparison: Comparison, every: bool = False) -> str: ...
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from bench.util.errors import UsageError
from bench.util.files import require_writable
from bench.util.words import first_sentence
from variants.registry import Registry

if TYPE_CHECKING:
    from bench.comparison.compare import Comparison
    from bench.gate.verdict import Check
    from bench.runs.reader import Run


class Exporter:
    """One format. Each method gives the text of one kind of result; a kind that a format has no form for raises
    NotImplementedError."""

    suffix: ClassVar[str] = ""

    @classmethod
    def summary(cls) -> str:
        """The first sentence of its docstring, or of its file's."""
        return first_sentence(cls.__dict__.get("__doc__") or sys.modules[cls.__module__].__doc__)

    def comparison(self, comparison: Comparison, every: bool = False) -> str:
        """Differences between sides; every: metrics without a rank too."""
        raise NotImplementedError

    def check(self, check: Check, strict: bool = False) -> str:
        """The verdict of a gate; strict: undecided lines fail."""
        raise NotImplementedError

    def scores(self, run: Run) -> str:
        """The mean scores of a run."""
        raise NotImplementedError


exporter: Registry[type[Exporter]] = Registry(
    "exporter",
    "bench.exporters",
    "export format",
    wanted="a subclass of Exporter",
    fits=lambda entry: isinstance(entry, type) and issubclass(entry, Exporter),
)


def formats() -> dict[str, type[Exporter]]:
    """The formats by the suffix of their files."""
    return {entry.suffix: entry for entry in exporter.all().values() if entry.suffix}


def chosen(files: Sequence[Path], kind: str) -> list[tuple[Path, Exporter]]:
    """Each file with the format that its suffix names, which must have a form for ``kind`` (a method's name).

    Raises UsageError for a suffix that no format has, BenchError for a place that cannot be written: before anything
    is measured.
    """
    found = []
    for file in files:
        known = {s: entry for s, entry in formats().items() if getattr(entry, kind) is not getattr(Exporter, kind)}
        entry = known.get(file.suffix.lower())
        if entry is None:
            raise UsageError(f"--export {file}: unknown format '{file.suffix}'. Use {', '.join(sorted(known))}.")
        if file.is_dir():
            raise UsageError(f"--export {file} is a folder. Name a file.")
        require_writable(file.parent)
        found.append((file, entry()))
    return found
