"""File names that other tools give: ``DIR?name=case{id}_output.png`` says how a file of a picture is called."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from bench.datasets.pictures import SUFFIXES
from bench.util.errors import UsageError


def split_pattern(argument: str) -> tuple[str, str]:
    """``DIR?name=PATTERN`` in two; a folder whose own name holds that is found by being there.

    Raises UsageError for a pattern without an id.
    """
    folder, mark, pattern = argument.partition("?name=")
    if not mark or Path(argument).expanduser().is_dir():
        return argument, ""
    return folder, checked(pattern)


def checked(pattern: str) -> str:
    """The pattern as it is; raises UsageError unless it holds ``{id}`` once."""
    if pattern.count("{id}") != 1:
        raise UsageError(f"name={pattern} must hold {{id}} once, where the id stands: name=case{{id}}_output.png")
    return pattern


def named(pattern: str, image_id: str) -> str:
    """The path of a picture's file without its suffix; ``{id}`` is the last part of the id, whose folders stay."""
    if not pattern:
        return image_id
    path = PurePosixPath(image_id)
    name = pattern.replace("{id}", path.name)
    suffix = PurePosixPath(name).suffix
    stem = name[: -len(suffix)] if suffix.lower() in SUFFIXES else name
    return stem if str(path.parent) == "." else f"{path.parent}/{stem}"


def id_in(pattern: str, path: str) -> str | None:
    """The id that a file's path holds under ``pattern``, with its folders; None for a file that is called otherwise.

    A pattern with a picture's suffix asks for that suffix, one without it takes any.
    """
    file = PurePosixPath(path)
    suffix = PurePosixPath(pattern).suffix
    before, _, after = pattern.partition("{id}")
    if suffix.lower() in SUFFIXES:
        if file.suffix.lower() != suffix.lower():
            return None
        after = after[: -len(suffix)]
    name = file.stem
    found = name[len(before) : len(name) - len(after)]
    if not found or before + found + after != name:
        return None
    return found if str(file.parent) == "." else f"{file.parent}/{found}"
