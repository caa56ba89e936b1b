"""Inline SVG: round ticks, text that is escaped, positions that follow the numbers."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from reports.charts import Dot, Line, density_panel, dot_panel, line_panel, scatter_panel
from reports.numbers import Score
from reports.plane import Axis, Name, Plane, log_ticks, name_ends, name_points, span_of, ticks


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 10, [0, 2, 4, 6, 8, 10]),
        (13.2, 21.8, [14, 16, 18, 20]),
        (-3, 12, [0, 5, 10]),
        (0.081, 0.169, [0.1, 0.12, 0.14, 0.16]),
    ],
)
def test_ticks_are_steps_of_one_two_or_five(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high) == pytest.approx(expected)


def test_logarithmic_ticks_stand_at_decades() -> None:
    assert log_ticks(-2, 1) == pytest.approx([0.01, 0.1, 1, 10])
    assert log_ticks(-1, 0) == pytest.approx([0.1, 0.2, 0.5, 1.0])


def test_a_range_of_nothing_or_of_one_value_can_be_drawn() -> None:
    assert span_of([math.nan]) == (0.0, 1.0)
    low, high = span_of([5.0])
    assert low < 5 < high


def circles(markup: str) -> list[float]:
    return [float(x) for x in re.findall(r'<circle[^>]* cx="([\d.]+)"', markup)]


def test_a_higher_mean_stands_further_right() -> None:
    dots = [Dot("a", "k0", Score(1, 0.5, 1.5, 9)), Dot("b", "k1", Score(2, 1.5, 2.5, 9))]
    left, right = circles(dot_panel("title", dots, 0, 3, alt="alt"))
    assert left < right
    assert (left - 124) / (right - 124) == pytest.approx(1 / 2, abs=0.01)


@pytest.mark.parametrize("hostile", ['"><script>alert(1)</script>', "a&b<c>'d'"])
def test_names_in_charts_are_text(hostile: str) -> None:
    for markup in (
        dot_panel(hostile, [Dot(hostile, "k0", Score(1, 0, 2, 3))], 0, 3, alt=hostile),
        line_panel(hostile, [Line("k0", [0, 1], [1, 2])], alt=hostile),
        density_panel(hostile, "k0", np.ones((30, 30)), alt=hostile, floor=0.5, notes=hostile),
        scatter_panel(hostile, np.array([1.0]), np.array([2.0]), np.array([True]), alt=hostile, labels=(hostile,) * 2),
    ):
        root = ElementTree.fromstring(markup)
        assert {element.tag for element in root.iter()} <= {"svg", "text", "path", "circle", "rect"}
        assert root.get("aria-label") == hostile
        assert root.get("role") == "img"


def test_missing_means_are_dashes_not_dots() -> None:
    markup = dot_panel(
        "t", [Dot("a", "k0", None), Dot("b", "k0", Score(math.nan, math.nan, math.nan, 0))], 0, 1, alt="x"
    )
    assert circles(markup) == []
    assert markup.count("–") == 2


def plane(**y: object) -> Plane:
    return Plane(158, 100, Axis(1, 1000, log=True), Axis(0, 10, **y), margins=(50, 8, 10, 10))  # type: ignore[arg-type]


def test_a_logarithmic_axis_gives_every_decade_the_same_room() -> None:
    assert [plane().px(v) for v in (1, 10, 100, 1000)] == pytest.approx([50, 50 + 100 / 3, 50 + 200 / 3, 150])


def test_large_values_stand_above_or_on_a_turned_axis_below() -> None:
    assert [plane().py(v) for v in (0, 2.5, 10)] == pytest.approx([90, 70, 10])
    assert [plane(turned=True).py(v) for v in (0, 2.5, 10)] == pytest.approx([10, 30, 90])


def test_a_narrow_logarithmic_axis_has_ticks_all_the_same() -> None:
    assert [v for v, _ in Axis(610, 680, log=True).ticks()] == [620, 640, 660, 680]


def test_names_at_the_ends_of_lines_do_not_meet_and_stay_in_their_order() -> None:
    drawn = plane()
    name_ends(
        drawn, [(10, 5.0, "middle", "k0"), (10, 5.1, "upper", "k1"), (10, 4.9, "lower", "k2"), (10, 0, "last", "k3")]
    )
    places = {words: float(y) for y, words in re.findall(r'y="([\d.]+)"[^>]*>(\w+)<', "".join(drawn.parts))}
    assert sorted(places, key=lambda name: places[name]) == ["upper", "middle", "lower", "last"]
    assert np.diff(sorted(places.values())).min() >= 13
    assert max(places.values()) <= 92


def test_names_of_points_that_lie_close_do_not_lie_on_each_other() -> None:
    """Twelve points in a corner, as fast methods are; a letter is about 6 pixels wide and a line 13 high."""
    plane = Plane(640, 380, Axis(0, 1), Axis(0, 1))
    words = [f"method_number_{k}" for k in range(12)]
    name_points(plane, [Name(w, "k0", 480 + 9 * (k % 4), 60 + 7 * (k // 4), 4) for k, w in enumerate(words)], [])
    found = re.findall(
        r'<text class="mark k0" x="([\d.]+)" y="([\d.]+)" text-anchor="(\w+)">(\w+)<', "".join(plane.parts)
    )
    boxes = []
    for x, y, anchor, text in found:
        left = float(x) - (6 * len(text) if anchor == "end" else 0)
        boxes.append((left, float(y)))
        assert left >= 0 and left + 6 * len(text) <= 640
    assert sorted(text for *_, text in found) == sorted(words)
    width = 6 * len(words[0])
    for k, (x, y) in enumerate(boxes):
        assert all(abs(x - a) >= width or abs(y - b) >= 12 for a, b in boxes[:k])
