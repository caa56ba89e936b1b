"""One way in for files: whatever goes wrong while F is read becomes ``F cannot be read as WHAT: WHY; REMEDY``.

Only regular files are opened (a named pipe would wait for ever, a device has no end), and only up to a size that a
file of that kind can sensibly have.
"""

from __future__ import annotations

import contextlib
import json
import stat
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.util.errors import BenchError
from bench.util.paths import Outside
from variants.errors import VariantError

LIMIT_MIB = 512
"""The largest file of text that is read: a summary of a thousand methods has a tenth of that."""


class Unfit(Exception):
    """What is in a file, or the file itself, is not what it should be; the message is the WHY of the sentence."""


@contextlib.contextmanager
def reading(
    file: Path, what: str, remedy: str = "", error: type[BenchError] = BenchError, limit_mib: float | None = LIMIT_MIB
) -> Iterator[None]:
    """For whatever reads ``file``, which is to be ``what``. Raises ``error`` that names the file for every failure but
    those that are sentences already."""
    try:
        require_regular(file, limit_mib)
        yield
    except (BenchError, VariantError):
        raise
    except Exception as failure:
        ending = f"; {remedy}" if remedy else ""
        raise error(f"{file} cannot be read as {what}: {why(failure)}{ending}") from failure


def require_regular(file: Path, limit_mib: float | None = LIMIT_MIB) -> None:
    """Raises Unfit for what is no regular file or larger than the limit, OSError for what cannot be looked at."""
    try:
        status = file.stat()
    except ValueError as error:  # a NUL in the name
        raise Unfit("no file can have that name") from error
    if stat.S_ISDIR(status.st_mode):
        raise Unfit("it is a folder")
    if not stat.S_ISREG(status.st_mode):
        raise Unfit("it is not a regular file")
    if limit_mib is not None and status.st_size > limit_mib * 2**20:
        raise Unfit(f"it has {status.st_size / 2**20:,.0f} MiB, and at most {limit_mib:,.0f} MiB make sense")


def why(error: Exception) -> str:
    """What went wrong, in words for whoever knows no Python; of unknown failures that it is damaged."""
    if isinstance(error, Unfit | Outside):
        return str(error)
    if isinstance(error, FileNotFoundError):
        return "it does not exist"
    if isinstance(error, json.JSONDecodeError):
        return f"it is not valid JSON ({error.msg}, line {error.lineno})"
    if isinstance(error, tomllib.TOMLDecodeError):
        return f"it is not valid TOML ({error})"
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text"
    if isinstance(error, KeyError):
        return f"it lacks '{error.args[0] if error.args else ''}'"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, MemoryError):
        return "it does not fit into memory"
    # Libraries raise OSError for damage too, with no error number or a long text.
    if isinstance(error, OSError) and error.errno and error.strerror:
        return error.strerror[:1].lower() + error.strerror[1:]
    return "it is damaged, or of another kind"


def read_json(file: Path, what: str, remedy: str = "", error: type[BenchError] = BenchError) -> Any:
    """The JSON in ``file``. Raises ``error``."""
    with reading(file, what, remedy, error):
        return json.loads(file.read_text(encoding="utf-8"))


def read_object(file: Path, what: str, remedy: str = "", error: type[BenchError] = BenchError) -> dict[str, Any]:
    """The JSON object in ``file``. Raises ``error``."""
    with reading(file, what, remedy, error):
        found = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            raise Unfit("it is not a JSON object")
        return found
