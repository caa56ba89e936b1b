"""A visitor's way: paint, confirm, go on, take back."""

from __future__ import annotations

import numpy as np

from bench.demo.fills import Engine
from bench.demo.visitor import Visitor, Visitors
from tests.bench.demo.conftest import box_hole

HOLE = box_hole((90, 120), 14, 30, 14, 30)
"""Of half the engine's size: filled without scaling."""
OTHER = box_hole((90, 120), 20, 60, 20, 60)


def paint(visitor: Visitor, engine: Engine, hole: np.ndarray, label: str = "red") -> None:
    assert visitor.picture is not None
    visitor.paint(hole)
    visitor.fills = engine.fill(visitor.picture, hole, 32)
    visitor.chosen = label


def test_the_next_hole_is_cut_into_what_was_confirmed(engine: Engine, red, picture: np.ndarray) -> None:
    visitor = Visitor()
    visitor.open(picture, "one")
    paint(visitor, engine, HOLE)
    assert visitor.confirm()
    assert visitor.picture is not None and (visitor.picture[HOLE] == (200, 0, 0)).all()
    red.seen.clear()
    paint(visitor, engine, box_hole((90, 120), 12, 14, 35, 37))
    shown, _ = red.seen[0]
    assert (shown == (200, 0, 0)).all(axis=-1).sum() == 16 * 10


def test_two_reverts_bring_back_the_picture_as_it_was_opened(engine: Engine, picture: np.ndarray) -> None:
    visitor = Visitor()
    visitor.open(picture.copy(), "one")
    paint(visitor, engine, HOLE)
    visitor.confirm()
    paint(visitor, engine, OTHER, "blue")
    assert visitor.revert() and visitor.hole is None
    assert visitor.revert()
    np.testing.assert_array_equal(visitor.picture, picture)
    np.testing.assert_array_equal(visitor.hole, HOLE)
    assert visitor.revert() and visitor.hole is None
    assert not visitor.revert()


def test_many_overlapping_fills_are_taken_back_one_by_one(engine: Engine, picture: np.ndarray) -> None:
    visitor = Visitor()
    visitor.open(picture, "one")
    before = []
    for k in range(8):
        before.append(visitor.picture)
        paint(visitor, engine, box_hole((90, 120), 5 * k, 5 * k + 20, 8 * k, 8 * k + 20), ("red", "blue")[k % 2])
        visitor.confirm()
    for earlier in reversed(before):
        visitor.revert()
        np.testing.assert_array_equal(visitor.picture, earlier)
        visitor.revert()
    assert not visitor.steps


def test_an_empty_hole_is_none_and_nothing_is_confirmed_or_saved_from_it(picture: np.ndarray) -> None:
    visitor = Visitor()
    visitor.open(picture, "one")
    visitor.paint(np.zeros((90, 120), bool))
    assert visitor.hole is None
    assert not visitor.confirm()
    assert visitor.result() is None


def test_the_truth_is_known_until_the_first_confirm_and_again_once_it_is_taken_back(
    engine: Engine, picture: np.ndarray
) -> None:
    visitor = Visitor()
    visitor.open(picture, "one")
    paint(visitor, engine, HOLE)
    assert visitor.knows_truth
    visitor.confirm()
    assert not visitor.knows_truth
    visitor.revert()
    assert visitor.knows_truth


def test_visitors_do_not_see_each_other_and_are_forgotten_when_they_leave(picture: np.ndarray) -> None:
    told: list[bool] = []
    visitors = Visitors(told.append)
    first, second = visitors.of("a"), visitors.of("b")
    first.open(picture, "one")
    assert second.picture is None and visitors.of("a") is first
    assert visitors.by_token(first.token) is first and visitors.by_token("") is None
    visitors.leave("a")
    assert visitors.by_token(first.token) is None
    visitors.leave("b")
    assert told == [False, True]


def test_of_too_many_visitors_the_one_longest_away_is_forgotten() -> None:
    visitors = Visitors()
    tokens = [visitors.of(str(k)).token for k in range(Visitors.MOST)]
    visitors.of("0")
    visitors.of("new")
    assert visitors.by_token(tokens[0]) is not None and visitors.by_token(tokens[1]) is None


def test_a_revert_brings_back_how_the_fill_was_made(engine: Engine, picture: np.ndarray) -> None:
    visitor = Visitor()
    visitor.open(picture, "one")
    visitor.size, visitor.corrected = 32, True
    paint(visitor, engine, HOLE, "blue")
    visitor.confirm()
    visitor.size, visitor.corrected, visitor.chosen = 64, False, "red"
    visitor.revert()
    visitor.fills = engine.fill(picture, HOLE, visitor.size)
    assert (visitor.size, visitor.corrected) == (32, True)
    assert visitor.fill is not None and visitor.fill.label == "blue"
