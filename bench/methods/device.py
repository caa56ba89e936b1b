"""The torch device that methods run on."""

from __future__ import annotations

from bench.util.errors import UsageError


def default_device() -> str:
    """ "cuda" where torch sees a GPU, else "cpu"."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def check_device(device: str | None) -> str:
    """The torch device to use. Raises UsageError if it is unknown, missing or unusable."""
    if device is None or device == "auto":
        return default_device()
    import torch

    kind, _, number = device.partition(":")
    there = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}
    if kind not in there or (number and not number.isdecimal()):
        raise UsageError(f"Unknown device '{device}'. Use cpu, cuda, cuda:N or mps.")
    if int(number or 0) >= there[kind]:
        found = (
            f"{there[kind]} {kind} device{'s' if there[kind] > 1 else ''}, counted from 0" if there[kind] else "none"
        )
        raise UsageError(f"Device '{device}' not found (torch sees {found}). Use --device cpu.")
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UsageError(f"Device '{device}' cannot be used: {str(error).splitlines()[0]}") from error
    return device
