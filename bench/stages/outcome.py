"""What an evaluation met on its way: fills that failed, files that are not as they should be, known pixels changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.metrics.declaration import Metric
from bench.runs.reader import Run
from bench.util.words import counted
from variants.method import Findings, Method


@dataclass
class Outcome:
    """What an evaluation met on its way, kept records included. failed: (label, mask, reason) -> pictures. listed:
    label -> a line for each fill that failed and each file that is not as it should be. drifted: label -> finished
    pictures whose known pixels were changed. told: label -> what was noticed of a method, in sentences. kept: label
    -> runs whose results stand, None being this one, by their paths. findings: as the methods tell them, by (name,
    seed). partial: some fill could not be scored."""

    failed: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    listed: dict[str, list[str]] = field(default_factory=dict)
    drifted: Counter[str] = field(default_factory=Counter)
    told: dict[str, list[str]] = field(default_factory=dict)
    kept: dict[str, dict[Path | None, Run | None]] = field(default_factory=dict)
    findings: dict[tuple[str, int], Findings] = field(default_factory=dict)

    @property
    def notes(self) -> list[str]:
        """All remarks on the run, in the order in which their methods were met."""
        return [text for texts in self.told.values() for text in texts]

    def tell(self, method: Method, text: str) -> None:
        """Something noticed of a method, once."""
        texts = self.told.setdefault(method.label, [])
        if text not in texts:
            texts.append(text)

    def note_kept(self, method: Method, source: Run | None) -> None:
        """Results of a method that stand already, in this run or, copied, in another."""
        self.kept.setdefault(method.label, {})[source.path if source else None] = source

    @property
    def partial(self) -> bool:
        """Whether a fill failed, so that the command ends with exit code 5."""
        return bool(self.failed)

    def note_failure(self, method: Method, mask: str, image_id: str, why: str) -> None:
        """One fill that could not be scored."""
        self.failed[method.label, mask, why] += 1
        self.listed.setdefault(method.label, []).append(f"{mask}/{image_id}: {why}")

    def note_findings(
        self, method: Method, found: Findings, restored: bool = True, metrics: Mapping[str, Metric] | None = None
    ) -> None:
        """What a method has to tell once all is filled: files that nothing asked for, values out of range, and how
        many of its pictures had known pixels changed. restored: whether those come from the truth before scoring.
        metrics: the columns; those of the known region look at it as it came."""
        if found.unread:
            lines = [f"{name}: cannot be read ({why})" for name, why in found.unread.items()]
            self.listed.setdefault(method.label, []).extend(lines)
        if found.extra:
            lines = [f"{name}: extra, belongs to no picture of the suite" for name in found.extra]
            self.listed.setdefault(method.label, []).extend(lines)
        if (found.low, found.high) != (0.0, 1.0):
            self.tell(
                method,
                f"{method.label} returned values from {found.low:.3g} to {found.high:.3g}, which were clipped to "
                "[0, 1]: does it work in 0-255 or [-1, 1]?",
            )
        if self.drifted[method.label]:
            as_came = [name for name, entry in (metrics or {}).items() if entry.region == "known"]
            how = "they were restored from the truth before scoring" if restored else "they are scored as they are"
            if restored and as_came:
                how += f", but not for {', '.join(as_came)}"
            changed = counted(self.drifted[method.label], "fill")
            self.tell(method, f"{method.label} changed known pixels in {changed}; {how}")


def known_changed(image: np.ndarray, hole: np.ndarray, picture: np.ndarray) -> bool:
    """Whether a finished picture differs from the truth where it is known; uint8 (H, W, 3), the hole bool (H, W)."""
    import cv2

    return cv2.norm(picture, image, cv2.NORM_INF, (~hole).view(np.uint8)) > 0
