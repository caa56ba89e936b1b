"""Where the backbones of LPIPS are looked for, and how a file proves that it holds the right one.

Searched in order: the folder given (``--weights-dir``), ``BENCH_WEIGHTS_DIR``, torch hub's cache. Nothing is
downloaded unless ``bench weights fetch`` asks for it, and nothing random ever stands in for a missing file.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.errors import BenchError, UsageError
from bench.files import replacing
from variants.registry import suggest

if TYPE_CHECKING:
    import torch

    from bench.metrics.lpips_network import Stack

ENV = "BENCH_WEIGHTS_DIR"

BASE_URL = "https://download.pytorch.org/models"

SUFFIXES = (".pth", ".safetensors")

TOLERANCE = 1e-5
"""Largest allowed difference from a known distance; float32 arithmetic alone stays under 1e-6."""


@dataclass(frozen=True)
class Backbone:
    """A network whose features LPIPS compares.

    file: torchvision's checkpoint, whose name ends in the first digits of its SHA-256. head: the ``lpips``
    package's name for its linear heads. layer, shape: a convolution that this network alone has.
    distances: LPIPS of :func:`known_pairs` with the real weights, computed by the ``lpips`` package 0.1.4.
    published: where those are not recorded, the two means that torchmetrics documents, see
    :func:`published_means`.
    """

    name: str
    file: str
    megabytes: int
    head: str
    layer: str
    shape: tuple[int, ...]
    distances: tuple[float, ...] = ()
    published: tuple[float, float] | None = None

    @property
    def sha256_prefix(self) -> str:
        return Path(self.file).stem.rsplit("-", 1)[1]


BACKBONES = {
    backbone.name: backbone
    for backbone in (
        Backbone(
            "alexnet",
            "alexnet-owt-7be5be79.pth",
            233,
            "alex",
            "features.0.weight",
            (64, 3, 11, 11),
            distances=(0.1753336, 0.2510100, 0.0935386),
        ),
        Backbone(
            "vgg16",
            "vgg16-397923af.pth",
            528,
            "vgg",
            "features.28.weight",
            (512, 512, 3, 3),
            published=(0.3566, 0.3493),
        ),
        Backbone(
            "squeezenet1_1",
            "squeezenet1_1-b8a52dc0.pth",
            5,
            "squeeze",
            "features.3.squeeze.weight",
            (16, 64, 1, 1),
            distances=(0.3259476, 0.1644771, 0.1485714),
        ),
    )
}


class WeightsError(BenchError):
    """No file of a backbone was found, or the one found was refused; the message is one sentence."""


def backbone(name: str) -> Backbone:
    """The backbone called ``name``. Raises UnknownName for a wrong name."""
    if name not in BACKBONES:
        raise suggest("backbone", name, BACKBONES)
    return BACKBONES[name]


def hub_folder() -> Path:
    """Where torch hub keeps checkpoints (its own rule, without importing torch)."""
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    home = os.environ.get("TORCH_HOME") or str(Path(cache) / "torch")
    return Path(os.path.expandvars(home)).expanduser() / "hub" / "checkpoints"


def folders(weights_dir: Path | None = None) -> list[tuple[str, Path]]:
    """The folders searched, in order, each with what named it."""
    found = []
    if weights_dir is not None:
        found.append(("--weights-dir", Path(weights_dir)))
    if os.environ.get(ENV):
        found.append((ENV, Path(os.environ[ENV]).expanduser()))
    return [*found, ("torch hub's cache", hub_folder())]


def user_folder() -> Path:
    """Where ``fetch`` and ``add`` put files: BENCH_WEIGHTS_DIR if set, else torch hub's cache."""
    return folders()[0][1]


def candidates(which: Backbone, folder: Path) -> list[Path]:
    """Files in ``folder`` that may hold the backbone: torchvision's own name first, then by name."""
    if not folder.is_dir():
        return []
    found = [path for path in folder.iterdir() if path.suffix in SUFFIXES and path.is_file()]
    mine = [path for path in found if path.name.startswith(which.name)]
    return sorted(mine, key=lambda path: (path.name != which.file, path.name))


