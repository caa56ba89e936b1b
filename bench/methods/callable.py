"""Any function of tensors as a method: pictures are brought to its convention and its answers brought back.

Unless its SPEC or its file says otherwise it takes the blanked picture, float32 (N, 3, H, W) in [0, 1], and the hole,
float32 (N, 1, H, W), 1 where missing, and gives the picture, float32 (N, 3, H, W) in [0, 1]. One with a parameter
``ids`` is told the pictures' ids as well. See :mod:`bench.methods.keys`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.methods.adapter import WrongAnswer, chosen, given, is_whole, read
from bench.methods.geometry import Window, assemble, cut, feathered, resized, shrunk_hole, windows
from bench.methods.keys import Keys
from bench.methods.memory_needed import INSTEAD, LARGE, TooLarge, a_part, peak_mib, require
from bench.methods.spec import Spec
from bench.methods.user_code import user_code
from variants.errors import ExternalError, FillError
from variants.method import Findings, Method
from variants.weights import no_file, stand_in

if TYPE_CHECKING:
    from torch import Tensor

OUTSIDE = 0.05
"""How far beyond [0, 1] an output may lie before it is spoken of: a little is usual, and clipped."""

LONGEST = 300
"""Characters of a message."""

LEVEL = 1 / 255

IDS = "ids"
"""The parameter by which a function asks for its pictures' ids, a list of str as long as the batch."""


def parameters_of(function: Any) -> dict[str, inspect.Parameter]:
    """What a function, or a module's ``forward``, takes; nothing where Python cannot tell."""
    try:
        return dict(inspect.signature(getattr(function, "forward", function)).parameters)
    except (TypeError, ValueError):
        return {}


