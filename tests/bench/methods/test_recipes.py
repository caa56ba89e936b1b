"""The pages under docs/how-to that carry code of their own: it runs as it stands there, against stand-ins that have the
signatures of what it calls, and fills as the stand-in's network does."""

from __future__ import annotations

import base64
import io
import json
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from bench.methods.first_picture import check_convention
from bench.methods.load import load_methods
from bench.methods.probe import known_pictures
from tests.bench.methods.conformance import SIDE, core
from variants.errors import FillError

PAGES = Path(__file__).parents[3] / "docs" / "how-to"


def code_of(page: str, language: str) -> str:
    text = (PAGES / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return "\n".join(block for name, block in blocks if name == language)


def spec_of(page: str) -> str:
    """The SPEC of the page's command, at the stand-ins' size."""
    command = next(line for line in code_of(page, "").splitlines() if line.startswith("bench eval"))
    found = re.search(r"'([^']+)'", command)
    assert found is not None
    return found[1].replace("size=512", f"size={SIDE}")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty working directory; what is imported from it is forgotten afterwards."""
    before, path = set(sys.modules), list(sys.path)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.path[:] = path
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def filled_by_core(image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    x, h = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255, torch.from_numpy(hole)[None, None].float()
    return core(x * (1 - h), h)[0].permute(1, 2, 0).numpy()


MAT = """
import torch
from tests.bench.methods.conformance import core

class Generator(torch.nn.Module):
    def __init__(self, z_dim, c_dim, w_dim, img_resolution, img_channels):
        super().__init__()
        assert (z_dim, c_dim, w_dim, img_resolution, img_channels) == (512, 0, 512, 512, 3)
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.register_buffer("mean", torch.zeros(1))

    def forward(self, images_in, masks_in, z, c, truncation_psi=1, truncation_cutoff=None, skip_w_avg_update=False,
                noise_mode="random", return_stg1=False):
        assert z.shape == (len(images_in), 512) and c.shape == (len(images_in), 0) and noise_mode == "const"
        assert images_in.min() >= -1 and set(masks_in.unique().tolist()) <= {0, 1}
        seen = (images_in * masks_in) / 2 + 0.5
        y = core(seen * masks_in, 1 - masks_in) * 2 - 1
        return self.weight * y + self.mean * z.mean()
"""


def test_mat_as_its_page_has_it(here):
    (here / "networks").mkdir()
    (here / "networks" / "mat.py").write_text(MAT, encoding="utf-8")
    (here / "dnnlib.py").write_text(
        "import contextlib\nclass util:\n    open_url = staticmethod(lambda url: contextlib.nullcontext(url))\n"
    )
    (here / "legacy.py").write_text(
        "import torch\nfrom types import SimpleNamespace\n"
        "def load_network_pkl(file):\n"
        "    weights = {'weight': torch.ones(1), 'mean': torch.zeros(1)}\n"
        "    return {'G_ema': SimpleNamespace(state_dict=lambda: weights)}\n"
    )
    (here / "score_mat.py").write_text(code_of("mat.md", "python"), encoding="utf-8")
    (method,) = load_methods(spec_of("mat.md"), weights=None)
    image, hole = known_pictures(SIDE, 1)[0]
    check_convention(method, (image, hole))
    np.testing.assert_allclose(method.fill(image[None], hole[None])[0], filled_by_core(image, hole), atol=1e-5)


class Pipeline:
    """Fills with the grey that the prompt names, to which it adds noise of torch's own generator."""

    @classmethod
    def from_pretrained(cls, name: str, dtype: torch.dtype) -> Pipeline:
        assert dtype in (torch.float16, torch.float32)
        return cls()

    def to(self, device: str) -> Pipeline:
        return self

    def set_progress_bar_config(self, **kwargs) -> None:
        assert kwargs == {"disable": True}

    def __call__(self, *, prompt, image, mask_image, height, width, num_inference_steps=50, output_type="pil"):
        assert output_type == "pt" and len(prompt) == len(image) == len(mask_image)
        assert image.shape[1:] == (3, height, width) and mask_image.shape[1:] == (1, height, width)
        assert image.min() >= 0 and image.max() <= 1
        greys = torch.tensor([float(text.partition(" ")[0] or 0) for text in prompt])[:, None, None, None]
        noise = torch.randn(len(image), 1, 1, 1) / 1000
        return SimpleNamespace(images=image * (1 - mask_image) + (greys + noise) * mask_image)


def test_a_diffusers_pipeline_as_its_page_has_it_gets_each_pictures_prompt(here, monkeypatch):
    stand_in = ModuleType("diffusers")
    stand_in.AutoPipelineForInpainting = Pipeline
    monkeypatch.setitem(sys.modules, "diffusers", stand_in)
    (here / "diffusion.py").write_text(code_of("diffusers.md", "python"), encoding="utf-8")
    table = code_of("diffusers.md", "csv")
    assert table.startswith("id,prompt\nharbour,") and "\nmeadow," in table
    table = table.replace('"a harbour', '"0.25 a harbour').replace("a meadow", "0.75 a meadow")
    (here / "prompts.csv").write_text(table, encoding="utf-8")
    pictures = known_pictures(SIDE, 3)
    images, holes = (np.stack(part) for part in zip(*pictures, strict=True))
    for keys in ("", "&batch=2"):
        (method,) = load_methods(spec_of("diffusers.md") + keys, weights=None)
        check_convention(method, pictures[0], "harbour")
        raw = method.fill(images, holes, ["meadow", "harbour", "other"], "rect")
        for k, grey in enumerate((0.75, 0.25, 0.0)):
            np.testing.assert_allclose(raw[k][holes[k]], grey, atol=0.01)
            np.testing.assert_allclose(raw[k][~holes[k]], images[k][~holes[k]] / 255, atol=1e-6)
        again = method.fill(images[1:], holes[1:], ["harbour", "other"], "rect")
        np.testing.assert_allclose(again, raw[1:], atol=0 if not keys else 0.01)


class Server(BaseHTTPRequestHandler):
    """The part of IOPaint's server that is called: JSON with two pictures in base64, a PNG back."""

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        image, mask = (Image.open(io.BytesIO(base64.b64decode(request[key]))) for key in ("image", "mask"))
        good = self.path == "/api/v1/inpaint" and self.headers["Content-Type"] == "application/json"
        good = good and request["hd_strategy"] == "Original" and 0 <= request["sd_seed"] < 2**31
        if not good or image.size != mask.size:
            self.send_error(400)
            return
        filled = filled_by_core(np.array(image.convert("RGB")), np.array(mask.convert("L")) > 127)
        file = io.BytesIO()
        Image.fromarray(np.rint(filled * 255).astype(np.uint8)).save(file, "PNG")
        self.send_response(200)
        self.send_header("Content-Type", "image/png")
        self.end_headers()
        self.wfile.write(file.getvalue())

    def log_message(self, *args) -> None:
        pass


def test_iopaints_server_as_its_page_has_it(here):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        client = code_of("iopaint.md", "python").replace(":8080/", f":{server.server_port}/")
        (here / "iopaint_client.py").write_text(client, encoding="utf-8")
        (method,) = load_methods(spec_of("iopaint.md"), weights=None)
        image, hole = known_pictures(SIDE, 1)[0]
        check_convention(method, (image, hole))
        raw = method.fill(image[None], hole[None])[0]
        np.testing.assert_allclose(raw, filled_by_core(image, hole), atol=0.51 / 255)
    finally:
        server.shutdown()
        server.server_close()
    with pytest.raises(FillError, match="Connection refused"):
        load_methods(spec_of("iopaint.md"), weights=None)[0].fill(image[None], hole[None])
