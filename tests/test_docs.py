"""What the pages tell people to type is read by the command line as it stands; links and named files are there."""

from __future__ import annotations

import importlib
import re
import shlex
from collections.abc import Iterator
from functools import cache
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import pytest
import typer

from bench.cli import app, commands
from bench.methods.spec import parse_spec

ROOT = Path(__file__).parents[1]
PAGES = [
    str(page.relative_to(ROOT))
    for page in sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
]
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.S | re.M)


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str) -> list[str]:
    """What stands between fences."""
    return [block for _, block in FENCED.findall(text_of(page))]


def spans(page: str) -> list[str]:
    """What stands between single backticks."""
    return [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", FENCED.sub("", text_of(page)))]


@cache
def command_line() -> Any:
    for name in commands():
        importlib.import_module(f"bench.cli.{name}")
    return typer.main.get_command(app)


def ways(words: list[str]) -> Iterator[list[str]]:
    """``a|b`` is either word; what stands in brackets may be left out, and is not here."""
    for way in product(*(word.split("|") if re.fullmatch(r"[a-z0-9|]+", word) else [word] for word in words)):
        yield [word.strip("[]") for word in way if word != "…"]


def typed(line: str) -> Iterator[list[str]]:
    """The words after each ``bench`` of a line of a shell."""
    words = shlex.split(re.sub(r"^\s*run: ", "", line), comments=True)
    cuts = [-1, *(place for place, word in enumerate(words) if word == "&&"), len(words)]
    for before, end in pairwise(cuts):
        part = words[before + 1 : end]
        if part[:1] == ["bench"]:
            yield from ways(part[1:])
        elif part[:1] == ["torchrun"]:
            place = part.index("-m")
            assert part[place + 1] == "bench"
            yield from ways(part[place + 2 :])


def leaf(words: list[str]) -> tuple[Any, list[str]]:
    """The command that is named, and the words after its name; what stands before it is an option of bench itself."""
    command = command_line()
    while hasattr(command, "commands"):
        while words[0].startswith("--"):
            assert any(words[0] in parameter.opts for parameter in command.params), words
            words = words[2:]
        assert words[0] in command.commands, words
        command, words = command.commands[words[0]], words[1:]
    return command, words


@pytest.mark.parametrize("page", PAGES)
def test_a_command_of_a_page_can_be_typed_as_it_stands(page: str) -> None:
    for line in "\n".join(blocks(page)).splitlines():
        if not re.match(r"\s*(run: )?(bench|torchrun) ", line):
            continue
        for words in typed(line):
            command, rest = leaf(words)
            if "|" in line and not rest:
                continue  # a list of commands
            given = command.make_context(command.name, rest).params
            for spec in given.get("methods") or ():
                parse_spec(spec)


@pytest.mark.parametrize("page", PAGES)
def test_a_command_in_a_sentence_and_its_options_are_there(page: str) -> None:
    for span in spans(page):
        for words in typed(span) if span.startswith("bench ") and "'…'" not in span else ():
            if all(re.fullmatch(r"--[a-z]+|[A-Z]+", word) for word in words):
                continue  # bench --help, bench --plugin FILE
            command, rest = leaf(words)
            there = {flag for parameter in command.params for flag in parameter.opts} | {"--help"}
            assert {word for word in rest if word.startswith("--")} <= there, span


def anchors(page: Path) -> set[str]:
    """Anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", FENCED.sub("", page.read_text(encoding="utf-8")), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def linked(page: Path) -> set[Path]:
    """The pages that a page leads to."""
    targets = re.findall(r"\]\(([^)#\s]+\.md)", page.read_text(encoding="utf-8"))
    return {(page.parent / target).resolve() for target in targets if not target.startswith("http")}


def test_every_page_is_reached_from_the_readme() -> None:
    found: set[Path] = set()
    new = {ROOT / "README.md"}
    while new:
        found |= new
        new = set().union(*map(linked, new)) - found - {ROOT / "CHANGELOG.md"}
    assert {ROOT / page for page in PAGES} <= found


@pytest.mark.parametrize("page", [*PAGES, "CHANGELOG.md"])
def test_a_link_leads_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", FENCED.sub("", text_of(page))):
        if not target.startswith("http"):
            file, _, anchor = target.partition("#")
            there = (ROOT / page).parent / file if file else ROOT / page
            assert there.exists(), target
            assert not anchor or anchor in anchors(there), target


@pytest.mark.parametrize("page", PAGES)
def test_a_file_of_the_project_that_a_page_names_is_there(page: str) -> None:
    named = re.compile(r"(?:bench|variants|reports|tests|docs)(?:/[\w-]+)*(?:/|\.py|\.js|\.md)")
    for span in spans(page):
        if named.fullmatch(span) and not span.endswith("/mine.py"):
            assert (ROOT / span).exists(), span


def is_there(name: str) -> bool:
    """Whether ``package.module.thing`` is a module or what stands in one."""
    module, _, thing = name.rpartition(".")
    try:
        return hasattr(importlib.import_module(module), thing) or bool(importlib.import_module(name))
    except ImportError:
        return False


@pytest.mark.parametrize("page", PAGES)
def test_a_python_name_that_a_page_gives_is_there(page: str) -> None:
    python = [block for language, block in FENCED.findall(text_of(page)) if language == "python"]
    for code in [*spans(page), *"\n".join(python).splitlines()]:
        name = re.fullmatch(r"((?:bench|variants|reports)(?:\.(?!py\b|md\b)\w+)+)(?:\(.*\))?", code)
        assert not name or is_there(name[1]), code


@pytest.mark.parametrize("page", PAGES)
def test_a_target_of_make_that_a_page_names_is_there(page: str) -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    for line in [*"\n".join(blocks(page)).splitlines(), *spans(page)]:
        made = re.match(r"make ([^#]*)", line)
        if made:
            assert {word for word in made[1].split() if re.fullmatch("[a-z]+", word)} <= set(targets), line
