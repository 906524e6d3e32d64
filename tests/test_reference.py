"""docs/language.md: its programs compile. Its operators and recipes are those of the registries."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from archc import api, reference
from archc.cli.arguments import parser
from archc.ops import REGISTRY
from archc.recipe import LINES
from archc.source import Limits, Source

DOCS = Path(__file__).parents[1] / "docs"
TEXT = (DOCS / "language.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"^```arch\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
WRITTEN = ("language", "operators", "recipes", "cli", "commands")
MINUTES, WORDS_A_MINUTE = 20, 225


def page(name: str) -> str:
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", WRITTEN)
def test_what_registries_write_is_current(name: str) -> None:
    assert reference.updated(page(name)) == page(name), (
        f"run: python -m archc.reference docs/{name}.md"
    )


def test_has_every_operator() -> None:
    names = {cls.name for cls in REGISTRY.values()}
    assert names == set(re.findall(r"^### `([\w ]+)`", page("operators"), re.M))
    assert names == set(re.findall(r"\[`([\w ]+)`\]\(operators\.md#", TEXT))


def test_has_every_line_of_a_recipe() -> None:
    for kinds in LINES.values():
        for cls in kinds.values():
            assert f"\n- `{cls.example}`: " in page("recipes"), cls.name


def test_every_command_has_its_heading_and_leads_to_what_is_there() -> None:
    """So the site's search finds it by its name."""
    text = page("commands")
    (commands,) = (a for a in parser()._actions if isinstance(a, argparse._SubParsersAction))
    assert re.findall(r"^## `archc (.*)`", text, re.MULTILINE) == [*commands.choices]
    assert set(re.findall(r"\(cli\.md#([^)]*)\)", text)) <= anchors("cli")
    assert "--max-steps" not in text  # limits stand in one place


def test_commands_say_what_help_says() -> None:
    """No `%(choices)s` of argparse's is left in the page or in what a shell shows."""
    from archc.cli.shells import program_of

    commands = program_of(parser(), {}, (), ()).commands
    shown = [flag.help for command in commands for flag in command.flags]
    for text in (page("commands"), *shown):
        assert "%(" not in text
    assert "| `SHELL` | bash, zsh, fish |" in page("commands")


def test_is_read_in_twenty_minutes() -> None:
    """Programs too; a table is looked at. What is longer belongs on another page."""
    lines = (line for line in TEXT.splitlines() if not line.startswith("|"))
    assert sum(len(line.split()) for line in lines) <= MINUTES * WORDS_A_MINUTE


@pytest.mark.parametrize("text", PROGRAMS, ids=lambda text: text.split("network ")[1].split()[0])
def test_programs_compile(text: str) -> None:
    analysis = api.analyze(Source("language.arch", text))
    assert not analysis.diagnostics, [(d.code, d.title, d.span.text) for d in analysis.diagnostics]
    compile(analysis.emit(), "language.py", "exec")


def anchors(name: str) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", page(name), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("name", sorted(path.stem for path in DOCS.glob("*.md")))
def test_links_lead_somewhere(name: str) -> None:
    for other, anchor in re.findall(r"\]\((?:([\w/]+)\.md)?(?:#([\w-]+))?\)", page(name)):
        assert (DOCS / f"{other or name}.md").is_file()
        assert not anchor or anchor in anchors(other or name), f"{other}#{anchor}"


def test_limits_are_the_defaults() -> None:
    limits = Limits()
    assert f"{limits.source_bytes // 10**6} MB" in TEXT
    assert f"{limits.steps:,} operators" in TEXT
    assert f"{limits.nesting} deep" in TEXT
    assert f"{limits.depth} deep" in TEXT
    assert limits.integer == 10**12


def test_refuses_a_text_without_marks() -> None:
    with pytest.raises(ValueError, match="marks"):
        reference.updated("nothing here")
