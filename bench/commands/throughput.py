"""What ``bench throughput`` does: load the methods, measure, show, and write where it was told."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.methods.load import check_spec, split_seed
from bench.methods.spec import parse_spec
from bench.runs.provenance import cores
from bench.throughput.settings import CALIBRATION
from bench.util.errors import BenchError, UsageError
from bench.util.files import require_writable
from variants.registry import variant

if TYPE_CHECKING:
    from bench.throughput.measure import Result
    from bench.throughput.plan import Plan
    from bench.throughput.subjects import Subject
    from variants.method import Method

TRIED = 512
"""Side of the picture on which a method from outside is tried first, at most."""

WIDTH = 64
"""The paper's width."""


@dataclass(frozen=True)
class Request:
    """The command's arguments, checked one by one; None is: what suits the device."""

    specs: tuple[str, ...]
    resolutions: tuple[int, ...] | None
    batches: tuple[int, ...] | str | None
    precisions: tuple[str, ...] | None
    modes: tuple[str, ...] | None
    width: int | None
    seconds: float
    threads: int | None
    run: str | None
    checkpoint: Path | None
    device: str | None
    runs: Path
    out: Path | None
    benchmark_json: Path | None
    json_output: bool


def time_methods(request: Request) -> None:
    """Measure and show. Raises UsageError, UnknownName or CheckpointError before anything is measured."""
    specs = list(dict.fromkeys(request.specs or variant.names()))
    for spec in specs:
        check_spec(spec)
        if parse_spec(spec).kind == "predictions":
            raise UsageError(f"'{spec}' holds finished pictures: there is nothing to time")
    _refuse_conflicts(request, specs)

    from bench.exporters.throughput_terminal import show
    from bench.methods.device import check_device
    from bench.throughput.measure import run
    from bench.throughput.plan import Report, make_plan
    from bench.util.progress import Reporter, say

    device = check_device(request.device)
    plan = make_plan(
        device,
        request.resolutions or (256 if device.startswith("cuda") else 64,),
        request.batches,
        request.precisions,
        request.modes,
        request.seconds,
        request.threads,
    )
    refuse_nothing(plan)
    members = [subject for spec in specs for subject in subjects(spec, request, device, plan.resolutions)]
    refuse_namesakes(members)
    _refuse_small(members, plan)
    say_conditions(request, specs)
    with Reporter("throughput") as reporter:
        shown = Report(
            say, lambda share: reporter.update(f"{len(members)} method{'s' * (len(members) > 1)}", share, 1.0)
        )
        result = run(members, plan, shown)
    if len(result.frame) <= 1:
        raise BenchError("nothing could be measured; see the messages above")
    if request.out is not None:
        write_run(request.out, result, plan)
    if request.benchmark_json is not None:
        from bench.throughput.store import write_benchmark_json

        write_benchmark_json(result, request.benchmark_json)
    if request.json_output:
        print(json.dumps(document(result)))
    else:
        show(result.frame)


def _refuse_conflicts(request: Request, specs: list[str]) -> None:
    if request.width is not None and (request.run or request.checkpoint):
        raise UsageError("--width is for random weights: omit it with --run or --checkpoint")
    if request.run and request.checkpoint:
        raise UsageError("--run and --checkpoint both set the weights: give only one")
    if request.checkpoint is not None and len([s for s in specs if is_network(s)]) != 1:
        raise UsageError("--checkpoint holds the weights of one network: name only that variant")
    target = request.benchmark_json
    if target is not None and (target.is_dir() or not target.parent.is_dir()):
        raise UsageError(f"--benchmark-json {target} cannot be written: name a file in an existing folder")
    for folder in (request.out, target.parent if target else None):
        if folder is not None:
            require_writable(folder)


def refuse_nothing(plan: Plan) -> None:
    """Raises UsageError where no combination of precisions and modes can be run on the device."""
    from bench.throughput.settings import Setting, why_not

    reasons = [why_not(Setting(plan.device, p, m, 1, 1)) for p in plan.precisions for m in plan.modes]
    if all(reasons):
        raise UsageError(f"nothing to measure on {plan.device}: {'; '.join(dict.fromkeys(r for r in reasons if r))}")


def refuse_namesakes(members: list[Subject]) -> None:
    """Raises UsageError where records would not tell two methods apart."""
    names = [CALIBRATION, *(member.name for member in members)]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            other = "the harness's own workload" if name == CALIBRATION else "another one"
            raise UsageError(f"a method and {other} are both called '{name}': time them separately, or rename one")


def _refuse_small(members: list[Subject], plan: Plan) -> None:
    for member in members:
        for side in plan.resolutions:
            if side < member.multiple:
                raise UsageError(f"--resolution {side} is too small for {member.name}, which needs {member.multiple}")


