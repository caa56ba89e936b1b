"""What a run would do, on the terminal."""

from __future__ import annotations

from bench.stages.plan import Plan


def show(plan: Plan) -> None:
    """Lines on stdout: what is trained, what is scored, the disk it takes."""
    for name, why in plan.missing.items():
        print(f"{name} is left out: {why}")
    trained = f" ({plan.trained} more trained already)" if plan.trained else ""
    print(f"run      {plan.run}")
    print(f"train    {', '.join(f'{name}@{seed}' for name, seed in plan.trainings) or 'nothing'}{trained}")
    for name, count, masks in plan.cells:
        print(f"score    {plan.titles[name]}: {count:,} pictures × {len(masks)} mask types ({', '.join(masks)})")
    print(f"fills    {plan.fills:,}, by {len(plan.methods)} methods: {', '.join(plan.methods)}")
    disk = plan.disk
    print(
        f"disk     about {size(disk.together)}: records {size(disk.records)}, weights {size(disk.weights)}, "
        f"states {size(disk.states)}, training pictures {size(disk.pictures)}"
    )


def size(count: int) -> str:
    """``0.4 MB``, ``12 MB``, ``3.1 GB``."""
    if count >= 1e9:
        return f"{count / 1e9:,.1f} GB"
    return f"{count / 1e6:,.0f} MB" if count >= 1e7 else f"{count / 1e6:.1f} MB"