def safe_name(text: str) -> str:
    """A name for records and folders out of a file's stem."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", text).strip("._-") or "method"


class CallableMethod(Method):
    """Any function of (picture, hole) tensors as a method.

    spec: what the user wrote, if anything; facts: what the model's file tells of its convention. keys: both together.
    device: where its tensors lie; runs_on: where it computes, which an ONNX session does elsewhere. batches: how many
    pictures a call takes, where that is not ``keys.batch``; None: as many as memory holds.
    problems: why a picture was not filled, by (mask type, picture id); its raw is NaN.
    """

    def __init__(
        self,
        name: str,
        function: Callable[..., Any],
        device: str = "cpu",
        *,
        spec: Spec | None = None,
        facts: Keys | None = None,
    ) -> None:
        self.name = spec.name if spec and spec.name else safe_name(name)
        self.function = function
        self.device = device
        self.runs_on = device
        self.spec = spec
        self.facts = facts or Keys()
        self.wants_ids = IDS in parameters_of(function)
        self.keys = (spec.keys if spec else Keys()).or_else(self.facts).settled()
        self.convention = str(spec.keys) if spec else ""
        self.suite_seed = 0
        self.sample = 0
        self.outside = (0.0, 1.0)
        self.problems: dict[tuple[str, str], str] = {}
        self.works = False
        self.gives_integers = False
        self.trusts_batches: bool | None = None
        self.taken: dict[Keys, float] = {}  # MiB per pixel of a large picture

    batches: int | None = 1

    @property
    def most_at_once(self) -> int | None:
        """How many pictures a call takes at most; None: no more is known than that it takes several."""
        return self.keys.batch if self.keys_said.batch or self.facts.batch else self.batches

    def telling(self, keys: Keys) -> CallableMethod:
        """The same function by another convention."""
        spec = replace(self.spec or Spec("python", self.name), keys=keys)
        other = CallableMethod(self.name, self.function, self.device, spec=spec, facts=self.facts)
        other.name, other.suite_seed, other.taken = self.name, self.suite_seed, self.taken
        return other

    @property
    def keys_said(self) -> Keys:
        """What the user wrote, whatever the file tells."""
        return self.spec.keys if self.spec else Keys()

    @property
    def plain(self) -> bool:
        """Whether it is called with any size, in the plain convention."""
        keys = replace(self.keys, low_high_out=self.keys.low_high_out or (0.0, 1.0), multiple=None, batch=None)
        return keys == replace(Keys().settled(), low_high_out=(0.0, 1.0), multiple=None, batch=None)

    @property
    def multiple(self) -> int:
        """Sides of what the model is given are padded to a multiple of this; 1 leaves them alone."""
        return self.keys.multiple or 1

    def fill(self, images: np.ndarray, holes: np.ndarray, ids: list[str] | None = None, mask: str = "") -> np.ndarray:
        """Raises FillError for a function that has not filled any picture yet, or where pictures have no ``ids``."""
        from variants.seeding import seed_call

        raw = np.full(images.shape, np.nan, np.float32)
        first: FillError | None = None
        names = ids or [""] * len(images)
        step = self.group(images, holes)
        for start in range(0, len(images), step):
            part = slice(start, start + step)
            seed_call(self.suite_seed, mask, names[start], self.sample)
            try:
                raw[part] = self.paint(images[part], holes[part], names[part])
                self.works = True
            except FillError as error:
                first = first or error
                if ids is None:
                    raise
                for name in names[part]:
                    self.problems[mask, name] = str(error)
        if first is not None and not self.works:
            raise first
        return raw

    def group(self, images: np.ndarray, holes: np.ndarray) -> int:
        """How many pictures are filled at once: more than one where that changes nothing, tried on the first batch."""
        from variants.seeding import seed_call

        most = self.keys.batch or 1
        if most == 1 or len(images) == 1 or self.trusts_batches is False:
            return 1
        if self.trusts_batches is None:
            try:
                seed_call(self.suite_seed, "", "")
                together = self.paint(images[:most], holes[:most])[-1]
                seed_call(self.suite_seed, "", "")
                alone = self.paint(images[:most][-1:], holes[:most][-1:])[0]
                self.trusts_batches = bool(np.abs(together - alone).max() <= LEVEL)
            except FillError:
                self.trusts_batches = False
            if not self.trusts_batches:
                from bench.util.progress import say

                say(
                    f"note: {self.name} fills a picture differently in a batch than alone, so it gets one picture at "
                    "a time"
                )
                if self.facts.batch is None:
                    self.keys = replace(self.keys, batch=1)
                return 1
        return most

    def findings(self) -> Findings:
        return Findings(self.problems, low=self.outside[0], high=self.outside[1])

    def paint(self, images: np.ndarray, holes: np.ndarray, ids: Sequence[str] | None = None) -> np.ndarray:
        """Some pictures, uint8 (N, H, W, 3) and bool (N, H, W), to raw, float32 (N, H, W, 3). An id that is not told
        is empty."""
        keys = self.keys
        if holes[0].size > LARGE and keys.size is None and self.device == "cpu":
            self.ask_for_memory(images[0], holes[0], len(images))
        places = [
            (k, window)
            for k, hole in enumerate(holes)
            for window in windows(hole, keys.size, keys.fit, self.multiple)
        ]  # fmt: skip
        answers: list[np.ndarray] = []
        step = keys.batch or 1
        for start in range(0, len(places), step):
            answers += self.answers(images, holes, ids or [""] * len(images), places[start : start + step])
        raw = np.empty(images.shape, np.float32)
        for k, (image, hole) in enumerate(zip(images, holes, strict=True)):
            known = image / np.float32(255)
            parts = [(window, answer) for (n, window), answer in zip(places, answers, strict=True) if n == k]
            raw[k] = feathered(assemble(known, parts), known, hole, keys.feather or 0)
        return raw

    def ask_for_memory(self, image: np.ndarray, hole: np.ndarray, count: int) -> None:
        """Raises TooLarge where pictures like this one, so many at once, take more memory than there is."""
        if self.keys not in self.taken:
            part, parts_hole = a_part(image, hole)
            self.taken[self.keys] = peak_mib(lambda: self.paint(part[None], parts_hole[None])) / parts_hole.size
        try:
            require(self.name, self.taken[self.keys] * hole.size * min(count, self.keys.batch or 1), hole.shape)
        except TooLarge as error:
            raise TooLarge(self.advised(str(error), INSTEAD)) from None

    def answers(
        self, images: np.ndarray, holes: np.ndarray, ids: Sequence[str], places: Sequence[tuple[int, Window]]
    ) -> list[np.ndarray]:
        """What the function gives for these windows, each at its window's size, (height, width, 3)."""
        import torch

        pictures, masks = zip(*(self.shown(images[k], holes[k], window) for k, window in places), strict=True)
        # Filled up, so that a picture's answer does not depend on how many come after it.
        more = (self.keys.batch or 1) - len(places)
        x, h = torch.cat((*pictures, *pictures[-1:] * more)), torch.cat((*masks, *masks[-1:] * more))
        height, width = x.shape[-2:]
        given_height, given_width = holes.shape[1:]
        named = [ids[k] for k, _ in places]
        also = {IDS: named + named[-1:] * more} if self.wants_ids else {}
        try:
            with user_code(), torch.inference_mode():
                answer = self.function(*given(x, h, self.keys), **also)
        except (Exception, SystemExit) as error:
            raise FillError(
                self.message(f"failed on a picture of {given_width} x {given_height}: {reason(error)}")
            ) from error
        try:
            y = read(answer, self.keys, len(x), (width, height), self.name)
        except WrongAnswer as error:
            raise WrongAnswer(self.advised(str(error), error.keys), error.keys) from error
        self.gives_integers = is_whole(chosen(answer, self.keys.output, self.name))
        self.note_range(y)
        return [
            resized(part[None], (window.width, window.height))[0].permute(1, 2, 0).cpu().numpy()
            for part, (_, window) in zip(y, places, strict=False)
        ]

    def shown(self, image: np.ndarray, hole: np.ndarray, window: Window) -> tuple[Tensor, Tensor]:
        """A window of a picture and its hole at the model's size, float32 (1, 3, H, W) and (1, 1, H, W)."""
        import torch

        visible = image if self.keys.blank == "keep" else np.where(hole[..., None], np.uint8(0), image)
        x = torch.from_numpy(np.ascontiguousarray(visible)).to(self.device).permute(2, 0, 1)[None].float().div(255)
        h = torch.from_numpy(np.ascontiguousarray(hole))[None, None].to(self.device).float()
        return resized(cut(x, window), self.keys.size), shrunk_hole(cut(h, window), self.keys.size)

    def note_range(self, y: Tensor) -> None:
        """Widen the range of values seen outside [0, 1] by those of one answer; NaN and infinity are no part of it."""
        finite = y[y.isfinite()]
        low, high = (float(finite.min()), float(finite.max())) if finite.numel() else (0.0, 1.0)
        if low < -OUTSIDE or high > 1 + OUTSIDE:
            self.outside = min(low, self.outside[0]), max(high, self.outside[1])

    def message(self, what: str) -> str:
        """A sentence about it that says, of a model that has never worked, how to find out more."""
        advice = f"; find out what it expects with bench probe '{self.spec}'" if self.spec and not self.works else ""
        return shortened(f"{self.name} {what}", advice)

    def advised(self, what: str, keys: Keys) -> str:
        """A sentence that ends in the SPEC to write, where that is known."""
        if self.spec is None or keys == Keys():
            return shortened(what, "")
        return shortened(what, f": write '{self.spec.adding(keys)}'")


def shortened(what: str, advice: str) -> str:
    """One message of less than :data:`LONGEST` characters: what is too long loses its end, the advice does not."""
    room = max(LONGEST - 1 - len(advice), 60)
    return (what if len(what) <= room else what[: room - 1].rstrip() + "…") + advice


def reason(error: BaseException) -> str:
    """An exception in a line: of a TorchScript traceback, what stands at its end."""
    text = str(error)
    if "Traceback of TorchScript" in text:
        last = text.strip().splitlines()[-1].strip()
        return " ".join((last if ": " in last else f"{type(error).__name__}: {last}").split())
    return " ".join(f"{type(error).__name__}: {text}".split()).removesuffix(":")


def existing(argument: str, kind: str) -> Path:
    """The file itself. Raises ExternalError where there is none, or something else in its place."""
    file = Path(argument).expanduser()
    if not file.is_file():
        where = file if file.exists() else f"{kind}:{argument} names a file that"
        raise ExternalError(f"{where} {no_file(file)}")
    other = stand_in(file)
    if other:
        raise ExternalError(f"{file} {other}")
    return file
