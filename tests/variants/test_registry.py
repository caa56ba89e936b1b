"""The registry: what it finds, what it refuses, what it does not import."""

from __future__ import annotations

import subprocess
import sys

import pytest

from variants.registry import Registry, UnknownName, variant

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
        "import numpy as np; from variants.load import load_methods\n"
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
