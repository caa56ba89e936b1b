"""One visitor's picture: the hole painted in it, its fills, and the way back."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock, RLock

import numpy as np

from bench.demo.fills import Fill, pasted
from bench.demo.saved import Made
from bench.metrics.box import Box
from bench.metrics.card import Hole


@dataclass(frozen=True, eq=False)
class Step:
    """A confirmed fill: what it was made by and the pixels that stood in its box before."""

    made: Made
    box: Box
    before: np.ndarray


@dataclass(eq=False)
class Visitor:
    """picture: uint8 (H, W, 3), with all confirmed fills. hole: bool (H, W), painted and not confirmed yet.

    serial changes whenever the editor is to show something else, painted whenever the hole does; opened: ``painted``
    when the picture was opened. drawn: holes of a mask type that were asked for. size: the side that methods fill at,
    0 for the demo's own. token: a secret in the addresses of this visitor's pictures.
    """

    token: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    name: str = ""
    serial: int = 0
    drawn: int = 0
    painted: int = 0
    opened: int = 0
    size: int = 0
    picture: np.ndarray | None = None
    hole: np.ndarray | None = None
    fills: list[Fill] = field(default_factory=list)
    chosen: str = ""
    corrected: bool = False
    earlier: list[Made] = field(default_factory=list)
    """Fills that an opened picture was saved with."""
    steps: list[Step] = field(default_factory=list)
    lock: RLock = field(default_factory=RLock, repr=False)
    """Held while an event changes this visitor and while their pictures are made."""

    def open(self, picture: np.ndarray, name: str, earlier: list[Made] | None = None) -> None:
        """Begin anew with a picture. One that was saved here brings its last hole, cut again."""
        self.picture, self.name = picture, name
        self.steps, self.fills, self.hole = [], [], None
        self.earlier = list(earlier or [])
        self.serial += 1
        self.opened = self.painted
        if self.earlier:
            self.hole = self.as_made(self.earlier.pop())

    def as_made(self, made: Made) -> np.ndarray:
        """Fill from now on as this fill was made; its hole."""
        self.chosen, self.size, self.corrected = f"{made.method}@{made.seed}", made.size, made.corrected
        return made.hole

    def paint(self, hole: np.ndarray | None) -> None:
        """The hole as it is now; an empty one is none."""
        self.hole = hole if hole is not None and hole.any() else None
        self.fills = []
        self.painted += 1

    @property
    def knows_truth(self) -> bool:
        """What lies under the hole is the picture as it was opened: not so once a fill was confirmed."""
        return not self.steps and not self.earlier

    @property
    def fill(self) -> Fill | None:
        """The chosen fill, else the first that worked."""
        worked = [fill for fill in self.fills if fill.small is not None]
        chosen = (f for f in worked if self.chosen in (f.label, f"{f.method}@{f.seed}"))
        return next(chosen, worked[0] if worked else None)

    def result(self) -> tuple[np.ndarray, list[Made]] | None:
        """The picture as Save gives it, with the chosen fill, and what was done to it; None where nothing was."""
        if self.picture is None:
            return None
        done = [*self.earlier, *(step.made for step in self.steps)]
        fill = self.fill
        if fill is not None and self.hole is not None:
            found = pasted(self.picture, self.hole, fill, self.corrected)
            assert found is not None
            return found, [*done, fill.made(self.hole, self.corrected)]
        return (self.picture, done) if self.steps else None

    def confirm(self) -> bool:
        """Go on from the chosen fill; False where there is none."""
        fill = self.fill
        if fill is None or self.picture is None or self.hole is None:
            return False
        box = Hole(self.hole).box
        found = pasted(self.picture, self.hole, fill, self.corrected)
        assert found is not None
        self.steps.append(Step(fill.made(self.hole, self.corrected), box, box.of(self.picture).copy()))
        self.picture = found
        self.paint(None)
        self.serial += 1
        return True

    def revert(self) -> bool:
        """One step back: a hole that was painted goes; without one, the last Confirm does, and its hole is there
        again. False where there is nothing to take back."""
        if self.hole is not None:
            self.paint(None)
            self.serial += 1
            return True
        if not self.steps or self.picture is None:
            return False
        step = self.steps.pop()
        picture = self.picture.copy()
        step.box.of(picture)[...] = step.before
        self.picture = picture
        self.paint(self.as_made(step.made))
        self.serial += 1
        return True


class Visitors:
    """Visitors by the page they have open. Whoever has been away longest is forgotten first."""

    MOST = 64

    def __init__(self, left: Callable[[bool], None] = lambda empty: None) -> None:
        """left: told of every leaving, and whether nobody is there any more."""
        self.left = left
        self.lock = Lock()
        self.by_page: OrderedDict[str, Visitor] = OrderedDict()

    def of(self, page: str) -> Visitor:
        """The visitor of a page; a new one where it is not known."""
        with self.lock:
            visitor = self.by_page.setdefault(page, Visitor())
            self.by_page.move_to_end(page)
            while len(self.by_page) > self.MOST:
                self.by_page.popitem(last=False)
            return visitor

    def by_token(self, token: str) -> Visitor | None:
        """The visitor whom a picture's address belongs to, compared in constant time; None for an unknown one."""
        with self.lock:
            return next((v for v in self.by_page.values() if secrets.compare_digest(v.token, token)), None)

    def leave(self, page: str) -> None:
        """The page was closed: nothing of its visitor is kept."""
        with self.lock:
            self.by_page.pop(page, None)
            empty = not self.by_page
        self.left(empty)
