"""``torchscript:FILE``: a module saved with torch.jit. It runs code of the user's choosing."""

from __future__ import annotations

import warnings
import zipfile
from pathlib import Path
from typing import Any

from bench.methods.callable import CallableMethod, existing
from bench.methods.input_names import order_of
from bench.methods.keys import Keys
from bench.methods.spec import Spec
from variants.errors import ExternalError
from variants.method import Method
from variants.weights import sha256


def open_torchscript(spec: Spec, device: str) -> Method:
    """Raises ExternalError for a file that is none."""
    import torch

    file = existing(spec.argument, "torchscript")
    try:
        with warnings.catch_warnings():
            # Deprecated for new models; those that are published are what they are.
            warnings.filterwarnings("ignore", "`torch.jit.load` is deprecated", FutureWarning)
            module = torch.jit.load(str(file), map_location=device).eval()
    except Exception as error:
        if holds_weights_alone(file):
            raise ExternalError(
                f"{file} contains weights without their network: export it with torch.jit.trace, or write "
                "python:FILE.py:CLASS with a class that loads them"
            ) from error
        raise ExternalError(f"{file} is not a TorchScript file: {str(error).strip().splitlines()[0][:150]}") from error
    for weight in module.parameters():  # TorchScript has no requires_grad_ for all
        weight.requires_grad_(False)
    move_constants(module, device)
    method = CallableMethod(file.stem, module, device, spec=spec, facts=facts_of(module))
    method.summary = f"TorchScript {file.name}"
    method.parameters = sum(p.numel() for p in module.parameters())
    method.weights_sha256 = sha256(file)
    return method


def holds_weights_alone(file: Path) -> bool:
    """Whether it is what torch.save or safetensors writes: an archive without code."""
    if file.suffix == ".safetensors":
        return True
    if not zipfile.is_zipfile(file):
        return False
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
    return any(name.endswith("/data.pkl") for name in names) and not any("/code/" in name for name in names)


def facts_of(module: Any) -> Keys:
    """What the file tells: half precision, and whether it takes one input or two."""
    import torch

    dtypes = {p.dtype for p in module.parameters() if p.dtype.is_floating_point}
    dtype = "fp16" if dtypes == {torch.float16} else None
    try:
        inputs = [value.debugName() for value in module.graph.inputs()][1:]
    except RuntimeError:
        inputs = []
    return Keys(
        dtype=dtype,
        input=single_input(module) if len(inputs) == 1 else None,
        order=order_of(inputs),
    )


def single_input(module: Any) -> str | None:
    """What a module of one input takes, by the channels of its first convolution: picture and mask, or a picture."""
    first = next((p for p in module.parameters() if p.ndim == 4), None)
    return None if first is None else {3: "masked", 4: "concat"}.get(first.shape[1])


def move_constants(module: Any, device: str) -> None:
    """A trace holds the devices that it was made on as constants: they become the device that it runs on here."""
    for part in module.modules():
        try:
            graphs = [part.graph] if hasattr(part, "graph") else []
        except RuntimeError:
            continue
        for graph in graphs:
            for node in graph.findAllNodes("prim::Constant"):
                if node.hasAttribute("value") and node.kindOf("value") == "s" and node.s("value").startswith("cuda"):
                    node.s_("value", device)
