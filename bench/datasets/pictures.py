"""Reading picture files of any kind as 8-bit RGB, and cutting them to size.

What is done with the less usual kinds: 16 bits are rounded to 8 (not cut off), and refused where all values would fit
12, as one cannot tell a black picture from values of 8, 10 or 12 bits in such a file; transparent parts are laid
over white; palette, grey, black-and-white and CMYK become RGB; the EXIF orientation is applied; of several
frames or pages the first is read. Pixels under an embedded colour profile that is not sRGB are converted to sRGB
(relative colorimetric, at 8 bits); a profile that cannot be used is passed over.
"""

from __future__ import annotations

import stat
import warnings
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.datasets.member import Member
from bench.datasets.plain_png import read_plain_png
from bench.util import draws

if TYPE_CHECKING:
    from PIL import Image
    from PIL.ImageCms import ImageCmsTransform

SUFFIXES = frozenset(
    [
        *(".avif", ".bmp", ".dib", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg"),
        *(".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"),
    ]
)
"""Files with another ending are not pictures to us (compared in lower case)."""

FOREIGN = frozenset([".heic", ".heif", ".jxl", ".jp2", ".exr", ".hdr", ".dng", ".psd"])
"""Endings of pictures that are not read, and must be named where they lie among others."""

WHOLE_8_BIT = frozenset(["1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV"])
ORIENTATION = 0x0112
PHOTOMETRIC = 0x0106
BITS, EXTRA_SAMPLES, PLANAR = 0x0102, 0x0152, 0x011C
IGNORED, PREMULTIPLIED = 0, 1
"""What a TIFF says of a fourth channel that is not transparency, and of one that its colours were multiplied by."""

APART = 2
"""What a TIFF says of channels that lie one after the other; neither Pillow nor OpenCV reads those of 16 bits."""

KEY_STEPS = {"L;2": 85, "L;4": 17}
"""Levels of 8 bits to a step of a PNG's grey of 2 and 4 bits."""

DARKEST = 1 << 12
"""The brightest of a picture's 16-bit values must reach this: below lie those of 8, 10 and 12 bits."""

SAME_COLOUR = 2
"""Levels by which a profile of sRGB may move a colour in the rounding of its curves."""


class BrokenPicture(Exception):
    """A file that cannot be read as a picture; the message says why in a few words."""


def read_picture(path: Path | Member, at_least: int | None = None) -> np.ndarray:
    """The picture in a file, uint8 RGB (H, W, 3).

    at_least: a JPEG may come back 2, 4 or 8 times smaller as long as its shorter side keeps this many
    pixels, which is several times faster. Raises BrokenPicture where the file cannot be read.
    """
    plain = read_plain_png(path)
    if plain is not None:
        return plain
    with opened(path) as image:
        if at_least is not None and image.mode == "RGB":
            image.draft("RGB", (at_least, at_least))
        return to_rgb(image, path)


def measure_picture(path: Path | Member) -> tuple[int, int]:
    """(width, height) of a picture as it will be read, after decoding all of it once.

    Raises BrokenPicture for whatever :func:`read_picture` would refuse.
    """
    plain = read_plain_png(path)
    if plain is not None:
        return plain.shape[1], plain.shape[0]
    with opened(path) as image:
        if image.mode not in WHOLE_8_BIT or deep_colour(image):
            height, width = to_rgb(image, path).shape[:2]
            return width, height
        size = image.size
        if image.format == "JPEG":
            # Every byte is still read, at an eighth of the size.
            image.draft(image.mode, (1, 1))
        image.load()
        width, height = size if image.format == "JPEG" else image.size
        return (height, width) if orientation(image) >= 5 else (width, height)


class opened:  # noqa: N801 - used as a function: with opened(path) as image
    """A file opened with Pillow; every way of failing, at opening or inside, becomes BrokenPicture."""

    def __init__(self, path: Path | Member) -> None:
        self.path = path
        self.image: Image.Image | None = None

    def __enter__(self) -> Image.Image:
        from PIL import Image

        try:
            if isinstance(self.path, Path):
                # A named pipe would wait for ever to be opened.
                status = self.path.stat()
                if not stat.S_ISREG(status.st_mode):
                    raise BrokenPicture("not a regular file")
                length = status.st_size
            else:
                length = self.path.size
            if length == 0:
                raise BrokenPicture("the file is empty")
            hush_pillow()
            self.image = Image.open(self.path if isinstance(self.path, Path) else self.path.open())
            if self.image.format == "TIFF":
                # Pillow maps plain TIFF pixels into memory by the file's name, with the rows of a picture that is
                # still to be turned: grey ones of EXIF orientation 5 to 8 would come out scrambled.
                self.image.filename = ""
            step = next((KEY_STEPS[mode] for mode in raw_modes(self.image) if mode in KEY_STEPS), 1)
            if step > 1 and isinstance(self.image.info.get("transparency"), int):
                # Pillow spreads the greys over 8 bits, and leaves the one that is transparent as it lies in the file.
                self.image.info["transparency"] *= step
        except Exception as error:
            raise broken(error) from error
        return self.image

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self.image is not None:
            self.image.close()
        if isinstance(error, Exception):
            # Decoders raise a dozen unrelated types for damaged files.
            raise broken(error) from error


@cache
def hush_pillow() -> None:
    """No warnings on odd metadata: what can be read is read, and what cannot is named in ``skipped``."""
    warnings.filterwarnings("ignore", module=r"PIL\.")


def broken(error: Exception) -> BrokenPicture:
    """The reason in words that do not depend on where the file lies."""
    from PIL import Image, UnidentifiedImageError

    if isinstance(error, BrokenPicture):
        return error
    if isinstance(error, UnidentifiedImageError):
        return BrokenPicture("not a readable picture format")
    if isinstance(error, FileNotFoundError):
        return BrokenPicture("the link is broken, or the file was removed")
    if isinstance(error, PermissionError):
        return BrokenPicture("no permission to read it")
    if isinstance(error, Image.DecompressionBombError):
        return BrokenPicture("too large to be opened safely")
    if isinstance(error, OSError) and error.errno and error.strerror:
        return BrokenPicture(error.strerror[:1].lower() + error.strerror[1:])
    return BrokenPicture(" ".join(str(error).split()) or type(error).__name__)


def to_rgb(image: Image.Image, path: Path | Member) -> np.ndarray:
    """An opened picture as uint8 RGB (H, W, 3), upright. Raises BrokenPicture for pixels of unknown range."""
    deep = deep_colour(image)
    image.load()
    profile = image.info.get("icc_profile")
    if deep:
        pixels = read_deep_colour(image, path)
        colour = to_srgb(np.ascontiguousarray(pixels[..., :3]), profile)
        return over_white(np.dstack([colour, pixels[..., 3]])) if pixels.shape[2] == 4 else colour
    return turn(flat_pixels(image, profile), orientation(image))


def flat_pixels(image: Image.Image, profile: bytes | None = None) -> np.ndarray:
    """A loaded picture of at most one 16-bit channel as uint8 RGB, as it lies in the file."""
    if image.mode.startswith("I;16"):
        colour = to_srgb(round_to_8_bits(deep_grey(image)), profile)
        colour[transparent_grey(image)] = 255
        return colour
    if image.mode == "I":
        deep = np.asarray(image)
        if deep.min() < 0 or deep.max() > 65535:
            raise BrokenPicture("32-bit integer pixels have no agreed range")
        require_deep(deep)
        return to_srgb(round_to_8_bits(deep), profile)
    if image.mode not in WHOLE_8_BIT:
        raise BrokenPicture(f"pixels of kind {image.mode} have no agreed range")
    if image.has_transparency_data:
        rgba = np.array(image.convert("RGBA"))
        colour = rgba[..., 0] if image.mode in ("L", "LA", "La") else rgba[..., :3]
        rgba[..., :3] = to_srgb(colour, profile)
        return over_white(rgba)
    if image.mode in ("L", "CMYK"):
        return to_srgb(np.asarray(image), profile)
    return to_srgb(np.array(image.convert("RGB")), profile)


def deep_grey(image: Image.Image) -> np.ndarray:
    """The 16-bit greys of a loaded picture, 0 black. Pillow inverts a TIFF that stores white as 0 at 8 bits only."""
    deep = np.asarray(image)
    require_deep(deep)
    white_is_zero = image.format == "TIFF" and getattr(image, "tag_v2", {}).get(PHOTOMETRIC) == 0
    return 65535 - deep if white_is_zero else deep


def transparent_grey(image: Image.Image) -> np.ndarray:
    """Where a loaded picture of 16-bit greys is transparent, bool (H, W): a PNG may name one grey as such."""
    return np.asarray(image) == image.info.get("transparency", -1)


def require_deep(stored: np.ndarray) -> None:
    """Raises BrokenPicture for 16-bit values that are all below :data:`DARKEST`, and not all 0: they would come out
    black, and are more likely values of fewer bits."""
    most = int(stored.max())
    if 0 < most < DARKEST:
        bits = next(bits for bits in (8, 10, 12) if most < 1 << bits)
        raise BrokenPicture(
            f"its 16-bit values reach only {most} of 65535: save it with 8 bits if those are {bits}-bit values"
        )


def to_srgb(pixels: np.ndarray, profile: bytes | None) -> np.ndarray:
    """Grey (H, W), RGB (H, W, 3) or CMYK (H, W, 4), uint8, as sRGB: through the profile where it is another's."""
    from PIL import Image

    mode = "L" if pixels.ndim == 2 else "RGB" if pixels.shape[2] == 3 else "CMYK"
    transform = to_srgb_transform(profile, mode) if profile else None
    if transform is None and mode != "CMYK":
        return _grey_to_rgb(pixels) if mode == "L" else pixels
    if mode == "L":
        levels = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
        return np.asarray(transform.apply(levels))[0][pixels]  # type: ignore[union-attr]
    image = Image.frombytes(mode, (pixels.shape[1], pixels.shape[0]), pixels.tobytes())
    return np.array(transform.apply(image) if transform is not None else image.convert("RGB"))


@lru_cache(maxsize=64)
def to_srgb_transform(profile: bytes, mode: str) -> ImageCmsTransform | None:
    """The way from a colour profile to sRGB; None for a profile of sRGB itself, whatever it calls itself, or one that
    is not of such pixels."""
    import io

    from PIL import Image, ImageCms

    try:
        transform = ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            # Of a grey curve the library would keep a few points, which are levels apart where it is steep.
            ImageCms.Flags.NOOPTIMIZE if mode == "L" else ImageCms.Flags.NONE,
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
    if mode == "CMYK":
        return transform
    steps = np.linspace(0, 255, 9).round().astype(np.uint8)
    grid = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(9, 81, 3)
    probe = grid if mode == "RGB" else np.ascontiguousarray(grid[..., 0])
    moved = np.asarray(transform.apply(Image.fromarray(probe))).astype(int)
    same = np.abs(moved - probe.reshape(9, 81, -1)).max() <= SAME_COLOUR
    return None if same else transform


def orientation(image: Image.Image) -> int:
    """The EXIF orientation of a loaded picture, 1 to 8; 1 where there is none or it makes no sense."""
    try:
        found = image.getexif().get(ORIENTATION, 1)
    except Exception:  # damaged metadata beside sound pixels
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def deep_colour(image: Image.Image) -> bool:
    """Whether an opened, not yet loaded picture holds 16 bits in each of several channels."""
    if image.mode not in ("LA", "RGB", "RGBA"):
        return False
    # Where a TIFF's channels lie apart, the decoders' names tell nothing of its bits.
    bits = getattr(image, "tag_v2", {}).get(BITS, ())
    return 16 in bits or any("16" in part and part != "BGR;16" for part in raw_modes(image))


def raw_modes(image: Image.Image) -> list[str]:
    """How the pixels lie in the file, as Pillow's decoders name it: RGB;16B, I;16, ..."""
    modes = []
    for tile in getattr(image, "tile", []):
        arguments = tile[3] if isinstance(tile[3], tuple) else (tile[3],)
        modes += [part for part in arguments if isinstance(part, str)]
    return modes


def read_deep_colour(image: Image.Image, path: Path | Member) -> np.ndarray:
    """A loaded 16-bit colour picture as uint8 RGB or RGBA, (H, W, 3 or 4), upright: Pillow would cut each value off to
    its high byte, OpenCV keeps it. Raises BrokenPicture."""
    tags = getattr(image, "tag_v2", {})
    if tags.get(PLANAR) == APART:
        raise BrokenPicture("its 16-bit channels are stored apart: save them interleaved, or as PNG")
    deep = decode_deep_colour(path)
    extra = tags.get(EXTRA_SAMPLES, ())
    if deep.shape[2] == 4 and IGNORED in extra:
        deep = deep[..., :3]
    if deep.shape[2] == 4 and PREMULTIPLIED in extra:
        alpha = np.maximum(deep[..., 3:], 1).astype(np.float64)
        deep = np.dstack([(deep[..., :3] / alpha * 65535).round().clip(0, 65535), deep[..., 3]])
    # OpenCV turns a TIFF by itself.
    flat = turn(round_to_8_bits(deep), orientation(image) if image.format == "PNG" else 1)
    return flat[..., [2, 1, 0, 3][: flat.shape[2]]]


def decode_deep_colour(path: Path | Member) -> np.ndarray:
    """The pixels of a 16-bit colour picture, uint16 (H, W, 3 or 4), blue first. Raises BrokenPicture."""
    import cv2

    deep = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
    if deep is None or deep.dtype != np.uint16 or deep.ndim != 3:
        raise BrokenPicture("16-bit pixels that cannot be decoded")
    require_deep(deep[..., :3])
    return deep


def turn(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Apply an EXIF orientation (1 to 8) to an array (H, W, ...)."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def round_to_8_bits(deep: np.ndarray) -> np.ndarray:
    """0..65535 to 0..255, to the nearest: 65535 / 255 is 257 exactly."""
    return ((deep.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _grey_to_rgb(grey: np.ndarray) -> np.ndarray:
    return np.repeat(grey[..., None], 3, axis=2)


def over_white(rgba: np.ndarray) -> np.ndarray:
    """RGBA uint8 laid over white, rounded to the nearest."""
    alpha = rgba[..., 3:].astype(np.uint32)
    mixed = rgba[..., :3] * alpha + 255 * (255 - alpha)
    return ((2 * mixed + 255) // 510).astype(np.uint8)


def cut_square(pixels: np.ndarray, left: int, top: int, side: int, size: int, flip: bool = False) -> np.ndarray:
    """A square window of a picture at ``size``, uint8 (size, size, 3).

    Bicubic with the kernel widened for shrinking (Pillow's): it is antialiased, and its kernel is a
    polynomial, so that every platform computes the same pixels.
    """
    from PIL import Image

    if side == size:
        window = pixels[top : top + side, left : left + side]
    else:
        whole = Image.fromarray(pixels)
        box = (left, top, left + side, top + side)
        window = np.asarray(whole.resize((size, size), Image.Resampling.BICUBIC, box=box))
    return np.array(window[:, ::-1] if flip else window, order="C")


def fit_square(pixels: np.ndarray, size: int) -> np.ndarray:
    """Shorter side resized to ``size``, then the centre crop; smaller pictures are enlarged."""
    height, width = pixels.shape[:2]
    side = min(height, width)
    return cut_square(pixels, (width - side) // 2, (height - side) // 2, side, size)


def shrink(pixels: np.ndarray, shorter: int) -> np.ndarray:
    """The picture with its shorter side at ``shorter`` pixels, or as it is where that is no smaller."""
    from PIL import Image

    height, width = pixels.shape[:2]
    side = min(height, width)
    if side <= shorter:
        return pixels
    target = (max(shorter, round(width * shorter / side)), max(shorter, round(height * shorter / side)))
    return np.asarray(Image.fromarray(pixels).resize(target, Image.Resampling.BICUBIC))


def random_crop(pixels: np.ndarray, size: int, u: np.ndarray) -> np.ndarray:
    """A square of half to the whole shorter side, anywhere, mirrored half the time; u: 4 uniform draws."""
    height, width = pixels.shape[:2]
    shorter = min(height, width)
    side = int(draws.integers(u[0], max(1, shorter // 2), shorter))
    left = int(draws.integers(u[1], 0, width - side))
    top = int(draws.integers(u[2], 0, height - side))
    return cut_square(pixels, left, top, side, size, flip=bool(u[3] < 0.5))
