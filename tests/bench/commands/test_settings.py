"""How often a state is kept, as it is written on the command line."""

from __future__ import annotations

import pytest

from bench.commands.settings import read_every
from bench.util.errors import UsageError
from variants.checkpoint_every import Every


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, Every(20.0, None)),
        ("500", Every(None, 500)),
        ("30s", Every(30.0, None)),
        ("10m", Every(600.0, None)),
        ("1.5h", Every(5400.0, None)),
        ("500,10m", Every(600.0, 500)),
        ("10m, 500", Every(600.0, 500)),
    ],
)
def test_steps_times_or_both(text, expected):
    assert read_every(text) == expected


@pytest.mark.parametrize("text", ["", "0", "-5", "1.5", "10x", "m", "500,,", "nan", "1e3", "0s"])
def test_anything_else_is_refused_with_examples(text):
    with pytest.raises(UsageError, match=r"give steps \(500\), a time \(30s, 10m, 1h\), or both"):
        read_every(text)
