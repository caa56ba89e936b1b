"""What a tiny run gives out, held against files in expected/: a change of code must not move it unnoticed.

Where a change is meant, write the files anew and read the difference before committing it:

    BENCH_GOLDEN=write python -m pytest tests/golden

Numbers are compared with a tolerance, since another processor's arithmetic moves the last bits of a network's fill and,
rarely, one of its 8-bit levels. Nothing is trained here: weights drawn by numpy are the same everywhere.
"""

from __future__ import annotations

import json
import math
import os
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bench.cli import main

EXPECTED = Path(__file__).parent / "expected"
WRITE = os.environ.get("BENCH_GOLDEN") == "write"

RELATIVE = 2e-3
ABSOLUTE = 2e-4

METHODS = ("baseline", "mean_fill", "telea")
RUN = ["run", "--profile", "tiny", "--no-throughput", "--device", "cpu", "--set", "width=4"]
RUN += ["--set", "data=scenes,photos", "--set", "count=12,6", "--set", f"variants={','.join(METHODS)}"]
THRESHOLDS = """against = "old"
fail_if = [
    "psnr_hole:0.2",
    "ssim_hole[rect]:5%",
    "*.sharpness[*]:0.1",
    "telea.psnr_hole<15",
    "mean_fill.colour_shift>4",
    "baseline.speed:10%",
    "peak_memory_mib:5%",
]
"""

MACHINE = {
    "versions": {"python": "3.0.0", "inpaint-bench": "0.0.0"},
    "machine": {"system": "a system", "processor": "a processor", "cores": "2", "memory_gib": "8.0"},
    "git": {"commit": "0" * 40, "state": "clean"},
    "stages": {"evaluate": 1.0, "samples": 2.0, "report": 3.0},
}
"""What stands in run.json for what differs from machine to machine."""


def weights(seed: int) -> dict[str, Any]:
    """A state dict for a baseline of width 4, of numpy's draws: fills that are grey and a little uneven."""
    import torch

    from variants.registry import variant

    rng = np.random.default_rng(seed)
    state = variant.get("baseline")().network(4).state_dict()
    for name, tensor in state.items():
        if tensor.dtype.is_floating_point:
            low, high = (0.5, 1.5) if name.endswith("running_var") else (-0.3, 0.3)
            state[name] = torch.from_numpy(rng.uniform(low, high, tuple(tensor.shape)).astype(np.float32))
    return state


