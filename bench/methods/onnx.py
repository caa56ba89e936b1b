"""``onnx:FILE``: a model for onnxruntime. It runs code of the user's choosing."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.methods.callable import CallableMethod, existing
from variants.checkpoint import sha256
from variants.errors import ExternalError
from variants.method import Method


def open_onnx(argument: str, device: str) -> Method:
    file = existing(argument, "onnx")
    try:
        import onnxruntime
    except ImportError as error:
        raise ExternalError("onnx: methods need the onnxruntime package: pip install 'inpaint-bench[onnx]'") from error
    try:
        session = onnxruntime.InferenceSession(str(file), providers=onnxruntime.get_available_providers())
    except Exception as error:
        raise ExternalError(f"{file} is no ONNX model: {str(error).strip().splitlines()[0]}") from error
    names = [entry.name for entry in session.get_inputs()]
    if len(names) != 2:
        raise ExternalError(f"{file} takes {len(names)} inputs ({', '.join(names)}), not two (picture, hole)")

    def run(x: Any, hole: Any) -> Any:
        return np.asarray(session.run(None, {names[0]: x.cpu().numpy(), names[1]: hole.cpu().numpy()})[0])

    method = CallableMethod(file.stem, run, "cpu")
    method.summary = f"ONNX {file.name}"
    method.weights_sha256 = sha256(file)
    return method
