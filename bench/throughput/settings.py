"""What is measured: one setting is a device, a precision, a mode, a resolution and a batch size."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bench.util.errors import UsageError
from variants.registry import suggest

if TYPE_CHECKING:
    import torch

PRECISIONS = ("fp32", "tf32", "bf16", "fp16")
MODES = ("eager", "contiguous", "folded", "compile", "graphs")
"""``eager`` and all others but ``contiguous`` run in channels_last. ``folded``: BatchNorms folded into their
convolutions. ``compile``: folded and torch.compile. ``graphs``: folded and replayed as one CUDA graph."""
CALIBRATION = "calibration"
"""The variant name of the calibration workload's rows in throughput.parquet."""
SWEEP = "sweep"
"""In place of batch sizes: 1, 2, 4, … until memory ends."""


@dataclass(frozen=True)
class Setting:
    """Where and how a fill is timed. ``resolution``: the picture's side in pixels."""

    device: str
    precision: str
    mode: str
    resolution: int
    batch: int

    @property
    def type(self) -> str:
        """The device without its number: "cuda" of "cuda:1"."""
        return self.device.partition(":")[0]

    def with_batch(self, batch: int) -> Setting:
        """The same setting at another batch size."""
        return replace(self, batch=batch)

    def __str__(self) -> str:
        return f"{self.device} {self.precision} {self.mode} {self.resolution} px batch {self.batch}"


def check_choices(noun: str, names: list[str], known: tuple[str, ...]) -> list[str]:
    """The names, each once. Raises UnknownName for a wrong one, UsageError where there is none."""
    if not names:
        raise UsageError(f"name at least one {noun} of {', '.join(known)}")
    for name in names:
        if name not in known:
            raise suggest(noun, name, known)
    return list(dict.fromkeys(names))


def native_bf16(device: str) -> bool:
    """Whether the hardware multiplies bfloat16 itself."""
    from variants.session import best_precision

    return best_precision(device) == "bf16"


def sensible_precisions(device: str) -> list[str]:
    """What the device is built for: fp32 always."""
    if device.startswith("cuda"):
        return ["fp32", "tf32", "bf16", "fp16"]
    if device.startswith("mps"):
        return ["fp32", "fp16"]
    return ["fp32", "bf16"] if native_bf16(device) else ["fp32"]


def sensible_modes(device: str) -> list[str]:
    """Modes measured where none is asked for: the compiled ones only on a GPU."""
    return ["eager", "folded", "compile", "graphs"] if device.startswith("cuda") else ["eager", "folded"]


def sensible_batches(device: str) -> list[int]:
    """Batch sizes measured where none is asked for: up to 64 on a GPU, 8 on a CPU."""
    return [1, 8, 64] if device.startswith("cuda") else [1, 8]


def why_not(setting: Setting) -> str | None:
    """Why a combination means nothing on its device, or None where it can be run."""
    if setting.precision == "tf32" and setting.type != "cuda":
        return "tf32 is a mode of CUDA's tensor cores"
    if setting.mode == "compile" and setting.type == "cpu" and not has_compiler():
        return "torch.compile needs a C++ compiler on the CPU (install g++, or set CXX)"
    if setting.mode == "graphs" and setting.type != "cuda":
        return "CUDA graphs need a CUDA device"
    return None


def has_compiler() -> bool:
    """Whether torch.compile finds what it needs on the CPU."""
    return any(shutil.which(name) for name in (os.environ.get("CXX") or "g++", "clang++"))


def dtype_of(precision: str) -> torch.dtype:
    """The type of weights and activations; tf32 keeps both in float32."""
    import torch

    return {"fp32": torch.float32, "tf32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]
