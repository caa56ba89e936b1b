"""Opening data sets: specs, splits, batches, and what is imported to refuse a wrong one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.datasets.numbered import Numbered
from bench.datasets.registry import Dataset, absolute_spec, dataset, open_dataset
from bench.util.errors import UsageError
from variants.registry import UnknownName


def test_the_three_sources_are_found() -> None:
    assert {"folder", "photos", "scenes"} <= set(dataset.names())


def test_a_folder_without_its_kind_is_answered_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pictures").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnknownName, match=r"^unknown data set 'pictures': did you mean folder:pictures\?$"):
        open_dataset("pictures")
    with pytest.raises(UnknownName, match=r"did you mean folder:/.*/pictures\?$"):
        open_dataset(str(tmp_path / "pictures"))


def test_a_wrong_name_or_split_is_refused_with_what_there_is() -> None:
    with pytest.raises(UnknownName, match="did you mean scenes"):
        open_dataset("scene")
    with pytest.raises(UsageError, match="train, validation, test, all"):
        open_dataset("scenes", "tset")


def test_refusing_a_wrong_name_imports_nothing_heavy() -> None:
    script = (
        "import sys\nfrom bench.datasets.registry import open_dataset\n"
        "try: open_dataset('scene')\nexcept LookupError: pass\n"
        "print([name for name in ('PIL', 'cv2', 'torch', 'skimage', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_batch_stacks_single_pictures_in_the_order_asked_for() -> None:
    pictures = np.arange(5 * 12, dtype=np.uint8).reshape(5, 2, 2, 3)
    data = Dataset("five", "test", 2, [str(i) for i in range(5)], lambda i: pictures[i])
    assert np.array_equal(data.batch([4, 0, 4]), pictures[[4, 0, 4]])


def test_a_batch_is_loaded_together_where_that_is_possible() -> None:
    asked = []

    def together(indices):  # type: ignore[no-untyped-def]
        asked.append(list(indices))
        return np.zeros((len(indices), 2, 2, 3), np.uint8)

    data = Dataset("five", "test", 2, ["a", "b"], lambda i: np.ones((2, 2, 3), np.uint8), load_batch=together)
    assert data.batch([1, 0]).sum() == 0 and asked == [[1, 0]]


@pytest.mark.parametrize("spec", ["scenes", "photos"])
def test_the_least_size_is_8_pixels_and_the_least_count_1(spec: str) -> None:
    assert open_dataset(spec, "test", 8, 1).batch([0]).shape == (1, 8, 8, 3)
    with pytest.raises(UsageError, match="7 px is too small: ask for 8"):
        open_dataset(spec, "test", 7, 1)
    with pytest.raises(UsageError, match="a count of 0 pictures leaves none"):
        open_dataset(spec, "test", 8, 0)


def test_numbered_ids_behave_like_a_list() -> None:
    ids = Numbered("x-", 100_001)
    assert (ids[0], ids[-1], ids[7:9]) == ("x-00000", "x-100000", ["x-00007", "x-00008"])
    assert len(ids) == 100_001 and "x-00042" in ids and ids.index("x-00003") == 3


def test_a_run_tells_the_whole_path_of_its_pictures_and_leaves_other_arguments_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "7").touch()
    assert absolute_spec("folder:a?name=x{id}.png") == f"folder:{tmp_path}/a?name=x{{id}}.png"
    assert absolute_spec("shards:s-{0..3}.tar") == f"shards:{tmp_path}/s-{{0..3}}.tar"
    assert absolute_spec("scenes:7") == "scenes:7"
    assert absolute_spec("photos") == "photos"
