"""``torchscript:FILE``: a module saved with torch.jit. It runs code of the user's choosing."""

from __future__ import annotations

import warnings

from bench.methods.callable import CallableMethod, existing
from variants.checkpoint import sha256
from variants.errors import ExternalError
from variants.method import Method


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
