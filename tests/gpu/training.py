"""How fast the variants train beside the loop that a notebook would write, what the paper's programme would take, and
what the time goes into."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch

from bench.throughput.ceilings import Ceilings, measure_ceilings
from bench.throughput.cost import Cost
from bench.throughput.memory import release
from bench.throughput.paper_programme import PICTURES, count_training
from bench.throughput.timing import loop_seconds, synchronise
from bench.training.resident import Resident
from tests.gpu.page import Page
from tests.gpu.sizes import Sizes
from tests.perf.training_worker import Notebook
from variants.graph import WARM_UP
from variants.registry import variant
from variants.session import Plan, Session, best_precision, to_device

SIX = ("baseline", "basic_gan", "gan_new_loss", "gan_res_mask", "gan_res_whole", "double_dg")
"""The report's own: what its programme trains."""
POOL = 256
"""Pictures that stand for all 41,000."""
WANTED_MIN = 30


@dataclass
class Trained:
    """step_s: of a step, eager. compiled_s: the same compiled, NaN where that was not measured; first_s: until its
    first steps were made. like: the variant of the same generator from whose two rates ``compiled_s`` follows."""

    name: str
    batch: int
    cost: Cost
    step_s: float
    compiled_s: float = math.nan
    first_s: float = 0.0
    like: str = ""

    @property
    def as_run_s(self) -> float:
        """Of a step as the programme makes it."""
        return self.step_s if math.isnan(self.compiled_s) else self.compiled_s

    @property
    def steps(self) -> float:
        """Of the paper's programme."""
        return variant.get(self.name).training.epochs * PICTURES / self.batch

    @property
    def programme_s(self) -> float:
        return self.steps * self.as_run_s + self.first_s


def measure(page: Page, sizes: Sizes) -> None:
    precision = best_precision(sizes.device)
    ceilings = measure_ceilings(sizes.device, [precision], 1.0 if sizes.gpu else 0.2)
    page.say(
        f"Training steps at {sizes.side} px, width {sizes.width}, batch {sizes.batch}, {precision}. Ceilings measured "
        f"here: {ceilings.flops[precision] / 1e12:.3g} TFLOP/s, {ceilings.bandwidth / 1e12:.3g} TB/s. *Notebook*: "
        "fp32, eager, a DataLoader without workers, `.item()` every step; *its loop*: the same on one batch that "
        "lies on the device."
    )
    page.table("variant, eager", "steps/s", "img/s", "notebook steps/s", "times", "its loop steps/s", "times")
    found: dict[str, Trained] = {}
    for name in sizes.variants:
        with page.attempt(name):
            found[name] = eager(page, sizes, name, precision)
    compile_all(page, sizes, found, precision, ceilings)
    programme(page, [t for t in found.values() if t.name in SIX], precision, ceilings)
    with page.attempt("other ways to train"):
        other_ways(page, sizes, precision)


def eager(page: Page, sizes: Sizes, name: str, precision: str) -> Trained:
    """A variant's row, with a notebook's rates where it stands for others."""
    seconds = 1.0 if sizes.gpu else 0.01
    cost = count_training(name, sizes.width, sizes.side, precision, sizes.device)
    step_s = per_step(stepper(sizes, name, precision), sizes.device, seconds)
    release(sizes.device)
    theirs: list[Any] = [""] * 4
    if name in sizes.compiled:
        notebook = Notebook(name, sizes.side, width=sizes.width, batch=sizes.batch, device=sizes.device)
        theirs_s = per_step(notebook.step, sizes.device, seconds, recorded=False)
        image, hole = next(notebook.batches)
        image, hole = image.to(sizes.device), hole.to(sizes.device)
        loop_s = per_step(partial(notebook.learn, image, hole), sizes.device, seconds, recorded=False)
        notebook = None
        release(sizes.device)
        theirs = [1 / theirs_s, f"×{theirs_s / step_s:.1f}", 1 / loop_s, f"×{loop_s / step_s:.1f}"]
    page.row(f"`{name}`", 1 / step_s, sizes.batch / step_s, *theirs)
    whole = Cost(cost.flops_step * sizes.batch, cost.bytes_step * sizes.batch)
    return Trained(name, sizes.batch, whole, step_s)


LIKE = {
    "basic_gan": "baseline", "gan_new_loss": "baseline", "gan_res_mask": "gan_res_whole",
    "double_dg_linear": "double_dg",
}  # fmt: skip
"""The variant that has the same generator."""
COMPILING_S = 40
"""Seconds that must be left for another to be compiled."""


