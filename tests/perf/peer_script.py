"""What people write to score a folder of fills: torchmetrics or the ``lpips`` package behind a DataLoader.

``python peer_script.py TRUTH FILLS psnr_ssim|lpips|all``: means over FILLS/<mask>/<id>.png, on stdout.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset


class Pairs(Dataset):
    def __init__(self, truths: Path, fills: Path) -> None:
        self.files = [(truths / file.name, file) for file in sorted(fills.rglob("*.png"))]

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, ...]:
        return tuple(torch.from_numpy(np.array(Image.open(file).convert("RGB"))) for file in self.files[index])


def lpips_package() -> torch.nn.Module:
    """The package's AlexNet-LPIPS, over the backbone that ours looks through."""
    from tests.perf.test_lpips import package

    return package()


def main(truths: Path, fills: Path, what: str) -> None:
    from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

    network = lpips_package() if what != "psnr_ssim" else None
    found: dict[str, list[torch.Tensor]] = {}
    with torch.inference_mode():
        for pair in DataLoader(Pairs(truths, fills), batch_size=16, num_workers=2):
            a, b = (side.permute(0, 3, 1, 2).float() / 255 for side in pair)
            if what != "lpips":
                for one, other in zip(a, b, strict=True):
                    found.setdefault("psnr", []).append(peak_signal_noise_ratio(other, one, data_range=1.0))
                ssim = structural_similarity_index_measure(b, a, data_range=1.0, reduction="none")
                found.setdefault("ssim", []).extend(ssim)
            if network is not None:
                found.setdefault("lpips", []).extend(network(2 * a - 1, 2 * b - 1).flatten())
    for name, values in found.items():
        print(name, len(values), float(torch.stack(values).mean()))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
