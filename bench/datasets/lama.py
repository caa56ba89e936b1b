"""Pictures and their holes in one folder, as LaMa's tools lay them out: ``k1.jpg`` beside ``k1_mask001.png``.

``lama:DIR`` has an entry for each hole: its id is the hole's path without suffix, which is how LaMa's tools name what
they fill. The holes themselves are ``--masks folder:DIR``, which ``bench eval`` takes by itself.
"""

from __future__ import annotations

import re

import numpy as np

from bench.datasets.collection import check_pictures, stem
from bench.datasets.fingerprint import picture_key
from bench.datasets.folder import find_pictures, find_root
from bench.datasets.pictures import BrokenPicture, fit_square, read_picture
from bench.datasets.registry import Dataset, check_request, dataset, takes_path
from bench.util.errors import BenchError, UsageError
from bench.util.words import some

MARK = re.compile(r"(.+)_mask[^/]*")
"""The names that LaMa's tools give holes: what stands before is the picture's."""


@dataset("lama")
@takes_path
def open_lama(argument: str, split: str, size: int | None, count: int | None) -> Dataset:
    """A picture and a hole an entry, lama:DIR.

    They are for scoring: there is no train or validation split. ``count`` keeps the holes of the lowest keys of ids.
    Pictures without a hole are left out; the note counts them. Raises UsageError where a hole has no picture, or no
    picture can be read.
    """
    check_request(size, count)
    root = find_root(argument, "lama")
    if split not in ("test", "all"):
        raise UsageError(f"{root} is for scoring only: lama:DIR has no {split} pictures; train on other data")
    found, skipped = find_pictures(root)
    holes = {stem(name): match[1] for name in found if (match := MARK.fullmatch(stem(name)))}
    pictures = {stem(name): name for name in found if stem(name) not in holes}
    if not holes:
        raise UsageError(f"no holes in {root}: lama:DIR expects NAME_mask001.png beside NAME.jpg")
    alone = sorted(hole for hole, picture in holes.items() if picture not in pictures)
    if alone:
        raise UsageError(f"holes in {root} without a picture beside them: {len(alone)} ({some(alone, 3)})")
    names = sorted({pictures[picture] for picture in holes.values()})
    checked = dict(zip(names, check_pictures([root / name for name in names]), strict=True))
    skipped += [(name, why) for name, why in checked.items() if isinstance(why, str)]
    ids = sorted(hole for hole, picture in holes.items() if not isinstance(checked[pictures[picture]], str))
    if not ids:
        raise UsageError(f"no picture in {root} can be read (the first, {skipped[0][0]}: {skipped[0][1]})")
    ids = sorted(sorted(ids, key=picture_key)[:count])

    def load(index: int) -> np.ndarray:
        path = root / pictures[holes[ids[index]]]
        try:
            pixels = read_picture(path)
        except BrokenPicture as error:
            raise BenchError(f"{path} has become unreadable: {error}") from error
        return pixels if size is None else fit_square(pixels, size)

    used = len({holes[image_id] for image_id in ids})
    note = f"{len(ids)} holes of {used} pictures in {root}"
    spare = len(pictures) - len(names)
    return Dataset(
        name="lama",
        split=split,
        size=size,
        ids=ids,
        load=load,
        note=note + f"; {spare} pictures without a hole were left out" * bool(spare),
        skipped=tuple(sorted(skipped)),
    )
