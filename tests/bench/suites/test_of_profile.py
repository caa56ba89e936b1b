"""The suite of a profile: data sets under names of their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.datasets.registry import Dataset
from bench.runs.records import record_file
from bench.suites.of_profile import named_apart
from bench.util.errors import UsageError


def folders(count: int) -> tuple[Dataset, ...]:
    return tuple(Dataset("folder", "all", 8, ["a"], lambda i: np.zeros((8, 8, 3), np.uint8)) for _ in range(count))


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["/data/day"], ["folder"]),
        (["/data/day", "/data/night"], ["folder_day", "folder_night"]),
        (["/ffhq/images", "/places/images"], ["folder_ffhq_images", "folder_places_images"]),
        (["/a/test/images", "/b/test/images"], ["folder_a_test_images", "folder_b_test_images"]),
    ],
)
def test_folders_of_one_name_are_told_apart_by_what_they_lie_in(paths: list[str], names: list[str]) -> None:
    found = named_apart(folders(len(paths)), [f"folder:{path}" for path in paths])
    assert [dataset.name for dataset in found] == names


@pytest.mark.parametrize("paths", [["/x/a b", "/x/a_b"], ["/x/Night", "/x/night"], ["/x/a b", "/x/a_b", "/x/a:b"]])
def test_folders_whose_names_would_be_one_file_have_files_of_their_own(paths: list[str]) -> None:
    """Else the records of the second replace those of the first."""
    found = named_apart(folders(len(paths)), [f"folder:{path}" for path in paths])
    files = {record_file(Path("run"), "telea", 0, dataset.name, "rect").as_posix().casefold() for dataset in found}
    assert len(files) == len(paths)
    turned = named_apart(folders(len(paths)), [f"folder:{path}" for path in reversed(paths)])
    assert {dataset.name for dataset in turned} == {dataset.name for dataset in found}, "whatever their order"


def test_the_same_folder_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="two data sets would both be called"):
        named_apart(folders(2), ["folder:/a/b", "folder:/a/b"])
