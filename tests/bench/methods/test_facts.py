"""What a model's file tells of its convention: ONNX shapes and names, TorchScript graphs, Python signatures."""

from __future__ import annotations

import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from bench.methods import onnx
from bench.methods.input_names import order_of
from bench.methods.keys import Keys
from bench.methods.load import load_methods
from bench.methods.onnx import caller, is_mask, takes_any_count
from bench.methods.python import inputs_of
from bench.methods.torchscript import facts_of, holds_weights_alone, move_constants, single_input
from variants.errors import ExternalError


def entry(name: str, *shape: int | str, kind: str = "tensor(float)") -> Any:
    return SimpleNamespace(name=name, shape=list(shape), type=kind)


PICTURE, MASK = entry("x", "n", 3, "h", "w"), entry("y", "n", 1, "h", "w")
OUT = entry("out", "n", 3, "h", "w")


def facts(*inputs: Any, outputs: tuple[Any, ...] = (OUT,), said: Keys | None = None) -> Keys:
    return onnx.facts_of(Path("m.onnx"), inputs, outputs, said or Keys())


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ((PICTURE, MASK), Keys()),
        ((MASK, PICTURE), Keys(order="mask,picture")),
        ((entry("x", 1, 3, 48, 64), entry("y", 1, 1, 48, 64)), Keys(size=(64, 48))),
        ((entry("x", 4, 3, 48, 64), entry("y", 4, 1, 48, 64)), Keys(size=(64, 48), batch=4)),
        ((entry("x", 2, 3, "h", 64), MASK), Keys(batch=2)),
        ((entry("x", 1, 48, 64, 3), entry("y", 1, 48, 64, 1)), Keys(layout="nhwc", size=(64, 48))),
        ((entry("x", "n", "h", "w", 3), entry("y", "n", "h", "w", 1)), Keys(layout="nhwc")),
        ((entry("x", "n", 4, "h", "w"),), Keys(input="concat")),
        ((entry("x", "n", 3, "h", "w"),), Keys(input="masked")),
        ((entry("x", "n", "h", "w", 4),), Keys(input="concat", layout="nhwc")),
        ((entry("x", "n", 3, 8, 3),), Keys(input="masked", size=(3, 8))),  # three columns are no channels
        ((entry("x", "n", 3, "h", "w", kind="tensor(float16)"), MASK), Keys(dtype="fp16")),
        ((entry("x", "n", 3, "h", "w", kind="tensor(uint8)"), MASK), Keys(dtype="uint8")),
        ((MASK, entry("x", "n", 3, "h", "w", kind="tensor(uint8)")), Keys(order="mask,picture", dtype="uint8")),
        ((entry("x"), entry("mask")), Keys()),
        ((entry("a_MASK"), entry("x")), Keys(order="mask,picture")),
        ((entry("mask", 1, "c", "h", "w"), entry("x", 1, "c", "h", "w")), Keys(order="mask,picture")),
        ((entry("mask"), entry("masked_image")), Keys(order="mask,picture")),
        ((entry("masked_image"), entry("mask")), Keys()),
        ((entry("y", "n", "h", "w"), PICTURE), Keys(order="mask,picture")),
    ],
)
def test_an_onnx_models_inputs_tell_its_convention(inputs: tuple[Any, ...], expected: Keys) -> None:
    assert facts(*inputs) == expected


def test_a_size_that_is_said_is_not_told_by_the_file() -> None:
    assert facts(entry("x", 1, 3, 48, 64), MASK, said=Keys(size=(8, 8))).size is None


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        ((OUT,), None),
        ((MASK, OUT), "out"),
        ((MASK, entry("last", "n", "h", "w", 3)), "last"),
        ((OUT, entry("other", "n", 3, "h", "w")), None),
        ((MASK, MASK), None),
        ((entry("rows", "n", 1, 3, "w"), OUT), "out"),  # three rows are no channels
    ],
)
def test_the_one_output_of_three_channels_is_the_picture(outputs: tuple[Any, ...], expected: str | None) -> None:
    assert facts(PICTURE, MASK, outputs=outputs).output == expected


