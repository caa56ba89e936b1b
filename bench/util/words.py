"""Names, numbers of things and lists, in sentences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

SHOWN = 5


def printable(name: str) -> str:
    """A name as it can be printed: control characters, and bytes that are not UTF-8, as escapes.

    >>> printable("a\\x00b.png"), printable("\\udcff.png")
    ('a\\\\x00b.png', '\\\\udcff.png')
    """
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name)


def titles_of(named: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Name -> what people call it, of (name, title): its title, unless it has none or another is called the same.

    >>> titles_of([("folder_a", "cats"), ("folder_b", "dogs"), ("scenes", "")])
    {'folder_a': 'cats', 'folder_b': 'dogs', 'scenes': 'scenes'}
    >>> titles_of([("folder_a_images", "images"), ("folder_b_images", "images")])
    {'folder_a_images': 'folder_a_images', 'folder_b_images': 'folder_b_images'}
    """
    pairs = list(named)
    told = [title or name for name, title in pairs]
    return {name: called if told.count(called) == 1 else name for (name, _), called in zip(pairs, told, strict=True)}


def counted(number: int, noun: str) -> str:
    """``1 picture``, ``2 pictures``, ``0 pictures``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def some(names: Sequence[str], shown: int = SHOWN) -> str:
    """The first few names, and how many more."""
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more


def first_sentence(text: str | None) -> str:
    """The first sentence of a docstring, over however many lines, without the marks of reStructuredText; its first
    paragraph where that ends in no full stop.

    >>> first_sentence("Compute `Peak Ratio`_  (PR_) of\\n    two pictures. It is high, e.g. 40.\\n\\n    More.")
    'Compute Peak Ratio (PR) of two pictures.'
    """
    paragraph = " ".join((text or "").strip().split("\n\n")[0].split())
    plain = re.sub(r"(?::\w+)*:?`+~?([^`]*?)_?`+_*", r"\1", paragraph)
    plain = re.sub(r"(?<=\w)_+(?!\w)", "", plain)
    sentence = re.match(r".*?(?<!e\.g)(?<!i\.e)(?<! al)[.!?](?=\s+\W*[A-Z])", plain)
    return sentence[0] if sentence else plain
