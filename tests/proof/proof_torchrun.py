"""Trainings on several processes under torchrun: as one process trains, and what is left when some of them die."""

from __future__ import annotations

import csv
import functools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.variants.ranks_worker import on_ranks
from tests.variants.test_ranks import curve, trained

ROOT = Path(__file__).parents[2]

ILL = """
import os, signal, time
import torch
from variants import ranks
from variants.double_dg import DoubleDg
from variants.objectives import ReconstructionAdversarial
from variants.registry import variant

STEP, RANK, FATE = int(os.environ["ILL_STEP"]), int(os.environ["ILL_RANK"]), os.environ["ILL_FATE"]
ONCE = os.environ.get("TORCHELASTIC_RESTART_COUNT") == "0" and FATE != "none"


class Ill(ReconstructionAdversarial):
    steps = 0

    def critic_loss(self, step):
        self.steps += 1
        if FATE == "slow":
            time.sleep(0.1)
        elif ONCE and self.steps == STEP and ranks.index() == RANK:
            if FATE == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return super().critic_loss(step)


@variant("ill")
class IllDg(DoubleDg):
    def objective(self, width):
        return Ill(width, adversarial=0.002, local=True)
"""


class Torchrun:
    """``torchrun --nproc-per-node 2 -m bench train ill`` of 30 steps in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plugin = folder / "ill.py"
        self.plugin.write_text(ILL)

    def start(self, out: str, fate: str = "none", rank: int = 1, restarts: int = 0, *words: str) -> subprocess.Popen:
        environment = {
            **os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "ILL_STEP": "17", "ILL_RANK": str(rank),
            "ILL_FATE": fate,
        }  # fmt: skip
        command = [
            sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--max-restarts", str(restarts),
            "--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0", "-m", "bench", "--plugin", str(self.plugin),
            "train", "ill", "--profile", "tiny", "--set", "steps=30", "--set", "precision=fp32", "--device", "cpu",
            "--checkpoint-every", "5", "--runs-dir", str(self.folder / "runs"), "--out", out, *words,
        ]  # fmt: skip
        return subprocess.Popen(
            command, cwd=self.folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def run(self, *given, **options) -> tuple[int, list[str]]:
        """Its exit code and the sentences of the project among what it said."""
        process = self.start(*given, **options)
        said = process.communicate(timeout=600)[1]
        return process.returncode, [line for line in said.splitlines() if line.startswith("bench: ")]

    def weights(self, out: str) -> dict[str, torch.Tensor]:
        return load_file(str(self.training(out) / "generator.safetensors"))

    def training(self, out: str) -> Path:
        return self.folder / "runs" / out / "checkpoints" / "ill" / "seed-0"

    def steps(self, out: str) -> list[int]:
        with (self.training(out) / "history.csv").open() as stream:
            return [int(row["step"]) for row in csv.DictReader(stream)]


@pytest.fixture(scope="module")
def torchrun(tmp_path_factory):
    runner = Torchrun(tmp_path_factory.mktemp("torchrun"))
    assert runner.run("whole") == (0, [])
    return runner


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


@pytest.mark.parametrize("name", ["double_dg", "gan_res_mask"])
def test_four_ranks_learn_as_one_process_does(tmp_path, name):
    torch.set_num_threads(1)
    for size in (1, 4):
        on_ranks(size, tmp_path, functools.partial(trained, name, tmp_path, 12))
    one, four = (curve(tmp_path, size) for size in (1, 4))
    for key in one:
        assert four[key] == pytest.approx(one[key], rel=1e-3, abs=2e-6), key


@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_rank_is_started_again_and_the_training_ends_as_if_nothing_had_been(torchrun, rank):
    code, _ = torchrun.run(f"killed-{rank}", "killed", rank, 1)
    assert code == 0
    assert torchrun.steps(f"killed-{rank}") == list(range(1, 31))
    assert same(torchrun.weights(f"killed-{rank}"), torchrun.weights("whole"))


def test_without_restarts_a_killed_rank_ends_the_job_in_a_sentence_and_the_same_command_goes_on(torchrun):
    code, said = torchrun.run("lost", "killed", 1)
    assert code != 0
    assert said == [
        "bench: Another process of this training ended without a word. Rerun the same command to go on from the last "
        "state, or let torchrun --max-restarts do it."
    ]
    assert torchrun.run("lost") == (0, [])
    assert same(torchrun.weights("lost"), torchrun.weights("whole"))


@pytest.mark.parametrize("rank", [0, 1])
def test_out_of_memory_on_one_rank_ends_the_job_with_one_sentence(torchrun, rank):
    code, said = torchrun.run(f"memory-{rank}", "memory", rank)
    assert code != 0
    assert len(said) == 1
    assert "out of memory. Use a smaller --set batch or --size, or more processes." in said[0]
    assert rank == 0 or said[0].startswith("bench: process 1 of 2 on ")


def test_a_batch_that_cannot_be_shared_evenly_is_refused(torchrun):
    code, said = torchrun.run("odd", "none", 1, 0, "--set", "batch=15")
    assert code != 0
    assert said == ["bench: batch = 15 cannot be shared evenly by 2 processes: change --set batch or --nproc-per-node"]


def test_a_stopped_job_keeps_its_last_step_and_goes_on(torchrun):
    process = torchrun.start("stopped", "slow")
    state = torchrun.training("stopped") / "state.pt"
    until = time.monotonic() + 300
    while not state.is_file():
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=120)[1]
    assert "bench: Interrupted." in said
    reached = torch.load(state, weights_only=True)["step"]
    assert reached >= 5
    assert torchrun.run("stopped") == (0, [])
    assert same(torchrun.weights("stopped"), torchrun.weights("whole"))