def is_network(spec: str) -> bool:
    """As in bench.methods.load, which is imported only once it is asked."""
    from bench.methods.load import is_network as of_kind

    return of_kind(spec)


def is_untrained(spec: str, request: Request) -> bool:
    """Whether a spec means a network and nothing says which weights."""
    return is_network(spec) and not (
        request.run or request.checkpoint or split_seed(parse_spec(spec).argument)[1] is not None
    )


def subjects(spec: str, request: Request, device: str, resolutions: tuple[int, ...]) -> list[Subject]:
    """What a spec means: trained weights where a run or file is named, random ones else."""
    from bench.methods.load import load_methods
    from bench.methods.weights import weights_anywhere, weights_of
    from bench.runs.reader import find_run
    from bench.throughput.subjects import Subject

    if is_untrained(spec, request):
        asked = parse_spec(spec)
        return [untrained(asked.argument, request.width or WIDTH, asked.name)]
    finder = weights_of(find_run(request.run, request.runs)) if request.run else weights_anywhere(request.runs)
    checkpoint = request.checkpoint if is_network(spec) else None
    # Modules from outside are copied to the device when they are timed.
    there = is_network(spec) or parse_spec(spec).kind == "onnx"
    found = load_methods(spec, weights=finder, checkpoint=checkpoint, device=device if there else "cpu")
    for method in found:
        try_out(method, min(resolutions))
    return [Subject.of(method) for method in found]


def try_out(method: Method, resolution: int) -> None:
    """Fill one picture. Raises FillError where a method from outside fails, or gives what is no picture."""
    from bench.methods.callable import CallableMethod
    from bench.throughput.settings import Setting
    from bench.throughput.subjects import inputs
    from variants.errors import FillError

    if isinstance(method, CallableMethod):
        images, holes = inputs(Setting("cpu", "fp32", "eager", min(resolution, TRIED), 1), 1)[0]
        raw = method.fill(images.numpy(), holes.numpy())
        if raw[holes.numpy()].size and not np.isfinite(raw[holes.numpy()]).all():
            raise FillError(f"{method.name} returned NaN or infinite pixels")


def untrained(name: str, width: int, label: str = "") -> Subject:
    """A variant with random weights, always the same ones, under ``label`` if given."""
    import torch

    from bench.throughput.subjects import Subject
    from variants.network_method import NetworkMethod

    entry = variant.get(name)()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Subject.of(NetworkMethod(label or name, entry, entry.network(width)))


def say_conditions(request: Request, specs: list[str]) -> None:
    """What makes the figures to come less telling than they look."""
    from bench.util.progress import say

    if any(is_untrained(spec, request) for spec in specs):
        say(
            "random weights: speed does not depend on them, but how far a fast mode's pictures are from fp32's does "
            "(--run RUN times trained ones)"
        )
    busy = how_busy()
    if busy:
        say(f"the machine is busy ({busy}): figures will be low and noisy; ratios to the calibration row hold better")


def how_busy() -> str:
    """Other work on the CPU, in words; empty where there is little.

    Linux tells how much of the last ten seconds somebody waited for a processor. Load averages, told elsewhere,
    remember a minute.
    """
    pressure = Path("/proc/pressure/cpu")
    try:
        waited = float(pressure.read_text(encoding="ascii").split("avg10=")[1].split()[0])
        return f"processes waited for a CPU {waited:.0f} % of the time" if waited > 25 else ""
    except (OSError, IndexError, ValueError):
        load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
        return f"load {load:.1f} on {cores()} cores" if load > 0.5 * cores() else ""


def document(result: Result) -> dict[str, Any]:
    """What ``--json`` prints."""
    from bench.throughput.environment import environment
    from bench.throughput.store import threads_of
    from bench.util.files import finite

    facts = environment(threads_of(result))
    rows = result.frame.to_dict(orient="records")
    return finite({"schema": 1, "throughput": rows, "remarks": list(result.remarks), "environment": facts})


def write_run(path: Path, result: Result, plan: Plan) -> None:
    """Into a run folder: throughput.parquet is replaced; a folder that holds no run yet becomes one."""
    from dataclasses import asdict

    from bench.runs.manifest import Manifest
    from bench.runs.reader import Run
    from bench.runs.writer import RunWriter
    from bench.statistics.summary import write_summary
    from bench.throughput.store import write
    from bench.util.progress import say

    file = path / "throughput.parquet"
    if (path / "run.json").is_file():
        held = RunWriter(path, Run.open(path).manifest)
        held.hold()
    else:
        settings = {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(plan).items()}
        held = RunWriter(path)
        held.begin(Manifest(name=path.name, suite=None, profile={"name": "throughput", **settings}))
        held.finish()
    try:
        if file.is_file():
            say(f"replacing the measurements in {file}")
        write(result, file)
        write_summary(Run.open(path))
    finally:
        held.close()
    say(f"wrote {file}")
