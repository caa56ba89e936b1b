"""Drawing scenes: every operation is elementwise and exactly rounded, so the pixels are the same everywhere."""

from __future__ import annotations

import numpy as np

from bench import draws


def render(seed: int, split: str, indices: np.ndarray, size: int) -> np.ndarray:
    """Scenes ``indices`` of a stream, uint8 RGB (len(indices), size, size, 3)."""
    return np.stack([one(seed, split, int(i), size) for i in indices])


def one(seed: int, split: str, index: int, size: int) -> np.ndarray:
    u = draws.uniforms(seed, f"scenes/{split}", index, 24)[0]
    y = ((np.arange(size, dtype=np.float32) + 0.5) / size)[:, None, None]
    x = ((np.arange(size, dtype=np.float32) + 0.5) / size)[None, :, None]
    standard = index == 0 and split != "train"
    horizon = 0.55 + 0.12 * u[0]
    top = np.float32([0.15 + 0.3 * u[1], 0.3 + 0.3 * u[2], 0.6 + 0.3 * u[3]])
    low = np.float32([0.7 + 0.3 * u[4], 0.6 + 0.3 * u[5], 0.6 + 0.35 * u[6]])
    sea = np.float32([0.1 + 0.15 * u[7], 0.3 + 0.2 * u[8], 0.4 + 0.25 * u[9]])
    t = np.minimum(y / np.float32(horizon), 1)
    canvas = np.broadcast_to(top + (low - top) * t * t, (size, size, 3)).copy()
    far = np.clip((y - np.float32(horizon)) * size + np.float32(0.5), 0, 1)
    depth = np.clip((y - np.float32(horizon)) / np.float32(1 - horizon), 0, 1)
    canvas += far * ((low + (sea - low) * np.sqrt(depth)) - canvas)
    bump = (x - np.float32(u[10])) / np.float32(0.2 + 0.4 * u[11])
    ridge = np.float32(horizon + 0.02) - np.float32(0.05 + 0.2 * u[12]) * np.maximum(1 - bump * bump, 0)
    hill = np.clip((y - ridge) * size + np.float32(0.5), 0, 1) * (1 - far)
    canvas += hill * (np.float32([0.3, 0.4, 0.35]) * np.float32(0.6 + 0.5 * u[13]) - canvas)
    if standard or u[14] < 0.65:
        centre = np.float32(0.5 + (0.1 if standard else 0.6) * (u[15] - 0.5))
        height = np.float32(0.55 if standard else 0.3 + 0.3 * u[16])
        base = np.float32(0.78 if standard else horizon + 0.1 * u[17])
        v = (y - (base - height)) / height
        half = height * np.float32(0.09) * (np.float32(0.6) + np.float32(0.4) * v)
        across = (x - centre) / half
        body = np.clip((half - abs(x - centre)) * size + np.float32(0.5), 0, 1)
        body = body * np.clip((base - y) * size + np.float32(0.5), 0, 1) * (v > 0)
        band = np.floor(v * np.float32(6)) % 2
        paint = np.float32([0.95, 0.94, 0.9]) + band * (np.float32([0.75, 0.12, 0.1]) - np.float32([0.95, 0.94, 0.9]))
        canvas += body * (paint * (np.float32(0.8) - np.float32(0.25) * np.clip(across, -1, 1)) - canvas)
    return np.clip(canvas * np.float32(255) + np.float32(0.5), 0, 255).astype(np.uint8)
