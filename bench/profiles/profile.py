"""Profiles: everything that a run is made of, in one small TOML file with named, typed keys."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from bench.util.errors import UsageError
from bench.util.read_errors import reading
from variants.registry import suggest

FOLDER = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Profile:
    """One full description of a run; every key may stand in a profile's TOML file or in ``--set KEY=VALUE``.

    size: side of the square pictures, pixels. width: channels after a network's first halving (the paper's
    is 64). steps: generator steps; None: each variant's own times ``steps_scale``. epochs: instead of steps,
    passes over the training pictures; 0 means the paper's own (20, and 50 for double_dg).
    train_data, train_count: data sets trained on and how many pictures of each; data, count: those scored.
    seeds: training seeds. suite_seed: of the holes that are scored. mask_polarity, mask_threshold: the colour of the
    hole in files, and the level above which grey is white (see bench.suites.hole_file). samples: pictures shown in
    the report, per data set and mask type. throughput_s: seconds spent on measuring speed. threads: of each training on
    a CPU; they change sums in their last bits, so they belong to what a run is. workers: processes, 0: as many as the
    cores allow. ema: decay of the running mean of the weights that is handed over in place of the last ones (0.999 is
    common in long trainings); 0: none. suite_entries: data sets that are
    scored, each with masks of its own (bench.suites.suite_file); ``data``, ``masks`` and their like then only sum
    them up.
    """

    name: str
    variants: tuple[str, ...]
    seeds: tuple[int, ...] = (0,)
    size: int | None = 64
    width: int = 64
    batch: int = 16
    steps: int | None = None
    steps_scale: float = 1.0
    epochs: int | None = None
    train_data: tuple[str, ...] = ("scenes",)
    train_count: tuple[int, ...] = (4096,)
    data: tuple[str, ...] = ("scenes",)
    count: tuple[int, ...] = (64,)
    masks: tuple[str, ...] = ("standard", "rect", "circle", "ellipse")
    metrics: tuple[str, ...] = ()
    protocol: str = "native"
    mask_polarity: str = "white"
    mask_threshold: int | None = None
    suite_seed: int = 0
    samples: int = 3
    throughput_s: float = 20.0
    precision: str = "auto"
    threads: int = 1
    ema: float = 0.0
    workers: int = 0
    suite_entries: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The profile as run.json holds it: lists for tuples, and no ``suite_entries`` where there are none."""
        values = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}
        if not self.suite_entries:
            del values["suite_entries"]  # As runs had it before there were any.
        return values


def profile_names() -> list[str]:
    """Names of the profiles that come with the package, in alphabetical order."""
    return sorted(file.stem for file in FOLDER.glob("*.toml"))


def load_profile(spec: str, overrides: dict[str, Any] | None = None) -> Profile:
    """The profile called ``spec`` (or the TOML file at that path), with ``overrides`` on top.

    A file may name a ``base``: a profile of ours whose keys it takes over where it has none of its own. Raises
    UsageError for a file that cannot be read, UnknownName for a wrong name or key.
    """
    file = Path(spec) if spec.endswith(".toml") else FOLDER / f"{spec}.toml"
    if not file.is_file():
        if spec.endswith(".toml"):
            raise UsageError(f"the profile {spec} does not exist")
        raise suggest("profile", spec, profile_names())
    values = read(file)
    base = values.pop("base", None)
    if base is not None:
        if base not in profile_names():
            raise suggest(f"base in {file}", str(base), profile_names())
        values = {**read(FOLDER / f"{base}.toml"), **values}
    profile = build({"name": file.stem, **values}, str(file))
    return replace_checked(profile, overrides or {})


def read(file: Path) -> dict[str, Any]:
    """Parse a profile's TOML file; raises UsageError with the file's name where it cannot be read or parsed."""
    with reading(file, "a profile", error=UsageError):
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))


def replace_checked(profile: Profile, overrides: dict[str, Any]) -> Profile:
    """A copy with some keys set, converted and validated as a file's would be; raises UsageError blaming ``--set``."""
    checked = {key: convert(key, value, "--set") for key, value in overrides.items()}
    return validated(replace(profile, **checked))


def build(values: dict[str, Any], where: str) -> Profile:
    """A profile from parsed TOML; raises UsageError for an unknown key, a wrong type, or no variants."""
    checked = {key: convert(key, value, where) for key, value in values.items()}
    if "variants" not in checked:
        raise UsageError(f'{where} names no variants: add variants = ["baseline", …]')
    return validated(Profile(**checked))


