"""What torch.compile has to be told before it compiles the variants."""

from __future__ import annotations


def prepare_compiling() -> None:
    """Compile every instance.

    Networks of one class share their code, so past a limit (eight) torch runs further ones as they are written, and
    says so in its log alone.
    """
    import torch._dynamo

    for limit in ("recompile_limit", "accumulated_recompile_limit"):
        setattr(torch._dynamo.config, limit, 1_000_000)
