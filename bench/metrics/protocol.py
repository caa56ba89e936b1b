"""Protocol presets: how the columns that publications compute differently are computed in a run.

``native`` is this project's own. Each other preset reproduces the habit of one published evaluator, as its
source states it; the columns that the evaluator does not print keep their native definition.
Runs under different protocols are never compared.
"""

from __future__ import annotations

from dataclasses import dataclass

from variants.registry import suggest


@dataclass(frozen=True)
class Window:
    """The sliding window of SSIM: weights, its border, and which pixels the picture's value averages.

    kind: ``gaussian`` (side 11, sigma 1.5) or ``uniform``. border: ``reflect`` (half-sample symmetric, as
    scipy and scikit-image) or ``zero``. crop: pixels left out along each edge in the picture's mean.
    sample: variances with the n - 1 divisor.
    """

    kind: str = "gaussian"
    side: int = 11
    sigma: float = 1.5
    border: str = "reflect"
    crop: int = 5
    sample: bool = False

    @property
    def reach(self) -> int:
        """Pixels that the window extends to each side of its centre.

        >>> Window(side=11).reach
        5
        """
        return self.side // 2

    @property
    def smallest(self) -> int:
        """The smallest side of a picture that has a value.

        >>> Window(side=11, crop=5).smallest, Window(side=11, crop=0).smallest  # uncropped, any picture has one
        (11, 1)
        """
        return self.side if self.crop else 1


@dataclass(frozen=True)
class Protocol:
    """How one evaluator computes its columns.

    Each metric says for itself how a protocol changes it (``protocols`` of its declaration). lpips: the backbone,
    ``alex``, ``vgg`` or ``squeeze``. l1: ``mean`` (mean absolute error of values in [0, 1]) or ``relative`` (sum of
    absolute errors over the sum of both pictures).
    """

    name: str
    summary: str
    window: Window = Window()
    lpips: str = "alex"
    l1: str = "mean"
    version: int = 1

    def __str__(self) -> str:
        return self.name


NATIVE = Protocol("native", "this project's own definitions, per region, of 8-bit pictures")

LAMA = Protocol(
    "lama",
    "LaMa's evaluator (Suvorov et al. 2022): SSIM with zeros beyond the border, LPIPS of VGG-16",
    window=Window(border="zero", crop=0),
    lpips="vgg",
)

MAT = Protocol(
    "mat",
    "MAT's evaluator (Li et al. 2022): whole pictures, double precision, LPIPS of AlexNet",
)

AOT = Protocol(
    "aot",
    "AOT-GAN's evaluator (Zeng et al. 2022): scikit-image's default SSIM, L1 relative to the pictures' sum",
    window=Window(kind="uniform", side=7, crop=3, sample=True),
    l1="relative",
)

BRUSHBENCH = Protocol(
    "brushbench",
    "BrushNet's evaluator (Ju et al. 2024): PSNR, MSE and LPIPS of SqueezeNet, of what methods make of known pixels",
    lpips="squeeze",
)

PROTOCOLS: dict[str, Protocol] = {p.name: p for p in (NATIVE, LAMA, MAT, AOT, BRUSHBENCH)}


def protocol_note(name: str) -> str:
    """What must be said beside numbers under a protocol; empty of native ones.

    >>> protocol_note("mat").split(":")[0], protocol_note("native")
    ('protocol mat', '')
    """
    if name == NATIVE.name:
        return ""
    return f"protocol {name}: {PROTOCOLS[name].summary}" if name in PROTOCOLS else f"protocol {name}"


def find_protocol(name: str) -> Protocol:
    """The preset called ``name``. Raises UnknownName with the nearest names.

    >>> find_protocol("lama").lpips
    'vgg'
    """
    if name not in PROTOCOLS:
        raise suggest("protocol", name, PROTOCOLS)
    return PROTOCOLS[name]
