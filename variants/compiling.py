"""torch.compile without its limit on how often one piece of code is compiled anew."""

from __future__ import annotations


def compile_every_instance() -> None:
    """Networks of one class share their code, so past the limit (eight) torch runs further ones as they are written,
    and says so in its log alone."""
    import torch._dynamo

    for limit in ("recompile_limit", "accumulated_recompile_limit"):
        setattr(torch._dynamo.config, limit, 1_000_000)
