"""Protocol presets: how the columns that publications compute differently are computed in a run.

``native`` is this project's own. Each other preset reproduces the habit of one published evaluator, as its
source states it; the columns that the evaluator does not print keep their native definition.
Runs under different protocols are never compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field

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
        """Pixels that the window extends to each side of its centre."""
        return self.side // 2

    @property
    def smallest(self) -> int:
        """The smallest side of a picture that has a value."""
        return self.side if self.crop else 1


@dataclass(frozen=True)
class Protocol:
    """How one evaluator computes its columns.

    prints: the columns its authors publish. changes: column -> how it differs from ``native`` in words; the
    reference it agrees with. lpips: the backbone, ``alex`` or ``vgg``. l1: ``mean`` (mean absolute error of
    values in [0, 1]) or ``relative`` (sum of absolute errors over the sum of both pictures).
    """

    name: str
    summary: str
    window: Window = Window()
    lpips: str = "alex"
    l1: str = "mean"
    prints: tuple[str, ...] = ()
    changes: dict[str, str] = field(default_factory=dict, hash=False)
    version: int = 1

    def __str__(self) -> str:
        return self.name


NATIVE = Protocol("native", "this project's own definitions, per region, of 8-bit pictures")

LAMA = Protocol(
    "lama",
    "LaMa's evaluator (Suvorov et al. 2022): SSIM with zeros beyond the border, LPIPS of VGG-16",
    window=Window(border="zero", crop=0),
    lpips="vgg",
    prints=("ssim", "lpips"),
    changes={
        "ssim": "saicinpainting SSIM: zeros beyond the border, mean over every pixel",
        "ssim_hole": "mean over the hole of saicinpainting's zero-padded SSIM map",
        "lpips": "lpips package, VGG-16 v0.1",
        "lpips_hole": "lpips package, VGG-16 v0.1, spatial map over the hole",
    },
)

MAT = Protocol(
    "mat",
    "MAT's evaluator (Li et al. 2022): whole pictures, double precision, LPIPS of AlexNet",
    prints=("psnr", "ssim", "l1", "lpips"),
    changes={
        "psnr": "MAT cal_psnr_ssim_l1, 8-bit pictures in double precision",
        "ssim": "MAT cal_psnr_ssim_l1: Gaussian 11, 5 pixels cropped, which is native",
        "l1": "MAT cal_psnr_ssim_l1: mean absolute error of values in [0, 1], which is native",
    },
)

AOT = Protocol(
    "aot",
    "AOT-GAN's evaluator (Zeng et al. 2022): scikit-image's default SSIM, L1 relative to the pictures' sum",
    window=Window(kind="uniform", side=7, crop=3, sample=True),
    l1="relative",
    prints=("psnr", "ssim", "l1"),
    changes={
        "ssim": "scikit-image structural_similarity of uint8 with its defaults (uniform window 7)",
        "ssim_hole": "mean over the hole of scikit-image's default SSIM map",
        "l1": "AOT-GAN compare_mae: sum of absolute errors over the sum of both pictures",
    },
)

PROTOCOLS: dict[str, Protocol] = {p.name: p for p in (NATIVE, LAMA, MAT, AOT)}


def find_protocol(name: str) -> Protocol:
    """The preset called ``name``. Raises UnknownName with the nearest names."""
    if name not in PROTOCOLS:
        raise suggest("protocol", name, PROTOCOLS)
    return PROTOCOLS[name]
