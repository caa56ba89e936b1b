"""Keeping libraries from fetching files by themselves: what they ask for is noted and refused at once, unsaid."""

from __future__ import annotations

import logging
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any


class Refused(OSError):
    """A download that this process does not make by itself."""


@contextmanager
def no_downloads() -> Iterator[list[str]]:
    """Within it this thread reaches nothing and prints nothing; the list fills with the addresses that were asked for.

    Libraries say that they download before they ask, and warn of what they did not get: whoever asks here says it.
    """
    wanted: list[str] = []
    here = threading.get_ident()

    def guarded(real: Any, address: Any) -> Any:
        def call(*args: Any, **options: Any) -> Any:
            if threading.get_ident() != here:
                return real(*args, **options)
            wanted.append(str(address(*args)))
            raise Refused(f"{wanted[-1]} is not fetched")

        return call

    with ExitStack() as stack:
        # By name where torch and whoever uses its loader ask for a file; by host for all others.
        import torch.hub

        asked = guarded(torch.hub.urlopen, lambda request, *_: getattr(request, "full_url", request))  # type: ignore[attr-defined]
        stack.enter_context(replaced(torch.hub, "urlopen", asked))
        stack.enter_context(replaced(socket, "getaddrinfo", guarded(socket.getaddrinfo, lambda host, *_: host)))
        connect = guarded(socket.socket.connect, lambda _, address, *__: address)
        stack.enter_context(replaced(socket.socket, "connect", connect))
        # It would try again and again otherwise.
        hub = sys.modules.get("huggingface_hub.constants")
        if hub is not None:
            stack.enter_context(replaced(hub, "HF_HUB_OFFLINE", True))
        for name in ("stdout", "stderr"):
            stack.enter_context(_muted(name, here))
        # Handlers may hold the streams that were there before.
        stack.callback(logging.disable, logging.root.manager.disable)
        logging.disable(logging.CRITICAL)
        yield wanted


class _Muted:
    """A stream to which one thread writes in vain, until ``over``: a handler that was made within may keep it."""

    def __init__(self, stream: Any, thread: int) -> None:
        self.stream, self.thread, self.over = stream, thread, False

    def write(self, text: str) -> int:
        """Write what another thread has to say."""
        muted = not self.over and threading.get_ident() == self.thread
        return len(text) if muted else self.stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


@contextmanager
def _muted(name: str, thread: int) -> Iterator[None]:
    """``sys.stdout`` or ``sys.stderr`` without what the thread prints."""
    quiet = _Muted(getattr(sys, name), thread)
    with replaced(sys, name, quiet):
        try:
            yield
        finally:
            quiet.over = True


@contextmanager
def replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    """The attribute is ``value`` within, and what it was thereafter."""
    kept = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, kept)
