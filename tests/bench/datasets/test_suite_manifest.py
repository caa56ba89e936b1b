"""What is a suite's manifest and what is not, key by key."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.datasets.suite_manifest import check, files_of, read_manifest
from bench.util.errors import UsageError
from bench.util.files import write_json
from bench.util.paths import Outside
from bench.util.read_errors import Unfit

HOLE = {"sha256": "h", "masked_sha256": "m", "area": 0.25}
GOOD: dict[str, Any] = {
    "schema": 1,
    "kind": "inpaint-bench suite",
    "suite_version": 2,
    "fingerprint": "f",
    "protocol": "native",
    "seed": None,
    "dataset": {"name": "faces", "split": "test", "note": ""},
    "masks": ["rect", "lama_thick"],
    "images": [
        {"id": name, "height": 1, "width": 20, "sha256": "i", "holes": {"rect": HOLE, "lama_thick": HOLE}}
        for name in ("a", "b/c")
    ],
}

Change = Callable[[dict[str, Any]], Any]


def changed(change: Change) -> dict[str, Any]:
    manifest = copy.deepcopy(GOOD)
    change(manifest)
    return manifest


def put(*path: Any, value: Any) -> Change:
    def change(manifest: dict[str, Any]) -> None:
        place: Any = manifest
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value

    return change


def test_a_good_one_is_taken_and_one_without_a_version_is_of_the_first(tmp_path: Path) -> None:
    write_json(tmp_path / "manifest.json", GOOD)
    assert read_manifest(tmp_path) == GOOD
    write_json(tmp_path / "manifest.json", changed(lambda manifest: manifest.pop("suite_version")))
    assert read_manifest(tmp_path)["suite_version"] == 1


@pytest.mark.parametrize(
    "change",
    [
        put("schema", value=2),
        put("kind", value="another"),
        put("suite_version", value=3),
        put("fingerprint", value=3),
        put("protocol", value=None),
        put("dataset", "name", value=3),
        put("dataset", "split", value=3),
        put("dataset", "note", value=3),
        put("masks", value=[]),
        put("images", value=[]),
        put("masks", value="rect"),
        put("images", value={}),
        put("images", 1, "id", value="a"),
        put("images", 0, "sha256", value=3),
        put("images", 0, "height", value=0),
        put("images", 0, "width", value=-1),
        put("images", 0, "width", value=2.0),
        put("images", 1, "height", value=True),
        put("images", 1, "holes", "rect", "sha256", value=3),
        put("images", 1, "holes", "lama_thick", "masked_sha256", value=3),
    ],
)
def test_a_wrong_value_is_refused_and_named(change: Change, tmp_path: Path) -> None:
    with pytest.raises(Unfit):
        check(changed(change))
    write_json(tmp_path / "manifest.json", changed(change))
    with pytest.raises(UsageError, match="is not a suite manifest"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    "change", [put("images", 0, "id", value="../a"), put("masks", value=["../x"]), put("masks", 0, value=3)]
)
def test_names_that_lead_out_of_the_folder_are_refused(change: Change) -> None:
    with pytest.raises(Outside):
        check(changed(change))


@pytest.mark.parametrize("key", ["schema", "kind", "fingerprint", "protocol", "seed", "dataset", "masks", "images"])
def test_a_key_that_lacks_is_refused(key: str, tmp_path: Path) -> None:
    write_json(tmp_path / "manifest.json", changed(lambda manifest: manifest.pop(key)))
    with pytest.raises(UsageError, match=key):
        read_manifest(tmp_path)


@pytest.mark.parametrize("key", HOLE)
def test_a_hole_that_lacks_a_fact_is_refused(key: str) -> None:
    with pytest.raises(KeyError, match=key):
        check(changed(lambda manifest: manifest["images"][1]["holes"]["lama_thick"].pop(key)))


def test_a_suites_files_are_a_picture_and_two_for_each_mask_type() -> None:
    assert list(files_of(GOOD)) == [
        f"{place}/{name}.png"
        for name in ("a", "b/c")
        for place in ("images", "holes/rect", "masked/rect", "holes/lama_thick", "masked/lama_thick")
    ]
