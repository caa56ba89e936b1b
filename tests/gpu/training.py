"""How fast the variants train beside the loop that a notebook would write, what the paper's programme would take, and
what the time goes into."""

from __future__ import annotations

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
from bench.throughput.programme import PICTURES, count_training
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
    """step_s: of a step. least_s: what its operations and bytes take at the ceilings; bound: which of the two."""

    name: str
    step_s: float
    least_s: float
    bound: str
    batch: int

    @property
    def programme_s(self) -> float:
        """Of its training in the report's programme."""
        return variant.get(self.name).training.epochs * PICTURES / self.batch * self.step_s


def measure(page: Page, sizes: Sizes) -> None:
    precision = best_precision(sizes.device)
    ceilings = measure_ceilings(sizes.device, [precision], 1.0 if sizes.gpu else 0.2)
    page.say(
        f"Training steps at {sizes.side} px, width {sizes.width}, batch {sizes.batch}, {precision}. Ceilings measured "
        f"here: {ceilings.flops[precision] / 1e12:.3g} TFLOP/s, {ceilings.bandwidth / 1e12:.3g} TB/s. *Notebook*: "
        "fp32, eager, a DataLoader without workers, `.item()` every step; *its loop*: the same on one batch that "
        "lies on the device."
    )
    page.table(
        "variant", "steps/s", "img/s", "epochs/min", "notebook steps/s", "times", "its loop steps/s", "times",
        "roofline", "programme [min]", "at least [min]",
    )  # fmt: skip
    found: list[Trained] = []
    share = min(0.5 * page.left / len(sizes.variants), 10 if sizes.gpu else 0.5)
    for name in sizes.variants:
        if page.left < 2 * share and len(found) > 1:
            page.put(f"| `{name}`: no time left |")
            continue
        with page.attempt(name):
            found.append(one(page, sizes, name, precision, ceilings, share))
    programme(page, [t for t in found if t.name in SIX])
    with page.attempt("where the time goes"):
        where_it_goes(page, sizes, precision)
    with page.attempt("other ways to train"):
        other_ways(page, sizes, precision)


def one(page: Page, sizes: Sizes, name: str, precision: str, ceilings: Ceilings, seconds: float) -> Trained:
    """A variant's row."""
    cost = count_training(name, sizes.width, sizes.side, precision, sizes.device)
    step_s = per_step(stepper(sizes, name, precision), sizes.device, 0.35 * seconds)
    release(sizes.device)
    notebook = Notebook(name, sizes.side, width=sizes.width, batch=sizes.batch, device=sizes.device)
    theirs_s = per_step(notebook.step, sizes.device, 0.3 * seconds, recorded=False)
    image, hole = next(notebook.batches)
    image, hole = image.to(sizes.device), hole.to(sizes.device)
    loop_s = per_step(partial(notebook.learn, image, hole), sizes.device, 0.2 * seconds, recorded=False)
    notebook = None
    release(sizes.device)
    share, bound = ceilings.share(Cost(cost.flops_step * sizes.batch, cost.bytes_step * sizes.batch), precision, step_s)
    trained = Trained(name, step_s, share * step_s, bound, sizes.batch)
    page.row(
        f"`{name}`", 1 / step_s, sizes.batch / step_s, 60 * sizes.batch / step_s / PICTURES, 1 / theirs_s,
        f"×{theirs_s / step_s:.1f}", 1 / loop_s, f"×{loop_s / step_s:.1f}", f"{share:.0%} {bound}",
        trained.programme_s / 60, trained.programme_s * share / 60,
    )  # fmt: skip
    return trained


def programme(page: Page, found: list[Trained]) -> None:
    """All six together, and what the gap is made of."""
    if not found:
        return
    whole, least = sum(t.programme_s for t in found), sum(t.programme_s * t.least_s / t.step_s for t in found)
    names = "the report's six variants" if len(found) == len(SIX) else ", ".join(f"`{t.name}`" for t in found)
    page.say(
        f"The paper's programme, {names}, one after the other: {whole / 60:.1f} minutes at these rates (wanted: "
        f"{WANTED_MIN} for all six), {least / 60:.1f} at least; "
        + ("compute" if sum(t.bound == "compute" for t in found) * 2 >= len(found) else "memory")
        + " sets that floor."
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


def kind_of(kernel: str) -> str:
    name = kernel.lower()
    return next((kind for kind, marks in KINDS if any(mark in name for mark in marks)), "everything else")


def where_it_goes(page: Page, sizes: Sizes, precision: str, steps: int = 5) -> None:
    """The shares of kinds of kernels in a step; the largest kernels go to the log."""
    from torch.profiler import ProfilerActivity, profile

    kinds = [*dict.fromkeys(kind for kind, _ in KINDS), "everything else"]
    page.table("a step's time goes into", *kinds, "nothing: the device waits")
    for name in sizes.looked_into:
        step = stepper(sizes, name, precision)
        for _ in range(WARM_UP + 3):
            step()
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
        del step
        release(sizes.device)
        by_kind = {kind: sum(us for key, us in spent.items() if kind_of(key) == kind) for kind in kinds}
        idle = max(0.0, wall_us - sum(spent.values()))
        page.row(f"`{name}`", *(f"{by_kind[kind] / wall_us:.0%}" for kind in kinds), f"{idle / wall_us:.0%}")
        for key, us in sorted(spent.items(), key=lambda pair: -pair[1])[:14]:
            print(f"    {us / wall_us:6.1%} {us / steps:9.0f} us  {kind_of(key)[:12]:12s} {key[:110]}", flush=True)


def other_ways(page: Page, sizes: Sizes, precision: str) -> None:
    """The same steps with one thing changed each; compiling, which takes the longest, before what matters less."""
    page.table("variant", "one thing changed", "img/s", "until it ran [s]", words=2)
    double = 2 * sizes.batch
    ways: list[tuple[str, dict[str, Any]]] = [
        ("nothing", {}),
        ("`cudnn.benchmark`", {"benchmark": True}),
        ("not replayed", {"replayed": False}),
        ("compiled", {"compiled": True}),
        ("fp32 (TF32 in convolutions, torch's default)", {"precision": "fp32"}),
        (f"batch {double}", {"batch": double}),
    ]
    first, *others = sizes.looked_into
    if not sizes.gpu:
        ways = [way for way in ways if way[0] != "compiled"]
    late = [(name, *way) for name in others for way in ways if way[0] == "compiled"]
    early = [(name, *way) for way in ways for name in (first, *others) if (name, *way) not in late]
    for name, what, how in early + late:
        least = 20 if what == "compiled" else 3
        if page.left < least:
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
        began = time.perf_counter()
        step = stepper(sizes, name, precision, **how)
        for _ in range(WARM_UP + 2):
            step()
        synchronise(sizes.device)
        first_s = time.perf_counter() - began
        return sizes.batch / per_step(step, sizes.device, 0.8 if sizes.gpu else 0.01, recorded=False), first_s
    finally:
        torch.backends.cudnn.benchmark = before
        step = None
        release(sizes.device)
