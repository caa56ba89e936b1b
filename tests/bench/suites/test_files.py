"""Exported suites: what is written, what verify finds, and reading one back."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.cli import main
from bench.datasets.registry import open_dataset
from bench.datasets.suite_manifest import read_manifest
from bench.suites.export import export_suite
from bench.suites.suite import Suite
from bench.suites.verify import verify_suite
from bench.util.errors import BenchError, UsageError
from tests.bench.command import bench
from tests.bench.suites.test_suite import MIXED, SQUARES

MASKS = ("rect", "lama_thin")


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("suite") / "mixed"
    export_suite(Suite((MIXED,), MASKS, seed=3, protocol="mat"), folder)
    return folder


@pytest.fixture
def copy(exported: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(exported, tmp_path / "copy"))


def test_files_hold_the_pictures_the_holes_and_the_masked_pictures(exported: Path) -> None:
    suite = Suite((MIXED,), MASKS, seed=3)
    for index, image_id in enumerate(MIXED.ids):
        truth = MIXED.load(index)
        np.testing.assert_array_equal(np.asarray(Image.open(exported / "images" / f"{image_id}.png")), truth)
        for name in MASKS:
            hole = suite.holes(MIXED, name, [index], [truth.shape])[0]
            with Image.open(exported / "holes" / name / f"{image_id}.png") as file:
                assert file.mode == "L"
                np.testing.assert_array_equal(np.asarray(file), np.where(hole, 255, 0))
            masked = np.asarray(Image.open(exported / "masked" / name / f"{image_id}.png"))
            np.testing.assert_array_equal(masked[~hole], truth[~hole])
            assert (masked[hole] == 255).all()
    assert len([path for path in exported.rglob("*") if path.is_file()]) == 1 + 7 * (1 + 2 + 2)


def test_manifest_says_what_there_is_and_how_to_score_it(exported: Path) -> None:
    manifest = json.loads((exported / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["schema"] == 1
    assert manifest["fingerprint"] == Suite((MIXED,), MASKS, seed=3, protocol="mat").fingerprint()
    assert (manifest["seed"], manifest["protocol"], manifest["masks"]) == (3, "mat", list(MASKS))
    assert [entry["id"] for entry in manifest["images"]] == list(MIXED.ids)
    for entry in manifest["images"]:
        for name in MASKS:
            hole = np.asarray(Image.open(exported / "holes" / name / f"{entry['id']}.png")) > 0
            assert entry["holes"][name]["area"] == pytest.approx(hole.sum() / hole.size, abs=1e-12)
            assert hole.shape == (entry["height"], entry["width"])
    commands = " ".join(manifest["how_to_score"]["commands"])
    assert "bench eval predictions:PREDICTIONS --data suite:DIR --masks folder:DIR --protocol mat" in commands


def test_an_untouched_export_is_whole(exported: Path) -> None:
    found = verify_suite(exported)
    assert found.whole
    assert found.fingerprint == found.expected == read_manifest(exported)["fingerprint"]


def test_manifest_says_where_pictures_and_holes_come_from(tmp_path: Path) -> None:
    pictures = replace(SQUARES, name="squares", split="validation", size=64, note="made by rule")
    holes = tmp_path / "mine"
    for index in range(9):
        save_grey(holes / f"{index:02d}.png", 0 if index == 3 else 200)
    own = export_suite(Suite.open([pictures], f"folder:{holes}", seed=4), tmp_path / "own")
    both = export_suite(Suite.open([pictures], f"rect,folder:{holes}", seed=4), tmp_path / "both")
    assert own["dataset"] == {
        **{"name": "squares", "split": "validation", "size": 64, "count": 9, "note": "made by rule"}
    }
    # Holes from files owe nothing to a seed.
    assert (own["seed"], both["seed"]) == (None, 4)
    assert (own["masks"], both["masks"]) == (["mine"], ["rect", "mine"])
    assert any("grey" in note for note in own["notes"]) and any("empty" in note for note in own["notes"])
    assert [entry["holes"]["mine"]["area"] for entry in own["images"]] == [1.0] * 3 + [0.0] + [1.0] * 5
    back = open_dataset(f"suite:{tmp_path / 'own'}", "all")
    assert (back.name, back.split, back.size, len(back)) == ("squares", "validation", 64, 9)
    assert back.note == f"exported suite {own['fingerprint'][:12]}: made by rule"


def save_grey(path: Path, level: int) -> None:
    path.parent.mkdir(exist_ok=True)
    Image.new("L", (64, 64), level).save(path)


def edit(path: Path, change) -> None:  # type: ignore[no-untyped-def]
    picture = np.array(Image.open(path))
    Image.fromarray(change(picture)).save(path)


def flip(picture: np.ndarray) -> np.ndarray:
    picture[0, 0] = 255 - picture[0, 0]
    return picture


def test_one_changed_pixel_is_found_in_each_kind_of_file(copy: Path) -> None:
    edit(copy / "images/shapes/00.png", flip)
    edit(copy / "holes/rect/shapes/01.png", flip)
    edit(copy / "masked/rect/shapes/02.png", flip)
    found = verify_suite(copy)
    assert not found.whole
    assert found.changed == (
        ("images/shapes/00.png", "has other pixels"),
        ("holes/rect/shapes/01.png", "has other pixels"),
        ("masked/rect/shapes/02.png", "has other pixels"),
    )
    assert (found.missing, found.extra) == ((), ())
    assert found.fingerprint not in (None, found.expected)


def test_missing_extra_resized_grey_and_broken_files_are_told_apart(copy: Path) -> None:
    (copy / "images/shapes/00.png").unlink()
    (copy / "holes/rect/shapes/01.png").rename(copy / "holes/rect/shapes/one.png")
    (copy / "masked/notes.txt").write_text("mine")
    (copy / "images/.DS_Store").write_bytes(b"")
    edit(copy / "images/shapes/02.png", lambda picture: picture[1:])
    edit(copy / "holes/rect/shapes/03.png", lambda picture: np.where(picture == 255, 254, picture).astype(np.uint8))
    (copy / "holes/lama_thin/shapes/04.png").write_bytes(b"broken")
    found = verify_suite(copy)
    assert found.missing == ("images/shapes/00.png", "holes/rect/shapes/01.png")
    assert found.extra == ("holes/rect/shapes/one.png", "masked/notes.txt")
    changed = dict(found.changed)
    assert changed["images/shapes/02.png"] == "is 80x47 pixels, not 80x48"
    assert changed["holes/rect/shapes/03.png"] == "has pixels that are neither black nor white"
    assert "cannot be read as a picture" in changed["holes/lama_thin/shapes/04.png"]
    assert len(found.changed) == 3
    assert found.fingerprint is None


def test_a_stray_file_alone_or_a_narrower_picture_is_found(copy: Path) -> None:
    (copy / "holes/stray.png").write_bytes(b"")
    found = verify_suite(copy)
    assert not found.whole and found.fingerprint == found.expected and found.extra == ("holes/stray.png",)
    (copy / "holes/stray.png").unlink()
    assert verify_suite(copy).whole
    edit(copy / "masked/rect/shapes/01.png", lambda picture: picture[:, 1:])
    assert verify_suite(copy).changed == (("masked/rect/shapes/01.png", "is 79x48 pixels, not 80x48"),)


@pytest.mark.parametrize("step", [-1e-6, 1e-6])
def test_a_wrong_hole_area_is_found_either_way(copy: Path, step: float) -> None:
    manifest = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    manifest["images"][2]["holes"]["rect"]["area"] += step
    (copy / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    ((name, what),) = verify_suite(copy).changed
    assert name == "manifest.json" and "another hole area of holes/rect/shapes/02.png" in what


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"protocol": "mat"', '"protocol": "lama"'),
        ('"fingerprint": "', '"fingerprint": "0'),
        ('"area": 0.', '"area": 0.9'),
    ],
)
def test_a_changed_manifest_is_found(copy: Path, old: str, new: str) -> None:
    file = copy / "manifest.json"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert not verify_suite(copy).whole


def test_a_picture_taken_out_of_the_manifest_too_is_found(copy: Path) -> None:
    manifest = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    gone = manifest["images"].pop()["id"]
    (copy / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    for path in copy.rglob(f"{gone}.png"):
        path.unlink()
    found = verify_suite(copy)
    assert (found.missing, found.changed, found.extra) == ((), (), ())
    assert not found.whole


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"kind": "inpaint-bench suite", "schema": 2}', '{"kind": "other", "schema": 1}'],
)
def test_a_folder_that_is_no_suite_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no suite at"):
        verify_suite(tmp_path)
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(UsageError, match=r"manifest\.json is not a suite manifest"):
        verify_suite(tmp_path)


@pytest.mark.parametrize("bad", ["../secret", "/etc/passwd", "a/../../b", "a\\b"])
def test_a_manifest_cannot_lead_out_of_its_folder(copy: Path, bad: str) -> None:
    manifest = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    manifest["images"][0]["id"] = bad
    (copy / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(UsageError, match="points outside the folder"):
        verify_suite(copy)


def test_a_folder_in_use_is_refused_and_force_replaces_the_earlier_suite_only(copy: Path) -> None:
    (copy / "images/mine.txt").write_text("mine")
    suite = Suite((SQUARES,), ("circle",))
    before = sorted(copy.rglob("*"))
    with pytest.raises(UsageError, match="is not empty: name a new folder, or --force"):
        export_suite(suite, copy)
    assert sorted(copy.rglob("*")) == before
    export_suite(suite, copy, force=True)
    assert verify_suite(copy).extra == ("images/mine.txt",)
    assert not (copy / "holes" / "rect").exists()
    (copy / "images/mine.txt").unlink()
    assert verify_suite(copy).whole


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is a file"):
        export_suite(Suite((SQUARES,), ("circle",)), tmp_path / "file")


def test_an_export_that_fails_half_way_leaves_no_manifest(tmp_path: Path) -> None:
    calls = []

    def stop(done: int) -> None:
        calls.append(done)
        if len(calls) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_suite(Suite((SQUARES,), ("circle",)), tmp_path / "x", progress=stop)
    with pytest.raises(UsageError, match="no suite at"):
        verify_suite(tmp_path / "x")
    assert not list(tmp_path.rglob(".*"))
    export_suite(Suite((SQUARES,), ("circle",)), tmp_path / "x", force=True)
    assert verify_suite(tmp_path / "x").whole


def test_an_export_that_was_killed_as_it_began_is_mended_by_the_same_command(tmp_path: Path) -> None:
    left = tmp_path / "x" / ".manifest.json.part-abc.part"
    left.parent.mkdir()
    left.write_text("al")
    export_suite(Suite((SQUARES,), ("circle",)), tmp_path / "x")
    assert verify_suite(tmp_path / "x").whole and not left.exists()
    (tmp_path / "y").mkdir()
    (tmp_path / "y" / ".notes-abc.part").write_text("somebody's")
    with pytest.raises(UsageError, match="is not empty"):
        export_suite(Suite((SQUARES,), ("circle",)), tmp_path / "y")


def test_a_bad_hole_file_stops_the_export_before_anything_is_written(tmp_path: Path) -> None:
    for index in range(9):
        path = tmp_path / "holes" / f"{index:02d}.png"
        path.parent.mkdir(exist_ok=True)
        Image.new("L", (64, 64 - (index == 8)), 255).save(path)
    suite = Suite.open([SQUARES], f"folder:{tmp_path / 'holes'}")
    with pytest.raises(UsageError, match=r"08\.png is 64x63 pixels"):
        export_suite(suite, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_suite_read_back_has_the_fingerprint_it_was_exported_with(exported: Path) -> None:
    pictures = open_dataset(f"suite:{exported}")
    suite = Suite.open([pictures], f"folder:{exported}", protocol="mat")
    assert suite.masks == ("lama_thin", "rect")
    assert suite.fingerprint() == read_manifest(exported)["fingerprint"]
    # And with the holes drawn anew from the seed.
    assert Suite.open([pictures], ",".join(MASKS), 3, protocol="mat").fingerprint() == suite.fingerprint()
    assert list(pictures.ids) == list(MIXED.ids)
    assert (pictures.name, pictures.size) == ("patterns", None)


def keep_only(folder: Path, image_id: str) -> None:
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["images"] = [entry for entry in manifest["images"] if entry["id"] == image_id]
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def test_a_suite_of_version_1_is_verified_and_scored_under_its_own_fingerprint(copy: Path) -> None:
    manifest = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    assert manifest.pop("suite_version") == 2
    lines = [
        f"image {json.dumps(entry['id'])} {entry['height']}x{entry['width']} {entry['sha256']}"
        for entry in manifest["images"]
    ]
    for name in sorted(MASKS):
        for entry in manifest["images"]:
            digest = entry["holes"][name]["sha256"]
            lines.append(f"hole {name} {json.dumps(entry['id'])} {entry['height']}x{entry['width']} {digest}")
    data = sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()
    old = sha256(f"inpaint-bench suite 1\nprotocol mat\n{data}\n".encode()).hexdigest()
    manifest["fingerprint"] = old
    (copy / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert verify_suite(copy).whole
    pictures = open_dataset(f"suite:{copy}")
    assert Suite.open([pictures], f"folder:{copy}", protocol="mat").fingerprint() == old
    # Drawn anew, its holes are those of today.
    assert Suite.open([pictures], ",".join(MASKS), 3, protocol="mat").version == 2
    manifest["suite_version"] = 3
    (copy / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(UsageError, match="made by a later release"):
        open_dataset(f"suite:{copy}")


def test_pictures_of_an_exported_suite_stay_frozen(copy: Path) -> None:
    # The three lowest digests of ids, in the suite's order, are among the four lowest.
    lowest = sorted(MIXED.ids, key=lambda image_id: int.from_bytes(sha256(image_id.encode()).digest()[:8], "little"))
    for count in (3, 4):
        assert open_dataset(f"suite:{copy}", count=count).ids == sorted(lowest[:count])
    for split in ("train", "validation"):
        with pytest.raises(UsageError, match=f"has no {split} pictures"):
            open_dataset(f"suite:{copy}", split)
    with pytest.raises(UsageError, match="frozen: leave out the size"):
        open_dataset(f"suite:{copy}", size=64)
    keep_only(copy, "shapes/00")  # of 64 x 64 pixels
    assert open_dataset(f"suite:{copy}", size=64).size == 64
    with pytest.raises(UsageError, match=r"leave out the size \(32 px\)"):
        open_dataset(f"suite:{copy}", size=32)


def test_a_changed_picture_of_an_exported_suite_is_refused(copy: Path) -> None:
    edit(copy / "images/shapes/01.png", flip)
    with pytest.raises(BenchError, match=r"01\.png is not the picture that was exported"):
        open_dataset(f"suite:{copy}").load(1)
    # The same bytes in another shape have the same digest.
    edit(copy / "images/shapes/00.png", lambda picture: picture.reshape(32, 128, 3))
    with pytest.raises(BenchError, match=r"00\.png is not the picture that was exported"):
        open_dataset(f"suite:{copy}").load(0)
    (copy / "images/shapes/02.png").unlink()
    with pytest.raises(UsageError, match=r"1 of 7 pictures are missing .*shapes/02"):
        open_dataset(f"suite:{copy}")
    with pytest.raises(UsageError, match="no suite at"):
        open_dataset(f"suite:{copy}/nowhere")
    with pytest.raises(UsageError, match="write suite:DIR"):
        open_dataset("suite")


def photographs(folder: Path) -> Path:
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name, shape in (("a", (40, 50, 3)), ("b", (64, 48, 3)), ("c", (40, 50, 3))):
        Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).save(folder / f"{name}.png")
    return folder


def test_the_commands_export_verify_and_tell_a_tampered_suite(tmp_path: Path) -> None:
    photographs(tmp_path / "photos")
    words = ["suite", "export", "out", "--data", "folder:photos", "--masks", "half,freeform", "--seed", "2", "--json"]
    made = bench(*words, cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    facts = json.loads(made.stdout)
    assert (facts["images"], facts["masks"]) == (3, ["half", "freeform"])
    whole = bench("suite", "verify", "out", cwd=tmp_path)
    assert whole.returncode == 0, whole.stderr
    assert facts["suite"] in whole.stdout
    edit(tmp_path / "out/holes/half/b.png", flip)
    (tmp_path / "out/images/c.png").unlink()
    broken = bench("suite", "verify", "out", cwd=tmp_path)
    assert broken.returncode == 1
    assert "missing: images/c.png" in broken.stdout
    assert "changed: holes/half/b.png (has other pixels)" in broken.stdout
    as_json = bench("suite", "verify", "out", "--json", cwd=tmp_path)
    assert as_json.returncode == 1
    assert json.loads(as_json.stdout)["missing"] == ["images/c.png"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["verify", "photos"], "no suite at photos"),
        (["export", "photos", "--data", "folder:photos"], "is not empty"),
        (["export", "photos", "--data", "folder:photos", "--force"], "the folder to write"),
        (["export", "out", "--data", "folder:photos", "--masks", "cirle"], "did you mean circle"),
        (["export", "out", "--data", "foldr:photos"], "did you mean folder"),
        (["export", "out", "--data", "folder:nowhere"], "does not exist"),
        (["export", "out", "--data", "folder:photos", "--protocol", "nativ"], "did you mean native"),
        (["export", "out", "--data", "folder:photos", "--masks", "folder:nowhere"], "no folder of holes"),
        (
            ["export", "out", "--data", "folder:photos", "--mask-polarity", "blue", "--masks", "folder:photos"],
            "polarity",
        ),
        (["export", "out", "--data", "folder:photos", "--split", "tets"], "unknown split"),
        (["export"], "DIR"),
    ],
)
def test_wrong_usage_is_one_sentence_exit_2_and_nothing_written(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    photographs(tmp_path / "photos")
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["bench", "suite", *words])
    with pytest.raises(SystemExit) as end:
        main()
    out, err = capsys.readouterr()
    assert end.value.code == 2
    assert said in err
    assert out == ""
    assert sorted(tmp_path.rglob("*")) == before
