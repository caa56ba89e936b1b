"""The pictures that a report shows: which are chosen, and that each file holds what its name says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from bench.datasets.registry import Dataset
from bench.metrics.declaration import Metric
from bench.metrics.registry import metric as registry
from bench.runs.reader import Run
from bench.runs.writer import RunWriter
from bench.stages import samples
from bench.stages.samples import Choice, by_rule, choose, deciding_metric, filled_choices, save_samples
from bench.suites.suite import Suite
from bench.util.draws import uniforms
from tests.bench.fake_runs import fake_run
from variants.method import Method

NETWORKS = {"one", "two"}


def cell(values: dict[str, list[float]], metric: str) -> pd.DataFrame:
    """Records of one data set and mask type: a column of values a method, pictures p0, p1, …"""
    return pd.DataFrame(
        [
            {"variant": variant, "seed": 0, "image_id": f"p{place}", metric: value}
            for variant, column in values.items()
            for place, value in enumerate(column)
        ]
    )


def rules(values: dict[str, list[float]], metric: str = "psnr_hole", networks: set[str] = NETWORKS) -> dict[str, str]:
    """(why, of) -> the first picture, without the random one."""
    known = registry.all()
    found = by_rule(cell(values, metric), "d", "rect", metric, networks, 0, known.get(metric))
    assert all((choice.dataset, choice.mask) == ("d", "rect") for choice in found)
    return {f"{c.why} {c.of}".strip(): c.image_id for c in reversed(found) if c.why != "random"}


def disputed(values: dict[str, list[float]]) -> list[str]:
    found = by_rule(cell(values, "psnr_hole"), "d", "rect", "psnr_hole", NETWORKS, 0, registry.get("psnr_hole"))
    return [choice.image_id for choice in found if choice.why == "disputed"]


# Means of the networks: 11, 29, 16, 22.5, 25, 20; they differ by 2, 2, 8, 35, 0, 0.
SCORES = {
    "one": [10.0, 30, 20, 5, 25, 20],
    "two": [12.0, 28, 12, 40, 25, 20],
    "telea": [50.0, 1, 50, 50, 60, 90],
}


def test_best_worst_and_disputed_are_of_the_networks_and_each_method_has_its_own_worst():
    wanted = {
        "best": "p1",
        "worst": "p0",
        "disputed": "p3",
        "worst one": "p3",
        "worst two": "p0",
        "worst telea": "p1",
    }
    assert rules({**SCORES, "two": [11.0, 28, 12, 40, 25, 20]}) == wanted


def test_of_few_methods_the_three_most_disputed_are_shown_and_one_network_is_set_against_references():
    # They differ by 40, 29, 30, 45, 35 and 70.
    assert disputed({"one": SCORES["one"], "telea": SCORES["telea"]}) == ["p5", "p3", "p0"]
    assert disputed({"one": SCORES["one"], "two": SCORES["two"], "telea": SCORES["telea"]}) == ["p3", "p2", "p0"]
    assert disputed({name: [1.0, float(k), 9] for k, name in enumerate("abcde")}) == ["p1"]
    assert disputed({"telea": SCORES["telea"]}) == []


def test_without_networks_the_others_are_judged():
    # Of telea alone: best where it has 90, worst where it has 1, and nobody to disagree with.
    found = rules({"telea": SCORES["telea"]})
    assert (found["best"], found["worst"], found["worst telea"]) == ("p5", "p1", "p1")


@pytest.mark.parametrize(
    ("metric", "best", "worst"),
    [
        ("psnr_hole", "p3", "p0"),  # higher is better
        ("l1_hole", "p0", "p3"),  # lower
        ("sharpness", "p0", "p3"),  # nearest to 0
        ("seam", "p0", "p3"),  # nearest to 0
        ("hole_area", "p3", "p0"),  # no metric: as it is
    ],
)
def test_best_is_what_the_metric_calls_better(metric: str, best: str, worst: str):
    found = rules({"one": [0.25, 0.9, 1.5, 3.0]}, metric)
    assert (found["best"], found["worst"], found["worst one"]) == (best, worst, worst)


def test_the_random_picture_is_drawn_from_all_by_seed_data_set_and_mask_type():
    values = cell({"one": list(np.arange(40.0))}, "psnr_hole")
    drawn = {}
    for seed, dataset, mask in [(0, "d", "rect"), (1, "d", "rect"), (0, "e", "rect"), (0, "d", "circle")]:
        (choice,) = [c for c in by_rule(values, dataset, mask, "psnr_hole", NETWORKS, seed) if c.why == "random"]
        place = int(uniforms(seed, f"sample {dataset} {mask}", 0, 1)[0, 0] * 40)
        assert choice.image_id == sorted(f"p{i}" for i in range(40))[place]
        drawn[seed, dataset, mask] = choice.image_id
    assert len(set(drawn.values())) > 2
    last = {c.image_id for seed in range(9) for c in by_rule(values[:3], "d", "m", "psnr_hole", NETWORKS, seed)}
    assert last == {"p0", "p1", "p2"}


def test_pictures_without_a_value_are_not_chosen_and_a_cell_without_any_has_no_choice():
    nan = float("nan")
    assert rules({"one": [nan, 5.0, 7.0]})["worst"] == "p1"
    assert by_rule(cell({"one": [nan, nan]}, "psnr_hole"), "d", "rect", "psnr_hole", NETWORKS, 0) == []


def test_the_first_metric_with_any_value_decides():
    nan = float("nan")
    frame = pd.DataFrame({"l1_hole": [1.0, 1], "lpips": [nan, 1], "psnr": [1.0, 1], "psnr_hole": [1.0, nan]})
    ranks = {"l1_hole": 9, "lpips": 3, "psnr_hole": 1}
    declared = {"psnr": Metric("psnr"), **{name: Metric(name, rank=rank) for name, rank in ranks.items()}}
    for name in ("psnr_hole", "lpips", "l1_hole", "psnr"):
        assert deciding_metric(frame, declared) == name
        frame[name] = nan
    assert deciding_metric(frame, declared) == "hole_area"
    assert deciding_metric(frame.drop(columns="psnr_hole"), declared) == "hole_area"


# ---- a run's choices


IDS = [f"{i:05d}" for i in range(7)]


def suite_of(names: list[str], masks: tuple[str, ...], count: int = 7) -> Suite:
    return Suite(
        tuple(
            Dataset(name, "test", 32, IDS[:count], lambda i: np.full((32, 32, 3), i, np.uint8)) for name in names
        ),
        masks,
    )  # fmt: skip


def made(path: Path, masks: tuple[str, ...] = ("rect", "standard"), count: int = 7, **kinds: str) -> Run:
    """Two networks and a reference: the last picture is best under the first mask type and worst under the second."""
    good = np.stack([np.arange(count), -np.arange(count)], axis=1).astype(float)[:, : len(masks)]
    scores = {("one", 0): {"psnr_hole": good}, ("telea", 0): {"psnr_hole": -good}}
    return fake_run(path, scores, masks=masks, kinds={"telea": "reference", **kinds}, ids=IDS[:count])


def standard(mask: str, count: int) -> list[tuple[str, str, str]]:
    return [(mask, name, "standard") for name in IDS[:count]]


@pytest.mark.parametrize(("rows", "count", "wanted"), [(0, 7, 5), (2, 7, 5), (6, 7, 6), (2, 3, 3), (9, 7, 7)])
def test_the_first_grid_has_five_pictures_or_as_many_as_asked_for(tmp_path, rows, count, wanted):
    run = made(tmp_path, count=count)
    found = choose(run, suite_of(["scenes"], ("rect", "standard"), count), rows)
    first = [(c.mask, c.image_id, c.why) for c in found if c.why == "standard"]
    assert first == standard("standard", wanted)
    assert (len(found) == wanted) is (rows == 0)


def test_without_the_standard_hole_the_first_mask_type_makes_the_grid(tmp_path):
    run = made(tmp_path, ("rect", "circle"))
    found = choose(run, suite_of(["scenes"], ("rect", "circle")), 0)
    assert [(c.mask, c.image_id, c.why) for c in found] == standard("rect", 5)


def test_each_mask_type_has_its_own_best_and_worst_and_nothing_is_shown_twice(tmp_path):
    run = made(tmp_path)
    found = choose(run, suite_of(["scenes"], ("rect", "standard")), 1)
    assert [c.why for c in found[:5]] == ["standard"] * 5
    by = {(c.mask, c.image_id): (c.why, c.of) for c in found}
    assert len(by) == len(found)
    lot = {mask: IDS[int(uniforms(0, f"sample scenes {mask}", 0, 1)[0, 0] * 7)] for mask in ("rect", "standard")}
    # Under rect the last picture is the network's best and the first its worst.
    assert by["rect", IDS[6]] == (("random", "") if lot["rect"] == IDS[6] else ("best", ""))
    assert by["rect", IDS[0]][0] == ("random" if lot["rect"] == IDS[0] else "worst")
    # Under standard it is the other way about; the first is in the grid already, and stays so.
    assert by["standard", IDS[6]] == (("random", "") if lot["standard"] == IDS[6] else ("worst", ""))
    assert by["standard", IDS[0]] == ("standard", "")
    assert found == sorted(found, key=lambda c: (c.why != "standard", c.mask == "standard")), "rules go by mask type"


def test_the_metric_that_is_asked_for_decides(tmp_path):
    good = np.arange(7.0)[:, None]
    scores = {("one", 0): {"psnr_hole": good, "lpips": 7 - (good - 3) ** 2}}
    run = fake_run(tmp_path, scores, masks=("rect",), ids=IDS)
    suite = suite_of(["scenes"], ("rect",))
    best = {c.image_id for c in choose(run, suite, 1, "lpips") if c.why == "worst"}
    assert best <= {IDS[3]}
    assert {c.image_id for c in choose(run, suite, 1, "psnr_hole") if c.why == "best"} == {IDS[6]}


def test_a_data_set_or_mask_type_without_records_has_its_grid_and_nothing_else(tmp_path):
    run = made(tmp_path, ("rect",))
    found = choose(run, suite_of(["other", "scenes"], ("rect", "circle")), 1)
    assert {(c.dataset, c.mask) for c in found if c.why != "standard"} == {("scenes", "rect")}
    assert sum(c.dataset == "other" for c in found) == 5


def test_a_run_without_records_has_nothing_to_show(tmp_path):
    RunWriter(tmp_path).write()
    assert choose(Run.open(tmp_path), suite_of(["scenes"], ("rect",)), 3) == []


# ---- what is saved


RNG = np.random.default_rng(2)
SIZES = [(24, 30), (24, 30), (24, 30), (20, 20)]
IMAGES = [RNG.integers(40, 200, (*size, 3), dtype=np.uint8) for size in SIZES]
SUITE = Suite((Dataset("made", "test", None, IDS[:4], lambda i: IMAGES[i]),), ("rect", "circle"))
CHOICES = [
    Choice("made", "circle", IDS[2], "standard"),
    Choice("made", "circle", IDS[0], "best"),
    Choice("made", "rect", IDS[1], "worst", of="m"),
    Choice("made", "rect", IDS[3], "random"),
]


def hole_of(choice: Choice) -> np.ndarray:
    place = IDS.index(choice.image_id)
    return SUITE.holes(SUITE.datasets[0], choice.mask, [place], [SIZES[place]])[0]


class Painter(Method):
    def __init__(self, name: str, paint: Callable[[np.ndarray], np.ndarray], **facts: Any) -> None:
        self.name, self.paint = name, paint
        self.calls: list[tuple[list[str], str]] = []
        for key, value in facts.items():
            setattr(self, key, value)

    def fill(self, images: np.ndarray, holes: np.ndarray, ids: Any = None, mask: str = "") -> np.ndarray:
        self.calls.append((list(ids), mask))
        return self.paint(images).astype(np.float32)


def pale(images: np.ndarray) -> np.ndarray:
    """Half the contrast: gain and offset take it back."""
    return 0.5 * images / 255 + 0.25


def partly_nan(images: np.ndarray) -> np.ndarray:
    raw = images / 255
    raw[:, 0, 0, 0] = np.nan
    return raw


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Path, list[dict[str, Any]], list[int]]:
    methods = [
        Painter("whole", pale),
        Painter("hole", pale, fills="hole"),
        Painter("finished", pale, gives_raw=False),
        Painter("broken", partly_nan),
    ]
    told: list[int] = []
    save_samples(Run(tmp_path), SUITE, methods, CHOICES, lambda method: f"{method.name}@1", told.append)
    index = json.loads((tmp_path / "samples/index.json").read_text())
    assert index["schema"] == 1
    return tmp_path / "samples", index["items"], told


def read(file: Path) -> np.ndarray:
    return np.asarray(Image.open(file))


def test_the_index_says_what_each_picture_is_and_where_its_files_are(saved):
    folder, items, told = saved
    assert told == [1, 1, 1, 1]
    for number, (item, choice) in enumerate(zip(items, CHOICES, strict=True)):
        hole, stem = hole_of(choice), f"00{number}"
        fills = item.pop("fills")
        assert item == {
            "dataset": choice.dataset,
            "mask": choice.mask,
            "image_id": choice.image_id,
            "why": choice.why,
            "of": choice.of,
            "hole_area": pytest.approx(hole.sum() / hole.size),
            "truth": f"{stem}/truth.png",
            "hole": f"{stem}/hole.png",
        }
        kinds = ("filled", "raw", "corrected")
        assert fills == {
            "whole@1": {kind: f"{stem}/whole@1-{kind}.png" for kind in kinds},
            "hole@1": {"filled": f"{stem}/hole@1-filled.png", "raw": None, "corrected": None},
            "finished@1": {"filled": f"{stem}/finished@1-filled.png", "raw": None, "corrected": None},
        }
        assert len(list((folder / stem).iterdir())) == 2 + 3 + 1 + 1


def test_each_file_holds_the_picture_that_its_name_says(saved):
    folder, items, _ = saved
    for item, choice in zip(items, CHOICES, strict=True):
        truth, hole = IMAGES[IDS.index(choice.image_id)], hole_of(choice)
        painted = np.rint(255 * pale(truth).astype(np.float32)).astype(np.uint8)
        np.testing.assert_array_equal(read(folder / item["truth"]), truth)
        np.testing.assert_array_equal(read(folder / item["hole"]), np.where(hole, 255, 0))
        for fills in item["fills"].values():
            filled = read(folder / fills["filled"])
            np.testing.assert_array_equal(filled, np.where(hole[..., None], painted, truth))
        whole = item["fills"]["whole@1"]
        np.testing.assert_array_equal(read(folder / whole["raw"]), painted)
        corrected = read(folder / whole["corrected"]).astype(int)
        assert np.abs(corrected - truth).max() <= 1, "half the contrast can be taken back"
        assert np.abs(painted.astype(int) - truth)[hole].max() > 20


def test_neighbours_of_one_mask_type_and_size_are_filled_together_and_keep_their_places(monkeypatch):
    choices = [*CHOICES[:2], Choice("made", "circle", IDS[1], "worst"), *CHOICES[2:]]
    for batch, wanted in (
        (8, [([IDS[2], IDS[0], IDS[1]], "circle"), ([IDS[1]], "rect"), ([IDS[3]], "rect")]),
        (2, [([IDS[2], IDS[0]], "circle"), ([IDS[1]], "circle"), ([IDS[1]], "rect"), ([IDS[3]], "rect")]),
    ):
        monkeypatch.setattr(samples, "BATCH", batch)
        methods = [Painter("a", lambda images: images / 255), Painter("b", lambda images: 1 - images / 255)]
        found = list(filled_choices(SUITE, methods, choices))
        assert [choice for choice, *_ in found] == choices
        assert methods[0].calls == methods[1].calls == wanted
        for choice, image, hole, (first, second) in found:
            np.testing.assert_array_equal(image, IMAGES[IDS.index(choice.image_id)])
            np.testing.assert_array_equal(hole, hole_of(choice))
            np.testing.assert_allclose(first, image / 255, atol=1e-6)
            np.testing.assert_allclose(second, 1 - image / 255, atol=1e-6)


def damage_picture(folder: Path, name: str) -> None:
    (folder / name).write_bytes((folder / name).read_bytes()[:-20])


def lead_elsewhere(folder: Path, name: str) -> None:
    (folder / name).unlink()
    (folder / name).symlink_to("/dev/zero")


def list_nothing(folder: Path, name: str) -> None:
    index = json.loads((folder / "index.json").read_text())
    (folder / "index.json").write_text(json.dumps({**index, "sha256": [name]}))


@pytest.mark.parametrize("damage", [damage_picture, lead_elsewhere, list_nothing])
def test_sample_pictures_are_whole_as_they_were_written_and_not_otherwise(saved, damage, capsys):
    folder, items, _ = saved
    run = Run(folder.parent)
    assert samples.whole(run) and not capsys.readouterr().err
    damage(folder, items[0]["truth"])
    assert not samples.whole(Run(folder.parent))
    assert capsys.readouterr().err.startswith("note: "), "what is damaged is said"
