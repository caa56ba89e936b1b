"""The pages under docs/how-to tell what to type: each SPEC there fills rightly with a stand-in of its signature."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.methods.first_picture import check_convention
from bench.methods.keys import NAMES
from bench.methods.load import load_methods
from bench.methods.probe import known_pictures
from bench.metrics.scorer import Scorer
from tests.bench.methods import conformance as quirks
from tests.bench.methods.conformance import SIDE, export, script

PAGES = Path(__file__).parents[3] / "docs"


def specs(page: str, kind: str) -> list[str]:
    """Every SPEC of a kind in the page's code."""
    text = (PAGES / "how-to" / page).read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"```\n(.*?)```", text, re.DOTALL))
    return re.findall(rf"'?((?:\w+=)?{kind}:[^\s']+)'?", code)


def make(page: str, file: Path) -> Path:
    if page == "lama-torchscript.md":
        return script(quirks.Core(), file)
    if page == "lama-onnx.md":
        return export(quirks.Lama(), file, torch.rand(1, 3, SIDE, SIDE), torch.ones(1, 1, SIDE, SIDE))
    eight_bits = [torch.randint(0, 256, (1, c, SIDE, SIDE), dtype=torch.uint8) for c in (3, 1)]
    return export(quirks.Migan(), file, *eight_bits, free=True)


@pytest.mark.parametrize("page", ["lama-torchscript.md", "lama-onnx.md", "migan-onnx.md"])
def test_what_the_page_says_fills_as_the_network_does(page, tmp_path):
    kind = "torchscript" if "torchscript" in page else "onnx"
    if kind == "onnx":
        pytest.importorskip("onnx")
        pytest.importorskip("onnxruntime")
    image, hole = known_pictures(SIDE, 1)[0]
    x, h = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255, torch.from_numpy(hole)[None, None].float()
    expected = quirks.core(x * (1 - h), h)[0].permute(1, 2, 0).numpy()
    found = specs(page, kind)
    assert found
    for spec in found:
        name = re.sub(r"\?.*", "", spec.partition(f"{kind}:")[2])
        file = make(page, tmp_path / name)
        (method,) = load_methods(
            spec.replace(name, str(file)).replace("size=512", f"size={SIDE}"), weights=None, device="cpu"
        )
        check_convention(method, (image, hole))
        np.testing.assert_allclose(method.fill(image[None], hole[None])[0], expected, atol=0.51 / 255)


def test_the_page_of_keys_names_every_key():
    keys = (PAGES / "spec.md").read_text(encoding="utf-8").partition("## Randomness")[0]
    rows = re.findall(r"^\| `(\w+)` \|", keys, re.MULTILINE)
    assert set(rows) | {"in", "out"} == set(NAMES)


def test_a_tools_fills_of_an_exported_suite_are_found_by_name(tmp_path):
    """The page's three steps, with OpenCV as the tool."""
    import cv2

    from bench.datasets.registry import open_dataset
    from bench.suites.export import export_suite
    from bench.suites.suite import Suite

    dataset = open_dataset("scenes", "test", 32, 2)
    suite = Suite.open([dataset], "rect")
    export_suite(suite, tmp_path / "suite")
    (tmp_path / "fills" / "rect").mkdir(parents=True)
    for file in sorted((tmp_path / "suite" / "images").rglob("*.png")):
        hole = tmp_path / "suite" / "holes" / "rect" / file.name
        filled = cv2.inpaint(cv2.imread(str(file)), cv2.imread(str(hole), cv2.IMREAD_GRAYSCALE), 3, cv2.INPAINT_TELEA)
        cv2.imwrite(str(tmp_path / "fills" / "rect" / file.name), filled)
    (method,) = load_methods(f"predictions:{tmp_path / 'fills'}", weights=None)
    (part,) = suite.batches(dataset, "rect", 2)
    raw = method.fill(np.stack(part.images), np.stack(part.holes), part.ids, "rect")
    assert np.isfinite(raw).all() and not method.findings().problems and not method.findings().extra
    known = ~np.stack(part.holes)
    assert (np.rint(raw * 255).astype(np.uint8)[known] == np.stack(part.images)[known]).all()


def test_one_network_scores_the_same_as_a_file_a_function_and_a_folder(tmp_path):
    """TorchScript and the callable agree to the bit, ONNX to rounding, the folder with what was saved to the bit."""
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from PIL import Image

    from bench.util.compositing import composite

    image, hole = known_pictures(SIDE, 1)[0]
    script(quirks.Core(), tmp_path / "a.pt")
    export(quirks.Core(), tmp_path / "a.onnx", torch.rand(1, 3, SIDE, SIDE), torch.ones(1, 1, SIDE, SIDE))
    (tmp_path / "a.py").write_text("from tests.bench.methods.conformance import Core\n")
    fills = {}
    for spec in (f"torchscript:{tmp_path}/a.pt", f"onnx:{tmp_path}/a.onnx", f"python:{tmp_path}/a.py:Core"):
        raw = load_methods(spec, weights=None)[0].fill(image[None], hole[None])[0]
        fills[spec.partition(":")[0]] = composite(image, hole, raw)
    (tmp_path / "fills" / "rect").mkdir(parents=True)
    Image.fromarray(fills["python"]).save(tmp_path / "fills" / "rect" / "a.png")
    (folder,) = load_methods(f"predictions:{tmp_path}/fills", weights=None)
    fills["predictions"] = composite(image, hole, folder.fill(image[None], hole[None], ["a"], "rect")[0])
    np.testing.assert_array_equal(fills["torchscript"], fills["python"])
    np.testing.assert_array_equal(fills["predictions"], fills["python"])
    assert np.abs(fills["onnx"].astype(int) - fills["python"]).max() <= 1
    names = ["psnr_hole", "ssim_hole", "l1_hole", "colour_shift"]
    given = [[fills[kind]] for kind in ("python", "torchscript", "predictions", "onnx")]
    (scores,) = Scorer(names).score_batch(
        ["a"], [image], [hole], [tuple(one[0] for one in given)], [tuple(one[0] for one in given)]
    )
    for name in names:
        plain, script_, folder_, onnx_ = (float(row[name]) for row in scores)
        assert plain == script_ == folder_
        # One level, 1/255, in a few pixels: it is 0.01 dB, 1e-3 of the others' units.
        assert abs(onnx_ - plain) <= (0.01 if name in ("psnr_hole", "colour_shift") else 1e-3)
