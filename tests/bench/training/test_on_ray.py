"""Trainings handed to Ray: what is asked of it, and how each ending is told. Ray is a stand-in that calls at once."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.profiles.profile import load_profile
from bench.training import on_ray
from bench.training.on_ray import needed, portable, reached, train_on_ray, train_there
from bench.training.schedule import Job
from bench.util.errors import BenchError, UsageError
from bench.util.ray_tasks import check_launcher, require
from variants.errors import Diverged
from variants.plugins import PLUGINS_ENV


class RayError(Exception):
    pass


class WorkerCrashedError(RayError):
    pass


class Ray:
    """Ray's functions that are used, with their signatures: tasks run when they are asked for."""

    exceptions = SimpleNamespace(RayError=RayError)

    def __init__(self, endings):
        self.endings, self.asked, self.cancelled, self.open = endings, [], [], False
        self.waits = []
        self.resources = {"CPU": 2.0}

    def is_initialized(self):
        return self.open

    def init(self, address=None, *, log_to_driver=True, logging_level=None):
        self.open = True

    def shutdown(self):
        self.open = False

    def nodes(self):
        return [{"Alive": True, "Resources": self.resources}, {"Alive": False, "Resources": {"CPU": 64.0, "GPU": 8.0}}]

    def remote(self, *, num_cpus, num_gpus, max_retries):
        def wrap(function):
            assert function is train_there

            def submit(job, plugins):
                self.asked.append((job.name, job.seed, num_cpus, num_gpus, max_retries, plugins))
                return job.name, job.seed

            return SimpleNamespace(remote=submit)

        return wrap

    def wait(self, refs, *, num_returns=1, timeout=None):
        self.waits.append((num_returns, timeout))
        ending = self.endings[refs[0][0]]
        if ending is KeyboardInterrupt and not self.cancelled:
            raise KeyboardInterrupt
        return refs[:num_returns], refs[num_returns:]

    def get(self, reference):
        ending = self.endings[reference[0]]
        if isinstance(ending, Exception):
            raise ending
        return ending

    def cancel(self, reference):
        self.cancelled.append(reference)


def job(name: str = "baseline", folder: Path = Path("runs/r"), device: str = "cpu", **changes) -> Job:
    profile = load_profile("tiny", {"width": 4, **changes})
    return Job(name, 0, 10, folder, Path("pool.npy"), Path("validation.npy"), profile, device)


@pytest.fixture
def ray(monkeypatch):
    def made(**endings):
        fake = Ray(endings)
        monkeypatch.setitem(sys.modules, "ray", fake)
        return fake

    return made


def test_each_training_asks_for_its_cores_and_is_retried(ray, monkeypatch):
    fake = ray(baseline=("", []), double_dg=("", []))
    monkeypatch.setenv(PLUGINS_ENV, "/a.py")
    seen = []
    train_on_ray([job(threads=2), job("double_dg", threads=2)], seen.append)
    assert fake.asked == [("baseline", 0, 2, 0, 3, "/a.py"), ("double_dg", 0, 2, 0, 3, "/a.py")]
    assert [(p.name, p.step, p.done) for p in seen] == [("baseline", 10, True), ("double_dg", 10, True)]
    assert not fake.open


def test_a_gpu_is_asked_for_by_count_and_files_by_whole_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert needed(job(device="cuda:3")) == {"num_cpus": 1, "num_gpus": 1}
    sent = portable(job(device="cuda:3"))
    assert (sent.device, sent.folder, sent.pool) == ("cuda", tmp_path / "runs/r", tmp_path / "pool.npy")


@pytest.mark.parametrize(
    ("needs", "said"),
    [
        ({"num_cpus": 3, "num_gpus": 0}, "has 3 cores, which each training"),
        ({"num_cpus": 1, "num_gpus": 1}, "has 1 core and a GPU, which each training"),
    ],
)
def test_what_no_living_node_has_is_refused_instead_of_waited_for(needs, said):
    with pytest.raises(UsageError, match=said):
        require(needs, Ray({}).nodes(), "training")


def test_failures_name_the_training_and_the_others_finish(ray, capsys):
    ray(baseline=WorkerCrashedError("gone"), basic_gan=("disk full", []), double_dg=("", ["double_dg diverged"]))
    seen = []
    with pytest.raises(BenchError) as raised:
        train_on_ray([job(), job("basic_gan"), job("double_dg")], seen.append)
    lost = "baseline@0: its worker was lost (WorkerCrashedError)"
    assert str(raised.value) == f"training failed for {lost}; basic_gan@0: disk full"
    assert [p.name for p in seen] == ["double_dg"]
    assert "warning: double_dg diverged" in capsys.readouterr().err


