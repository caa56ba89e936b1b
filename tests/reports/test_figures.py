"""The figures with axes: the Pareto front, and SVG that the page's policy lets through."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from bench.metrics.declaration import Metric
from bench.runs.reader import Run
from reports import figures, speed_figures
from reports.figures import Point, front
from reports.numbers import Numbers, Score


def point(name: str, speed: float, quality: float) -> Point:
    return Point(name, "k0", speed, Score(quality, quality - 1, quality + 1, 9), 1e6, False)


def test_the_pareto_front_holds_what_nothing_beats_in_both() -> None:
    found = [
        point("slow", 1, 25),
        point("worse", 5, 20),
        point("fast", 100, 21),
        point("between", 10, 23),
        point("bad", 90, 19),
    ]
    assert [p.label for p in front(found, Metric("psnr_hole"))] == ["slow", "between", "fast"]
    lower = Metric("lpips", direction="lower")
    assert [p.label for p in front(found, lower)] == ["bad", "fast"]
    # Of a metric with a target the pictures' distance decides, not a mean that happens to lie near it.
    off = {"near on average": (0.0, 3.0), "near": (0.9, 1.0)}
    there = [Point(n, "k0", 5.0, Score(m, m - 1, m + 1, 9, d), 1e6, False) for n, (m, d) in off.items()]
    assert [p.label for p in front(there, Metric("shift", direction="nearest"))] == ["near"]


def test_the_front_runs_through_no_name() -> None:
    """The line from the slow method falls gently to the right, where its name would stand."""
    found = [point("slowest one", 10, 21.0), point("fast one", 100, 20.8), point("bad", 20, 12)]
    drawn = figures._draw_quality_speed(
        found, front(found, Metric("psnr_hole")), Metric("psnr_hole"), (640, 380), "", "wide"
    )
    line = re.search(r'class="line front" d="M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)"', drawn)
    assert line
    x0, y0, x1, y1 = map(float, line.groups())
    pattern = r'<text class="mark[^"]*" x="([\d.]+)" y="([\d.]+)"[^>]*>(slowest one|fast one)<'
    names = re.findall(pattern, drawn)
    assert len(names) == 2
    for x, y, words in names:
        for at in range(int(float(x)), int(float(x)) + 6 * len(words)):
            if x0 < at < x1:
                on_line = y0 + (y1 - y0) * (at - x0) / (x1 - x0)
                assert not float(y) - 10 < on_line < float(y) + 2, words


def test_figures_hold_no_style_attribute_and_no_shared_id(quick: Run) -> None:
    numbers = Numbers(quick)
    drawn = [figures.quality_speed(numbers, d, m) for d in numbers.datasets for m in ("lpips", "psnr_hole")]
    drawn.append(figures.training(numbers)[0])
    drawn += [plot for _, plot in speed_figures.batch_curves(numbers)]
    ids: list[str] = []
    for markup in drawn:
        assert markup
        root = ElementTree.fromstring(f"<div>{markup}</div>")
        for element in root.iter():
            assert "style" not in element.attrib
            assert element.tag != "style"
            ids += [element.attrib["id"]] if "id" in element.attrib else []
        for reference in re.findall(r'(?:href="#|url\(#)([^")]+)', markup):
            assert f'id="{reference}"' in markup
    assert len(ids) == len(set(ids))


def test_figures_use_the_colours_of_the_theme_alone(quick: Run) -> None:
    markup = figures.quality_speed(Numbers(quick), "scenes", "psnr_hole")
    assert markup
    assert not re.search(r"(?:fill|stroke|color)=|#[0-9a-f]{3,8}\b|rgb", markup)


def test_a_method_without_speed_is_not_drawn_and_one_point_is_no_plot(small: Run) -> None:
    (small.path / "throughput.parquet").unlink()
    assert figures.quality_speed(Numbers(small), "scenes", "psnr_hole") is None
    assert speed_figures.batch_curves(Numbers(small)) == []


def test_a_history_that_has_just_begun_is_drawn(small: Run) -> None:
    file = small.path / "checkpoints" / "baseline" / "seed-0" / "history.csv"
    lines = file.read_text().splitlines()
    file.write_text("\n".join(lines[:2]) + "\n")
    _, panels = figures.training(Numbers(small))
    assert panels


def test_a_history_with_its_head_alone_is_left_out(small: Run, tmp_path: Path) -> None:
    for file in small.path.glob("checkpoints/*/seed-*/history.csv"):
        file.write_text(file.read_text().splitlines()[0] + "\n")
    assert figures.training(Numbers(small)) == (None, [])
