"""The attacks, each a list of cases: (what was done, verdict). ``share`` of each is made, drawn by ``seed``."""

from __future__ import annotations

import json
import os
import random
import re
import resource
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.proof.forked import Done, bench, ended, forked, start, verdict
from tests.proof.world import EVAL, REPORT, copy, unlike

Case = tuple[str, str]
READERS = (
    ("list", "runs"),
    ("compare", "mean_fill", "telea", "--json"),
    ("check", "r", "--fail-if", "telea.psnr_hole<1", "--json"),
    ("report", "r"),
)


class Part:
    """world: the run that cases begin with; expected: its facts; said: what readers print of it."""

    def __init__(self, world: Path, expected: dict[str, Any], place: Path, seed: int) -> None:
        self.world, self.expected, self.place = world, expected, place
        self.lot = random.Random(seed)
        self.said: dict[tuple[str, ...], str] = {}

    def fresh(self) -> Path:
        return copy(self.world, self.place / "case")

    def unlike(self, folder: Path) -> str:
        return unlike(folder / "runs" / "r", self.expected)


# ---- damaged files

FILES = ("run.json", "summary.json", "report.html", "records", "samples/index.json", "samples")
DAMAGES = ("cut", "flip", "empty", "other", "pipe", "folder", "gone", "device", "nonsense", "zeros")


def damage(part: Part, file: Path, how: str) -> None:
    lot, content = part.lot, file.read_bytes()
    if how in ("pipe", "folder", "gone", "device"):
        file.unlink()
        if how == "pipe":
            os.mkfifo(file)
        elif how == "folder":
            file.mkdir()
        elif how == "device":
            file.symlink_to("/dev/zero")
        return
    if how == "cut":
        content = content[: lot.randrange(len(content))]
    elif how == "flip":
        place = lot.randrange(len(content))
        content = content[:place] + bytes([content[place] ^ 1 << lot.randrange(8)]) + content[place + 1 :]
    elif how == "other":
        others = [path for path in file.parents[0].rglob("*") if path.is_file() and path != file]
        others += [part.place / "case/runs/r/run.json", next((part.place / "case/runs/r").rglob("*.parquet"))]
        content = lot.choice(others).read_bytes()
    elif how == "zeros":
        content = bytes(len(content))
    else:
        content = b"" if how == "empty" else lot.randbytes(200)
    file.write_bytes(content)


def damaged(part: Part, count: int) -> Iterator[Case]:
    """A file of the run is damaged; the command that made the run is given again, or a reader looks at it."""
    for words in READERS:
        part.said[words] = forked(lambda words=words: bench(*words), part.fresh()).out
    for number in range(count):
        folder = part.fresh()
        run = folder / "runs" / "r"
        kind = FILES[number % len(FILES)]
        files = sorted(path for path in (run / kind).rglob("*.p*")) if (run / kind).is_dir() else [run / kind]
        file = part.lot.choice(files)
        how = part.lot.choice([how for how in DAMAGES if (file.name, how) != ("run.json", "gone")])
        damage(part, file, how)
        label = f"{file.relative_to(run)} {how}"
        if number % 2:
            done = forked(lambda: bench(*REPORT), folder)
            yield f"{label}: again", verdict(done, lambda folder=folder: part.unlike(folder))
        else:
            words = part.lot.choice(READERS)
            done = forked(lambda words=words: bench(*words), folder)
            said = part.said[words]

            def same(done: Done = done, said: str = said, words: tuple[str, ...] = words) -> str:
                told = "note:" in done.err or "warning:" in done.err
                return "" if plain(done.out) == plain(said) or told or words[0] == "report" else "other output"

            yield f"{label}: {words[0]}", verdict(done, same)


def plain(said: str) -> str:
    """What a reader prints, without the page that it points to where there is one."""
    return re.sub(r'"look": [^,}]*', "", said)


# ---- kills


def killing(number: int) -> Callable[[], None]:
    """Arms the one writer of files: the process dies at its ``number``-th step."""
    from variants import atomic

    steps = 0

    def step(function: Callable[..., Any]) -> Callable[..., Any]:
        def stepped(*arguments: Any, **named: Any) -> Any:
            nonlocal steps
            for now in (True, False):
                if steps == number:
                    os._exit(9)
                steps += 1
                if now:
                    found = function(*arguments, **named)
            return found

        return stepped

    def arm() -> None:
        atomic.tempfile.mkstemp = step(atomic.tempfile.mkstemp)
        atomic.sync = step(atomic.sync)
        Path.replace = step(Path.replace)  # type: ignore[method-assign]
        Path.chmod = step(Path.chmod)  # type: ignore[method-assign]

    return arm


def killed_at_writes(part: Part, count: int) -> Iterator[Case]:
    """The command dies before or after the opening, syncing or renaming of a file; then it is given again."""
    points = 8 * sum(path.is_file() for path in (part.world / "runs").rglob("*")) + 40
    for number in sorted(part.lot.sample(range(points), min(count, points))):
        folder = part.place / "case"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        arm = killing(number)

        def work(arm: Callable[[], None] = arm) -> int:
            arm()
            return bench(*REPORT)

        forked(work, folder)
        done = forked(lambda: bench(*REPORT), folder)
        yield f"at step {number}", again(part, done, folder)


def killed_at_random(part: Part, count: int) -> Iterator[Case]:
    """The command is killed at a random moment; then it is given again."""
    export = ("suite", "export", "suite", "--count", "4", "--size", "32")
    for number in range(count):
        folder = part.fresh() if number % 3 == 2 else part.place / "case"
        if number % 3 != 2:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        words = (REPORT, export, ("report", "r"))[number % 3]
        moment = part.lot.uniform(0, 1.5)
        forked(lambda words=words: bench(*words), folder, kill_after=moment)
        done = forked(lambda words=words: bench(*words), folder)
        if words is not export:
            yield f"{words[0]} after {moment:.2f} s", again(part, done, folder)
            continue
        whole = forked(lambda: bench("suite", "verify", "suite"), folder)
        finished = done.code == 2 and "is not empty" in done.err
        told = "right" if finished else verdict(done, lambda: "")
        yield f"export after {moment:.2f} s", told if whole.code == 0 else f"not whole: {done.err}{whole.out}"


def again(part: Part, done: Done, folder: Path) -> str:
    """After a kill the same command must end well: refusing is a failure."""
    told = verdict(done, lambda: part.unlike(folder))
    return told if told != "refused" else f"refused: {done.err}"


# ---- no room, two at once


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
    "kills at writes": (killed_at_writes, 150),
    "kills at random moments": (killed_at_random, 60),
    "disk full": (no_room, 40),
    "two at once": (at_once, 50),
    "command lines": (command_lines, 1000),
    "hostile input": (hostile, 90),
}
"""Each part with its number of cases."""

__all__ = ["EVAL", "PARTS", "Part"]
