"""What a set metric looks at: the features of truths and of fills, row by row of the same pictures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass
class Features:
    """truths, fills: float32 (n, 2048), n at least 2; row i of both is of one picture. kept: what metrics share."""

    truths: np.ndarray
    fills: np.ndarray
    kept: dict[str, Any] = field(default_factory=dict)
