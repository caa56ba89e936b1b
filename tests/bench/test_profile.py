"""Profiles: what is refused, and in which words."""

from __future__ import annotations

import pytest

from bench.errors import UsageError
from bench.profile import load_profile, profile_names
from variants.registry import UnknownName


@pytest.mark.parametrize("name", ["tiny", "quick", "standard", "paper"])
def test_every_profile_of_the_package_is_whole(name):
    assert name in profile_names()
    assert load_profile(name).variants


def test_the_paper_profile_is_the_reports_programme():
    paper = load_profile("paper")
    assert (paper.size, paper.width, paper.train_count, paper.epochs) == (256, 64, (41000,), 0)


def test_the_quick_profile_is_a_quarter_of_the_reports_width():
    assert load_profile("quick").width == 64 // 4


def test_texts_from_the_command_line_become_the_keys_types():
    profile = load_profile("quick", {"batch": "8", "masks": "rect, circle", "steps": "none", "seeds": "1,2"})
    assert (profile.batch, profile.masks, profile.steps, profile.seeds) == (8, ("rect", "circle"), None, (1, 2))


@pytest.mark.parametrize(
    ("overrides", "error", "words"),
    [
        ({"batchsize": "8"}, UnknownName, "did you mean batch"),
        ({"batch": "eight"}, UsageError, "batch = 'eight' is not a whole number"),
        ({"batch": "0"}, UsageError, "batch = 0 must be at least 1"),
        ({"size": "8"}, UsageError, "too small"),
        ({"count": "1,2,3"}, UsageError, "count has 3 entries and data 2"),
        ({"seeds": ""}, UsageError, "not a list"),
    ],
)
def test_wrong_keys_and_values_are_refused_in_one_sentence(overrides, error, words):
    with pytest.raises(error, match=words):
        load_profile("quick", overrides)


def test_an_unknown_profile_is_answered_with_the_nearest():
    with pytest.raises(UnknownName, match="did you mean quick"):
        load_profile("quik")


def test_a_profile_file_of_the_users_own_is_read_and_its_wrong_key_named(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('variants = ["telea"]\nsize = 32\n')
    assert load_profile(str(file)).name == "mine"
    file.write_text('variants = ["telea"]\nsise = 32\n')
    with pytest.raises(UnknownName, match="did you mean size"):
        load_profile(str(file))
    file.write_text("variants = [")
    with pytest.raises(UsageError, match="not valid TOML"):
        load_profile(str(file))
