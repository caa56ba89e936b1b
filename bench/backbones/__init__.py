"""Networks whose features scores compare (LPIPS, FID, FD-DINOv2): found in order, checked, fetched only when asked.

Searched: an explicit folder (``--weights-dir``), ``BENCH_WEIGHTS_DIR``, torch hub's cache. Nothing is
downloaded unless a command says so (``bench weights fetch``, ``bench run`` for LPIPS' own), and nothing random ever
stands in for a missing file.
"""

from bench.backbones.backbone import WeightsError, find, folders, hub_folder, load, sha256, user_folder
from bench.backbones.catalogue import add, address, backbone, status
from bench.backbones.dinov2 import DINOV2
from bench.backbones.inception import INCEPTION
from bench.backbones.lpips import BACKBONES, build, check, known_pairs, read_features

DEFAULT = "alexnet"
"""The backbone of LPIPS unless a protocol asks for another: a run fetches it by itself."""

__all__ = [
    "BACKBONES",
    "DEFAULT",
    "DINOV2",
    "INCEPTION",
    "WeightsError",
    "add",
    "address",
    "backbone",
    "build",
    "check",
    "find",
    "folders",
    "hub_folder",
    "known_pairs",
    "load",
    "read_features",
    "sha256",
    "status",
    "user_folder",
]
