"""Columns of other libraries against a direct call of the library, to the last bit."""

from __future__ import annotations

import inspect
import math
import random
import re
import socket
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchmetrics
import torchmetrics.image

from bench.cli import listing
from bench.metrics.libraries import column, from_pyiqa
from bench.metrics.registry import metric
from bench.metrics.scorer import Scorer
from bench.util.errors import UsageError
from bench.util.no_downloads import no_downloads
from variants.registry import UnknownName

SIDE = 180
"""Over the 176 pixels that the metric of several scales asks for."""

WEIGHTS = {"LearnedPerceptualImagePatchSimilarity": "alexnet", "DeepImageStructureAndTextureSimilarity": "vgg16"}
GREY = {"PeakSignalNoiseRatioWithBlockedEffect"}
SETS = {"FrechetInceptionDistance", "KernelInceptionDistance", "MemorizationInformedFrechetInceptionDistance"}
NO_PAIR = {*SETS, "InceptionScore", "PerceptualPathLength", "TotalVariation"}
THREE_PICTURES = {"SpatialDistortionIndex", "QualityWithNoReference"}
PAIRS = sorted(
    name
    for name in torchmetrics.image.__all__
    if inspect.isclass(getattr(torchmetrics.image, name)) and name not in NO_PAIR | THREE_PICTURES
)


@pytest.fixture(autouse=True)
def no_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    column.offers.cache_clear()


@pytest.fixture(scope="module")
def pictures() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    truth = np.stack([(x * 3 + y) % 256, 128 + 90 * np.sin(x / 9 + y / 14), 255 * y / SIDE], -1)
    truth = np.clip(truth + rng.normal(0, 12, truth.shape), 0, 255).astype(np.uint8)
    hole = np.zeros((SIDE, SIDE), bool)
    hole[30:80, 40:110] = True
    hole[60:120, 90:100] = True
    filled = np.where(hole[..., None], rng.integers(0, 256, truth.shape), truth).astype(np.uint8)
    return truth, hole, filled


def tensor(picture: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(picture).permute(2, 0, 1).contiguous().unsqueeze(0).to(torch.float32) / 255


def directly(name: str, filled: np.ndarray, truth: np.ndarray) -> float:
    cls = getattr(torchmetrics.image, name)
    given: dict[str, Any] = {"data_range": 1.0} if "data_range" in inspect.signature(cls).parameters else {}
    return float(cls(**given)(tensor(filled), tensor(truth)))


def test_the_sweep_misses_no_metric_that_takes_two_pictures() -> None:
    offered = {name for name, offer in column.offers("torchmetrics").items() if offer.pair}
    assert offered == set(PAIRS) and len(PAIRS) >= 14
    listed = {name.partition(":")[2] for name in column.columns() if name.startswith("torchmetrics:")}
    assert listed == {*PAIRS, "TotalVariation"} - GREY


def test_every_image_metric_of_torchmetrics_equals_a_direct_call(pictures: tuple[np.ndarray, ...]) -> None:
    truth, hole, filled = pictures
    names = set(PAIRS) - WEIGHTS.keys() - GREY
    row = Scorer([f"torchmetrics:{name}" for name in names]).score("a", truth, hole, [filled])[0]
    for name in names:
        value = row[f"torchmetrics:{name}"]
        assert value == directly(name, filled, truth) and math.isfinite(value), name


@pytest.mark.parametrize("name", sorted(GREY))
def test_a_metric_of_grey_pictures_is_refused_as_torchmetrics_refuses_colour(
    pictures: tuple[np.ndarray, ...], name: str
) -> None:
    truth, _, filled = pictures
    with pytest.raises(ValueError, match="grayscale"):
        directly(name, filled, truth)
    for asked in (f"torchmetrics:{name}", f"torchmetrics:{name}@hole"):
        with pytest.raises(UsageError, match=f"^torchmetrics:{name} takes grey pictures only, and scores are of col"):
            Scorer([asked])


def test_summaries_are_whole_sentences_in_words() -> None:
    """By eye, of torchmetrics 1.9: without marks of links."""
    told = {name.partition(":")[2]: entry.summary for name, entry in column.columns().items()}
    assert told["PeakSignalNoiseRatio"] == "Compute Peak Signal-to-Noise Ratio (PSNR)."
    assert told["MultiScaleStructuralSimilarityIndexMeasure"].startswith("Compute MultiScaleSSIM, Multi-scale ")
    assert all(text.endswith(".") and not re.search(r"`|\w_\b(?<!_lambda)", text) for text in told.values())


def test_pictures_of_another_size_may_come_next(pictures: tuple[np.ndarray, ...]) -> None:
    truth, hole, filled = pictures
    name = "RootMeanSquaredErrorUsingSlidingWindow"
    scorer = Scorer([f"torchmetrics:{name}"])
    for cut in ((slice(0, 99), slice(3, 97)), (slice(20, 130), slice(9, 120))):
        row = scorer.score("a", truth[cut], np.ascontiguousarray(hole[cut]), [filled[cut]])[0]
        assert row[f"torchmetrics:{name}"] == directly(name, filled[cut], truth[cut])


def test_of_the_hole_the_bounding_box_is_scored_with_the_truths_known_pixels(pictures: tuple[np.ndarray, ...]) -> None:
    truth, hole, filled = pictures
    names = ["torchmetrics:StructuralSimilarityIndexMeasure@hole", "torchmetrics:TotalVariation@hole"]
    drifted = np.where(hole[..., None], filled, 255 - truth)
    for row in Scorer(names).score("a", truth, hole, [filled, drifted]):
        cut = (slice(30, 120), slice(40, 110))
        pasted = np.where(hole[..., None], filled, truth)[cut]
        assert row[names[0]] == directly("StructuralSimilarityIndexMeasure", pasted, truth[cut])
        assert row[names[1]] == float(torchmetrics.image.TotalVariation()(tensor(pasted)))
    assert metric.get(names[0]).region == "hole"


def test_direction_and_version_are_the_librarys_own_where_it_is_right() -> None:
    for name in set(PAIRS) - GREY:
        entry = metric.get(f"torchmetrics:{name}")
        # The spectral distortion index is 0 of the truth itself; torchmetrics says that higher is better.
        higher = getattr(torchmetrics.image, name).higher_is_better and name != "SpectralDistortionIndex"
        assert entry.direction == ("higher" if higher else "lower"), name
        assert entry.version == torchmetrics.__version__ and entry.rank is None


def test_the_truth_itself_is_never_worse_than_a_fill(pictures: tuple[np.ndarray, ...]) -> None:
    truth, hole, filled = pictures
    names = [f"torchmetrics:{name}" for name in PAIRS if name not in WEIGHTS.keys() | GREY]
    exact, other = Scorer(names).score("a", truth, hole, [truth, filled])
    compared = [name for name in names if np.isfinite([exact[name], other[name]]).all()]
    assert len(compared) > 5
    for name in compared:
        sign = 1 if metric.get(name).direction == "higher" else -1
        assert sign * exact[name] >= sign * other[name], name


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights_that_are_not_there_are_named_and_not_fetched(name: str, tmp_path: Path) -> None:
    missing = Scorer([f"torchmetrics:{name}"]).missing[f"torchmetrics:{name}"]
    assert WEIGHTS[name] in missing and f"bench weights fetch torchmetrics:{name}" in missing
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]