def test_ctrl_c_cancels_what_is_left(ray):
    fake = ray(baseline=KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        train_on_ray([job()], lambda progress: None)
    assert fake.cancelled == [("baseline", 0)] and not fake.open
    assert fake.waits == [(1, 2.0), (1, 30.0)], "two seconds at a time; then half a minute for what was cancelled"


def test_a_failure_with_nothing_left_to_cancel_waits_for_nothing(ray):
    fake = ray(baseline=("", []))

    def report(progress):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_on_ray([job()], report)
    assert fake.waits == [(1, 2.0)] and fake.cancelled == []


def test_what_no_node_has_is_asked_before_any_training_is_handed_over(ray):
    fake = ray(baseline=("", []))
    with pytest.raises(UsageError, match="No node of the Ray cluster has 3 cores"):
        train_on_ray([job(threads=3)], lambda progress: None)
    assert fake.asked == [] and not fake.open


def test_a_cluster_that_was_joined_before_is_not_left(ray):
    fake = ray(baseline=("", []))
    fake.open = True
    train_on_ray([job()], lambda progress: None)
    train_on_ray([], lambda progress: pytest.fail("reported"))
    assert fake.open and len(fake.asked) == 1


def test_a_cluster_that_cannot_be_reached_is_said(ray):
    fake = ray()
    fake.init = lambda **given: (_ for _ in ()).throw(ConnectionError("nobody there"))
    with pytest.raises(BenchError, match="Ray cannot be reached: nobody there"):
        train_on_ray([job()], lambda progress: None)


def test_a_node_that_has_just_enough_is_enough():
    nodes = [{"Alive": True, "Resources": {"CPU": 2.0, "GPU": 1.0}}]
    require({"num_cpus": 2, "num_gpus": 1}, nodes, "shard")
    with pytest.raises(UsageError):
        require({"num_cpus": 1, "num_gpus": 0}, [{"Alive": True, "Resources": {}}], "shard")
    # Cores of one node and the GPU of another are of no use.
    apart = [{"Alive": True, "Resources": {"CPU": 2.0}}, {"Alive": True, "Resources": {"CPU": 1.0, "GPU": 1.0}}]
    with pytest.raises(UsageError):
        require({"num_cpus": 2, "num_gpus": 1}, apart, "training")


def test_progress_of_those_that_still_train_is_told(ray, tmp_path):
    head = "step,epoch,seconds,images_per_s,lr,mse,adversarial,critic,validation_psnr_hole"
    (tmp_path / "history.csv").write_text(f"{head}\n4,0.5,2,80,0.1,0.25,0.5,7,21.5\n")
    ray(baseline=("", []), double_dg=("", []))
    seen = []
    train_on_ray([job(), job("double_dg", tmp_path)], seen.append)
    assert [(p.name, p.step, p.done) for p in seen] == [
        ("baseline", 10, True),
        ("double_dg", 4, False),
        ("double_dg", 10, True),
    ]


def test_progress_is_each_new_row_of_the_history(tmp_path):
    assert list(reached(job(folder=tmp_path), 0)) == []
    head = "step,epoch,seconds,images_per_s,lr,mse,adversarial,critic,validation_psnr_hole"
    (tmp_path / "history.csv").write_text(f"{head}\n1,,0.1,9,0.1,5,5,5,\n4,0.5,2,80,0.1,0.25,0.5,7,21.5\n")
    assert [progress.step for progress in reached(job(folder=tmp_path), 0)] == [1, 4]
    (given,) = reached(job(folder=tmp_path), 1)
    assert (given.step, given.steps, given.loss, given.images_per_s, given.done) == (4, 10, 0.75, 80, False)
    assert given.row["validation_psnr_hole"] == 21.5


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (None, ("", ["a"])),
        (Diverged("b"), ("", ["a", "b"])),
        (ValueError("c"), ("ValueError: c", ["a"])),
    ],
)
def test_a_task_tells_its_ending(monkeypatch, error, answer):
    def run(job, report, stopping, tell):
        tell("a")
        if error:
            raise error

    monkeypatch.setattr(on_ray, "run_job", run)
    monkeypatch.setattr("bench.training.together.visible", lambda file: True)
    monkeypatch.delenv(PLUGINS_ENV, raising=False)
    assert train_there(job(), "") == answer


def test_a_node_without_the_shared_folder_says_so(monkeypatch):
    monkeypatch.setattr("bench.training.together.visible", lambda file: False)
    monkeypatch.setenv(PLUGINS_ENV, "")
    assert "BENCH_CACHE_DIR must name shared folders" in train_there(job(), "")[0]
    assert "pool.npy is not on" in train_there(job(), "")[0]


def test_an_unknown_launcher_and_a_missing_ray_are_said(monkeypatch):
    with pytest.raises(UsageError, match=r"Unknown launcher 'slurm'\. Use ray\."):
        check_launcher("slurm")
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"pip install 'inpaint-bench\[ray\]'"):
        check_launcher("ray")
