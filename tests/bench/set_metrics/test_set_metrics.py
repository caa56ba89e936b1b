"""FID, P-IDS and U-IDS of features: hand cases, torch-fidelity's own formula, scikit-learn directly."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bench.set_metrics.features import Features
from bench.set_metrics.fid import fid
from bench.set_metrics.ids import judged, p_ids, u_ids
from bench.set_metrics.inception import extract
from bench.set_metrics.registry import set_metric, split_names


def column(*values: float) -> np.ndarray:
    return np.array(values, np.float32)[:, None]


def clouds(n: int, d: int, m: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n * d)
    mix = rng.normal(size=(d, d)) / d**0.5
    a, b = rng.normal(size=(n, d)), rng.normal(size=(m or n, d)) @ mix + 0.1
    return a.astype(np.float32), b.astype(np.float32)


def test_fid_of_one_feature_is_the_distance_of_two_normals():
    # Means 1 and 6, variances 2 and 8: (6 - 1)² + (√8 - √2)² = 25 + 2.
    assert fid(Features(column(0, 2), column(4, 8))) == pytest.approx(27)


def test_fid_of_the_same_set_is_nothing_and_never_below():
    a, _ = clouds(20, 64)
    assert 0 <= fid(Features(a, a.copy())) < 1e-9


@pytest.mark.parametrize(("n", "d"), [(5, 48), (47, 48), (48, 48), (300, 48)])
def test_fid_is_torch_fidelitys_with_more_and_with_fewer_pictures_than_features(n, d):
    from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_features_to_statistics, fid_statistics_to_metric

    a, b = clouds(n, d)
    stats = [fid_features_to_statistics(torch.from_numpy(side).double()) for side in (a, b)]
    expected = fid_statistics_to_metric(*stats, verbose=False)[KEY_METRIC_FID]
    assert fid(Features(a, b)) == pytest.approx(expected, rel=1e-5)


def test_separable_features_fool_nobody():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(30, 4)).astype(np.float32), rng.normal(size=(30, 4)).astype(np.float32)
    features = Features(a + 20, b - 20)
    assert (u_ids(features), p_ids(features)) == (0, 0)


def test_fills_like_their_truths_are_told_apart_half_the_time_and_never_beat_them():
    a, _ = clouds(40, 4)
    features = Features(a, a.copy())
    assert u_ids(features) == pytest.approx(0.5)
    assert p_ids(features) == 0


def test_a_fill_that_changes_places_with_its_truth_counts_as_one_pair_and_two_mistakes():
    # Mirrored about 0, so the classifier's border is 0: the last truth lies on the fills' side and the other way.
    features = Features(column(2, 2, 2, -1), column(-2, -2, -2, 1))
    assert (u_ids(features), p_ids(features)) == (0.25, 0.25)


def test_pairs_are_told_from_shares_by_a_fill_on_its_own_side_that_still_beats_its_truth():
    # The last fill (-1) is rightly called a fill but looks more real than its own truth (-3).
    features = Features(column(3, 3, 3, 3, -3), column(-3, -3, -3, -3, -1))
    assert p_ids(features) == pytest.approx(1 / 5)
    assert u_ids(features) == pytest.approx(1 / 10)


def test_ids_are_what_scikit_learn_gives_for_the_papers_definition():
    from sklearn.svm import LinearSVC

    a, b = clouds(200, 12)
    x, y = np.vstack([a, b]).astype(np.float64), np.array([1] * 200 + [0] * 200)
    machine = LinearSVC(dual=False).fit(x, y)
    features = Features(a, b)
    assert u_ids(features) == pytest.approx(1 - machine.score(x, y))
    assert p_ids(features) == np.mean(machine.decision_function(x[200:]) > machine.decision_function(x[:200]))
    assert 0.05 < u_ids(features) < 0.5
    for found, expected in zip(judged(features), np.split(machine.decision_function(x), 2), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_what_lies_on_the_border_is_no_truth_and_a_tie_no_win():
    # The classifier says truth above 0: a truth at 0 is mistaken, a fill at 0 is not.
    found = np.array([2.0, 0.0, -1.0, 3.0]), np.array([2.0, 0.0, -0.5, 1.0])
    features = Features(column(0), column(0), {judged: found})
    assert u_ids(features) == 4 / 8  # truths 0 and -1, fills 2 and 1
    assert p_ids(features) == 1 / 4  # -0.5 over -1


def test_the_classifier_is_fitted_once_for_both_columns(monkeypatch):
    import sklearn.svm

    a, b = clouds(30, 3)
    features = Features(a, b)
    first = p_ids(features)
    monkeypatch.delattr(sklearn.svm, "LinearSVC")
    u_ids(features)
    assert p_ids(features) == first


def test_features_are_the_networks_first_output_of_pictures_with_channels_first():
    seen = []

    def network(pictures):
        seen.append(pictures)
        return pictures.float().mean((2, 3)), "probabilities"

    pictures = np.random.default_rng(0).integers(0, 256, (2, 5, 7, 3), dtype=np.uint8)
    found = extract(network, pictures[:, :, ::-1], "cpu")
    assert seen[0].dtype == torch.uint8
    np.testing.assert_array_equal(seen[0].numpy(), pictures[:, :, ::-1].transpose(0, 3, 1, 2))
    np.testing.assert_allclose(found, pictures.mean(axis=(1, 2)), rtol=1e-5)


def test_set_metrics_are_declared_as_their_papers_define_them() -> None:
    import math

    facts = {n: (m.direction, m.range, m.region, m.version, m.decimals, m.rank) for n, m in set_metric.all().items()}
    assert facts == {
        "coverage": ("higher", (0, 1), "image", 1, None, None),
        "density": ("higher", (0, math.inf), "image", 1, None, None),
        "precision": ("higher", (0, 1), "image", 1, None, None),
        "recall": ("higher", (0, 1), "image", 1, None, None),
        "kid": ("lower", (-math.inf, math.inf), "image", 1, 4, None),
        "kid_error": ("lower", (0, math.inf), "image", 1, 4, None),
        "fd_dinov2": ("lower", (0, math.inf), "image", 1, 2, None),
        "fid": ("lower", (0, math.inf), "image", 1, 2, 9),
        "p_ids": ("higher", (0, 1), "image", 1, None, None),  # a share of pairs
        "u_ids": ("higher", (0, 0.5), "image", 1, None, None),  # guessing is wrong half the time
    }


def test_classifiers_are_not_fitted_again_for_intervals_and_an_error_has_none() -> None:
    assert {name for name, entry in set_metric.all().items() if not entry.resampled} == {"kid_error", "p_ids", "u_ids"}


def test_names_are_split_into_those_of_pictures_and_those_of_sets_each_once_and_in_order() -> None:
    assert split_names(["ssim", "u_ids", "nonsense", "fid", "ssim"]) == (["ssim", "nonsense"], ["u_ids", "fid"])
