"""References against what they are said to be, called directly; and how any reference is handed its pictures."""

from __future__ import annotations

import hashlib
import sys
import tracemalloc
import types
from dataclasses import replace

import cv2
import numpy as np
import patchmatch_cython
import pytest
from skimage.restoration import inpaint_biharmonic

from bench.methods.load import load_methods
from bench.profiles.profile import load_profile
from bench.stages.prepare import members_of
from bench.util.errors import UsageError
from variants.errors import ExternalError, FillError
from variants.method import Findings, Method, Network, Reference, ReferenceMethod, joined, tell_apart
from variants.references.mean_fill import MeanFill
from variants.references.patchmatch import PatchMatch


def fill(name: str, images: np.ndarray, holes: np.ndarray) -> np.ndarray:
    return load_methods(name, weights=None)[0].fill(images, holes)


def pictures(count: int = 2, side: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """Smooth in red, noisy in green, nearly white in blue: each channel asks for something else."""
    rng = np.random.default_rng(0)
    images = np.zeros((count, side, side, 3), np.uint8)
    images[..., 0] = np.arange(0, 10 * side, 10)[None, :]
    images[..., 1] = rng.integers(0, 256, (count, side, side))
    images[..., 2] = rng.integers(240, 256, (count, side, side))
    holes = np.zeros((count, side, side), bool)
    for i in range(count):
        holes[i, 5 + i : 12, 8 : 18 - i] = True
        holes[i, 20:22, 2:5] = True
    return images, holes


def blanked(image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    return np.where(hole[..., None], 0, image).astype(np.uint8)


@pytest.mark.parametrize(("name", "flag"), [("telea", cv2.INPAINT_TELEA), ("navier_stokes", cv2.INPAINT_NS)])
def test_opencv_references_are_opencvs_at_radius_3(name, flag):
    images, holes = pictures()
    raw = fill(name, images, holes)
    for given, image, hole in zip(raw, images, holes, strict=True):
        expected = cv2.inpaint(blanked(image, hole), hole.astype(np.uint8) * 255, 3, flag)
        np.testing.assert_allclose(given, expected / 255, atol=1e-6)


def test_biharmonic_is_scikit_images():
    images, holes = pictures()
    raw = fill("biharmonic", images, holes)
    for given, image, hole in zip(raw, images, holes, strict=True):
        expected = inpaint_biharmonic(blanked(image, hole) / 255, hole, channel_axis=-1)
        np.testing.assert_allclose(given, expected, atol=1e-4)
    assert raw.dtype == np.float32


def test_patchmatch_is_patchmatch_cythons_with_a_fixed_seed():
    images, holes = pictures(1, 48)
    first, again = (fill("patchmatch", images, holes)[0] for _ in range(2))
    expected = patchmatch_cython.inpaint_pyramid(blanked(images[0], holes[0]), holes[0], seed=0)
    np.testing.assert_array_equal(first, np.asarray(expected) / np.float32(255))
    np.testing.assert_array_equal(first, again)


@pytest.fixture
def contrib(monkeypatch):
    """OpenCV's contrib module as its documentation has it: it writes into dst and takes known pixels as non-zero."""
    calls = []

    def inpaint(src, mask, dst, algorithm):
        calls.append((src.copy(), mask.copy(), algorithm))
        dst[:] = np.where(mask[..., None] != 0, src, src[mask != 0].mean(0).astype(np.uint8))

    module = types.SimpleNamespace(inpaint=inpaint, INPAINT_SHIFTMAP=0, INPAINT_FSR_BEST=1, INPAINT_FSR_FAST=2)
    monkeypatch.setattr(cv2, "xphoto", module, raising=False)
    return calls


@pytest.mark.parametrize(
    ("name", "algorithm", "code"),
    [("fsr", 2, cv2.COLOR_RGB2BGR), ("shift_map", 0, cv2.COLOR_RGB2LAB)],
)
def test_contrib_references_hand_over_known_pixels_as_white_in_the_space_that_opencv_asks_for(
    contrib, name, algorithm, code
):
    images, holes = pictures(1)
    raw = fill(name, images, holes)[0]
    given, mask, asked = contrib[0]
    np.testing.assert_array_equal(given, cv2.cvtColor(blanked(images[0], holes[0]), code))
    np.testing.assert_array_equal(mask, np.where(holes[0], 0, 255))
    assert asked == algorithm
    np.testing.assert_allclose(raw[~holes[0]] * 255, images[0][~holes[0]], atol=1e-4)
    mean = given[~holes[0]].mean(0).astype(np.uint8)
    back = {"fsr": mean[::-1], "shift_map": cv2.cvtColor(mean[None, None], cv2.COLOR_LAB2RGB)[0, 0]}[name]
    np.testing.assert_allclose(raw[holes[0]] * 255, np.broadcast_to(back, raw[holes[0]].shape), atol=1e-4)


def test_a_reference_whose_package_is_not_there_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "patchmatch_cython", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *rest: None)
    with pytest.raises(ExternalError, match=r"patchmatch cannot be used: it needs patchmatch-cython, .*pip install"):
        load_methods("patchmatch", weights=None)


def test_references_that_lack_a_package_are_left_out_of_a_run_and_named(monkeypatch):
    monkeypatch.setattr(PatchMatch, "missing", lambda self: "it needs a package")
    members = members_of(load_profile("quick"))
    assert members.missing == {"patchmatch": "it needs a package"}
    assert "patchmatch" not in members.specs and "telea" in members.specs
    with pytest.raises(UsageError, match=r"patchmatch cannot be used: it needs a package"):
        members_of(replace(load_profile("quick"), variants=("patchmatch",)))


def test_mean_fill_is_the_mean_of_each_channel_by_numpy_and_leaves_known_pixels():
    images, holes = pictures()
    raw = fill("mean_fill", images, holes)
    for given, image, hole in zip(raw, images, holes, strict=True):
        mean = [np.mean(image[..., c][~hole]) / 255 for c in range(3)]
        np.testing.assert_allclose(given[hole], np.broadcast_to(mean, given[hole].shape), atol=1e-6)
        np.testing.assert_allclose(given[~hole], image[~hole] / 255, atol=1e-7)


@pytest.mark.parametrize("name", ["mean_fill", "biharmonic"])
def test_where_nothing_is_known_the_fill_is_grey(name):
    images, holes = pictures(1)
    np.testing.assert_allclose(fill(name, images, np.ones_like(holes)), 0.5, atol=1e-6)


@pytest.mark.parametrize("name", ["telea", "navier_stokes"])
def test_where_nothing_is_known_opencv_leaves_black(name):
    images, holes = pictures(1)
    assert (fill(name, images, np.ones_like(holes)) == 0).all()


def test_biharmonic_continues_a_ramp():
    ramp = np.broadcast_to(np.arange(0, 240, 10, dtype=np.uint8)[None, :, None], (24, 24, 3))[None].copy()
    hole = np.zeros((1, 24, 24), bool)
    hole[:, 8:16, 8:16] = True
    raw = fill("biharmonic", ramp, hole)
    assert np.abs(raw[hole] - ramp[hole] / 255).max() < 2 / 255


@pytest.mark.parametrize("name", ["mean_fill", "telea", "navier_stokes", "biharmonic"])
@pytest.mark.parametrize("share", ["none", "all"])
def test_empty_and_full_holes_are_survived(name, share):
    image, hole = pictures(1)
    hole[:] = share == "all"
    raw = fill(name, image, hole)
    assert np.isfinite(raw).all()
    if share == "none":
        assert np.array_equal(np.rint(raw * 255).astype(np.uint8), image)


class Shown(Reference):
    """Gives back what it was shown, as bytes or as floats."""

    def __init__(self, floats: bool) -> None:
        self.floats = floats
        self.calls = 0

    def fill(self, image: np.ndarray, hole: np.ndarray) -> np.ndarray:
        self.calls += 1
        return image / np.float32(255) if self.floats else image


@pytest.mark.parametrize("floats", [False, True])
def test_a_reference_sees_black_under_the_hole_and_may_give_bytes_or_floats(floats):
    images, holes = pictures()
    raw = ReferenceMethod("shown", Shown(floats)).fill(images, holes)
    assert raw.dtype == np.float32
    assert (raw[holes] == 0).all()
    np.testing.assert_allclose(raw[~holes], images[~holes] / 255, atol=1e-7)
    assert raw.max() == 1.0


def test_a_reference_is_not_asked_where_there_is_no_hole():
    images, holes = pictures()
    holes[0] = False
    reference = Shown(False)
    raw = ReferenceMethod("shown", reference).fill(images, holes)
    assert reference.calls == 1
    np.testing.assert_allclose(raw[0], images[0] / 255, atol=1e-7)


def test_a_network_without_its_first_layer_has_no_width():
    assert Network().width_of({}) is None


@pytest.mark.parametrize("name", ["mean_fill", "telea", "navier_stokes", "biharmonic"])
def test_references_say_that_they_fill_holes_and_have_no_weights(name):
    method = load_methods(name, weights=None)[0]
    assert (method.name, method.kind, method.fills, method.parameters, method.gives_raw) == (
        name, "reference", "hole", 0, True,
    )  # fmt: skip
    assert method.summary


def test_a_reference_draws_by_suite_mask_picture_and_sample():
    class Drawing(Reference):
        def fill(self, image: np.ndarray, hole: np.ndarray) -> np.ndarray:
            return np.random.rand(*image.shape).astype(np.float32)

    images, holes = pictures()
    method = ReferenceMethod("drawing", Drawing())
    assert method.forks
    method.suite_seed, method.sample = 5, 2
    raw = method.fill(images, holes, ["a", "b", "c"][: len(images)], "rect")
    # As docs/spec.md has it; NumPy takes 32 bits.
    digest = hashlib.sha256(b"5/rect/a/2").digest()
    expected = np.random.RandomState(int.from_bytes(digest[:8], "little") % 2**32).rand(*images[0].shape)
    np.testing.assert_allclose(raw[0], expected, rtol=1e-6)


def test_what_fails_is_told_of_its_picture_and_without_a_name_is_raised():
    class Failing(Reference):
        def fill(self, image: np.ndarray, hole: np.ndarray) -> np.ndarray:
            raise MemoryError("too large")

    images, holes = pictures()
    method = ReferenceMethod("failing", Failing())
    assert np.isnan(method.fill(images[:1], holes[:1], ["a"], "rect")).all()
    assert method.findings().problems == {("rect", "a"): "failing failed: MemoryError: too large"}
    with pytest.raises(FillError, match="failing failed: MemoryError: too large"):
        method.fill(images[:1], holes[:1])


def test_findings_of_processes_are_joined_by_their_ends_and_what_belongs_to_none():
    parts = [Findings({("m", "a"): "x"}, ["p", "q"], -1.0, 1.5), Findings({("m", "b"): "y"}, ["q"], -0.5, 1.0)]
    assert joined(parts) == Findings({("m", "a"): "x", ("m", "b"): "y"}, ["q"], -1.0, 1.5)


def methods(*pairs: tuple[str, int]) -> list[Method]:
    found = []
    for name, seed in pairs:
        method = Method()
        method.name, method.seed = name, seed
        found.append(method)
    return found


@pytest.mark.parametrize(
    ("pairs", "others", "labels"),
    [
        ([("a", 0), ("b", 0)], [], ["a", "b"]),
        ([("a", 0), ("a", 1), ("b", 2)], [], ["a@0", "a@1", "b"]),
        ([("a", 1)], [("a", 0), ("b", 0)], ["a@1"]),
        ([("a", 1)], [("a", 1), ("b", 0), ("b", 1)], ["a"]),
    ],
)
def test_a_method_has_its_seed_in_its_label_where_its_name_stands_for_several(pairs, others, labels):
    found = methods(*pairs)
    tell_apart(found, others)
    assert [method.label for method in found] == labels


def test_a_method_that_says_nothing_is_one_from_outside_that_noticed_nothing():
    method = Method()
    assert (method.kind, method.fills, method.gives_raw, method.forks) == ("external", "whole", True, False)
    assert (method.seed, method.parameters, method.suite_seed, method.samples, method.sample) == (0, 0, 0, 1, 0)
    assert method.findings() == Findings({}, (), 0.0, 1.0)


def test_mean_fill_takes_little_more_than_its_answer() -> None:
    image = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    hole = np.zeros((300, 400), bool)
    hole[50:80, 50:80] = True
    method = MeanFill()
    tracemalloc.start()
    filled = method.fill(image, hole)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # 12 bytes a pixel; in float64 on the way it would be 36 and more.
    assert peak < 20 * hole.size
    np.testing.assert_allclose(filled[60, 60] * 255, image[~hole].mean(axis=0), rtol=1e-6)
