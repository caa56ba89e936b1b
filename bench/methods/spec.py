"""What a user writes for a method: ``[NAME=]VARIANT[@SEED]`` or ``[NAME=]KIND:ARGUMENT[?key=value&…]``."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from bench.datasets.name_pattern import split_pattern
from bench.methods.keys import Keys, parse_keys
from variants.errors import UnknownName

KINDS = ("torchscript", "onnx", "python", "predictions")
"""Kinds of methods that come from outside. All but ``predictions`` run code of the user's choosing."""


NOTHING = Keys()


@dataclass(frozen=True)
class Spec:
    """A SPEC in its parts. kind: empty for a variant, named with its seed by ``argument``. name: empty unless given.
    pattern: how the files of ``predictions:`` are called, see :mod:`bench.datasets.name_pattern`."""

    kind: str
    argument: str
    keys: Keys = NOTHING
    name: str = ""
    pattern: str = ""

    def __str__(self) -> str:
        name = f"{self.name}=" if self.name else ""
        if not self.kind:
            return name + self.argument
        keys = f"name={self.pattern}" if self.pattern else str(self.keys)
        return f"{name}{self.kind}:{self.argument}" + (f"?{keys}" if keys else "")

    def adding(self, keys: Keys) -> Spec:
        """The same with ``keys`` said as well, which win."""
        return replace(self, keys=keys.or_else(self.keys))


def parse_spec(text: str) -> Spec:
    """Raises UnknownName for another kind or no file, ExternalError for wrong keys. Asks only whether files exist."""
    match = re.match(r"([A-Za-z0-9_][A-Za-z0-9_.-]*)=(?=.)", text)
    name = match[1] if match else ""
    rest = text[match.end() :] if match else text
    kind, colon, argument = rest.partition(":")
    if not colon:
        return Spec("", rest, name=name)
    if kind not in KINDS:
        given, equals, rest = kind.rpartition("=")
        if equals and rest in KINDS:
            raise UnknownName(
                f"'{given}' in '{text}' cannot be a method's name: use letters and digits without accents, and _ . -"
            )
        kinds = ", ".join(f"{known}:" for known in KINDS)
        raise UnknownName(f"unknown kind of method '{kind}:' in '{text}': choose from {kinds} or a variant's name")
    pattern = ""
    if kind == "predictions":
        argument, pattern = split_pattern(argument)
    file, keys = split_keys(argument)
    if not file:
        raise UnknownName(f"'{text}' names no file: write {kind}:FILE")
    if kind == "predictions":
        if keys:
            raise UnknownName(f"'{text}' has keys, but finished pictures take only name=: write predictions:{file}")
        return Spec(kind, file, NOTHING, name, pattern)
    return Spec(kind, file, parse_keys(keys, text) if keys else NOTHING, name)


def split_keys(argument: str) -> tuple[str, str]:
    """``FILE?keys`` in two. A file whose own name holds a ``?`` is found by being there."""
    if "?" not in argument or there(argument):
        return argument, ""
    cuts = [match.start() for match in re.finditer(r"\?", argument)]
    cut = next((place for place in reversed(cuts) if there(argument[:place])), cuts[-1])
    return argument[:cut], argument[cut + 1 :]


def there(argument: str) -> bool:
    """Whether a file or folder of that name exists; of ``FILE.py:FUNCTION`` the file is meant."""
    file = argument.rpartition(":")[0] if re.search(r"\.py:\w+$", argument) else argument
    return Path(file).expanduser().exists()
