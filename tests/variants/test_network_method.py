"""From 8-bit pictures to raw and back, on networks whose answer is known: padding, blanking, clipping, loading."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torchvision.transforms.functional import normalize

from bench.methods.load import load_methods
from variants import network_method
from variants.method import Network
from variants.network_method import CHUNK, NetworkMethod
from variants.registry import variant

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Spy(nn.Module):
    """Answers with a colour, in normalised space, and keeps what it was shown."""

    def __init__(self, colour: tuple[float, float, float] = (1.0, -0.5, 0.25)) -> None:
        super().__init__()
        self.colour = nn.Parameter(torch.tensor(colour).view(1, 3, 1, 1))
        self.seen: list[tuple[Tensor, Tensor]] = []

    def forward(self, x: Tensor, known: Tensor) -> Tensor:
        assert not self.training
        self.seen.append((x.clone(), known.clone()))
        return self.colour.expand_as(x)


def method(spy: nn.Module, fills: str = "whole", multiple: int = 4, seed: int = 0) -> NetworkMethod:
    entry = Network()
    entry.fills, entry.multiple = fills, multiple  # type: ignore[misc]
    return NetworkMethod("spy", entry, spy, seed=seed)


def pictures(count: int = 1, height: int = 8, width: int = 8) -> tuple[np.ndarray, np.ndarray]:
    images = np.random.default_rng(0).integers(0, 256, (count, height, width, 3), dtype=np.uint8)
    holes = np.zeros((count, height, width), bool)
    holes[:, 2:5, 1:4] = True
    return images, holes


def coloured(colour: tuple[float, float, float]) -> np.ndarray:
    return np.array([c * s + m for c, m, s in zip(colour, MEAN, STD, strict=True)])


def test_a_network_sees_torchvisions_normalised_picture_blank_in_the_hole():
    images, holes = pictures()
    images[0, 0, 0] = 255
    method(spy := Spy()).fill(images, holes)
    x, known = spy.seen[0]
    expected = normalize(torch.from_numpy(images[0]).permute(2, 0, 1).float() / 255, MEAN, STD)
    assert x[0, :, 0, 0].tolist() == pytest.approx([(1 - m) / s for m, s in zip(MEAN, STD, strict=True)], rel=1e-6)
    hole = torch.from_numpy(holes[0])
    torch.testing.assert_close(x[0][:, ~hole], expected[:, ~hole])
    assert (x[0][:, hole] == 0).all()
    assert torch.equal(known[0], (~hole).float().expand(3, -1, -1))
    # Channels innermost, which a CPU convolves faster.
    assert x.is_contiguous(memory_format=torch.channels_last)


def test_a_network_of_whole_pictures_gives_its_own_colour_everywhere():
    raw = method(Spy(colour := (1.0, -0.5, 0.25))).fill(*pictures())
    assert raw.dtype == np.float32
    np.testing.assert_allclose(raw, np.broadcast_to(coloured(colour), raw.shape), atol=1e-6)


def test_a_network_of_holes_gives_its_own_colour_there_and_the_picture_elsewhere():
    images, holes = pictures()
    raw = method(Spy(colour := (1.0, -0.5, 0.25)), fills="hole").fill(images, holes)
    np.testing.assert_allclose(raw[holes], np.broadcast_to(coloured(colour), raw[holes].shape), atol=1e-6)
    np.testing.assert_allclose(raw[~holes], images[~holes] / 255, atol=1e-6)


def test_raw_is_clipped_to_black_and_white():
    raw = method(Spy((9.0, -9.0, -9.0))).fill(*pictures())
    assert (raw[..., 0] == 1).all() and (raw[..., 1:] == 0).all()


class Echo(nn.Module):
    """Answers with the picture that it is shown."""

    def forward(self, x: Tensor, known: Tensor) -> Tensor:
        self.seen = x, known
        return x


@pytest.mark.parametrize(("height", "width"), [(6, 9), (8, 13), (5, 16)])
def test_pictures_are_padded_right_and_below_by_reflection_and_cropped_back(height, width):
    images, holes = pictures(1, height, width)
    holes[:, -2:, -3:] = True
    raw = method(echo := Echo(), multiple=8).fill(images, holes)
    tall, wide = -(-height // 8) * 8, -(-width // 8) * 8
    x, known = echo.seen
    assert x.shape == (CHUNK, 3, tall, wide)
    down, right = (((0, 0), (0, n)) for n in (tall - height, wide - width))
    hole = np.pad(np.pad(holes[0].T, down, "reflect").T, right, "reflect")
    assert np.array_equal(known[0, 0].numpy() == 0, hole)
    picture = normalize(torch.from_numpy(images[0]).permute(2, 0, 1).float() / 255, MEAN, STD).numpy()
    whole = np.pad(picture, ((0, 0), (0, tall - height), (0, wide - width)), "reflect")
    np.testing.assert_allclose(x[0].numpy(), np.where(hole, 0, whole), atol=1e-6)
    np.testing.assert_allclose(raw[~holes], images[~holes] / 255, atol=1e-6)


@pytest.mark.parametrize(("height", "width"), [(3, 3), (8, 8), (8, 9), (9, 8)])
def test_a_picture_smaller_than_its_padding_goes_on_with_its_last_row_and_column(height, width):
    # From 8 to 16 takes 8 pixels, and a mirror has only 7.
    images, holes = pictures(1, height, width)
    holes[:] = False
    method(echo := Echo(), multiple=16).fill(images, holes)
    edge = np.pad(images[0], ((0, 16 - height), (0, 16 - width), (0, 0)), "edge")
    expected = normalize(torch.from_numpy(edge).permute(2, 0, 1).float() / 255, MEAN, STD)
    torch.testing.assert_close(echo.seen[0][0], expected)


def test_pictures_go_through_a_network_eight_at_a_time_whatever_their_number():
    images, holes = pictures(11)
    raw = method(spy := Spy(), fills="hole").fill(images, holes)
    assert [len(x) for x, _ in spy.seen] == [8, 8]
    np.testing.assert_allclose(raw[~holes], images[~holes] / 255, atol=1e-6)
    # The last ones are the last picture again.
    assert all(torch.equal(x, spy.seen[1][0][2]) for x in spy.seen[1][0][2:])


def test_a_method_of_chunks_of_one_shows_a_network_each_picture_alone_and_once():
    images, holes = pictures(3)
    one = method(spy := Spy(), fills="hole")
    one.chunk = 1
    raw = one.fill(images, holes)
    assert [len(x) for x, _ in spy.seen] == [1, 1, 1]
    np.testing.assert_allclose(raw, method(Spy(), fills="hole").fill(images, holes), atol=1e-6)


def test_a_method_says_what_it_is():
    baseline = variant.get("baseline")()
    given = NetworkMethod("baseline", baseline, baseline.network(4), seed=3)
    assert (given.name, given.seed, given.kind, given.fills) == ("baseline", 3, "network", "whole")
    assert given.summary == "U-Net, mean squared error only"
    w = 4
    halvings = 16 * (6 * w + w * 2 * w + 2 * w * 4 * w + 4 * w * 8 * w)
    doublings = 16 * (8 * w * 4 * w + 8 * w * 2 * w + 4 * w * w + 2 * w * w)
    norms = 2 * (2 * w + 4 * w + 8 * w + 4 * w + 2 * w + w + w)
    assert given.parameters == halvings + doublings + norms + w + 9 * w * 3 + 3


@pytest.mark.parametrize(("name", "width"), [("baseline", 4), ("gan_res_whole", 8), ("double_dg", 4)])
def test_weights_are_loaded_at_the_width_that_they_were_saved_at(tmp_path, name, width):
    torch.manual_seed(5)
    network = variant.get(name)().network(width)
    file = tmp_path / "generator.safetensors"
    save_file(network.state_dict(), str(file))
    loaded = load_methods(f"{name}@7", weights=lambda name, seed: (file, seed))[0]
    assert (loaded.seed, loaded.name) == (7, name)
    assert loaded.weights_sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    images, holes = pictures(2, 16, 16)
    expected = NetworkMethod(name, variant.get(name)(), network).fill(images, holes)
    assert np.array_equal(loaded.fill(images, holes), expected)


class Noise(nn.Module):
    """Puts out noise."""

    def forward(self, x: Tensor, known: Tensor) -> Tensor:
        return torch.rand(x.shape)


def test_a_network_that_draws_gives_a_picture_the_same_fill_alone_and_among_others_and_another_a_sample():
    images, holes = pictures(3)
    together = method(Noise()).fill(images, holes, ["a", "b", "c"], "rect")
    drawing = method(Noise())
    alone = drawing.fill(images[1:2], holes[1:2], ["b"], "rect")
    assert np.array_equal(alone[0], together[1])
    # Seeded from all of it, as docs/spec.md has it.
    digest = hashlib.sha256(b"0/rect/b/0").digest()
    torch.manual_seed(int.from_bytes(digest[:8], "little") >> 1)
    drawn = torch.rand(1, 3, 8, 8)[0].permute(1, 2, 0).numpy() * STD + MEAN
    assert alone[0] == pytest.approx(np.clip(drawn, 0, 1), abs=1e-5)
    drawing.sample = 1
    other = drawing.fill(images, holes, ["a", "b", "c"], "rect")
    assert (other[1] != alone[0]).any()
    drawing.sample = 0
    assert np.array_equal(drawing.fill(images, holes, ["a", "b", "c"], "rect"), together)


def test_a_network_that_does_not_draw_keeps_its_batches():
    images, holes = pictures(3)
    still = method(spy := Spy())
    still.fill(images, holes)
    assert still.chunk == CHUNK
    assert len(spy.seen) == 1


@pytest.mark.parametrize(("whole", "shown"), [(64, [(8, 8)]), (63, [(8, 4), (8, 6), (8, 6), (8, 4)])])
def test_only_pictures_above_the_limit_go_in_tiles_with_what_is_looked_at_around_each(monkeypatch, whole, shown):
    monkeypatch.setattr(network_method, "WHOLE", whole)
    monkeypatch.setattr(network_method, "TILE", 2)
    spy = Spy()
    one = method(spy, multiple=2)
    one.__dict__["reach"] = 2
    monkeypatch.setattr(network_method, "product", lambda rows, columns: [(0, column) for column in columns])
    one.chunk = 1
    images, holes = pictures()
    monkeypatch.setattr(one, "prepared", lambda image, hole: (image.permute(0, 3, 1, 2).float() / 255, hole))
    one.fill(images[:, :, :8], holes[:, :, :8])
    # Eight wide: tiles at 0, 2, 4 and 6, each with two pixels on either side where there are any.
    widths = [tuple(x.shape[-1:]) for x, _ in spy.seen]
    assert widths == [(width,) for _, width in shown]


def test_tiles_are_as_high_and_wide_as_said_and_the_last_ends_with_the_picture(monkeypatch):
    monkeypatch.setattr(network_method, "WHOLE", 0)
    monkeypatch.setattr(network_method, "TILE", 4)
    echo = Echo()
    one = method(echo, fills="hole", multiple=2)
    one.__dict__["reach"] = 1
    images, holes = pictures(2, 10, 6)
    raw = one.fill(images, holes, ["a", "b"])
    # A tile without a hole is copied; in the others the picture comes back but for the blank hole.
    np.testing.assert_allclose(raw[~holes], (images / 255)[~holes], atol=1e-6)
    np.testing.assert_allclose(raw[holes], np.broadcast_to(MEAN, raw[holes].shape), atol=1e-6)
    # The last tile with a hole: rows 4 to 7 and columns 0 to 3, with two pixels around (one, made even).
    assert echo.seen[0].shape == (1, 3, 8, 6)
    assert not bool(echo.seen[1][0, 0, 2, 1]), "row 4, column 1 is missing"


def test_big_pictures_of_a_network_that_draws_have_seeds_of_their_own(monkeypatch):
    monkeypatch.setattr(network_method, "WHOLE", 0)
    drawing = method(Noise())
    drawing.__dict__["reach"] = 0
    images, holes = pictures(2)
    together = drawing.fill(images, holes, ["a", "b"], "rect")
    assert np.array_equal(drawing.fill(images[1:], holes[1:], ["b"], "rect")[0], together[1])
    assert (drawing.fill(images[1:], holes[1:], ["a"], "rect")[0] != together[1]).any()
    drawing.sample = 1
    assert (drawing.fill(images[1:], holes[1:], ["b"], "rect")[0] != together[1]).any()


def test_a_method_on_the_processor_may_be_copied_with_its_process():
    assert method(Spy()).forks
    assert (method(Spy()).kind, method(Spy()).chunk) == ("network", 8)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_fills_that_are_scored_are_those_of_a_cpu() -> None:
    from bench.util.tf32 import matmul_precision

    entry = variant.get("gan_res_mask")()
    network = entry.network(8)
    images = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    holes = np.zeros((3, 64, 64), bool)
    holes[:, 20:50, 10:40] = True
    here = NetworkMethod("gan_res_mask", entry, network).fill(images, holes)
    with matmul_precision("fp32"):
        there = NetworkMethod("gan_res_mask", entry, network, device="cuda").fill(images, holes)
    assert np.abs(here - there).max() < 1e-4  # TF32 would be off by a hundred times as much
