"""What a set metric looks at: the features of truths and of fills, row by row of the same pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

Kept = TypeVar("Kept")


@dataclass
class Features:
    """truths, fills: float32 (n, features of one network), n at least 2; row i of both is of one
    picture. kept: what metrics share."""

    truths: np.ndarray
    fills: np.ndarray
    kept: dict[Any, Any] = field(default_factory=dict)

    def once(self, compute: Callable[[Features], Kept]) -> Kept:
        """What ``compute`` finds for this set, computed at the first asking."""
        if compute not in self.kept:
            self.kept[compute] = compute(self)
        return self.kept[compute]
