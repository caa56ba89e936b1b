"""From what a user writes to methods: seeds, weights, checkpoints, and what is refused before anything is loaded."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from bench.methods.load import check_spec, is_network, load_all, load_methods, split_seed
from bench.util.errors import UsageError
from variants.errors import ExternalError
from variants.registry import UnknownName, variant


@pytest.mark.parametrize(
    ("spec", "parts"),
    [
        ("double_dg@1", ("double_dg", 1)),
        ("double_dg@12", ("double_dg", 12)),
        ("double_dg", ("double_dg", None)),
        ("double_dg@", ("double_dg@", None)),
        ("double_dg@x", ("double_dg@x", None)),
        ("a@b@2", ("a@b", 2)),
    ],
)
def test_a_seed_stands_after_the_last_at(spec, parts):
    assert split_seed(spec) == parts


@pytest.mark.parametrize("spec", ["telea", "double_dg@3", "torchscript:x.pt", "onnx:x", "python:a:b", "predictions:d"])
def test_what_can_be_a_method_is_let_through(spec):
    check_spec(spec)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("onnx:", "'onnx:' names no file: write onnx:FILE"),
        ("tensorflow:x", "unknown kind of method 'tensorflow:'"),
        ("日本語=predictions:x", "'日本語' in '日本語=predictions:x' cannot be a method's name: use letters"),
        ("<i>=onnx:x", "'<i>' in '<i>=onnx:x' cannot be a method's name"),
        ("tensorflow:x", "torchscript:, onnx:, python:, predictions:"),
        ("double_gd@1", "unknown variant 'double_gd': did you mean double_dg"),
    ],
)
def test_what_cannot_be_a_method_is_refused(spec, words):
    with pytest.raises(UnknownName, match=words):
        check_spec(spec)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("weights") / "w.pth"
    torch.save(variant.get("baseline")().network(4).state_dict(), file)
    return file


@pytest.mark.parametrize(("spec", "asked"), [("baseline", None), ("baseline@2", 2)])
def test_weights_are_asked_for_by_name_and_seed_and_say_which_seed_they_are(checkpoint, spec, asked):
    given = []

    def weights(name: str, seed: int | None) -> tuple[Path, int]:
        given.append((name, seed))
        return checkpoint, 5

    method = load_methods(spec, weights=weights)[0]
    assert given == [("baseline", asked)]
    assert (method.name, method.seed) == ("baseline", 5)


@pytest.mark.parametrize(("spec", "seed"), [("baseline", 0), ("baseline@2", 2)])
def test_a_named_checkpoint_is_taken_and_nothing_is_asked(checkpoint, spec, seed):
    method = load_methods(spec, weights=lambda name, seed: pytest.fail("asked"), checkpoint=checkpoint)[0]
    assert method.seed == seed


def test_a_reference_is_called_on_8_bit_pictures_as_its_own_fill_is():
    hole = np.zeros((1, 8, 8), bool)
    hole[:, 2:5, 3:6] = True
    image = np.random.default_rng(0).integers(0, 256, (1, 8, 8, 3), dtype=np.uint8)
    method = load_methods("mean_fill", weights=None)[0]
    assert (method.name, method.kind, method.parameters) == ("mean_fill", "reference", 0)
    mean = image[0][~hole[0]].mean(0) / 255
    np.testing.assert_allclose(method.fill(image, hole, ["a"], "rect")[0][hole[0]], np.tile(mean, (9, 1)), atol=2e-3)


def test_a_registered_function_is_a_method(monkeypatch):
    monkeypatch.setattr(variant, "_entries", {**variant._entries, "grey": lambda x, hole: x * 0 + 0.5})
    method = load_methods("grey", weights=None)[0]
    assert (method.name, method.kind) == ("grey", "external")


def test_a_checkpoint_is_of_the_networks_among_several(checkpoint):
    specs = ["telea", "baseline@3", "mean_fill"]
    methods = load_all(specs, lambda name, seed: pytest.fail("asked"), checkpoint, "cpu")
    assert [(m.name, m.seed, m.kind) for m in methods] == [
        ("telea", 0, "reference"),
        ("baseline", 3, "network"),
        ("mean_fill", 0, "reference"),
    ]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [("baseline", True), ("baseline@2", True), ("telea", False), ("onnx:baseline", False), ("python:a:b", False)],
)
def test_what_is_a_network_of_ours(spec, expected):
    assert is_network(spec) is expected


def test_two_of_one_name_and_seed_are_refused_as_they_are_named(checkpoint):
    assert len(load_all(["telea", "other=telea"], None, None, "cpu")) == 2
    with pytest.raises(UsageError, match="telea with seed 0 is named twice"):
        load_all(["telea", "telea"], None, None, "cpu")
    assert len(load_all(["baseline@1", "baseline@2"], None, checkpoint, "cpu")) == 2


def test_a_name_is_given_to_the_one_method_and_kept_for_several(tmp_path):
    assert load_methods("mine=telea", weights=None)[0].name == "mine"
    for name in ("a", "b"):
        (tmp_path / name / "rect").mkdir(parents=True)
        Image.new("RGB", (4, 4)).save(tmp_path / name / "rect" / "x.png")
    methods = load_methods(f"us=predictions:{tmp_path}", weights=None)
    assert [(m.name, m.called) for m in methods] == [("a", "us"), ("b", "us")]


def test_a_plug_ins_method_says_whose_it_is_and_has_its_digest(monkeypatch):
    source = SimpleNamespace(what="the plug-in mine.py", digest=lambda: "ab")
    monkeypatch.setattr(variant, "plugin", lambda name: source if name == "telea" else None)
    method = load_methods("telea", weights=None)[0]
    assert method.content == "ab" and method.summary.endswith("(plug-in mine.py)")
    assert "plug-in" not in load_methods("mean_fill", weights=None)[0].summary


def test_a_reference_whose_package_is_missing_says_so(monkeypatch):
    monkeypatch.setattr(variant.get("telea"), "missing", lambda self=None: "no package", raising=False)
    with pytest.raises(ExternalError, match="telea cannot be used: no package"):
        load_methods("telea", weights=None)


@pytest.mark.parametrize("name", ["variants.mine", "bench"])
def test_a_module_called_like_a_package_of_ours_is_said_to_be_shadowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / f"{name.replace('.', '/')}.py"
    file.parent.mkdir(exist_ok=True)
    file.write_text("def fill(image, hole):\n    return image\n")
    with pytest.raises(ExternalError, match=rf"is shadowed .* python:{name.replace('.', '/')}\.py:FUNCTION"):
        load_methods(f"python:{name}:fill", weights=None)