def test_a_hole_too_small_for_the_metric_gives_the_librarys_reason(pictures: tuple[np.ndarray, ...]) -> None:
    truth, _, filled = pictures
    small = np.zeros((SIDE, SIDE), bool)
    small[3:6, 3:6] = True
    names = ["torchmetrics:VisualInformationFidelity@hole", "torchmetrics:TotalVariation@hole"]
    scorer = Scorer(names)
    scorer.score("a", truth, small, [filled])
    assert "VisualInformationFidelity of torchmetrics says: " in scorer.missing[names[0]]
    scorer = Scorer(names)
    scorer.score("a", truth, np.zeros_like(small), [truth])
    assert scorer.missing == dict.fromkeys(names, "the hole is empty")


def test_an_infinite_value_stays_and_is_explained(pictures: tuple[np.ndarray, ...]) -> None:
    truth, hole, _ = pictures
    name = "torchmetrics:PeakSignalNoiseRatio"
    scorer = Scorer([name])
    assert scorer.score("a", truth, hole, [truth])[0][name] == math.inf
    assert scorer.missing[name] == "PeakSignalNoiseRatio of torchmetrics gives inf"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("torchmetrics:VisualInformationFidelit", "VisualInformationFidelity"),
        ("torchmetrics:FrechetInceptionDistance", "single pictures"),
        ("torchmetrics:QualityWithNoReference", "single pictures"),
        ("torchmetric:TotalVariation", "torchmetrics"),
    ],
)
def test_a_name_that_is_not_offered_is_refused_with_the_nearest(name: str, said: str) -> None:
    with pytest.raises(UnknownName, match=said):
        metric.get(name)


def test_without_the_extra_pyiqa_is_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(column, "offers", lambda library: {})
    with pytest.raises(UsageError, match=r"pip install 'inpaint-bench\[pyiqa\]'"):
        metric.get("pyiqa:dists")


