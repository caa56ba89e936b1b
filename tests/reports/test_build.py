"""The page as a file: whole, closed to the network, and there whatever the run lacks."""

from __future__ import annotations

import base64
import csv
import errno
import hashlib
import html
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from bench.runs.reader import Run
from bench.runs.writer import RunWriter
from bench.util.errors import BenchError, IncomparableError
from reports import provenance
from reports.build import Report, build_report, gather
from reports.exports import export_tables
from reports.grids import truths_css
from reports.live import watch_run
from reports.numbers import Numbers
from tests.reports.fake_run import fake_run

SECTIONS = ["summary", "grid", "worst", "masks", "areas", "colour", "claims", "training", "throughput"]
SECTIONS += ["reproduce", "provenance"]
HOSTILE = '"><script>alert(1)</script>.png'


def test_the_page_of_a_whole_run_has_every_section(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for section in SECTIONS:
        assert f'<section id="{section}"' in text
        assert f'<a href="#{section}">' in text


def test_the_quick_profile_stays_under_six_megabytes(page: Path) -> None:
    assert page.stat().st_size < 6e6


def test_the_page_asks_the_network_for_nothing(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = re.findall(r'(?:src|href|action|poster|data)="([^"]*)"', text) + re.findall(r"url\(([^)]*)\)", text)
    assert links
    assert all(link.strip("\"'").startswith(("#", "data:")) for link in links)


def test_the_policy_allows_exactly_the_style_and_script_of_the_page(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    found = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert found
    policy = html.unescape(found[1])
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert "unsafe" not in policy
    for tag, rule in (("style", "style-src"), ("script", "script-src")):
        blocks = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert len(blocks) == 1
        digest = base64.b64encode(hashlib.sha256(blocks[0].encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"
    assert ' style="' not in re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    assert not re.search(r"<[^>]* on[a-z]+=", re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL))


def test_no_two_elements_share_an_id(page: Path) -> None:
    ids = re.findall(r'\sid="([^"]*)"', page.read_text(encoding="utf-8"))
    assert len(ids) == len(set(ids))


def test_every_picture_and_figure_has_words(page: Path) -> None:
    text = re.sub(r"<(style|script).*?</\1>", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for image in re.findall(r"<img[^>]*>", text):
        assert 'alt="' in image
    for drawing in re.findall(r"<svg[^>]*>", text):
        assert 'aria-label="' in drawing or 'aria-hidden="true"' in drawing


def test_names_from_outside_are_shown_and_nothing_else(tmp_path: Path) -> None:
    ids = [HOSTILE, "a&b<i>.png", "c", "d", "é ü", "x/y"]
    folder = fake_run(tmp_path / "r", variants=("baseline", "telea"), datasets=("scenes",), ids=ids, samples=3)
    manifest = Run.open(folder).manifest
    manifest.name = manifest.git["branch"] = manifest.variants[0].summary = manifest.versions[HOSTILE] = HOSTILE
    manifest.notes = [HOSTILE]
    manifest.command = ["bench", "run", "--data", f"folder:{HOSTILE}"]
    manifest.datasets[0].skipped = [[HOSTILE, HOSTILE]]
    RunWriter(folder, manifest).write()
    text = build_report(Run.open(folder)).read_text(encoding="utf-8")
    assert "<script>alert" not in text
    assert "<i>.png" not in text
    assert html.escape(HOSTILE).replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in text


def test_torch_is_not_imported(tmp_path: Path) -> None:
    fake_run(tmp_path / "r", variants=("baseline", "telea"), pictures=4, samples=1)
    code = (
        "import sys; from pathlib import Path; from bench.runs.reader import Run; "
        "from reports.build import build_report; "
        "build_report(Run.open(Path(sys.argv[1]))); sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "r")], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


# -- what may be missing -------------------------------------------------------------------------------


def rebuilt(run: Run) -> str:
    return build_report(Run.open(run.path)).read_text(encoding="utf-8")


def test_a_run_that_has_only_begun_has_a_page(tmp_path: Path) -> None:
    folder = tmp_path / "begun"
    RunWriter(folder).write()
    text = build_report(Run.open(folder)).read_text(encoding="utf-8")
    assert "Nothing is scored yet" in text
    assert "still going on" in text


@pytest.mark.parametrize("part", ["summary.json", "throughput.parquet", "samples", "checkpoints"])
def test_a_part_that_is_not_there_yet_leaves_the_rest(small: Run, part: str) -> None:
    target = small.path / part
    shutil.rmtree(target) if target.is_dir() else target.unlink()
    text = rebuilt(small)
    assert 'id="table-methods-scenes"' in text


def test_the_progress_of_a_run_going_on_is_shown(small: Run) -> None:
    profile = {**small.manifest.profile, "variants": ["baseline", "double_dg", "telea"], "steps": 1600}
    RunWriter(small.path, small.manifest).update(finished=None, profile=profile)
    (small.path / "checkpoints" / "double_dg" / "seed-0" / "generator.safetensors").unlink()
    (small.path / "records" / "telea" / "seed-0" / "scenes-circle.parquet").unlink()
    text = rebuilt(small)
    assert "still going on" in text
    assert "step 800 of 1600" in text
    assert "5 of 6 combinations" in text


def test_a_column_of_nothing_says_why(tmp_path: Path) -> None:
    folder = fake_run(
        tmp_path / "r", variants=("baseline", "telea"), pictures=4, samples=1, no_lpips="no weights found"
    )
    text = build_report(Run.open(folder)).read_text(encoding="utf-8")
    assert text.count("lpips is empty: no weights found") == 1


@pytest.mark.parametrize("variants", [("telea",), ("double_dg",)])
def test_one_method_alone_has_a_page(tmp_path: Path, variants: tuple[str, ...]) -> None:
    folder = fake_run(tmp_path / "r", variants=variants, datasets=("photos",), masks=("rect",), pictures=2, samples=1)
    assert f"{variants[0]} stands alone" in build_report(Run.open(folder)).read_text(encoding="utf-8")


def test_one_picture_has_means_without_intervals(tmp_path: Path) -> None:
    alone = {"datasets": ("photos",), "masks": ("rect",), "pictures": 1, "samples": 1, "summary": False}
    folder = fake_run(tmp_path / "r", variants=("baseline", "telea"), **alone)  # type: ignore[arg-type]
    text = build_report(Run.open(folder)).read_text(encoding="utf-8")
    words = re.sub(r"<(style|script).*?</\1>|base64,[^\"]*", "", text, flags=re.DOTALL)
    assert "stands alone" not in words
    assert not re.search(r"\bnan\b", words, re.IGNORECASE)


def test_fills_that_failed_are_counted(small: Run) -> None:
    summary = json.loads((small.path / "summary.json").read_text())
    for row in summary["scores"]:
        if row["variant"] == "double_dg":
            row["failed"] = 3
    (small.path / "summary.json").write_text(json.dumps(summary))
    table = next(t for t in gather(Run.open(small.path)).tables if t.key == "methods-scenes")
    place = [c.key for c in table.columns].index("failed")
    assert {row.name: row.cells[place].value for row in table.rows} == {"baseline": 0, "double_dg": 3, "telea": 0}


def test_broken_samples_are_left_out(small: Run) -> None:
    for file in sorted((small.path / "samples").rglob("truth.png"))[:2]:
        file.write_bytes(b"broken")
    assert 'id="table-methods-scenes"' in rebuilt(small)


# -- beside another run, exports, originals, watching ----------------------------------------------------


def test_another_run_is_set_beside_with_the_gain_of_this_one(small: Run, tmp_path: Path) -> None:
    arguments = {
        "variants": ("baseline", "telea"),
        "datasets": ("scenes",),
        "masks": ("standard", "circle"),
        "pictures": 8,
    }
    other = Run.open(fake_run(tmp_path / "other", samples=0, shift=-1.0, **arguments))  # type: ignore[arg-type]
    found = gather(small, compare=other).context["beside"]
    assert found is not None
    table = found["tables"][0]
    assert table.caption.endswith(f"beside {other.name} on scenes")
    place = [c.key for c in table.columns].index("psnr_hole_gain")
    gains = {row.name: row.cells[place].value for row in table.rows}
    assert gains == pytest.approx({"baseline": 1.0, "telea": 0.0}, abs=1e-9)


def test_runs_of_different_suites_are_not_set_side_by_side(small: Run, tmp_path: Path) -> None:
    other = Run.open(fake_run(tmp_path / "other", variants=("telea",), pictures=4, samples=0, suite="f" * 64))
    with pytest.raises(IncomparableError):
        gather(small, compare=other)


def test_every_table_of_the_page_is_exported(report: Report, page: Path, tmp_path: Path) -> None:
    export_tables(report.tables, tmp_path / "out", "quick", ["a column is empty"])
    shown = set(re.findall(r'id="table-([^"]+)"', page.read_text(encoding="utf-8")))
    written = {file.stem for file in (tmp_path / "out").glob("*.csv")}
    assert shown <= written
    text = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert text.index("a column is empty") < text.index("|")
    assert all(table.caption.split(",")[0].split(" [")[0] in text.replace("\\", "") for table in report.tables)


def test_the_exported_means_are_those_of_the_summary(quick: Run, report: Report, tmp_path: Path) -> None:
    export_tables(report.tables, tmp_path, "quick")
    with (tmp_path / "methods-scenes.csv").open(encoding="utf-8") as file:
        rows = {row["method"]: row for row in csv.DictReader(file)}
    for row in json.loads((quick.path / "summary.json").read_text())["scores"]:
        if (row["dataset"], row["mask"], row["metric"]) == ("scenes", "all", "psnr_hole"):
            assert float(rows[row["variant"]]["psnr_hole"]) == row["mean"]
            assert float(rows[row["variant"]]["psnr_hole_low"]) == row["low"]


def test_originals_are_put_beside_the_page_and_linked(small: Run, tmp_path: Path) -> None:
    path = build_report(small, tmp_path / "out" / "report.html", full_resolution=tmp_path / "out" / "originals")
    index = small.samples
    assert (tmp_path / "out" / "originals" / index[0]["truth"]).read_bytes() == (
        small.path / "samples" / index[0]["truth"]
    ).read_bytes()
    assert f"originals/{index[0]['truth']}" in path.read_text(encoding="utf-8")


def test_a_sample_outside_the_run_is_not_copied(small: Run, tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"secret")
    file = small.path / "samples" / "index.json"
    index = json.loads(file.read_text())
    index["items"][0]["fills"]["telea"]["raw"] = "../../secret.png"
    file.write_text(json.dumps(index))
    build_report(Run.open(small.path), tmp_path / "report.html", full_resolution=tmp_path / "originals")
    copied = [f.read_bytes() for f in (tmp_path / "originals").rglob("*") if f.is_file()]
    assert copied and b"secret" not in copied


def test_watching_writes_while_the_run_goes_on_and_ends_with_it(small: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    file = small.path / "run.json"
    manifest = json.loads(file.read_text())
    file.write_text(json.dumps({**manifest, "finished": None}))
    page = small.path / "report.html"
    seen: list[str] = []

    def sleep(_: float) -> None:
        seen.append(page.read_text(encoding="utf-8"))
        if len(seen) == 2:
            file.write_text(json.dumps(manifest))

    monkeypatch.setattr("time.sleep", sleep)
    watch_run(small.path, page, 2)
    assert len(seen) == 2
    assert 'data-reload="2"' in seen[0]


def test_the_worst_fill_of_a_method_is_the_lowest_of_its_records(quick: Run, report: Report) -> None:
    worst = {(w.label, w.dataset, w.mask): w for w in report.context["worst"]}
    frame = pd.read_parquet(quick.path / "records" / "double_dg" / "seed-0" / "scenes-circle.parquet")
    expected = frame.loc[frame["psnr_hole"].idxmin()]
    found = worst["double_dg", "scenes", "circle"]
    assert (found.image_id, found.value) == (expected["image_id"], expected["psnr_hole"])
    assert found.cell is not None


def test_the_commands_to_run_again_are_what_a_shell_takes(report: Report) -> None:
    context = report.context
    lines = context["reproduce"].splitlines()
    assert lines[-1] == ".venv/bin/bench run --profile quick --out quick"
    command = context["viewer"]["commands"]["double_dg"]["circle"]
    assert command == ".venv/bin/bench eval double_dg --run quick --masks circle --save-predictions repainted"


def test_fills_of_models_from_elsewhere_are_painted_by_the_evaluation_that_made_the_run(tmp_path: Path) -> None:
    run = fake_run(tmp_path / "r", variants=("baseline", "telea"), datasets=("scenes",), pictures=8, samples=1)
    shutil.rmtree(run / "checkpoints", ignore_errors=True)
    writer = RunWriter(run, Run.open(run).manifest)
    writer.update(command=["bench", "eval", "baseline", "telea", "--run", "other", "--save-predictions", "old"])
    commands = provenance.cell_commands(Numbers(Run.open(run)))
    expected = ".venv/bin/bench eval baseline telea --run other --save-predictions repainted"
    assert commands["baseline"]["circle"] == expected
    assert "--masks circle" in commands["telea"]["circle"]
    # A run that trained them, and lost them: no command brings the same weights back.
    writer.update(command=["bench", "run"])
    assert "baseline" not in provenance.cell_commands(Numbers(Run.open(run)))


def test_models_from_outside_alone_are_called_so_and_one_of_them_by_its_name(tmp_path: Path) -> None:
    def titles(*names: str) -> list[str]:
        folder = fake_run(
            tmp_path / names[-1], variants=names, datasets=("photos",), masks=("rect",), pictures=10, samples=1
        )
        manifest = json.loads((folder / "run.json").read_text())
        for entry in manifest["variants"]:
            entry["kind"] = "external" if entry["kind"] == "network" else entry["kind"]
        (folder / "run.json").write_text(json.dumps(manifest))
        return [title for _, title, _ in gather(Run.open(folder)).context["groups"]]

    assert "Worst of baseline" in titles("baseline", "telea")
    assert "Worst on average over the models" in titles("baseline", "double_dg")


def test_a_run_of_an_installed_package_is_made_again_by_that_package(tmp_path: Path) -> None:
    run = fake_run(tmp_path / "r", variants=("telea",), datasets=("scenes",), pictures=8, samples=1)
    writer = RunWriter(run, Run.open(run).manifest)
    writer.update(git={}, command=["bench", "eval", "telea"], versions={"inpaint-bench": "0.1.0"})
    numbers = Numbers(Run.open(run))
    lines = provenance.reproduce(numbers).splitlines()
    assert (lines[0], lines[-1]) == ("pip install inpaint-bench==0.1.0", "bench eval telea")
    assert provenance.cell_commands(numbers)["telea"]["circle"].startswith("bench eval telea --run ")


def test_a_run_of_a_plug_in_is_made_again_with_the_plug_in(tmp_path: Path) -> None:
    run = fake_run(tmp_path / "r", variants=("telea", "baseline"), datasets=("scenes",), pictures=8, samples=1)
    shutil.rmtree(run / "checkpoints", ignore_errors=True)
    writer = RunWriter(run, Run.open(run).manifest)
    writer.update(git={}, command=["bench", "--plugin", "mine.py", "--debug", "eval", "telea", "baseline"])
    commands = provenance.cell_commands(Numbers(Run.open(run)))
    assert commands["telea"]["circle"].startswith("bench --plugin mine.py --debug eval telea --run ")
    assert (
        commands["baseline"]["circle"]
        == "bench --plugin mine.py --debug eval telea baseline --save-predictions repainted"
    )


def test_the_page_says_where_its_commands_save_fills(tmp_path: Path) -> None:
    run = fake_run(tmp_path / "r", variants=("double_dg", "telea"), datasets=("scenes",), pictures=8, seeds=(0, 1))
    viewer = gather(Run.open(run)).context["viewer"]
    assert viewer["painted"]["telea"] == "repainted/telea"
    assert viewer["painted"]["double_dg@1"] == "repainted/seed-1/double_dg"
    assert viewer["commands"]["double_dg@1"]["circle"].endswith("--save-predictions repainted/seed-1")
    # Painted again by one command, both seeds are saved apart.
    shutil.rmtree(run / "checkpoints")
    assert gather(Run.open(run)).context["viewer"]["painted"]["double_dg@1"] == "repainted/double_dg@1"


def test_a_page_on_which_every_fill_failed_says_so_and_has_no_empty_sections(tmp_path: Path) -> None:
    run = fake_run(tmp_path / "r", variants=("telea",), datasets=("scenes",), pictures=8, samples=1, summary=False)
    (run / "throughput.parquet").unlink()
    shutil.rmtree(run / "samples")
    for file in run.glob("records/**/*.parquet"):
        frame = pd.read_parquet(file).assign(failed="missing")
        scores = frame.select_dtypes("float").columns.drop("hole_area")
        frame[scores] = float("nan")
        frame.to_parquet(file)
    text = build_report(Run.open(run)).read_text(encoding="utf-8")
    assert "No fill could be scored." in text
    assert "Nothing is scored yet" not in text
    assert 'id="failures"' in text
    for section in ("masks", "areas", "colour", "worst"):
        assert f'id="{section}"' not in text
        assert f'href="#{section}"' not in text


def test_data_sets_keep_their_names_and_the_number_of_a_row_is_named(tmp_path: Path) -> None:
    run = fake_run(tmp_path / "r", variants=("telea",), datasets=("photos",), masks=("rect",), pictures=8, samples=1)
    document = json.loads((run / "run.json").read_text())
    document["datasets"][0]["title"] = "myPhotos"
    document["metrics"] = {name: entry for name, entry in document["metrics"].items() if name == "ssim"}
    (run / "run.json").write_text(json.dumps(document))
    text = build_report(Run.open(run)).read_text(encoding="utf-8")
    assert "<h3>myPhotos</h3>" in text
    assert "the number is SSIM." in text


def test_a_tall_picture_is_made_narrower_and_keeps_its_shape(small: Run) -> None:
    rows = gather(small).context["rows"][:2]
    rows[0].scene = replace(rows[0].scene, width=64, height=512)
    rows[1].scene = replace(rows[1].scene, width=64, height=160)
    css = truths_css(rows)
    assert ".s0,.m0{aspect-ratio:64/512;width:max(24px,var(--cell)*0.3125)}" in css
    assert ".s1,.m1{aspect-ratio:64/160}" in css


def test_originals_on_a_full_disk_are_named_and_leave_no_torn_picture(
    small: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Path.write_bytes

    def full(self: Path, content: bytes) -> int:
        whole(self, content[:20])
        raise OSError(errno.ENOSPC, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(BenchError, match=r"originals.*\.png cannot be written \(No space left on device"):
        build_report(small, tmp_path / "report.html", full_resolution=tmp_path / "originals")
    assert not list((tmp_path / "originals").rglob("*.png"))


def test_the_samples_themselves_can_be_the_originals(small: Run, tmp_path: Path) -> None:
    samples = small.path / "samples"
    before = {file: file.read_bytes() for file in samples.rglob("*.png")}
    text = build_report(small, tmp_path / "report.html", full_resolution=samples).read_text(encoding="utf-8")
    assert {file: file.read_bytes() for file in samples.rglob("*.png")} == before
    assert "samples/" in text
