"""Atomic writes: temporary file, then rename."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.util.errors import BenchError
from variants import atomic


@contextlib.contextmanager
def replacing(path: Path, durable: bool = True) -> Iterator[Path]:
    """:func:`variants.atomic.replacing`. Raises BenchError where nothing can be written there."""
    try:
        with atomic.replacing(path, durable) as temporary:
            yield temporary
    except atomic.CannotWrite as error:
        raise BenchError(str(error)) from error


def require_writable(folder: Path) -> None:
    """Raise BenchError before any work is done if ``folder`` is not writable."""
    missing = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except (OSError, ValueError) as error:
        raise BenchError(str(atomic.cannot_write(folder, error))) from error
    if missing:
        folder.rmdir()


def write_bytes(path: Path, content: bytes, durable: bool = False) -> None:
    """Replace a file's content in one step: a reader sees the old bytes or the new ones, never a part."""
    with replacing(path, durable) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """Replace a file's content with text, encoded as UTF-8, in one step as :func:`write_bytes` does."""
    write_bytes(path, utf8(content))


def utf8(content: str) -> bytes:
    """What of a file's name is not UTF-8 is escaped, \\udcff, which JSON reads back."""
    return content.encode(errors="backslashreplace")


def write_json(path: Path, value: Any) -> None:
    """Write JSON that every parser reads: NaN and infinities become null."""
    text = json.dumps(finite(value), indent=1, ensure_ascii=False) + "\n"
    write_bytes(path, utf8(text), durable=True)


def finite(value: Any) -> Any:
    """The same structure with every NaN or infinite float replaced by None."""
    if isinstance(value, dict):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if hasattr(value, "item") and not isinstance(value, str):
        value = value.item()
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value


def file_safe(name: str) -> str:
    """A data set's name as part of a file's name (``folder:holiday pictures`` holds a colon and a space)."""
    return "".join(c if c.isalnum() or c in "._" else "_" for c in name)
