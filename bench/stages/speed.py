"""The throughput of a run's methods, as one stage of ``bench run``."""

from __future__ import annotations

from bench.stages.context import Context, identity_of, key_of


def measure_speed(context: Context) -> None:
    """throughput.parquet: every method that fills, timed at the run's size, unless the run holds exactly that."""
    from bench.runs.provenance import machine
    from bench.throughput.measure import run
    from bench.throughput.plan import Report, make_plan
    from bench.throughput.store import key_of_file, write
    from bench.throughput.subjects import Subject
    from bench.util.progress import Reporter, say

    profile, writer = context.profile, context.writer
    file = writer.path / "throughput.parquet"
    resolution = profile.size or 256
    settings = [resolution, profile.throughput_s, context.device, machine()]
    key = key_of(identity_of(context.methods), settings)
    if key_of_file(file) == key:
        return
    members = {method.name: Subject.of(method) for method in context.methods if method.kind != "predictions"}
    with writer.stage("throughput"), Reporter("throughput") as reporter:
        plan = make_plan(context.device, [resolution], modes=("eager",), seconds=profile.throughput_s)
        report = Report(say, lambda share: reporter.update("methods", share, 1.0))
        write(run(list(members.values()), plan, report), file, key)
    writer.update(throughput_of=sorted(members))
