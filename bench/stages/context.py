"""One run on its way through the stages: prepare → train → score → speed → samples → finish."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.profiles.profile import Profile
from bench.runs.reader import Run
from bench.runs.writer import RunWriter
from bench.suites.suite import Suite
from variants.method import Method


@dataclass
class Context:
    """What every stage may ask: the settings, the frozen suite, the run folder, the device and, once they are
    loaded, the methods in the order of the tables. earlier: runs whose results may be taken over."""

    profile: Profile
    suite: Suite
    writer: RunWriter
    device: str = "cpu"
    methods: Sequence[Method] = field(default_factory=tuple)
    earlier: Sequence[Run] = ()

    @property
    def run(self) -> Run:
        """The run as it lies on disk now."""
        return Run.open(self.writer.path)


def key_of(*parts: Any) -> str:
    """A digest of everything that a stage's result depends on; ``parts``: what JSON can hold."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def identity_of(methods: Sequence[Method]) -> list[list[Any]]:
    """What tells methods apart, weights included."""
    return [
        [method.name, method.seed, method.kind, method.weights_sha256, *settings_of(method).values()]
        for method in methods
    ]


def settings_of(method: Method) -> dict[str, Any]:
    """What a method's fills depend on beside its name and weights, where it has any: the keys of its SPEC, the digest
    of its finished pictures, how many samples it draws."""
    found = {"convention": method.convention, "content": method.content, "samples": method.samples}
    return {key: value for key, value in found.items() if value and value != 1}
