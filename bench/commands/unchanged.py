"""The same evaluation asked for again, nothing changed: told from the run that made it, without loading a network.

A run that scored everything keeps what it depended on, as one digest, and the digests of its own files, in
``asked.json``. Where both are the same nothing would be scored, and loading torch to find that out takes seconds.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.runs.reader import Run, find_runs, out_folder
from bench.util.files import write_json
from bench.util.read_errors import read_object

if TYPE_CHECKING:
    from bench.commands.request import Request
    from bench.methods.spec import Spec
    from bench.profiles.profile import Profile
    from bench.suites.suite import Suite

FILE = "asked.json"

GPUS = ("/dev/nvidia0", "/dev/nvidiactl", "/dev/dxg", "/dev/kfd")


def digest_of(request: Request, profile: Profile, split: str, suite: Suite, source: Run | None) -> str:
    """A digest of everything that the evaluation's results depend on; '' where that cannot be told, as of a function
    of the user's, and where more is asked for than results."""
    from bench.methods.spec import parse_spec
    from bench.runs import provenance
    from bench.stages.context import key_of

    if request.fresh or request.shard or request.build or request.save_predictions or "RANK" in os.environ:
        return ""
    methods = [identity_of(parse_spec(text), request, suite, source) for text in request.methods]
    if not all(methods) or any(":" in name for name in profile.metrics):
        return ""
    machine = {key: value for key, value in provenance.machine().items() if key not in ("gpu", "cuda")}
    gpus = [os.environ.get("CUDA_VISIBLE_DEVICES"), *(Path(name).exists() for name in GPUS)]
    return key_of(
        [profile.as_dict(), split, methods, columns_of(profile, request.weights_dir)],
        [request.restore_known, request.force_polarity, request.samples, request.device, gpus],
        [suite.fingerprint(workers=provenance.cores()), provenance.versions(), machine],
    )


def identity_of(spec: Spec, request: Request, suite: Suite, source: Run | None) -> list[str]:
    """What a SPEC stands for, by content; nothing where it cannot be told."""
    from bench.methods.load import split_seed
    from bench.methods.weights import weights_anywhere, weights_of
    from bench.util.errors import BenchError, UsageError
    from variants.registry import variant
    from variants.weights import sha256

    text = str(spec)
    file = Path(spec.argument).expanduser()
    if spec.kind in ("torchscript", "onnx"):
        from bench.methods.onnx_files import digest

        of_file = digest if spec.kind == "onnx" else sha256
        return [text, of_file(file)] if file.is_file() else []
    if spec.kind == "predictions":
        from bench.methods.predictions import open_predictions, settle_layout
        from bench.stages.reuse import digest_fills

        methods = settle_layout(open_predictions(file, spec.pattern), suite.masks)
        digest_fills(methods, suite)
        return [text, *(f"{method.name} {method.content}" for method in methods)]
    if spec.kind:
        return []
    name, seed = split_seed(spec.argument)
    plugin = variant.plugin(name)
    code = plugin.digest() if plugin is not None else ""
    trained = any(request.runs.glob(f"*/checkpoints/{name}")) or request.run is not None
    own = request.checkpoint
    if own is None and trained:
        try:
            own = (weights_of(source) if source and request.run else weights_anywhere(request.runs))(name, seed)[0]
        except UsageError:
            own = None  # A reference, or there are none: loading it says so.
        except BenchError:
            return []
    return [text, code, sha256(own) if own is not None and own.is_file() else ""]


def columns_of(profile: Profile, weights_dir: Path | None) -> list[Any]:
    """The columns and what they are computed by: versions, code of plug-ins, and the files of backbones."""
    from bench.backbones.backbone import find
    from bench.backbones.catalogue import CATALOGUE
    from bench.metrics.registry import metric
    from bench.set_metrics.registry import set_metric, split_names
    from bench.stages.score import version_of

    single, whole = split_names(profile.metrics) if profile.metrics else (metric.names(), set_metric.names())
    files = []
    for each in CATALOGUE.values():
        file = find(each, weights_dir)
        facts = file.stat() if file is not None else None
        found = [str(file), facts.st_size, facts.st_mtime_ns] if facts else []
        files.append([each.name, each.buildable, *found])
    return [
        [[name, version_of(name)] for name in single],
        [[name, set_metric.get(name).version] for name in whole],
        files,
    ]


def remember(run: Run, asked: str, said: Sequence[str]) -> None:
    """Keep in a run, which is complete, what was asked for and what was said."""
    if asked:
        write_json(run.path / FILE, {"schema": 1, "asked": asked, "files": files_of(run), "said": list(said)})


def files_of(run: Run) -> dict[str, str]:
    """Digests of the run's files that results are told from."""
    from variants.weights import sha256

    results = [*(run.path / "records").rglob("*.parquet"), *(run.path / "sets").rglob("*.json")]
    found = [run.path / "run.json", run.path / "summary.json", *sorted(results)]
    return {file.relative_to(run.path).as_posix(): sha256(file) for file in found if file.is_file()}


def any_asked(request: Request) -> bool:
    """Whether any run could be told from."""
    folder = out_folder(request.out, request.runs, "*")
    return any(folder.parent.glob(f"{folder.name}/{FILE}"))


def told_before(request: Request, asked: str) -> tuple[Run, list[str]] | None:
    """The run that was asked the same and is as it was, and what was said of it."""
    from bench.util.errors import UsageError

    if not asked:
        return None
    named = out_folder(request.out, request.runs, "")
    for run in [Run(named)] if request.out else find_runs(request.runs):
        file = run.path / FILE
        if not file.is_file():
            continue
        try:
            found = read_object(file, "what a run was asked for", "remove it", UsageError)
        except UsageError:
            continue
        if found.get("asked") == asked and found.get("files") == files_of(run):
            os.utime(run.path / "run.json")  # so that it is the newest, as if it had been scored now
            return run, [str(text) for text in found.get("said", [])]
    return None
