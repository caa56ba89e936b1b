"""What can be wrong with what a user names: each message is one sentence, what was wrong and what to do."""

from __future__ import annotations


class VariantError(Exception):
    """A name, a checkpoint or a method from outside that cannot be used."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class UnknownName(VariantError, LookupError):
    """No entry of that name; the message names the nearest ones."""


class PluginError(VariantError):
    """A plug-in that cannot be loaded, or gives what is asked of none."""


class CheckpointError(VariantError, ValueError):
    """A checkpoint that cannot be used: which file, what is wrong."""


class ExternalError(VariantError, ValueError):
    """A method from outside that cannot be used."""


class FillError(VariantError):
    """A method from outside that failed while it filled a picture: no fault of the command."""


class Diverged(VariantError, ArithmeticError):
    """A training that has come to nothing: at which step, how it shows, what to try."""
