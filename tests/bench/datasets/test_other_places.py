"""Pictures named in a list, in tar shards, in Places365's folders, or by a pattern; expected values by hand."""

from __future__ import annotations

import io
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torchvision.datasets import Places365

from bench.datasets.registry import Dataset, open_dataset
from bench.datasets.tar_shards import expand_braces
from bench.util.errors import UsageError


def save(path: Path, level: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), (level, level, level)).save(path)
    return path


def levels(data: Dataset) -> dict[str, int]:
    """id -> the grey level of its picture."""
    return {image_id: int(data.load(i)[0, 0, 0]) for i, image_id in enumerate(data.ids)}


# files: ------------------------------------------------------------------------------------------------------


def test_a_list_names_pictures_inside_its_folder_and_outside(tmp_path: Path) -> None:
    save(tmp_path / "list" / "sub" / "a.png", 1)
    outside = save(tmp_path / "else where" / "b.png", 2)
    file = tmp_path / "list" / "LIST.txt"
    file.write_bytes(f"\ufeff# mine\r\nsub/a.png\r\n\r\n{outside}\r\nsub/../sub/a.png\n../else where/b.png".encode())
    data = open_dataset(f"files:{file}", "all")
    assert levels(data) == {"sub/a": 1, outside.with_suffix("").as_posix().lstrip("/"): 2}
    assert data.title == "LIST"


def test_a_line_more_changes_no_other_id_nor_its_split(tmp_path: Path) -> None:
    names = [f"{i}.png" for i in range(30)]
    for i, name in enumerate(names):
        save(tmp_path / "in" / name, i)
    file = tmp_path / "in" / "LIST.txt"
    file.write_text("\n".join(names))
    before = {split: set(open_dataset(f"files:{file}", split).ids) for split in ("train", "validation", "test")}
    file.write_text("\n".join([*names, str(save(tmp_path / "out" / "x.png"))]))
    for split, ids in before.items():
        assert ids <= set(open_dataset(f"files:{file}", split).ids)


def test_listed_files_that_are_no_pictures_are_named(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    (tmp_path / "broken.png").write_bytes(b"x")
    (tmp_path / "l.txt").write_bytes(b"a.png\ngone.png\nnotes.md\nbroken.png\n\xff.png\n")
    skipped = dict(open_dataset(f"files:{tmp_path}/l.txt", "all").skipped)
    assert skipped["gone.png"] == "no such file"
    assert skipped["notes.md"] == "its suffix is not that of a picture"
    assert set(skipped) == {"gone.png", "notes.md", "broken.png", "\\udcff.png"}


def test_a_listed_file_elsewhere_is_named_by_its_whole_path_in_plain_letters(tmp_path: Path) -> None:
    (tmp_path / "good.png").write_bytes(encoded(1))
    (tmp_path / "l.txt").write_text("good.png\n/nowhere/x.jpg\na\x00b.png\n")
    skipped = dict(open_dataset(f"files:{tmp_path}/l.txt", "all").skipped)
    assert skipped == {"/nowhere/x.jpg": "no such file", "a\\x00b.png": "no such file"}


@pytest.mark.parametrize("kind", ["folder", "places365", "lama"])
def test_a_folder_that_is_not_there_is_told_in_the_words_that_were_written(kind: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"gone does not exist: {kind}:PATH takes a folder of pictures"):
        open_dataset(f"{kind}:{tmp_path}/gone")


@pytest.mark.parametrize("text", ["", "# nothing\n", "gone.png\n"])
def test_a_list_of_nothing_is_refused_in_a_sentence(text: str, tmp_path: Path) -> None:
    (tmp_path / "l.txt").write_text(text)
    with pytest.raises(UsageError, match="names no picture that can be read"):
        open_dataset(f"files:{tmp_path}/l.txt")
    with pytest.raises(UsageError, match="no list of pictures"):
        open_dataset(f"files:{tmp_path}/m.txt")


# shards: -----------------------------------------------------------------------------------------------------


def encoded(level: int, kind: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), (level, level, level)).save(stream, kind)
    return stream.getvalue()


