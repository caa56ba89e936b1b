"""The paper's pictures: the 41,000 test pictures of Places205 at 256 px, in one archive."""

from __future__ import annotations

from bench.datasets.archive import Archive, archive, open_archive
from bench.datasets.registry import Dataset, dataset
from bench.util.errors import UsageError


@archive("places205")
def places205() -> Archive:
    """testSetPlaces205_resize.tar.gz; its publisher gives no digest."""
    return Archive(
        name="places205",
        title="Places205",
        file="testSetPlaces205_resize.tar.gz",
        urls=("http://data.csail.mit.edu/places/places205/testSetPlaces205_resize.tar.gz",),
        bytes=2_341_250_899,
        pictures=41_000,
    )


@dataset("places205")
def open_places205(argument: str, split: str, size: int | None, count: int | None) -> Dataset:
    """The paper's 41,000 pictures; bench data add places205 --archive FILE, or bench data fetch places205.

    Split by a hash of the name. Raises UsageError for an argument, or where the archive was not added.
    """
    if argument:
        raise UsageError(f"places205 takes no argument, got '{argument}': write places205")
    return open_archive(places205(), split, size, count)