def test_only_the_thread_that_loads_is_kept_from_the_network() -> None:
    found: list[Any] = []
    with no_downloads() as wanted:
        with pytest.raises(urllib.error.URLError):
            urllib.request.urlopen("http://weights.invalid/file.pth")
        with pytest.raises(OSError, match="not fetched"):
            socket.create_connection(("127.0.0.1", 9))
        thread = threading.Thread(target=lambda: found.append(socket.getaddrinfo("127.0.0.1", 9)))
        thread.start()
        thread.join()
    assert wanted == ["weights.invalid", "127.0.0.1"]
    assert found


def test_bench_list_tells_the_names_that_metrics_takes() -> None:
    assert "torchmetrics:VisualInformationFidelity" in {row["name"] for row in listing.metrics(every=True)}
    assert not [row for row in listing.metrics(every=False) if ":" in row["name"]]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("~0, ~40", "about 0 to 40."),
        ("-1, ~0.1", "about -1 to 0.1."),
        ("~0, ", "truth."),
        ("quality: ~0, ~1", "truth."),
    ],
)
def test_a_range_is_told_only_where_both_ends_are_known(given, told):
    from bench.metrics.libraries.from_pyiqa import offer_of

    assert offer_of("x", {"metric_mode": "FR", "score_range": given}).summary.endswith(told)


TABLE = """
DEFAULT_CONFIGS = {
    "sharp": {"metric_opts": {"type": "Sharp"}, "metric_mode": "NR"},
    "apart": {"metric_opts": {"type": "Apart"}, "metric_mode": "FR", "lower_better": True, "score_range": "~0, 1"},
    "near": {"metric_opts": {"type": "Near"}, "metric_mode": "FR", "lower_better": False},
    "fid": {"metric_opts": {"type": "FID"}, "metric_mode": "NR", "lower_better": True},
    "inception_score": {"metric_opts": {"type": "InceptionScore"}, "metric_mode": "NR"},
}
"""


def test_what_pyiqas_table_says_of_direction_pair_and_sets_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "like_pyiqa"
    package.mkdir()
    (package / "__init__.py").write_text("1 / 0")
    (package / "default_model_configs.py").write_text(TABLE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(from_pyiqa, "PACKAGE", "like_pyiqa")
    found = from_pyiqa.offers()
    assert {name: (offer.higher, offer.pair) for name, offer in found.items()} == {
        "apart": (False, True),
        "near": (True, True),
        "sharp": (True, False),
    }
    assert [found[name].summary for name in ("apart", "sharp")] == [
        "Against the truth, about 0 to 1.",
        "Of the fill alone.",
    ]
    assert found["near"].call == "create_metric('near')"
    monkeypatch.setattr(from_pyiqa, "PACKAGE", "nothing_like_pyiqa")
    assert from_pyiqa.offers() == {}


def test_random_crops_are_the_same_for_each_picture_and_take_nothing_from_others() -> None:
    def drawn() -> tuple[float, float, float]:
        return float(torch.rand(1)), float(np.random.rand()), random.random()

    for set_seed in (torch.manual_seed, np.random.seed, random.seed):
        set_seed(7)
    expected = drawn()
    for set_seed in (torch.manual_seed, np.random.seed, random.seed):
        set_seed(7)
    within = []
    for _ in "12":
        with from_pyiqa.seeded(torch):
            within.append(drawn())
    assert drawn() == expected
    assert within[0] == within[1]
    assert within[0][1:] == (np.random.RandomState(123).rand(), random.Random(123).random())


def test_files_of_weights_are_read_as_tensors_whatever_is_asked_for() -> None:
    def load(file: str, **options: Any) -> tuple[str, dict[str, Any]]:
        return file, options

    given = from_pyiqa.only_tensors(load, "w.pth", weights_only=False, map_location="cpu")
    assert given == ("w.pth", {"weights_only": True, "map_location": "cpu"})


def test_a_file_that_a_hub_would_have_to_ask_for_is_called_weights_that_are_not_here() -> None:
    class LocalEntryNotFoundError(OSError):
        """As huggingface_hub's, which transformers wraps in an error of its own."""

    try:
        try:
            raise LocalEntryNotFoundError("not in the cache")
        except LocalEntryNotFoundError as error:
            raise OSError("We couldn't connect to a hub to load the files") from error
    except OSError as error:
        said = column._why_not("pyiqa", "apart", error, [])
    assert said == "pyiqa:apart needs weights that are not here: run 'bench weights fetch pyiqa:apart'"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ModuleNotFoundError("No module named 'icecream'", name="icecream"), "needs the Python module icecream, which"),
        (OSError("If you were trying to load it from 'https://huggingface.co/models', …"), "needs weights that are"),
        (ValueError("odd"), "pyiqa cannot build qalign (odd)"),
    ],
)
def test_why_a_metric_cannot_be_had_is_said_in_our_words(error: Exception, said: str) -> None:
    assert said in column._why_not("pyiqa", "qalign", error, [])
