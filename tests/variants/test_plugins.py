"""Plug-ins: files and installed packages join; what is wrong with one is a sentence and stops no other."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from variants import plugins
from variants.errors import PluginError, UnknownName
from variants.method import Network, Reference, ReferenceMethod
from variants.plugins import PLUGINS_ENV, plugin_files, use
from variants.registry import Registry, variant


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No plug-in is known before or after a test."""
    modules = set(sys.modules)
    monkeypatch.setenv(PLUGINS_ENV, "")
    monkeypatch.setattr(plugins, "_told", set())
    plugins.installed.cache_clear()
    yield
    plugins.installed.cache_clear()
    for name in set(sys.modules) - modules:
        if name.startswith((plugins.PREFIX, "fill_pack")):
            del sys.modules[name]


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    """The registry of variants, which forgets what a test enters."""
    variant.all()
    for name, value in {"_entries": dict(variant._entries), "_sources": None, "_broken": {}}.items():
        monkeypatch.setattr(variant, name, value)
    return variant


FILL = "    def fill(self, image, hole):\n        return image\n"
HEAD = "from variants.method import Reference\nfrom variants.registry import variant\n"


def source(name: str, before: str = "") -> str:
    """A plug-in of one class."""
    return f"{HEAD}{before}\n@variant('{name}')\nclass Mine(Reference):\n{FILL}"


def write(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def install(folder: Path, entries: str, **modules: str) -> None:
    """Lay out a package as pip does."""
    plugins.installed.cache_clear()
    write(folder / "fill_pack" / "__init__.py", "")
    for name, text in modules.items():
        write(folder / "fill_pack" / f"{name}.py", text)
    write(folder / "fill_pack-0.3.dist-info" / "METADATA", "Metadata-Version: 2.1\nName: fill-pack\nVersion: 0.3\n")
    write(folder / "fill_pack-0.3.dist-info" / "entry_points.txt", entries)


def test_a_class_that_a_package_names_is_a_variant(tmp_path, monkeypatch, registry):
    text = f"from variants.method import Reference\n\nclass Mine(Reference):\n{FILL}"
    install(tmp_path, "[inpaint_bench.variants]\nmine = fill_pack.one:Mine\n", one=text)
    monkeypatch.syspath_prepend(tmp_path)
    assert "mine" in registry.names() and "fill_pack.one" not in sys.modules
    assert issubclass(registry.get("mine"), Reference)
    assert registry.origin("mine") == "the plug-in fill-pack 0.3 (fill_pack.one:Mine)"


def test_every_entry_of_a_module_that_a_package_names_joins(tmp_path, monkeypatch, registry):
    both = source("one") + f"\n@variant('two')\nclass Other(Reference):\n{FILL}"
    install(tmp_path, "[inpaint_bench.variants]\nanything = fill_pack.many\n", many=both)
    monkeypatch.syspath_prepend(tmp_path)
    assert {"one", "two"} < set(registry.names()) and "anything" not in registry.names()
    assert registry.get("two").__name__ == "Other"


def test_what_cannot_be_loaded_is_told_and_the_others_are_there(tmp_path, monkeypatch, capsys, registry):
    install(
        tmp_path,
        "[inpaint_bench.variants]\ngood = fill_pack.good\ngone = fill_pack.gone:X\nends = fill_pack.ends:X\n"
        "number = fill_pack.good:NUMBER\nBad-Name = fill_pack.good:NUMBER\n",
        good=source("good") + "NUMBER = 3\n",
        ends="raise SystemExit(7)\n",
    )
    monkeypatch.syspath_prepend(tmp_path)
    found = registry.all()
    assert {"good", "telea"} < set(found) and not {"gone", "ends", "number", "Bad-Name"} & set(found)
    told = capsys.readouterr().err
    assert "fill-pack 0.3 (fill_pack.gone:X) cannot be loaded: ModuleNotFoundError: No module named" in told
    assert "fill-pack 0.3 (fill_pack.ends:X) cannot be loaded: it ends the process (SystemExit 7)" in told
    assert "the variant 'number' is an int, not a class of Network or Reference" in told
    assert "the variant name 'Bad-Name' may contain only a-z" in told
    for name in ("gone", "ends", "number"):
        with pytest.raises(PluginError, match=r"fill-pack 0\.3"):
            registry.get(name)


def test_a_clash_keeps_ours_and_names_both(tmp_path, capsys, registry):
    use(write(tmp_path / "mine.py", source("telea") + f"\n@variant('other')\nclass Other(Reference):\n{FILL}"))
    assert registry.get("other").__name__ == "Other"
    assert registry.get("telea").__module__ == "variants.references.telea"
    told = capsys.readouterr().err
    assert told.count("warning:") == 1
    assert "mine.py: the variant name 'telea' is taken by " in told and "telea.py; it is ignored" in told


def test_of_two_plug_ins_with_one_name_the_first_is_taken(tmp_path, capsys, registry):
    for folder in ("a", "b"):
        use(write(tmp_path / folder / "same.py", source("mine")))
    assert registry.origin("mine") == f"the plug-in {tmp_path / 'a/same.py'}"
    assert f"{tmp_path / 'b/same.py'}: the variant name 'mine' is taken by the plug-in" in capsys.readouterr().err


def test_two_files_of_one_name_are_both_run(tmp_path, registry):
    for folder in ("a", "b"):
        use(write(tmp_path / folder / "same.py", source(f"of_{folder}")))
    assert registry.get("of_a") is not registry.get("of_b")


def test_a_file_that_registers_nothing_or_is_not_there_is_refused(tmp_path):
    with pytest.raises(UnknownName, match="registers nothing"):
        use(write(tmp_path / "empty.py", "x = 1\n"))
    with pytest.raises(UnknownName, match=r"gone\.py does not exist"):
        use(tmp_path / "gone.py")


def test_a_plug_in_of_the_environment_that_is_missing_is_named(tmp_path, monkeypatch):
    there = write(tmp_path / "there.py", source("mine"))
    monkeypatch.setenv(PLUGINS_ENV, f"{there}{os.pathsep}{tmp_path / 'gone.py'}")
    with pytest.raises(UnknownName, match=r"the plug-in file .*gone\.py does not exist"):
        plugin_files()


def test_a_name_that_is_written_but_not_registered_is_told(tmp_path, registry):
    use(write(tmp_path / "mine.py", '"""\n@variant("only_told")\n"""\n'))
    with pytest.raises(PluginError, match=r"mine\.py registers no variant 'only_told'"):
        registry.get("only_told")


def test_a_plug_in_is_run_once_however_often_it_is_asked_for(tmp_path, registry):
    count = f"with open(r'{tmp_path / 'runs'}', 'a') as stream:\n    stream.write('x')\n"
    use(write(tmp_path / "mine.py", source("mine", before=count)))
    assert registry.get("mine") is registry.get("mine")
    registry._entries.pop("mine")
    with pytest.raises(PluginError, match="registers no variant 'mine'"):
        registry.get("mine")
    assert (tmp_path / "runs").read_text() == "x"


def test_the_digest_of_a_plug_in_changes_with_its_code(tmp_path, monkeypatch, registry):
    use(write(tmp_path / "a.py", source("mine")))
    other = write(tmp_path / "b.py", source("yours", before="# changed\n"))
    use(other)
    first, second = registry.plugin("mine"), registry.plugin("yours")
    assert first and second and len({first.digest(), second.digest()}) == 2
    assert registry.plugin("telea") is None


class Odd(Reference):
    """Gives what a test asks for."""

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def fill(self, image: np.ndarray, hole: np.ndarray) -> np.ndarray:
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "odd gave None, not a NumPy array (4, 4, 3)"),
        (np.zeros((4, 4), np.uint8), "odd gave uint8 (4, 4), not a NumPy array (4, 4, 3)"),
        (np.zeros((4, 4, 3), np.int64), "odd gave int64: uint8 in 0-255 or floats in 0-1 are pictures"),
        (ValueError("no luck"), "odd failed: ValueError: no luck"),
        (SystemExit(3), "odd failed: it ends the process (SystemExit 3)"),
    ],
)
def test_a_reference_that_gives_no_picture_fails_by_picture_and_is_told(answer, said):
    method = ReferenceMethod("odd", Odd(answer))
    holes = np.ones((1, 4, 4), bool)
    raw = method.fill(np.zeros((1, 4, 4, 3), np.uint8), holes, ["a"], "rect")
    assert np.isnan(raw).all()
    assert method.findings().problems == {("rect", "a"): said}


