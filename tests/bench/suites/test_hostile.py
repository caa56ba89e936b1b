"""Suites that would lead out of their folder, by their manifest or by links; exports that were killed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.datasets.registry import Dataset, open_dataset
from bench.datasets.suite_manifest import read_manifest
from bench.suites.export import export_suite
from bench.suites.suite import Suite
from bench.suites.verify import verify_suite
from bench.util.errors import UsageError
from tests.bench.suites.test_suite import SQUARES

SUITE = Suite((SQUARES,), ("circle",))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    export_suite(SUITE, tmp_path / "suite")
    return tmp_path / "suite"


@pytest.mark.parametrize(
    "change",
    [
        {"masks": ["circle", "../../victim"]}, {"masks": ["/etc"]}, {"masks": ["a/b"]}, {"masks": ["c:"]},
        {"masks": ["\0"]}, {"masks": [None]}, {"masks": []}, {"masks": "circle"}, {"images": []}, {"images": {}},
        {"images": [{}]}, {"dataset": []}, {"fingerprint": 3}, {"protocol": None},
    ],
)  # fmt: skip
def test_a_manifest_that_is_none_is_refused_in_a_sentence(folder: Path, change: dict[str, Any]) -> None:
    file = folder / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(UsageError, match=r"manifest\.json is not a suite manifest \(") as refused:
        read_manifest(folder)
    assert "object" not in str(refused.value) and "'NoneType'" not in str(refused.value)


def test_a_picture_that_is_listed_twice_is_refused(folder: Path) -> None:
    file = folder / "manifest.json"
    manifest = json.loads(file.read_text())
    manifest["images"].append(manifest["images"][0])
    file.write_text(json.dumps(manifest))
    with pytest.raises(UsageError, match="twice"):
        read_manifest(folder)


def test_a_forced_export_removes_nobody_elses_files(folder: Path, tmp_path: Path) -> None:
    image_id = SQUARES.ids[0]
    victim = tmp_path / "victim" / f"{image_id}.png"
    victim.parent.mkdir(parents=True)
    victim.write_text("mine")
    file = folder / "manifest.json"
    manifest = json.loads(file.read_text())
    for entry in manifest["images"]:
        entry["holes"]["../../../victim"] = entry["holes"]["circle"]
    manifest["masks"].append("../../../victim")
    file.write_text(json.dumps(manifest))
    export_suite(SUITE, folder, force=True)
    assert victim.read_text() == "mine"


@pytest.mark.parametrize("place", ["images", "holes", "holes/circle"])
def test_a_forced_export_follows_no_link(folder: Path, tmp_path: Path, place: str) -> None:
    other = tmp_path / "other"
    (folder / place).rename(other)
    (folder / place).symlink_to(other)
    before = {path: path.read_bytes() for path in other.rglob("*.png")}
    with pytest.raises(UsageError):
        export_suite(SUITE, folder, force=True)
    assert {path: path.read_bytes() for path in other.rglob("*.png")} == before != {}


def test_pictures_behind_a_link_are_not_the_suites(folder: Path, tmp_path: Path) -> None:
    (folder / "images").rename(tmp_path / "elsewhere")
    (folder / "images").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="points outside the folder"):
        open_dataset(f"suite:{folder}")
    assert not verify_suite(folder).whole


def test_names_that_differ_only_in_case_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    twice = Dataset("two", "test", 8, ["A", "a"], SQUARES.load)
    with pytest.raises(UsageError, match="differ only in case"):
        export_suite(Suite((twice,), ("circle",)), tmp_path / "suite")
    assert not (tmp_path / "suite").exists()


def test_a_killed_export_is_mended_by_the_same_command(tmp_path: Path) -> None:
    class Killed(BaseException):
        pass

    def kill(_: int) -> None:
        raise Killed

    folder = tmp_path / "suite"
    with pytest.raises(Killed):
        export_suite(SUITE, folder, progress=kill)
    assert not (folder / "manifest.json").exists()
    (folder / "images" / ".x.png-abc.part").write_text("half")
    (folder / "images" / "of-another-size.png").write_text("")
    export_suite(SUITE, folder)
    assert verify_suite(folder).whole
    assert sorted(path.name for path in folder.iterdir()) == ["holes", "images", "manifest.json", "masked"]
    with pytest.raises(UsageError, match="is not empty"):
        export_suite(SUITE, folder)
