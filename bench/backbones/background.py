"""Fetching a backbone beside other work: asked once, given up where nobody answers, waited for when it is needed."""

from __future__ import annotations

import os
import threading
import time

from bench.backbones.backbone import Backbone, WeightsError, user_folder
from bench.backbones.catalogue import address
from bench.util.download import DownloadError, download, length, shown
from bench.util.progress import Reporter, say

ANSWER_S = 5.0
"""Without an answer for so long, the machine counts as offline."""

GRACE_S = 120.0
"""How long scoring waits for a download that is still going on."""

ENV = "BENCH_OFFLINE"


def is_offline(flag: bool = False) -> bool:
    """Whether nothing may be asked of the network: ``--offline`` or BENCH_OFFLINE=1."""
    return flag or os.environ.get(ENV, "").strip() not in ("", "0")


class GivenUp(Exception):
    """Nobody waits for the download any more."""


class Fetch:
    """A download to where backbones are kept, in a thread of its own; what comes of it is said in a line."""

    def __init__(self, which: Backbone) -> None:
        self.which = which
        self.url, file, self.prefix = address(which)
        self.target = user_folder() / file
        self.seen = (length(self.target.with_name(f"{file}.part")), 0, "")
        self._answered = threading.Event()
        self._ended = threading.Event()
        self._given_up = threading.Event()
        for work in (self._run, self._watch):
            threading.Thread(target=work, name=f"fetch {which.name}", daemon=True).start()

    def wait(self, seconds: float = GRACE_S) -> bool:
        """Wait until it has ended, ``seconds`` at most; whether the file is there. What has come is kept."""
        end = time.monotonic() + seconds
        with Reporter("fetch") as reporter:
            report = shown(reporter, self.which.name)
            while not self._ended.wait(0.2) and time.monotonic() < end and not self._given_up.is_set():
                if any(self.seen):
                    report(*self.seen)
        if not self._ended.is_set() and not self._given_up.is_set():
            self._give_up(
                f"the {self.which.name} backbone is not complete after {seconds:.0f} s more: continuing without it; "
                "the partial download is kept, and the same command resumes it"
            )
        return self.target.is_file()

    def _give_up(self, why: str) -> None:
        self._given_up.set()
        say(f"note: {why}")

    def _watch(self) -> None:
        end = time.monotonic() + ANSWER_S
        while time.monotonic() < end and not self._ended.is_set():
            if self._answered.wait(0.05):
                return
        if not self._ended.is_set():
            self._give_up(
                f"no answer from {self.url.split('/')[2]} within {ANSWER_S:.0f} s, so this machine counts as offline: "
                f"{self.which.scores} stay empty"
            )

    def _run(self) -> None:
        try:
            download(self.url, self.target, self.prefix, self._hear)
            say(f"the {self.which.name} backbone is ready: {self.target}")
        except GivenUp:
            pass
        except (DownloadError, WeightsError, OSError) as error:
            if not self._given_up.is_set():
                what = error.what if isinstance(error, DownloadError) else error
                self._give_up(
                    f"the {self.which.name} backbone could not be fetched ({what}); retry with "
                    f"'bench weights fetch {self.which.name}'"
                )
        finally:
            self._ended.set()

    def _hear(self, done: int, total: int, waits: str) -> None:
        # Headers alone are no answer: a proxy may send them for a host that it cannot reach.
        if done > self.seen[0]:
            self._answered.set()
        self.seen = (done, total, waits)
        if self._given_up.is_set() and not waits:
            raise GivenUp
