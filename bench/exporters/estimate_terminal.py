"""Estimated trainings on the terminal."""

from __future__ import annotations

from bench.exporters.throughput_terminal import aligned, number
from bench.training.estimate import Programme

HEAD = ("training", "steps", "epochs", "img/s ↑", "takes", "at least", "roofline ↑", "bound by")
LEFT = (0, 7)


def show(programme: Programme) -> None:
    """Print a line a variant, and below it the time of all together."""
    lines = [
        (t.variant, f"{t.steps:,}", number(t.epochs), number(t.images_per_s), duration(t.training_s),
         duration(t.floor_s), f"{t.share:.0%}", t.bound)
        for t in programme.trainings
    ]  # fmt: skip
    print(aligned([HEAD, *lines], LEFT))
    print()
    side_by_side = f", {programme.at_a_time} at a time" if programme.at_a_time > 1 else ""
    print(
        f"together about {duration(programme.together_s)} on {programme.device} in {programme.precision}{side_by_side}"
    )
    print("An estimate from the fastest steps timed just now; other programs on the machine make it longer.")


def duration(seconds: float) -> str:
    """Two units at most: ``48 s``, ``3 min 20 s``, ``2 h 5 min``, ``3 d 4 h``."""
    whole = round(seconds)
    if whole < 1:
        return "< 1 s"
    for unit, large, below, small in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= unit:
            rest = whole % unit // below
            return f"{whole // unit} {large}" + (f" {rest} {small}" if rest else "")
    return f"{whole} s"
