"""What the student learns from: pictures, holes and fills of every quality, drawn anew for each step.

All pictures are uint8 (S, S, 3). Randomness comes from one numpy generator, so a seed repeats a training.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

LEFT_OUT = ("astronaut", "ball_caps", "girl", "macaws", "motocross")
"""Pictures of CQ100 not learnt from: four are Kodak's own (kept for the evaluation), one is a subject of
scikit-image's."""

Fill = Callable[["Maker", np.ndarray, np.ndarray], np.ndarray]


def read_folder(folder: Path, leave_out: Sequence[str] = LEFT_OUT) -> list[np.ndarray]:
    """Every PNG of a folder as uint8 RGB, but those named in ``leave_out``."""
    import cv2

    files = [file for file in sorted(folder.glob("*.png")) if file.stem not in leave_out]
    return [np.ascontiguousarray(np.asarray(cv2.imread(str(file)))[:, :, ::-1]) for file in files]


class Maker:
    """Draws training pairs.

    photographs: pictures of any size, cropped at any scale. scenes: (N, side, side, 3) of a fixed side, used
    whole or cropped; may be empty.
    """

    def __init__(self, photographs: Sequence[np.ndarray], scenes: Sequence[np.ndarray], seed: int) -> None:
        self.photographs = photographs
        self.scenes = scenes
        self.rng = np.random.default_rng(seed)

    def truth(self, side: int) -> np.ndarray:
        """A picture: a random crop at a random scale, sometimes mirrored, turned or recoloured."""
        import cv2

        rng = self.rng
        use_scene = bool(len(self.scenes)) and rng.random() < 0.5
        source = self.scenes if use_scene else self.photographs
        picture = source[int(rng.integers(len(source)))]
        shorter = min(picture.shape[:2])
        if use_scene and rng.random() < 0.75:
            crop = shorter
        else:
            low = min(side, shorter)
            crop = int(np.exp(rng.uniform(np.log(low), np.log(shorter))))
        y, x = rng.integers(picture.shape[0] - crop + 1), rng.integers(picture.shape[1] - crop + 1)
        out = picture[y : y + crop, x : x + crop]
        if crop != side:
            out = cv2.resize(out, (side, side), interpolation=cv2.INTER_AREA if crop > side else cv2.INTER_LINEAR)
        if rng.random() < 0.5:
            out = out[:, ::-1]
        if rng.random() < 0.1:
            out = out.transpose(1, 0, 2)
        if rng.random() < 0.15:
            out = out[:, :, rng.permutation(3)]
        if rng.random() < 0.25:
            gain = rng.uniform(0.4, 1.2) * rng.uniform(0.9, 1.1, 3)
            out = np.clip(out * gain + rng.uniform(-30, 40), 0, 255).astype(np.uint8)
        if rng.random() < 0.05:
            out = np.repeat(out.mean(2, keepdims=True).astype(np.uint8), 3, 2)
        return np.ascontiguousarray(out)

    def hole(self, side: int) -> np.ndarray:
        """A hole, bool (side, side), of 0.5 to about 60 % of the picture."""
        import cv2

        rng = self.rng
        mask = np.zeros((side, side), np.uint8)
        kind = rng.random()
        if kind < 0.12:
            mask[side // 4 : side // 4 + side // 2, side // 4 : side // 4 + side // 2] = 1
        elif kind < 0.45:
            for _ in range(1 if rng.random() < 0.8 else rng.integers(2, 5)):
                h, w = (np.exp(rng.uniform(np.log(0.08), np.log(0.8), 2)) * side).astype(int).clip(2)
                y, x = rng.integers(side - h + 1), rng.integers(side - w + 1)
                mask[y : y + h, x : x + w] = 1
        elif kind < 0.7:
            axes = (np.exp(rng.uniform(np.log(0.05), np.log(0.42), 2)) * side).astype(int).clip(1)
            if rng.random() < 0.5:
                axes[1] = axes[0]
            centre = rng.integers(side // 8, side - side // 8, 2)
            cv2.ellipse(mask, centre.tolist(), axes.tolist(), rng.uniform(0, 180), 0, 360, 1, -1)
        elif kind < 0.94:
            thick = np.exp(rng.uniform(np.log(0.02), np.log(0.2))) * side
            for _ in range(int(rng.integers(1, max(2, int(0.6 * side / thick))))):
                points = [rng.integers(0, side, 2)]
                for _ in range(rng.integers(1, 6)):
                    points.append(points[-1] + rng.normal(0, side / 5, 2).astype(int))
                cv2.polylines(mask, [np.array(points, np.int32)], False, 1, max(1, int(thick)))
                if mask.mean() > 0.45:
                    break
        elif kind < 0.97:
            mask[:, side // 2 :] = 1
            mask = np.ascontiguousarray(np.rot90(mask, int(rng.integers(4))))
        else:
            mask[:] = 1
            edge = int(rng.uniform(0.08, 0.25) * side)
            mask[edge:-edge, edge:-edge] = 0
        if mask.mean() < 0.005:
            mask[side // 3 : side // 2, side // 3 : side // 2] = 1
        return mask.astype(bool)

    def fill(self, truth: np.ndarray, hole: np.ndarray) -> np.ndarray:
        """A filled picture, from nearly right to garbage; one in twenty is changed everywhere."""
        rng = self.rng
        name = NAMES[rng.choice(len(NAMES), p=SHARES)]
        raw = FILLS[name](self, truth, hole).astype(np.float32)
        if rng.random() < 0.3:
            other = FILLS[CHEAP[rng.integers(len(CHEAP))]](self, truth, hole)
            raw += rng.uniform(0, 0.7) * (other - raw)
        if rng.random() < 0.12:
            raw = np.maximum(raw, (123.7, 116.3, 103.5))
        if rng.random() < 0.15:
            raw += rng.normal(0, 12, 3)
        return self.composite(truth, hole, raw)

    def composite(self, truth: np.ndarray, hole: np.ndarray, raw: np.ndarray) -> np.ndarray:
        """Round a fill to 8 bits and paste it into the hole; one in twenty stays unpasted, a change everywhere."""
        everywhere = self.rng.random() < 0.05
        picture = np.rint(raw.clip(0, 255)).astype(np.uint8)
        return picture if everywhere else np.where(hole[..., None], picture, truth)

    def coarse_noise(self, side: int) -> np.ndarray:
        """Noise of a random grain, zero mean, unit spread, (side, side, 3) float32."""
        import cv2

        grain = max(2, int(side / np.exp(self.rng.uniform(0, np.log(16)))))
        small = self.rng.standard_normal((grain, grain, 3 if self.rng.random() < 0.7 else 1)).astype(np.float32)
        kind = (cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC)[self.rng.integers(3)]
        grown = cv2.resize(small, (side, side), interpolation=kind)
        return grown if grown.ndim == 3 else np.repeat(grown[..., None], 3, 2)


def telea(maker: Maker, truth: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """OpenCV's fast marching, radius 3."""
    import cv2

    return cv2.inpaint(
        np.where(hole[..., None], 0, truth).astype(np.uint8), hole.astype(np.uint8), 3, cv2.INPAINT_TELEA
    )


def navier_stokes(maker: Maker, truth: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """OpenCV's Navier-Stokes inpainting, radius 3."""
    import cv2

    return cv2.inpaint(np.where(hole[..., None], 0, truth).astype(np.uint8), hole.astype(np.uint8), 3, cv2.INPAINT_NS)


def smooth(maker: Maker, truth: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """The known pixels spread into the hole by averages over wider and wider windows (or from one blur)."""
    import cv2

    known = (~hole).astype(np.float32)
    out = truth * known[..., None]
    done, total = known.copy(), out.copy()
    width = int(maker.rng.choice([3, 5, 9]))
    while (done < 0.01).any() and width < 4 * len(hole):
        weight = cv2.blur(known, (width, width), borderType=cv2.BORDER_REFLECT)
        sums = cv2.blur(out, (width, width), borderType=cv2.BORDER_REFLECT)
        fresh = (done < 0.01) & (weight > 0.01)
        total[fresh] = sums[fresh] / weight[fresh][:, None]
        done[fresh] = 1
        width = 2 * width + 1
    return cv2.GaussianBlur(total, (0, 0), maker.rng.uniform(0.5, 4)) if maker.rng.random() < 0.6 else total


def constant(maker: Maker, truth: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """One colour: the mean of the known or the missing pixels, ImageNet's mean, black, grey, white or any."""
    rng = maker.rng
    kind = rng.random()
    if kind < 0.45 and not hole.all():
        colour = truth[~hole].mean(0)
    elif kind < 0.6:
        colour = truth[hole].mean(0)
    elif kind < 0.75:
        colour = np.array((123.7, 116.3, 103.5))
    elif kind < 0.85:
        colour = np.full(3, float(rng.choice([0, 127, 255])))
    else:
        colour = rng.uniform(0, 255, 3)
    return np.broadcast_to(colour, truth.shape).copy()


def noise(maker: Maker, truth: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """White or coarse noise of 5 to 100 levels around one colour."""
    rng = maker.rng
    centre = constant(maker, truth, hole)
    grain = maker.coarse_noise(len(hole)) if rng.random() < 0.6 else rng.standard_normal(truth.shape)
    return centre + rng.uniform(5, 100) * grain


def blurred_truth(maker: Maker, truth: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """The truth blurred with a Gaussian, sigma from 0.4 px to a sixth of the side."""
    import cv2

    return cv2.GaussianBlur(truth, (0, 0), np.exp(maker.rng.uniform(np.log(0.4), np.log(len(hole) / 6)))).astype(float)


def noisy_truth(maker: Maker, truth: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """The truth with white or coarse noise of 1 to 80 levels."""
    rng = maker.rng
    grain = maker.coarse_noise(len(hole)) if rng.random() < 0.5 else rng.standard_normal(truth.shape)
    return truth + np.exp(rng.uniform(0, np.log(80))) * grain


def recoloured_truth(maker: Maker, truth: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """The truth with its contrast scaled by 0.3 to 1.5 and each channel shifted."""
    rng = maker.rng
    spread = np.exp(rng.uniform(0, np.log(60)))
    return (truth - 128.0) * rng.uniform(0.3, 1.5) + 128 + rng.normal(0, spread, 3)


def shifted_truth(maker: Maker, truth: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """The truth rolled by up to half its side in both directions."""
    reach = int(np.exp(maker.rng.uniform(np.log(1), np.log(len(hole) / 2)))) + 1
    return np.roll(truth, maker.rng.integers(-reach, reach + 1, 2), (0, 1)).astype(float)


def warped_truth(maker: Maker, truth: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """The truth bent by a smooth random field: right texture, wrong shapes."""
    import cv2

    side = len(hole)
    y, x = np.mgrid[0:side, 0:side].astype(np.float32)
    field = maker.coarse_noise(side)[..., :2] * np.float32(np.exp(maker.rng.uniform(np.log(0.5), np.log(8))))
    return cv2.remap(truth, x + field[..., 0], y + field[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def coarse_truth(maker: Maker, truth: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Pixelated, posterised or badly compressed."""
    import cv2

    rng = maker.rng
    side, kind = len(hole), rng.random()
    if kind < 0.4:
        small = cv2.resize(truth, (side // int(rng.integers(2, 9)),) * 2, interpolation=cv2.INTER_AREA)
        way = cv2.INTER_NEAREST if rng.random() < 0.5 else cv2.INTER_CUBIC
        return cv2.resize(small, (side, side), interpolation=way)
    if kind < 0.6:
        step = int(rng.integers(16, 90))
        return truth // step * step + step / 2
    _, coded = cv2.imencode(".jpg", truth, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(2, 50))])
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR))


def pasted(maker: Maker, truth: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Another picture, its mean colour matched half of the time."""
    other = maker.truth(len(hole)).astype(np.float32)
    if maker.rng.random() < 0.5 and not hole.all():
        other += truth[~hole].mean(0) - other.mean((0, 1))
    return other


def mirrored(maker: Maker, truth: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """What lies across the picture's axis, or a tile of it."""
    rng = maker.rng
    if rng.random() < 0.5:
        return (truth[:, ::-1], truth[::-1], truth[::-1, ::-1])[rng.integers(3)].copy()
    side = len(hole)
    tile = int(rng.integers(4, side // 2))
    y, x = rng.integers(0, side - tile, 2)
    times = -(-side // tile)
    return np.tile(truth[y : y + tile, x : x + tile], (times, times, 1))[:side, :side].copy()


def patterned(maker: Maker, truth: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """A smooth fill with the grid that transposed convolutions leave, or stripes."""
    rng = maker.rng
    base = smooth(maker, truth, hole) if rng.random() < 0.6 else blurred_truth(maker, truth, hole)
    side = len(hole)
    y, x = np.mgrid[0:side, 0:side]
    period = int(rng.choice([2, 2, 4, 4, 8, 16]))
    if rng.random() < 0.7:
        tile = rng.standard_normal((period, period, 3))
        pattern = tile[y % period, x % period]
    else:
        angle = rng.uniform(0, np.pi)
        wave = np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / rng.uniform(2, 20))
        pattern = wave[..., None] * rng.standard_normal(3)
    return base + np.exp(rng.uniform(np.log(2), np.log(60))) * pattern


FILLS: dict[str, Fill] = {
    "telea": telea,
    "navier_stokes": navier_stokes,
    "smooth": smooth,
    "constant": constant,
    "noise": noise,
    "blurred_truth": blurred_truth,
    "noisy_truth": noisy_truth,
    "recoloured_truth": recoloured_truth,
    "shifted_truth": shifted_truth,
    "warped_truth": warped_truth,
    "coarse_truth": coarse_truth,
    "pasted": pasted,
    "mirrored": mirrored,
    "patterned": patterned,
}
WEIGHTS = {"telea": 0.8, "navier_stokes": 1.2, "smooth": 2.0, "constant": 1.4, "blurred_truth": 1.4, "patterned": 1.4}
NAMES = tuple(FILLS)
SHARES = np.array([WEIGHTS.get(name, 1.0) for name in NAMES])
SHARES /= SHARES.sum()
CHEAP = tuple(name for name in NAMES if name not in ("telea", "navier_stokes", "pasted"))
