"""The photographs that installed packages carry: split by photograph, fixed crops, nothing downloaded."""

from __future__ import annotations

import itertools
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import skimage
import sklearn.datasets
from PIL import Image

from bench.datasets import photos
from bench.datasets.registry import open_dataset
from bench.util.draws import uniforms
from bench.util.errors import BenchError, UsageError

CARRIED = Path(skimage.__file__).parent / "data"
PACKAGES = CARRIED.parent.parent
TEST = ("chelsea", "coffee", "china", "flower")


def carried(name: str) -> Path:
    package, inside = photos.FILES[name]
    return PACKAGES / package / inside


def test_no_photograph_is_in_two_splits() -> None:
    scenes = {split: {name.split("-")[0] for name in names} for split, names in photos.PHOTOGRAPHS.items()}
    assert set(scenes) == {"train", "validation", "test"}
    for a, b in itertools.combinations(scenes.values(), 2):
        assert a and b and not a & b


def test_at_least_four_photographs_are_held_out() -> None:
    assert len(photos.PHOTOGRAPHS["test"]) >= 4


def test_every_photograph_is_in_its_wheel_in_colour() -> None:
    assert set(photos.FILES) == set(itertools.chain(*photos.PHOTOGRAPHS.values()))
    for package, inside in photos.FILES.values():
        with Image.open(PACKAGES / package / inside) as image:
            pixels = np.asarray(image.convert("RGB")).astype(int)
        assert abs(pixels[..., 0] - pixels[..., 2]).mean() > 5


def test_scored_crops_are_cut_out_of_their_photograph() -> None:
    data = open_dataset("photos", "test")
    assert list(data.ids[:2]) == ["photos-chelsea-00", "photos-chelsea-01"]
    assert list(data.ids) == [f"photos-{name}-{k:02d}" for name in TEST for k in range(15)]
    cat, coffee = (np.asarray(Image.open(CARRIED / name)) for name in ("chelsea.png", "coffee.png"))
    # chelsea is 451 x 300: its whole height at the left, in the middle and at the right, ...
    for i, left in enumerate((0, 75, 151)):
        assert np.array_equal(data.load(i), cat[:, left : left + 300])
    # ... then three quarters of it in two rows, then half; coffee is 600 x 400.
    assert np.array_equal(data.load(3), cat[:225, :225])
    assert np.array_equal(data.load(8), cat[75:, 226:])
    assert np.array_equal(data.load(29), coffee[200:, 400:])
    temple, flower = (sklearn.datasets.load_sample_image(f"{name}.jpg") for name in ("china", "flower"))
    assert np.array_equal(data.load(30), temple[:, :427])
    assert np.array_equal(data.load(59), flower[427 - 213 :, 640 - 213 :])


def test_scored_crops_are_resized_with_antialiasing() -> None:
    cat = Image.open(CARRIED / "chelsea.png").crop((0, 0, 300, 300))
    expected = np.asarray(cat.resize((64, 64), Image.Resampling.BICUBIC))
    found = open_dataset("photos", "test", 64).load(0)
    # At the right edge the crop's own resize has no neighbours to look at; the photograph has.
    assert np.array_equal(found[:, :60], expected[:, :60])
    assert abs(found.astype(int) - expected).max() < 20


def test_a_smaller_count_takes_of_every_photograph() -> None:
    assert list(open_dataset("photos", "test", 64, 6).ids) == [
        "photos-chelsea-00",
        "photos-chelsea-01",
        "photos-coffee-00",
        "photos-coffee-01",
        "photos-china-00",
        "photos-flower-00",
    ]
    assert len(open_dataset("photos", "test", 64, 99)) == 60
    assert open_dataset("photos", "validation", 64).ids[0] == "photos-rocket-00"


def test_training_crops_are_drawn_alike_each_time_and_differ() -> None:
    data = open_dataset("photos", "train", 32, 60)
    pictures = data.batch(range(60))
    assert pictures.shape == (60, 32, 32, 3) and pictures.dtype == np.uint8
    assert len({picture.tobytes() for picture in pictures}) == 60
    assert data.ids[59] == "photos-train-00059"
    other = pickle.loads(pickle.dumps(open_dataset("photos", "train", 32, 60)))
    assert np.array_equal(other.batch([59, 3]), pictures[[59, 3]])
    assert len(open_dataset("photos", "train", 32, 100_000)) == 100_000


def test_a_training_crop_is_a_window_of_its_photograph_perhaps_mirrored() -> None:
    data = open_dataset("photos", "train", None, 6)
    shorter = {name: min(Image.open(carried(name)).size) for name in photos.PHOTOGRAPHS["train"]}
    assert [data.load(i).shape[0] for i in range(6)] == [shorter[name] for name in photos.PHOTOGRAPHS["train"]]


@pytest.mark.parametrize("i", [0, 7, 11])
def test_a_training_crop_is_the_one_that_its_number_draws(i: int) -> None:
    with Image.open(carried(photos.PHOTOGRAPHS["train"][i % 6])) as image:
        whole = image.convert("RGB")
    # Kept at twice the size.
    shorter = 64 / min(whole.size)
    kept = whole.resize(tuple(round(side * shorter) for side in whole.size), Image.Resampling.BICUBIC)
    u = uniforms(0, "photos/train", i, 4)[0]
    side = 32 + int(u[0] * 33)
    left, top = int(u[1] * (kept.width - side + 1)), int(u[2] * (kept.height - side + 1))
    box = (left, top, left + side, top + side)
    expected = np.asarray(kept.resize((32, 32), Image.Resampling.BICUBIC, box=box))
    expected = expected[:, ::-1] if u[3] < 0.5 else expected
    np.testing.assert_array_equal(open_dataset("photos", "train", 32, 12).load(i), expected)


def test_defaults_and_all_is_what_is_scored() -> None:
    assert len(open_dataset("photos", "train", 32)) == 4096
    assert list(open_dataset("photos", "all", 32).ids) == list(open_dataset("photos", "test", 32).ids)
    assert [len(open_dataset("photos", split, 32)) for split in ("validation", "test")] == [15, 60]
    what = "crops of photographs that installed packages carry"
    assert (
        open_dataset("photos", "test", 32).note == f"{what} (chelsea, coffee, china, flower), none of them trained on"
    )
    train = "astronaut, motorcycle-left, motorcycle-right, ihc, retina, hubble"
    assert open_dataset("photos", "train", 32).note == f"{what} ({train}), none of them scored"


def test_a_loaded_crop_may_be_changed_without_harm() -> None:
    data = open_dataset("photos", "test")
    before = data.load(0)
    data.load(0)[:] = 0
    assert np.array_equal(data.load(0), before)


def test_nothing_of_scikit_image_is_imported_so_nothing_can_be_fetched() -> None:
    script = (
        "import sys; from bench.datasets.registry import open_dataset; "
        "[open_dataset('photos', split, 32, 8).load(0) for split in ('train', 'validation', 'test')]; "
        "unwanted = ('skimage', 'sklearn', 'matplotlib', 'pooch', 'requests', 'urllib.request'); "
        "print([name for name in unwanted if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_argument_is_refused() -> None:
    with pytest.raises(UsageError, match="'cats'"):
        open_dataset("photos:cats")


def test_a_photograph_missing_from_the_installation_is_a_named_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(photos.FILES, "unheard of", ("skimage", "data/no_such_photograph.png"))
    monkeypatch.setitem(photos.PHOTOGRAPHS, "test", ("unheard of",))
    with pytest.raises(BenchError, match="no_such_photograph"):
        open_dataset("photos", "test")
