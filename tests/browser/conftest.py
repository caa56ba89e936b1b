"""A real Chromium, and pages for it to open from files.

Without a browser these tests are skipped, saying so; where CI=true they fail.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.runs.reader import Run
from reports.build import build_report
from tests.reports.fake_run import fake_run

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
AXE = "axe-core@4"


def lacking(what: str) -> None:
    """Skip, or in continuous integration fail, for want of ``what``."""
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium: the one of the system, else the one that playwright installed."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ModuleNotFoundError:
        lacking("playwright is not installed: pip install -e '.[dev]'")
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    with sync_playwright() as playwright:
        try:
            chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        except Error as error:
            lacking(f"no Chromium: install one, or run playwright install chromium ({str(error).splitlines()[0]})")
        yield chromium
        chromium.close()


def fresh(browser: Any, **options: Any) -> Any:
    """A browsing context with patience for a busy machine."""
    context = browser.new_context(**options)
    context.set_default_timeout(120_000)
    return context


class Watched:
    """A page with what it asked the network for and what it complained of."""

    def __init__(self, context: Any) -> None:
        self.page = context.new_page()
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda r: self.requests.append(r.url) if not r.url.startswith("data:") else None)
        self.page.on("console", lambda m: self.complaints.append(m.text) if m.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda e: self.complaints.append(str(e)))
        self.page.on("dialog", lambda d: (self.complaints.append(f"dialog {d.message}"), d.dismiss()))


@pytest.fixture
def watched(browser: Any) -> Iterator[Watched]:
    context = fresh(browser, viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    yield Watched(context)
    context.close()


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("runs") / "quick"
    names = ("baseline", "basic_gan", "gan_res_whole", "double_dg", "mean_fill", "telea")
    return Run.open(fake_run(folder, variants=names, masks=("standard", "circle"), pictures=10, samples=2))


@pytest.fixture(scope="session")
def report(run: Run) -> str:
    return build_report(run).as_uri()


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The source of axe-core, fetched by npm into a cache folder and kept there."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "inpaint-bench" / "axe"
    file = cache / "node_modules" / "axe-core" / "axe.min.js"
    if not file.is_file():
        npm = shutil.which("npm")
        if npm is None:
            lacking("axe-core needs npm, which is not installed")
        cache.mkdir(parents=True, exist_ok=True)
        words = [str(npm), "install", "--prefix", str(cache), "--no-audit", "--no-fund", "--ignore-scripts", AXE]
        done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode or not file.is_file():
            lacking(f"npm could not fetch axe-core: {done.stderr.strip().splitlines()[-1:] or done.returncode}")
    return file.read_text(encoding="utf-8")
