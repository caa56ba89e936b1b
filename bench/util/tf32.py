"""TF32 for the length of a ``with`` block; off in every precision but tf32, so that fp32 means fp32."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def matmul_precision(precision: str) -> Iterator[None]:
    """Allow TF32 in matrix products and convolutions if ``precision`` is "tf32", forbid it otherwise; then restore."""
    # Where torch is not loaded, nothing is to be computed on a GPU: loading it takes a second or two.
    torch = sys.modules.get("torch")
    if torch is None or not torch.backends.cuda.is_built() or not torch.cuda.is_available():
        yield
        return
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    wanted = precision == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = wanted
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before
