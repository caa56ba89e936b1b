"""How processes of one training find each other's jobs, and which sentence each end gives. The store is a dictionary;
no process is started here (``make proof`` trains with torchrun)."""

from __future__ import annotations

import importlib
import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.distributed as dist

from bench.profiles.profile import load_profile
from bench.training import together
from bench.training.schedule import Job
from bench.training.together import Group, asked, leave, lost, out_of_memory, place, restarted, sentence, visible
from bench.util.errors import BenchError, UsageError
from variants import perceptual
from variants.checkpoint_every import Every
from variants.errors import CheckpointError, Diverged
from variants.perceptual import Weights

PROFILE = load_profile("tiny", {"width": 4, "batch": 12})


class Store(dict):
    """torchrun's store: values come back as bytes."""

    def set(self, key: str, value: str) -> None:
        self[key] = value.encode()

    def check(self, keys: list[str]) -> bool:
        return all(key in self for key in keys)

    def wait(self, keys: list[str], timeout: Any) -> None:
        assert timeout == together.LONG
        assert self.check(keys)

    def clone(self) -> Store:
        return self


def job(name: str = "baseline", seed: int = 0) -> Job:
    files = Path("out"), Path("pool.npy"), Path("validation.npy")
    return Job(name, seed, 10, *files, PROFILE, "cpu", Every(5.0))


@pytest.mark.parametrize(
    ("world", "rank", "expected"),
    [
        ("2", "0", True),
        ("2", None, False),
        ("1", "0", False),
        ("", "0", False),
        (None, "0", False),
        (None, None, False),
    ],
)
def test_several_processes_are_asked_for_by_torchruns_variables(monkeypatch, world, rank, expected):
    for name, value in (("WORLD_SIZE", world), ("RANK", rank)):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    assert asked() is expected


@pytest.mark.parametrize(("count", "expected"), [(None, False), ("0", False), ("1", True), ("3", True)])
def test_what_torchrun_started_once_more_knows_it(monkeypatch, count, expected):
    monkeypatch.delenv("TORCHELASTIC_RESTART_COUNT", raising=False)
    if count is not None:
        monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", count)
    assert restarted() is expected


