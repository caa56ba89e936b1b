"""DINOv2 features of 8-bit pictures, prepared as dgm-eval does for FD-DINOv2.

Stein et al., "Exposing flaws of generative model evaluation metrics and their unfair treatment of diffusion models",
NeurIPS 2023: resized to 224 × 224 by Pillow's bicubic filter, in 8 bits, and normalised by ImageNet's mean and spread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch

MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's red, green and blue, of pictures in [0, 1]."""


def prepared(pictures: np.ndarray) -> torch.Tensor:
    """Pictures of one size, uint8 (N, H, W, 3), as the network sees them: float32 (N, 3, 224, 224)."""
    import torch
    from PIL import Image

    from bench.backbones.dinov2 import SIDE

    size, bicubic = (SIDE, SIDE), Image.Resampling.BICUBIC
    resized = [np.asarray(Image.fromarray(picture).resize(size, bicubic)) for picture in pictures]
    levels = torch.from_numpy(np.stack(resized)).permute(0, 3, 1, 2)
    mean, spread = (torch.tensor(values)[:, None, None] for values in (MEAN, SPREAD))
    return (levels / 255 - mean) / spread


def extract(network: Any, pictures: np.ndarray, device: str) -> np.ndarray:
    """Features of the class token, float32 (N, 1024), of pictures of one size, uint8 (N, H, W, 3)."""
    import torch

    from bench.util.tf32 import matmul_precision

    with torch.inference_mode(), matmul_precision("fp32"):
        return network(prepared(pictures).to(device)).cpu().numpy()