def compile_all(page: Page, sizes: Sizes, found: dict[str, Trained], precision: str, ceilings: Ceilings) -> None:
    """Steps as the programme makes them: compiled; and what a step's time goes into."""
    page.say(
        "Compiled, as trainings of 5,000 steps and more are. *≈*: not compiled here; as much faster than eager as the "
        "variant of the same generator is."
    )
    page.table(
        "variant, compiled", "steps/s", "img/s", "epochs/min", "over eager", "until it ran [s]", "roofline",
        "programme [min]", "at least [min]",
    )  # fmt: skip
    shares: list[tuple[str, dict[str, float]]] = []
    for name in [name for name in sizes.compiled if name in found]:
        if not sizes.gpu or page.left < COMPILING_S:
            page.put(f"| `{name}`: {'no time left' if sizes.gpu else 'not on a processor'} |")
            continue
        with page.attempt(f"{name} compiled"):
            own = found[name]
            step, own.first_s = warm(sizes, name, precision, compiled=True)
            own.compiled_s = per_step(step, sizes.device, 1.5, recorded=False)
            compiled_row(page, own, precision, ceilings)
            if name in sizes.looked_into:
                shares.append((f"`{name}`", shares_of(step, sizes)))
        step = None
        release(sizes.device)
    for name, own in found.items():
        other = found.get(LIKE.get(name, ""))
        if other is not None and not math.isnan(other.compiled_s):
            own.like, own.first_s = other.name, other.first_s
            own.compiled_s = own.step_s * other.compiled_s / other.step_s
            compiled_row(page, own, precision, ceilings)
    if not shares:
        with page.attempt("where the time goes"):
            for name in sizes.looked_into:
                shares.append((f"`{name}`, eager", shares_of(warm(sizes, name, precision)[0], sizes)))
                release(sizes.device)
    page.table("a step's time goes into", *KIND_NAMES, "nothing: the device waits")
    for name, share in shares:
        page.row(name, *(f"{value:.0%}" for value in share.values()))


def compiled_row(page: Page, own: Trained, precision: str, ceilings: Ceilings) -> None:
    step_s = own.compiled_s
    share, bound = ceilings.share(own.cost, precision, step_s)
    about = "≈ " if own.like else ""
    page.row(
        f"`{own.name}`", f"{about}{1 / step_s:.3g}", f"{about}{own.batch / step_s:,.0f}",
        60 * own.batch / step_s / PICTURES, f"×{own.step_s / step_s:.2f}", "" if own.like else own.first_s,
        f"{share:.0%} {bound}", own.programme_s / 60, own.steps * share * step_s / 60,
    )  # fmt: skip


def programme(page: Page, found: list[Trained], precision: str, ceilings: Ceilings) -> None:
    """All six together, and what the gap is made of."""
    if not found:
        return
    floors = [ceilings.share(t.cost, precision, t.as_run_s) for t in found]
    whole = sum(t.programme_s for t in found)
    least = sum(t.steps * t.as_run_s * share for t, (share, _) in zip(found, floors, strict=True))
    names = "the paper's six variants" if len(found) == len(SIX) else ", ".join(f"`{t.name}`" for t in found)
    plain = [t.name for t in found if math.isnan(t.compiled_s)]
    page.say(
        f"The paper's programme, {names}, one after the other: {whole / 60:.1f} minutes at these rates, compiling "
        f"included (wanted: {WANTED_MIN} for all six), {least / 60:.1f} at least; "
        + ("compute" if sum(bound == "compute" for _, bound in floors) * 2 >= len(found) else "memory")
        + " sets that floor."
        + (f" At eager rates: {', '.join(f'`{name}`' for name in plain)}." if plain else "")
    )


def stepper(
    sizes: Sizes, name: str, precision: str, *, compiled: bool = False, replayed: bool = True
) -> Callable[[], Any]:
    """A training's next step, its batch included, as ``bench train`` makes it with pictures that stay on the device."""
    entry = variant.get(name)()
    plan = Plan(name, 0, sizes.width, 100_000, sizes.batch, sizes.device, precision, compile=compiled)
    pool = np.random.default_rng(0).integers(0, 256, (POOL, sizes.side, sizes.side, 3), dtype=np.uint8)
    source = Resident(sizes.device, pool, sizes.batch, 0, entry.training.masks)
    session = Session(entry, plan)
    if not replayed:
        session.compute = session._compute
    return lambda: session.step(*to_device(*source(session.step_count), sizes.device))


def per_step(step: Callable[[], Any], device: str, seconds: float, recorded: bool = True) -> float:
    """Median seconds of a step, over loops that take ``seconds`` together once it is warm."""
    for _ in range(WARM_UP + 3 if recorded else 2):
        step()
    once = min(loop_seconds(step, [()], 1, device) for _ in range(2))
    count = max(1, round(seconds / 6 / once))
    ends = time.perf_counter() + seconds
    samples = [loop_seconds(step, [()], count, device) / count]
    while time.perf_counter() < ends:
        samples.append(loop_seconds(step, [()], count, device) / count)
    return statistics.median(samples)


