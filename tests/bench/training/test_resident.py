"""Batches on a device are those from the host, bit for bit. On the CPU here; on CUDA where there is one."""

import numpy as np
import pytest
import torch

from bench.training.batches import Batches
from bench.training.resident import Resident, batches_for, fits

DEVICES = [
    "cpu",
    pytest.param(
        "cuda",
        marks=[pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")],
    ),
]


def pool(side: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (10, side, side, 3), dtype=np.uint8)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("side", [32, 27])
@pytest.mark.parametrize("masks", [("rect", "circle", "ellipse"), ("rect", "freeform")])  # runs alone; pixels too
def test_a_resident_batch_is_another_one(device, side, masks):
    host, resident = Batches(pool(side), 7, 3, masks), Resident(device, pool(side), 7, 3, masks)
    for step in (0, 1, 2, 9, 4):  # drawn ahead in order; jumps, as after taking a training up again, too
        images, holes = resident(step)
        expected_images, expected_holes = host(step)
        assert images.dtype == torch.uint8 and holes.dtype == torch.bool
        np.testing.assert_array_equal(images.cpu().numpy(), expected_images)
        np.testing.assert_array_equal(holes.cpu().numpy(), expected_holes)


def test_pictures_are_sent_to_a_device_without_room(monkeypatch):
    assert type(batches_for("cpu", pool(16), 4, 0, ("rect",))) is Batches
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (pool(16).nbytes, 0))
    assert type(batches_for("cuda", pool(16), 4, 0, ("rect",))) is Batches


def test_unless_processes_share_a_batch_all_of_it_is_ones_own():
    images, holes = batches_for("cpu", pool(16), 4, 0, ("rect",))(0)
    assert len(images) == len(holes) == 4
    for index in (0, 1):
        part = batches_for("cpu", pool(16), 4, 0, ("rect",), (index, 2))(0)
        np.testing.assert_array_equal(part[0], images[2 * index : 2 * index + 2])
        np.testing.assert_array_equal(part[1], holes[2 * index : 2 * index + 2])


def test_a_batch_that_cannot_be_shared_evenly_is_refused():
    with pytest.raises(ValueError, match="a batch of 4 has no 3 equal parts"):
        Batches(pool(16), 4, 0, ("rect",), (0, 3))


def test_pictures_may_take_half_of_a_devices_free_memory(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (1000, 8000))
    assert fits("cuda", 500) and fits("cuda:1", 500)
    assert not fits("cuda", 501)
    assert not fits("cpu", 1)


def test_the_next_step_is_prepared_while_this_one_runs():
    resident = Resident("cpu", pool(16), 4, 0, ("rect",))
    asked = []
    sent = resident.sent
    resident.sent = lambda step: (asked.append(step), sent(step))[1]
    for step in (5, 6, 7):
        resident(step)
    resident.ahead[1].result()
    assert asked == [5, 6, 7, 8]
