"""Where throughput was measured: versions, machine, threads."""

from __future__ import annotations

from pathlib import Path

from bench.runs import provenance


def environment(threads: int) -> dict[str, str]:
    """Facts as text, for the metadata of throughput.parquet and the exported JSON. threads: those measured with."""
    import torch

    facts = {**{f"version_{k}": v for k, v in provenance.versions().items()}, **provenance.machine()}
    facts["threads"] = str(threads)
    facts["build"] = torch.backends.cpu.get_cpu_capability()
    state = provenance.git(Path(__file__).parent)
    return {**facts, **{f"git_{key}": str(value) for key, value in state.items()}}
