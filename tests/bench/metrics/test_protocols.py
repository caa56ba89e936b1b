"""Protocol presets as the scorer applies them; their values are held to other people's code in tests/parity."""

from __future__ import annotations

import numpy as np
import pytest

from bench.metrics.protocol import NATIVE, PROTOCOLS, find_protocol
from bench.metrics.registry import metric
from bench.metrics.scorer import Scorer
from variants.registry import UnknownName


def test_the_names_that_the_command_line_promises_are_there() -> None:
    assert set(PROTOCOLS) == {"native", "lama", "mat", "aot", "brushbench"}
    assert str(find_protocol("lama")) == "lama"


def test_a_wrong_name_is_refused_with_the_nearest_ones() -> None:
    with pytest.raises(UnknownName, match="native"):
        find_protocol("nativ")


def test_metrics_speak_of_presets_that_exist() -> None:
    for name, entry in metric.all().items():
        assert set(entry.protocols or {}) <= set(PROTOCOLS), name


def test_a_column_names_the_reference_that_its_preset_follows_and_the_others_their_own() -> None:
    native, lama = (Scorer(["psnr", "ssim", "ssim_hole"], protocol=name).metrics for name in ("native", "lama"))
    assert "scikit-image" in native["ssim"].reference and "saicinpainting" in lama["ssim"].reference
    assert lama["psnr"] == native["psnr"]
    assert metric.get("ssim").reference == native["ssim"].reference, "the registry's own entry must stay"


def test_what_a_column_says_of_itself_is_so_under_each_preset() -> None:
    named = {name: Scorer(["lpips", "lpips_hole"], protocol=name).metrics for name in ("lama", "brushbench")}
    for entries, backbone in zip(named.values(), ("VGG-16", "SqueezeNet"), strict=True):
        assert all(backbone in entry.summary and "AlexNet" not in entry.summary for entry in entries.values())
    known = Scorer(["psnr", "mse"], protocol="brushbench").metrics
    assert "100 dB" not in known["psnr"].summary.replace("1000 dB", "") and "known" in known["mse"].summary
    assert "5 pixels" in metric.get("ssim").summary and "5 pixels" not in metric.get("ssim").under("aot").summary


def test_a_preset_changes_no_column_that_it_does_not_declare() -> None:
    rng = np.random.default_rng(0)
    truth, fill = rng.integers(0, 256, (2, 40, 50, 3), dtype=np.uint8)
    hole = np.zeros((40, 50), bool)
    hole[8:30, 20:50] = True
    filled = np.where(hole[..., None], fill, truth)
    names = [name for name in metric.names() if not name.startswith("lpips")]
    raw = (filled / np.float32(255) * np.float32(0.9)).astype(np.float32)
    rows = {p: Scorer(names, protocol=p).score("x", truth, hole, [filled], [raw])[0] for p in PROTOCOLS}
    for protocol in PROTOCOLS.values():
        unlike = {name for name in names if rows[protocol.name][name] != rows[NATIVE.name][name]}
        assert all(protocol.name in (metric.get(name).protocols or {}) for name in unlike), protocol.name
    assert rows["mat"] == rows["native"]
