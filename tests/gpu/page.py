"""The Markdown that a part writes while it measures: whatever is known is on disk and on the terminal at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Page:
    """Paragraphs and tables, appended to ``file`` and printed with the seconds since ``began``.

    ends: the time, as ``time.time`` tells it, at which a part should be through. out: where other files go.
    """

    def __init__(self, file: Path, ends: float, out: Path) -> None:
        self.file, self.out = file, out
        self.began, self.ends = time.time(), ends
        self.in_table = False
        file.write_text("", encoding="utf-8")

    @property
    def left(self) -> float:
        """Seconds until the end."""
        return self.ends - time.time()

    def put(self, line: str) -> None:
        with self.file.open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")
        print(f"[{time.time() - self.began:5.1f} s] {line}", flush=True)

    def say(self, text: str) -> None:
        """A paragraph."""
        self.put(f"\n{text}" if self.file.stat().st_size else text)
        self.in_table = False

    def table(self, *head: str, words: int = 1) -> None:
        """Begin a table whose first ``words`` columns are words, the others numbers."""
        self.say("| " + " | ".join(head) + " |")
        self.put("|" + " --- |" * words + " ---: |" * (len(head) - words))
        self.in_table = True

    def row(self, *cells: Any) -> None:
        self.put("| " + " | ".join(text(cell) for cell in cells) + " |")

    @contextmanager
    def attempt(self, what: str) -> Iterator[None]:
        """What fails inside becomes one line, and the rest goes on."""
        try:
            yield
        except Exception as error:
            import traceback

            traceback.print_exc()
            first = (str(error).strip().splitlines() or [""])[0][:200]
            told = f"{what} failed: {type(error).__name__}: {first}"
            self.put(f"| {told} |") if self.in_table else self.say(told)


def text(cell: Any) -> str:
    """Numbers with three digits, words as they are."""
    if isinstance(cell, float):
        return "–" if cell != cell else f"{cell:,.0f}" if abs(cell) >= 100 else f"{cell:.3g}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)
