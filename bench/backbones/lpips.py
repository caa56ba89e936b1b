"""The backbones of LPIPS: their features and heads, and the known distances that prove a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.backbones.backbone import Backbone, WeightsError, read_tensors, sha256

if TYPE_CHECKING:
    import torch

    from bench.backbones.lpips_network import Stack

SUFFIXES = (".pth", ".safetensors")

HEADS = {"lpips": "weights/v0.1", "torchmetrics": "functional/image/lpips_models"}
"""Packages that carry the linear heads, and the folders in them."""

TOLERANCE = 1e-5
"""Largest allowed difference from a known distance; float32 arithmetic alone stays under 1e-6."""


@dataclass(frozen=True)
class LpipsBackbone(Backbone):
    """A classifier whose convolutions LPIPS takes its features from.

    head: the ``lpips`` package's name for its linear heads. layer, shape: a convolution that this network alone
    has. distances: LPIPS of :func:`known_pairs` with the real weights, computed by the ``lpips`` package 0.1.4.
    published: where those are not recorded, the two means that torchmetrics documents, see
    :func:`published_means`.
    """

    head: str
    layer: str
    shape: tuple[int, ...]
    distances: tuple[float, ...] = ()
    published: tuple[float, float] | None = None

    def check(self, path: Path) -> tuple[Stack, str]:
        return check(self, path)

    def recognises(self, state: Mapping[str, Any]) -> bool:
        return self.layer in state and tuple(state[self.layer].shape) == self.shape


def torchvision(name: str, file: str, megabytes: int, scores: str, **facts: Any) -> LpipsBackbone:
    """A backbone of torchvision's, whose features alone are enough and whose files may be called ``name…``."""
    url = "https://download.pytorch.org/models"
    return LpipsBackbone(name, file, megabytes, url, f"{name}*", SUFFIXES, scores, **facts)


BACKBONES = {
    backbone.name: backbone
    for backbone in (
        torchvision(
            "alexnet",
            "alexnet-owt-7be5be79.pth",
            233,
            "lpips, lpips_hole",
            head="alex",
            layer="features.0.weight",
            shape=(64, 3, 11, 11),
            distances=(0.1753336, 0.2510100, 0.0935386),
        ),
        torchvision(
            "vgg16",
            "vgg16-397923af.pth",
            528,
            "lpips, lpips_hole under the lama protocol",
            head="vgg",
            layer="features.28.weight",
            shape=(512, 512, 3, 3),
            published=(0.3566, 0.3493),
        ),
        torchvision(
            "squeezenet1_1",
            "squeezenet1_1-b8a52dc0.pth",
            5,
            "lpips, lpips_hole under the brushbench protocol",
            head="squeeze",
            layer="features.3.squeeze.weight",
            shape=(16, 64, 1, 1),
            distances=(0.3259476, 0.1644771, 0.1485714),
        ),
    )
}


def read_features(path: Path) -> dict[str, torch.Tensor]:
    """The ``features.…`` tensors of a features-only file or a whole checkpoint, float32 on the CPU.

    Raises WeightsError where the file cannot be read safely or holds none.
    """
    found = {
        key: value.float().contiguous() for key, value in read_tensors(path).items() if key.startswith("features.")
    }
    if not found:
        raise WeightsError(f"{path} holds no key features.N.weight: give the backbone's own checkpoint")
    return found


def heads(which: LpipsBackbone) -> list[torch.Tensor]:
    """The linear heads of LPIPS v0.1, one (C,) per tap, from the files of an installed package that carries them."""
    import importlib.util

    import torch

    for package, folder in HEADS.items():
        spec = importlib.util.find_spec(package)
        places = spec.submodule_search_locations if spec else None
        file = Path(next(iter(places or ["."]))) / folder / f"{which.head}.pth"
        if places and file.is_file():
            break
    else:
        raise WeightsError("the linear heads are missing; they come with the lpips package: pip install lpips")
    state = torch.load(file, map_location="cpu", weights_only=True)
    return [state[f"lin{tap}.model.1.weight"].flatten().float() for tap in range(len(state))]


