"""What the names of a model's inputs tell of which is the picture and which the mask."""

from __future__ import annotations

from collections.abc import Sequence

MASK = ("mask", "hole")
PICTURE = ("masked", "im", "pic")
"""Parts of names; what holds one of these is a picture, whatever else it is called."""


def names_mask(name: str) -> bool:
    """Whether an input of this name is a mask; a ``masked_image`` is a picture.

    >>> names_mask("valid_mask"), names_mask("masked_image"), names_mask("x")
    (True, False, False)
    """
    name = name.lower()
    return any(word in name for word in MASK) and not any(word in name for word in PICTURE)


def order_of(names: Sequence[str]) -> str | None:
    """The order that two inputs' names tell, where it is not the usual one.

    >>> order_of(["mask", "image"]), order_of(["image", "mask"])
    ('mask,picture', None)
    """
    swapped = len(names) == 2 and names_mask(names[0]) and not names_mask(names[1])
    return "mask,picture" if swapped else None
