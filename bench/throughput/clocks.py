"""Clocks, temperature, throttling and energy of an NVIDIA GPU, through NVML where nvidia-ml-py is installed."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

SLOWED = ("HwSlowdown", "SwThermalSlowdown", "HwThermalSlowdown", "HwPowerBrakeSlowdown")
"""NVML's clock event reasons that spoil a sample. A power cap is not among them: at full load it is a GPU's
usual state, and part of what it can do."""


@dataclass(frozen=True)
class Reading:
    """The GPU's state after one sample."""

    clock_mhz: float
    temperature_c: float
    throttled: bool


class Watch:
    """NVML's view of one device. Use :func:`open_watch`."""

    def __init__(self, nvml: Any, handle: Any) -> None:
        self.nvml, self.handle = nvml, handle
        self.mask = 0
        for name in SLOWED:
            # NVML renamed the constants from "throttle" to "event" reasons; the bits are the same.
            self.mask |= getattr(nvml, f"nvmlClocksEventReason{name}", 0)
            self.mask |= getattr(nvml, f"nvmlClocksThrottleReason{name}", 0)

    def read(self) -> Reading:
        """Ask NVML now: clock in MHz, temperature in °C, and whether heat or power slows the clock."""
        nvml, handle = self.nvml, self.handle
        reasons = getattr(nvml, "nvmlDeviceGetCurrentClocksEventReasons", None)
        reasons = reasons or nvml.nvmlDeviceGetCurrentClocksThrottleReasons
        return Reading(
            float(nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM)),
            float(nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU)),
            bool(reasons(handle) & self.mask),
        )

    def joules(self) -> float | None:
        """Energy used since the driver was loaded, or None where the GPU does not count it (before Volta)."""
        try:
            return self.nvml.nvmlDeviceGetTotalEnergyConsumption(self.handle) / 1e3
        except self.nvml.NVMLError:
            return None


def open_watch(device: str) -> Watch | None:
    """The watch over a CUDA device; None on other devices, without NVML, and where that tells nothing."""
    if not device.startswith("cuda"):
        return None
    with contextlib.suppress(ImportError):
        import pynvml
        import torch

        with contextlib.suppress(pynvml.NVMLError):
            pynvml.nvmlInit()
            # By its identity, since CUDA_VISIBLE_DEVICES renumbers.
            uuid = f"GPU-{torch.cuda.get_device_properties(device).uuid}"
            watch = Watch(pynvml, pynvml.nvmlDeviceGetHandleByUUID(uuid.encode()))
            watch.read()  # some virtual machines refuse it
            return watch
    return None
