"""What is timed is the method's own fill, and what it costs is counted right."""

import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from bench.methods.callable import CallableMethod
from bench.methods.load import open_external
from bench.methods.spec import Spec
from bench.throughput.cost import count
from bench.throughput.modes import fold, foldable
from bench.throughput.settings import Setting
from bench.throughput.subjects import Subject, inputs, prepare
from variants.errors import FillError
from variants.method import ReferenceMethod
from variants.network_method import NetworkMethod
from variants.registry import variant


def network_method(name: str, width: int = 4) -> NetworkMethod:
    torch.manual_seed(0)
    entry = variant.get(name)()
    network = entry.network(width)
    for module in network.modules():  # fresh BatchNorms are the identity: folding those would prove nothing
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, 0, 0.3)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.normal_(module.weight, 1, 0.2)
            nn.init.normal_(module.bias, 0, 0.2)
    return NetworkMethod(name, entry, network)


def finished(method, images: np.ndarray, holes: np.ndarray) -> np.ndarray:
    raw = method.fill(images, holes)
    return np.where(holes[..., None], np.rint(raw * 255).astype(np.uint8), images)


@pytest.mark.parametrize("name", ["baseline", "gan_res_mask", "double_dg"])
@pytest.mark.parametrize("side", [32, 37])
def test_the_timed_fill_is_the_fill_that_is_scored(name, side):
    method = network_method(name)
    setting = Setting("cpu", "fp32", "eager", side, 3)
    images, holes = inputs(setting, 1)[0]
    with torch.inference_mode():
        timed = prepare(Subject.of(method), setting)(images, holes).numpy()
    expected = finished(method, images.numpy(), holes.numpy())
    assert np.abs(timed.astype(int) - expected).max() <= 1  # batches of other sizes may round one level apart
    assert (timed == expected).mean() > 0.999
    assert (timed[~holes.numpy()] == images.numpy()[~holes.numpy()]).all()