def build(which: LpipsBackbone, features: Mapping[str, torch.Tensor]) -> Stack:
    """The backbone's stack with LPIPS' heads. Raises KeyError or RuntimeError for features of another network."""
    from bench.backbones import lpips_network

    geometry = {
        "alex": lpips_network.alexnet,
        "vgg": lpips_network.vgg16,
        "squeeze": lpips_network.squeezenet,
    }
    return geometry[which.head](features, heads(which))


def known_pairs() -> tuple[np.ndarray, np.ndarray]:
    """Three pairs of 64×64 pictures made by integer arithmetic alone, uint8 (3, 64, 64, 3) twice.

    A ramp against its banded form, a woven texture with a flat hole, and noise against a shifted copy.
    """
    y, x = np.mgrid[0:64, 0:64]
    ramp = np.stack([4 * x, 4 * y, 255 - 2 * x - 2 * y], -1)
    woven = np.stack([(x * y) % 256, (7 * (x ^ y)) % 256, (x * x + 3 * y * y) // 4 % 256], -1)
    noise = np.stack([((x * 73 + y * 179 + c * 83 + 11) * 40503 >> 4) % 256 for c in range(3)], -1)
    banded = ramp // 48 * 48
    holed = woven.copy()
    holed[20:48, 12:40] = (200, 60, 30)
    shifted = np.roll(noise, (3, 5), (0, 1)) // 2 + 64
    return np.stack([ramp, woven, noise]).astype(np.uint8), np.stack([banded, holed, shifted]).astype(np.uint8)


def published_means(stack: Stack) -> tuple[float, float]:
    """Mean LPIPS of ten pairs of uniform noise (torch's generator, seed 123), in [0, 1] and in [-1, 1].

    These are the examples that torchmetrics 0.7 and 0.11 document for its LPIPS, printed to four digits.
    """
    import torch

    from bench.backbones.lpips_network import SCALE, SHIFT

    generator = torch.Generator().manual_seed(123)
    a, b = (torch.rand(10, 3, 100, 100, generator=generator) for _ in range(2))
    shift, scale = torch.tensor(SHIFT)[:, None, None], torch.tensor(SCALE)[:, None, None]
    with torch.inference_mode():
        plain = stack.distances((a - shift) / scale, (b - shift) / scale).mean()
        wide = stack.distances((2 * a - 1 - shift) / scale, (2 * b - 1 - shift) / scale).mean()
    return float(plain), float(wide)


def check(which: LpipsBackbone, path: Path) -> tuple[Stack, str]:
    """The stack in ``path`` and the check that it passed, in words. Raises WeightsError where it fails."""
    import torch

    from bench.backbones.lpips_network import normalised

    features = read_features(path)
    found = features.get(which.layer)
    if found is None or tuple(found.shape) != which.shape:
        what = f"no {which.layer}" if found is None else f"{which.layer} is {tuple(found.shape)}, not {which.shape}"
        raise WeightsError(f"{path} does not hold {which.name} ({what}): fetch or add the right file")
    try:
        stack = build(which, features)
        with torch.inference_mode():
            truth, filled = (normalised(side) for side in known_pairs())
            distances = stack.distances(truth, filled).tolist()
    except (KeyError, RuntimeError) as error:
        why = " ".join(str(error).split())[:100]
        raise WeightsError(f"{path} does not hold {which.name} ({why}): fetch or add the right file") from error
    if which.distances:
        return stack, hold(which, path, distances, which.distances, TOLERANCE)
    if sha256(path).startswith(which.sha256_prefix):
        return stack, f"SHA-256 begins with {which.sha256_prefix}"
    assert which.published is not None
    return stack, hold(which, path, published_means(stack), which.published, 1e-4)


def hold(
    which: Backbone,
    path: Path,
    found: Sequence[float],
    known: Sequence[float],
    tolerance: float,
    what: str = "distances",
) -> str:
    """Hold values against the known ones; the check in words. Raises WeightsError where one is off, or is NaN."""
    worst = float(np.max([abs(a - b) for a, b in zip(found, known, strict=True)]))
    if not worst <= tolerance:
        raise WeightsError(
            f"{path} is refused: its values do not give {which.name}'s known {what} (off by {worst:.2g}, "
            f"allowed {tolerance:.0e}); fetch or add the published weights"
        )
    return f"gives {len(found)} known {what} to {worst:.0e}"
