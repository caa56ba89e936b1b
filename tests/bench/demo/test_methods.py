"""Which methods a demo shows, how it is opened, and what it says where it cannot be."""

from __future__ import annotations

import inspect
import json
import socket
import sys
import types
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import save_file

import bench.demo
import bench.stages.train
from bench.cli.demo import demo as command
from bench.demo import methods
from bench.demo.command import serve
from bench.metrics.registry import metric
from bench.runs.manifest import Manifest
from bench.runs.writer import RunWriter
from bench.util.errors import UsageError
from variants.errors import UnknownName
from variants.registry import variant


def weights(run: Path, name: str) -> None:
    folder = run / "checkpoints" / name / "seed-0"
    folder.mkdir(parents=True)
    save_file(variant.get(name)().network(4).state_dict(), folder / "generator.safetensors")  # type: ignore[operator]


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """One run of three trained variants, scored on two data sets."""
    run = tmp_path / "quick"
    for name in ("baseline", "basic_gan", "gan_new_loss"):
        weights(run, name)
    means = {"baseline": (20.0, 18.0), "basic_gan": (12.0, 11.0), "gan_new_loss": (19.0, 21.0)}
    scores = [
        {
            "variant": name,
            "seed": 0,
            "dataset": data,
            "mask": mask,
            "metric": "psnr_hole",
            "mean": mean - (mask != "all"),
        }
        for name, both in means.items()
        for data, mean in zip(("scenes", "photos"), both, strict=True)
        for mask in ("all", "rect")
    ]
    declared = {name: metric.get(name) for name in ("psnr_hole", "lpips")}
    RunWriter(run, Manifest(name=run.name, suite=None, profile={"size": 48}, metrics=declared)).write()
    (run / "summary.json").write_text(json.dumps({"scores": scores}))
    return tmp_path


def test_without_a_spec_the_best_trained_variants_stand_beside_telea_at_the_size_they_learned_at(runs: Path) -> None:
    cast = methods.gather([], runs, "cpu")
    # Means over both data sets: 20.0, 19.0, 11.5.
    assert cast.labels == ["gan_new_loss", "baseline", "telea"]
    assert cast.size == 48
    assert methods.gather(["telea"], runs, "cpu").size == 256
    assert methods.gather(["telea", "baseline"], runs, "cpu", size=96).size == 96


def test_a_picture_alone_is_not_filled_in_a_batch_of_copies(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = methods.gather(["baseline"], runs, "cpu").methods[0]
    seen: list[int] = []
    forward = network.forward  # type: ignore[attr-defined]
    monkeypatch.setattr(network, "forward", lambda x, hole: (seen.append(len(x)), forward(x, hole))[1])
    methods.fill_one(network, np.zeros((32, 32, 3), np.uint8), np.eye(32, dtype=bool))
    assert seen == [1]


def test_where_no_run_has_weights_it_says_so_and_trains_a_small_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trained = []

    def train(context, networks) -> None:
        trained.append((context.profile.size, networks))
        weights(context.writer.path, "double_dg_linear")

    monkeypatch.setattr(bench.stages.train, "train_missing", train)
    cast = methods.gather([], tmp_path, "cpu")
    assert cast.labels == ["double_dg_linear", "telea"] and cast.size == 32
    assert trained == [(32, (("double_dg_linear", 0),))]
    assert "holds trained weights: training a small double_dg_linear" in capsys.readouterr().err
    methods.gather([], tmp_path, "cpu")
    assert len(trained) == 1


def test_wrong_specs_are_refused_before_a_page_opens(runs: Path) -> None:
    with pytest.raises(UsageError, match="finished pictures"):
        methods.gather(["predictions:somewhere"], runs, "cpu")
    with pytest.raises(UnknownName, match="did you mean"):
        methods.gather(["teleo"], runs, "cpu")


def test_without_gradio_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    with pytest.raises(UsageError, match=r"pip install 'inpaint-bench\[demo\]'"):
        serve(["mean_fill"], tmp_path, device="cpu")


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"127.0.0.1:{port}"):
            serve(["mean_fill"], tmp_path, device="cpu", port=port)


def test_show_puts_the_page_below_the_cell_of_a_notebook(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shown: list[str] = []
    display = types.ModuleType("IPython.display")
    display.HTML = display.Javascript = lambda text: text  # type: ignore[attr-defined]
    display.display = shown.append  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", types.ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    page = bench.demo.show("mean_fill", device="cpu", runs=tmp_path)
    try:
        assert len(shown) == 1 and f'src="{page.address}"' in shown[0]
        with urllib.request.urlopen(page.address) as answer:
            assert answer.status == 200
    finally:
        page.close()
    assert not page.uploads.exists()


def test_it_listens_on_this_machine_alone_and_shares_nothing_unless_told_to() -> None:
    defaults = {name: p.default for name, p in inspect.signature(command).parameters.items()}
    assert defaults["host"] == "127.0.0.1" and defaults["share"] is False
