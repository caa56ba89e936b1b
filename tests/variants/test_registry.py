"""The registry: what it finds, what it refuses, what it does not import."""

from __future__ import annotations

import subprocess
import sys

import pytest

from variants.errors import VariantError
from variants.registry import Registry, UnknownName, suggest, variant

REPORT = ["baseline", "basic_gan", "gan_new_loss", "gan_res_mask", "gan_res_whole", "double_dg"]


def test_the_six_the_mend_and_the_references_are_registered():
    assert {*REPORT, "double_dg_linear", "mean_fill", "telea", "navier_stokes", "biharmonic"} <= set(variant.names())


def test_a_wrong_name_is_answered_with_the_nearest_names():
    with pytest.raises(UnknownName, match=r"unknown variant 'double_gd': did you mean double_dg"):
        variant.get("double_gd")


def test_names_are_known_without_importing_torch():
    code = "import sys; from variants.registry import variant; variant.names(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_taken_name_is_refused_with_its_owner():
    registry: Registry = Registry("thing", "variants")
    registry.add("one", object())
    with pytest.raises(ValueError, match="the thing name 'one' is taken"):
        registry.add("one", object())


@pytest.mark.parametrize("name", ["One", "1st", "a-b", "../x", ""])
def test_names_that_are_no_file_names_are_refused(name):
    with pytest.raises(ValueError, match="may contain only a-z"):
        Registry("thing", "variants").add(name, object())


def test_three_near_names_are_offered_and_all_where_none_is_near():
    names = ["gan_res_mask", "gan_res_whole", "gan_new_loss", "baseline"]
    near = str(suggest("variant", "gan_res", names))
    assert near == "unknown variant 'gan_res': did you mean gan_res_mask or gan_res_whole or gan_new_loss?"
    none = str(suggest("variant", "xyz", names))
    assert none == "unknown variant 'xyz': choose from baseline, gan_new_loss, gan_res_mask, gan_res_whole."


def test_the_decorator_gives_back_what_it_enters():
    registry: Registry = Registry("thing", "variants", "kind of thing")

    class Thing:
        pass

    assert registry("first")(Thing) is Thing
    assert registry.get("first") is Thing
    # Imported again, it is the same definition; another one under its name is refused.
    registry.add("first", Thing)
    with pytest.raises(ValueError, match="the kind of thing name 'first' is taken by this session"):
        registry.add("first", object)


def test_every_entry_is_found_by_its_own_name_and_file():
    for name in [*REPORT, "double_dg_linear"]:
        assert variant.origin(name).endswith(f"variants/{name}.py")
        assert variant.get(name).__module__ == f"variants.{name}"
    assert variant.get("telea").__module__ == "variants.references.telea"
    assert set(variant.all()) == set(variant.names()) >= {*REPORT, "biharmonic"}


def test_errors_are_one_sentence_and_of_one_family():
    error = UnknownName("unknown variant 'x'")
    # LookupError's own str() would put quotes around it.
    assert str(error) == "unknown variant 'x'"
    assert isinstance(error, VariantError) and isinstance(error, LookupError)
    assert str(VariantError()) == ""


def test_a_name_that_two_files_of_ours_register_is_refused(tmp_path, monkeypatch):
    for folder in ("one", "two"):
        (tmp_path / "twice" / folder).mkdir(parents=True)
        (tmp_path / "twice" / folder / "mine.py").write_text("@thing('mine')\nclass Mine: ...\n")
    (tmp_path / "twice" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match=r"the thing name 'mine' is taken twice: .*one/mine\.py and .*two/mine\.py"):
        Registry("thing", "twice").names()
