"""The keys of a SPEC: how a model from outside wants picture and mask, and how it gives the picture back.

``None`` is: not said. What is said wins over what the model's file tells, and that over the plain convention: two
inputs, float32 (N, 3, H, W) RGB in [0, 1], black under the hole, and (N, 1, H, W), 1 where missing; one output like
the first.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, fields, replace
from typing import Any

from variants.errors import ExternalError

RANGES = {"0,1": (0.0, 1.0), "0,255": (0.0, 255.0), "-1,1": (-1.0, 1.0)}


@dataclass(frozen=True, kw_only=True)
class Keys:
    """One field a key; ``range`` is ``in`` and ``out`` in one.

    low_high_in, low_high_out: the values of black and white. hole: the mask's value for missing pixels. input:
    ``separate`` (two inputs), ``concat`` (one of four channels) or ``masked`` (the blanked picture alone). order:
    whether picture or mask comes first. blank: what lies under the hole, ``0``, ``0.5`` (of black to white), ``mean``
    (of the known pixels) or ``keep`` (the truth). size: (width, height) in pixels, where the model takes no other.
    feather: width in pixels over which a fill fades in from its hole's edge; 0 is ``paste=hard``. output: the name or
    index of the picture among several outputs. batch: how many pictures a call takes at most.
    """

    low_high_in: tuple[float, float] | None = None
    low_high_out: tuple[float, float] | None = None
    hole: int | None = None
    input: str | None = None
    order: str | None = None
    blank: str | None = None
    layout: str | None = None
    channels: str | None = None
    dtype: str | None = None
    multiple: int | None = None
    size: tuple[int, int] | None = None
    fit: str | None = None
    feather: int | None = None
    output: str | None = None
    batch: int | None = None

    def or_else(self, other: Keys) -> Keys:
        """These, and ``other`` where nothing is said."""
        return replace(self, **{f.name: getattr(other, f.name) for f in fields(self) if getattr(self, f.name) is None})

    def said(self) -> dict[str, Any]:
        """The keys that the user or the file gave, by field; what is None was left to the defaults."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name)) is not None}

    def settled(self) -> Keys:
        """With every key but ``size`` and ``output``. Raises ExternalError where keys contradict each other."""
        if self.fit is not None and self.size is None:
            raise ExternalError(f"fit={self.fit} needs a size: add size=512")
        whole = (0.0, 255.0) if self.dtype == "uint8" else (0.0, 1.0)
        return self.or_else(replace(PLAIN, low_high_in=whole, fit="resize" if self.size else None))

    def __str__(self) -> str:
        """As a user writes them, after the ``?``; empty where nothing is said."""
        return "&".join(f"{key}={value}" for key, value in self.words().items())

    def words(self) -> dict[str, str]:
        """The same keys as a SPEC writes them, such as ``{"range": "0,255", "paste": "feather:4"}``."""
        said = self.said()
        words = {}
        low_high_in, low_high_out = said.pop("low_high_in", None), said.pop("low_high_out", None)
        if low_high_in is not None and low_high_in == low_high_out:
            words["range"] = _range_word(low_high_in)
        else:
            words |= {
                key: _range_word(pair) for key, pair in (("in", low_high_in), ("out", low_high_out)) if pair is not None
            }
        if "size" in said:
            width, height = said["size"]
            said["size"] = str(width) if width == height else f"{width}x{height}"
        if "feather" in said:
            feather = said.pop("feather")
            said["paste"] = f"feather:{feather}" if feather else "hard"
        return words | {key: str(value) for key, value in said.items()}


PLAIN = Keys(
    low_high_in=(0.0, 1.0),
    hole=1,
    input="separate",
    order="picture,mask",
    blank="0",
    layout="nchw",
    channels="rgb",
    dtype="fp32",
    multiple=8,
    feather=0,
    batch=1,
)
"""The convention of a model of which nothing else is known."""

CHOICES = {
    "range": tuple(RANGES),
    "in": tuple(RANGES),
    "out": tuple(RANGES),
    "hole": ("1", "0"),
    "input": ("separate", "concat", "masked"),
    "order": ("picture,mask", "mask,picture"),
    "blank": ("0", "0.5", "mean", "keep"),
    "layout": ("nchw", "nhwc"),
    "channels": ("rgb", "bgr"),
    "dtype": ("fp32", "fp16", "uint8"),
    "fit": ("resize", "crop", "tile"),
}
FORMS = {
    "multiple": (r"[1-9]\d{0,4}", "a number of pixels, multiple=32"),
    "size": (r"[1-9]\d{0,4}(x[1-9]\d{0,4})?", "a number of pixels, size=512 or size=640x480"),
    "paste": (r"hard|feather:[1-9]\d{0,3}", "paste=hard or paste=feather:8"),
    "output": (r".+", "the name or the number of an output, output=0"),
    "batch": (r"[1-9]\d{0,4}", "a number of pictures, batch=8"),
}
NAMES = (*CHOICES, *FORMS)


def _range_word(pair: tuple[float, float]) -> str:
    return next(word for word, known in RANGES.items() if known == pair)


def parse_keys(text: str, spec: str) -> Keys:
    """``hole=0&size=512``, as it stands in ``spec``. Raises ExternalError that names the nearest key or value."""
    found: dict[str, Any] = {}
    for part in text.split("&"):
        key, equals, value = part.partition("=")
        if not equals or key not in NAMES:
            raise ExternalError(f"'{part}' in '{spec}' is not a key of a SPEC: {nearest(key, NAMES)}")
        if key in CHOICES and value not in CHOICES[key]:
            raise ExternalError(f"{key}={value} in '{spec}' is not valid: {nearest(value, CHOICES[key], f'{key}=')}")
        if key in FORMS and not re.fullmatch(FORMS[key][0], value):
            raise ExternalError(f"{key}={value} in '{spec}' is not valid: write {FORMS[key][1]}")
        for name, read in typed(key, value).items():
            if name in found:
                raise ExternalError(f"'{spec}' says {key}= twice: remove one")
            found[name] = read
    return Keys(**found)


def typed(key: str, value: str) -> dict[str, Any]:
    """Fields of :class:`Keys` from a key and its value, which is one of those allowed."""
    if key == "range":
        return {"low_high_in": RANGES[value], "low_high_out": RANGES[value]}
    if key in ("in", "out"):
        return {f"low_high_{key}": RANGES[value]}
    if key in ("hole", "multiple", "batch"):
        return {key: int(value)}
    if key == "size":
        width, _, height = value.partition("x")
        return {"size": (int(width), int(height or width))}
    if key == "paste":
        return {"feather": int(value.partition(":")[2] or 0)}
    return {key: value}


def nearest(word: str, known: tuple[str, ...], lead: str = "") -> str:
    """How a message on an unknown word ends: the closest known one, else all of them."""
    near = difflib.get_close_matches(word.lower(), known, cutoff=0.5)
    return f"did you mean {lead}{near[0]}?" if near else f"choose from {', '.join(lead + name for name in known)}"
