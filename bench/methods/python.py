"""``python:MODULE:FUNCTION``: a callable of the user's own. It runs code of the user's choosing."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from typing import Any

from bench.methods.callable import CallableMethod, existing, safe_name
from variants.errors import ExternalError
from variants.method import Method


def open_python(argument: str, device: str) -> Method:
    """``python:MODULE:FUNCTION``, where MODULE is a dotted name or a ``.py`` file."""
    module_name, colon, attribute = argument.rpartition(":")
    if not colon:
        raise ExternalError(f"python:{argument} names no function: write python:MODULE:FUNCTION")
    try:
        module: Any
        if module_name.endswith(".py"):
            file = existing(module_name, "python")
            spec = importlib.util.spec_from_file_location(f"bench_method_{safe_name(file.stem)}", file)
            assert spec is not None and spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
        else:
            if "" not in sys.path:
                sys.path.insert(0, "")
            module = importlib.import_module(module_name)
    except ExternalError:
        raise
    except Exception as error:
        raise ExternalError(f"python:{argument}: importing {module_name} failed: {error}") from error
    function = getattr(module, attribute, None)
    if not callable(function):
        raise ExternalError(f"python:{argument}: {module_name} has no callable '{attribute}'")
    if isinstance(function, type):
        try:
            function = function()
        except Exception as error:
            raise ExternalError(f"python:{argument}: {attribute}() failed: {error}") from error
    if hasattr(function, "eval"):
        function = function.eval().to(device)
    method = CallableMethod(attribute, function, device)
    if hasattr(function, "parameters"):
        method.parameters = sum(p.numel() for p in function.parameters())
    method.summary = f"Python {argument}"
    return method
