"""Pictures as WebP data URIs. A fill shares its known pixels with the truth, so only what differs is stored
(the rest is transparent) and the page lays it over the truth: exact, and a third of the size."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy as np

from bench.datasets.pictures import BrokenPicture, opened, to_rgb

LOSSLESS_SIDE = 128
"""Pictures up to this side are stored without loss, so that the pixel values shown are true."""
QUALITY = 86
LARGEST_SIDE = 640
"""Larger pictures are shown reduced to this; the originals can be put beside the page."""
MOST_PIXELS = 64_000_000
"""Of a picture in samples/: a small file can claim any size."""


@dataclass(frozen=True)
class Picture:
    """A WebP data URI; ``over``: it is to be laid over the truth."""

    uri: str
    over: bool = False


@dataclass(frozen=True)
class Scene:
    """A truth with its hole and the pictures laid over it, by (method, kind).

    outline: the hole's edge as SVG path data. exact: stored without loss.
    """

    width: int
    height: int
    exact: bool
    truth: Picture
    hole: Picture
    outline: str
    layers: dict[tuple[str, str], Picture]
    reduced: bool = False

    @property
    def weight(self) -> int:
        """Bytes that its pictures take in the page."""
        return sum(len(p.uri) for p in (self.truth, self.hole, *self.layers.values()))


def reduce(picture: np.ndarray, size: tuple[int, int], smooth: bool = True) -> np.ndarray:
    """The picture at another (width, height)."""
    from PIL import Image

    how = Image.Resampling.LANCZOS if smooth else Image.Resampling.NEAREST
    return np.asarray(Image.fromarray(picture).resize(size, how))


def read(file: Path, size: tuple[int, int] | None = None) -> np.ndarray | None:
    """An RGB picture, uint8 (H, W, 3), or None where the file is missing, broken, too large, or not of ``size``
    (width, height), which is asked before it is decoded."""
    try:
        with opened(file) as image:
            if image.width * image.height > MOST_PIXELS or size not in (None, image.size):
                return None
            return to_rgb(image, file)
    except BrokenPicture:
        return None


def webp(picture: np.ndarray, exact: bool) -> str:
    """uint8 (H, W, 3) or with alpha (H, W, 4) as a data URI."""
    from PIL import Image

    out = io.BytesIO()
    if exact:
        Image.fromarray(picture).save(out, "WEBP", lossless=True, quality=20, method=2)
    else:
        Image.fromarray(picture).save(out, "WEBP", quality=QUALITY, method=1, alpha_quality=100)
    return "data:image/webp;base64," + base64.b64encode(out.getvalue()).decode()


def over(picture: np.ndarray, truth: np.ndarray, hole: np.ndarray, exact: bool) -> Picture:
    """The picture as a layer: opaque in the hole and wherever else it differs from the truth."""
    unlike = picture != truth
    shown = hole | unlike[..., 0] | unlike[..., 1] | unlike[..., 2]
    layer = np.empty((*hole.shape, 4), np.uint8)
    np.multiply(picture, shown[..., None], out=layer[..., :3])
    np.multiply(shown, np.uint8(255), out=layer[..., 3])
    return Picture(webp(layer, exact), over=True)


def hole_layer(hole: np.ndarray) -> Picture:
    """The hole in mid grey, the rest transparent: the masked picture when laid over the truth."""
    layer = np.zeros((*hole.shape, 4), np.uint8)
    layer[hole] = (128, 128, 128, 255)
    return Picture(webp(layer, True), over=True)


def outline(hole: np.ndarray) -> str:
    """The edge between hole and known pixels as SVG path data, in pixels; the picture's border is left out."""
    height, width = hole.shape
    across = np.argwhere(hole[1:] != hole[:-1])
    down = np.argwhere(hole[:, 1:] != hole[:, :-1])
    return "".join([*runs(across, 1), *runs(down[:, ::-1], 0)]) if height and width else ""


def runs(edges: np.ndarray, lying: int) -> list[str]:
    """Unit edges (line, place), merged where they follow each other on a line."""
    found = []
    ordered = edges[np.lexsort((edges[:, 1], edges[:, 0]))]
    k = 0
    while k < len(ordered):
        line, start = int(ordered[k, 0]), int(ordered[k, 1])
        end = start + 1
        while k + 1 < len(ordered) and ordered[k + 1, 0] == line and ordered[k + 1, 1] == end:
            end, k = end + 1, k + 1
        found.append(f"M{start} {line + 1}H{end}" if lying else f"M{line + 1} {start}V{end}")
        k += 1
    return found


class Tally:
    """Counts of (truth luma, fill luma) over hole pixels, (256, 256) per method, added up by many threads."""

    def __init__(self) -> None:
        self.counts: dict[str, np.ndarray] = {}
        self._lock = Lock()

    def add(self, label: str, truth: np.ndarray, fill: np.ndarray) -> None:
        """truth, fill: uint8 (pixels, 3), the hole's pixels only."""
        found = np.bincount(luma(truth) * 256 + luma(fill), minlength=65536).reshape(256, 256)
        with self._lock:
            self.counts[label] = self.counts[label] + found if label in self.counts else found


def luma(pixels: np.ndarray) -> np.ndarray:
    """Rec. 709 luma of sRGB-encoded levels, rounded to 8 bits."""
    return np.rint(pixels @ np.array([0.2126, 0.7152, 0.0722])).astype(np.int64)


def scene(
    root: Path, truth_name: str, hole_name: str, layers: dict[tuple[str, str], str], tally: Tally
) -> Scene | None:
    """Read and encode one sample. None where truth or hole cannot be read; broken layers are left out."""
    truth = read(root / truth_name)
    size = (truth.shape[1], truth.shape[0]) if truth is not None else None
    mask = read(root / hole_name, size)
    if truth is None or mask is None:
        return None
    hole = mask[..., 0] > 127
    fitting = {key: picture for key, name in layers.items() if (picture := read(root / name, size)) is not None}
    for (label, kind), picture in fitting.items():
        if kind == "filled":
            tally.add(label, truth[hole], picture[hole])
    return scene_of(truth, hole, fitting)


def scene_of(truth: np.ndarray, hole: np.ndarray, layers: dict[tuple[str, str], np.ndarray]) -> Scene:
    """Encode one sample: truth and layers uint8 (H, W, 3), by (method, kind), hole bool (H, W)."""
    exact = max(truth.shape[:2]) <= LOSSLESS_SIDE
    factor = LARGEST_SIDE / max(truth.shape[:2])
    size = (max(1, round(truth.shape[1] * factor)), max(1, round(truth.shape[0] * factor)))
    shown, shown_hole = truth, hole
    if factor < 1:
        shown, shown_hole = reduce(truth, size), reduce(hole, size, smooth=False)
    found = {}
    for key, picture in layers.items():
        small = reduce(picture, size) if factor < 1 else picture
        # Raw differs from the truth everywhere: kept compressed, it lies under the fill, whose hole is exact.
        found[key] = Picture(webp(small, False)) if key[1] == "raw" else over(small, shown, shown_hole, exact)
    height, width = shown_hole.shape
    return Scene(
        width,
        height,
        exact,
        Picture(webp(shown, exact)),
        hole_layer(shown_hole),
        outline(shown_hole),
        found,
        reduced=factor < 1,
    )


def scenes(
    root: Path, items: Sequence[tuple[str, str, dict[tuple[str, str], str]]], tally: Tally
) -> list[Scene | None]:
    """Many samples at once: the encoder lets other threads work."""
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda item: scene(root, item[0], item[1], item[2], tally), items))