@pytest.mark.parametrize(
    ("device", "gpus", "local", "expected"),
    [
        ("cpu", 2, "0", "cpu"),
        (None, 0, "1", "cpu"),
        ("cuda", 0, "0", "cpu"),
        (None, 2, None, "cuda:0"),
        ("cuda", 2, "1", "cuda:1"),
    ],
)
def test_each_process_has_a_gpu_of_its_own(monkeypatch, device, gpus, local, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    if local is not None:
        monkeypatch.setenv("LOCAL_RANK", local)
    assert place(device) == expected


def test_more_processes_than_gpus_are_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(UsageError, match=r"There are more processes than GPUs \(2\)"):
        place(None)


@pytest.fixture
def trained(monkeypatch):
    """The jobs that were run, by which answer."""
    ran: list[Job] = []

    def run(given: Job, report: Any, stopping: Any, tell: Any = None) -> bool:
        ran.append(given)
        report("progress")
        if given.seed == 1:
            raise Diverged("came to nothing")
        return not stopping()

    monkeypatch.setattr(together, "run_job", run)
    return ran


def test_rank_0_tells_the_jobs_and_trains_them_on_its_device_past_one_that_diverges(trained):
    group, heard = Group(Store(), 0, 3, "cuda:0"), []
    group.train([job(seed=seed) for seed in (0, 1, 2)], heard.append)
    assert [(one.seed, one.device, one.every) for one in trained] == [(k, "cuda:0", Every(5.0)) for k in (0, 1, 2)]
    told = json.loads(group.store["jobs"])
    assert told == [["baseline", k, 10, "", "out", "pool.npy", "validation.npy"] for k in (0, 1, 2)]
    assert heard == ["progress"] * 3 and group.leads


def test_rank_0_that_was_told_to_stop_goes_on_upwards(trained):
    group = Group(Store(), 0, 2, "cpu")
    group.stopping = True
    with pytest.raises(KeyboardInterrupt):
        group.train([job(), job(seed=2)], lambda progress: None)
    assert len(trained) == 1


def test_a_batch_must_be_shared_evenly(trained):
    with pytest.raises(UsageError, match="batch = 12 cannot be shared evenly by 5 processes"):
        Group(Store(), 0, 5, "cpu").train([job()], lambda progress: None)
    assert trained == []
    Group(Store(), 0, 5, "cpu").train([], lambda progress: None)  # nothing to share


@pytest.mark.parametrize("shared", [True, False])
def test_another_rank_trains_what_was_told_and_packs_what_it_cannot_see(trained, monkeypatch, shared):
    store, packed = Store(), []
    Group(store, 0, 3, "cpu").publish([job(), job("double_dg", 1), job(seed=2)])
    monkeypatch.setattr(together, "visible", lambda file: shared)
    monkeypatch.setattr(together, "pack", lambda data, side, file: packed.append((data, side, file.name)))
    monkeypatch.setattr(together, "training_data", lambda profile: "training")
    monkeypatch.setattr(together, "validation_data", lambda profile: "validation")
    group = Group(store, 2, 3, "cuda:1")
    group.follow(PROFILE)
    expected = [("baseline", 0, 10), ("double_dg", 1, 10), ("baseline", 2, 10)]
    assert [(one.name, one.seed, one.steps) for one in trained] == expected
    for one in trained:
        assert (one.folder, one.pool, one.validation) == (Path("out"), Path("pool.npy"), Path("validation.npy"))
        assert (one.profile, one.device, one.every) == (PROFILE, "cuda:1", Every())
    assert packed == ([] if shared else [("training", 32, "pool.npy"), ("validation", 32, "validation.npy")] * 3)
    assert not group.leads


def test_another_rank_that_finds_other_features_to_learn_by_says_so(trained, monkeypatch):
    store = Store()
    learning = replace(job("double_dg_perceptual"), features=Weights(Path("oxford.pth"), "IMAGENET1K_FEATURES"))
    Group(store, 0, 2, "cpu").publish([learning])
    monkeypatch.setattr(together, "visible", lambda file: True)
    found = Weights(Path("v1.pth"), "IMAGENET1K_V1")
    monkeypatch.setattr(perceptual, "finder", lambda: found)
    with pytest.raises(UsageError, match="learns by VGG16's IMAGENET1K_FEATURES there"):
        Group(store, 1, 2, "cpu").follow(PROFILE)
    assert trained == []
    found = Weights(Path("elsewhere.pth"), "IMAGENET1K_FEATURES")
    Group(store, 1, 2, "cpu").follow(PROFILE)
    assert [one.features for one in trained] == [found]


@pytest.mark.parametrize(("local", "patience"), [("0", 60.0), ("1", 600.0), (None, 60.0)])
def test_a_file_is_waited_for_longer_by_those_whose_neighbour_prepares_it(monkeypatch, tmp_path, local, patience):
    now = [100.0]
    clock = SimpleNamespace(
        monotonic=lambda: now[0], sleep=lambda seconds: now.__setitem__(0, now[0] + max(seconds, patience / 4))
    )
    monkeypatch.setattr(together, "time", clock)
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    if local is not None:
        monkeypatch.setenv("LOCAL_RANK", local)
    assert not visible(tmp_path / "none" / "pool.npy")
    assert patience < now[0] - 100 <= 1.5 * patience
    (tmp_path / "pool.npy").touch()
    before = now[0]
    assert visible(tmp_path / "pool.npy") and now[0] == before


@pytest.mark.parametrize(
    ("error", "gone", "memory"),
    [
        (dist.DistError("x"), True, False),
        (RuntimeError("[gloo/transport/tcp/pair.cc] reset"), True, False),
        (RuntimeError("Connection closed by peer"), True, False),
        (RuntimeError("shapes do not match"), False, False),
        (ValueError("gloo"), False, False),
        (RuntimeError("gloo: can't allocate memory"), False, True),
        (torch.OutOfMemoryError("CUDA out of memory"), False, True),
        (MemoryError(), False, True),
    ],
)
def test_an_error_that_says_only_that_another_is_gone(error, gone, memory):
    assert lost(error) is gone
    assert out_of_memory(error) is memory


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "out of memory. Use a smaller --set batch or --size, or more processes."),
        (RuntimeError("std::bad_alloc"), "out of memory. Use a smaller --set batch or --size, or more processes."),
        (
            RuntimeError("could not create a primitive"),
            "could not create a primitive: most likely out of memory. Use a smaller --set batch or --size, or more "
            "processes.",
        ),
        (BenchError("no\n such  file"), "no such file"),
        (CheckpointError("bad"), "bad"),
        (ValueError("no\nway"), "ValueError: no way"),
    ],
)
def test_what_went_wrong_is_one_line(error, words):
    assert sentence(error) == words


