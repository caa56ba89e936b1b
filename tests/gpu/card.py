"""How fast fills are scored on a GPU machine, beside what people use there: torchmetrics and the ``lpips`` package."""

from __future__ import annotations

import importlib.util
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench import backbones as weights
from bench.masks.registry import draw
from bench.metrics.registry import metric
from bench.metrics.scorer import Scorer
from bench.throughput.subjects import picture
from bench.throughput.timing import synchronise
from tests.gpu.page import Page
from tests.gpu.sizes import Sizes

MASKS = ("rect", "ellipse", "freeform", "lama_medium")
LEARNED = ("lpips", "lpips_hole")


class Work:
    """Pictures with a hole each, and several fills of each, with what a network put out."""

    def __init__(self, sizes: Sizes) -> None:
        side, random = sizes.side, np.random.default_rng(0)
        self.truths = [picture(side, index)[0].numpy() for index in range(sizes.pictures)]
        self.holes = [draw(MASKS[i % len(MASKS)], (side, side), 0, [i])[0] for i in range(sizes.pictures)]
        self.keys = [str(index) for index in range(sizes.pictures)]
        self.raws: list[list[Any]] = []
        self.fills: list[list[np.ndarray]] = []
        for truth, hole in zip(self.truths, self.holes, strict=True):
            noise = random.normal(0, 0.05, (sizes.fills, *truth.shape)).astype(np.float32)
            raws = np.clip(0.97 * truth / np.float32(255) + noise, 0, 1).astype(np.float32)
            self.raws.append(list(raws))
            self.fills.append([np.where(hole[..., None], np.rint(255 * raw).astype(np.uint8), truth) for raw in raws])

    def __len__(self) -> int:
        return sum(len(fills) for fills in self.fills)

    def pairs(self, device: str) -> tuple[Tensor, Tensor]:
        """All fills and the truth of each, float (K, 3, H, W) in [0, 255], sent over as they lie in memory."""
        truths = np.stack([truth for truth, fills in zip(self.truths, self.fills, strict=True) for _ in fills])
        sides = (np.stack([fill for fills in self.fills for fill in fills]), truths)
        filled, truth = (torch.from_numpy(side).to(device).permute(0, 3, 1, 2).float() for side in sides)
        return filled, truth


def measure(page: Page, sizes: Sizes) -> None:
    work = Work(sizes)
    plain = [name for name, entry in metric.all().items() if name not in LEARNED and not entry.approximate]
    page.say(
        f"Fills scored a second at {sizes.side} px, {sizes.pictures} pictures with {sizes.fills} fills each at a time, "
        "8-bit arrays in, numbers out. LPIPS is computed on the device, all else on the cores."
    )
    page.table("scores", "device and all cores", "one core")
    peers: list[tuple[str, Callable[[], Any]]] = []
    with page.attempt(f"{len(plain)} columns without LPIPS"):
        ours(page, sizes, work, f"{len(plain)} columns, LPIPS not among them", plain)
    file = weights.find(weights.BACKBONES["alexnet"], None)
    if file is None:
        page.put("| LPIPS: no AlexNet weights here (BENCH_WEIGHTS_DIR names their folder) |")
    else:
        with page.attempt("LPIPS"):
            ours(page, sizes, work, "`lpips`, `lpips_hole`", list(LEARNED))
            ours(page, sizes, work, f"all {len(plain) + 2} columns", None)
        peers += [(f"{package}'s LPIPS alone", lpips_of(package, file, work, sizes.device))
                  for package in ("torchmetrics", "lpips") if importlib.util.find_spec(package)]  # fmt: skip
    peers.insert(0, ("torchmetrics' PSNR and SSIM alone, float32", lambda: torchmetrics_pair(work, sizes.device)))
    for name, call in peers:
        with page.attempt(name):
            page.row(name, len(work) / seconds_of(call, sizes, page.left), "")


def ours(page: Page, sizes: Sizes, work: Work, name: str, columns: list[str] | None) -> None:
    """The card on the device and on one core of the processor, which must agree."""
    there, here = Scorer(columns, device=sizes.device), Scorer(columns)
    there.batches = True
    if columns is not None and there.missing:
        raise RuntimeError("; ".join(dict.fromkeys(there.missing.values())))
    # What peers are not given either is only looked at for columns that want it.
    raws = None if columns == list(LEARNED) else work.raws
    args = (work.keys, work.truths, work.holes, work.fills, raws)
    off = largest_difference(there.score_batch(*args), here.score_batch(*args))
    if not off < 1e-5:
        page.put(f"| {name}: the device's values are off by {off:.1e} |")
    rate = len(work) / seconds_of(lambda: there.score_batch(*args), sizes, page.left)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        # A scorer of its own, as what depends on a picture alone is kept.
        alone = seconds_of(lambda: here.score_batch(*args), sizes, page.left, once=True)
    finally:
        torch.set_num_threads(threads)
    page.row(name, rate, len(work) / alone)


def largest_difference(there: list[Any], here: list[Any]) -> float:
    """Of any value, over its size where that is more than 1."""
    worst = 0.0
    for a_rows, b_rows in zip(there, here, strict=True):
        for a, b in zip(a_rows, b_rows, strict=True):
            for key, value in b.items():
                if key != "failed" and not (value != value and a[key] != a[key]) and value != a[key]:
                    worst = max(worst, abs(a[key] - value) / max(1.0, abs(value)))
    return worst


def seconds_of(call: Callable[[], Any], sizes: Sizes, left: float, once: bool = False) -> float:
    """Median seconds of a call, over some; the first few, which load what is needed, are not counted."""
    if left < 1:
        raise TimeoutError("no time left")
    if not once:
        call()
    found: list[float] = []
    ends = time.perf_counter() + min(2.0 if sizes.gpu else 0.1, left / 4)
    while not found or (time.perf_counter() < ends and not once):
        synchronise(sizes.device)
        began = time.perf_counter()
        call()
        synchronise(sizes.device)
        found.append(time.perf_counter() - began)
    return statistics.median(found)


def torchmetrics_pair(work: Work, device: str) -> list[float]:
    from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

    filled, truth = work.pairs(device)
    psnr = peak_signal_noise_ratio(filled, truth, data_range=255.0, dim=(1, 2, 3), reduction="none")
    ssim = structural_similarity_index_measure(filled, truth, data_range=255.0, reduction="none")
    return [*psnr.tolist(), *ssim.tolist()]  # type: ignore[union-attr]


def lpips_of(package: str, file: Any, work: Work, device: str) -> Callable[[], list[float]]:
    """The package's LPIPS of all fills, over the backbone that ours looks through; made at the first call."""
    made: list[Any] = []

    def call() -> list[float]:
        made.append(made[0] if made else model_of(package, file).to(device))
        filled, truth = (side / 127.5 - 1 for side in work.pairs(device))
        with torch.inference_mode():
            return made[0](filled, truth).flatten().tolist()

    return call


def model_of(package: str, file: Any) -> Any:
    import torchvision

    if package == "lpips":
        import lpips

        model = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False).eval()
    else:
        from torchmetrics.functional.image.lpips import _LPIPS

        model = _LPIPS(net="alex", pnet_rand=True).eval()
    layers = torchvision.models.alexnet(weights=None).features
    features = weights.read_features(file)
    layers.load_state_dict({key.removeprefix("features."): value for key, value in features.items()})
    for part in model.net.children():
        for name, _ in list(part.named_children()):
            setattr(part, name, layers[int(name)].eval())
    return model
