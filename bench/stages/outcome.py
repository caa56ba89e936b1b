"""What an evaluation met on its way: fills that failed, files that are not as they should be, known pixels changed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from variants.method import Method


@dataclass
class Outcome:
    """What an evaluation met on its way, kept records included. failed: (label, mask, reason) -> pictures. listed:
    label -> a line for each fill that failed and each file that is not as it should be. drifted: label -> finished
    pictures whose known pixels were changed. partial: some fill could not be scored."""

    failed: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    listed: dict[str, list[str]] = field(default_factory=dict)
    drifted: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    @property
    def partial(self) -> bool:
        return bool(self.failed)

    def note_failure(self, method: Method, mask: str, image_id: str, why: str) -> None:
        """One fill that could not be scored."""
        self.failed[method.label, mask, why] += 1
        self.listed.setdefault(method.label, []).append(f"{mask}/{image_id}: {why}")

    def note_findings(self, method: Method) -> None:
        """What a method has to tell once all is filled: files that nothing asked for, values out of range, and how
        many of its pictures had known pixels changed."""
        found = method.findings()
        if found.extra:
            lines = [f"{name}: extra, belongs to no picture of the suite" for name in found.extra]
            self.listed.setdefault(method.label, []).extend(lines)
        if (found.low, found.high) != (0.0, 1.0):
            self.notes.append(
                f"{method.label} put out values from {found.low:.3g} to {found.high:.3g}, which were clipped to "
                "[0, 1]: does it work in 0-255 or [-1, 1]?"
            )
        if self.drifted[method.label]:
            self.notes.append(
                f"{method.label} changed known pixels in {self.drifted[method.label]} pictures; "
                "they were restored from the truth before scoring unless --no-composite was given"
            )


def known_changed(image: np.ndarray, hole: np.ndarray, picture: np.ndarray) -> bool:
    """Whether a finished picture differs from the truth where it is known; uint8 (H, W, 3), the hole bool (H, W)."""
    return bool(((picture != image).any(axis=-1) & ~hole).any())
