"""Freed memory stays inside the process once asked to: measured by the system's own count of page faults."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from variants import keep_freed_memory

CHURN = """
import resource, sys
import numpy as np
from variants.keep_freed_memory import keep_freed_memory

if sys.argv[1] == "kept":
    assert keep_freed_memory()
def churn():
    for _ in range(50):
        np.ones((8, 1 << 20), np.uint8)
churn()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
churn()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mallopt is glibc's")
def test_freed_blocks_are_faulted_in_again_every_step():
    kept, returned = (
        int(subprocess.run([sys.executable, "-c", CHURN, how], capture_output=True, text=True, check=True).stdout)
        for how in ("kept", "returned")
    )
    # 50 blocks of 8 MiB are 102,400 pages of 4 KiB; huge pages and malloc's own adapting may lower the count.
    assert kept < 100
    assert kept <= returned


@pytest.mark.parametrize(
    ("answer", "platform", "listened"), [(1, "linux", True), (0, "linux", False), (1, "darwin", False)]
)
def test_glibc_is_told_what_to_keep(monkeypatch, answer, platform, listened):
    told = []

    def mallopt(option: int, value: int) -> int:
        told.append((option, value))
        return answer

    monkeypatch.setattr(keep_freed_memory.sys, "platform", platform)
    monkeypatch.setattr(keep_freed_memory.ctypes, "CDLL", lambda name: SimpleNamespace(mallopt=mallopt))
    assert keep_freed_memory.keep_freed_memory() is listened
    # malloc.h: M_MMAP_MAX is -4, M_TRIM_THRESHOLD -1, M_TOP_PAD -2.
    wanted = [(-4, 0), (-1, 2**31 - 1), (-2, 64 * 1024 * 1024)]
    assert told == (wanted if listened else wanted[:1] if platform == "linux" else [])


def test_a_c_library_that_cannot_be_told_is_left_alone(monkeypatch):
    monkeypatch.setattr(keep_freed_memory.ctypes, "CDLL", lambda name: SimpleNamespace())
    assert keep_freed_memory.keep_freed_memory() is False
