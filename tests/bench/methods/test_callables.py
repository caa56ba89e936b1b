"""Models from outside, TorchScript, ONNX and Python: what they are shown and how their answers are read."""

from __future__ import annotations

import hashlib
import sys

import numpy as np
import pytest
import torch

from bench.methods.callable import CallableMethod, safe_name
from bench.methods.load import load_methods
from variants.errors import ExternalError, FillError


def one(spec: str):
    return load_methods(spec, weights=None)[0]


def picture(height: int = 6, width: int = 9) -> tuple[np.ndarray, np.ndarray]:
    image = np.random.default_rng(0).integers(0, 256, (1, height, width, 3), dtype=np.uint8)
    image[0, 0, 0] = 255
    hole = np.zeros((1, height, width), bool)
    hole[:, 2:, 3:5] = True
    return image, hole


def test_a_function_sees_black_under_the_hole_white_as_one_and_sizes_that_are_multiples_of_eight():
    seen = []
    image, hole = picture()

    def function(x: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        seen.append((x, h))
        return x

    raw = CallableMethod("mine", function).fill(image, hole)
    x, h = seen[0]
    assert x.shape == (1, 3, 8, 16) and h.shape == (1, 1, 8, 16)
    assert x.dtype == h.dtype == torch.float32
    assert x[0, :, 0, 0].tolist() == [1, 1, 1]
    padding = ((0, 2), (0, 7))
    holes = np.pad(hole[0], padding, "reflect")
    assert np.array_equal(h[0, 0].numpy(), holes.astype(np.float32))
    padded = np.pad(np.where(hole[0][..., None], 0, image[0]), (*padding, (0, 0)), "reflect") / 255
    np.testing.assert_allclose(x[0].permute(1, 2, 0).numpy(), padded, atol=1e-6)
    np.testing.assert_allclose(raw, np.where(hole[..., None], 0, image) / 255, atol=1e-6)


@pytest.mark.parametrize(
    ("low", "high", "outside"),
    [
        (-0.04, 1.04, (0.0, 1.0)),  # a little is usual
        (-0.06, 1.0, (-0.06, 1.0)),
        (0.0, 1.06, (0.0, 1.06)),
        (-2.0, 3.0, (-2.0, 3.0)),
    ],
)
def test_how_far_beyond_black_and_white_an_answer_lies_is_remembered(low, high, outside):
    def function(x: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        y = torch.full_like(x, 0.5)
        y[..., 0, 0], y[..., 0, 1] = low, high
        return y

    method = CallableMethod("mine", function)
    method.fill(*picture())
    assert (method.findings().low, method.findings().high) == pytest.approx(outside)
    method.function = lambda x, h: torch.full_like(x, 1.2)
    method.fill(*picture())
    assert (method.findings().low, method.findings().high) == pytest.approx((outside[0], max(outside[1], 1.2)))


def test_a_function_that_has_never_worked_is_a_failure_even_with_names():
    method = CallableMethod("mine", lambda x, h: x[:, :1])
    with pytest.raises(FillError, match="mine gave a picture of shape"):
        method.fill(*picture(), ["a"], "rect")
    # Once it has worked, a failure is the picture's own.
    method.works = True
    assert np.isnan(method.fill(*picture(), ["a"], "rect")).all()
    assert list(method.findings().problems) == [("rect", "a")]


@pytest.mark.parametrize(
    ("text", "name"), [("big-lama.v2", "big-lama.v2"), ("a b/ü", "a_b"), ("..", "method"), ("", "method")]
)
def test_names_for_records_are_file_names(text, name):
    assert safe_name(text) == name


class Weighted(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.level = torch.nn.Parameter(torch.full((3, 1, 1), 0.25))
        self.drop = torch.nn.Dropout(0.5)

    def forward(self, image: torch.Tensor, hole: torch.Tensor) -> torch.Tensor:
        return image + self.drop(self.level * hole)


def test_a_torchscript_file_runs_in_evaluation_mode_and_its_weights_are_counted(tmp_path):
    file = tmp_path / "two words.pt"
    torch.jit.script(Weighted()).save(str(file))
    image, hole = picture()
    method = one(f"torchscript:{file}")
    assert (method.fill(image, hole)[hole] == 0.25).all()
    assert (method.name, method.parameters) == ("two_words", 3)
    assert method.weights_sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert method.summary == "TorchScript two words.pt"


def test_a_python_class_is_made_once_and_runs_in_evaluation_mode(tmp_path):
    (tmp_path / "weighted.py").write_text(
        "import torch\n"
        "class Weighted(torch.nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.level = torch.nn.Parameter(torch.full((3, 1, 1), 0.25))\n"
        "    def forward(self, image, hole):\n"
        "        assert not self.training\n"
        "        return image + self.level * hole\n"
    )
    image, hole = picture()
    method = one(f"python:{tmp_path / 'weighted.py'}:Weighted")
    assert (method.fill(image, hole)[hole] == 0.25).all()
    assert (method.name, method.parameters) == ("Weighted", 3)


def message(*fields: tuple[int, int | str | bytes]) -> bytes:
    """A Protocol Buffers message of (number, value): the onnx package is not needed to write so small a model."""
    written = b""
    for number, value in fields:
        if isinstance(value, int):
            written += varint(number << 3) + varint(value)
        else:
            content = value.encode() if isinstance(value, str) else value
            written += varint(number << 3 | 2) + varint(len(content)) + content
    return written


def varint(value: int) -> bytes:
    return bytes([value]) if value < 128 else bytes([value % 128 + 128]) + varint(value // 128)


def onnx_file(folder, inputs: list[str]):
    """A model that subtracts its second input from its first, or sums what it gets. Field numbers: onnx.proto3."""
    pytest.importorskip("onnxruntime")
    shape = message(*((1, message((2, axis))) for axis in ("n", "c", "h", "w")))

    def tensor(name: str) -> bytes:
        return message((1, name), (2, message((1, message((1, 1), (2, shape))))))

    node = message(*((1, name) for name in inputs), (2, "out"), (4, "Sub" if len(inputs) == 2 else "Sum"))
    graph = message((1, node), (2, "g"), *((11, tensor(name)) for name in inputs), (12, tensor("out")))
    file = folder / "model.onnx"
    file.write_bytes(message((1, 9), (7, graph), (8, message((2, 13)))))
    return file


def test_an_onnx_model_gets_the_picture_first_and_the_hole_second(tmp_path):
    image, hole = picture()
    file = onnx_file(tmp_path, ["z_picture", "a_hole"])
    method = one(f"onnx:{file}")
    raw = method.fill(image, hole)
    assert (raw[hole] == -1).all()
    np.testing.assert_allclose(raw[~hole], image[~hole] / 255, atol=1e-6)
    assert (method.name, method.summary) == ("model", "ONNX model.onnx")
    assert method.weights_sha256 == hashlib.sha256(file.read_bytes()).hexdigest()


def test_an_onnx_model_of_three_inputs_is_refused(tmp_path):
    with pytest.raises(ExternalError, match=r"takes 3 inputs \(a, b, c\), not one or two"):
        one(f"onnx:{onnx_file(tmp_path, ['a', 'b', 'c'])}")


@pytest.mark.parametrize("kind", ["torchscript", "onnx"])
def test_a_file_of_another_kind_is_refused(tmp_path, kind):
    if kind == "onnx":
        pytest.importorskip("onnxruntime")
    (tmp_path / "x.pt").write_bytes(b"nothing")
    with pytest.raises(ExternalError, match=r"x\.pt is no"):
        one(f"{kind}:{tmp_path / 'x.pt'}")


def test_a_python_callable_gets_the_blanked_picture_and_the_hole(tmp_path):
    (tmp_path / "mine.py").write_text(
        "import torch\n"
        "def fill(image, hole):\n"
        "    assert image.shape[1] == 3 and hole.shape[1] == 1\n"
        "    assert image[hole.expand_as(image) > 0.5].abs().max() == 0\n"
        "    return torch.where(hole > 0.5, torch.full_like(image, 0.25), image)\n"
    )
    image, hole = picture()
    raw = one(f"python:{tmp_path / 'mine.py'}:fill").fill(image, hole)
    assert raw[hole] == pytest.approx(0.25)
    assert np.array_equal(raw[~hole], image[~hole] / np.float32(255))


def test_a_callable_that_gives_another_shape_is_named(tmp_path):
    (tmp_path / "bad.py").write_text("def fill(image, hole):\n    return image[:, :1]\n")
    with pytest.raises(FillError, match=r"fill gave a picture of shape \(1, 1, 8, 16\)"):
        one(f"python:{tmp_path / 'bad.py'}:fill").fill(*picture())


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("torchscript:/nowhere.pt", "does not exist"),
        ("onnx:/nowhere.onnx", "does not exist"),
        ("python:json", "names no function"),
        ("python:json:nothing", "has no callable"),
        ("python:no_such_module:f", "importing no_such_module failed"),
        ("python:zipfile:ZipFile", r"ZipFile\(\) failed: .*missing"),
        ("predictions:/nowhere", "is not a folder"),
    ],
)
def test_bad_specs_are_refused_in_one_sentence(spec, words):
    with pytest.raises(ExternalError, match=words):
        one(spec)


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
    assert method.findings().problems == {
        ("rect", "large"): "mine failed on a picture of 8 x 8: ValueError: too large a hole"
    }
    # Without names there is nowhere to say it: speed is not measured of a function that fails.
    with pytest.raises(FillError, match="too large a hole"):
        method.fill(images, holes)


def test_a_module_that_hides_behind_our_package_is_told_how_to_be_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "variants").mkdir()
    (tmp_path / "variants" / "mine.py").write_text("def fill(image, hole):\n    return image\n")
    with pytest.raises(ExternalError, match=r"give the file, python:variants/mine\.py:FUNCTION"):
        load_methods("python:variants.mine:fill", weights=None)
    (method,) = load_methods("python:variants/mine.py:fill", weights=None)
    assert method.name == "fill"


def test_a_module_of_the_working_directory_is_found_and_hides_nothing_later(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "filler_of_mine.py").write_text("def fill(image, hole):\n    return image\n")
    load_methods("python:filler_of_mine:fill", weights=None)
    assert sys.path[0] != str(tmp_path) and sys.path[-1] == str(tmp_path)


def test_an_error_without_a_message_is_its_name_alone():
    from bench.methods.callable import reason

    assert reason(RuntimeError()) == "RuntimeError"
    assert reason(ValueError("a\nb")) == "ValueError: a b"
