"""Freed memory stays inside the process once asked to: measured by the system's own count of page faults."""

import subprocess
import sys

import pytest

CHURN = """
import resource, sys
import numpy as np
from variants.memory import keep_freed_memory

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
