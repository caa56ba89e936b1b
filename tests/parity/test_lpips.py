"""LPIPS against the ``lpips`` package (0.1.4, v0.1 heads) and its authors' published example."""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench import backbones as weights
from bench.backbones.lpips_network import Stack
from bench.masks.registry import draw
from bench.metrics import lpips_patch
from bench.metrics.scorer import Scorer

NETS = {"alex": "alexnet", "vgg": "vgg16", "squeeze": "squeezenet1_1"}


def test_the_reference_is_the_version_that_the_metric_names() -> None:
    assert importlib.metadata.version("lpips") == "0.1.4"


# ---- the reference


@lru_cache
def package(net: str, file: Path | None, spatial: bool) -> Any:
    """The package's network, over the weights in ``file`` or, for geometry alone, torchvision's random ones."""
    import lpips
    import torchvision

    torch.manual_seed(0)
    model = lpips.LPIPS(net=net, pnet_rand=True, spatial=spatial, verbose=False)
    torch.manual_seed(1)
    layers = getattr(torchvision.models, NETS[net])(weights=None).features
    if file is not None:
        state = torch.load(file, weights_only=True)
        layers.load_state_dict({k.removeprefix("features."): v for k, v in state.items() if k.startswith("features.")})
    for part in model.net.children():
        for name, _ in list(part.named_children()):
            setattr(part, name, layers[int(name)])
    return model.eval(), {f"features.{key}": value for key, value in layers.state_dict().items()}


def theirs(net: str, file: Path | None, truth: np.ndarray, filled: np.ndarray, hole: np.ndarray) -> tuple[float, float]:
    """The package's LPIPS, and the mean over the hole of its spatial map."""
    a, b = (torch.from_numpy(side.transpose(2, 0, 1)[None] / 127.5 - 1).float() for side in (truth, filled))
    with torch.no_grad():
        whole = float(package(net, file, False)[0](a, b))
        inside = package(net, file, True)[0](a, b)[0, 0].double().numpy()[hole].mean()
    return whole, float(inside)


def stack_of(net: str, file: Path | None) -> Stack:
    return weights.build(weights.BACKBONES[NETS[net]], package(net, file, False)[1])


def ours(stack: Stack, truth: np.ndarray, fills: list[np.ndarray], hole: np.ndarray) -> tuple[list[float], list[float]]:
    rows = np.flatnonzero(hole.any(1))
    columns = np.flatnonzero(hole.any(0))
    box = lpips_patch.Box(0, 0, 0, 0)
    if len(rows):
        box = lpips_patch.Box(int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1)
    kept = lpips_patch.keep(stack, truth)
    return lpips_patch.scores(stack, kept, truth, fills, box, lpips_patch.hole_weights(stack, hole))


def file_of(net: str) -> Path:
    folder = os.environ.get("BENCH_WEIGHTS_DIR")
    if not folder:
        pytest.skip("BENCH_WEIGHTS_DIR is not set: no real backbone")
    file = weights.find(weights.BACKBONES[NETS[net]], Path(folder))
    if file is None or file.suffix != ".pth":
        pytest.skip(f"{folder} holds no {NETS[net]} backbone")
    return file


# ---- pictures


@lru_cache
def photographs(side: int) -> list[np.ndarray]:
    """Crops of real photographs: scikit-image's, and the folder BENCH_PHOTOS_DIR/kodak where it is given."""
    import skimage.data
    from PIL import Image

    found = [skimage.data.astronaut(), skimage.data.coffee(), skimage.data.chelsea()]
    folder = os.environ.get("BENCH_PHOTOS_DIR")
    if folder:
        found += [np.asarray(Image.open(file).convert("RGB")) for file in sorted(Path(folder, "kodak").glob("*.png"))]
    return [np.ascontiguousarray(picture[20 : 20 + side, 100 : 100 + side]) for picture in found]


def telea(truth: np.ndarray, hole: np.ndarray) -> np.ndarray:
    import cv2

    return cv2.inpaint(truth, hole.astype(np.uint8), 3, cv2.INPAINT_TELEA)


