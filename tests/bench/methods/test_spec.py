"""What a user writes for a method, taken apart: names, kinds, files whose names hold odd characters, keys."""

from __future__ import annotations

import pytest

from bench.methods.keys import Keys
from bench.methods.spec import parse_spec
from variants.errors import ExternalError, UnknownName


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("double_dg@1", ("", "", "double_dg@1")),
        ("mine=double_dg@1", ("mine", "", "double_dg@1")),
        ("onnx:a.onnx", ("", "onnx", "a.onnx")),
        ("lama=onnx:a=b.onnx", ("lama", "onnx", "a=b.onnx")),
        ("onnx:a=b.onnx", ("", "onnx", "a=b.onnx")),
        ("python:mine.py:fill", ("", "python", "mine.py:fill")),
        ("predictions:C:/fills", ("", "predictions", "C:/fills")),
    ],
)
def test_a_spec_has_a_name_a_kind_and_an_argument(text, parts):
    spec = parse_spec(text)
    assert (spec.name, spec.kind, spec.argument) == parts
    assert str(spec) == text


@pytest.mark.parametrize(
    ("keys", "fields"),
    [
        ("range=0,255", {"low_high_in": (0, 255), "low_high_out": (0, 255)}),
        ("in=-1,1&out=0,255", {"low_high_in": (-1, 1), "low_high_out": (0, 255)}),
        ("hole=0", {"hole": 0}),
        ("input=concat&order=mask,picture", {"input": "concat", "order": "mask,picture"}),
        ("blank=0.5", {"blank": "0.5"}),
        ("layout=nhwc&channels=bgr&dtype=fp16", {"layout": "nhwc", "channels": "bgr", "dtype": "fp16"}),
        ("multiple=32&batch=4", {"multiple": 32, "batch": 4}),
        ("size=512", {"size": (512, 512)}),
        ("size=640x480&fit=tile", {"size": (640, 480), "fit": "tile"}),
        ("paste=feather:8", {"feather": 8}),
        ("paste=hard", {"feather": 0}),
        ("output=predicted_image", {"output": "predicted_image"}),
    ],
)
def test_each_key_is_read_to_its_type_and_written_as_it_was(keys, fields):
    spec = parse_spec(f"onnx:a.onnx?{keys}")
    assert spec.argument == "a.onnx"
    assert spec.keys == Keys(**fields)
    assert sorted(str(spec.keys).split("&")) == sorted(keys.split("&"))


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ("holes=0", "'holes=0' in .* is not a key of a SPEC: did you mean hole"),
        ("quux=1", "choose from range, in, out, hole"),
        ("size", "'size' in .* is not a key"),
        ("hole=2", "hole=2 in .* is not valid: choose from hole=1, hole=0"),
        ("layout=nhcw", r"did you mean layout=n(hwc|chw)\?"),
        ("range=0-255", r"did you mean range=0,255\?"),
        ("fit=croped", r"did you mean fit=crop\?"),
        ("size=0", "write a number of pixels, size=512 or size=640x480"),
        ("size=512x", "size=512 or"),
        ("paste=feather", "write paste=hard or paste=feather:8"),
        ("multiple=-8", "multiple=32"),
        ("hole=1&hole=0", "says hole= twice"),
        ("range=0,1&in=0,255", "says in= twice"),
        ("&", "is not a key"),
    ],
)
def test_a_wrong_key_or_value_is_named_with_what_it_may_be(keys, words):
    with pytest.raises(ExternalError, match=words) as caught:
        parse_spec(f"onnx:a.onnx?{keys}")
    assert len(str(caught.value)) < 300


def test_a_file_whose_own_name_holds_a_question_mark_opens(tmp_path):
    file = tmp_path / "what?.pt"
    file.write_bytes(b"x")
    (tmp_path / "odd?hole=0").write_bytes(b"x")
    (tmp_path / "f?.py").write_text("")
    assert parse_spec(f"torchscript:{file}").argument == str(file)
    spec = parse_spec(f"torchscript:{file}?hole=0")
    assert (spec.argument, spec.keys) == (str(file), Keys(hole=0))
    assert parse_spec(f"onnx:{tmp_path}/odd?hole=0").keys == Keys()
    spec = parse_spec(f"python:{tmp_path}/f?.py:fill?output=a?b")
    assert (spec.argument, spec.keys) == (f"{tmp_path}/f?.py:fill", Keys(output="a?b"))


@pytest.mark.parametrize("text", ["onnx:?hole=0", "predictions:fills?hole=0"])
def test_keys_need_a_model(text):
    with pytest.raises(UnknownName):
        parse_spec(text)


def test_a_fit_without_a_size_is_refused():
    with pytest.raises(ExternalError, match="add size=512"):
        Keys(fit="crop").settled()
