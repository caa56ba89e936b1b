"""The command line: one file a command; this one holds the app, the errors' way out and the common options."""

from __future__ import annotations

import contextlib
import errno
import importlib
import inspect
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

import bench
from bench.util import start
from bench.util.errors import BenchError, Exit
from bench.util.imports import leave_imports
from bench.util.start import settle_process
from variants.atomic import CannotWrite
from variants.errors import FillError, VariantError
from variants.plugins import use

app = typer.Typer(
    name="bench",
    help="Benchmark image inpainting: frozen masks, scores per region, error bars, a CI gate.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

INTERRUPTED, TERMINATED = 130, 143
"""Exit codes after a Ctrl-C and after SIGTERM, as shells have them."""

ORDER = (
    "run",
    "train",
    "eval",
    "merge",
    "probe",
    "throughput",
    "compare",
    "check",
    "leaderboard",
    "report",
    "suite",
    "new",
    "listing",
    "data",
    "weights",
    "doctor",
)
"""The order of the commands in ``bench --help``; others follow by name."""


def commands() -> list[str]:
    """The modules of this package that hold a command: every file but the shared options."""
    names = {file.stem for file in Path(__file__).parent.glob("*.py")} - {"__init__", "__main__", "options"}
    return sorted(names, key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))


def version(wanted: bool) -> None:
    """Print the version and stop; called before any other option is checked."""
    if wanted:
        typer.echo(f"inpaint-bench {bench.__version__}")
        raise typer.Exit


@app.callback()
def common(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    plugin: Annotated[
        list[str] | None,
        typer.Option(
            "--plugin",
            help="A Python file with your own variants, metrics, masks, … (repeatable).",
        ),
    ] = None,
    _version: Annotated[
        bool, typer.Option("--version", callback=version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options before a command's name: tracebacks, plug-ins to load, the version."""
    if debug:
        os.environ["BENCH_DEBUG"] = "1"
    use(*plugin or ())


def main() -> None:
    """Entry point: run the command; an error becomes one sentence on stderr and its exit code."""
    try:
        settle_process()
        for name in commands():
            importlib.import_module(f"bench.cli.{name}")
        for command in app.registered_commands:
            text = command.help or getattr(command.callback, "__doc__", None) or ""
            command.help = with_examples(inspect.cleandoc(text))
        result = app(standalone_mode=False, prog_name="bench")
        code = int(result) if isinstance(result, int) else Exit.OK
        # Some versions of the parser turn a Ctrl-C into this exit code themselves.
        if code == INTERRUPTED:
            code = interrupted()
        sys.stdout.flush()
    except BenchError as error:
        code = fail(error, error.code)
    except FillError as error:
        code = fail(BenchError(f"{error} (--debug shows the traceback)"), Exit.FAILED)
    except VariantError as error:
        code = fail(error, Exit.USAGE)
    except KeyboardInterrupt:
        code = interrupted()
    except CannotWrite as error:
        code = fail(BenchError(str(error)), Exit.FAILED)
    except BrokenPipeError:
        code = Exit.OK
    except SystemExit as error:
        # The parser's own way out, where whoever reads our output has gone.
        code = Exit.OK if isinstance(error.__context__, BrokenPipeError) else int(error.code or 0)
    except Exception as error:
        code = end(error)
    code = int(close_streams(code))
    leave_imports(code)
    sys.exit(code)


def close_streams(code: int) -> int:
    """The exit code, once all that was printed is out, or nobody is there to read it."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            silence(stream)
        except OSError as error:
            silence(stream)
            if stream is sys.stdout:
                code = fail(BenchError(f"the output cannot be written ({error.strerror})"), Exit.FAILED)
        except ValueError:  # closed
            pass
    return code


def silence(stream: Any) -> None:
    """Else Python tries once more at its end, and complains."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def with_examples(text: str) -> str:
    """A docstring whose paragraphs of commands keep their lines: the parser's mark for that goes before them."""
    paragraphs = text.split("\n\n")
    return "\n\n".join(
        f"\b\n{p}" if all(line.startswith("bench ") for line in p.split("\n")) else p for p in paragraphs
    )


def end(error: Exception) -> int:
    """The exit code of an error that is not the harness's own: usage errors of the parser, else a failure."""
    show, told = getattr(error, "show", None), getattr(error, "format_message", None)
    if callable(show) and type(error).__name__ == "NoArgsIsHelpError":
        show()
        return int(getattr(error, "exit_code", Exit.USAGE))
    if callable(told):
        message = " ".join(str(told()).split()).rstrip(".").replace("Value error, ", "")
        place = getattr(getattr(error, "ctx", None), "command_path", None) or called()
        mark = "" if message.endswith("?") else ";"
        print(f"bench: {message[:1].lower()}{message[1:]}{mark} {place} -h lists the options", file=sys.stderr)
        return int(getattr(error, "exit_code", Exit.USAGE))
    if type(error).__name__ == "Abort":
        # What the parser makes of a Ctrl-C.
        return interrupted()
    if isinstance(error, OSError) and error.strerror and error.filename:
        code = Exit.USAGE if error.errno == errno.ENAMETOOLONG else Exit.FAILED
        name = os.fsdecode(error.filename)
        shown = name if len(name) <= 80 else f"{name[:80]}…"
        return fail(BenchError(f"{shown} cannot be used ({error.strerror})"), code)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return fail(BenchError(f"a file cannot be written ({os.strerror(error.errno)}): make room"), Exit.FAILED)
    if isinstance(error, MemoryError):
        return fail(BenchError("out of memory: use a smaller size, batch or count"), Exit.FAILED)
    if type(error).__name__ == "OutOfMemoryError":  # torch's, which is not imported for this
        return fail(BenchError(f"{str(error).split('. ')[0]}; use a smaller batch or size"), Exit.FAILED)
    return fail(error, Exit.FAILED)


def called() -> str:
    """``bench COMMAND`` as it was typed, of what there is."""
    there = {command.name for command in app.registered_commands}
    return " ".join(["bench", *[word for word in sys.argv[1:2] if word in there]])


def interrupted() -> int:
    """Say that the command was stopped, and how it is resumed where it can be; returns the exit code."""
    resumable = called() in ("bench run", "bench train", "bench eval", "bench data", "bench weights")
    word = "Terminated" if start.terminated else "Interrupted"
    with contextlib.suppress(OSError):
        print(f"bench: {word}." + " Rerun the same command to resume." * resumable, file=sys.stderr)
    return TERMINATED if start.terminated else INTERRUPTED


def fail(error: Exception, code: Exit) -> int:
    """Print an error as one line on stderr and return its exit code; with ``--debug`` it is raised again."""
    if os.environ.get("BENCH_DEBUG"):
        raise error
    message = " ".join(str(error).split()) or type(error).__name__
    if code == Exit.FAILED and not isinstance(error, BenchError):
        message = f"{type(error).__name__}: {message} (--debug shows the traceback)"
    with contextlib.suppress(OSError):
        print(f"bench: {message}", file=sys.stderr)
    return code