def blurred(truth: np.ndarray, hole: np.ndarray) -> np.ndarray:
    import cv2

    return cv2.GaussianBlur(truth, (0, 0), 3)


def noise(truth: np.ndarray, hole: np.ndarray) -> np.ndarray:
    return np.random.default_rng(int(hole.sum())).integers(0, 256, truth.shape, dtype=np.uint8)


def mean(truth: np.ndarray, hole: np.ndarray) -> np.ndarray:
    return np.broadcast_to(truth[~hole].mean(0).astype(np.uint8), truth.shape)


FILLS: tuple[Callable[[np.ndarray, np.ndarray], np.ndarray], ...] = (telea, blurred, noise, mean)


def filled_by_all(truth: np.ndarray, hole: np.ndarray) -> list[np.ndarray]:
    return [np.where(hole[..., None], fill(truth, hole), truth) for fill in FILLS]


# ---- agreement


def test_the_authors_example_gives_their_published_distances() -> None:
    """richzhang/PerceptualSimilarity prints (0.722, 0.138) for its example triple; four digits: .7219, .1376."""
    from PIL import Image

    file = file_of("alex")
    folder = Path(os.environ.get("BENCH_LPIPS_REFERENCE_DIR", file.parent.parent / "lpips_reference"))
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there: name the authors' ex_*.png in BENCH_LPIPS_REFERENCE_DIR")
    reference, p0, p1 = (
        np.asarray(Image.open(folder / f"ex_{name}.png").convert("RGB")) for name in ("ref", "p0", "p1")
    )
    scorer = Scorer(["lpips"], weights_dir=file.parent)
    hole = np.ones(reference.shape[:2], bool)
    rows = scorer.score("ex", reference, hole, [p0, p1])
    assert [round(row["lpips"], 4) for row in rows] == [0.7219, 0.1376]


@pytest.mark.parametrize("net", ["alex", "squeeze"])
@pytest.mark.parametrize(("side", "mask"), [(64, "rect"), (97, "ellipse"), (256, "standard")])
def test_real_fills_of_real_photographs_score_as_the_package_scores_them(net: str, side: int, mask: str) -> None:
    file = file_of(net)
    stack = stack_of(net, file)
    holes = draw(mask, (side, side), 3, range(len(photographs(side))))
    for truth, hole in list(zip(photographs(side), holes, strict=True))[:: 4 if side < 256 else 12]:
        fills = filled_by_all(truth, hole)
        whole, inside = ours(stack, truth, fills, hole)
        expected = [theirs(net, file, truth, filled, hole) for filled in fills]
        assert whole == pytest.approx([e[0] for e in expected], abs=1e-6)
        assert inside == pytest.approx([e[1] for e in expected], abs=2e-6)


def test_the_columns_are_the_packages_values() -> None:
    file = file_of("alex")
    truth = photographs(128)[0]
    hole = draw("rect", (128, 128), 0, [0])[0]
    fills = filled_by_all(truth, hole)
    rows = Scorer(["lpips", "lpips_hole"], weights_dir=file.parent).score("x", truth, hole, fills)
    for row, filled in zip(rows, fills, strict=True):
        assert (row["lpips"], row["lpips_hole"]) == pytest.approx(theirs("alex", file, truth, filled, hole), abs=2e-6)


@pytest.mark.parametrize("finished", [False, True])
def test_brushbench_is_the_packages_squeezenet_on_pictures_that_are_black_in_the_hole(finished: bool) -> None:
    """BrushNet's evaluator multiplies values in [0, 1] by the known mask, then scales to [-1, 1]; the hole's own column
    keeps the map of the restored pictures."""
    file = file_of("squeeze")
    truth = photographs(128)[0]
    hole = draw("rect", (128, 128), 0, [0])[0]
    own = [blurred(truth, hole), noise(truth, hole), truth.copy()]
    filled = [np.where(hole[..., None], picture, truth) for picture in own]
    raws = own if finished else [(picture / 255).astype(np.float32) for picture in own]
    scorer = Scorer(["lpips", "lpips_hole"], protocol="brushbench", weights_dir=file.parent)
    rows = scorer.score("x", truth, hole, filled, raws)
    known = ~hole[..., None]
    expected = [theirs("squeeze", file, truth * known, picture * known, hole)[0] for picture in own]
    assert min(expected[:2]) > 0.01
    assert [row["lpips"] for row in rows] == pytest.approx([*expected[:2], 0.0], abs=2e-6)
    inside = [theirs("squeeze", file, truth, picture, hole)[1] for picture in filled]
    assert [row["lpips_hole"] for row in rows] == pytest.approx(inside, abs=2e-6)


