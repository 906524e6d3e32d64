"""editors/vscode fits archc; what runs in node, `make vsix` tests."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import archc
from archc.editor.legend import FAMILIES, KINDS, MODIFIERS
from archc.highlight.textmate import scope
from archc.server.language_server import REPORT_COMMANDS

FOLDER = Path(__file__).parents[1] / "editors" / "vscode"


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return found


PACKAGE = read("package.json")


def test_it_is_of_this_version_and_names_what_is_there() -> None:
    assert PACKAGE["version"] == archc.__version__
    assert read("package-lock.json")["version"] == archc.__version__
    (language,) = PACKAGE["contributes"]["languages"]
    (grammar,) = PACKAGE["contributes"]["grammars"]
    assert language["id"] == grammar["language"] == "arch"
    assert (FOLDER / grammar["path"]).is_file()
    assert read(grammar["path"])["scopeName"] == grammar["scopeName"]
    configuration = read(language["configuration"])
    for pattern in configuration["indentationRules"].values():
        re.compile(pattern)
    assert "<" not in str(configuration["brackets"]), "`stride > 1` is no bracket"


def test_the_servers_colours_are_those_of_the_grammar() -> None:
    (entry,) = PACKAGE["contributes"]["semanticTokenScopes"]
    scopes = entry["scopes"]
    for family in FAMILIES:
        assert scopes[f"function.{family}"] == [scope(f"operator {family}")]
    for name in scopes:
        kind, _, modifier = name.partition(".")
        assert kind in KINDS
        assert modifier in ("", *MODIFIERS)


def test_a_workspace_cannot_choose_a_program() -> None:
    settings = PACKAGE["contributes"]["configuration"]["properties"]
    assert settings["archc.command"]["scope"] == "machine"
    assert PACKAGE["capabilities"]["untrustedWorkspaces"]["supported"] == "limited"


def test_commands_are_registered() -> None:
    source = (FOLDER / "src" / "extension.js").read_text(encoding="utf-8")
    servers = {f"archc.{name}" for name in REPORT_COMMANDS}  # the client registers them
    for command in PACKAGE["contributes"]["commands"]:
        name = command["command"]
        assert name in servers or f'registerCommand("{name}"' in source


def test_the_choice_of_an_archc() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node")
    command = [node, "--test", "test/choose.test.js"]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