KINDS = (
    ("Adam", ("adam", "multi_tensor")),
    ("BatchNorm", ("batch_norm", "batchnorm", "bn_fw", "bn_bw", "bnorm")),
    ("layout and copies", ("memcpy", "nchwtonhwc", "nhwctonchw", "addpadding", "converttensor")),
    ("convolutions and products", (
        "conv", "gemm", "cutlass", "xmma", "wgrad", "dgrad", "fprop", "nvjet", "cudnn", "mkldnn", "addmm",
    )),
    # Convolutions name the layout that they work in, and some the copying in them.
    ("layout and copies", ("nhwc", "nchw", "transpose", "permute", "copy", "catarray")),
    ("compiled", ("triton",)),
)  # fmt: skip
"""What marks a kernel's name, the surest first."""


KIND_NAMES = (*dict.fromkeys(kind for kind, _ in KINDS), "everything else")


def kind_of(kernel: str) -> str:
    name = kernel.lower()
    return next((kind for kind, marks in KINDS if any(mark in name for mark in marks)), "everything else")


def shares_of(step: Callable[[], Any], sizes: Sizes) -> dict[str, float]:
    """The shares of kinds of kernels in a warm step, and of waiting; the largest kernels go to the log."""
    from torch.profiler import ProfilerActivity, profile

    steps = 5 if sizes.gpu else 1
    synchronise(sizes.device)
    with profile(activities=[ProfilerActivity.CUDA if sizes.gpu else ProfilerActivity.CPU]) as seen:
        began = time.perf_counter()
        for _ in range(steps):
            step()
        synchronise(sizes.device)
        wall_us = 1e6 * (time.perf_counter() - began)
    spent: dict[str, float] = {}
    side = "device" if sizes.gpu else "cpu"
    for event in seen.key_averages():
        own = float(getattr(event, f"self_{side}_time_total"))
        if not event.key.startswith("ProfilerStep"):
            spent[event.key] = spent.get(event.key, 0.0) + own
    for key, us in sorted(spent.items(), key=lambda pair: -pair[1])[:14]:
        print(f"    {us / wall_us:6.1%} {us / steps:9.0f} us  {kind_of(key)[:12]:12s} {key[:110]}", flush=True)
    by_kind = {kind: sum(us for key, us in spent.items() if kind_of(key) == kind) / wall_us for kind in KIND_NAMES}
    return {**by_kind, "waiting": max(0.0, 1 - sum(spent.values()) / wall_us)}


def other_ways(page: Page, sizes: Sizes, precision: str) -> None:
    """The same eager steps with one thing changed each, what was never measured first."""
    page.table("variant", "one thing changed from eager", "img/s", "until it ran [s]", words=2)
    double = 2 * sizes.batch
    ways: list[tuple[str, dict[str, Any]]] = [
        (f"batch {double}", {"batch": double}),
        ("fp32 (TF32 in convolutions, torch's default)", {"precision": "fp32"}),
        ("not replayed", {"replayed": False}),
        ("`cudnn.benchmark`", {"benchmark": True}),
    ]
    for what, how in ways:
        for name in sizes.looked_into:
            if page.left < 4:
                page.put(f"| `{name}`, {what}: no time left |")
                continue
            with page.attempt(f"{name}, {what}"):
                page.row(f"`{name}`", what, *rate(sizes, name, **{"precision": precision, **how}))


def rate(
    sizes: Sizes, name: str, precision: str, batch: int | None = None, *, benchmark: bool = False, **how: bool
) -> tuple[float, float]:
    """(pictures a second, seconds until the first steps were made)."""
    sizes = replace(sizes, batch=batch or sizes.batch)
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = benchmark
    try:
        step, first_s = warm(sizes, name, precision, **how)
        return sizes.batch / per_step(step, sizes.device, 0.8 if sizes.gpu else 0.01, recorded=False), first_s
    finally:
        torch.backends.cudnn.benchmark = before
        step = None
        release(sizes.device)


def warm(sizes: Sizes, name: str, precision: str, **how: bool) -> tuple[Callable[[], Any], float]:
    """A training's next step once the first few, which compile and record, are made; the seconds that they took."""
    began = time.perf_counter()
    step = stepper(sizes, name, precision, **how)
    for _ in range(WARM_UP + 2):
        step()
    synchronise(sizes.device)
    return step, time.perf_counter() - began
