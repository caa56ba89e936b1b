"""The registry: what it finds, what it refuses, what it does not import."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from variants.errors import VariantError
from variants.registry import PLUGINS_ENV, Registry, UnknownName, load_file, plugin_files, suggest, variant

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
    with pytest.raises(ValueError, match="may hold a-z"):
        Registry("thing", "variants").add(name, object())


def test_one_decorated_class_in_a_file_of_the_users_is_a_variant(tmp_path):
    plugin = tmp_path / "mine.py"
    plugin.write_text(
        "import numpy as np\n"
        "from variants.method import Reference\n"
        "from variants.registry import variant\n\n"
        '@variant("all_grey")\n'
        "class AllGrey(Reference):\n"
        "    def fill(self, image, hole):\n"
        "        return np.full(image.shape, 128, np.uint8)\n"
    )
    code = (
        "import numpy as np; from bench.methods.load import load_methods\n"
        "m = load_methods('all_grey', weights=None)[0]\n"
        "raw = m.fill(np.zeros((1, 8, 8, 3), np.uint8), np.ones((1, 8, 8), bool))\n"
        "print(float(raw.min()) * 255)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"BENCH_PLUGINS": str(plugin), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == pytest.approx(128)


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


def source(name: str) -> str:
    return f'from variants.registry import variant\n\n@variant("{name}")\nclass Mine:\n    pass\n'


def test_a_name_that_two_files_take_is_refused_with_both(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(source("telea"))
    monkeypatch.setenv(PLUGINS_ENV, str(tmp_path / "mine.py"))
    with pytest.raises(ValueError, match=r"the variant name 'telea' is taken twice: .*telea\.py and .*mine\.py"):
        Registry("variant", "variants").names()


def test_a_plug_in_that_is_missing_is_named(tmp_path, monkeypatch):
    (tmp_path / "there.py").write_text(source("mine"))
    monkeypatch.setenv(PLUGINS_ENV, f"{tmp_path / 'there.py'}{os.pathsep}{tmp_path / 'gone.py'}")
    with pytest.raises(UnknownName, match=r"the plug-in file .*gone\.py does not exist"):
        plugin_files()


def test_a_plug_in_is_run_once_however_often_it_is_asked_for(tmp_path, monkeypatch):
    file = tmp_path / "counted_plugin.py"
    file.write_text(
        source("counted_mine") + f"with open(r'{tmp_path / 'runs'}', 'a') as stream:\n    stream.write('x')\n"
    )
    monkeypatch.setenv(PLUGINS_ENV, str(file))
    monkeypatch.setattr(variant, "_sources", None)
    monkeypatch.setattr(variant, "_entries", dict(variant._entries))
    monkeypatch.delitem(sys.modules, "bench_plugin_counted_plugin", raising=False)
    assert variant.get("counted_mine").__name__ == "Mine"
    load_file(file, "variants")
    assert (tmp_path / "runs").read_text() == "x"
    monkeypatch.delitem(sys.modules, "bench_plugin_counted_plugin")


def test_errors_are_one_sentence_and_of_one_family():
    error = UnknownName("unknown variant 'x'")
    # LookupError's own str() would put quotes around it.
    assert str(error) == "unknown variant 'x'"
    assert isinstance(error, VariantError) and isinstance(error, LookupError)
    assert str(VariantError()) == ""
