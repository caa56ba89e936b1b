"""The demo's large view: what the picture under a hole is called."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from reports.fill_viewer import Shown, fill_viewer


@pytest.mark.parametrize(("original", "name"), [(True, "truth"), (False, "before")])
def test_a_picture_with_confirmed_fills_is_not_called_the_truth(original: bool, name: str) -> None:
    before = np.full((8, 8, 3), 90, np.uint8)
    hole = np.zeros((8, 8), bool)
    hole[2:5, 2:5] = True
    page = fill_viewer("a.png", before, hole, [Shown("telea", before)], truth=original)
    data = json.loads(re.findall(r'<script type="application/json" id="viewer-data">(.*?)</script>', page)[0])
    assert data["truth"] == name
