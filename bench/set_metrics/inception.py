"""Inception features of 8-bit pictures, as torch-fidelity extracts them: resized to 299 × 299 as TensorFlow 1 did."""

from __future__ import annotations

from typing import Any

import numpy as np


def extract(network: Any, pictures: np.ndarray, device: str) -> np.ndarray:
    """Features of the last pooling layer, float32 (N, 2048), of pictures of one size, uint8 (N, H, W, 3)."""
    import torch

    from bench.util.tf32 import matmul_precision

    # TF32 would change the third digit; an FID of near sets is a difference of large numbers.
    with torch.inference_mode(), matmul_precision("fp32"):
        batch = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).to(device)
        return network(batch)[0].cpu().numpy()