@pytest.mark.parametrize("net", list(NETS))
@pytest.mark.parametrize("shape", [(64, 64), (47, 66)])
def test_each_nets_geometry_is_the_packages_whatever_its_weights(net: str, shape: tuple[int, int]) -> None:
    truth = photographs(128)[1][: shape[0], : shape[1]]
    hole = np.zeros(shape, bool)
    hole[10:40, 30:60] = True
    fills = filled_by_all(truth, hole)[::2]
    whole, inside = ours(stack_of(net, None), truth, fills, hole)
    expected = np.array([theirs(net, None, truth, filled, hole) for filled in fills])
    assert expected[:, 0].min() > 1e-5, "a test on distances of nothing would prove nothing"
    assert whole == pytest.approx(expected[:, 0], rel=2e-5, abs=1e-8)
    assert inside == pytest.approx(expected[:, 1], rel=2e-5, abs=1e-8)


# ---- the fast path against whole pictures


def plainly(stack: Stack, truth: np.ndarray, fills: list[np.ndarray]) -> list[float]:
    with torch.inference_mode():
        maps = stack.maps(stack.input(truth[None]), stack.input(np.stack(fills)))
        return sum(m.double().mean((1, 2)) for m in maps).tolist()  # type: ignore[union-attr]


def random_hole(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    hole = np.zeros(shape, bool)
    for _ in range(rng.integers(1, 4)):
        h, w = rng.integers(1, shape[0] // 2), rng.integers(1, shape[1] // 2)
        y, x = rng.integers(0, shape[0] - h + 1), rng.integers(0, shape[1] - w + 1)
        hole[y : y + h, x : x + w] = True
    return hole


@pytest.mark.parametrize(
    ("net", "dtype", "smallest", "allowed"),
    [("alex", torch.float64, 31, 1e-12), ("squeeze", torch.float64, 31, 1e-12), ("alex", torch.float32, 64, 5e-8)],
)
def test_where_fills_differ_gives_what_whole_pictures_give(
    net: str, dtype: torch.dtype, smallest: int, allowed: float
) -> None:
    stack = stack_of(net, file_of(net) if "BENCH_WEIGHTS_DIR" in os.environ else None).to(dtype)
    rng = np.random.default_rng(0)
    for _ in range(12):
        shape = tuple(rng.integers(smallest, 140, 2))
        truth = np.ascontiguousarray(photographs(256)[rng.integers(3)][: shape[0], : shape[1]])
        hole = random_hole(rng, truth.shape[:2])
        fills = filled_by_all(truth, hole)
        whole, _ = ours(stack, truth, fills, hole)
        assert np.abs(np.subtract(whole, plainly(stack, truth, fills))).max() < allowed


@pytest.mark.parametrize("pixel", [(0, 0), (0, 63), (63, 63), (31, 17), (62, 62), (61, 1)])
def test_one_pixel_anywhere_is_seen_as_on_whole_pictures(pixel: tuple[int, int]) -> None:
    stack = stack_of("alex", None)
    truth = photographs(64)[0]
    filled = truth.copy()
    filled[pixel] = 255 - filled[pixel]
    hole = np.zeros((64, 64), bool)
    hole[pixel] = True
    whole, inside = ours(stack, truth, [filled], hole)
    assert whole[0] == pytest.approx(plainly(stack, truth, [filled])[0], rel=1e-4, abs=1e-12)
    assert inside[0] == pytest.approx(theirs("alex", None, truth, filled, hole)[1], rel=1e-3, abs=1e-10)


def test_what_changed_outside_the_hole_counts() -> None:
    stack = stack_of("alex", None)
    truth = photographs(96)[0]
    hole = np.zeros((96, 96), bool)
    hole[40:50, 40:50] = True
    filled = truth.copy()
    filled[5:20, 70:90] = 0
    whole, inside = ours(stack, truth, [filled], hole)
    expected = theirs("alex", None, truth, filled, hole)
    assert whole[0] == pytest.approx(expected[0], rel=1e-4)
    assert inside[0] == pytest.approx(expected[1], rel=1e-4, abs=1e-9)


@pytest.mark.parametrize(
    "where",
    [
        np.s_[20:30, 50:],
        np.s_[20:30, :12],
        np.s_[:15, 20:30],
        np.s_[40:, 20:30],
        np.s_[20:30, 50:, 2],
        np.s_[3:9, 3:9, 0],
    ],
    ids=["right", "left", "above", "below", "blue on the right", "red above"],
)
def test_a_change_on_one_side_of_the_hole_or_in_one_channel_counts(where: Any) -> None:
    stack = stack_of("alex", None)
    truth = photographs(64)[0]
    hole = np.zeros((64, 64), bool)
    hole[20:32, 18:40] = True
    filled = np.where(hole[..., None], np.uint8(128), truth)
    filled[where] = 255 - filled[where]
    whole, inside = ours(stack, truth, [filled], hole)
    expected = theirs("alex", None, truth, filled, hole)
    assert whole[0] == pytest.approx(expected[0], rel=1e-4)
    assert inside[0] == pytest.approx(expected[1], rel=1e-4)


def test_no_bit_depends_on_which_fills_come_together() -> None:
    stack = stack_of("alex", None)
    for side, mask in ((64, "rect"), (256, "ellipse")):
        truth = photographs(side)[2]
        hole = draw(mask, (side, side), 1, [5])[0]
        fills = filled_by_all(truth, hole)
        fills.append(noise(truth, hole))
        alone = [ours(stack, truth, [filled], hole) for filled in fills]
        for order in ([0, 1, 2, 3, 4], [4, 2, 0], [3, 1]):
            whole, inside = ours(stack, truth, [fills[i] for i in order], hole)
            assert whole == [alone[i][0][0] for i in order]
            assert inside == [alone[i][1][0] for i in order]


# ---- edges


def test_an_exact_fill_scores_nothing_and_an_empty_hole_has_no_mean() -> None:
    stack = stack_of("alex", None)
    truth = photographs(64)[0]
    hole = np.zeros((64, 64), bool)
    whole, inside = ours(stack, truth, [truth.copy()], hole)
    assert whole == [0.0]
    assert np.isnan(inside[0])
    hole[3:9] = True
    assert ours(stack, truth, [truth.copy()], hole) == ([0.0], [0.0])


def test_a_full_hole_is_the_whole_picture() -> None:
    stack = stack_of("alex", None)
    truth, filled = photographs(64)[0], photographs(64)[1]
    hole = np.ones((64, 64), bool)
    whole, inside = ours(stack, truth, [filled], hole)
    assert (whole[0], inside[0]) == pytest.approx(theirs("alex", None, truth, filled, hole), rel=1e-4)


@pytest.mark.parametrize(("shape", "has_value"), [((30, 64), False), ((64, 30), False), ((31, 31), True)])
def test_a_picture_too_small_for_the_last_layer_has_no_value(shape: tuple[int, int], has_value: bool) -> None:
    file = file_of("alex")
    truth = photographs(64)[0][: shape[0], : shape[1]]
    hole = np.zeros(shape, bool)
    hole[4:9, 4:9] = True
    scorer = Scorer(["lpips", "lpips_hole"], weights_dir=file.parent)
    row = scorer.score("x", np.ascontiguousarray(truth), hole, filled_by_all(truth, hole)[:1])[0]
    assert (not np.isnan(row["lpips"]), not np.isnan(row["lpips_hole"])) == (has_value, has_value)
