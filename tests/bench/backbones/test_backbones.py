"""The backbones of LPIPS and FID: found in order, proved, fetched over a bad line, never anything random."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from bench import backbones as weights
from bench.cli.weights import status
from bench.metrics.scorer import Scorer
from bench.util.errors import UsageError
from tests.bench.bad_line import bad_line
from tests.bench.command import bench
from tests.bench.inception_file import accept, write_random_inception

ALEXNET = weights.BACKBONES["alexnet"]


@pytest.fixture
def real() -> Path:
    folder = os.environ.get("BENCH_WEIGHTS_DIR")
    if not folder:
        pytest.skip("BENCH_WEIGHTS_DIR is not set: no real backbone to load")
    found = weights.find(ALEXNET, Path(folder))
    if found is None:
        pytest.skip(f"BENCH_WEIGHTS_DIR {folder} holds no alexnet backbone")
    return found


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No backbone anywhere: BENCH_WEIGHTS_DIR unset, torch's cache an empty folder."""
    monkeypatch.delenv("BENCH_WEIGHTS_DIR", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path


def random_features() -> dict[str, torch.Tensor]:
    """AlexNet's shapes (Krizhevsky 2014; torchvision's numbering), random values."""
    generator = torch.Generator().manual_seed(0)
    shapes = {0: (64, 3, 11, 11), 3: (192, 64, 5, 5), 6: (384, 192, 3, 3), 8: (256, 384, 3, 3), 10: (256, 256, 3, 3)}
    found = {}
    for index, shape in shapes.items():
        found[f"features.{index}.weight"] = torch.randn(shape, generator=generator) * 0.05
        found[f"features.{index}.bias"] = torch.zeros(shape[0])
    return found


# ---- where they are looked for


def test_folders_are_searched_in_the_order_that_is_promised(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = [alone / "given", alone / "env", alone / "torch" / "hub" / "checkpoints"]
    for place in places:
        place.mkdir(parents=True)
        (place / "alexnet_features.pth").write_bytes(b"")
    monkeypatch.setenv("BENCH_WEIGHTS_DIR", str(places[1]))
    for place in places:
        assert weights.find(ALEXNET, places[0]) == place / "alexnet_features.pth"
        (place / "alexnet_features.pth").unlink()
    assert weights.find(ALEXNET, places[0]) is None


@pytest.mark.parametrize("variable", ["TORCH_HOME", "XDG_CACHE_HOME", ""])
def test_torch_hubs_cache_is_where_torch_itself_says(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    if variable:
        monkeypatch.setenv(variable, "/somewhere/else")
    assert str(weights.hub_folder()) == f"{torch.hub.get_dir()}/checkpoints"


def test_a_part_of_a_download_is_not_taken_for_a_backbone(alone: Path) -> None:
    (alone / "alexnet-owt-7be5be79.pth.part").write_bytes(b"half")
    assert weights.find(ALEXNET, alone) is None


def test_without_a_backbone_the_column_says_where_it_was_looked_for_and_what_to_do(alone: Path) -> None:
    why = Scorer(["lpips", "lpips_hole"], weights_dir=alone).missing
    assert set(why) == {"lpips", "lpips_hole"}
    assert why["lpips"].startswith("no alexnet backbone in --weights-dir or ")
    assert "torch hub's cache: run 'bench weights fetch alexnet'" in why["lpips"]
    assert str(alone) not in why["lpips"], "the sentence stands in reports, which are passed on"


# ---- proof


def test_random_weights_of_the_right_shape_are_refused(alone: Path) -> None:
    torch.save(random_features(), alone / "alexnet_features.pth")
    with pytest.raises(weights.WeightsError, match="known distances"):
        weights.load(ALEXNET, alone)
    assert "known distances" in Scorer(["lpips"], weights_dir=alone).missing["lpips"]


def test_a_refused_file_is_not_passed_over_for_another_further_down(
    real: Path, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save(random_features(), alone / "alexnet_features.pth")
    monkeypatch.setenv("BENCH_WEIGHTS_DIR", str(real.parent))
    assert str(alone / "alexnet_features.pth") in Scorer(["lpips"], weights_dir=alone).missing["lpips"]


@pytest.mark.parametrize("layer", ["features.0.weight", "features.6.weight", "features.10.weight"])
def test_a_slightly_damaged_backbone_is_refused(layer: str, real: Path, alone: Path) -> None:
    features = weights.read_features(real)
    # Every second filter alone: LPIPS normalises features, so that scaling all of the last layer changes little.
    features[layer] = features[layer].clone()
    features[layer][::2] *= 1.02
    torch.save(features, alone / "alexnet_features.pth")
    with pytest.raises(weights.WeightsError, match="known distances"):
        weights.load(ALEXNET, alone)


@pytest.mark.parametrize(
    "form", ["features.safetensors", "features.pth", "whole.pth", "whole.safetensors", "nested.pth"]
)
def test_features_alone_and_whole_checkpoints_load(form: str, real: Path, alone: Path) -> None:
    state: dict[str, Any] = dict(weights.read_features(real))
    if not form.startswith("features"):
        state |= {"classifier.1.weight": torch.randn(16, 9216), "classifier.1.bias": torch.zeros(16)}
    file = alone / f"alexnet_{form}"
    if file.suffix == ".safetensors":
        save_file(state, file)
    else:
        torch.save({"state_dict": state} if form.startswith("nested") else state, file)
    stack, passed = weights.check(ALEXNET, file)
    assert "3 known distances" in passed
    assert [len(head) for head in stack.heads] == [64, 192, 384, 256, 256]


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, ("evil-was-here",))


def test_a_pickle_that_runs_code_is_refused_and_does_not_run(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(alone)
    (alone / "alexnet.pth").write_bytes(pickle.dumps({"features.0.weight": Evil()}, protocol=2))
    with pytest.raises(weights.WeightsError, match="not a readable weights file"):
        weights.load(ALEXNET, alone)
    assert not (alone / "evil-was-here").exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"\x00" * 5000])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_damaged_file_is_refused_in_one_sentence(content: bytes, suffix: str, alone: Path) -> None:
    (alone / f"alexnet{suffix}").write_bytes(content)
    with pytest.raises(weights.WeightsError, match=r"not a readable weights file|is empty") as caught:
        weights.load(ALEXNET, alone)
    assert "\n" not in str(caught.value)


def test_another_network_under_the_wrong_name_is_named_as_such(alone: Path) -> None:
    features = random_features()
    features["features.0.weight"] = torch.zeros(64, 3, 3, 3)
    torch.save(features, alone / "alexnet_features.pth")
    with pytest.raises(weights.WeightsError, match=r"\(64, 3, 3, 3\), not \(64, 3, 11, 11\)"):
        weights.load(ALEXNET, alone)


def test_built_in_pairs_are_the_same_everywhere() -> None:
    digest = hashlib.sha256(b"".join(side.tobytes() for side in weights.known_pairs())).hexdigest()
    assert digest == PAIRS_SHA256


PAIRS_SHA256 = "1a4f555308f521f8a8c66f13639475a1348d8a014dbbb89ed839dea7ad4021bb"
"""Of the pairs whose distances the lpips package gave; other pairs would need other distances."""


# ---- downloads


@pytest.fixture
def line() -> Iterator[Any]:
    with bad_line(np.random.default_rng(0).bytes(100_000)) as server:
        yield server


def digest_of(line: Any) -> str:
    return hashlib.sha256(line.content).hexdigest()


def test_the_hash_prefix_is_the_one_in_torchvisions_file_name() -> None:
    assert {b.file: b.sha256_prefix for b in weights.BACKBONES.values()} == {
        "alexnet-owt-7be5be79.pth": "7be5be79",
        "vgg16-397923af.pth": "397923af",
        "squeezenet1_1-b8a52dc0.pth": "b8a52dc0",
    }
    assert weights.address(ALEXNET)[0] == "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth"


@pytest.mark.parametrize("url", ["ftp://x", "x", "http://x/alexnet.pth"])
def test_an_address_that_cannot_be_checked_is_refused(url: str) -> None:
    with pytest.raises(UsageError):
        weights.address(ALEXNET, url)


# ---- the command


def test_fetch_over_a_bad_line_ends_in_a_backbone_that_is_found(real: Path, line: Any, alone: Path) -> None:
    line.content = real.read_bytes()
    line.patience = len(line.content) // 3
    url = f"{line.url}/alexnet_features-{digest_of(line)[:8]}{real.suffix}"
    env = {"BENCH_WEIGHTS_DIR": str(alone / "mine")}
    done = bench("weights", "fetch", "alexnet", "--url", url, "--json", cwd=alone, env=env)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["sha256"] == digest_of(line)
    assert len(line.asked) > 2
    status = bench("weights", "status", "--json", cwd=alone, env=env)
    row = next(row for row in json.loads(status.stdout)["backbones"] if row["backbone"] == "alexnet")
    assert row["usable"]
    assert row["sha256"] == digest_of(line)
    assert "3 known distances" in row["check"]


def test_status_gives_no_digest_of_a_file_that_is_refused(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (alone / "alexnet.pth").write_bytes(b"no weights")
    status(alone)
    said = capsys.readouterr().out
    assert f"  file    {alone / 'alexnet.pth'}" in said
    assert "sha256" not in said


def test_fetch_of_the_wrong_file_fails_and_leaves_nothing(line: Any, alone: Path) -> None:
    env = {"BENCH_WEIGHTS_DIR": str(alone / "mine")}
    # A mirror may be named by the environment, as for runs.
    done = bench("weights", "fetch", "squeezenet1_1", cwd=alone, env={**env, "BENCH_WEIGHTS_URL": line.url})
    assert done.returncode == 1
    assert "not b8a52dc0" in done.stderr
    assert "Traceback" not in done.stderr
    assert list((alone / "mine").iterdir()) == []


def test_add_copies_what_it_has_checked_and_refuses_the_rest(real: Path, alone: Path) -> None:
    env = {"BENCH_WEIGHTS_DIR": str(alone / "mine")}
    torch.save(random_features(), alone / "random.pth")
    refused = bench("weights", "add", "random.pth", cwd=alone, env=env)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "known distances" in refused.stderr
    assert not (alone / "mine").exists()
    (alone / "download (1).pth").write_bytes(real.read_bytes())
    done = bench("weights", "add", "download (1).pth", cwd=alone, env=env)
    assert done.returncode == 0, done.stderr
    assert weights.find(ALEXNET, alone / "mine") == alone / "mine" / "alexnet_features.pth"


# ---- the Inception network


@pytest.fixture
def inception(alone: Path) -> Path:
    return write_random_inception(alone / "given")


def test_inception_comes_from_torch_fidelitys_release_under_its_own_name() -> None:
    from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3

    address, file, prefix = weights.address(weights.backbone("inception"))
    assert address == URL_INCEPTION_V3
    assert file == URL_INCEPTION_V3.rsplit("/", 1)[1]
    assert file.removesuffix(".pth").endswith(prefix)


@pytest.mark.parametrize("name", ["weights-inception-2015-12-05-6726825d.pth", "pt_inception-2015-12-05-6726825d.pth"])
def test_inception_is_found_by_the_names_that_others_keep_it_under(name: str, alone: Path) -> None:
    (alone / "inception_v3_google-1a9a5a14.pth").write_bytes(b"torchvision's own, another network")
    assert weights.find(weights.INCEPTION, alone) is None
    (alone / name).write_bytes(b"")
    assert weights.find(weights.INCEPTION, alone) == alone / name


def test_random_inception_weights_are_refused_by_their_hash(inception: Path) -> None:
    with pytest.raises(weights.WeightsError, match="not 6726825d"):
        weights.load(weights.INCEPTION, inception.parent)


@pytest.mark.parametrize("how", ["truncated", "lacking", "no weights"])
def test_a_file_of_the_right_hash_must_hold_the_network_too(
    how: str, inception: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = torch.load(inception, weights_only=True)
    if how == "truncated":
        inception.write_bytes(inception.read_bytes()[:1_000_000])
    else:
        torch.save({k: v for k, v in state.items() if k != "fc.bias"} if how == "lacking" else [1, 2], inception)
    accept(inception, monkeypatch)
    with pytest.raises(
        weights.WeightsError, match=r"not a readable|does not hold inception|no named weights"
    ) as caught:
        weights.load(weights.INCEPTION, inception.parent)
    assert "\n" not in str(caught.value)


def test_add_takes_in_inception_under_its_published_name(
    inception: Path, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept(inception, monkeypatch)
    monkeypatch.setenv("BENCH_WEIGHTS_DIR", str(alone / "mine"))
    other = inception.rename(alone / "download.pth")
    which, target, passed = weights.add(other)
    assert (which.name, target) == ("inception", alone / "mine" / "weights-inception-2015-12-05-6726825d.pth")
    assert passed.startswith("SHA-256 begins with")
    assert weights.find(weights.INCEPTION) == target


def test_commands_refuse_a_wrong_inception_file_in_a_sentence(inception: Path, alone: Path) -> None:
    env = {"BENCH_WEIGHTS_DIR": str(alone / "mine")}
    refused = bench("weights", "add", str(inception), cwd=alone, env=env)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "not 6726825d" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
    assert not (alone / "mine").exists()
    inception.write_bytes(inception.read_bytes()[:1000])
    fetched = bench("weights", "fetch", "inception", "--to", str(inception.parent), cwd=alone, env=env)
    assert fetched.returncode == 1
    assert "not 6726825d" in fetched.stderr
    assert "Traceback" not in fetched.stderr
    status = bench("weights", "status", "--weights-dir", str(inception.parent), "--json", cwd=alone, env=env)
    row = next(row for row in json.loads(status.stdout)["backbones"] if row["backbone"] == "inception")
    assert (row["usable"], row["file"]) == (False, str(inception))
    assert "not 6726825d" in row["why"]


def test_fetch_brings_inception_over_a_bad_line_or_nothing(line: Any, alone: Path) -> None:
    env = {"BENCH_WEIGHTS_DIR": str(alone / "mine")}
    done = bench("weights", "fetch", "inception", "--url", line.url, cwd=alone, env=env)
    assert done.returncode == 1
    assert "not 6726825d" in done.stderr
    assert list((alone / "mine").iterdir()) == []
