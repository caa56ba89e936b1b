"""Importing large libraries beside other work."""

from __future__ import annotations

import atexit
import contextlib
import importlib
import os
import threading
from collections.abc import Sequence

_awaited: list[threading.Thread] = []


def import_early(names: Sequence[str], daemon: bool = False) -> None:
    """Import these modules in a thread, so that they are there when they are needed; one that cannot be imported is
    left to whoever needs it. daemon: the program may end before they are there.

    >>> import_early(["json", "not_installed"])
    """

    def work() -> None:
        for name in names:
            with contextlib.suppress(Exception):
                importlib.import_module(name)

    thread = threading.Thread(target=work, name="imports", daemon=True)
    thread.start()
    if not daemon:
        _awaited.append(thread)
        atexit.register(thread.join)


def leave_imports(code: int) -> None:
    """Have the process end with this exit code at once, though modules are still being imported: seconds
    after a Ctrl-C or an error nobody waits for them, and Python cannot end soundly in the midst of them."""
    if any(thread.is_alive() for thread in _awaited):
        atexit.register(lambda: os._exit(code) if any(thread.is_alive() for thread in _awaited) else None)
