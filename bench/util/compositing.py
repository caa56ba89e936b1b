"""8-bit pictures: rounding what networks put out, putting fills into their pictures, PNG bytes."""

from __future__ import annotations

import numpy as np


def to_levels(raw: np.ndarray) -> np.ndarray:
    """raw in [0, 1] to 8 bits, rounded to nearest; what is outside is clipped, NaN becomes 0."""
    if raw.dtype == np.float32 and raw.size and raw.min() >= 0 and raw.max() <= 1:  # not so of NaN
        import cv2

        # The same float32 product, rounded to even, in one pass.
        return cv2.convertScaleAbs(raw.reshape(len(raw), -1), alpha=255.0).reshape(raw.shape)
    return np.rint(np.clip(np.nan_to_num(raw, nan=0.0), 0, 1) * 255).astype(np.uint8)


def composite(image: np.ndarray, hole: np.ndarray, raw: np.ndarray) -> np.ndarray:
    """The filled picture: ``image`` where known, ``raw`` in the hole, 8 bits. (…, H, W, 3) and (…, H, W)."""
    return paste(image, hole, to_levels(raw))


def paste(image: np.ndarray, hole: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """``image`` where known, ``levels`` in the hole; uint8 (…, H, W, 3), the hole bool (…, H, W).

    >>> paste(np.zeros((1, 2, 3), np.uint8), np.array([[True, False]]), np.full((1, 2, 3), 9, np.uint8)).tolist()
    [[[9, 9, 9], [0, 0, 0]]]
    """
    import cv2

    filled = image.copy()
    size = image.shape[-3:]
    # Some 60 times as fast as NumPy's where, which spreads the hole over the channels.
    for target, own, missing in zip(
        filled.reshape(-1, *size), levels.reshape(-1, *size), hole.reshape(-1, *size[:2]), strict=True
    ):
        cv2.copyTo(own, missing.view(np.uint8), target)
    return filled


def png(picture: np.ndarray) -> bytes:
    """A picture, uint8 (H, W, 3) or (H, W), as the bytes of a PNG file."""
    import io

    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    return stream.getvalue()
