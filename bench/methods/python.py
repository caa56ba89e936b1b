"""``python:MODULE:FUNCTION``: a callable of the user's own. It runs code of the user's choosing."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.methods.callable import IDS, CallableMethod, existing, parameters_of, safe_name
from bench.methods.input_names import order_of
from bench.methods.keys import Keys
from bench.methods.spec import Spec
from bench.methods.torchscript import single_input
from bench.methods.user_code import user_code
from variants.errors import ExternalError
from variants.method import Method


def open_python(spec: Spec, device: str) -> Method:
    """``python:MODULE:FUNCTION``, where MODULE is a dotted name or a ``.py`` file."""
    argument = spec.argument
    module_name, colon, attribute = argument.rpartition(":")
    if not colon:
        raise ExternalError(f"python:{argument} names no function: write python:MODULE:FUNCTION")
    try:
        module = imported(module_name)
    except ExternalError:
        raise
    except (Exception, SystemExit) as error:
        raise ExternalError(f"python:{argument}: importing {module_name} failed: {told(error)}") from error
    function = getattr(module, attribute, None)
    if not callable(function):
        refuse_shadowed(module_name)
        raise ExternalError(f"python:{argument}: {module_name} has no callable '{attribute}'")
    if isinstance(function, type):
        try:
            with user_code():
                function = function()
        except (Exception, SystemExit) as error:
            raise ExternalError(f"python:{argument}: {attribute}() failed: {told(error)}") from error
    if hasattr(function, "eval"):
        function = function.eval().to(device)
    weights = list(function.parameters()) if hasattr(function, "parameters") else []
    half = bool(weights) and all(str(p.dtype) == "torch.float16" for p in weights)
    alone = single_input(function) if weights and inputs_of(function) == 1 else None
    names = [name for name in parameters_of(function) if name != IDS]
    facts = Keys(dtype="fp16" if half else None, input=alone, order=order_of(names))
    method = CallableMethod(attribute, function, device, spec=spec, facts=facts)
    method.parameters = sum(p.numel() for p in weights)
    method.summary = f"Python {argument}"
    return method


def imported(name: str) -> Any:
    """A module by its dotted name, or by its ``.py`` file."""
    if not name.endswith(".py"):
        return import_from_here(name)
    file = existing(name, "python")
    found = importlib.util.spec_from_file_location(f"bench_method_{safe_name(file.stem)}", file)
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    with importing_from(file.resolve().parent), user_code():
        found.loader.exec_module(module)
    return module


def told(error: BaseException) -> str:
    """An error in its own words; of the end of the process, that it is that."""
    return f"it ends the process (SystemExit {error.code})" if isinstance(error, SystemExit) else str(error)


OURS = ("bench", "variants", "reports")
"""Packages of this project, which modules of the working directory must not take the place of."""


@contextmanager
def importing_from(folder: Path) -> Iterator[None]:
    """Import modules of that folder first; what is imported later may lie there too, but after all else."""
    place = str(folder)
    sys.path.insert(0, place)
    try:
        yield
    finally:
        sys.path.remove(place)
        if place not in sys.path:
            sys.path.append(place)


def import_from_here(name: str) -> Any:
    """Import a module, of the working directory first."""
    try:
        with importing_from(Path.cwd()), user_code():
            return importlib.import_module(name)
    except ModuleNotFoundError as error:
        refuse_shadowed(name, error)
        raise


def refuse_shadowed(name: str, cause: Exception | None = None) -> None:
    """Raises ExternalError where a module of the working directory is called like a package of this project."""
    first = name.split(".")[0]
    if first in OURS and any(Path(first + ending).exists() for ending in ("", ".py")):
        raise ExternalError(
            f"python:{name}: your '{first}' is shadowed by this project's package of the same name: give the file, "
            f"python:{name.replace('.', '/')}.py:FUNCTION"
        ) from cause


def inputs_of(function: Any) -> int | None:
    """How many tensors it takes by position; None where that is not one number."""
    found = [p for name, p in parameters_of(function).items() if name != IDS]
    if not found or any(p.kind is p.VAR_POSITIONAL for p in found):
        return None
    return sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.default is p.empty for p in found)
