"""Any file that ``folder:`` takes as a picture is, given as its own fill, the picture itself."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from bench.datasets.registry import open_dataset
from bench.methods.load import load_methods
from bench.metrics.scorer import Scorer
from bench.util.compositing import to_levels

NOISE = np.random.default_rng(0).integers(0, 256, (18, 24, 3), np.uint8)
ALPHA = np.random.default_rng(1).integers(0, 256, (18, 24), np.uint8)


def write_every_kind(folder: Path) -> int:
    """Pictures of every kind that people have, and how many."""
    folder.mkdir(parents=True)
    colour, grey = Image.fromarray(NOISE), Image.fromarray(NOISE[..., 0])
    for turned in range(2, 9):
        exif = Image.Exif()
        exif[0x0112] = turned
        colour.save(folder / f"turned{turned}.jpg", exif=exif)
        colour.save(folder / f"turned{turned}_png.png", exif=exif)
    cv2.imwrite(str(folder / "deep.png"), NOISE.astype(np.uint16) * 257 - 100)
    cv2.imwrite(str(folder / "deep_alpha.png"), np.dstack([NOISE, ALPHA]).astype(np.uint16) * 257)
    Image.fromarray(NOISE[..., 0].astype(np.uint16) * 250).save(folder / "deep_grey.png")
    grey.save(folder / "grey.png")
    Image.merge("LA", [grey, Image.fromarray(ALPHA)]).save(folder / "la.png")
    Image.fromarray(np.dstack([NOISE, ALPHA])).save(folder / "rgba.png")
    colour.quantize(16).save(folder / "palette.png", transparency=3)
    colour.convert("CMYK").save(folder / "cmyk.jpg")
    colour.convert("1").save(folder / "bits.png")
    adobe = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes().replace(b"XYZ ", b"XYZ ", 1)
    colour.save(folder / "profile.png", icc_profile=adobe)
    for ending in ("PNG", "JPEG", "gif", "ppm", "jfif", "webp", "bmp", "tif"):
        kind = {"jfif": "JPEG", "tif": "TIFF", "ppm": "PPM"}.get(ending)
        colour.save(folder / f"ending_{ending.lower()}.{ending}", kind)
    (folder / "sub").mkdir()
    colour.save(folder / "sub" / "below.png")
    return len([path for path in folder.rglob("*") if path.is_file()])


def test_every_kind_of_file_is_its_own_perfect_fill(tmp_path: Path) -> None:
    count = write_every_kind(tmp_path / "fills" / "rect")
    data = open_dataset(f"folder:{tmp_path / 'fills' / 'rect'}", "all")
    assert (len(data), data.skipped) == (count, ())
    (method,) = load_methods(f"predictions:{tmp_path / 'fills'}", weights=None)
    scorer = Scorer(["psnr"])
    for i, image_id in enumerate(data.ids):
        truth = data.load(i)
        hole = np.zeros(truth.shape[:2], bool)
        hole[2:9, 3:9] = True
        raw = method.fill(truth[None], hole[None], [image_id], "rect")[0]
        np.testing.assert_array_equal(to_levels(raw), truth, err_msg=image_id)
        (found,) = scorer.score_batch([image_id], [truth], [hole], [[to_levels(raw)]], [[None]])[0]
        assert found["psnr"] == pytest.approx(100), image_id
    assert method.findings().extra == []
