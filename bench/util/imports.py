"""Importing large libraries beside other work."""

from __future__ import annotations

import contextlib
import importlib
import threading
from collections.abc import Sequence


def import_early(names: Sequence[str], daemon: bool = False) -> None:
    """Import these modules in a thread, so that they are there when they are needed; one that is not installed is left
    to whoever needs it. daemon: the program may end before they are there.

    >>> import_early(["json", "not_installed"])
    """

    def work() -> None:
        for name in names:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)

    threading.Thread(target=work, name="imports", daemon=daemon).start()
