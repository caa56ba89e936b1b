"""Measure the student against AlexNet-LPIPS on pictures that it never saw, and write the figures down.

    python -m bench.student.evaluate --kodak DIR --run RUN --weights-dir DIR --out FIGURES.md

Pictures: scenes of the test stream at 64 px; 64-px crops of the Kodak photographs and of scikit-image's test
photographs; the Kodak photographs at 256 px. Fills: the reference methods, the trained variants of a run, and
synthetic ones from right to garbage. Holes: five mask types; a sixth, larger, is listed but not in the figures.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

from bench import backbones as weights
from bench.backbones.student import FILE, load_stack
from bench.masks.registry import draw
from bench.metrics import lpips_patch
from bench.metrics.box import Box
from bench.student import pairs
from bench.student.figures import LARGER, MASKS, SYNTHETIC, Values, report

REFERENCES = ("mean_fill", "telea", "navier_stokes", "biharmonic")


def centre(picture: np.ndarray, side: int) -> np.ndarray:
    """Shorter side resized to ``side``, then the centre square."""
    import cv2

    scale = side / min(picture.shape[:2])
    size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    y, x = (small.shape[0] - side) // 2, (small.shape[1] - side) // 2
    return np.ascontiguousarray(small[y : y + side, x : x + side])


def _picture_sets(kodak: Path, few: bool) -> dict[str, list[np.ndarray]]:
    from bench.datasets.registry import open_dataset

    photographs = pairs.read_folder(kodak, leave_out=())
    scenes = open_dataset("scenes", "test", 64, 16 if few else 64)
    carried = open_dataset("photos", "test", 64, None)
    rng = np.random.default_rng(1)
    crops = [carried.load(index) for index in range(len(carried))]
    for picture in photographs:
        for side in (96, 192, 384):
            y, x = rng.integers(picture.shape[0] - side + 1), rng.integers(picture.shape[1] - side + 1)
            crops.append(centre(picture[y : y + side, x : x + side], 64))
    return {
        "scenes, 64 px": [scenes.load(index) for index in range(len(scenes))],
        "photo crops, 64 px": crops[:: 4 if few else 1],
        "Kodak, 256 px": [centre(picture, 256) for picture in photographs][:: 4 if few else 1],
    }


def fills_of(pictures: list[np.ndarray], holes: np.ndarray, run: Path | None, seed: int) -> dict[str, list[np.ndarray]]:
    """Filled pictures by method."""
    from variants.method import ReferenceMethod
    from variants.network_method import NetworkMethod
    from variants.registry import variant

    raws: dict[str, np.ndarray] = {}
    stacked = np.stack(pictures)
    for name in REFERENCES:
        if name == "biharmonic" and len(holes[0]) > 64:
            continue
        raws[name] = ReferenceMethod(name, variant.get(name)()).fill(stacked, holes) * 255
    files = sorted(run.glob("checkpoints/*/seed-0/generator.safetensors")) if run else []
    for file in files:
        name = file.parent.parent.name
        raws[name] = NetworkMethod.load(name, variant.get(name)(), file).fill(stacked, holes) * 255
    maker = pairs.Maker(pictures, [], seed)
    for name in SYNTHETIC:
        raws[name] = np.stack([pairs.FILLS[name](maker, *pair) for pair in zip(pictures, holes, strict=True)])
    return {
        name: [
            np.where(hole[..., None], np.rint(one.clip(0, 255)).astype(np.uint8), picture)
            for one, hole, picture in zip(raw, holes, pictures, strict=True)
        ]
        for name, raw in raws.items()
    }


def measure(stacks: list, pictures: list[np.ndarray], run: Path | None) -> dict[str, Values]:
    """Distances of every fill of every picture under every mask, the larger last, of the picture and of the hole."""
    rows: list[list[tuple[list[float], list[float]]]] = [[], []]
    names: list[str] = []
    side = len(pictures[0])
    masks = (*MASKS, LARGER)
    for number, mask in enumerate(masks):
        holes = draw(mask, (side, side), 1000, range(len(pictures)))
        fills = fills_of(pictures, holes, run, seed=number)
        names = list(fills)
        for index, picture in enumerate(pictures):
            box = Box.around(holes[index])
            mine = [fills[name][index] for name in names]
            for stack, found in zip(stacks, rows, strict=True):
                inside = lpips_patch.hole_weights(stack, holes[index])
                kept = lpips_patch.keep(stack, picture)
                found.append(lpips_patch.scores(stack, kept, picture, mine, box, inside))
        print(f"{mask} done", file=sys.stderr, flush=True)
    shape = (2, len(masks), len(pictures), 2, len(names))
    teacher, student = np.array(rows).reshape(shape)
    return {
        column: Values(teacher[:, :, which], student[:, :, which], names)
        for which, column in enumerate(("picture", "hole"))
    }


def main() -> None:
    """Measure, and write a Markdown table to ``--out`` or stdout."""
    parser = argparse.ArgumentParser(description="Measure the LPIPS student on unseen pictures.")
    parser.add_argument("--kodak", type=Path, required=True, help="folder of the Kodak photographs, PNG")
    parser.add_argument("--run", type=Path, help="run whose trained variants fill too")
    parser.add_argument("--weights-dir", type=Path, help="folder of the AlexNet backbone")
    parser.add_argument("--student", type=Path, default=FILE)
    parser.add_argument("--few", action="store_true", help="a quarter of the pictures")
    parser.add_argument("--out", type=Path, help="Markdown file to write (else stdout)")
    args = parser.parse_args()
    from safetensors import safe_open

    torch.set_num_threads(1)
    stacks = [weights.load(weights.backbone("alexnet"), args.weights_dir), load_stack(args.student)]
    with safe_open(args.student, "np") as file:
        about = dict(file.metadata() or {})
    found = {name: measure(stacks, some, args.run) for name, some in _picture_sets(args.kodak, args.few).items()}
    text = report(found, about, args.few)
    if args.out:
        args.out.write_text(text, encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