def prepare(run: Path, seed: int) -> None:
    """A run folder as it is after training and timing: what this machine computes or measures does not matter."""
    from safetensors.torch import save_file

    folder = run / "checkpoints" / "baseline" / "seed-0"
    folder.mkdir(parents=True)
    save_file(weights(seed), folder / "generator.safetensors")
    speed = [
        {
            **{
                "variant": name,
                "device": "cpu",
                "precision": "fp32",
                "mode": "eager",
                "resolution": 32,
                "batch": batch,
            },
            "images_per_s": speed * batch,
            "images_per_s_low": 0.98 * speed * batch,
            "images_per_s_high": 1.02 * speed * batch,
            "latency_ms_p50": 1000 / speed,
            "peak_memory_mib": 40.0 + batch,
            "parameters": 2000 if name == "baseline" else 0,
        }
        for name, speed in (("baseline", 500.0 - 100 * seed), ("telea", 1500.0), ("calibration", 700.0))
        for batch in (1, 4)
    ]
    pd.DataFrame(speed).to_parquet(run / "throughput.parquet", index=False)


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Name of an expected file -> what the commands gave, masked."""
    import contextlib
    import io

    work = tmp_path_factory.mktemp("golden")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("BENCH_")]:
            patch.delenv(name)
        # No backbone of LPIPS or Inception may be found: their columns are empty, and say so.
        for name, value in {"TORCH_HOME": "hub", "BENCH_OFFLINE": "1", "COLUMNS": "120"}.items():
            patch.setenv(name, value)
        patch.delenv("FORCE_COLOR", raising=False)
        patch.chdir(work)

        def typed(*words: str, code: int = 0) -> str:
            patch.setattr("sys.argv", ["bench", *words])
            shown, told = io.StringIO(), io.StringIO()
            with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(told), pytest.raises(SystemExit) as end:
                main()
            assert end.value.code == code, told.getvalue()
            return mask(shown.getvalue(), work)

        (work / "thresholds.toml").write_text(THRESHOLDS)
        prepare(work / "runs" / "old", 0)
        prepare(work / "runs" / "new", 1)
        table = typed(*RUN, "--out", "old")
        run = work / "runs" / "old"
        same_everywhere(run / "run.json", newest=1)
        typed("report", "old")
        other = "runs/new/checkpoints/baseline/seed-0/generator.safetensors"
        eval_table = typed("eval", *METHODS, "--run", "old", "--checkpoint", other, "--device", "cpu", "--out", "new")
        same_everywhere(work / "runs" / "new" / "run.json", newest=2)
        return {
            "run.json": mask((run / "run.json").read_text(), work),
            "summary.json": mask((run / "summary.json").read_text(), work),
            "records.json": records(run / "records"),
            "report.txt": mask(text_of((run / "report.html").read_text()), work),
            "run.txt": table,
            "eval.txt": eval_table,
            "compare.json": typed("compare", "old:baseline", "baseline", "--json", "--resamples", "1000"),
            "compare.txt": typed("compare", "mean_fill", "telea", "baseline", "--resamples", "1000"),
            "check.json": typed("check", "--json", code=3),
            "check.txt": typed("check", code=3),
            **{f"list-{kind}.txt": typed("list", kind) for kind in ("variants", "masks", "datasets", "runs")},
            "list-metrics.json": typed("list", "metrics", "--json"),
        }


NAMES = (
    *("run.json", "summary.json", "records.json", "compare.json", "check.json", "list-metrics.json", "report.txt"),
    *("run.txt", "eval.txt", "compare.txt", "check.txt"),
    *("list-variants.txt", "list-masks.txt", "list-datasets.txt", "list-runs.txt"),
)


@pytest.mark.parametrize("name", NAMES)
def test_a_tiny_run_gives_out_what_it_always_did(outputs: dict[str, str], name: str) -> None:
    found, file = outputs[name], EXPECTED / name
    if name.endswith(".json"):
        found = laid_out(json.loads(found)) + "\n"
    if WRITE:
        file.write_text(found, encoding="utf-8")
    expected = file.read_text(encoding="utf-8")
    if name.endswith(".json"):
        unlike = unlike_values(json.loads(expected), json.loads(found))
    else:
        unlike = unlike_lines(expected.splitlines(), found.splitlines())
    assert not unlike, f"{name} is not as in {file} ({len(unlike)} places):\n" + "\n".join(unlike[:12])


def test_a_wrong_number_or_word_would_be_seen() -> None:
    old = {"rows": [{"mean": 20.0, "n": 6, "verdict": "same", "low": None}]}
    for key, value in (("mean", 20.1), ("mean", -20.0), ("n", 7), ("verdict", "worse"), ("low", 0.0), ("more", 1)):
        assert unlike_values(old, {"rows": [{**old["rows"][0], key: value}]}), (key, value)
    assert not unlike_values(old, {"rows": [{**old["rows"][0], "mean": 20.01}]})
    assert unlike_lines(["psnr 20.12 ±0.5"], ["psnr 20.24 ±0.5"])
    assert unlike_lines(["6 pictures"], ["7 pictures"])
    assert unlike_lines(["-3.1"], ["3.1"])
    assert not unlike_lines(["psnr 20.12 ±0.5"], ["psnr 20.13 ±0.5"])


def mask(text: str, work: Path) -> str:
    """Without what differs from run to run: paths, times of day, durations."""
    text = text.replace(str(work), "<work>")
    text = re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?([+-]\d\d:\d\d|Z| UTC)?", "<time>", text)
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def same_everywhere(file: Path, newest: int) -> None:
    """Put MACHINE and even digests into run.json, each where there is something. newest: the order of the runs."""
    manifest = json.loads(file.read_text(encoding="utf-8"))
    missing = [key for key in MACHINE if not manifest[key]]
    assert missing in ([], ["git"]), missing
    manifest |= MACHINE
    # Of all that is made even here; a file without one is read as it is.
    del manifest["sha256"]
    for owner, key in ((manifest, "samples"), *((entry, "weights_sha256") for entry in manifest["variants"])):
        owner[key] = owner.get(key) and "d" * len(owner[key])
    for told in manifest.get("training", {}).values():
        told.update((key, "d" * len(value)) for key, value in told.items())
    file.write_text(json.dumps(manifest), encoding="utf-8")
    os.utime(file, (newest, newest))


def laid_out(value: Any, indent: str = "") -> str:
    """JSON that can be read beside an older one: a row a line, six digits."""
    if isinstance(value, dict | list) and any(isinstance(item, dict | list) for item in nested(value)):
        deeper = indent + " "
        if isinstance(value, dict):
            parts = [f"{json.dumps(k)}: {laid_out(v, deeper)}" for k, v in value.items()]
        else:
            parts = [laid_out(item, deeper) for item in value]
        opening, closing = "{}" if isinstance(value, dict) else "[]"
        return f"{opening}\n{deeper}" + f",\n{deeper}".join(parts) + f"\n{indent}{closing}"
    return json.dumps(rounded(value), ensure_ascii=False)


def nested(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value


def rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def records(folder: Path) -> str:
    """The first two rows of every file of records."""
    rows = {
        file.relative_to(folder).as_posix(): json.loads(
            pd.read_parquet(file).iloc[:2].to_json(orient="records", double_precision=9)
        )
        for file in sorted(folder.rglob("*.parquet"))
    }
    return json.dumps(rows)


def close(old: float, new: float) -> bool:
    return math.isclose(old, new, rel_tol=RELATIVE, abs_tol=ABSOLUTE)


def unlike_values(old: Any, new: Any, where: str = "") -> list[str]:
    """Where two JSON values differ; whole numbers exactly, others beyond the tolerance."""
    if isinstance(old, dict) and isinstance(new, dict):
        found = [f"{where}: keys {sorted(old.keys() ^ new.keys())}"] if old.keys() != new.keys() else []
        return found + [line for k in old if k in new for line in unlike_values(old[k], new[k], f"{where}.{k}")]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [
            line for i, pair in enumerate(zip(old, new, strict=True)) for line in unlike_values(*pair, f"{where}[{i}]")
        ]
    alike = close(old, new) if isinstance(old, float) and isinstance(new, float) else old == new
    return [] if alike else [f"{where}: {old!r} became {new!r}"]


NUMBER = re.compile(r"(?<![\w.])[-−+]?\d+\.\d+(?:e[-+]?\d+)?")


def unlike_lines(old: list[str], new: list[str]) -> list[str]:
    """Where two texts differ; numbers with decimals may differ by one in the last place, all else is exact."""
    found = [f"{len(old)} lines became {len(new)}"] if len(old) != len(new) else []
    for number, (a, b) in enumerate(zip(old, new, strict=False), 1):
        before, after = NUMBER.findall(a), NUMBER.findall(b)
        same = NUMBER.sub("#", a) == NUMBER.sub("#", b) and all(map(alike, before, after))
        found += [] if same else [f"line {number}: {a}\n     became: {b}"]
    return found


def alike(old: str, new: str) -> bool:
    place = 10.0 ** -len(old.partition(".")[2].partition("e")[0])
    values = [float(text.replace("−", "-")) for text in (old, new)]
    return close(*values) or abs(values[0] - values[1]) < 1.5 * place


class Text(HTMLParser):
    """The words of a page, a line each; what stands in a figure is left out."""

    def __init__(self) -> None:
        super().__init__()
        self.inside: list[str] = []
        self.lines: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style", "svg"):
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.inside and self.inside[-1] == tag:
            self.inside.pop()

    def handle_data(self, data: str) -> None:
        words = " ".join(data.split())
        if words and not self.inside:
            self.lines.append(words)


def text_of(page: str) -> str:
    parser = Text()
    parser.feed(page)
    return "\n".join(parser.lines)
