"""From what a user writes to methods: seeds, weights, checkpoints, and what is refused before anything is loaded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from bench.methods.load import check_spec, load_methods, split_seed
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
