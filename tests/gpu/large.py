"""Whether a batch of gigabytes is filled right: where it is not, which precision's kernels are at fault."""

from __future__ import annotations

from tests.gpu.page import Page
from tests.gpu.sizes import Sizes
from tests.gpu.speed import HEAD, native, rows


def measure(page: Page, sizes: Sizes) -> None:
    from bench.commands.throughput import untrained

    page.say(f"A batch of {sizes.largest}, held against the same pictures filled 8 at a time by eager fp32.")
    page.table(*HEAD, words=3)
    member = untrained(sizes.looked_into[0], sizes.width)
    precisions = list(dict.fromkeys([native(sizes.device), "fp32"]))
    said: list[str] = []
    with page.attempt("the large batch"):
        said = rows(page, sizes, [member], [sizes.largest], precisions, ["eager"], 14.0 if sizes.gpu else 0.2)
    for sentence in said:
        page.say(sentence)