@pytest.mark.parametrize("count", [0, 3])
def test_a_model_of_no_or_three_inputs_is_refused(count: int) -> None:
    with pytest.raises(ExternalError, match=f"takes {count} inputs"):
        facts(*[PICTURE] * count)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (MASK, True),
        (PICTURE, False),
        (entry("y", "n", "h", "w", 1), True),
        (entry("mask", "n", "h", "w", 3), False),
        (entry("y", 1, "h", "w"), True),
        (entry("x", 1, "c", "h", "w"), False),  # one picture at a time is no mask
        (entry("mask", 1, "c", "h", "w"), True),  # where the channels are not known the name tells
        (entry("mask", "n", "c", "h", "w"), True),
        (entry("image", "n", "c", "h", "w"), False),
    ],
)
def test_a_mask_is_told_by_its_channel_else_by_its_name(given: Any, expected: bool) -> None:
    assert is_mask(given) is expected


def test_a_free_first_axis_takes_any_number_of_pictures() -> None:
    assert takes_any_count(PICTURE)
    assert not takes_any_count(entry("x", 1, 3, "h", "w")) and not takes_any_count(entry("x"))


class Session:
    """An onnxruntime session of these inputs and outputs that gives back what it is fed."""

    def __init__(self, inputs: list[Any], outputs: list[Any]) -> None:
        self.inputs, self.outputs = inputs, outputs
        self.get_inputs, self.get_outputs = lambda: inputs, lambda: outputs

    def run(self, wanted: None, feed: dict[str, np.ndarray]) -> list[np.ndarray]:
        self.feed = feed
        return list(feed.values())[: len(self.outputs)]


X, H = torch.rand(2, 3, 4, 5), torch.ones(2, 1, 4, 5)


def test_a_session_gets_its_inputs_by_place_in_their_types_and_gives_outputs_by_name() -> None:
    session = Session([PICTURE, entry("y", "n", 1, "h", "w", kind="tensor(bool)")], [OUT, entry("seen")])
    found = caller(session, Keys())(X, H)
    assert list(found) == ["out", "seen"]
    np.testing.assert_array_equal(found["out"], X)
    assert session.feed["y"].dtype == bool and session.feed["y"].all()
    assert isinstance(caller(Session([PICTURE, MASK], [OUT]), Keys())(X, H), np.ndarray)


@pytest.mark.parametrize(("layout", "mask"), [("nchw", H), ("nhwc", H.permute(0, 2, 3, 1))])
def test_a_mask_of_three_axes_has_no_channel(layout: str, mask: torch.Tensor) -> None:
    session = Session([PICTURE, entry("y", "n", "h", "w")], [OUT])
    caller(session, Keys(layout=layout))(X, mask)
    assert session.feed["y"].shape == (2, 4, 5)
    assert session.feed["x"].shape == (2, 3, 4, 5)


class Conv(nn.Module):
    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        self.layer = nn.Conv2d(channels, 3, 1)


class One(Conv):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)