@pytest.fixture
def ending(monkeypatch):
    """leave() with its waits counted; the answer: what was raised, what the store holds of the end, waits."""

    def end(error: BaseException, trouble: str = "", stopping: bool = False, speaking: bool = False) -> tuple:
        waits: list[float] = []
        monkeypatch.setattr(together, "time", SimpleNamespace(sleep=waits.append))
        group = Group(Store(), 0, 2, "cpu")
        group.stopping = stopping
        if trouble:
            group.store.set("trouble", trouble)
        if speaking:
            group.speaking.acquire()
        raised: BaseException | None = None
        try:
            leave(group, error)
        except BaseException as found:
            raised = found
        assert not group.speaking.acquire(blocking=False), "the watcher has nothing more to say"
        return raised, group.store.get("over"), waits

    return end


def test_what_another_process_failed_of_is_told_in_place_of_its_loss(ending):
    raised, over, waits = ending(dist.DistError("x"), "process 1 of 2 on n: disk full")
    assert type(raised) is BenchError and str(raised) == "process 1 of 2 on n: disk full"
    assert (over, waits) == (b"1", [1.0])
    raised, over, waits = ending(dist.DistError("x"))
    assert str(raised).startswith("Another process of this training ended without a message.")
    raised, over, waits = ending(dist.DistError("x"), "t", speaking=True)
    assert waits == [1.0, together.LONG.total_seconds()], "the watcher ends this process"


@pytest.mark.parametrize(
    ("error", "stopping", "raised"),
    [
        (KeyboardInterrupt(), False, None),  # goes on as it is
        (KeyboardInterrupt(), True, None),
        (dist.DistError("x"), True, KeyboardInterrupt),
        (ValueError("x"), True, KeyboardInterrupt),
        (ValueError("x"), False, BenchError),
        (UsageError("x"), False, None),
        (CheckpointError("x"), False, None),
        (SystemExit(3), False, None),
    ],
)
def test_rank_0s_own_end(ending, error, stopping, raised):
    found, over, waits = ending(error, stopping=stopping)
    assert type(found) is (raised or type(None))
    assert (over, waits) == (b"1", [])
    if raised is BenchError:
        assert str(found) == "ValueError: x"


class Ended(BaseException):
    pass


def watched(monkeypatch, rank: int, store: Any, waits: int = 3, speaking: bool = False) -> tuple[Any, Store]:
    """What a watcher ends its process with; None where it waits on."""
    group = Group(Store(), rank, 2, "cpu")
    left = iter([False] * waits + [True])
    group.ended = SimpleNamespace(wait=lambda seconds: next(left))  # type: ignore[assignment]
    if speaking:
        group.speaking.acquire()

    def leave_with(code: int) -> None:
        raise Ended(code)

    monkeypatch.setattr(together, "os", SimpleNamespace(**{**vars(os), "_exit": leave_with}))
    try:
        group.watch(store)
    except Ended as end:
        return end.args[0], store
    return None, store


def test_a_watcher_ends_with_the_job_or_says_what_failed(monkeypatch, capsys):
    assert watched(monkeypatch, 1, Store())[0] is None
    assert watched(monkeypatch, 0, Store())[0] is None
    assert watched(monkeypatch, 1, Store(over=b"1"))[0] == 1
    assert watched(monkeypatch, 0, Store(over=b"1"))[0] is None, "rank 0 ends by itself"
    assert watched(monkeypatch, 1, Store(trouble=b"t"))[0] is None, "the others leave speaking to rank 0"
    assert capsys.readouterr().err == ""
    code, store = watched(monkeypatch, 0, Store(trouble=b"disk full"), speaking=False)
    assert (code, store.get("over")) == (1, b"1")
    assert capsys.readouterr().err == "bench: disk full\n"
    assert watched(monkeypatch, 0, Store(trouble=b"t"), speaking=True)[0] is None, "it is being said already"
    assert capsys.readouterr().err == ""


