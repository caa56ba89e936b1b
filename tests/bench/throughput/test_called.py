"""Methods that are only called, ONNX files among them, are timed where and in the batches in which they run."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bench.methods.callable import CallableMethod
from bench.methods.keys import Keys
from bench.methods.load import load_methods
from bench.methods.spec import Spec
from bench.throughput.ladder import ladders_of
from bench.throughput.measure import run
from bench.throughput.plan import Report, make_plan
from bench.throughput.settings import SWEEP, Setting
from bench.throughput.subjects import Subject, inputs, prepare
from tests.bench.methods.conformance import Core, core, export


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    file = tmp_path_factory.mktemp("models") / "core.onnx"
    return export(Core(), file, torch.rand(1, 3, 32, 32), torch.ones(1, 1, 32, 32), free=True)


@pytest.fixture
def hurried(monkeypatch):
    monkeypatch.setattr("bench.throughput.cell.TARGET", 1e9)


def told(subject: Subject, **plan) -> tuple[list[tuple], list[str]]:
    """Device, precision and batches of each ladder, and what is remarked."""
    report = Report()
    ladders = ladders_of(subject, make_plan("cpu", [16], **plan), report)
    return [(one.setting.device, one.setting.precision, one.batches) for one in ladders], report.remarks


def test_an_onnx_file_is_timed_in_every_batch_and_gives_the_pictures_it_gives_alone(model, hurried):
    (method,) = load_methods(f"onnx:{model}", weights=None)
    report = Report()
    frame = run([Subject.of(method)], make_plan("cpu", [32], [1, 3], ["fp32"], ["eager"], 0.1, 1), report).frame
    rows = frame[frame["variant"] == "core"].set_index("batch")
    assert sorted(rows.index) == [1, 3] and set(rows["device"]) == {"cpu"}
    assert rows.loc[3, "max_difference"] <= 1 and rows.loc[3, "within_one_level"] == 1
    assert (rows["images_per_s"] > 0).all() and not report.remarks
    images, holes = inputs(Setting("cpu", "fp32", "eager", 32, 3), 1)[0]
    x = images.permute(0, 3, 1, 2).float() / 255
    whole = core(x * ~holes[:, None], holes[:, None].float())
    expected = torch.where(holes[..., None], (whole * 255).round().byte().permute(0, 2, 3, 1), images)
    filled = prepare(Subject.of(method), Setting("cpu", "fp32", "eager", 32, 3))(images, holes)
    assert np.abs(filled.astype(int) - expected.numpy()).max() <= 1


@pytest.mark.parametrize(
    ("subject", "plan", "ladder", "remark"),
    [
        (Subject("any", most=None), {}, ("cpu", "fp32", (1, 8)), ""),
        (Subject("any", most=None), {"batches": SWEEP}, ("cpu", "fp32", SWEEP), ""),
        (Subject("one"), {}, ("cpu", "fp32", (1,)), ""),
        (Subject("one"), {"batches": [8]}, ("cpu", "fp32", (1,)), "one takes one picture at a time: timed at batch 1"),
        (Subject("four", most=4), {"batches": [2, 4, 8]}, ("cpu", "fp32", (2, 4)), ""),
        (Subject("four", most=4), {"batches": [8]}, ("cpu", "fp32", (4,)), "four takes 4 pictures at a time"),
        (Subject("four", most=4), {"batches": SWEEP}, ("cpu", "fp32", (1, 2, 4)), ""),
        (
            Subject("half", precision="fp16", most=None),
            {},
            ("cpu", "fp16", (1, 8)),
            "half runs on the CPU in fp16",
        ),
        (Subject("there", device="cuda", most=None), {}, ("cuda", "fp32", (1, 8)), "there runs on cuda in fp32"),
    ],
)
def test_what_is_only_called_is_timed_as_it_runs(subject, plan, ladder, remark):
    ladders, remarks = told(subject, **plan)
    assert ladders == [ladder]
    assert [text.startswith(remark) for text in remarks] == [True] * bool(remark)


def test_a_batch_in_which_pictures_come_out_otherwise_is_named_and_never_the_fast_one(hurried):
    def mix(x, h):
        return x * (1 - h) + h * x.mean(dim=(0, 2, 3), keepdim=True)

    method = CallableMethod("mix", mix, spec=Spec("python", "m.py:mix", Keys(batch=4)))
    report = Report()
    frame = run([Subject.of(method)], make_plan("cpu", [32], [1, 4], ["fp32"], ["eager"], 0.1, 1), report).frame
    rows = frame[frame["variant"] == "mix"].set_index("batch")
    assert rows.loc[4, "within_one_level"] < 0.9 and not rows.loc[4, "fast"] and rows.loc[1, "fast"]
    assert report.remarks == ["mix fills a picture differently in a batch of 4 than alone"]
