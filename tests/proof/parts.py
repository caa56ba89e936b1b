"""The attacks, each a list of cases: (what was done, verdict). ``share`` of each is made, drawn by ``seed``."""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.proof.damage import damaged, damaged_trainings
from tests.proof.forked import Done, bench, ended, forked, start, verdict
from tests.proof.kills import at_random, at_writes
from tests.proof.world import EVAL, REPORT, copy, unlike

Case = tuple[str, str]


class Part:
    """world: the run that cases begin with; expected: its facts."""

    def __init__(self, world: Path, expected: dict[str, Any], place: Path, seed: int) -> None:
        self.world, self.expected, self.place = world, expected, place
        self.lot = random.Random(seed)

    def fresh(self) -> Path:
        return copy(self.world, self.place / "case")

    def unlike(self, folder: Path) -> str:
        return unlike(folder / "runs" / "r", self.expected)


# ---- no room, two at once


def again(part: Part, done: Done, folder: Path) -> str:
    """After a kill the same command must end well: refusing is a failure."""
    told = verdict(done, lambda: part.unlike(folder))
    return told if told != "refused" else f"refused: {done.err}"


def no_room(part: Part, count: int) -> Iterator[Case]:
    """No file can grow beyond a size, as on a full disk; then there is room again."""
    for number in range(count):
        folder = part.place / "case"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        size = int(200 * 1.22**number) if count >= 40 else int(200 * 1.22 ** (number * 40 // count))

        def work(size: int = size) -> int:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
            return bench(*REPORT)

        done = forked(work, folder)
        told = verdict(done, lambda: "")
        left = [path.name for path in folder.rglob(".*.part")]
        yield f"{size} bytes", f"left {left}" if left else told
        later = forked(lambda: bench(*REPORT), folder)
        yield f"{size} bytes, then room", again(part, later, folder)


def at_once(part: Part, count: int) -> Iterator[Case]:
    """Two processes give the same command."""
    for number in range(count):
        folder = part.place / "case"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        words = (*REPORT, "--wait") if number % 2 else REPORT
        children = [start(lambda words=words: bench(*words), folder) for _ in range(2)]
        both = [ended(child, streams, None, 120) for child, streams in children]
        told = [verdict(done, lambda folder=folder: part.unlike(folder)) for done in both]
        allowed = {"right"} if number % 2 else {"right", "refused"}
        wrong = [one for one in told if one not in allowed] or ([] if "right" in told else told)
        yield f"pair {number}", wrong[0] if wrong else "refused" if "refused" in told else "right"


# ---- command lines

WORDS = (
    "", " ", "-", "--", "..", "/", "0", "-1", "nan", "inf", "1e999", "99999999999999999999999", "x" * 300,
    "é\u202e", "a=b", "rect",
    "telea", "baseline", "telea@0", "baseline@99999999999999999999", "runs/r", "r", "none", "folder:.",
    "folder:/nowhere",
    "folder:", "predictions:.", "onnx:none.onnx", "torchscript:run.json", "python:os:getcwd", "python:none:f",
    "a:b:c", "@",
    "psnr_hole:0.2", "psnr_hole", "scenes", "circle,rect", "all", "pool:.", "lama", "cpu", "cuda:99", "quick",
    "/dev/zero", "pipe",
    "deep", "%s{0}", "*", "[", "\\", "'", '"', "$HOME", "~", "~nobody", "runs/r/run.json", "out.md", "out.xyz",
    "a.json",
)  # fmt: skip
OPTIONS = (
    "--json", "--size", "--count", "--masks", "--data", "--metrics", "--protocol", "--out", "--run",
    "--runs-dir", "--checkpoint",
    "--device", "--set", "--seeds", "--profile", "--fail-if", "--thresholds", "--against", "--markdown",
    "--junit", "--export",
    "--by-mask", "--strict", "--init", "--noise", "--seed", "--suite-seed", "--split", "--mask-polarity",
    "--mask-threshold",
    "--weights-dir", "--bogus", "--h", "--force", "--samples", "--by-area", "--html", "--compare", "--every",
)  # fmt: skip
COMMANDS = (
    ("list", "variants"), ("list", "runs"), ("list", "masks"), ("compare", "mean_fill", "telea"),
    ("check", "r"), ("report", "r"),
    ("noise", "r"),
    ("eval", "telea", "--count", "1", "--size", "16", "--metrics", "psnr", "--masks", "rect", "--workers", "1"),
    ("suite", "verify", "runs"), ("suite", "export", "s", "--count", "1", "--size", "16"), ("probe",),
    ("run", "--bogus"),
    ("train",), ("throughput", "none"), ("weights", "status"), ("merge",), ("leaderboard",), ("new",),
    ("data", "list"), (),
)  # fmt: skip


def command_lines(part: Part, count: int) -> Iterator[Case]:
    """Commands with words and options drawn at random."""
    folder = part.fresh()
    os.mkfifo(folder / "pipe")
    (folder / "deep").mkdir()
    lot = part.lot
    for _ in range(count):
        words = [*lot.choice(COMMANDS)]
        for _ in range(lot.randrange(4)):
            words += [lot.choice(OPTIONS)] * (lot.random() < 0.6) + [lot.choice(WORDS)] * (lot.random() < 0.8)
        done = forked(lambda words=words: bench(*words), folder, patience=40)
        yield " ".join(word[:40] for word in words), verdict(done, lambda: "")


# ---- what comes from outside


def hostile(part: Part, count: int) -> Iterator[Case]:
    """Manifests, pictures, checkpoints and lists of samples that were made to do harm."""
    attacks = list(attacks_of(part))
    for label, words, set_up, harm in (attacks * (1 + count // len(attacks)))[:count]:
        folder = part.fresh()
        victim = folder / "victim"
        victim.mkdir()
        (victim / "mine.png").write_text("mine")
        set_up(folder)
        done = forked(lambda words=words: bench(*words), folder)
        told = verdict(done, lambda: "")
        harmed = (victim / "mine.png").read_text() != "mine" or (folder / "ran").exists() or harm(folder)
        yield label, "harm was done" if harmed else told


def attacks_of(part: Part) -> Iterator[tuple[str, tuple[str, ...], Callable[[Path], None], Callable[[Path], bool]]]:
    def none(_: Path) -> bool:
        return False

    export = ("suite", "export", "s", "--count", "2", "--size", "16", "--masks", "rect")

    def changed(change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
        def set_up(folder: Path) -> None:
            forked(lambda: bench(*export), folder)
            file = folder / "s" / "manifest.json"
            manifest = json.loads(file.read_text())
            change(manifest)
            file.write_text(json.dumps(manifest))

        return set_up

    for bad in (
        "../victim/mine",
        "/etc/passwd",
        "a/../../victim/mine",
        "C:\\x",
        "c:x",
        "a\0b",
        "",
        "x" * 999,
        3,
        None,
        ["a"],
    ):
        for key in ("id", "masks"):

            def change(manifest: dict[str, Any], bad: Any = bad, key: str = key) -> None:
                if key == "id":
                    manifest["images"][0]["id"] = bad
                else:
                    manifest["masks"] = [bad]

            for words in (
                ("suite", "verify", "s"),
                (*export, "--force"),
                ("eval", "telea", "--data", "suite:s", "--metrics", "psnr"),
            ):
                yield f"manifest {key} {str(bad)[:20]!r}: {words[0]}", words, changed(change), none

    def link(folder: Path) -> None:
        forked(lambda: bench(*export), folder)
        shutil.rmtree(folder / "s" / "images")
        (folder / "s" / "images").symlink_to(folder / "victim")

    yield (
        "images/ is a link: export --force",
        (*export, "--force"),
        link,
        lambda f: len(list((f / "victim").iterdir())) != 1,
    )

    def sample(bad: str) -> Callable[[Path], None]:
        def set_up(folder: Path) -> None:
            secret = folder / "secret.png"
            shutil.copy(next((folder / "runs/r/samples").rglob("truth.png")), secret)
            file = folder / "runs/r/samples/index.json"
            index = json.loads(file.read_text())
            index["items"][0]["truth"] = bad.replace("SECRET", str(secret))
            file.write_text(json.dumps(index))

        return set_up

    for bad in ("SECRET", "../../../secret.png", "a\0b", "/dev/zero", "", "../run.json"):
        yield f"sample {bad}", ("report", "r"), sample(bad), none

    def picture(content: bytes | str) -> Callable[[Path], None]:
        def set_up(folder: Path) -> None:
            (folder / "p").mkdir()
            shutil.copy(next((folder / "runs/r/samples").rglob("truth.png")), folder / "p" / "good.png")
            if isinstance(content, bytes):
                (folder / "p" / "bad.png").write_bytes(content)
            elif content == "pipe":
                os.mkfifo(folder / "p" / "bad.png")
            else:
                (folder / "p" / "bad.png").symlink_to(content)

        return set_up

    for label, content in (("bomb", bomb()), ("cut", bomb()[:60]), ("text", b"x" * 99), ("none", b"")):
        yield (
            f"picture {label}",
            ("eval", "telea", "--data", "folder:p", "--masks", "rect", "--metrics", "psnr"),
            picture(content),
            none,
        )
    for content in ("pipe", "/dev/zero", "bad.png", "/nowhere"):
        yield (
            f"picture {content}",
            ("eval", "telea", "--data", "folder:p", "--masks", "rect", "--metrics", "psnr"),
            picture(content),
            none,
        )

    def checkpoint(make: Callable[[Path], None]) -> Callable[[Path], None]:
        return make

    def pickle_bomb(folder: Path) -> None:
        (folder / "w.pth").write_bytes(b"cos\nsystem\n(S'touch ran'\ntR.")

    for label, make in (
        ("pickle that runs code", pickle_bomb),
        ("nonsense", lambda f: (f / "w.pth").write_bytes(b"\x80\x02" + b"z" * 99)),
        ("empty", lambda f: (f / "w.pth").touch()),
        ("web page", lambda f: (f / "w.pth").write_text("<!DOCTYPE html>")),
        ("pipe", lambda f: os.mkfifo(f / "w.pth")),
        ("device", lambda f: (f / "w.pth").symlink_to("/dev/zero")),
        ("zip", lambda f: (f / "w.pth").write_bytes(b"PK\x05\x06" + bytes(18))),
    ):
        yield (
            f"checkpoint: {label}",
            ("eval", "baseline", "--checkpoint", "w.pth", "--count", "1", "--size", "16"),
            checkpoint(make),
            none,
        )


def bomb() -> bytes:
    """A PNG of 40,000 × 40,000 pixels in a few hundred bytes."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(10_000))) + chunk(b"IEND", b"")
    )


PARTS: dict[str, tuple[Callable[[Part, int], Iterator[Case]], int]] = {
    "damaged files": (damaged, 1000),
    "damaged trainings": (damaged_trainings, 200),
    "kills at writes": (at_writes, 2000),
    "kills at random moments": (at_random, 50),
    "disk full": (no_room, 40),
    "two at once": (at_once, 50),
    "command lines": (command_lines, 1000),
    "hostile input": (hostile, 90),
}
"""Each part with its number of cases; kills at writes end when every step had its own."""

__all__ = ["EVAL", "PARTS", "Part"]
