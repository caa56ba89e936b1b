"""The noise floor as a table in a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from bench.exporters import rounding, words
from bench.exporters.console import terminal, titled
from bench.exporters.terminal import plain_table
from bench.gate.noise import NoiseFloor
from bench.statistics.scores import ALL


def print_noise(floor: NoiseFloor, by_mask: bool = False, console: Console | None = None) -> None:
    """Print the noise floor of each headline metric, pooled over mask types; ``by_mask`` adds a row for each type."""
    console = console or terminal()
    rows = [row for row in floor.rows if by_mask or row.mask == ALL]
    metrics = words.headline([{"metric": row.metric, "rank": row.rank} for row in rows])
    table = plain_table()
    table.add_column("", overflow="fold")
    for name in ("A/A", "mean", "run to run", "floor 99 %", "image error", "tolerance", "pictures"):
        table.add_column(name, justify="right", no_wrap=True)
    for metric in metrics:
        own = [row for row in rows if row.metric == metric]
        table.add_row(Text(own[0].title, style="bold"))
        datasets = {row.dataset for row in own}
        for row in own:
            where = f" {floor.titles.get(row.dataset, row.dataset)}" if len(datasets) > 1 else ""
            numbers = [row.mean, row.run_sd, row.floor, row.image_error]
            table.add_row(
                Text(f"  {row.variant}{where}{'' if row.mask == ALL else f' [{row.mask}]'}"),
                Text(str(row.instances)),
                *[Text(rounding.number(value, row.unit)) for value in numbers],
                Text(f"{row.tolerance:g}"),
                Text({None: "–", 1: "any"}.get(row.pictures) or f"{row.pictures:,}"),
            )
    titled(console, f"Noise floor of {', '.join(floor.runs)}", table)
    for variant, drop in floor.speeds.items():
        console.print(Text(f"{variant}: A/A runs of its speed ratio stay within {drop:.0f} %"))
    told = (
        "Run to run: standard deviation of the mean over A/A instances. Floor: two instances differ by less 99 times "
        "in 100. Image error: of such a difference, over the images; intervals hold it. Tolerance: the metric's "
        "default, raised to the floor and to where a drop of twice as much is caught 95 times in 100. Pictures: how "
        "many would let the default stand (any: there is no image error; –: no number would, or it was not measured)."
    )
    console.print(Text(told, style="dim"))
    for note in floor.notes:
        console.print(Text(f"· {note}"))
