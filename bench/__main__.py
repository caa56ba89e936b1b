"""The command ``bench``, as ``python -m bench`` and ``torchrun … -m bench`` too."""

import os
import signal
from typing import Any


def main() -> None:
    """Entry point. Until the command line is imported, which takes a moment, a Ctrl-C ends the process at once."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, at_once)
    from bench.cli import main as command_line

    if signal.getsignal(signal.SIGINT) is at_once:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    command_line()


def at_once(*_: Any) -> None:
    """Say so and end with a Ctrl-C's code: nothing has begun that would have to be put away."""
    os.write(2, b"bench: Interrupted.\n")
    os._exit(130)


if __name__ == "__main__":
    main()
