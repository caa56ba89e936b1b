"""Between our pictures and a model's own convention: what it is given, and how its answer is read.

Our side: float32 (N, 3, H, W) RGB in [0, 1], hole float32 (N, 1, H, W), 1 where missing. Its side: :class:`Keys`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.methods.keys import Keys
from variants.errors import FillError
from variants.plugins import an

if TYPE_CHECKING:
    from torch import Tensor

GREY = 0.5


class WrongAnswer(FillError):
    """What a model gave is no picture of the size asked for. ``keys``: what would mend it, where that can be seen."""

    def __init__(self, message: str, keys: Keys | None = None) -> None:
        super().__init__(message)
        self.keys = keys or Keys()


def blanked(image: Tensor, hole: Tensor, blank: str) -> Tensor:
    """The picture as a model may see it: under the hole lies what ``blank`` says."""
    import torch

    if blank == "keep":
        return image
    if blank == "mean":
        known = 1 - hole
        count = known.sum(dim=(2, 3), keepdim=True)
        mean = (image * known).sum(dim=(2, 3), keepdim=True) / count
        return torch.where(hole > 0, torch.where(count > 0, mean, GREY), image)
    return torch.where(hole > 0, image.new_tensor(float(blank)), image)


def given(image: Tensor, hole: Tensor, keys: Keys) -> tuple[Tensor, ...]:
    """What the model is called with. The mask has the picture's type; of uint8, 255 stands for 1.

    image: as it is under the hole; keys: settled.
    """
    import torch

    assert keys.low_high_in is not None and keys.blank is not None
    low, high = keys.low_high_in
    x = blanked(image, hole, keys.blank)
    if (low, high) != (0.0, 1.0):
        x = x * (high - low) + low
    mask = hole if keys.hole == 1 else 1 - hole
    if keys.channels == "bgr":
        x = x.flip(1)
    if keys.dtype == "uint8":
        x, mask = x.round().clamp(0, 255).to(torch.uint8), (mask * 255).to(torch.uint8)
    elif keys.dtype == "fp16":
        x, mask = x.half(), mask.half()
    pair = (mask, x) if keys.order == "mask,picture" else (x, mask)
    if keys.input == "concat":
        pair = (torch.cat(pair, dim=1),)  # type: ignore[assignment]
    elif keys.input == "masked":
        pair = (x,)  # type: ignore[assignment]
    if keys.layout == "nhwc":
        pair = tuple(t.permute(0, 2, 3, 1).contiguous() for t in pair)  # type: ignore[assignment]
    return pair


def chosen(answer: Any, output: str | None, name: str) -> Any:
    """The picture among what a model gave, one of Pillow's as its pixels. Raises WrongAnswer that says which outputs
    there are."""
    found = _chosen(answer, output, name)
    return np.array(found.convert("RGB")) if hasattr(found, "convert") and hasattr(found, "getbands") else found


def _chosen(answer: Any, output: str | None, name: str) -> Any:
    if isinstance(answer, Mapping):
        parts = {str(key): value for key, value in answer.items()}
    elif isinstance(answer, (tuple, list)) and not all(isinstance(value, (int, float)) for value in answer):
        parts = {str(place): value for place, value in enumerate(answer)}
    else:
        return answer
    if output is None and len(parts) == 1:
        return _chosen(next(iter(parts.values())), None, name)
    if output in parts:
        return parts[output]
    if output is not None and output.isdecimal() and int(output) < len(parts):
        return list(parts.values())[int(output)]
    listed = ", ".join(f"{key} {_shape_of(value)}" for key, value in list(parts.items())[:4])
    best = next((key for key, value in parts.items() if _is_picture(value)), next(iter(parts), "0"))
    wrong = f"has no output '{output}'" if output is not None else "gave several outputs"
    raise WrongAnswer(f"{name} {wrong} ({listed})", Keys(output=best))


def _shape_of(value: Any) -> str:
    shape = getattr(value, "shape", None)
    return "x".join(str(side) for side in shape) if shape is not None else type(value).__name__


SMALLEST = 8
"""Side in pixels under which an answer is no picture of another size, but something else."""


def _is_picture(value: Any) -> bool:
    shape = tuple(getattr(value, "shape", ()))
    return len(shape) in (3, 4) and 3 in (shape[-3], shape[-1])


def is_whole(answer: Any) -> bool:
    """Whether it is of integers, in numpy or torch."""
    import torch

    return not torch.as_tensor(answer).dtype.is_floating_point


def read(answer: Any, keys: Keys, count: int, size: tuple[int, int], name: str) -> Tensor:
    """The model's answer as float32 (count, 3, height, width), black 0 and white 1. Raises WrongAnswer.

    size: (width, height). An integer answer is in 0-255 unless ``out`` says otherwise.
    """
    import torch

    answer = chosen(answer, keys.output, name)
    try:
        y = torch.as_tensor(answer)
    except (TypeError, ValueError, RuntimeError) as error:
        raise WrongAnswer(f"{name} gave {an(answer)}, not a picture") from error
    if y.dtype == torch.bool or y.is_complex():
        raise WrongAnswer(f"{name} gave {str(y.dtype).removeprefix('torch.')} values, not a picture")
    width, height = size
    if y.ndim == 3 and count == 1:
        y = y[None]
    if y.ndim == 4 and y.shape[-1] == 3 and y.shape[1] != 3:
        y = y.permute(0, 3, 1, 2)
    if y.shape != (count, 3, height, width):
        wanted = f"({count}, 3, {height}, {width})"
        if y.ndim == 4 and y.shape[1] == 3 and y.shape[0] == count and min(y.shape[2:]) >= SMALLEST:
            theirs = y.shape[-1], y.shape[-2]
            raise WrongAnswer(
                f"{name} gave a picture of shape {tuple(y.shape)}, not {wanted}: it works at one size",
                Keys(size=theirs),
            )
        raise WrongAnswer(f"{name} gave a picture of shape {tuple(y.shape)}, not {wanted}")
    whole = is_whole(y)
    y = y.float()
    low, high = keys.low_high_out or ((0.0, 255.0) if whole else (0.0, 1.0))
    if (low, high) != (0.0, 1.0):
        y = (y - low) / (high - low)
    return y.flip(1) if keys.channels == "bgr" else y