def test_a_watcher_whose_store_is_gone_ends_its_process(monkeypatch):
    class Gone(Store):
        def check(self, keys: list[str]) -> bool:
            raise RuntimeError("Connection reset")

    assert watched(monkeypatch, 1, Gone())[0] == 1
    assert watched(monkeypatch, 0, Gone())[0] == 1


@pytest.fixture
def meeting(monkeypatch):
    """joined() with torch's meeting replaced: what it began, the store, and the exit of a process that ends."""
    found = SimpleNamespace(store=Store(), begun=[], exit=None, waits=[])

    def meet(rank: int, error: BaseException | None = None, gpu: bool = False, publish: bool = False) -> Any:
        monkeypatch.setenv("RANK", str(rank))
        rendezvous = importlib.import_module("torch.distributed.rendezvous")
        monkeypatch.setattr(rendezvous, "rendezvous", lambda url, timeout: iter([(found.store, rank, 2)]))
        monkeypatch.setattr(dist, "PrefixStore", lambda prefix, store: found.begun.append(prefix) or store)
        monkeypatch.setattr(dist, "init_process_group", lambda kind, **given: found.begun.append((kind, given["rank"])))
        monkeypatch.setattr(dist, "destroy_process_group", lambda: found.begun.append("left"))
        monkeypatch.setattr(torch.cuda, "set_device", lambda device: found.begun.append(device))
        monkeypatch.setattr(together, "place", lambda device: "cuda:1" if gpu else "cpu")
        monkeypatch.setattr(together, "POLL_S", 0.001)

        def leave_with(code: int) -> None:
            found.exit = code
            raise Ended(code)

        monkeypatch.setattr(together, "os", SimpleNamespace(**{**vars(os), "_exit": leave_with}))
        monkeypatch.setattr(together.platform, "node", lambda: "n")
        with together.joined(None) as group:
            found.group = group
            found.handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
            if publish:
                group.publish([job()])
            if error is not None:
                raise error
        return found

    before = [(number, signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM)]
    found.meet = meet
    yield found
    found.group.ended.set()
    for number, handler in before:
        signal.signal(number, handler)


@pytest.mark.parametrize("rank", [0, 1])
def test_processes_meet_by_attempt_on_their_devices_and_part(meeting, monkeypatch, rank):
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "2")
    found = meeting.meet(rank, gpu=bool(rank))
    kind = [("nccl", 1)] if rank else [("gloo", 0)]
    assert found.begun == ["attempt 2", *(["cuda:1"] if rank else []), *kind, "left"]
    assert (found.group.rank, found.group.size, found.group.device) == (rank, 2, "cuda:1" if rank else "cpu")
    assert found.group.ended.is_set()
    # The first tells the others that nothing is to be trained; the others are deaf to Ctrl-C.
    assert found.store.get("jobs") == (b"[]" if rank == 0 else None)
    if rank:
        assert found.handlers == [signal.SIG_IGN] * 2
    else:
        assert not found.group.stopping
        found.handlers[1](signal.SIGTERM, None)
        assert found.group.stopping


def test_what_rank_0_has_told_stays(meeting):
    assert json.loads(meeting.meet(0, publish=True).store["jobs"])[0][0] == "baseline"


@pytest.mark.parametrize(
    ("error", "told"), [(ValueError("no"), b"process 1 of 2 on n: ValueError: no"), (dist.DistError("x"), None)]
)
def test_another_rank_leaves_its_reason_and_ends(meeting, monkeypatch, error, told):
    with pytest.raises(Ended):
        meeting.meet(1, error)
    assert meeting.exit == 1 and meeting.store.get("trouble") == told


def test_rank_0_raises_what_went_wrong_and_tells_the_others_that_it_is_over(meeting):
    with pytest.raises(BenchError, match="ValueError: no"):
        meeting.meet(0, ValueError("no"))
    assert meeting.store["over"] == b"1" and meeting.exit is None
