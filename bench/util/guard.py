"""Errors of plug-ins' code, as one sentence that names the plug-in."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from bench.util.errors import BenchError
from variants.errors import PluginError, VariantError
from variants.plugins import reason
from variants.registry import Registry


@contextlib.contextmanager
def guarded(registry: Registry, name: str) -> Iterator[None]:
    """Raises PluginError where a plug-in's entry fails in the block; errors of our own code stay what they are."""
    try:
        yield
    except (BenchError, VariantError):
        raise
    except (Exception, SystemExit) as error:
        source = registry.plugin(name)
        if source is None:
            raise
        raise PluginError(f"{source.what}: the {registry.noun} '{name}' failed: {reason(error)}") from error
