"""Random numbers of a method that draws some: the same for the same picture, whatever came before it."""

from __future__ import annotations

import hashlib
import random
from typing import Any

import numpy as np


def seed_call(suite_seed: int, mask: str, image_id: str, sample: int = 0) -> None:
    """Seed torch (every device), NumPy and random by what is to be filled: called before each call of a method."""
    import torch

    digest = hashlib.sha256(f"{suite_seed}/{mask}/{image_id}/{sample}".encode()).digest()
    seed = int.from_bytes(digest[:8], "little")
    torch.manual_seed(seed >> 1)
    np.random.seed(seed % 2**32)
    random.seed(seed)


def state() -> list[Any]:
    """What the next random numbers depend on: it differs after a call that drew some."""
    import torch

    # A device that nothing uses yet is left alone: other processes could use it no more.
    own = [torch.get_rng_state(), *([torch.cuda.get_rng_state()] if torch.cuda.is_initialized() else [])]
    _, keys, place, *_ = np.random.get_state()
    return [*(bytes(part.numpy()) for part in own), bytes(np.asarray(keys)), place, random.getstate()]
