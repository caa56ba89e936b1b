"""Code of plug-ins that fails or gives something else: a sentence with the plug-in's name, and the others go on."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.datasets.registry import dataset, open_dataset
from bench.masks.registry import draw, mask
from bench.metrics.registry import metric
from bench.metrics.scorer import Scorer
from bench.suites.suite import Suite
from variants.errors import PluginError
from variants.plugins import PLUGINS_ENV, use

CODE = """
import sys
from dataclasses import replace
import numpy as np
from bench.datasets.registry import Dataset, dataset, open_dataset
from bench.masks.registry import mask
from bench.metrics.registry import metric

FACTS = dict(region="hole", unit="levels", direction="lower", range=(0, 255), reference="none", version=1)


@metric("gives_text", **FACTS)
def gives_text(card):
    return "three"


@metric("gives_three", **FACTS)
def gives_three(card):
    return np.float32(3)


@metric("ends", **FACTS)
def ends(card):
    sys.exit(7)


@metric("gives_too_many", batched=True, **FACTS)
def gives_too_many(cards, context):
    return [1.0] * (len(cards) + 1)


@mask("fails")
def fails(size, seed, indices):
    return 1 / 0


@dataset("gives_list")
def gives_list(argument, split, size, count):
    return [1, 2]


@dataset("opens_not")
def opens_not(argument, split, size, count):
    raise OSError("no such disk")


@dataset("floats")
def floats(argument, split, size, count):
    return Dataset("floats", split, size, ["a"], lambda place: np.zeros((size, size, 3)))

@dataset("darker")
def darker(argument, split, size, count):
    bright = open_dataset(f"folder:{argument}", "all", size, count)
    return replace(bright, load=lambda place: bright.load(place) // 2)
"""


@pytest.fixture(autouse=True)
def plugged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PLUGINS_ENV, "")
    for registry in (dataset, mask, metric):
        registry.all()  # else what is imported meanwhile would be forgotten
        monkeypatch.setattr(registry, "_entries", dict(registry._entries))
        monkeypatch.setattr(registry, "_broken", {})
    file = tmp_path / "odd.py"
    file.write_text(CODE)
    use(file)


def test_a_metric_that_gives_no_number_is_left_empty_with_the_reason() -> None:
    truth = np.full((16, 16, 3), 100, np.uint8)
    hole = np.zeros((16, 16), bool)
    hole[4:8, 4:8] = True
    scorer = Scorer(["gives_text", "gives_three", "ends", "gives_too_many", "psnr_hole"])
    for name in ("a", "b"):
        row = scorer.score(name, truth, hole, [truth + np.where(hole[..., None], np.uint8(5), np.uint8(0))])[0]
        assert not row["failed"] and row["gives_three"] == 3
        # PSNR of an error of 5 levels everywhere: 20 log10(255 / 5).
        assert row["psnr_hole"] == pytest.approx(34.151, abs=1e-3)
        assert all(np.isnan(row[name]) for name in ("gives_text", "ends", "gives_too_many"))
    missing = scorer.missing
    assert missing["gives_text"].endswith("odd.py: the metric 'gives_text' gave a str, not a number")
    assert missing["ends"].endswith("the metric 'ends' failed: it ends the process (SystemExit 7)")
    assert missing["gives_too_many"].endswith("the metric 'gives_too_many' gave 2 values of 1 picture")
    assert set(missing) == {"gives_text", "ends", "gives_too_many"}


def test_a_mask_type_that_fails_is_told_by_its_plug_in() -> None:
    with pytest.raises(PluginError, match=r"odd\.py: the mask type 'fails' failed: ZeroDivisionError: division"):
        draw("fails", (8, 8), 0, [0])


def test_a_data_set_that_gives_something_else_is_told_by_its_plug_in() -> None:
    with pytest.raises(PluginError, match=r"odd\.py: the data set 'gives_list' gave a list, not a Dataset"):
        open_dataset("gives_list")
    with pytest.raises(PluginError, match=r"odd\.py: the data set 'opens_not' failed: OSError: no such disk"):
        open_dataset("opens_not")
    with pytest.raises(PluginError, match=r"'floats' gave float64 \(16, 16, 3\) for 'a', not a NumPy array uint8"):
        open_dataset("floats", size=16).load(0)


def test_the_fingerprint_is_of_the_pictures_that_a_plug_in_made_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    Image.new("RGB", (4, 3), (10, 20, 31)).save(tmp_path / "pictures" / "a.png")
    pixels = hashlib.sha256(bytes([5, 10, 15]) * 12).hexdigest()
    line = hashlib.sha256(f'image "a" 3x4 {pixels}\n'.encode()).hexdigest()
    text = f"inpaint-bench suite 2\nprotocol native\n{line}\n"
    suite = Suite((open_dataset(f"darker:{tmp_path / 'pictures'}"),), ())
    assert suite.fingerprint() == hashlib.sha256(text.encode()).hexdigest()


def test_pictures_that_a_plug_in_made_of_a_folder_come_one_by_one_and_together_alike(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    Image.new("RGB", (16, 16), (10, 20, 31)).save(tmp_path / "pictures" / "a.png")
    made = open_dataset(f"darker:{tmp_path / 'pictures'}", size=16)
    assert made.batch([0])[0, 0, 0].tolist() == made.load(0)[0, 0].tolist() == [5, 10, 15]
    assert made.recipe is None  # a pack of the folder's own pictures is not theirs
