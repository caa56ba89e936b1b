"""A rectangle of pixels, which is all that a metric of a hole need look at."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


def edges(marked: np.ndarray) -> tuple[int, int]:
    """The first and one past the last of a row, bool (L,), that are marked; 0 and 0 of none.

    >>> edges(np.array([False, True, False, True, False])), edges(np.array([False]))
    ((1, 4), (0, 0))
    """
    places = np.flatnonzero(marked)
    return (int(places[0]), int(places[-1]) + 1) if len(places) else (0, 0)


class Box(NamedTuple):
    """Rows ``top`` to ``bottom`` and columns ``left`` to ``right``, the last of each excluded."""

    top: int
    bottom: int
    left: int
    right: int

    @classmethod
    def around(cls, marked: np.ndarray) -> Box:
        """The smallest box that holds every pixel that is marked, bool (H, W); Box(0, 0, 0, 0) of none.

        >>> Box.around(np.array([[False, False, False], [False, True, True]]))
        Box(top=1, bottom=2, left=1, right=3)
        """
        top, bottom = edges(np.any(marked, axis=1))
        return cls(top, bottom, *edges(np.any(marked[top:bottom], axis=0)))

    @classmethod
    def whole(cls, height: int, width: int) -> Box:
        """All of a picture.

        >>> Box.whole(2, 5)
        Box(top=0, bottom=2, left=0, right=5)
        """
        return cls(0, height, 0, width)

    @property
    def empty(self) -> bool:
        """Whether it holds no pixel.

        >>> Box(0, 2, 1, 1).empty, Box(0, 2, 1, 2).empty
        (True, False)
        """
        return self.top >= self.bottom or self.left >= self.right

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns, to index with.

        >>> Box(0, 2, 1, 3).window
        (slice(0, 2, None), slice(1, 3, None))
        """
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def pixels(self) -> int:
        """How many pixels it covers; 0 where it is empty.

        >>> Box(0, 2, 0, 3).pixels, Box(2, 2, 0, 3).pixels
        (6, 0)
        """
        return max(0, self.bottom - self.top) * max(0, self.right - self.left)

    def of(self, picture: np.ndarray) -> np.ndarray:
        """The box of a picture (H, W, …).

        >>> Box(0, 1, 1, 3).of(np.array([[1, 2, 3], [4, 5, 6]])).tolist()
        [[2, 3]]
        """
        return picture[self.top : self.bottom, self.left : self.right]

    def of_flat(self, rows: np.ndarray) -> np.ndarray:
        """The box of a picture whose three channels lie side by side, (H, 3 W).

        >>> Box(0, 1, 1, 2).of_flat(np.arange(9).reshape(1, 9)).tolist()  # the second of three pixels
        [[3, 4, 5]]
        """
        return rows[self.top : self.bottom, 3 * self.left : 3 * self.right]

    def common(self, other: Box) -> Box:
        """What both hold; empty where the ends cross.

        >>> Box(0, 4, 0, 4).common(Box(2, 6, 1, 3))
        Box(top=2, bottom=4, left=1, right=3)
        """
        top, left = max(self.top, other.top), max(self.left, other.left)
        return Box(top, max(top, min(self.bottom, other.bottom)), left, max(left, min(self.right, other.right)))

    def within(self, other: Box) -> Box:
        """The same box counted from the other's corner.

        >>> Box(2, 4, 1, 3).within(Box(1, 5, 1, 5))
        Box(top=1, bottom=3, left=0, right=2)
        """
        return Box(self.top - other.top, self.bottom - other.top, self.left - other.left, self.right - other.left)

    def widened(self, reach: int, height: int, width: int) -> Box:
        """The box with ``reach`` more pixels to each side, inside a picture of that size.

        >>> Box(1, 2, 3, 4).widened(2, height=8, width=5)  # cut off at the top and at the right
        Box(top=0, bottom=4, left=1, right=5)
        """
        return Box(
            max(0, self.top - reach),
            min(height, self.bottom + reach),
            max(0, self.left - reach),
            min(width, self.right + reach),
        )
