"""How many threads the libraries that scoring calls may use."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def threads(count: int) -> Iterator[int]:
    """OpenCV and torch (where it is loaded) compute with ``count`` threads for the length of a ``with`` block; gives
    how many torch had before. OpenCV keeps one."""
    import cv2

    torch = sys.modules.get("torch")
    before = torch.get_num_threads() if torch else 1
    of_opencv = cv2.getNumThreads()
    cv2.setNumThreads(1)
    if torch:
        torch.set_num_threads(count)
    try:
        yield before
    finally:
        cv2.setNumThreads(of_opencv)
        if torch:
            torch.set_num_threads(before)