def write_shard(path: Path, files: dict[str, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return path


def test_samples_are_read_where_they_lie_by_key(tmp_path: Path) -> None:
    write_shard(tmp_path / "t-00.tar", {"a/001.png": encoded(1), "a/001.json": b"{}", "a/001.seg.png": encoded(99),
                                        "./002.JPG": encoded(2, "JPEG"), "._002.jpg": b"x"})  # fmt: skip
    write_shard(tmp_path / "t-01.tar", {"003.cls": b"7", "003.png": encoded(3)})
    data = open_dataset(f"shards:{tmp_path}/t-{{00..01}}.tar", "all")
    assert levels(data) == {"002": 2, "003": 3, "a/001": 1}
    again = pickle.loads(pickle.dumps(data.load))
    assert int(again(0)[0, 0, 0]) == 2
    assert data.title == "t"
    assert {path.name for path in tmp_path.iterdir()} == {"t-00.tar", "t-01.tar"}


def test_a_picture_in_a_shard_has_the_pixels_of_its_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    deep = rng.integers(0, 65536, (9, 7), dtype=np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    turned = Image.fromarray(rng.integers(0, 256, (9, 7, 3), dtype=np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    turned.save(tmp_path / "turned.png", exif=exif)
    files = {path.name: path.read_bytes() for path in tmp_path.glob("*.png")}
    write_shard(tmp_path / "s.tar", files)
    inside, outside = open_dataset(f"shards:{tmp_path}/s.tar", "all"), open_dataset(f"folder:{tmp_path}", "all")
    assert [*inside.ids] == [*outside.ids] == ["deep", "turned"]
    for i in range(2):
        assert np.array_equal(inside.load(i), outside.load(i))


def test_a_key_of_two_shards_is_told_apart_by_the_shard(tmp_path: Path) -> None:
    for number in (0, 1):
        write_shard(tmp_path / f"t-{number}.tar", {"same.png": encoded(number), f"own{number}.png": encoded(5)})
    assert levels(open_dataset(f"shards:{tmp_path}/t-*.tar", "all")) == {
        "own0": 5, "own1": 5, "t-0/same": 0, "t-1/same": 1,
    }  # fmt: skip


def test_a_shard_that_is_cut_off_or_damaged_is_said_and_the_rest_is_read(tmp_path: Path) -> None:
    files = {f"{i}.bmp": encoded(i, "BMP") for i in range(4)}
    for name in ("cut", "flipped"):
        write_shard(tmp_path / f"{name}.tar", files)
    content = (tmp_path / "cut.tar").read_bytes()
    each = 512 + 512  # a header, and 246 bytes of pixels in a block
    (tmp_path / "cut.tar").write_bytes(content[: 2 * each + 600])
    data = open_dataset(f"shards:{tmp_path}/cut.tar", "all")
    assert levels(data) == {"0": 0, "1": 1}
    assert any("2.bmp" in name for name, _ in data.skipped)
    (tmp_path / "flipped.tar").write_bytes(content[: 2 * each + 150] + b"\xff" + content[2 * each + 151 :])
    data = open_dataset(f"shards:{tmp_path}/flipped.tar", "all")
    assert levels(data) == {"0": 0, "1": 1}
    assert ("flipped.tar", "it is truncated or damaged after 2 pictures") in data.skipped


def test_names_that_lead_out_and_links_are_left_out(tmp_path: Path) -> None:
    write_shard(tmp_path / "s.tar", {"../../evil.png": encoded(1), "/abs.png": encoded(1), "good.png": encoded(2)})
    link = tarfile.TarInfo("link.png")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with tarfile.open(tmp_path / "s.tar", "a") as tar:
        tar.addfile(link)
    data = open_dataset(f"shards:{tmp_path}/s.tar", "all")
    assert levels(data) == {"good": 2}
    assert len(data.skipped) == 3


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("", "needs a pattern"),
        ("https://example.org/{0..9}.tar", "must be files of this machine"),
        ("pipe:curl x", "must be files of this machine"),
        ("DIR/t-{00..03}.tar", r"missing shards: .*t-02.tar, .*t-03.tar"),
        ("DIR/*.gz", "unpack its compression first"),
        ("DIR/none.tar", "no pictures in 1 shards"),
    ],
)
def test_shards_that_cannot_be_read_end_in_a_sentence(pattern: str, why: str, tmp_path: Path) -> None:
    for number in (0, 1):
        write_shard(tmp_path / f"t-0{number}.tar", {"a.png": encoded(1)})
    write_shard(tmp_path / "t.tar.gz", {"a.png": encoded(1)}, "w:gz")
    write_shard(tmp_path / "none.tar", {"a.txt": b"x"})
    with pytest.raises(UsageError, match=why):
        open_dataset(f"shards:{pattern.replace('DIR', str(tmp_path))}", "all")


def test_braces_expand_as_a_shell_does() -> None:
    assert expand_braces("{08..11}") == ["08", "09", "10", "11"]
    assert expand_braces("a{9..10}b") == ["a9b", "a10b"]
    assert expand_braces("{x,y}{0..1}") == ["x0", "x1", "y0", "y1"]
    assert expand_braces("plain") == ["plain"]


# places365: --------------------------------------------------------------------------------------------------


def places(root: Path, *parts: str) -> None:
    """Torchvision's layout with its lists; its own reader is held to it below."""
    (root / "categories_places365.txt").write_text("/a/airfield 0\n/b/bar 1\n")
    train = [f"/{name}/{i:08d}.jpg" for name in ("a/airfield", "b/bar") for i in range(20)]
    held = [f"Places365_val_{i:08d}.jpg" for i in range(6)]
    (root / "places365_train_standard.txt").write_text("".join(f"{n} {n.startswith('/b') * 1}\n" for n in train))
    (root / "places365_val.txt").write_text("".join(f"{n} 0\n" for n in held))
    for part in parts:
        for name in train if part.startswith("data") else held:
            save(root / part / name.lstrip("/"))


def test_the_pictures_are_those_that_torchvision_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places(tmp_path, "data_256_standard", "val_256")
    monkeypatch.setattr("torchvision.datasets.places365.check_integrity", lambda *_, **__: True)
    train, held = (
        {Path(path).relative_to(tmp_path).with_suffix("").as_posix() for path, _ in Places365(tmp_path, s, True).imgs}
        for s in ("train-standard", "val")
    )
    ours = {split: open_dataset(f"places365:{tmp_path}", split) for split in ("train", "validation", "test")}
    assert {*ours["test"].ids} == held
    assert {*ours["train"].ids} | {*ours["validation"].ids} == train
    assert not {*ours["train"].ids} & {*ours["validation"].ids}
    assert len(ours["validation"]) > 0
    assert "val_256" in ours["test"].note


def test_one_part_alone_is_split_by_hash(tmp_path: Path) -> None:
    places(tmp_path, "val_large")
    splits = [open_dataset(f"places365:{tmp_path}", split) for split in ("train", "validation", "test")]
    assert sum(len(part) for part in splits) == 6
    assert all("split by a hash" in part.note for part in splits)


def test_small_files_are_read_where_they_are_large_enough(tmp_path: Path) -> None:
    places(tmp_path, "val_256", "val_large", "data_256_standard")
    for size, folder in ((256, "val_256"), (512, "val_large")):
        assert {name.split("/")[0] for name in open_dataset(f"places365:{tmp_path}", "test", size).ids} == {folder}


def test_another_folder_is_no_places365(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no Places365"):
        open_dataset(f"places365:{tmp_path}")


# folder:DIR?name= ---------------------------------------------------------------------------------------------


def test_a_pattern_takes_its_files_alone_and_names_them_by_their_id(tmp_path: Path) -> None:
    for number in (1, 2):
        save(tmp_path / f"case{number}_input.png", number)
        save(tmp_path / f"case{number}_output.png", 99)
    save(tmp_path / "sub" / "case3_input.png", 3)
    save(tmp_path / "case4_input.jpg", 4)
    data = open_dataset(f"folder:{tmp_path}?name=case{{id}}_input.png", "all")
    assert levels(data) == {"1": 1, "2": 2, "sub/3": 3}
    assert levels(open_dataset(f"folder:{tmp_path}?name=case{{id}}_input", "all")) == {
        "1": 1,
        "2": 2,
        "4": 4,
        "sub/3": 3,
    }


def test_a_pattern_of_no_file_or_of_two_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "a1.png")
    save(tmp_path / "a1.jpg")
    with pytest.raises(UsageError, match=r"none of the 2 pictures .* matches"):
        open_dataset(f"folder:{tmp_path}?name=b{{id}}.png", "all")
    with pytest.raises(UsageError, match="would both be '1'"):
        open_dataset(f"folder:{tmp_path}?name=a{{id}}", "all")
