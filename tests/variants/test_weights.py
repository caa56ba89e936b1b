"""Which files of weights are taken, which are refused, and in what words."""

from __future__ import annotations

import hashlib
import os
import zipfile

import pytest
import torch
from torch import nn

from variants import weights
from variants.weights import CheckpointError, load_into, load_state, sha256


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))


@pytest.mark.parametrize("wrapper", ["state_dict", "model", "generator"])
def test_wrapped_weights_are_unwrapped(tmp_path, wrapper):
    state = network().state_dict()
    torch.save({wrapper: state, "epoch": 3}, tmp_path / "w.pth")
    given = load_state(tmp_path / "w.pth")
    assert given.keys() == state.keys()
    assert all(torch.equal(given[key], state[key]) for key in state)


@pytest.mark.parametrize("held", [{}, {"a": 3}, [torch.zeros(1)], {"a": torch.zeros(1), "b": "text"}])
def test_a_file_without_a_state_dict_is_refused(tmp_path, held):
    torch.save(held, tmp_path / "w.pth")
    with pytest.raises(CheckpointError, match=r"w\.pth holds no state dict"):
        load_state(tmp_path / "w.pth")


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_a_broken_file_is_refused_in_one_line(tmp_path, suffix):
    file = tmp_path / f"w.{suffix}"
    file.write_bytes(b"no weights at all")
    with pytest.raises(CheckpointError) as caught:
        load_state(file)
    assert file.name in str(caught.value) and "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path):
    with pytest.raises(CheckpointError, match=r"gone\.pth does not exist"):
        load_state(tmp_path / "gone.pth")
    with pytest.raises(CheckpointError, match="is a folder: name a file in it"):
        load_state(tmp_path)


def test_weights_replace_a_networks_own():
    own, given = network(), {key: value + 1 for key, value in network().state_dict().items()}
    load_into(own, given, "mine", "w.pth")
    assert all(torch.equal(value, given[key]) for key, value in own.state_dict().items())


def test_counts_of_batches_may_be_lacking_since_old_files_lack_them():
    given = {key: value + 1 for key, value in network().state_dict().items() if "num_batches" not in key}
    load_into(own := network(), given, "mine", "w.pth")
    assert torch.equal(own[1].running_mean, given["1.running_mean"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda state: state.pop("0.bias"), r"does not fit mine: it lacks '0\.bias'$"),
        (lambda state: (state.pop("0.bias"), state.pop("1.bias")), r"it lacks '0\.bias' and 1 more$"),
        (lambda state: state.update(x=torch.zeros(1)), "it holds 'x', which the network does not have$"),
        (lambda state: state.update({"0.bias": torch.zeros(5)}), r"'0\.bias' is \(5,\), not \(4,\)$"),
    ],
    ids=["one lacks", "two lack", "one more", "another shape"],
)
def test_weights_of_another_network_are_refused_and_nothing_is_loaded(change, words):
    state = {key: value + 1 for key, value in network().state_dict().items()}
    change(state)
    own = network()
    with pytest.raises(CheckpointError, match=words):
        load_into(own, state, "mine", "w.pth")
    assert all(torch.equal(value, network().state_dict()[key]) for key, value in own.state_dict().items())


def test_a_files_digest_is_hashlibs(tmp_path):
    (tmp_path / "w").write_bytes(b"weights")
    assert sha256(tmp_path / "w") == hashlib.sha256(b"weights").hexdigest()


def test_weights_saved_from_a_compiled_network_load(tmp_path):
    torch.save({"module._orig_mod.a.weight": torch.ones(2)}, tmp_path / "w.pth")
    assert list(load_state(tmp_path / "w.pth")) == ["a.weight"]


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
def test_a_git_lfs_pointer_is_called_that_and_not_unsafe(tmp_path, name):
    (tmp_path / name).write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n")
    with pytest.raises(CheckpointError, match=f"is a pointer that Git LFS left .*git lfs pull --include={name}"):
        load_state(tmp_path / name)


def sparse(file):
    with file.open("wb") as stream:
        stream.truncate(1 << 32)


def bomb(file):
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("archive/data/0", "w") as entry:
        entry.write(bytes(4 << 20))


@pytest.mark.parametrize("make", [sparse, bomb])
@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
def test_a_file_of_more_than_the_memory_holds_is_refused_before_it_is_read(tmp_path, monkeypatch, make, name):
    monkeypatch.setattr(weights, "available_mib", lambda: 3.0)
    make(tmp_path / name)
    with pytest.raises(CheckpointError, match=f"{name} has [0-9,]+ MiB of content, and 3 MiB of memory are free"):
        load_state(tmp_path / name)


def test_a_pipe_is_not_called_missing(tmp_path):
    os.mkfifo(tmp_path / "w.pth")
    with pytest.raises(CheckpointError, match=r"w\.pth is not a regular file"):
        load_state(tmp_path / "w.pth")
