"""Methods that come from outside: TorchScript and ONNX files, Python callables (folders of finished pictures:
:mod:`bench.methods.predictions`).

The callables take the blanked picture, float32 (N, 3, H, W) in [0, 1], and the hole,
float32 (N, 1, H, W), 1 where missing, and give the picture, float32 (N, 3, H, W) in [0, 1]. They run code of
the user's choosing; ``predictions:`` does not.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from variants.checkpoint import sha256
from variants.errors import ExternalError as ExternalError
from variants.errors import FillError as FillError
from variants.method import Findings, Method

OUTSIDE = 0.05
"""How far beyond [0, 1] an output may lie before it is spoken of: a little is usual, and clipped."""


def safe_name(text: str) -> str:
    """A name for records and folders out of a file's stem."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", text).strip("._-") or "method"


def open_external(kind: str, argument: str, device: str) -> list[Method]:
    """The methods behind ``kind:argument``. Raises ExternalError."""
    openers = {"torchscript": open_torchscript, "onnx": open_onnx, "python": open_python}
    if kind == "predictions":
        from bench.methods.predictions import open_predictions

        return list(open_predictions(Path(argument)))
    return [openers[kind](argument, device)]


class CallableMethod(Method):
    """Any function of (picture, hole) tensors as a method; pictures are padded to ``multiple`` by reflection.

    problems: why a picture was not filled, by (mask type, picture id); its raw is NaN.
    """

    def __init__(self, name: str, function: Callable[..., Any], device: str = "cpu", multiple: int = 8) -> None:
        self.name = safe_name(name)
        self.function = function
        self.device = device
        self.multiple = multiple
        self.outside = (0.0, 1.0)
        self.problems: dict[tuple[str, str], str] = {}
        self.works = False

    def fill(self, images: np.ndarray, holes: np.ndarray, ids: list[str] | None = None, mask: str = "") -> np.ndarray:
        """Raises FillError for a function that has not filled any picture yet, or where pictures have no ``ids``."""
        raw = np.full(images.shape, np.nan, np.float32)
        first: FillError | None = None
        # One at a time: nothing is known of how the function treats a batch.
        for k, (out, image, hole) in enumerate(zip(raw, images, holes, strict=True)):
            try:
                out[:] = self.paint(image, hole)
                self.works = True
            except FillError as error:
                first = first or error
                if ids is None:
                    raise
                self.problems[mask, ids[k]] = str(error)
        if first is not None and not self.works:
            raise first
        return raw

    def findings(self) -> Findings:
        return Findings(self.problems, low=self.outside[0], high=self.outside[1])

    def paint(self, image: np.ndarray, hole: np.ndarray) -> np.ndarray:
        """One picture, float32 (H, W, 3)."""
        import torch

        from variants.network_method import reflect

        height, width = hole.shape
        pad = (0, -width % self.multiple, 0, -height % self.multiple)
        x = torch.from_numpy(np.where(hole[..., None], np.uint8(0), image)).to(self.device)
        x = x.permute(2, 0, 1)[None].float().div(255)
        h = torch.from_numpy(hole)[None, None].to(self.device).float()
        if any(pad):
            x, h = reflect(x, pad), reflect(h, pad)
        try:
            with torch.inference_mode():
                y = torch.as_tensor(self.function(x, h))
        except (Exception, SystemExit) as error:
            what = " ".join(f"{type(error).__name__}: {error}".split())
            raise FillError(f"{self.name} failed on a picture of {width} x {height}: {what}") from error
        if y.shape != x.shape:
            raise FillError(
                f"{self.name} gave a picture of shape {tuple(y.shape)}, not {tuple(x.shape)} (N, 3, H, W), in [0, 1]"
            )
        out = y[0, :, :height, :width].permute(1, 2, 0).float().cpu().numpy()
        finite = out[np.isfinite(out)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
        if low < -OUTSIDE or high > 1 + OUTSIDE:
            self.outside = min(low, self.outside[0]), max(high, self.outside[1])
        return out


def existing(argument: str, kind: str) -> Path:
    file = Path(argument)
    if not file.is_file():
        raise ExternalError(f"{kind}:{argument} names a file that does not exist")
    return file


def open_torchscript(argument: str, device: str) -> Method:
    import torch

    file = existing(argument, "torchscript")
    try:
        with warnings.catch_warnings():
            # Deprecated for new models; those that are published are what they are.
            warnings.filterwarnings("ignore", "`torch.jit.load` is deprecated", FutureWarning)
            module = torch.jit.load(str(file), map_location=device).eval()
    except Exception as error:
        raise ExternalError(f"{file} is no TorchScript file: {str(error).strip().splitlines()[0]}") from error
    for weight in module.parameters():  # TorchScript has no requires_grad_ for all
        weight.requires_grad_(False)
    method = CallableMethod(file.stem, module, device)
    method.summary = f"TorchScript {file.name}"
    method.parameters = sum(p.numel() for p in module.parameters())
    method.weights_sha256 = sha256(file)
    return method


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


def open_python(argument: str, device: str) -> Method:
    """``python:MODULE:FUNCTION``, where MODULE is a dotted name or a ``.py`` file."""
    module_name, colon, attribute = argument.rpartition(":")
    if not colon:
        raise ExternalError(f"python:{argument} names no function: write python:MODULE:FUNCTION")
    try:
        module: Any
        if module_name.endswith(".py"):
            file = existing(module_name, "python")
            spec = importlib.util.spec_from_file_location(f"bench_method_{safe_name(file.stem)}", file)
            assert spec is not None and spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
        else:
            if "" not in sys.path:
                sys.path.insert(0, "")
            module = importlib.import_module(module_name)
    except ExternalError:
        raise
    except Exception as error:
        raise ExternalError(f"python:{argument}: importing {module_name} failed: {error}") from error
    function = getattr(module, attribute, None)
    if not callable(function):
        raise ExternalError(f"python:{argument}: {module_name} has no callable '{attribute}'")
    if isinstance(function, type):
        try:
            function = function()
        except Exception as error:
            raise ExternalError(f"python:{argument}: {attribute}() failed: {error}") from error
    if hasattr(function, "eval"):
        function = function.eval().to(device)
    method = CallableMethod(attribute, function, device)
    if hasattr(function, "parameters"):
        method.parameters = sum(p.numel() for p in function.parameters())
    method.summary = f"Python {argument}"
    return method
