"""Weights on disk: safe formats only, and one clear sentence where a file is not what it should be."""

from __future__ import annotations

import contextlib
import hashlib
import json
import pickle
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from variants.errors import CheckpointError as CheckpointError
from variants.free_memory import available_mib

if TYPE_CHECKING:
    from torch import Tensor, nn


def load_state(file: Path) -> dict[str, Tensor]:
    """The state dict in ``file``: ``.safetensors``, or a ``.pth`` that holds tensors and nothing that runs.

    A dictionary wrapped as ``{"state_dict": …}`` and keys led by ``module.`` (DataParallel) or ``_orig_mod.``
    (torch.compile) are unwrapped.
    Raises CheckpointError.
    """
    import torch

    if not file.is_file():
        raise CheckpointError(f"the checkpoint {file} {no_file(file)}")
    other = stand_in(file)
    if other:
        raise CheckpointError(f"the checkpoint {file} {other}")
    state: Any
    try:
        if file.suffix == ".safetensors":
            from safetensors.torch import load_file

            state = load_file(str(file))
        else:
            state = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"the checkpoint {file} contains more than tensors and is refused, because loading it could run code: "
            "save its state_dict() alone"
        ) from error
    except Exception as error:
        why = "it asks for more memory than there is" if "allocate memory" in str(error) else first_line(error)
        raise CheckpointError(f"the checkpoint {file} cannot be read: {why}") from error
    for wrapper in ("state_dict", "model", "generator"):
        if isinstance(state, dict) and isinstance(state.get(wrapper), dict):
            state = state[wrapper]
    if not isinstance(state, dict) or not state or not all(hasattr(v, "shape") for v in state.values()):
        raise CheckpointError(f"the checkpoint {file} holds no state dict (names to tensors)")
    return {str(key).removeprefix("module.").removeprefix("_orig_mod."): value for key, value in state.items()}


def no_file(path: Path) -> str:
    """What is the matter with a path that leads to no regular file."""
    if path.is_dir():
        return "is a folder: name a file in it"
    return "is not a regular file" if path.exists() else "does not exist"


def first_line(error: Exception) -> str:
    """First line of an error's message, or its type where it has none."""
    return next(iter(str(error).splitlines()), type(error).__name__)


def stand_in(file: Path) -> str:
    """What lies in the place of a model, and what to do about it: empty where it looks like a file of its own that the
    memory has room for."""
    wanted, free = content_mib(file), available_mib()
    if wanted > free:
        return f"has {wanted:,.0f} MiB of content, and {free:,.0f} MiB of memory are free: is it the right file?"
    with file.open("rb") as stream:
        head = stream.read(200).lstrip().lower()
    if head.startswith(b"version https://git-lfs"):
        return f"is a pointer that Git LFS left in the file's place: run git lfs pull --include={file.name}"
    if head.startswith((b"<!doctype html", b"<html")):
        return "is a web page, not a model: download the file itself"
    if not head:
        return "is empty: download it again"
    return ""


def content_mib(file: Path) -> float:
    """Bytes of a file once it is unpacked, in MiB: a small archive can hold a great many."""
    wanted = file.stat().st_size
    with contextlib.suppress(OSError, zipfile.BadZipFile, ValueError), zipfile.ZipFile(file) as archive:
        wanted = max(wanted, sum(entry.file_size for entry in archive.infolist()))
    return wanted / 2**20


def load_into(network: nn.Module, state: dict[str, Tensor], name: str, file: Path) -> None:
    """Load ``state`` strictly. Raises CheckpointError that names the variant and the first difference."""
    own = network.state_dict()
    lacking = [key for key in own if key not in state and not key.endswith("num_batches_tracked")]
    extra = [key for key in state if key not in own]
    unlike = [key for key in own if key in state and own[key].shape != state[key].shape]
    if lacking or extra or unlike:
        if lacking:
            what = f"it lacks '{lacking[0]}'" + (f" and {len(lacking) - 1} more" if len(lacking) > 1 else "")
        elif extra:
            what = f"it holds '{extra[0]}', which the network does not have"
        else:
            key = unlike[0]
            what = f"'{key}' is {tuple(state[key].shape)}, not {tuple(own[key].shape)}"
        raise CheckpointError(f"the checkpoint {file} does not fit {name}: {what}")
    network.load_state_dict(state, strict=False)


def training_steps(file: Path) -> int:
    """How many steps the weights in ``file`` were trained for, as the trainer notes it; 0 where it did not."""
    from safetensors import safe_open

    if file.suffix != ".safetensors":
        return 0
    with safe_open(str(file), "pt") as stream:
        noted = (stream.metadata() or {}).get("training", "{}")
    try:
        return max(0, int(json.loads(noted)["step"]))
    except (ValueError, TypeError, KeyError):  # of a file from elsewhere
        return 0


def sha256(file: Path) -> str:
    """SHA-256 of the file's bytes, hex."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
