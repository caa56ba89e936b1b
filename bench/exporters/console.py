"""The console that tables are printed on."""

from __future__ import annotations

import os

from rich.console import Console
from rich.table import Table
from rich.text import Text

PLAIN_WIDTH = 160
"""Columns where there is no terminal."""


def terminal() -> Console:
    """Where tables go. What is no terminal (a file, a pipe, a CI log) keeps to no width, unless COLUMNS says so."""
    console = Console(highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = PLAIN_WIDTH
    return console


def titled(console: Console, title: str, table: Table) -> None:
    """A table under its title; rich's own titles wrap at the table's width."""
    console.print(Text(title, style="bold"))
    console.print(table)
