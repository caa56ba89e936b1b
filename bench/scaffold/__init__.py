"""``bench new``: a plug-in file that works, and the test that it passes, to begin from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from bench.util.errors import UsageError
from bench.util.files import write_text

KINDS = ("variant", "metric", "mask", "dataset")

FOLDER = Path(__file__).parent


def write_new(kind: str, name: str, folder: Path) -> tuple[Path, Path]:
    """Write NAME.py and test_NAME.py into the folder. Raises UsageError for a wrong or taken name, or a file that is
    there already."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise UsageError(f"'{name}' is not a valid name: use a-z, 0-9 and _, starting with a letter")
    known = registry_of(kind)
    if name in known.names():
        raise UsageError(f"the {known.noun} name '{name}' is taken by {known.origin(name)}: choose another")
    files = folder / f"{name}.py", folder / f"test_{name}.py"
    for file in files:
        if file.exists():
            raise UsageError(f"{file} exists: choose another name or --out")
    for file, template in zip(files, (f"{kind}.txt", f"test_{kind}.txt"), strict=True):
        text = (FOLDER / template).read_text(encoding="utf-8")
        write_text(file, text.replace("NAME", name).replace("LABEL", name.replace("_", " ")))
    return files


def registry_of(kind: str) -> Any:
    """The registry that a new plug-in of this kind enters; only that one's module is imported."""
    if kind == "variant":
        from variants.registry import variant as found
    elif kind == "metric":
        from bench.metrics.registry import metric as found
    elif kind == "mask":
        from bench.masks.registry import mask as found
    else:
        from bench.datasets.registry import dataset as found
    return found
