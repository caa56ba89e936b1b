"""What an evaluation says at its end of fills that could not be scored."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.commands import results
from bench.stages.outcome import Outcome
from bench.util.errors import PartialError
from tests.bench.fake_runs import fake_run


@pytest.mark.parametrize(
    ("count", "said"),
    [(1, "1 fill could not be scored and is excluded"), (2, "2 fills could not be scored and are excluded")],
)
def test_one_fill_and_several_are_told_in_whole_sentences(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, said: str
) -> None:
    def no_table(*_: Any) -> None:
        return None

    monkeypatch.setattr(results, "show", no_table)
    run = fake_run(tmp_path / "r", {("a", 0): {"psnr_hole": np.ones((2, 2))}})
    with pytest.raises(PartialError, match=said):
        results.tell(run, None, Outcome(failed=Counter({("a", "rect", "missing"): count})), [], True)
