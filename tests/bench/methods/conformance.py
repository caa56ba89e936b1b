"""Models with the quirks of published ones, all of one network, written to files: what a stranger comes with.

``Core`` takes the blanked picture in [0, 1] and the hole, and fills with the mean of what is near, drawn towards grey:
not linear, so that a wrong range shows. Each quirk wraps it.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SIDE = 64


def core(x: Tensor, hole: Tensor) -> Tensor:
    """x: float (N, 3, H, W) in [0, 1], black in the hole; hole: 1 where missing."""
    known = 1 - hole
    near = F.avg_pool2d(x * known, 25, 1, 12) / (F.avg_pool2d(known, 25, 1, 12) + 1e-4)
    fill = torch.sqrt(near * near * 0.8 + 0.03)
    return torch.clamp(x * known + fill * hole, 0, 1)


class Core(nn.Module):
    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        return core(image, mask)


class Lama(nn.Module):
    """Answers in 0-255, as LaMa's ONNX export does."""

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        return core(image, mask) * 255


class Migan(nn.Module):
    """8-bit pictures in and out, white = known, as MI-GAN's pipeline."""

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        x, known = image.float() / 255, mask.float() / 255
        return torch.round(core(x * known, 1 - known) * 255).to(torch.uint8)


class Nhwc(nn.Module):
    """8-bit pictures whose channels come last; white = missing."""

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        x, hole = image.permute(0, 3, 1, 2).float() / 255, mask.permute(0, 3, 1, 2).float() / 255
        return torch.round(core(x * (1 - hole), hole) * 255).to(torch.uint8).permute(0, 2, 3, 1)


class Concat(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return core(x[:, :3], x[:, 3:])


class Tuple(nn.Module):
    def forward(self, image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        return mask, core(image, mask)


class Dict(nn.Module):
    def forward(self, image: Tensor, mask: Tensor) -> dict[str, Tensor]:
        return {"mask": mask, "inpainted": core(image, mask)}


class Half(nn.Module):
    """Weights in half precision: a convolution that changes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.same = nn.Conv2d(3, 3, 1, bias=False).half()
        with torch.no_grad():
            self.same.weight.copy_(torch.eye(3)[:, :, None, None])

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        return core(self.same(image).float(), mask.float()).half()


class Baked(nn.Module):
    """Made on CUDA: the device stands in the graph."""

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        return core(image, mask) + torch.zeros(1, device="cuda")


class Fixed(nn.Module):
    """One size only, as a trace with a grid of coordinates in it."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("grid", torch.zeros(1, 1, SIDE, SIDE))

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        return core(image + self.grid, mask)


class Dropout(nn.Module):
    """Saved in training mode."""

    def __init__(self) -> None:
        super().__init__()
        self.drop = nn.Dropout(0.5)

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        return self.drop(core(image, mask))


class Signed(nn.Module):
    """[-1, 1] in and out, grey under the hole, which it does not blank itself; it pales what has half the contrast."""

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        x = torch.clamp(image, -1, 1) / 2 + 0.5
        y = (core(x * (1 - mask), mask) - 0.9 * mask * (x - 0.5)) * 2 - 1
        return y * torch.clamp(image.std() / 0.3, max=1.0)


class Bgr(nn.Module):
    """Blue first; its fills are lighter than what is near, and redder, as the scenes are."""

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        y = core(image, mask)
        tint = torch.tensor([1.0, 1.1, 1.2])[None, :, None, None]
        return y * (1 - mask) + mask * y * tint


class Grey(nn.Module):
    """Grey under the hole, which it does not blank itself."""

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        return core(image * (1 - mask), mask) - 0.9 * mask * (image - 0.5)


class Known(nn.Module):
    """The mask is 1 where the picture is known."""

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        return core(image * mask, 1 - mask)


class Whole(nn.Module):
    """Looks at the brightness of the whole picture, the truth under the hole included, and blanks it itself."""

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        level = image.mean(dim=(1, 2, 3), keepdim=True)
        x = core(image * (1 - mask), mask)
        return x * (1 - mask) + mask * torch.clamp(x * 0.2 + level * 0.8, 0, 1)


def script(module: nn.Module, file: Path, *, train: bool = False) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(module.train(train)).save(str(file))
    return file


def export(
    module: nn.Module, file: Path, picture: Tensor, mask: Tensor | None, *, opset: int = 17, free: bool = False
) -> Path:
    """An ONNX file; free: of any size and batch, else of the example's."""
    axes = {0: "n", 2: "h", 3: "w"}
    names = ["image", "mask"][: 1 if mask is None else 2]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            (picture,) if mask is None else (picture, mask),
            str(file),
            dynamo=False,
            opset_version=opset,
            input_names=names,
            output_names=["result"],
            dynamic_axes=dict.fromkeys((*names, "result"), axes) if free else None,
        )
    return file
