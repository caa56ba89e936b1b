"""A small network of DINOv2's kind with random weights under the published file's name, and what it gives by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.backbones.backbone import sha256
from bench.backbones.dinov2 import DINOV2, DinoV2

WIDTH, HEADS, DEPTH, KNOWN = 12, 3, 2, 37

State = dict[str, torch.Tensor]


def random_state(seed: int = 0) -> State:
    """Tensors by Meta's names, of a network that is narrower and shallower, so large that every layer matters."""
    shapes = {
        "cls_token": (1, 1, WIDTH),
        "pos_embed": (1, 1 + KNOWN * KNOWN, WIDTH),
        "mask_token": (1, WIDTH),
        "patch_embed.proj.weight": (WIDTH, 3, 14, 14),
        "patch_embed.proj.bias": (WIDTH,),
        "norm.weight": (WIDTH,),
        "norm.bias": (WIDTH,),
    }
    for block in range(DEPTH):
        for name, shape in {
            "norm1.weight": (WIDTH,),
            "norm1.bias": (WIDTH,),
            "attn.qkv.weight": (3 * WIDTH, WIDTH),
            "attn.qkv.bias": (3 * WIDTH,),
            "attn.proj.weight": (WIDTH, WIDTH),
            "attn.proj.bias": (WIDTH,),
            "ls1.gamma": (WIDTH,),
            "norm2.weight": (WIDTH,),
            "norm2.bias": (WIDTH,),
            "mlp.fc1.weight": (4 * WIDTH, WIDTH),
            "mlp.fc1.bias": (4 * WIDTH,),
            "mlp.fc2.weight": (WIDTH, 4 * WIDTH),
            "mlp.fc2.bias": (WIDTH,),
            "ls2.gamma": (WIDTH,),
        }.items():
            shapes[f"blocks.{block}.{name}"] = shape
    generator = torch.Generator().manual_seed(seed)
    state = {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}
    for name, value in state.items():
        if name.endswith("weight") and value.dim() > 1:
            value /= value[0].numel() ** 0.5
    state["patch_embed.proj.weight"] *= 5  # so that pictures count for more than where their patches are
    return state


def small(digest: str = "") -> DinoV2:
    """The backbone in DINOv2's place."""
    options = {"embed_dim": WIDTH, "num_heads": HEADS, "depth": DEPTH}
    return replace(DINOV2, options=options, **({"digest": digest} if digest else {}))


def write_small_dinov2(folder: Path, state: State | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / DINOV2.file
    torch.save(random_state() if state is None else state, file)
    return file


def stand_in(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this file's network take DINOv2's place in scores."""
    from bench.set_metrics.networks import NETWORKS

    mine = replace(NETWORKS["dinov2"], backbone=small(sha256(file)), features=WIDTH)
    monkeypatch.setitem(NETWORKS, "dinov2", mine)


# ---- by hand, in NumPy and double precision


def features_by_hand(state: State, pictures: np.ndarray) -> np.ndarray:
    """The class token of the published definition: pictures uint8 (N, H, W, 3) -> (N, WIDTH)."""
    from PIL import Image

    own = {name: value.double().numpy() for name, value in state.items()}
    found = []
    for picture in pictures:
        resized = np.asarray(Image.fromarray(picture).resize((224, 224), Image.Resampling.BICUBIC)) / 255
        x = (resized - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
        patches = x.reshape(16, 14, 16, 14, 3).transpose(0, 2, 4, 1, 3).reshape(256, -1)
        kernel = own["patch_embed.proj.weight"].reshape(WIDTH, -1)
        tokens = np.concatenate([own["cls_token"][0], patches @ kernel.T + own["patch_embed.proj.bias"]])
        tokens = tokens + positions(own["pos_embed"][0])
        for block in range(DEPTH):
            tokens = layer(tokens, {name: own[f"blocks.{block}.{name}"] for name in NAMES})
        found.append(normed(tokens, own["norm.weight"], own["norm.bias"])[0])
    return np.array(found)


NAMES = [name.removeprefix("blocks.0.") for name in random_state() if name.startswith("blocks.0.")]


def positions(known: np.ndarray) -> np.ndarray:
    """37 × 37 embeddings at the places that 16 patches fall on by the ratio 16.1 / 37: Keys' cubic of a = -0.75, edges
    repeated."""
    weights = np.zeros((16, KNOWN))
    for row, at in enumerate((np.arange(16) + 0.5) * KNOWN / 16.1 - 0.5):
        for place in range(int(np.floor(at)) - 1, int(np.floor(at)) + 3):
            x, a = abs(at - place), -0.75
            near, far = (a + 2) * x**3 - (a + 3) * x**2 + 1, a * (x**3 - 5 * x**2 + 8 * x - 4)
            weights[row, np.clip(place, 0, KNOWN - 1)] += near if x <= 1 else far
    grid = known[1:].reshape(KNOWN, KNOWN, WIDTH)
    return np.concatenate([known[:1], np.einsum("ik,jl,kld->ijd", weights, weights, grid).reshape(256, WIDTH)])


def layer(x: np.ndarray, own: dict[str, np.ndarray]) -> np.ndarray:
    """A block of a vision transformer: attention, then two linear layers, each scaled and added."""
    from scipy.special import erf, softmax

    tokens = len(x)
    qkv = normed(x, own["norm1.weight"], own["norm1.bias"]) @ own["attn.qkv.weight"].T + own["attn.qkv.bias"]
    q, k, v = qkv.reshape(tokens, 3, HEADS, WIDTH // HEADS).transpose(1, 2, 0, 3)
    seen = softmax(q @ k.transpose(0, 2, 1) / np.sqrt(WIDTH // HEADS), axis=-1) @ v
    joined = seen.transpose(1, 0, 2).reshape(tokens, WIDTH)
    x = x + own["ls1.gamma"] * (joined @ own["attn.proj.weight"].T + own["attn.proj.bias"])
    wide = normed(x, own["norm2.weight"], own["norm2.bias"]) @ own["mlp.fc1.weight"].T + own["mlp.fc1.bias"]
    wide = wide * (1 + erf(wide / np.sqrt(2))) / 2
    return x + own["ls2.gamma"] * (wide @ own["mlp.fc2.weight"].T + own["mlp.fc2.bias"])


def normed(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt(x.var(-1, keepdims=True) + 1e-6) * weight + bias
