"""Methods that need no training and methods from outside."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from bench.methods.external import CallableMethod, ExternalError, FillError
from bench.methods.load import check_spec, load_methods
from variants.registry import UnknownName


def one(spec: str):
    return load_methods(spec, weights=None)[0]


def half() -> tuple[np.ndarray, np.ndarray]:
    """Left half black, right half white, a hole across the border."""
    image = np.zeros((1, 16, 16, 3), np.uint8)
    image[:, :, 8:] = 255
    hole = np.zeros((1, 16, 16), bool)
    hole[:, 4:12, 4:12] = True
    return image, hole


def test_mean_fill_is_the_mean_of_the_known_pixels():
    image, hole = half()
    raw = one("mean_fill").fill(image, hole)
    assert raw[hole] == pytest.approx(0.5, abs=1e-6)


@pytest.mark.parametrize(("name", "flag"), [("telea", cv2.INPAINT_TELEA), ("navier_stokes", cv2.INPAINT_NS)])
def test_opencv_methods_give_opencvs_pixels(name, flag):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (1, 32, 32, 3), dtype=np.uint8)
    hole = np.zeros((1, 32, 32), bool)
    hole[:, 10:20, 12:22] = True
    blanked = np.where(hole[0][..., None], 0, image[0]).astype(np.uint8)
    expected = cv2.inpaint(blanked, hole[0].astype(np.uint8), 3, flag)
    assert np.array_equal(np.rint(one(name).fill(image, hole)[0] * 255).astype(np.uint8), expected)


def test_biharmonic_continues_a_ramp():
    ramp = np.broadcast_to(np.arange(0, 240, 10, dtype=np.uint8)[None, :, None], (24, 24, 3))[None].copy()
    hole = np.zeros((1, 24, 24), bool)
    hole[:, 8:16, 8:16] = True
    raw = one("biharmonic").fill(ramp, hole)
    assert np.abs(raw[hole] - ramp[hole] / 255).max() < 2 / 255


@pytest.mark.parametrize("name", ["mean_fill", "telea", "navier_stokes", "biharmonic"])
@pytest.mark.parametrize("share", ["none", "all"])
def test_empty_and_full_holes_are_survived(name, share):
    image, hole = half()
    hole[:] = share == "all"
    raw = one(name).fill(image, hole)
    assert np.isfinite(raw).all()
    if share == "none":
        assert np.array_equal(np.rint(raw * 255).astype(np.uint8), image)


def test_a_python_callable_gets_the_blanked_picture_and_the_hole(tmp_path):
    (tmp_path / "mine.py").write_text(
        "import torch\n"
        "def fill(image, hole):\n"
        "    assert image.shape[1] == 3 and hole.shape[1] == 1\n"
        "    assert image[hole.expand_as(image) > 0.5].abs().max() == 0\n"
        "    return torch.where(hole > 0.5, torch.full_like(image, 0.25), image)\n"
    )
    image, hole = half()
    raw = one(f"python:{tmp_path / 'mine.py'}:fill").fill(image, hole)
    assert raw[hole] == pytest.approx(0.25)
    assert np.array_equal(raw[~hole], image[~hole] / np.float32(255))


class Half(torch.nn.Module):
    def forward(self, image: torch.Tensor, hole: torch.Tensor) -> torch.Tensor:
        return image * (1 - hole) + 0.5 * hole


def test_a_torchscript_file_is_a_method(tmp_path):
    file = tmp_path / "half.pt"
    torch.jit.script(Half()).save(str(file))
    image, hole = half()
    method = one(f"torchscript:{file}")
    assert method.name == "half"
    assert method.fill(image, hole)[hole] == pytest.approx(0.5)


def test_an_onnx_file_is_a_method(tmp_path):
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    ends = [helper.make_tensor_value_info(n, kind, ["n", c, "h", "w"]) for n, c in (("image", 3), ("hole", 1))]
    out = helper.make_tensor_value_info("out", kind, ["n", 3, "h", "w"])
    graph = helper.make_graph([helper.make_node("Add", ["image", "hole"], ["out"])], "g", ends, [out])
    file = tmp_path / "add.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), str(file))
    image, hole = half()
    assert one(f"onnx:{file}").fill(image, hole)[hole] == pytest.approx(1.0)


def test_a_callable_that_gives_another_shape_is_named(tmp_path):
    (tmp_path / "bad.py").write_text("def fill(image, hole):\n    return image[:, :1]\n")
    with pytest.raises(FillError, match=r"fill gave a picture of shape \(1, 1, 16, 16\)"):
        one(f"python:{tmp_path / 'bad.py'}:fill").fill(*half())


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("torchscript:/nowhere.pt", "does not exist"),
        ("onnx:/nowhere.onnx", "does not exist"),
        ("python:json", "names no function"),
        ("python:json:nothing", "has no callable"),
        ("python:no_such_module:f", "importing no_such_module failed"),
        ("python:zipfile:ZipFile", r"ZipFile\(\) failed: .*missing"),
        ("predictions:/nowhere", "is no folder"),
    ],
)
def test_bad_specs_are_refused_in_one_sentence(spec, words):
    with pytest.raises(ExternalError, match=words):
        one(spec)


def test_an_unknown_kind_is_answered_with_the_kinds():
    with pytest.raises(UnknownName, match="torchscript:, onnx:, python:, predictions:"):
        check_spec("tensorflow:x.pb")


def test_finished_pictures_are_paired_by_name_and_problems_are_named(tmp_path):
    folder = tmp_path / "model" / "rect"
    folder.mkdir(parents=True)
    # Written in another order than asked for: pairing by order would swap them.
    for name, value in (("b", 20), ("a", 10)):
        Image.fromarray(np.full((16, 16, 3), value, np.uint8)).save(folder / f"{name}.png")
    Image.fromarray(np.zeros((8, 16, 3), np.uint8)).save(folder / "small.png")
    (folder / "broken.png").write_bytes(b"not a picture")
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(folder / "stray.png")
    method = one(f"predictions:{tmp_path}")
    assert method.name == "model"
    image, hole = half()
    ids = ["a", "b", "small", "broken", "gone"]
    raw = method.fill(np.repeat(image, 5, 0), np.repeat(hole, 5, 0), ids, "rect")
    assert [round(float(r[0, 0, 0]) * 255) if np.isfinite(r).all() else None for r in raw] == [
        10,
        20,
        None,
        None,
        None,
    ]
    assert method.problems["rect", "gone"] == "missing"
    assert method.problems["rect", "small"] == "wrong size: 16×8, not 16×16"
    assert method.problems["rect", "broken"].startswith("unreadable")
    assert method.extra() == ["rect/stray.png"]


@pytest.mark.parametrize("error", [ValueError("boom"), SystemExit(3)])
def test_a_function_that_fails_is_named_with_its_picture(error):
    def fill(picture, hole):
        raise error

    with pytest.raises(FillError, match=r"mine failed on a picture of 12 x 8: (ValueError: boom|SystemExit: 3)"):
        CallableMethod("mine", fill).fill(np.zeros((1, 8, 12, 3), np.uint8), np.ones((1, 8, 12), bool))


def test_a_function_that_has_worked_may_fail_on_some_pictures():
    def fill(picture, hole):
        if hole.mean() > 0.5:
            raise ValueError("too large\n a hole")
        return picture

    method = CallableMethod("mine", fill)
    images = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), np.uint8)
    holes = np.zeros((3, 8, 8), bool)
    holes[0] = True
    raw = method.fill(images, holes, ["large", "a", "b"], "rect")
    assert np.isnan(raw[0]).all()
    np.testing.assert_allclose(raw[1:], images[1:] / 255, atol=1e-6)
    assert method.problems == {("rect", "large"): "mine failed on a picture of 8 x 8: ValueError: too large a hole"}
    # Without names there is nowhere to say it: speed is not measured of a function that fails.
    with pytest.raises(FillError, match="too large a hole"):
        method.fill(images, holes)


def test_values_beyond_one_are_remembered():
    method = CallableMethod("mine", lambda picture, hole: 255 * picture - 1)
    method.fill(np.full((1, 8, 8, 3), 255, np.uint8), np.zeros((1, 8, 8), bool))
    assert method.outside == (0.0, 254.0)
