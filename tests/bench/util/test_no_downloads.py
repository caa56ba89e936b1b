"""Libraries that would download: refused, and not heard of."""

from __future__ import annotations

import logging
import sys
import threading
from pathlib import Path

import pytest
import torch

from bench.util.no_downloads import no_downloads

URL = "https://weights.invalid/alexnet-owt-0123abcd.pth"


def test_a_download_that_is_not_made_is_not_announced(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """torch says "Downloading: …" on the terminal before it asks."""
    with no_downloads() as wanted, pytest.raises(OSError, match="is not fetched"):
        torch.hub.load_state_dict_from_url(URL, model_dir=str(tmp_path))
    assert wanted == [URL]
    assert capfd.readouterr() == ("", "")


def test_what_a_library_prints_or_logs_of_it_is_not_shown(capfd: pytest.CaptureFixture[str]) -> None:
    handler = logging.StreamHandler(sys.stderr)  # as of a library that was imported before
    logger = logging.getLogger("a library")
    logger.addHandler(handler)
    try:
        with no_downloads():
            print("fetching")
            sys.stderr.write("fetching\n")
            logger.error("cannot connect")
        assert capfd.readouterr() == ("", "")
        logger.error("afterwards")
        assert capfd.readouterr().err == "afterwards\n"
    finally:
        logger.removeHandler(handler)


def test_other_threads_and_what_follows_are_heard(capfd: pytest.CaptureFixture[str]) -> None:
    def speak(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    with no_downloads():
        thread = threading.Thread(target=speak, args=["fetch alexnet: 20 %"])
        thread.start()
        thread.join()
        late = logging.StreamHandler(sys.stderr)  # made within, it keeps the stream that is there now
    late.handle(logging.makeLogRecord({"msg": "later"}))
    assert capfd.readouterr().err == "fetch alexnet: 20 %\nlater\n"
