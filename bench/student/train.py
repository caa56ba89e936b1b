"""Train the student from random weights, on one core in about an hour.

    python -m bench.student.train --photos DIR --weights-dir DIR --out student.safetensors

DIR of ``--photos`` holds PNG photographs (the bundled weights: CQ100 less the pictures in ``pairs.LEFT_OUT``).
The teacher is AlexNet-LPIPS; it is asked for its distance map at every layer, and none of its weights is copied.
A training that was cut off goes on from ``<out>.state.pt`` with the same command.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bench import backbones as weights
from bench.backbones.lpips_network import Stack, distance_map, normalised, unit
from bench.backbones.student import Student
from bench.student import pairs
from bench.student.painters import Painter

SIZES = ((64, 48, 0.60), (128, 12, 0.20), (256, 4, 0.20))
"""(side, truths a step, share of the steps)."""

FILLS_PER_TRUTH = 3


def training_scenes(count: int) -> list[np.ndarray]:
    """Scenes of the training stream, at 64 and 256 pixels."""
    from bench.datasets.registry import open_dataset

    found = []
    for side, number in ((64, count), (256, count // 8)):
        data = open_dataset("scenes", "train", side, number)
        found += [data.load(index) for index in range(len(data))]
    return found


def training_photographs(folder: Path) -> list[np.ndarray]:
    """The folder's pictures, and 40 crops of scikit-image's photographs of the training split."""
    from bench.datasets.registry import open_dataset

    data = open_dataset("photos", "train", None, 40)
    return pairs.read_folder(folder) + [data.load(index) for index in range(len(data))]


class Source:
    """Batches of (truths, fills), uint8; a share of the fills comes from painters that learn as it goes."""

    def __init__(self, maker: pairs.Maker, painters: int = 3) -> None:
        self.maker = maker
        self.painters = [Painter(maker.rng) for _ in range(painters)]
        self.bank: dict[int, list[tuple[np.ndarray, np.ndarray]]] = {64: [], 128: []}
        self.turn = 0

    def paint(self, side: int, count: int = 16) -> None:
        """Let the next painter learn from fresh pictures, and keep its fills."""
        maker = self.maker
        truths = np.stack([maker.truth(side) for _ in range(count)])
        holes = np.stack([maker.hole(side) for _ in range(count)])
        raw = self.painters[self.turn % len(self.painters)].paint(truths, holes)
        self.turn += 1
        fills = [maker.composite(*triple) for triple in zip(truths, holes, raw, strict=True)]
        self.bank[side] = (self.bank[side] + list(zip(truths, fills, strict=True)))[-384:]

    def batch(self, side: int, truths: int) -> tuple[np.ndarray, np.ndarray]:
        """truths (N, S, S, 3), fills (N, K, S, S, 3)."""
        maker, rng = self.maker, self.maker.rng
        pictures, fills = [], []
        painted = self.bank.get(side) or []
        for _ in range(truths):
            if painted and rng.random() < 0.3:
                truth, fill = painted[rng.integers(len(painted))]
                turn = int(rng.integers(4))
                order = rng.permutation(3) if rng.random() < 0.3 else np.arange(3)
                truth, first = np.rot90(truth, turn)[:, :, order], np.rot90(fill, turn)[:, :, order]
                extra = [first]
            else:
                truth, extra = maker.truth(side), []
            hole = maker.hole(side)
            while len(extra) < FILLS_PER_TRUTH:
                if rng.random() < 0.5:
                    hole = maker.hole(side)
                extra.append(maker.fill(np.ascontiguousarray(truth), hole))
            pictures.append(truth)
            fills.append(np.stack(extra))
        return np.stack(pictures), np.stack(fills)


def maps_of(taps: list[Tensor], heads: tuple[Tensor, ...], truths: int) -> list[Tensor]:
    """Distance maps of each fill from its truth; the first ``truths`` pictures of each tap are the truths."""
    found = []
    for features, head in zip(taps, heads, strict=True):
        unit_features = unit(features.float())
        truth = unit_features[:truths].repeat_interleave(FILLS_PER_TRUTH, 0)
        found.append(distance_map(truth, unit_features[truths:], head))
    return found


def scores_of(maps: list[Tensor]) -> Tensor:
    """The score of each fill, (N,)."""
    return torch.stack([m.mean((1, 2)) for m in maps]).sum(0)


def root_error(a: Tensor, b: Tensor, floor: float) -> Tensor:
    """Mean squared difference of square roots over the mean of ``b``: small and large distances weigh alike."""
    difference = (a + floor).sqrt() - (b + floor).sqrt()
    return difference.square().mean() / b.mean().clamp_min(1e-4)


def loss_of(student: list[Tensor], teacher: list[Tensor]) -> tuple[Tensor, Tensor]:
    """What is minimised (every layer's map and mean, and the score), and the mean error of the score."""
    a, b = scores_of(student), scores_of(teacher)
    maps = [root_error(s, t, 1e-4) for s, t in zip(student, teacher, strict=True)]
    means = [root_error(s.mean((1, 2)), t.mean((1, 2)), 1e-4) for s, t in zip(student, teacher, strict=True)]
    error = (a - b).abs().mean()
    score = 6 * root_error(a, b, 1e-3) + 0.5 * error / b.mean().clamp_min(0.02)
    return 2 * torch.stack(maps).mean() + 2 * torch.stack(means).mean() + score, error.detach()


@torch.no_grad()
def begin(student: Student, teacher: Stack, source: Source) -> None:
    """Scale the random weights on a first batch: unit spread before each ReLU, then heads to the teacher's mean."""
    truths, fills = source.batch(64, 32)
    pictures = normalised(np.concatenate([truths, fills.reshape(-1, 64, 64, 3)]))
    student.standardise(pictures)
    wanted = maps_of(teacher.taps(pictures), teacher.heads, 32)
    found = maps_of(student.taps(pictures), student.heads, 32)
    student.scale_heads([float(t.mean() / s.mean()) for s, t in zip(found, wanted, strict=True)])


def settle(student: Student, teacher: Stack, source: Source, count: int) -> None:
    """Fit the heads to the teacher's scores of ``count`` fresh training truths, as many of each size; features stay.

    The score is linear in the heads, so this is a small convex problem; it takes out what bias the last
    steps and the averaging left.
    """
    channels: list[Tensor] = []
    wanted: list[Tensor] = []
    for number in range(-(-count // 16)):
        side = SIZES[number % len(SIZES)][0]
        if number % 3 == 0:
            source.paint(64)
        truths, fills = source.batch(side, 16)
        pictures = normalised(np.concatenate([truths, fills.reshape(-1, side, side, 3)]))
        with torch.inference_mode():
            wanted.append(scores_of(maps_of(teacher.taps(pictures), teacher.heads, len(truths))))
            parts = []
            for features in student.taps(pictures):
                unit_features = unit(features)
                truth = unit_features[: len(truths)].repeat_interleave(FILLS_PER_TRUTH, 0)
                parts.append((truth - unit_features[len(truths) :]).square().mean((2, 3)))
            channels.append(torch.cat(parts, 1))
    means, target = torch.cat(channels).clone(), torch.cat(wanted).clone()
    optimiser = torch.optim.Adam(student.raw_heads.parameters(), 0.01)
    for turn in range(600):
        found = means @ torch.cat(student.heads)
        error = (found - target).abs().mean()
        loss = 3 * root_error(found, target, 1e-3) + error / target.mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        if turn % 100 == 0 or turn == 599:
            print(f"settling {turn}: error {float(error.detach()):.4f}", file=sys.stderr, flush=True)


def train(args: argparse.Namespace) -> None:
    """Fit convolutions and heads to the teacher's distances; a killed training resumes from its state file."""
    import cv2

    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    teacher: Stack = weights.load(weights.backbone("alexnet"), args.weights_dir)
    student = Student()
    averaged = Student()
    student.to(memory_format=torch.channels_last)
    groups = [
        {"params": list(student.convolutions.parameters()), "factor": 1.0},
        {"params": list(student.raw_heads.parameters()), "factor": 3.0},
    ]
    optimiser = torch.optim.AdamW(groups, args.lr, betas=(0.9, 0.99), weight_decay=1e-4)
    state_file = args.out.with_suffix(".state.pt")
    done = 0
    if state_file.exists():
        saved = torch.load(state_file, weights_only=True)
        student.load_state_dict(saved["student"])
        averaged.load_state_dict(saved["averaged"])
        optimiser.load_state_dict(saved["optimiser"])
        done = saved["step"]
        print(f"going on from step {done}", file=sys.stderr)
    photographs = pairs.read_folder(args.photos) if args.photos_only else training_photographs(args.photos)
    scenes = [] if args.photos_only else training_scenes(args.scenes)
    source = Source(pairs.Maker(photographs, scenes, args.seed + done))
    rng = np.random.default_rng(args.seed + done)
    if not done:
        begin(student, teacher, source)
        averaged.load_state_dict(student.state_dict())
    print(f"{len(photographs)} photographs, {len(scenes)} scenes, {student.parameters_count} weights", file=sys.stderr)
    shown, errors, started = time.perf_counter(), [], time.perf_counter()
    for step in range(done, args.steps):
        share = step / args.steps
        rate = args.lr * min(1.0, (step + 1) / 100) * (0.5 + 0.5 * float(np.cos(np.pi * share))) + 1e-6
        for group in optimiser.param_groups:
            group["lr"] = rate * group["factor"]
        side, count, _ = SIZES[rng.choice(len(SIZES), p=[s[2] for s in SIZES])]
        if step % 5 == 0:
            source.paint(64 if rng.random() < 0.85 else 128)
        truths, fills = source.batch(side, count)
        pictures = normalised(np.concatenate([truths, fills.reshape(-1, side, side, 3)]))
        pictures = pictures.to(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            with torch.no_grad():
                wanted = maps_of(teacher.taps(pictures), teacher.heads, count)
            features = student.taps(pictures)
        loss, error = loss_of(maps_of(features, student.heads, count), wanted)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimiser.step()
        keep = min(0.999, (step + 1) / (step + 20))
        with torch.no_grad():
            for slow, fast in zip(averaged.parameters(), student.parameters(), strict=True):
                slow.lerp_(fast, 1 - keep)
        errors.append((float(loss.detach()), float(error)))
        if step % 100 == 99:
            now = time.perf_counter()
            mean = np.mean(errors, 0)
            print(
                f"step {step + 1}/{args.steps} loss {mean[0]:.4f} error {mean[1]:.4f} "
                f"{(now - shown) * 10:.0f} ms/step, {now - started:.0f} s",
                file=sys.stderr,
                flush=True,
            )
            shown, errors = now, []
        if step % 500 == 499 or step + 1 == args.steps:
            torch.save(
                {
                    "student": student.state_dict(),
                    "averaged": averaged.state_dict(),
                    "optimiser": optimiser.state_dict(),
                    "step": step + 1,
                },
                state_file,
            )
            averaged.save(args.out, {"steps": str(step + 1), "seed": str(args.seed)})
    settle(averaged, teacher, source, args.settle)
    averaged.save(args.out, {"steps": str(args.steps), "seed": str(args.seed)})


def main() -> None:
    """Read the options and train; see the module's docstring for a whole command line."""
    parser = argparse.ArgumentParser(description="Train the LPIPS student from random weights.")
    parser.add_argument("--photos", type=Path, required=True, help="folder of PNG photographs to learn from")
    parser.add_argument("--weights-dir", type=Path, help="folder of the teacher's AlexNet backbone")
    parser.add_argument("--out", type=Path, required=True, help="file to write, .safetensors")
    parser.add_argument("--steps", type=int, default=2900)
    parser.add_argument("--settle", type=int, default=900, help="pictures that the heads are fitted to at the end")
    parser.add_argument("--scenes", type=int, default=3000, help="how many procedural scenes to learn from")
    parser.add_argument("--lr", type=float, default=1.5e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--photos-only", action="store_true", help="learn from the folder's pictures alone")
    train(parser.parse_args())


if __name__ == "__main__":
    main()
