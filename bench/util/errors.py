"""Every way a command can end, and the errors that end it: one sentence each, one exit code each."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command."""

    OK = 0
    FAILED = 1
    USAGE = 2
    REGRESSION = 3
    INCOMPARABLE = 4
    PARTIAL = 5


class BenchError(Exception):
    """The harness failed. The message is one sentence: what was wrong, where, what to do."""

    code = Exit.FAILED


class UsageError(BenchError):
    """What the user gave cannot be used."""

    code = Exit.USAGE


class IncomparableError(BenchError):
    """The two sides were measured differently, or there is nothing to compare with."""

    code = Exit.INCOMPARABLE


class PartialError(BenchError):
    """The work was done but for some pictures."""

    code = Exit.PARTIAL
