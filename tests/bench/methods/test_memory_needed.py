"""Memory is asked for before a model from outside fills a large picture."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from bench.methods import callable as calling
from bench.methods import memory_needed
from bench.methods.callable import CallableMethod
from bench.methods.first_picture import check_convention
from bench.methods.memory_needed import TooLarge, a_part
from bench.methods.spec import parse_spec
from variants.errors import ExternalError

SHAPE = (60, 80)


@pytest.fixture
def asked(monkeypatch):
    """Pictures of more than 20 x 20 are large, tried on a part of that size; a call takes a MiB, and 10 are free."""
    monkeypatch.setattr(calling, "LARGE", 20 * 20)
    monkeypatch.setattr(memory_needed, "TRIED", 20)
    monkeypatch.setattr(memory_needed, "available_mib", lambda: 10.0)
    tried = []

    def peak(call) -> float:
        call()
        tried.append(1)
        return 1.0

    monkeypatch.setattr(calling, "peak_mib", peak)
    return tried


def method_of(spec: str, seen: list | None = None) -> CallableMethod:
    def fill(x, h):
        if seen is not None:
            seen.append(tuple(x.shape))
        return x * (1 - h) + h / 2

    return CallableMethod("mine", fill, spec=parse_spec(spec))


def picture() -> tuple[np.ndarray, np.ndarray]:
    hole = np.zeros(SHAPE, bool)
    hole[5:9, 50:70] = True
    return np.random.default_rng(0).integers(0, 256, (*SHAPE, 3), dtype=np.uint8), hole


def test_a_picture_for_which_there_is_no_memory_is_refused_with_what_would_do(asked):
    image, hole = picture()
    seen: list = []
    method = method_of("python:m.py:fill", seen)
    # 80 x 60 pixels are 12 times the part's 20 x 20.
    words = (
        "mine would take about 12 MiB for a picture of 80 x 60, and 10 MiB are free: write "
        r"'python:m.py:fill\?size=1024&fit=tile'"
    )
    with pytest.raises(TooLarge, match=words):
        method.fill(image[None], hole[None])
    with pytest.raises(ExternalError, match=words):
        check_convention(method, (image, hole))
    assert seen == [(1, 3, 24, 24)] and len(asked) == 1  # the part alone, padded, once


def test_one_that_fits_is_filled_and_the_model_is_tried_once(asked, monkeypatch):
    monkeypatch.setattr(memory_needed, "available_mib", lambda: 16.0)  # of which 0.8 may be taken
    image, hole = picture()
    method = method_of("python:m.py:fill")
    for _ in range(2):
        raw = method.fill(image[None], hole[None])
    np.testing.assert_allclose(raw[0][hole], 0.5)
    assert len(asked) == 1


def test_nothing_is_asked_of_tiles_and_of_small_pictures(asked, monkeypatch):
    image, hole = picture()
    method_of("python:m.py:fill?size=16&fit=tile").fill(image[None], hole[None])
    monkeypatch.setattr(calling, "LARGE", hole.size)
    method_of("python:m.py:fill").fill(image[None], hole[None])
    assert not asked


def test_the_part_is_the_middle_and_has_known_and_missing_pixels(asked):
    image, hole = picture()
    part, its_hole = a_part(image, hole)
    assert np.array_equal(part, image[20:40, 30:50])
    assert its_hole[:10].all() and not its_hole[10:].any()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the peak")
def test_the_peak_of_a_call_is_what_it_took_more():
    # In a process of its own: one that has freed much before takes it from there.
    code = (
        "import numpy as np; from bench.methods.memory_needed import peak_mib; kept = np.ones(2**22); "
        "print(peak_mib(lambda: kept.sum()), peak_mib(lambda: np.ones(2**23).sum()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    nothing, much = map(float, done.stdout.split())
    assert nothing < 24
    assert 60 < much < 100  # 64 MiB
