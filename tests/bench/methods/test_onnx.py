"""What goes into an ONNX session and what comes out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.methods.onnx import open_session, typed


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
