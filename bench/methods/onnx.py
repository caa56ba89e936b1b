"""``onnx:FILE``: a model for onnxruntime. It runs code of the user's choosing."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.methods.callable import CallableMethod, existing, shortened
from bench.methods.input_names import names_mask
from bench.methods.keys import Keys
from bench.methods.onnx_files import digest, weight_files
from bench.methods.spec import Spec
from bench.util.progress import say
from variants.errors import ExternalError
from variants.method import Method
from variants.weights import stand_in

TYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(uint8)": np.uint8,
    "tensor(bool)": np.bool_,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
}
ON_CUDA = {"TensorrtExecutionProvider": "TensorRT", "CUDAExecutionProvider": "CUDA"}
"""onnxruntime's providers that compute on a CUDA device, first choice first, and their usual names."""

DTYPES = {"tensor(float16)": "fp16", "tensor(uint8)": "uint8"}


def open_onnx(spec: Spec, device: str) -> Method:
    """Raises ExternalError for a file that is none, or that takes what is no picture."""
    file = existing(spec.argument, "onnx")
    session = open_session(file, device)
    facts = facts_of(file, session.get_inputs(), session.get_outputs(), spec.keys)
    keys = spec.keys.or_else(facts)
    # Tensors go in and out by the processor's memory, wherever the session runs.
    method = CallableMethod(file.stem, caller(session, keys), "cpu", spec=spec, facts=facts)
    used = [name for name in session.get_providers() if name in ON_CUDA]
    method.runs_on = device if used else "cpu"
    method.batches = None if all(takes_any_count(entry) for entry in session.get_inputs()) else 1
    method.summary = f"ONNX {file.name}" + (f" ({ON_CUDA[used[0]]})" if used else "")
    if device.startswith("cuda") and not used:
        say(f"note: {method.name} runs on the CPU: this onnxruntime has no CUDA provider (pip install onnxruntime-gpu)")
    method.weights_sha256 = digest(file)
    return method


def open_session(file: Path, device: str) -> Any:
    """An onnxruntime session on this device; raises ExternalError for a missing package or a model it cannot load."""
    try:
        import onnxruntime
    except ImportError as error:
        raise ExternalError("onnx: methods need the onnxruntime package: pip install 'inpaint-bench[onnx]'") from error
    for other in weight_files(file):
        if not other.is_file():
            raise ExternalError(
                f"{file} stores its weights in a second file that is not next to it: put {other.name} there"
            )
        # onnxruntime would take any bytes for weights.
        if why := stand_in(other):
            raise ExternalError(f"{other} {why}")
    providers = providers_for(device, onnxruntime.get_available_providers())
    onnxruntime.set_seed(0)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # What goes wrong is said once, below.
    try:
        # A provider whose libraries are missing is told of by print(), and the next one taken.
        with contextlib.redirect_stdout(io.StringIO()):
            return onnxruntime.InferenceSession(str(file), options, providers=providers)
    except Exception as error:
        text = str(error).strip().splitlines()[0]
        if "opset" in text.lower():
            raise ExternalError(
                f"{file} was exported for a later opset than onnxruntime {onnxruntime.__version__} knows: "
                "pip install -U onnxruntime, or export it again with opset_version=17"
            ) from error
        raise ExternalError(shortened(f"{file} is not an ONNX model: {text}", "")) from error


def providers_for(device: str, available: Sequence[str]) -> list[Any]:
    """What onnxruntime is to run on, first choice first: of those ``available`` what suits the device, then the CPU.

    Each a name, or on a numbered CUDA device a name and its options.
    """
    kind, _, number = device.partition(":")
    found: list[Any] = [name for name in ON_CUDA if kind == "cuda" and name in available]
    if number:
        found = [(name, {"device_id": number}) for name in found]
    return [*found, "CPUExecutionProvider"]


def takes_any_count(entry: Any) -> bool:
    """Whether an input's first axis, that of pictures, is free."""
    return bool(entry.shape) and not isinstance(entry.shape[0], int)


def facts_of(file: Path, inputs: Sequence[Any], outputs: Sequence[Any], said: Keys) -> Keys:
    """The convention that the model's inputs and outputs tell. Raises ExternalError where they are no picture."""
    names = ", ".join(entry.name for entry in inputs)
    if len(inputs) not in (1, 2):
        raise ExternalError(
            f"{file} takes {len(inputs)} inputs ({names}), not one or two (picture, hole): export it with those, or "
            "write python:FILE.py:FUNCTION with a function that gives it the rest"
        )
    mask_first = len(inputs) == 2 and is_mask(inputs[0]) and not is_mask(inputs[1])
    picture = inputs[1] if mask_first else inputs[0]
    shape = [side if isinstance(side, int) else None for side in picture.shape]
    layout, channels, height, width = None, None, None, None
    if len(shape) == 4:
        nhwc = shape[3] in (3, 4) and shape[1] not in (3, 4)
        layout = "nhwc" if nhwc else None
        channels, height, width = (shape[3], shape[1], shape[2]) if nhwc else (shape[1], shape[2], shape[3])
    alone = None
    if len(inputs) == 1:
        alone = "masked" if channels == 3 else "concat"
    pictures = [entry.name for entry in outputs if 3 in [*entry.shape[1:2], *entry.shape[3:4]]]
    output = pictures[0] if len(outputs) > 1 and len(pictures) == 1 else None
    return Keys(
        input=alone,
        order="mask,picture" if mask_first else None,
        layout=layout,
        dtype=DTYPES.get(picture.type),
        size=(width, height) if height and width and said.size is None else None,
        output=output,
        batch=shape[0] if shape and (shape[0] or 0) > 1 else None,
    )


def is_mask(entry: Any) -> bool:
    """By its one channel where the shape tells, else by its name."""
    if 3 in entry.shape[1:]:
        return False
    return 1 in entry.shape[1:] or len(entry.shape) == 3 or names_mask(entry.name)


def caller(session: Any, keys: Keys) -> Callable[..., Any]:
    """The session as a function of tensors; the mask, and whatever else, in the type that the model wants."""
    entries = session.get_inputs()
    outputs = [entry.name for entry in session.get_outputs()]

    def run(*tensors: Any) -> Any:
        feed = {}
        for entry, tensor in zip(entries, tensors, strict=False):
            array = tensor.cpu().numpy()
            if len(entry.shape) == 3 and array.ndim == 4:
                array = array[..., 0] if keys.layout == "nhwc" else array[:, 0]
            feed[entry.name] = typed(array, TYPES.get(entry.type, np.float32))
        found = session.run(None, feed)
        return found[0] if len(found) == 1 else dict(zip(outputs, found, strict=True))

    return run


def typed(array: np.ndarray, dtype: Any) -> np.ndarray:
    """In another type; between 0-255 and 0-1 where a mask's is another than its picture's."""
    if array.dtype == dtype:
        return array
    if array.shape[-1] != 3 and array.shape[1] != 3 and (array.dtype == np.uint8) != (dtype == np.uint8):
        array = array / 255 if array.dtype == np.uint8 else array * 255
    return array.astype(dtype)
