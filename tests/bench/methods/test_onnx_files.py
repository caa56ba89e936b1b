"""An ONNX model whose weights lie in another file is that file too."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from bench.methods.onnx import open_onnx
from bench.methods.onnx_files import digest, weight_files
from bench.methods.spec import Spec
from variants.errors import ExternalError

onnx = pytest.importorskip("onnx")


def save(file: Path, brightness: float, beside: str = "") -> None:
    """A model that adds ``brightness`` to a picture, kept in the file ``beside`` where one is named."""
    names = [("image", 3), ("mask", 1), ("out", 3)]
    image, mask, out = (
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, channels, "h", "w"])
        for name, channels in names
    )
    weight = onnx.numpy_helper.from_array(np.full((1, 3, 1, 1), brightness, np.float32), "brightness")
    node = onnx.helper.make_node("Add", ["image", "brightness"], ["out"])
    graph = onnx.helper.make_graph([node], "brighter", [image, mask], [out], [weight])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8)
    more = {"save_as_external_data": True, "location": beside, "size_threshold": 0} if beside else {}
    (file.parent / beside).unlink(missing_ok=True) if beside else None  # the library appends
    onnx.save(model, file, **more)


@pytest.mark.parametrize("beside", ["weights.bin", "model.onnx_data", "w" * 200])
def test_other_weights_under_the_same_graph_are_another_model(tmp_path: Path, beside: str) -> None:
    pytest.importorskip("onnxruntime")
    file = tmp_path / "model.onnx"
    found = []
    for brightness in (0.1, 0.2):
        save(file, brightness, beside)
        assert weight_files(file) == [tmp_path / beside]
        method = open_onnx(Spec("onnx", str(file)), "cpu")
        found.append((file.read_bytes(), method.weights_sha256))
    assert found[0][0] == found[1][0]
    assert found[0][1] != found[1][1]


def test_a_model_of_one_file_is_known_by_that_files_sha_256(tmp_path: Path) -> None:
    save(tmp_path / "model.onnx", 0.1)
    assert weight_files(tmp_path / "model.onnx") == []
    assert digest(tmp_path / "model.onnx") == hashlib.sha256((tmp_path / "model.onnx").read_bytes()).hexdigest()


def test_an_empty_file_holds_no_weights_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").touch()
    assert weight_files(tmp_path / "model.onnx") == []


def test_weights_that_are_not_there_or_are_a_pointer_to_them_are_named(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    file, beside = tmp_path / "model.onnx", tmp_path / "weights.bin"
    save(file, 0.1, beside.name)
    beside.unlink()
    with pytest.raises(ExternalError, match=r"a second file that is not next to it: put weights\.bin there"):
        open_onnx(Spec("onnx", str(file)), "cpu")
    beside.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n")
    with pytest.raises(ExternalError, match=r"weights\.bin is a pointer that Git LFS left"):
        open_onnx(Spec("onnx", str(file)), "cpu")
