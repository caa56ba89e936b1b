"""What holds for every mask type: determinism, sizes, never empty. Digests are frozen for good."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from bench.masks.registry import draw, mask
from bench.util.errors import BenchError
from variants.registry import UnknownName

TYPES = (
    "border",
    "circle",
    "ellipse",
    "freeform",
    "half",
    "lama_medium",
    "lama_thick",
    "lama_thin",
    "rect",
    "standard",
)
FIXED = ("border", "standard")
SIZES = ((8, 8), (9, 31), (64, 64), (200, 64), (65, 127))

# Frozen: a change here is a change of every suite and needs a major version. They were computed under NumPy
# 2.0.0, 2.2.6 and 2.4.6, with and without AVX2 and AVX-512, to the same bits.
GOLDEN = {
    "border": "7a70a4472fe5dc9c",
    "circle": "e8ffe1a6ca2c3b61",
    "ellipse": "368bb84ac532a5a0",
    "freeform": "7bc47a871bf84291",
    "half": "3b87eb94b328abc2",
    "lama_medium": "40c3128126f8eeee",
    "lama_thick": "970a45abb1273daa",
    "lama_thin": "9d3c859ba753f6bd",
    "rect": "32c40767e3516dbb",
    "standard": "e9048f00bc95a655",
}


def test_no_type_is_missing_or_untested() -> None:
    assert mask.names() == sorted(TYPES)


@pytest.mark.parametrize("name", TYPES)
def test_bits_are_those_of_every_earlier_release(name: str) -> None:
    digest = hashlib.sha256()
    for size in ((64, 64), (96, 160), (256, 256), (512, 512), (37, 211)):
        digest.update(np.packbits(draw(name, size, 0, range(60))))
    assert digest.hexdigest()[:16] == GOLDEN[name]


# Where the settings for 256 pixels end and those for 512 begin: 384² pixels take the latter, one row fewer the former.
GOLDEN_384 = {"lama_medium": "c612d26ca7f9b7e4", "lama_thick": "7897d63c43dc93ca", "lama_thin": "992c341e2637aafe"}


@pytest.mark.parametrize("name", GOLDEN_384)
def test_bits_at_the_border_of_two_settings_are_those_of_every_earlier_release(name: str) -> None:
    digest = hashlib.sha256()
    for size in ((384, 384), (383, 384), (192, 768)):
        digest.update(np.packbits(draw(name, size, 0, range(12))))
    assert digest.hexdigest()[:16] == GOLDEN_384[name]


@pytest.mark.parametrize("name", TYPES)
def test_a_hole_does_not_depend_on_its_batch(name: str) -> None:
    together = draw(name, (48, 80), 3, range(40))
    alone = np.concatenate([draw(name, (48, 80), 3, [index]) for index in range(40)])
    backwards = draw(name, (48, 80), 3, list(range(39, -1, -1)))[::-1]
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_array_equal(together, backwards)


@pytest.mark.parametrize("name", TYPES)
def test_global_random_state_neither_matters_nor_moves(name: str) -> None:
    np.random.seed(1)
    before = draw(name, (32, 32), 0, range(4))
    np.random.seed(2)
    state = np.random.get_state()[1].copy()  # type: ignore[index, union-attr]
    np.testing.assert_array_equal(before, draw(name, (32, 32), 0, range(4)))
    np.testing.assert_array_equal(state, np.random.get_state()[1])  # type: ignore[index]


@pytest.mark.parametrize("name", [name for name in TYPES if name not in FIXED])
def test_seed_and_index_each_change_the_holes(name: str) -> None:
    holes = draw(name, (64, 64), 0, range(30))
    assert (holes != draw(name, (64, 64), 1, range(30))).any()
    assert len({hole.tobytes() for hole in holes}) > 3


@pytest.mark.parametrize("name", FIXED)
def test_fixed_types_are_the_same_for_every_seed_and_index(name: str) -> None:
    holes = draw(name, (64, 48), 5, [0, 7, 1000])
    assert (holes == draw(name, (64, 48), 6, [3])[0]).all()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", TYPES)
def test_no_hole_is_empty_or_the_whole_picture(name: str, size: tuple[int, int]) -> None:
    holes = draw(name, size, 0, range(200))
    assert holes.shape == (200, *size)
    assert holes.dtype == bool
    areas = holes.mean(axis=(1, 2))
    assert areas.min() > 0
    assert areas.max() <= 0.5


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 3), (5, 5), (7, 2)])
@pytest.mark.parametrize("name", TYPES)
def test_pictures_of_a_few_pixels_get_a_hole_too(name: str, size: tuple[int, int]) -> None:
    assert draw(name, size, 0, range(50)).any(axis=(1, 2)).all()


@pytest.mark.parametrize("name", TYPES)
def test_no_index_gives_no_hole_and_great_indices_work(name: str) -> None:
    assert draw(name, (16, 16), 0, []).shape == (0, 16, 16)
    assert draw(name, (16, 16), 2**40, [2**40]).any()


def test_a_wrong_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="unknown mask type 'elipse': did you mean ellipse"):
        draw("elipse", (8, 8), 0, [0])


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda size, seed, indices: np.zeros((len(indices), *size)), "gave float64"),
        (lambda size, seed, indices: np.ones((1, *size), bool), "gave bool"),
        (lambda size, seed, indices: np.zeros((len(indices), *size), bool), "empty hole for index 4 at 9x8 pixels"),
        (lambda size, seed, indices: None, "gave NoneType"),
    ],
)
def test_a_mask_type_that_breaks_its_word_is_named(made, words: str, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setitem(mask._entries, "broken", made)
    with pytest.raises(BenchError, match=words):
        draw("broken", (8, 9), 0, [4, 5])