class Two(Conv):
    def forward(self, image: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return self.layer(image) * mask


class Turned(Conv):
    def forward(self, hole: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
        return self.layer(image) * hole


class Bare(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (Two(), Keys()),
        (Turned(), Keys(order="mask,picture")),
        (One(), Keys(input="masked")),
        (One(4), Keys(input="concat")),
        (One(5), Keys()),
        (Bare(), Keys()),
        (Two().half(), Keys(dtype="fp16")),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_a_script_tells_inputs_order_and_precision(module: nn.Module, expected: Keys) -> None:
    assert facts_of(torch.jit.script(module)) == expected


@pytest.mark.parametrize(
    ("names", "order"),
    [
        (("mask", "image"), "mask,picture"),
        (("holes", "x"), "mask,picture"),
        (("mask", "masked_image"), "mask,picture"),
        (("masked_image", "mask"), None),
        (("masked", "m"), None),
        (("mask", "hole"), None),
        (("x", "mask"), None),
        (("mask",), None),
    ],
)
def test_names_of_inputs_tell_their_order_and_a_masked_image_is_a_picture(
    names: tuple[str, ...], order: str | None
) -> None:
    assert order_of(names) == order


@pytest.mark.filterwarnings("ignore")
def test_one_weight_in_full_precision_makes_a_full_model() -> None:
    mixed = Two().half()
    mixed.scale = nn.Parameter(torch.ones(1))
    assert facts_of(torch.jit.script(mixed)).dtype is None


def test_the_first_convolutions_channels_tell_what_one_input_is() -> None:
    assert [single_input(One(n)) for n in (1, 3, 4, 6)] == [None, "masked", "concat", None]
    assert single_input(Bare()) is None


def test_weights_alone_are_told_from_a_script(tmp_path: Path) -> None:
    torch.save({"w": torch.ones(1)}, tmp_path / "w.pt")
    with zipfile.ZipFile(tmp_path / "script.pt", "w") as archive:
        archive.writestr("m/data.pkl", "")
        archive.writestr("m/code/m.py", "")
    with zipfile.ZipFile(tmp_path / "other.pt", "w") as archive:
        archive.writestr("readme", "")
    (tmp_path / "text.pt").write_text("x")
    (tmp_path / "w.safetensors").write_text("x")
    found = {file.name for file in tmp_path.iterdir() if holds_weights_alone(file)}
    assert found == {"w.pt", "w.safetensors"}


class Node:
    def __init__(self, kind: str, value: str) -> None:
        self.kind, self.value = kind, value

    def hasAttribute(self, name: str) -> bool:  # noqa: N802
        return name == "value"

    def kindOf(self, name: str) -> str:  # noqa: N802
        return self.kind

    def s(self, name: str) -> str:
        return self.value

    def s_(self, name: str, value: str) -> None:
        self.value = value


def test_only_constants_that_name_a_cuda_device_are_moved() -> None:
    nodes = [Node("s", "cuda:0"), Node("s", "cpu"), Node("i", "cuda"), Node("s", "barracuda")]
    graph = SimpleNamespace(findAllNodes=lambda kind: nodes if kind == "prim::Constant" else [])
    parts = [SimpleNamespace(), SimpleNamespace(graph=graph)]
    move_constants(SimpleNamespace(modules=lambda: parts), "mps")
    assert [node.value for node in nodes] == ["mps", "cpu", "cuda", "barracuda"]


@pytest.mark.parametrize(
    ("function", "count"),
    [
        (lambda x, h: x, 2),
        (lambda x: x, 1),
        (lambda x, h=None: x, 1),
        (lambda x, ids: x, 1),  # names are no tensor
        (lambda x, *, h: x, 1),
        (lambda *given: given, None),
        (lambda x, *given: given, None),
        (lambda: 0, None),
        (One(), 1),
        (min, None),
    ],
)
def test_how_many_tensors_a_function_takes(function: Any, count: int | None) -> None:
    assert inputs_of(function) == count


def test_a_python_module_of_one_input_and_half_precision_says_so(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text(
        "import torch\n"
        "class One(torch.nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.layer = torch.nn.Conv2d(4, 3, 1).half()\n"
        "    def forward(self, x):\n"
        "        return self.layer(x)\n"
        "class Two(One):\n"
        "    def forward(self, x, h):\n"
        "        return self.layer(x)\n"
        "def plain(x):\n"
        "    return x\n"
    )
    told = {}
    for name in ("One", "Two", "plain"):
        (method,) = load_methods(f"python:{tmp_path / 'm.py'}:{name}", weights=None)
        told[name] = (method.facts, method.parameters)
    assert told == {
        "One": (Keys(dtype="fp16", input="concat"), 15),
        "Two": (Keys(dtype="fp16"), 15),
        "plain": (Keys(), 0),
    }
