"""Models with published quirks, one network behind all: the right SPEC scores like the network called plainly, the
probe names that SPEC, and without it one short sentence ends in what to write."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.datasets.registry import open_dataset
from bench.methods.first_picture import check_convention, check_first
from bench.methods.hints import hint
from bench.methods.load import load_methods
from bench.methods.probe import known_pictures, probe
from bench.suites.suite import Suite
from tests.bench.methods import conformance as quirks
from tests.bench.methods.conformance import SIDE, export, script
from variants.errors import ExternalError

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def floats(channels: int) -> torch.Tensor:
    return torch.rand(1, channels, SIDE, SIDE)


def levels(*shape: int) -> torch.Tensor:
    return torch.randint(0, 256, shape, dtype=torch.uint8)


Make = Callable[[Path], Path]
TORCH: dict[str, tuple[Make, str]] = {
    "concat": (lambda d: script(quirks.Concat(), d / "concat.pt"), "input=concat"),
    "tuple": (lambda d: script(quirks.Tuple(), d / "tuple.pt"), "output=1"),
    "dict": (lambda d: script(quirks.Dict(), d / "dict.pt"), "output=inpainted"),
    "half": (lambda d: script(quirks.Half(), d / "half.pt"), ""),
    "baked": (lambda d: script(quirks.Baked(), d / "baked.pt"), ""),
    "fixed": (lambda d: script(quirks.Fixed(), d / "fixed.pt"), "size=64"),
    "dropout": (lambda d: script(quirks.Dropout(), d / "dropout.pt", train=True), ""),
    "signed": (lambda d: script(quirks.Signed(), d / "signed.pt"), "range=-1,1&blank=0.5"),
    "bgr": (lambda d: script(quirks.Bgr(), d / "bgr.pt"), "channels=bgr"),
    "grey": (lambda d: script(quirks.Grey(), d / "grey.pt"), "blank=0.5"),
    "known": (lambda d: script(quirks.Known(), d / "known.pt"), "hole=0"),
    "whole": (lambda d: script(quirks.Whole(), d / "whole.pt"), "blank=keep"),
}
ONNX: dict[str, tuple[Make, str]] = {
    "lama": (lambda d: export(quirks.Lama(), d / "lama.onnx", floats(3), floats(1)), "out=0,255"),
    "migan": (
        lambda d: export(quirks.Migan(), d / "migan.onnx", levels(1, 3, SIDE, SIDE), levels(1, 1, SIDE, SIDE)),
        "hole=0",
    ),
    "nhwc": (
        lambda d: export(quirks.Nhwc(), d / "nhwc.onnx", levels(1, SIDE, SIDE, 3), levels(1, SIDE, SIDE, 1)),
        "",
    ),
    "four": (lambda d: export(quirks.Concat(), d / "four.onnx", floats(4), None), ""),
    "free": (lambda d: export(quirks.Core(), d / "free.onnx", floats(3), floats(1), free=True), ""),
}
MODELS = TORCH | ONNX


def kind(name: str) -> str:
    return "onnx" if name in ONNX else "torchscript"


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    return {name: make(folder) for name, (make, _) in MODELS.items()}


@pytest.fixture(scope="module")
def pictures():
    return known_pictures(SIDE)


def load(spec: str):
    return load_methods(spec, weights=None)[0]


def plain(name: str, image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """What the same network gives, called as its author would: written out for each that differs from ``core``."""
    truth = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
    h = torch.from_numpy(hole)[None, None].float()
    x = truth * (1 - h)
    if name == "signed":
        y = quirks.Signed()((x * 2 - 1) * (1 - h), h) / 2 + 0.5
    elif name == "bgr":
        y = quirks.Bgr()(x.flip(1), h).flip(1)
    elif name == "whole":
        y = quirks.Whole()(truth, h)
    else:
        y = quirks.core(x, h)
    return y[0].permute(1, 2, 0).numpy()


@pytest.mark.parametrize("name", MODELS)
def test_with_its_spec_a_model_fills_as_its_network_does_called_plainly(name, files, pictures):
    keys = MODELS[name][1]
    method = load(f"{kind(name)}:{files[name]}" + (f"?{keys}" if keys else ""))
    image, hole = pictures[0]
    raw = method.fill(image[None], hole[None])[0]
    # Half precision has 11 bits; 8-bit answers are half a level off at most.
    near = {"half": 1e-3, "migan": 0.51 / 255, "nhwc": 0.51 / 255}.get(name, 1e-5)
    np.testing.assert_allclose(raw, plain(name, image, hole), atol=near)


@pytest.mark.parametrize("name", [name for name in MODELS if name != "bgr"])
def test_the_probe_names_the_spec(name, files, pictures):
    keys = MODELS[name][1]
    if name == "fixed":
        pictures = known_pictures(80)
    verdict = probe(load(f"{kind(name)}:{files[name]}"), pictures, more=lambda: known_pictures(SIDE, 9, 3))
    assert verdict.spec == f"{kind(name)}:{files[name]}" + (f"?{keys}" if keys else "")
    assert verdict.tried[0].changed
    assert verdict.sure == "unsure" if name == "whole" else verdict.sure in ("sure", "likely")


def test_an_order_of_channels_that_shows_by_little_is_called_unsure(files, pictures):
    verdict = probe(load(f"torchscript:{files['bgr']}"), pictures, more=lambda: known_pictures(SIDE, 9, 3))
    assert verdict.sure == "unsure" and "channels=bgr" in verdict.why + verdict.spec


PLAIN_TO_SEE = [name for name, (_, keys) in MODELS.items() if keys and name not in ("bgr", "whole", "grey")]


@pytest.mark.parametrize("name", PLAIN_TO_SEE)
def test_without_its_spec_one_sentence_ends_in_what_to_write(name, files):
    with pytest.raises(ExternalError) as caught:
        check_convention(load(f"{kind(name)}:{files[name]}"), known_pictures(80)[0])
    message = str(caught.value)
    assert len(message) < 300 and "\n" not in message
    assert message.endswith(f": write '{kind(name)}:{files[name]}?{MODELS[name][1]}'")


@pytest.mark.parametrize("name", ["whole", "grey", "free", "half", "dropout"])
def test_what_only_worse_scores_show_is_said_in_one_sentence_and_nothing_of_a_model_called_rightly(
    name, files, monkeypatch
):
    monkeypatch.setattr("bench.methods.hints.SLOWEST_S", 1e9)
    found = hint(load(f"{kind(name)}:{files[name]}"), known_pictures(SIDE, 4))
    keys = MODELS[name][1]
    assert len(found) < 300 and "\n" not in found
    assert found.endswith(f": write '{kind(name)}:{files[name]}?{keys}'") if keys else found == ""


def test_a_model_that_takes_its_time_and_one_whose_user_spoke_are_not_tried_otherwise(files, monkeypatch):
    spec, pictures = f"torchscript:{files['grey']}", known_pictures(SIDE, 4)
    assert hint(load(f"{spec}?range=0,1&blank=0&channels=rgb"), pictures) == ""
    monkeypatch.setattr("bench.methods.hints.SLOWEST_S", 0.0)
    assert hint(load(spec), pictures) == ""


def test_a_model_that_fills_nothing_is_told_from_one_that_is_called_wrongly(tmp_path, pictures):
    (tmp_path / "m.py").write_text("def same(x, h):\n    return x\n")
    verdict = probe(load(f"python:{tmp_path / 'm.py'}:same"), pictures)
    assert verdict.spec == f"python:{tmp_path / 'm.py'}:same"
    assert (verdict.sure, verdict.why) == ("unsure", "it leaves the hole as it was shown, however it is called")


def test_what_the_user_says_himself_is_believed(files, pictures):
    check_convention(load(f"onnx:{files['lama']}?out=0,1"), pictures[0])
    check_convention(load(f"torchscript:{files['known']}?hole=1"), pictures[0])


def test_a_model_of_one_colour_is_refused(tmp_path, pictures):
    (tmp_path / "m.py").write_text("def grey(x, h):\n    return x * 0 + 0.5\n")
    with pytest.raises(ExternalError, match="a single colour everywhere: find out why with bench probe 'python:"):
        check_convention(load(f"python:{tmp_path / 'm.py'}:grey"), pictures[0])


def test_a_model_that_needs_half_precision_and_does_not_say_so_is_given_the_key(tmp_path, pictures):
    (tmp_path / "m.py").write_text(
        "import torch\n"
        "def half(x, h):\n"
        "    if x.dtype != torch.float16:\n"
        "        raise RuntimeError('Input type (float) and bias type (c10::Half) should be the same ' * 30)\n"
        "    return x * 0.9\n"
    )
    with pytest.raises(ExternalError) as caught:
        check_convention(load(f"python:{tmp_path / 'm.py'}:half"), pictures[0])
    assert str(caught.value).endswith("half?dtype=fp16'") and len(str(caught.value)) < 300


def test_a_model_that_copies_what_lies_under_the_hole_is_never_told_to_see_it(tmp_path, pictures):
    (tmp_path / "m.py").write_text("def copy(x, h):\n    return x\n")
    verdict = probe(load(f"python:{tmp_path / 'm.py'}:copy"), pictures)
    assert "keep" not in verdict.spec and verdict.sure == "unsure"


def test_four_at_once_fill_as_one_alone_and_batches_that_mix_pictures_are_not_trusted(files, tmp_path, pictures):
    images, holes = (np.stack(part) for part in zip(*pictures, strict=True))
    alone = load(f"onnx:{files['free']}").fill(images, holes)
    np.testing.assert_allclose(load(f"onnx:{files['free']}?batch=2").fill(images, holes), alone, atol=1e-6)
    (tmp_path / "m.py").write_text("def mix(x, h):\n    return x * (1 - h) + h * x.mean(dim=(0, 2, 3), keepdim=True)\n")
    mixed = [load(f"python:{tmp_path / 'm.py'}:mix{keys}").fill(images, holes) for keys in ("", "?batch=3")]
    np.testing.assert_array_equal(*mixed)


def test_a_batch_of_a_file_that_takes_one_picture_changes_nothing(files, pictures):
    images, holes = (np.stack(part) for part in zip(*pictures, strict=True))
    spec = f"onnx:{files['lama']}?out=0,255"
    np.testing.assert_array_equal(load(f"{spec}&batch=2").fill(images, holes), load(spec).fill(images, holes))


def test_random_fills_are_the_same_again_and_whatever_came_before(tmp_path, pictures):
    (tmp_path / "m.py").write_text(
        "import random, numpy, torch\n"
        "def noise(x, h):\n"
        "    return x + h * (torch.rand_like(x) + random.random() + float(numpy.random.rand())) / 3\n"
    )
    images, holes = (np.stack(part) for part in zip(*pictures, strict=True))
    images[1:] = images[0]
    holes[1:] = holes[0]
    method = load(f"python:{tmp_path / 'm.py'}:noise")
    first = method.fill(images, holes, ["a", "b", "c"], "rect")
    again = method.fill(images[::-1], holes[::-1], ["c", "b", "a"], "rect")[::-1]
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first[0], first[1])
    assert not np.array_equal(first, method.fill(images, holes, ["a", "b", "c"], "circle"))
    method.suite_seed = 1
    assert not np.array_equal(first, method.fill(images, holes, ["a", "b", "c"], "rect"))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x.pt", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "run git lfs pull --include=x.pt"),
        ("x.onnx", b"<!DOCTYPE html><html>", "is a web page, not a model: download the file itself"),
        ("x.pt", b"", "is empty: download it again"),
    ],
)
def test_what_lies_in_a_models_place_is_named(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ExternalError, match=words):
        load(f"{'onnx' if name.endswith('onnx') else 'torchscript'}:{tmp_path / name}")


def test_weights_without_their_network_are_no_torchscript(tmp_path):
    torch.save({"a": torch.ones(1)}, tmp_path / "w.pt")
    with pytest.raises(
        ExternalError, match=r"contains weights without their network: export it with torch\.jit\.trace"
    ):
        load(f"torchscript:{tmp_path / 'w.pt'}")


def test_an_opset_from_the_future_says_what_to_install(files, tmp_path):
    import onnx

    model = onnx.load(files["free"])
    model.opset_import[0].version = 99
    (tmp_path / "future.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(ExternalError, match=r"later opset than onnxruntime .* knows: pip install -U onnxruntime"):
        load(f"onnx:{tmp_path / 'future.onnx'}")


class Mixed(torch.nn.Module):
    """Three quirks at once: [-1, 1], the known mask first, four channels."""

    def __init__(self) -> None:
        super().__init__()
        self.same = torch.nn.Conv2d(4, 4, 1, bias=False)
        with torch.no_grad():
            self.same.weight.copy_(torch.eye(4)[:, :, None, None])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.same(x)
        return quirks.core((x[:, 1:] / 2 + 0.5) * x[:, :1], 1 - x[:, :1]) * 2 - 1


def test_quirks_that_come_together_are_found_together(tmp_path, pictures):
    file = script(Mixed(), tmp_path / "mixed.pt")
    verdict = probe(load(f"torchscript:{file}"), pictures)
    assert (verdict.spec, verdict.sure) == (f"torchscript:{file}?range=-1,1&hole=0&order=mask,picture", "sure")


def test_known_pixels_that_a_model_changes_are_spoken_of(tmp_path, pictures, monkeypatch):
    (tmp_path / "m.py").write_text(
        "def near(x, h):\n    return x * (1 - h) + h / 2\ndef far(x, h):\n    return near(x, h) ** 1.2\n"
    )
    dataset = open_dataset("scenes", "test", SIDE, 4)
    suite = Suite.open([dataset], "rect")
    spec = f"python:{tmp_path / 'm.py'}"
    (told,), _ = check_first([load(f"{spec}:near"), load(f"{spec}:far")], suite)
    levels = re.fullmatch(
        r"far changed the known pixels by (\d+) levels on average on the first picture: if it should not, find out "
        rf"what it expects with bench probe '{re.escape(spec)}:far'",
        told,
    )
    part = next(iter(suite.batches(dataset, "rect", 1)))
    image, hole = part.images[0], part.holes[0]
    known = image[~hole] / 255
    assert levels is not None and abs(int(levels[1]) - np.abs(known**1.2 - known).mean() * 255) <= 0.5