def test_a_network_class_is_what_a_variant_may_be(registry):
    assert registry.fits(Network) and registry.fits(Odd(None)) and registry.fits(lambda x, hole: x)
    assert not registry.fits(3)


def test_code_that_runs_while_a_plug_in_is_loaded_is_its_own_and_after_it_no_ones(tmp_path, registry):
    seen = "from variants.plugins import being_loaded\nOWNER = being_loaded()\n"
    use(write(tmp_path / "mine.py", source("mine", before=seen)), write(tmp_path / "bad.py", source("bad", "1 / 0")))
    owner = sys.modules[registry.get("mine").__module__].OWNER
    assert owner is not None and owner.what == f"the plug-in {tmp_path / 'mine.py'}"
    with pytest.raises(PluginError, match=r"bad\.py cannot be loaded: ZeroDivisionError"):
        registry.get("bad")
    assert plugins.being_loaded() is None


def digest_of(*texts: bytes) -> str:
    return hashlib.sha256(b"".join(hashlib.sha256(text).digest() for text in texts)).hexdigest()


def test_the_digest_of_a_package_is_of_all_its_python_files_and_of_a_module_of_one(tmp_path, monkeypatch, registry):
    one = f"from variants.method import Reference\n\nclass Mine(Reference):\n{FILL}"
    install(tmp_path, "[inpaint_bench.variants]\nmine = fill_pack.one:Mine\nalone = fill_alone:Mine\n", one=one)
    write(tmp_path / "fill_pack/notes.txt", "no code")
    write(tmp_path / "fill_alone.py", one)
    monkeypatch.syspath_prepend(tmp_path)
    plugins.code_digest.cache_clear()
    assert registry.plugin("mine").digest() == digest_of(b"", one.encode())
    assert registry.plugin("alone").digest() == digest_of(one.encode())
    assert plugins.package_files("sys") == []
    file = write(tmp_path / "file.py", source("other"))
    use(file)
    assert registry.plugin("other").digest() == digest_of(file.read_bytes())
    assert variant._found()["telea"].digest() == ""
