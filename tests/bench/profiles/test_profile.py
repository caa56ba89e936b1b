"""Profiles: what is refused, and in which words."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.profiles.profile import load_profile, profile_names
from bench.util.errors import UsageError
from variants.registry import UnknownName


@pytest.mark.parametrize("name", ["tiny", "quick", "standard", "paper"])
def test_every_profile_of_the_package_is_whole(name):
    assert name in profile_names()
    assert load_profile(name).variants


REFERENCES = ("mean_fill", "telea", "navier_stokes", "biharmonic", "patchmatch")
NETWORKS = (
    *("baseline", "basic_gan", "gan_new_loss", "gan_res_mask", "gan_res_whole"),
    *("double_dg", "double_dg_linear"),
)
SHAPES = ("standard", "rect", "circle", "ellipse")
DEFAULTS = {
    **{"seeds": (0,), "size": 64, "width": 64, "batch": 16, "steps": None, "steps_scale": 1.0, "epochs": None},
    **{"train_data": ("scenes",), "train_count": (4096,), "data": ("scenes",), "count": (64,), "masks": SHAPES},
    **{
        "metrics": (),
        "protocol": "native",
        "mask_polarity": "white",
        "mask_threshold": None,
        "suite_seed": 0,
        "samples": 3,
        "throughput_s": 20.0,
    },
    **{"precision": "auto", "threads": 1, "ema": 0.0, "workers": 0, "suite_entries": ()},
}
# Written down a second time: whoever changes a profile changes what runs by that name mean.
PROFILES = {
    "tiny": {
        **{"variants": ("baseline", "double_dg", "mean_fill", "telea"), "size": 32, "width": 8, "steps": 60},
        **{"train_count": (512,), "count": (24,), "masks": ("standard", "rect"), "samples": 1, "throughput_s": 4.0},
    },
    "demo": {
        **{"variants": ("double_dg_linear", "telea"), "size": 32, "width": 8, "steps": 60},
        **{"train_count": (512,), "count": (24,), "masks": ("standard", "rect"), "samples": 1, "throughput_s": 4.0},
    },
    "quick": {
        # A quarter of the paper's width.
        **{"variants": NETWORKS + REFERENCES, "width": 16, "train_data": ("scenes", "photos")},
        **{"train_count": (6000, 3000), "data": ("scenes", "photos"), "count": (48, 48), "throughput_s": 15.0},
    },
    "standard": {
        **{"variants": NETWORKS + REFERENCES, "seeds": (0, 1, 2), "size": 128, "width": 32, "steps_scale": 5.0},
        **{"train_data": ("scenes", "photos"), "train_count": (20000, 10000), "data": ("scenes", "photos")},
        **{"count": (200, 64), "masks": (*SHAPES, "freeform", "half"), "samples": 4, "throughput_s": 60.0},
    },
    "paper": {
        # The paper's programme: 41,000 pictures at 256 px, its own number of epochs.
        **{"variants": NETWORKS + REFERENCES, "size": 256, "batch": 64, "epochs": 0, "train_count": (41000,)},
        **{"data": ("scenes", "photos"), "count": (1000, 64), "samples": 4, "throughput_s": 120.0},
        **{"masks": (*SHAPES, "lama_thin", "lama_medium", "lama_thick")},
    },
}


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_of_the_package_stays_what_its_name_means(name):
    assert vars(load_profile(name)) == {"name": name, **DEFAULTS, **PROFILES[name]}
    assert set(profile_names()) == set(PROFILES)


def test_one_count_serves_all_data_sets_and_lists_become_json():
    overrides = {"data": "scenes,photos,folder:x", "count": "5", "train_data": "scenes", "train_count": "7"}
    profile = load_profile("quick", overrides)
    assert (profile.count, profile.train_count) == ((5, 5, 5), (7,))
    assert profile.as_dict()["data"] == ["scenes", "photos", "folder:x"]


@pytest.mark.parametrize(
    ("key", "given", "taken"),
    [
        *(("size", "16", 16), ("size", "none", None), ("width", "1", 1), ("batch", "1", 1), ("steps", "1", 1)),
        *(("samples", "0", 0), ("workers", "0", 0), ("count", "1", (1, 1)), ("train_count", "1", (1, 1))),
        *(("precision", "bf16", "bf16"), ("precision", "fp32", "fp32"), ("throughput_s", "1", 1.0)),
        *(("steps_scale", "0.5", 0.5), ("batch", 4.0, 4), ("epochs", "0", 0)),
    ],
)
def test_the_least_that_a_run_can_have_is_taken(key, given, taken):
    assert getattr(load_profile("quick", {key: given}), key) == taken


def test_texts_from_the_command_line_become_the_keys_types():
    profile = load_profile("quick", {"batch": "8", "masks": "rect, circle", "steps": "none", "seeds": "1,2"})
    assert (profile.batch, profile.masks, profile.steps, profile.seeds) == (8, ("rect", "circle"), None, (1, 2))


@pytest.mark.parametrize(
    ("overrides", "error", "words"),
    [
        ({"batchsize": "8"}, UnknownName, "did you mean batch"),
        ({"batch": "eight"}, UsageError, "batch = 'eight' is not a whole number"),
        ({"batch": "0"}, UsageError, "batch = 0 must be at least 1"),
        ({"batch": 1.5}, UsageError, "batch = 1.5 is not a whole number"),
        ({"batch": True}, UsageError, "batch = True is not a whole number"),
        ({"size": "wide"}, UsageError, "size = 'wide' is not a whole number"),
        ({"steps_scale": "much"}, UsageError, "steps_scale = 'much' is not a number"),
        ({"protocol": 3}, UsageError, "protocol = 3 is not text"),
        ({"seeds": "0,one"}, UsageError, "seeds = '0,one' is not a list, each a whole number"),
        ({"width": "0"}, UsageError, "width = 0 must be at least 1"),
        ({"samples": "-1"}, UsageError, "samples = -1 must be at least 0"),
        ({"workers": "-1"}, UsageError, "workers = -1 must be at least 0"),
        ({"threads": "0"}, UsageError, "threads = 0 must be at least 1"),
        ({"ema": "1"}, UsageError, "ema = 1.0 must be at least 0 and below 1"),
        ({"ema": "-0.1"}, UsageError, "ema = -0.1 must be at least 0 and below 1"),
        ({"size": "15"}, UsageError, "size = 15 is too small"),
        ({"steps": "0"}, UsageError, "steps = 0 must be at least 1"),
        ({"precision": "fp16"}, UsageError, "precision = 'fp16': choose from auto, fp32, bf16"),
        ({"seeds": []}, UsageError, "seeds is empty"),
        ({"count": "0"}, UsageError, r"count = \[0, 0\] must be at least 1 each"),
        ({"train_count": "3,0"}, UsageError, r"train_count = \[3, 0\] must be at least 1 each"),
        ({"train_count": "1,2,3"}, UsageError, "train_count has 3 entries and train_data 2"),
        ({"count": "1,2,3"}, UsageError, "count has 3 entries and data 2"),
        ({"seeds": ""}, UsageError, "not a list"),
    ],
)
def test_wrong_keys_and_values_are_refused_in_one_sentence(overrides, error, words):
    with pytest.raises(error, match=words):
        load_profile("quick", overrides)


LARGEST = {
    **{"size": 16384, "width": 4096, "batch": 65536, "threads": 4096, "workers": 4096, "samples": 10000},
    **{"steps": 1000000000, "epochs": 1000000, "count": 1000000000, "train_count": 1000000000},
    **{"seeds": 2147483647, "suite_seed": 9223372036854775807, "steps_scale": 1000000, "throughput_s": 1000000},
}


@pytest.mark.parametrize("key", LARGEST)
def test_beyond_what_makes_sense_a_number_is_a_slip(key):
    most = LARGEST[key]
    load_profile("quick", {key: most})
    for value in (most + 1, str(most + 1)):
        with pytest.raises(UsageError, match=rf"{key} = .* is too large: at most {most:,} makes sense"):
            load_profile("quick", {key: value})


@pytest.mark.parametrize("overrides", [{"suite_seed": -(2**63)}, {"seeds": "0,-2147483648"}, {"throughput_s": "nan"}])
def test_a_number_may_be_as_far_below_nothing_and_no_number_is_none(overrides):
    with pytest.raises(UsageError, match="too large"):
        load_profile("quick", overrides)
    load_profile("quick", {"suite_seed": -(2**63) + 1})


def test_values_of_a_file_are_of_their_types_too(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('variants = "telea"\nsize = "none"\ncount = 7\nsteps_scale = 2\nthroughput_s = 3\n')
    profile = load_profile(str(file))
    assert (profile.variants, profile.size, profile.count) == (("telea",), None, (7,))
    assert (profile.steps_scale, type(profile.steps_scale)) == (2.0, float)
    for line, words in (("size = 32.5", "32.5 is not a whole number"), ("protocol = 1", "1 is not text")):
        file.write_text(f'variants = ["telea"]\n{line}\n')
        with pytest.raises(UsageError, match=rf"mine\.toml: .* = {words}"):
            load_profile(str(file))


def test_entries_of_a_suite_are_told_only_where_there_are_some():
    assert "suite_entries" not in load_profile("tiny").as_dict()
    assert load_profile("tiny", {"suite_entries": "a,b"}).as_dict()["suite_entries"] == ["a", "b"]


def test_an_unknown_profile_is_answered_with_the_nearest():
    with pytest.raises(UnknownName, match="did you mean quick"):
        load_profile("quik")


def test_a_profile_file_of_the_users_own_is_read_and_its_wrong_key_named(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('variants = ["telea"]\nsize = 32\n')
    expected = {"name": "mine", **DEFAULTS, "variants": ("telea",), "size": 32}
    assert vars(load_profile(str(file))) == expected
    file.write_text('variants = ["telea"]\n')
    assert vars(load_profile(str(file))) == {**expected, "size": 64}
    file.write_text('variants = ["telea"]\nsise = 32\n')
    with pytest.raises(UnknownName, match="did you mean size"):
        load_profile(str(file))
    file.write_text("size = 32\n")
    with pytest.raises(UsageError, match="names no variants: add variants"):
        load_profile(str(file))
    with pytest.raises(UsageError, match=r"the profile nowhere\.toml does not exist"):
        load_profile("nowhere.toml")
    file.write_text("variants = [")
    with pytest.raises(UsageError, match="not valid TOML"):
        load_profile(str(file))


def test_a_profile_takes_over_the_keys_of_its_base(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('base = "tiny"\nvariants = ["telea"]\nsize = 64\n')
    expected = {"name": "mine", **DEFAULTS, **PROFILES["tiny"], "variants": ("telea",), "size": 64}
    assert vars(load_profile(str(file))) == expected


@pytest.mark.parametrize(("base", "words"), [('"quik"', "did you mean quick"), ("3", "unknown base in .*'3'")])
def test_a_base_is_a_profile_of_ours(tmp_path, base, words):
    file = tmp_path / "mine.toml"
    file.write_text(f"base = {base}\n")
    with pytest.raises(UnknownName, match=words):
        load_profile(str(file))


def test_a_profile_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_bytes(b'\xef\xbb\xbfvariants = ["telea"]\n')
    assert load_profile(str(tmp_path / "own.toml")).variants == ("telea",)
