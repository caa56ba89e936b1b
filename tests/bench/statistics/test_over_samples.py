"""What several fills of a hole say beside their mean, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from bench.metrics.declaration import Metric
from bench.statistics.over_samples import over_samples
from bench.statistics.scores import Tries

# Two pictures and two mask types, three samples, two columns: the second is the first plus 100.
FIRST = np.array([[[1.0, 4.0, 7.0], [2.0, 2.0, 2.0]], [[10.0, 6.0, 8.0], [-50.0, 50.0, 0.0]]])
TRIES = Tries(np.stack([FIRST, FIRST + 100], axis=-1)[None], np.array([[[5.0, 7.0], [np.nan, 90.0]]]))
INSIDE = np.array([[True, True], [True, False]])


@pytest.mark.parametrize(
    ("metric", "best"),
    [
        (Metric("psnr", direction="higher"), [7.0, 2.0, 10.0]),
        (Metric("lpips", direction="lower"), [1.0, 2.0, 6.0]),
        (Metric("seam", direction="nearest", target=5.0), [4.0, 2.0, 6.0]),
    ],
)
def test_spread_diversity_and_the_best_are_means_over_the_pictures_inside(metric: Metric, best: list[float]) -> None:
    found = over_samples(TRIES, 0, INSIDE, metric)
    # Standard deviations of n - 1: of 1, 4, 7 three, of three equal ones none, of 10, 6, 8 two.
    assert found == {
        "samples": 3,
        "spread": pytest.approx((3 + 0 + 2) / 3),
        "diversity": pytest.approx((5 + 7) / 2),
        "oracle": pytest.approx(np.mean(best)),
    }


def test_a_column_is_its_own() -> None:
    assert over_samples(TRIES, 1, INSIDE, Metric("psnr"))["oracle"] == pytest.approx(100 + (7 + 2 + 10) / 3)


def test_without_pictures_or_diversity_there_are_no_values() -> None:
    found = over_samples(TRIES, 0, np.zeros((2, 2), bool), Metric("psnr"))
    assert found.pop("samples") == 3
    assert np.isnan(list(found.values())).all() and len(found) == 3
    unasked = over_samples(TRIES, 0, np.array([[False, False], [True, False]]), Metric("psnr"))
    assert np.isnan(unasked["diversity"]) and unasked["oracle"] == 10
