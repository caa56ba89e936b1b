"""What goes into an ONNX session and what comes out."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from bench.methods.onnx import open_onnx, open_session, providers_for, typed
from bench.methods.spec import Spec
from bench.throughput.subjects import Subject


@pytest.mark.parametrize(
    ("given", "dtype", "wanted"),
    [
        (np.full((1, 4, 4, 3), 255, np.uint8), np.float32, 255.0),  # a picture keeps its values, channels last
        (np.full((1, 3, 4, 4), 255, np.uint8), np.float32, 255.0),  # or first
        (np.full((1, 4, 4, 1), 255, np.uint8), np.float32, 1.0),  # a mask of floats is 0 or 1
        (np.full((1, 1, 4, 4), 255, np.uint8), np.float16, 1.0),
        (np.full((1, 1, 4, 4), 1, np.float32), np.uint8, 255),  # of bytes, 0 or 255
        (np.full((1, 1, 4, 4), 1, np.float32), np.float16, 1.0),
    ],
)
def test_a_masks_values_follow_its_type_and_a_pictures_do_not(
    given: np.ndarray, dtype: type[np.generic], wanted: float
) -> None:
    found = typed(given, dtype)
    assert found.dtype == dtype
    assert (found == wanted).all()


def test_a_model_that_draws_noise_draws_the_same_in_a_new_session(tmp_path: Path) -> None:
    onnx, runtime = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    tensors = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [8]) for name in "xy"]
    node = onnx.helper.make_node("RandomNormalLike", ["x"], ["y"])
    graph = onnx.helper.make_graph([node], "noise", tensors[:1], tensors[1:])
    file = tmp_path / "noise.onnx"
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8), file)
    drawn = []
    for other in (7, 8):
        runtime.set_seed(other)  # whatever else in the process has asked for
        drawn.append(open_session(file, "cpu").run(None, {"x": np.zeros(8, np.float32)})[0])
    assert np.ptp(drawn[0]) > 0
    np.testing.assert_array_equal(*drawn)


AVAILABLE = ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]


@pytest.mark.parametrize(
    ("device", "available", "wanted"),
    [
        ("cpu", AVAILABLE, ["CPUExecutionProvider"]),
        ("mps", AVAILABLE, ["CPUExecutionProvider"]),
        ("cuda", AVAILABLE, AVAILABLE),
        ("cuda", AVAILABLE[1:], AVAILABLE[1:]),
        ("cuda", ["AzureExecutionProvider", "CPUExecutionProvider"], ["CPUExecutionProvider"]),
        ("cuda:1", AVAILABLE[1:], [("CUDAExecutionProvider", {"device_id": "1"}), "CPUExecutionProvider"]),
    ],
)
def test_a_session_runs_on_the_device_by_the_providers_that_are_there(device, available, wanted):
    assert providers_for(device, available) == wanted


class Input:
    def __init__(self, name: str, channels: int) -> None:
        self.name, self.shape, self.type = name, ["n", channels, "h", "w"], "tensor(float)"


class Session:
    """onnxruntime's, with the providers that it was asked for; the picture comes back."""

    asked: ClassVar[list] = []

    def __init__(self, file: str, options: object, providers: list) -> None:
        Session.asked = providers
        print("*** EP Error ***")  # as onnxruntime does where a provider's libraries are missing

    def get_providers(self) -> list[str]:
        return [name if isinstance(name, str) else name[0] for name in Session.asked]

    def get_inputs(self) -> list[Input]:
        return [Input("image", 3), Input("mask", 1)]

    def get_outputs(self) -> list[Input]:
        return [Input("result", 3)]

    def run(self, wanted: None, feed: dict) -> list[np.ndarray]:
        return [feed["image"]]


@pytest.mark.parametrize(
    ("available", "runs_on", "summary", "note"),
    [
        (AVAILABLE, "cuda", "ONNX m.onnx (TensorRT)", ""),
        (AVAILABLE[1:], "cuda", "ONNX m.onnx (CUDA)", ""),
        (AVAILABLE[2:], "cpu", "ONNX m.onnx", "m runs on the CPU: this onnxruntime has no CUDA provider"),
    ],
)
def test_where_a_model_runs_is_known_and_a_gpu_that_is_not_used_is_spoken_of(
    available, runs_on, summary, note, monkeypatch, tmp_path, capsys
):
    runtime = pytest.importorskip("onnxruntime")
    monkeypatch.setattr(runtime, "get_available_providers", lambda: available)
    monkeypatch.setattr(runtime, "InferenceSession", Session)
    (tmp_path / "m.onnx").write_bytes(b"a model")
    method = open_onnx(Spec("onnx", str(tmp_path / "m.onnx")), "cuda")
    subject = Subject.of(method)
    assert (method.runs_on, method.device, method.summary) == (runs_on, "cpu", summary)
    assert (subject.device, subject.precision, subject.most) == (runs_on, "fp32", None)
    out, err = capsys.readouterr()
    assert out == ""
    assert note in err and bool(note) == ("note:" in err)