def find(which: Backbone, weights_dir: Path | None = None) -> Path | None:
    """The first file of a backbone, in search order; None where there is none."""
    for _, folder in folders(weights_dir):
        for path in candidates(which, folder):
            return path
    return None


def sha256(path: Path) -> str:
    """Hex SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_features(path: Path) -> dict[str, torch.Tensor]:
    """The ``features.…`` tensors of a features-only file or a whole checkpoint, float32 on the CPU.

    Raises WeightsError where the file cannot be read safely or holds none.
    """
    import torch

    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            state: Any = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        why = " ".join(str(error).split())[:120] or type(error).__name__
        raise WeightsError(f"{path} cannot be read as weights ({why}): fetch or add it again") from error
    if isinstance(state, Mapping) and isinstance(state.get("state_dict"), Mapping):
        state = state["state_dict"]
    if not isinstance(state, Mapping):
        raise WeightsError(f"{path} holds no weights by name: give a checkpoint with keys features.N.weight")
    found = {
        key: value.float().contiguous()
        for key, value in state.items()
        if key.startswith("features.") and isinstance(value, torch.Tensor)
    }
    if not found:
        raise WeightsError(f"{path} holds no key features.N.weight: give the backbone's own checkpoint")
    return found


def heads(which: Backbone) -> list[torch.Tensor]:
    """The linear heads of LPIPS v0.1, one (C,) per tap, from the installed ``lpips`` package's files."""
    import importlib.util

    import torch

    spec = importlib.util.find_spec("lpips")
    if spec is None or not spec.submodule_search_locations:
        raise WeightsError("the lpips package, which carries the linear heads, is missing: pip install lpips")
    file = Path(next(iter(spec.submodule_search_locations))) / "weights" / "v0.1" / f"{which.head}.pth"
    if not file.is_file():
        raise WeightsError(f"the installed lpips package lacks {file}: pip install --force-reinstall lpips")
    state = torch.load(file, map_location="cpu", weights_only=True)
    return [state[f"lin{tap}.model.1.weight"].flatten().float() for tap in range(len(state))]


def build(which: Backbone, features: Mapping[str, torch.Tensor]) -> Stack:
    """The backbone's stack with LPIPS' heads. Raises KeyError or RuntimeError for features of another network."""
    from bench.metrics import lpips_network

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

    from bench.metrics.lpips_network import SCALE, SHIFT

    generator = torch.Generator().manual_seed(123)
    a, b = (torch.rand(10, 3, 100, 100, generator=generator) for _ in range(2))
    shift, scale = torch.tensor(SHIFT)[:, None, None], torch.tensor(SCALE)[:, None, None]
    with torch.inference_mode():
        plain = stack.distances((a - shift) / scale, (b - shift) / scale).mean()
        wide = stack.distances((2 * a - 1 - shift) / scale, (2 * b - 1 - shift) / scale).mean()
    return float(plain), float(wide)


def check(which: Backbone, path: Path) -> tuple[Stack, str]:
    """The stack in ``path`` and the check that it passed, in words. Raises WeightsError where it fails."""
    import torch

    from bench.metrics.lpips_network import normalised

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


def hold(which: Backbone, path: Path, found: Sequence[float], known: Sequence[float], tolerance: float) -> str:
    """Hold distances against the known ones; the check in words. Raises WeightsError where one is off."""
    worst = max(abs(a - b) for a, b in zip(found, known, strict=True))
    if not worst <= tolerance:
        raise WeightsError(
            f"{path} is refused: its values do not give {which.name}'s known distances (off by {worst:.2g}, "
            f"allowed {tolerance:.0e}); fetch or add the published weights"
        )
    return f"gives {len(found)} known distances to {worst:.0e}"


