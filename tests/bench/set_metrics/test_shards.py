"""Set scores of shards are those of the whole set: features are joined in the data set's order."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from bench.commands.evaluate import evaluate_methods
from tests.bench.stages.request import request


@pytest.mark.parametrize("of", [2, 9])
def test_set_scores_of_shards_are_those_of_the_whole(tmp_path, small, of):
    rng = np.random.default_rng(0)
    (tmp_path / "data").mkdir()
    for i in range(7):
        Image.fromarray(rng.integers(0, 25 * (i + 1), (24, 24, 3), dtype=np.uint8)).save(tmp_path / f"data/p{i}.png")
    asked = {
        "methods": ("telea", "mean_fill"),
        "data": (f"folder:{tmp_path / 'data'}",),
        "masks": "rect,circle",
        "metrics": ("psnr", "fid", "u_ids"),
        "runs": tmp_path,
        "workers": 1,
    }
    evaluate_methods(request(out=tmp_path / "whole", **asked))
    for number in range(of, 0, -1):
        evaluate_methods(request(out=tmp_path / "parts", shard=f"{number}/{of}", **asked))
    files = sorted(file.relative_to(tmp_path / "whole") for file in (tmp_path / "whole/sets").rglob("*.json"))
    assert len(files) == 4
    for file in files:
        assert (tmp_path / "parts" / file).read_text() == (tmp_path / "whole" / file).read_text()
    notes = [json.loads((tmp_path / run / "run.json").read_text())["notes"] for run in ("whole", "parts")]
    assert notes[0] == notes[1]
