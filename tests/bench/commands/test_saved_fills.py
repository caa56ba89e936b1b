"""Saved fills never replace what is scored, and never one another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.commands.saved_fills import refuse_target
from bench.methods.load import load_methods
from bench.profiles.profile import load_profile
from bench.stages.block import folder_of
from bench.util.errors import UsageError
from variants.method import Method


class Named(Method):
    def __init__(self, name: str, seed: int = 0) -> None:
        self.name, self.seed = name, seed


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for name in ("pictures/a.png", "holes/a.png", "fills/mine/rect/a.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / name)
    return tmp_path


@pytest.mark.parametrize(
    ("target", "into"), [("fills", "fills"), ("fills/mine", "fills"), ("pictures", "pictures"), ("holes/x", "holes")]
)
def test_fills_are_not_saved_among_what_is_scored(place: Path, target: str, into: str) -> None:
    methods = load_methods(f"predictions:{place / 'fills'}", weights=None)
    own = {"data": (f"folder:{place / 'pictures'}",), "masks": (f"folder:{place / 'holes'}",)}
    profile = replace(load_profile("quick"), **own)
    with pytest.raises(UsageError, match=f"would write mine into {place / into}, which is being scored"):
        refuse_target(place / target, methods, profile)
    refuse_target(place / "elsewhere", methods, profile)


def test_fills_are_not_saved_among_the_pictures_of_a_suite_file(place: Path) -> None:
    entries = (f'{{"name": "own", "data": "folder:{place / "pictures"}", "masks": "rect"}}',)
    profile = replace(load_profile("quick"), data=(), suite_entries=entries)
    with pytest.raises(UsageError, match="which is being scored"):
        refuse_target(place / "pictures" / "saved", [Named("telea")], profile)


def test_a_link_into_the_pictures_is_seen_through(place: Path) -> None:
    (place / "link").symlink_to(place / "pictures")
    profile = replace(load_profile("quick"), data=(f"folder:{place / 'pictures'}",))
    with pytest.raises(UsageError, match="which is being scored"):
        refuse_target(place / "link", [Named("telea")], profile)


def test_seeds_of_one_variant_are_saved_apart_and_one_alone_under_its_name() -> None:
    methods = [Named("double_dg"), Named("double_dg", 1), Named("telea")]
    assert [folder_of(method, methods) for method in methods] == ["double_dg@0", "double_dg@1", "telea"]
    assert folder_of(methods[1], methods[1:]) == "double_dg"
