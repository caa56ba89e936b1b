"""The examples in docstrings give what they say."""

from __future__ import annotations

import doctest
import importlib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
MODULES = [
    ".".join(file.relative_to(ROOT).with_suffix("").parts)
    for package in ("bench", "variants")
    for file in sorted((ROOT / package).rglob("*.py"))
    if ">>> " in file.read_text(encoding="utf-8")
]


def examples(module: ModuleType) -> Iterator[doctest.DocTest]:
    """All of a module; doctest by itself passes over those of cached properties."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    yield from finder.find(module)
    for name, thing in vars(module).items():
        if isinstance(thing, type) and thing.__module__ == module.__name__:
            for own, value in vars(thing).items():
                if isinstance(value, cached_property):
                    yield from finder.find(value.func, f"{module.__name__}.{name}.{own}", module)


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_of_a_file_are_right(module: str) -> None:
    runner = doctest.DocTestRunner()
    for example in examples(importlib.import_module(module)):
        runner.run(example)
    assert runner.tries and not runner.failures, "the output above shows what differs"