def convert(key: str, value: Any, where: str) -> Any:
    """``value`` as the type of the profile key ``key``; strings (from --set) are parsed."""
    hints = get_type_hints(Profile)
    if key not in hints:
        raise suggest(f"profile key in {where}", key, hints)
    kind = hints[key]
    try:
        return _coerce(kind, value)
    except (TypeError, ValueError, OverflowError) as error:
        raise UsageError(f"{where}: {key} = {value!r} is not {describe(kind)}") from error


def _coerce(kind: Any, value: Any) -> Any:
    """Bring a value to a field's type, text from ``--set`` included; raises TypeError or ValueError if it cannot."""
    if get_origin(kind) in (Union, UnionType):
        if value is None or value == "none":
            return None
        return _coerce(next(k for k in get_args(kind) if k is not type(None)), value)
    if get_origin(kind) is tuple:
        items = value.split(",") if isinstance(value, str) else value if isinstance(value, list | tuple) else [value]
        return tuple(_coerce(get_args(kind)[0], item.strip() if isinstance(item, str) else item) for item in items)
    if isinstance(value, bool) or (kind is int and isinstance(value, float) and value != int(value)):
        raise TypeError
    if kind is str and not isinstance(value, str):
        raise TypeError
    return kind(value)


def describe(kind: Any) -> str:
    """A field's type in words for messages, such as "a list, each a whole number"."""
    if get_origin(kind) in (Union, UnionType):
        return describe(get_args(kind)[0])
    if get_origin(kind) is tuple:
        return f"a list, each {describe(get_args(kind)[0])}"
    return {int: "a whole number", float: "a number", str: "text"}.get(kind, str(kind))


MOST = {
    "size": 16_384, "width": 4096, "batch": 65_536, "threads": 4096, "workers": 4096, "samples": 10_000,
    "steps": 10**9, "epochs": 10**6, "count": 10**9, "train_count": 10**9, "seeds": 2**31 - 1, "suite_seed": 2**63 - 1,
    "steps_scale": 10**6, "throughput_s": 10**6,
}  # fmt: skip
"""Beyond these a number is a slip, or does not fit what computes with it."""


def validated(profile: Profile) -> Profile:
    """Raises UsageError for values no run could have."""
    for key in ("width", "batch", "threads", "samples", "workers"):
        low = 0 if key in ("samples", "workers") else 1
        if getattr(profile, key) < low:
            raise UsageError(f"{key} = {getattr(profile, key)} must be at least {low}")
    if profile.size is not None and profile.size < 16:
        raise UsageError(f"size = {profile.size} is too small: networks need at least 16 pixels")
    if profile.steps is not None and profile.steps < 1:
        raise UsageError(f"steps = {profile.steps} must be at least 1")
    for key, most in MOST.items():
        values = getattr(profile, key)
        for value in values if isinstance(values, tuple) else [values]:
            if value is not None and not abs(value) <= most:
                raise UsageError(f"{key} = {value} is too large: at most {most:,} makes sense")
    if profile.precision not in ("auto", "fp32", "bf16"):
        raise UsageError(f"precision = '{profile.precision}': choose from auto, fp32, bf16")
    if not 0 <= profile.ema < 1:
        raise UsageError(f"ema = {profile.ema} must be at least 0 and below 1")
    if not profile.seeds:
        raise UsageError("seeds is empty: name at least one")
    return replace(
        profile,
        metrics=tuple(dict.fromkeys(profile.metrics)),
        count=spread(profile.count, profile.data, "count", "data"),
        train_count=spread(profile.train_count, profile.train_data, "train_count", "train_data"),
    )


def spread(counts: tuple[int, ...], data: tuple[str, ...], count_key: str, data_key: str) -> tuple[int, ...]:
    """One count for each data set; a single count serves all."""
    if len(counts) == 1:
        counts = counts * len(data)
    if len(counts) != len(data):
        raise UsageError(f"{count_key} has {len(counts)} entries and {data_key} {len(data)}: one each, or one for all")
    if any(count < 1 for count in counts):
        raise UsageError(f"{count_key} = {list(counts)} must be at least 1 each")
    return counts


def keys() -> list[str]:
    """Names of all keys that a profile may set, in the order in which they are declared."""
    return [field.name for field in fields(Profile)]
