"""What every backbone is, and where its file is looked for."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.util.errors import BenchError
from variants.weights import stand_in

if TYPE_CHECKING:
    import torch

ENV = "BENCH_WEIGHTS_DIR"


class WeightsError(BenchError):
    """No file of a backbone was found, or the one found was refused; the message is one sentence."""


@dataclass(frozen=True)
class Backbone:
    """A network whose features a score compares.

    file: the published checkpoint, whose name ends in the first digits of its SHA-256 unless ``digest`` gives them.
    base_url: the folder that it is published in. pattern: the names under which it is looked for. suffixes: the kinds
    of file. scores: the columns that need it. package: what builds it, where no dependency does; the extra that
    installs it is named as the backbone.
    """

    name: str
    file: str
    megabytes: int
    base_url: str
    pattern: str
    suffixes: tuple[str, ...]
    scores: str
    digest: str = field(default="", kw_only=True)
    package: str = field(default="", kw_only=True)

    @property
    def sha256_prefix(self) -> str:
        """First hex digits of the file's SHA-256: the declared digest, else those that end torchvision's name."""
        return self.digest or Path(self.file).stem.rsplit("-", 1)[1]

    @property
    def buildable(self) -> bool:
        """Whether the package that builds it is installed."""
        return not self.package or find_spec(self.package) is not None

    def require_package(self) -> None:
        """Raises WeightsError where the package that builds it is not installed."""
        if not self.buildable:
            raise WeightsError(
                f"{self.name} needs {self.package}, which is not installed: pip install 'inpaint-bench[{self.name}]'"
            )

    def check(self, path: Path) -> tuple[Any, str]:
        """The network in ``path`` and the check that it passed, in words. Raises WeightsError where it fails."""
        raise NotImplementedError

    def recognises(self, state: Mapping[str, Any]) -> bool:
        """Whether tensors by name have the shapes that this network alone has."""
        raise NotImplementedError


class Published(Backbone):
    """One that is known by its file's SHA-256, as no values are published that would prove other copies."""

    def build(self, state: Mapping[str, Any]) -> Any:
        """The network with these tensors. Raises KeyError or RuntimeError where they do not fit."""
        raise NotImplementedError

    def check(self, path: Path) -> tuple[Any, str]:
        self.require_package()
        require_model(path)
        found = sha256(path)
        if not found.startswith(self.sha256_prefix):
            raise WeightsError(
                f"{path} is refused: its SHA-256 begins with {found[:8]}, not {self.sha256_prefix[:8]}, so it is "
                "damaged or the wrong file; fetch or add the published weights"
            )
        state = read_tensors(path)
        try:
            network = self.build(state)
        except (KeyError, RuntimeError) as error:
            why = " ".join(str(error).split())[:100]
            raise WeightsError(f"{path} does not hold {self.name} ({why}): fetch or add the right file") from error
        return network, f"SHA-256 begins with {self.sha256_prefix[:8]}, all {len(state)} tensors fit"


def hub_folder() -> Path:
    """Where torch hub keeps checkpoints (its own rule, without importing torch)."""
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    home = os.environ.get("TORCH_HOME") or str(Path(cache) / "torch")
    return Path(os.path.expandvars(home)).expanduser() / "hub" / "checkpoints"


def folders(weights_dir: Path | None = None) -> list[tuple[str, Path]]:
    """The folders searched, in order, each with what named it."""
    found = []
    if weights_dir is not None:
        found.append(("--weights-dir", Path(weights_dir)))
    if os.environ.get(ENV):
        found.append((ENV, Path(os.environ[ENV]).expanduser()))
    return [*found, ("torch hub's cache", hub_folder())]


def user_folder() -> Path:
    """Where ``fetch`` and ``add`` put files: BENCH_WEIGHTS_DIR if set, else torch hub's cache."""
    return folders()[0][1]


def candidates(which: Backbone, folder: Path) -> list[Path]:
    """Files in ``folder`` that may hold the backbone: the published name first, then by name."""
    if not folder.is_dir():
        return []
    found = [path for path in folder.iterdir() if path.suffix in which.suffixes and path.is_file()]
    mine = [path for path in found if fnmatchcase(path.name, which.pattern)]
    return sorted(mine, key=lambda path: (path.name != which.file, path.name))


def find(which: Backbone, weights_dir: Path | None = None) -> Path | None:
    """The first file of a backbone, in search order; None where there is none."""
    for _, folder in folders(weights_dir):
        for path in candidates(which, folder):
            return path
    return None


def load(which: Backbone, weights_dir: Path | None = None) -> Any:
    """The checked network of a backbone. Raises WeightsError where no file is found, or it is refused."""
    which.require_package()
    path = find(which, weights_dir)
    if path is None:
        # By name: the sentence stands in reports, which are passed on; bench weights status prints the folders.
        looked = " or ".join(why for why, _ in folders(weights_dir))
        raise WeightsError(
            f"no {which.name} backbone in {looked}: run 'bench weights fetch {which.name}' "
            f"({which.megabytes} MB) or 'bench weights add FILE'"
        )
    return which.check(path)[0]


def sha256(path: Path) -> str:
    """Hex SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def require_model(path: Path) -> None:
    """Raises WeightsError where another thing lies in the place of weights, or more than the memory has room for."""
    other = stand_in(path)
    if other:
        raise WeightsError(f"{path} {other}")


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a file by name, on the CPU; those under ``state_dict`` where there is such a key.

    Raises WeightsError where the file cannot be read safely.
    """
    import torch

    require_model(path)
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            state: Any = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        why = " ".join(str(error).split())[:120] or type(error).__name__
        raise WeightsError(f"{path} is not a readable weights file ({why}): fetch or add it again") from error
    if isinstance(state, Mapping) and isinstance(state.get("state_dict"), Mapping):
        state = state["state_dict"]
    if not isinstance(state, Mapping):
        raise WeightsError(f"{path} holds no named weights: give a checkpoint of the whole network or of its features")
    return {key: value for key, value in state.items() if isinstance(value, torch.Tensor)}