def load(which: Backbone, weights_dir: Path | None = None) -> Stack:
    """The checked stack of a backbone. Raises WeightsError where no file is found, or it is refused."""
    path = find(which, weights_dir)
    if path is None:
        looked = ", ".join(f"{folder} ({why})" for why, folder in folders(weights_dir))
        raise WeightsError(
            f"no {which.name} backbone in {looked}: run 'bench weights fetch {which.name}' "
            f"({which.megabytes} MB) or 'bench weights add FILE'"
        )
    return check(which, path)[0]


def address(which: Backbone, url: str | None = None) -> tuple[str, str, str]:
    """Where to fetch a backbone: the URL, the file's name, and what its SHA-256 begins with.

    url: the folder to fetch from, or a file whose name ends in the first digits of its SHA-256
    (``name-0123abcd.pth``). Raises UsageError for anything else.
    """
    if url is None:
        return f"{BASE_URL}/{which.file}", which.file, which.sha256_prefix
    if not url.startswith(("http://", "https://")):
        raise UsageError(f"--url {url} must begin with http:// or https://")
    path = url.split("?", 1)[0].split("#", 1)[0]
    if not path.endswith(SUFFIXES):
        return f"{url.rstrip('/')}/{which.file}", which.file, which.sha256_prefix
    file = path.rsplit("/", 1)[1]
    match = re.search(r"-([0-9a-f]{8,64})$", Path(file).stem)
    if match is None:
        raise UsageError(f"--url {url} names a file without the first digits of its SHA-256 (name-0123abcd.pth)")
    return url, file if file.startswith(which.name) else f"{which.name}-{match[1]}{Path(file).suffix}", match[1]


def recognise(path: Path) -> Backbone:
    """Which backbone a file holds, by its layers' shapes. Raises WeightsError where it is none."""
    features = read_features(path)
    for which in BACKBONES.values():
        if which.layer in features and tuple(features[which.layer].shape) == which.shape:
            return which
    raise WeightsError(f"{path} holds none of {', '.join(BACKBONES)}: give a checkpoint of one of these")


def add(path: Path) -> tuple[Backbone, Path, str]:
    """Check a file and copy it to the user's folder: which backbone, where it lies now, the check passed.

    Raises UsageError where it cannot be used; nothing is copied then.
    """
    if not path.is_file():
        raise UsageError(f"there is no file {path}: name a .pth or .safetensors file")
    if path.suffix not in SUFFIXES:
        raise UsageError(f"{path} is no {' or '.join(SUFFIXES)} file")
    try:
        which = recognise(path)
        passed = check(which, path)[1]
    except WeightsError as error:
        raise UsageError(str(error)) from error
    name = path.name if path.name.startswith(which.name) else f"{which.name}_features{path.suffix}"
    target = user_folder() / name
    if not (target.exists() and target.samefile(path)):
        with replacing(target) as temporary:
            shutil.copyfile(path, temporary)
    return which, target, passed


def status(weights_dir: Path | None = None) -> list[dict[str, Any]]:
    """Per backbone: where it was looked for, the file found, its SHA-256, and the check passed or why not."""
    rows = []
    for which in BACKBONES.values():
        looked = [
            {"where": why, "folder": str(folder), "exists": folder.is_dir(), "files": list_names(which, folder)}
            for why, folder in folders(weights_dir)
        ]
        path = find(which, weights_dir)
        row: dict[str, Any] = {"backbone": which.name, "looked": looked, "file": None, "sha256": None}
        if path is None:
            row |= {"usable": False, "check": None, "why": f"not found: bench weights fetch {which.name}"}
        else:
            row |= {"file": str(path), "sha256": sha256(path)}
            try:
                row |= {"usable": True, "check": check(which, path)[1], "why": None}
            except WeightsError as error:
                row |= {"usable": False, "check": None, "why": str(error)}
        rows.append(row)
    return rows


def list_names(which: Backbone, folder: Path) -> list[str]:
    return [path.name for path in candidates(which, folder)]
