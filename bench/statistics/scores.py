"""The scores of a run as arrays: what summaries, comparisons and gates calculate with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bench.runs.reader import Run
from bench.runs.records import CONTENT, DIVERSITY, read_records
from bench.util.errors import BenchError

KEYS = ("variant", "seed", "dataset", "mask", "image_id", "sample", "hole_area", "failed", CONTENT)
ALL = "all"
"""The name under which the mask types are pooled."""


@dataclass(frozen=True)
class Tries:
    """What several samples of each hole scored. values: float64 (seeds, images, masks, samples, columns), NaN where
    there is no value; diversity: (seeds, images, masks), NaN where it was not asked for."""

    values: np.ndarray
    diversity: np.ndarray


@dataclass(frozen=True)
class Scores:
    """The scores of one variant on one data set.

    values: float64 (seeds, images, masks, columns), NaN where there is no value; of several samples of a hole their
    mean, where each has a value; present and failed (a sample, at least): bool (seeds, images, masks); hole_area:
    (images, masks), NaN where the pair was not drawn; content: (images, masks), the key of picture and hole, 0 where it
    is not known. tries: the samples, where there are several; none where only
    some images, mask types or columns were taken.
    """

    dataset: str
    seeds: tuple[int, ...]
    ids: np.ndarray
    masks: tuple[str, ...]
    columns: tuple[str, ...]
    values: np.ndarray
    present: np.ndarray
    failed: np.ndarray
    hole_area: np.ndarray
    content: np.ndarray
    tries: Tries | None = None

    def take(self, images: np.ndarray, masks: list[int], columns: list[int]) -> Scores:
        """The same scores, of some images, mask types and columns (by position)."""
        places = (images, np.array(masks), np.array(columns))
        sizes = (len(self.ids), len(self.masks), len(self.columns))
        if all(np.array_equal(place, np.arange(size)) for place, size in zip(places, sizes, strict=True)):
            return self
        pick = np.ix_(np.arange(len(self.seeds)), images, places[1])
        return replace(
            self,
            ids=self.ids[images],
            masks=tuple(self.masks[i] for i in masks),
            columns=tuple(self.columns[i] for i in columns),
            values=self.values[pick][..., columns],
            present=self.present[pick],
            failed=self.failed[pick],
            hole_area=self.hole_area[np.ix_(images, places[1])],
            content=self.content[np.ix_(images, places[1])],
            tries=None,
        )


def load_scores(
    run: Run, variant: str, seed: int | None = None, columns: Sequence[str] | None = None
) -> dict[str, Scores]:
    """A variant's scores by data set. columns: the only ones to read; None: all.

    Raises BenchError where a picture was recorded twice, or not as often as others."""
    import pyarrow as pa

    files = run.record_files(variant, seed)
    if not files:
        return {}
    run.lacking  # noqa: B018 - says what is gone
    wanted = None if columns is None else [*KEYS, *columns]
    tables = [read_records(file, wanted) for file in files]
    table = pa.concat_tables(tables, promote_options="permissive")
    order = list(run.manifest.masks)
    metrics = [name for name in run.manifest.metrics if name in table.column_names]
    others = [
        name
        for name in table.column_names
        if name not in {*KEYS, DIVERSITY, *metrics} and pa.types.is_floating(table.schema.field(name).type)
    ]
    datasets, dataset_codes = _codes(table, "dataset")
    found = {}
    for number, dataset in enumerate(datasets):
        rows = table if len(datasets) == 1 else table.filter(pa.array(dataset_codes == number))
        found[str(dataset)] = _arrange(run, variant, str(dataset), rows, order, [*metrics, *others])
    return found


def _codes(table: Any, name: str) -> tuple[np.ndarray, np.ndarray]:
    """The distinct values of a column, sorted, and each row's position among them."""
    import pyarrow as pa

    column = _whole(table.column(name))
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    names = np.asarray(encoded.dictionary.to_pylist())
    order = np.argsort(names, kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return names[order], place[_numbers(encoded.indices)]


def _whole(column: Any) -> Any:
    """A table's column as one array."""
    joined = column.combine_chunks()
    return joined.chunk(0) if hasattr(joined, "chunk") else joined


def _numbers(array: Any) -> np.ndarray:
    """A column's numbers; those without nulls by DLPack, because pyarrow's own way imports pandas: a second."""
    return np.from_dlpack(array) if not array.null_count else array.to_numpy(zero_copy_only=False)


def _arrange(run: Run, variant: str, dataset: str, table: Any, order: list[str], columns: list[str]) -> Scores:
    """Rows put into an array by seed, image and mask type."""
    seeds, seed_codes = _codes(table, "seed")
    ids, id_codes = _codes(table, "image_id")
    masks, mask_codes = _codes(table, "mask")
    named = [str(mask) for mask in masks]
    ranked = sorted(range(len(named)), key=lambda i: (order.index(named[i]) if named[i] in order else len(order), i))
    place = np.empty(len(masks), np.int64)
    place[ranked] = np.arange(len(masks))
    samples, sample_codes = _codes(table, "sample")
    shape = (len(seeds), len(ids), len(masks), len(samples))
    flat = np.ravel_multi_index((seed_codes, id_codes, place[mask_codes], sample_codes), shape)
    present = np.bincount(flat, minlength=int(np.prod(shape)))
    if present.max(initial=0) > 1:
        seed, image, mask, _ = np.unravel_index(int(present.argmax()), shape)
        raise BenchError(
            f"{run.path} records {variant}@{seeds[seed]} twice on picture '{ids[image]}' under mask type "
            f"'{named[ranked[mask]]}': evaluate it again with bench run"
        )
    values = np.full((int(np.prod(shape)), len(columns)), np.nan)
    for k, name in enumerate(columns):
        values[flat, k] = _numbers(_whole(table.column(name)))
    failed = np.zeros(int(np.prod(shape)), bool)
    if "failed" in table.column_names:
        import pyarrow.compute as pc

        lengths = pc.binary_length(pc.cast(table.column("failed"), "string"))
        failed[flat] = np.nan_to_num(_numbers(_whole(lengths))) > 0
    values[failed] = np.nan
    values[~np.isfinite(values)] = np.nan
    there = present.reshape(shape).astype(bool)
    if (there.any(axis=-1) != there.all(axis=-1)).any():
        title = run.manifest.titles.get(dataset, dataset)
        raise BenchError(
            f"{run.path} records {len(samples)} samples of some pictures of {variant} on {title}, and fewer of "
            "others: evaluate it again with bench eval"
        )
    tries = None
    scored = values.reshape(*shape, len(columns))
    if len(samples) > 1:
        diversity = np.full(shape, np.nan)
        if DIVERSITY in table.column_names:
            diversity.reshape(-1)[flat] = _numbers(_whole(table.column(DIVERSITY)))
        tries = Tries(scored, diversity[..., 0])
    area = np.full(shape[1:3], np.nan)
    if "hole_area" in table.column_names:
        area[id_codes, place[mask_codes]] = _numbers(_whole(table.column("hole_area")))
    content = np.zeros(shape[1:3], np.int64)
    if CONTENT in table.column_names:
        content[id_codes, place[mask_codes]] = np.nan_to_num(_numbers(_whole(table.column(CONTENT))))
    return Scores(
        dataset,
        tuple(int(seed) for seed in seeds),
        ids,
        tuple(named[i] for i in ranked),
        tuple(columns),
        scored[..., 0, :] if tries is None else scored.mean(-2),
        np.any(there, axis=-1),
        np.any(failed.reshape(shape), axis=-1),
        area,
        content,
        tries,
    )


def clustered(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums and counts per image, pooled mask types last: (images, masks + 1, columns) from
    (images, masks, columns) with NaN where there is no value.

    >>> sums, counts = clustered(np.array([[[1.5], [2.0]], [[4.0], [np.nan]]]))
    >>> sums[..., 0].tolist(), counts[..., 0].tolist()
    ([[1.5, 2.0, 3.5], [4.0, 0.0, 4.0]], [[1.0, 1.0, 2.0], [1.0, 0.0, 1.0]])
    """
    images, masks, columns = values.shape
    there = np.isfinite(values)
    sums = np.empty((images, masks + 1, columns))
    counts = np.empty_like(sums)
    sums[:, :masks] = np.where(there, values, 0.0)
    counts[:, :masks] = there
    sums[:, masks] = sums[:, :masks].sum(1)
    counts[:, masks] = counts[:, :masks].sum(1)
    return sums, counts
