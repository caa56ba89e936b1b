"""Several data sets in one suite, each with masks of its own: ``--suite FILE.toml``.

::

    [faces]                                # the name in tables and records
    data = "folder:celeba"                 # paths begin at the file's folder
    masks = "folder:celeba_masks"          # or a list
    mask_polarity = "black"
    size = 256

    [places]
    data = "places365:~/places365"
    masks = ["lama_thick", "rect"]
    count = 1000

Further keys: ``mask_threshold``, ``split``. ``lama:`` and ``suite:`` bring their masks. A profile holds entries as JSON
texts (``suite_entries``), so that a run tells them whole.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from bench.datasets.registry import dataset, is_own
from bench.suites.hole_file import Reading
from bench.util.errors import UsageError
from bench.util.files import file_safe
from variants.registry import suggest


@dataclass(frozen=True)
class Entry:
    """A data set of a suite and its masks. split: ``test``, or ``all`` of pictures of the user's own."""

    name: str
    data: str
    masks: str
    mask_polarity: str = "white"
    mask_threshold: int | None = None
    size: int | None = None
    count: int | None = None
    split: str = "test"

    @property
    def reading(self) -> Reading:
        """How its hole files are read."""
        return Reading(self.mask_polarity, self.mask_threshold)

    def text(self) -> str:
        """As JSON, in a fixed order of keys."""
        return json.dumps(asdict(self))


def entries_in(texts: Sequence[str]) -> list[Entry]:
    """The entries that a profile holds."""
    return [Entry(**json.loads(text)) for text in texts]


def read_suite_file(file: Path, trained_on: Sequence[str] = ()) -> list[Entry]:
    """The entries of a suite file, their paths made whole.

    trained_on: specs whose held-out pictures alone are scored. Raises UsageError for a file that is none, a wrong key
    or value, or two names that would be one file.
    """
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageError(f"--suite {file} cannot be read ({error.strerror}): name a TOML file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"--suite {file} is not valid TOML: {error}") from error
    if not tables:
        raise UsageError(f"--suite {file} names no data set: it needs a table [NAME] with data and masks")
    entries: list[Entry] = []
    for name, table in tables.items():
        where = f"--suite {file}: [{name}]"
        if not isinstance(table, dict):
            raise UsageError(f"--suite {file}: {name} stands outside a table: write [NAME] above it")
        if not re.fullmatch(r"[\w.-]+", name) or name == "all":
            raise UsageError(f"{where} must be named by letters, digits, '.', '-' and '_'")
        twin = next((e.name for e in entries if file_safe(e.name).casefold() == file_safe(name).casefold()), None)
        if twin:
            raise UsageError(f"{where} and [{twin}] would be one file: rename one of them")
        entries.append(read_entry(name, table, where, file.absolute().parent, trained_on))
    return entries


KINDS: dict[str, type] = {
    "data": str, "masks": str, "mask_polarity": str, "mask_threshold": int, "size": int, "count": int, "split": str,
}  # fmt: skip


def read_entry(name: str, table: dict[str, Any], where: str, base: Path, trained_on: Sequence[str]) -> Entry:
    """An entry of the file's table, checked. Raises UsageError or UnknownName."""
    values = dict(table)
    for key, value in values.items():
        if key not in KINDS:
            raise suggest(f"key of {where}", key, KINDS)
        if key == "masks" and isinstance(value, list):
            values[key] = ",".join(map(str, value))
        elif not isinstance(value, KINDS[key]) or isinstance(value, bool):
            raise UsageError(f"{where}: {key} = {value!r} is not {'a text' if KINDS[key] is str else 'a whole number'}")
    if "data" not in values:
        raise UsageError(f'{where} names no pictures: add data = "folder:DIR"')
    values["data"] = below(base, values["data"])
    kind, _, argument = values["data"].partition(":")
    if kind not in dataset.names():
        raise suggest(dataset.noun, kind, dataset.names())
    if "masks" in values:
        values["masks"] = ",".join(below(base, part.strip()) for part in values["masks"].split(","))
    elif kind in ("lama", "suite"):
        values["masks"] = f"folder:{argument}"
    else:
        raise UsageError(f'{where} names no masks: add masks = "rect", "folder:DIR" or the like')
    whole = is_own(values["data"]) and values["data"] not in trained_on
    entry = Entry(name=name, **{"split": "all" if whole else "test", **values})
    for key in ("size", "count"):
        number = getattr(entry, key)
        if number is not None and number < 1:
            raise UsageError(f"{where}: {key} = {number} must be at least 1")
    assert entry.reading and {field.name for field in fields(Entry)} == {"name", *KINDS}
    return entry


def below(base: Path, spec: str) -> str:
    """``KIND:PATH`` with a path that begins at ``base``; a spec without a path as it is."""
    kind, colon, argument = spec.partition(":")
    masks = kind in ("folder", "pool")
    if not colon or not argument or not (masks or kind == "suite" or getattr(opener_of(kind), "takes_path", False)):
        return spec
    return f"{kind}:{(base / Path(argument).expanduser()).resolve()}"


def opener_of(kind: str) -> Any:
    """What opens a kind of data, None where there is no such kind."""
    return dataset.get(kind) if kind in dataset.names() else None