class Painter(nn.Module):
    """A network from outside: the blanked picture and its hole, in [0, 1], to a picture in [0, 1]."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(4, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 3, 1))

    def forward(self, x: torch.Tensor, hole: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.layers(torch.cat((x, hole), dim=1)))


@pytest.mark.parametrize("side", [32, 37])
@pytest.mark.parametrize("script", [False, True])
def test_a_network_from_outside_is_timed_on_its_own_fill(side, script, tmp_path):
    torch.manual_seed(0)
    if script:
        torch.jit.script(Painter().eval()).save(tmp_path / "painter.pt")
        (method,) = open_external(Spec("torchscript", str(tmp_path / "painter.pt")), "cpu")
    else:
        method = CallableMethod("painter", Painter().eval())
    subject = Subject.of(method)
    expected = None
    for precision, mode in (("fp32", "eager"), ("fp32", "folded"), ("fp32", "contiguous"), ("bf16", "eager")):
        setting = Setting("cpu", precision, mode, side, 3)
        images, holes = inputs(setting, 1)[0]
        if expected is None:
            expected = finished(method, images.numpy(), holes.numpy()).astype(int)
            assert np.ptp(expected[holes.numpy()]) > 10
        with torch.inference_mode():
            timed = prepare(subject, setting)(images, holes).numpy()
        assert np.abs(timed - expected).max() <= (1 if precision == "fp32" else 2)
    cost = count(subject, Setting("cpu", "fp32", "eager", side, 2))
    padded = -(-side // 8) * 8
    assert cost.flops == 2 * 2 * padded**2 * (4 * 8 * 9 + 8 * 3)


@pytest.mark.parametrize(
    ("gives", "said"),
    [
        (lambda y: y[:, :1], r"shape \(2, 1, 16, 16\), not \(2, 3, 16, 16\)"),
        (lambda y: y[:, :, ::2, ::2], r"shape \(2, 3, 8, 8\), not"),
        (lambda y: {"out": y}, "it returned a dict, not"),
    ],
)
def test_a_network_that_gives_no_picture_is_refused(gives, said):
    class Odd(Painter):
        def forward(self, x, hole):
            return gives(super().forward(x, hole))

    setting = Setting("cpu", "fp32", "eager", 16, 2)
    call, batch = prepare(Subject.of(CallableMethod("odd", Odd().eval())), setting), inputs(setting, 1)[0]
    with pytest.raises(FillError, match=said):
        call(*batch)


@pytest.mark.parametrize("name", ["baseline", "double_dg"])
def test_a_picture_without_values_costs_what_one_with_values_does(name, monkeypatch):
    subject, setting = Subject.of(network_method(name)), Setting("cpu", "bf16", "eager", 40, 3)
    real = count(subject, setting)
    monkeypatch.setattr("bench.throughput.cost.LARGE", 32)
    bare = count(subject, setting)
    assert bare.flops == real.flops and bare.bytes == real.bytes
    assert bare.memory_mib == pytest.approx(real.memory_mib, rel=0.02)


def test_a_network_that_looks_at_values_is_counted_too(monkeypatch):
    class Looks(Painter):
        def forward(self, x, hole):
            return super().forward(x, hole) if hole.sum().item() else x

    monkeypatch.setattr("bench.throughput.cost.LARGE", 8)
    cost = count(Subject.of(CallableMethod("looks", Looks().eval())), Setting("cpu", "fp32", "eager", 16, 1))
    assert cost.flops == 2 * 16**2 * (4 * 8 * 9 + 8 * 3)


def test_a_fill_compiles_whole_and_holds_its_constants(monkeypatch):
    from torch._dynamo.backends.common import aot_autograd

    graphs = []

    def keep(module, inputs):
        graphs.append(module)
        return module.forward

    # Through all that inductor does before it writes kernels, which takes a compiler and half a minute.
    plain = torch.compile
    backend = aot_autograd(fw_compiler=keep)
    monkeypatch.setattr(torch, "compile", lambda fill, **options: plain(fill, backend=backend, fullgraph=True))
    subject = Subject.of(network_method("baseline"))
    eager, compiled = (Setting("cpu", "fp32", mode, 32, 2) for mode in ("eager", "compile"))
    images, holes = inputs(eager, 1)[0]
    with torch.inference_mode():
        a, b = (prepare(subject, setting)(images, holes).int() for setting in (eager, compiled))
    assert (a - b).abs().max() <= 1
    (graph,) = (module.graph for module in graphs)
    assert not [node for node in graph.nodes if node.op == "get_attr" or "lift" in str(node.target)]


@pytest.mark.parametrize("mode", ["folded", "contiguous"])
def test_a_faster_mode_is_the_same_function(mode):
    subject = Subject.of(network_method("gan_res_whole"))
    plain, other = Setting("cpu", "fp32", "eager", 32, 2), Setting("cpu", "fp32", mode, 32, 2)
    images, holes = inputs(plain, 1)[0]
    with torch.inference_mode():
        a, b = (prepare(subject, s)(images, holes).numpy().astype(int) for s in (plain, other))
    assert np.abs(a - b).max() <= 1
    assert np.ptp(a[holes.numpy()]) > 10  # the fills are not all of one colour


def test_folding_leaves_no_batch_norm_behind():
    folded = fold(network_method("gan_res_mask").network)
    assert not [m for m in folded.modules() if isinstance(m, nn.BatchNorm2d)]
    x = torch.randn(2, 3, 32, 32)
    known = (torch.rand(2, 1, 32, 32) > 0.3).float().expand(-1, 3, -1, -1)
    method = network_method("gan_res_mask")
    with torch.no_grad():
        torch.testing.assert_close(fold(method.network)(x, known), method.network(x, known), rtol=1e-4, atol=1e-4)


def test_a_network_without_anything_to_fold_is_not_timed_folded():
    class Apart(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm = nn.Conv2d(4, 3, 1), nn.BatchNorm2d(3)

    assert not foldable(Apart())
    assert not foldable(network_method("double_dg").network)
    assert foldable(Painter()) and foldable(network_method("baseline").network)


def test_a_reference_is_timed_on_its_own_fill():
    method = ReferenceMethod("telea", variant.get("telea")())
    setting = Setting("cpu", "fp32", "eager", 32, 1)
    images, holes = inputs(setting, 1)[0]
    timed = prepare(Subject.of(method), setting)(images, holes)
    assert (timed == finished(method, images.numpy(), holes.numpy())).all()


class OneConvolution(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(6, 3, 3, 1, 1, bias=False)

    def forward(self, x, known):
        return self.conv(torch.cat((x, known), dim=1))


def test_operations_and_bytes_of_a_convolution_by_hand():
    subject = Subject("one", 162, OneConvolution())
    cost = count(subject, Setting("cpu", "fp32", "eager", 16, 2))
    assert cost.flops == 2 * 2 * 16 * 16 * 3 * 6 * 9  # 2 a multiply-add, 2 pictures
    assert cost.bytes == 4 * (2 * 6 * 256 + 3 * 6 * 9 + 2 * 3 * 256)  # in, weights, out, once each
    assert count(subject, Setting("cpu", "bf16", "eager", 16, 2)).bytes == cost.bytes / 2
    # At least the six-channel input and the convolution's output are alive together.
    assert cost.memory_mib * 2**20 > 4 * (2 * 6 * 256 + 2 * 3 * 256)
    assert cost.memory_mib * 2**20 < 4 * 40 * 2 * 256


@pytest.mark.parametrize("name", ["gan_res_whole", "double_dg"])
def test_operations_are_those_of_torchs_own_counter(name):
    method = network_method(name)
    x = torch.zeros(2, 3, 32, 32)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        method.network(x, x)
    assert count(Subject.of(method), Setting("cpu", "bf16", "eager", 32, 2)).flops == counter.get_total_flops()


def test_counting_does_not_import_the_compiler():
    code = (
        "import sys\nfrom bench.throughput.cost import count\nfrom bench.throughput.settings import Setting\n"
        "from bench.throughput.calibration import subject\n"
        "assert count(subject(), Setting('cpu', 'fp32', 'eager', 16, 1)).flops\n"
        "assert 'torch._dynamo' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_method_that_cannot_be_looked_into_has_no_cost():
    cost = count(Subject("opaque"), Setting("cpu", "fp32", "eager", 16, 2))
    assert cost.flops == cost.bytes == 0 and math.isnan(cost.memory_mib)


def test_batches_of_the_pool_differ_and_a_picture_does_not_depend_on_its_batch():
    pool = inputs(Setting("cpu", "fp32", "eager", 32, 2), 4)
    assert len({images.numpy().tobytes() for images, _ in pool}) == 4
    assert all(holes.any(dim=2).any(dim=1).all() and not holes.all() for _, holes in pool)
    assert all(images.shape == (2, 32, 32, 3) and holes.shape == (2, 32, 32) for images, holes in pool)
    larger = inputs(Setting("cpu", "fp32", "eager", 32, 5), 4)
    for (few, some), (many, more) in zip(pool, larger, strict=True):
        assert torch.equal(few, many[:2]) and torch.equal(some, more[:2])
    assert not torch.equal(larger[0][0][2], larger[0][0][3])
