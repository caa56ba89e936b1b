"""Which methods share a place, from the rounds that each was timed in."""

from __future__ import annotations

import pandas as pd

from bench.throughput.ranking import ranks


def test_methods_that_no_round_tells_apart_share_a_place() -> None:
    names = ["a", "b", "c", "calibration", "d"]
    frame = pd.DataFrame({"variant": names, "images_per_s": [100, 99, 80, 500, 9]})
    frame = frame.assign(device="cpu", resolution=64, batch=8, fast=[True, True, True, True, False])
    # Every other round the machine is four times slower: medians alone tell nothing apart, rounds do.
    load = {turn: 1.0 + 3.0 * (turn % 2) for turn in range(12)}
    a = dict(load)
    b = {turn: s * (1.02 if turn % 3 else 0.97) for turn, s in load.items()}  # now slower, now faster than a
    c = {turn: s * 1.2 for turn, s in load.items()}
    found = ranks(frame, [a, b, c, a, c])
    assert found[:3].tolist() == [1, 1, 3]
    assert found[3:].isna().all()


def test_one_slower_in_as_many_rounds_as_settle_a_median_shares_the_place() -> None:
    frame = pd.DataFrame({"variant": ["a", "b"], "images_per_s": [100, 90]})
    frame = frame.assign(device="cpu", resolution=64, batch=8, fast=True)
    assert ranks(frame, [dict.fromkeys(range(6), 1.0), dict.fromkeys(range(6), 1 / 0.9)]).tolist() == [1, 2]


def test_too_few_rounds_rank_nothing() -> None:
    frame = pd.DataFrame({"variant": ["a", "b"], "images_per_s": [100, 10]})
    frame = frame.assign(device="cpu", resolution=64, batch=8, fast=True)
    assert ranks(frame, [{0: 1.0}, {0: 10.0}]).isna().all()
