"""Highlighters: one list of rules, and each program that has it colours a text alike."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from itertools import groupby
from pathlib import Path

import pytest
from highlighting import (
    Kinds,
    by_codemirror,
    by_emacs,
    by_pygments,
    by_sublime,
    by_textmate,
    by_vim,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pygments.lexers import load_lexer_from_file
from pygments.token import Error

from archc import data
from archc.editor.document import Document
from archc.highlight import emacs
from archc.highlight.files import editor_files
from archc.highlight.pygments_lexer import ArchLexer
from archc.highlight.rules import kinds
from archc.ops import COMBINATORS, REGISTRY
from archc.syntax import RESERVED

ROOT = Path(__file__).parents[1]
EDITORS = ROOT / "editors"
LEXER = ArchLexer(stripnl=False, ensurenl=False)
BUNDLED = sorted(data.ARCHS.rglob("*.arch"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCES = [
    text
    for page in PAGES
    for text in re.findall(r"^```arch\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)
]
TEXTS = [*(path.read_text(encoding="utf-8") for path in BUNDLED), *FENCES]
SPECIMEN = """\
# what the bundled files lack
network N "a \\" # b"
devices "cuda:0"
input left{1} 3x3 x3
let a = [2*w for w in [1, 2]]
param b = a[1:2] if max(1, 2) == 2 and not true else 3
"convs.0": conv (k)x3/(2) p(k//2) x(4*width) nobias eps=1e-3; norm l2; fc 384 each
stage{a + 1}b: residual if (b < 2) < mean channel | @stem.part{i}.c; @"convs.0" > * (2*b) as c3
concat< each r in rates { conv 3x3 d(r) } | each (i, j) in enumerate(x) { reuse features.3 } >
output c4
extends "base.arch"; without aux1, aux2
train { optimizer sgd lr=1e-1; batch 10K; init he conv zero_residual; augment crop (3*2) # x
  schedule step every=30% }
expect { output x10; macs < 3.5G }
"""


def runs(text: str, found: list[str]) -> list[tuple[str, str]]:
    """Words and signs with what was found of them, for a readable difference."""
    pairs = groupby(zip(found, text, strict=True), key=lambda pair: pair[0])
    runs = [(kind, "".join(sign for _, sign in group)) for kind, group in pairs]
    return [(kind, word) for kind, word in runs if word.strip()]


def without_blanks(text: str, found: Kinds) -> Kinds:
    return ["" if sign.isspace() else kind for sign, kind in zip(text, found, strict=True)]


# --- one source --------------------------------------------------------------------------


@pytest.mark.parametrize("name", editor_files())
def test_the_files_are_those_of_the_registries(name: str) -> None:
    written = (EDITORS / name).read_text(encoding="utf-8")
    assert written == editor_files()[name], "run: python -m archc.highlight"


def test_it_writes_them_anywhere(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "archc.highlight", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True)
    assert (tmp_path / "vim/lsp/archc.lua").read_text("utf-8") == editor_files()[
        "vim/lsp/archc.lua"
    ]


@pytest.mark.parametrize("word", sorted(RESERVED))
def test_knows_every_word_of_the_language(word: str) -> None:
    text = f"{word} {{ }}\n" if word in ("train", "meta", "expect") else f"{word} x\n"
    assert by_pygments(text)[0] in ("keyword", "declaration")


@pytest.mark.parametrize("name", sorted({*REGISTRY, *COMBINATORS}))
def test_knows_every_operator_by_its_family(name: str) -> None:
    first = name.partition(" ")[0]
    family = REGISTRY[name].category if name in REGISTRY else "merge"
    for before in ("", "a: ", "relu; ", "residual<"):
        found = by_pygments(before + name)[len(before) :]
        assert found[0].startswith("operator "), before
        assert first != name or set(found) == {f"operator {family}"}
        assert first == name or found[-1].partition(" ")[0] in ("attribute", "operator", "keyword")


@pytest.mark.slow
def test_colours_what_the_language_server_colours() -> None:
    """Of every word that has a meaning in a bundled file, the server says it from the tree."""
    same = {
        "class": {"block", "definition", "name"},
        "comment": {"comment"},
        "keyword": {"declaration", "keyword", "builtin"},
        "namespace": {"definition"},
        "number": {"number"},
        "property": {"label", "property", "reference"},
        "string": {"string"},
        "parameter": {"name", "option", "block", "reference"},
        "variable": {"name", "option", "definition"},
    }
    for path in BUNDLED[::3]:
        text = path.read_text(encoding="utf-8")
        found = by_pygments(text)
        quoted = [match.span() for match in re.finditer(r'"[^"\n]*"(?=:)', text)]
        for word in Document(text, path).colours():
            if any(start <= word.start < end for start, end in quoted):
                continue  # a label in quotes, which has one colour
            said = text[word.start : word.end]
            if word.kind == "function":
                allowed = {f"operator {word.modifiers[0]}"}
            else:
                allowed = same[word.kind]
            if word.kind in ("parameter", "variable") and said in REGISTRY:
                continue  # a number called `dropout`: only who reads the tree can tell
            assert set(found[word.start : word.end]) <= allowed, (path.name, said, word)


# --- Pygments ----------------------------------------------------------------------------


def test_no_text_of_ours_has_an_error() -> None:
    for text in TEXTS:
        tokens = list(LEXER.get_tokens(text))
        assert "".join(value for _, value in tokens) == text
        assert not [value for type_, value in tokens if type_ in Error and value not in "é–"], text


def test_all_kinds_occur() -> None:
    assert {kind for text in [*TEXTS, SPECIMEN] for kind in by_pygments(text)} - {""} == {*kinds()}


@settings(max_examples=300, deadline=None)
@given(
    st.text()
    | st.lists(st.sampled_from(re.findall(r"\w+|\s+|[^\w\s]", SPECIMEN)) | st.text(max_size=3)).map(
        "".join
    )
)
@example("train {\nnetwork X\r\n\ufeff x(\x0c \ud800 \x00")
def test_loses_nothing_of_any_text(text: str) -> None:
    assert "".join(value for _, _, value in LEXER.get_tokens_unprocessed(text)) == text


def test_a_bracket_that_is_being_typed_keeps_the_rest_right() -> None:
    rest = "block unit(width) {\n  a: conv 3x3\n}\n"
    for broken in ("layer: unit(64, [2\n", "train {\n  batch 2\n", "meta { x (\n"):
        assert by_pygments(broken + rest)[len(broken) :] == by_pygments(rest), broken


def test_a_long_line_is_read_in_time() -> None:
    """No pattern goes back over what it has read, again and again."""
    for text in ("a{" * 9000, "x " * 9000, '"' * 9000, "(" * 9000, "each a " * 900, "x" * 40_000):
        assert len(by_pygments(text)) == len(text)


def test_is_found_as_a_plugin() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    entry = project["entry-points"]["pygments.lexers"]["arch"]
    assert entry == f"{ArchLexer.__module__}:{ArchLexer.__name__}"
    path = ROOT / "dsl/archc/highlight/pygments_lexer.py"
    assert load_lexer_from_file(str(path), "ArchLexer").aliases == ["arch", "archc"]


# --- the others, beside Pygments ---------------------------------------------------------


@pytest.mark.parametrize("program", ["textmate", "sublime"])
def test_other_grammars_colour_alike(program: str) -> None:
    name, colours = {
        "textmate": ("vscode/syntaxes/arch.tmLanguage.json", by_textmate),
        "sublime": ("sublime/arch.sublime-syntax", by_sublime),
    }[program]
    grammar = (EDITORS / name).read_text(encoding="utf-8")
    for text in [SPECIMEN, *TEXTS[::4]]:
        found = without_blanks(text, colours(grammar, text))
        assert runs(text, found) == runs(text, without_blanks(text, by_pygments(text)))


def files_in(folder: Path) -> list[Path]:
    paths = [folder / f"{number}.arch" for number, _ in enumerate([SPECIMEN, *TEXTS[::4]])]
    for path, text in zip(paths, [SPECIMEN, *TEXTS[::4]], strict=True):
        path.write_text(text, encoding="utf-8", newline="\n")
    return paths


def test_codemirror_colours_alike(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node")
    files, mode = files_in(tmp_path), EDITORS / "codemirror/arch.js"
    for path, colours in zip(files, by_codemirror(node, mode, files), strict=True):
        text = path.read_text(encoding="utf-8")
        found = without_blanks(text, colours)
        assert runs(text, found) == runs(text, without_blanks(text, by_pygments(text)))


def test_vim_colours_alike(tmp_path: Path) -> None:
    vim = shutil.which("vim")
    if vim is None or "+syntax" not in subprocess.check_output([vim, "--version"], text=True):
        pytest.skip("no Vim with +syntax")
    files = files_in(tmp_path)
    for path, colours in zip(files, by_vim(vim, EDITORS / "vim", files), strict=True):
        text = path.read_text(encoding="utf-8")
        found = without_blanks(text, colours)
        assert runs(text, found) == runs(text, without_blanks(text, by_pygments(text)))


_NEOVIM = """\
vim.lsp.enable("archc")
vim.cmd("syntax on | edit net.arch")
vim.wait(30000, function() return #vim.lsp.get_clients({ name = "archc" }) > 0 end, 50)
local group = vim.fn.synIDattr(vim.fn.synID(2, 1, 1), "name")
io.stdout:write(vim.bo.filetype .. " " .. group .. " " .. #vim.lsp.get_clients({ name = "archc" }))
vim.cmd("qall!")
"""


def test_neovim_finds_the_server(tmp_path: Path) -> None:
    neovim = shutil.which("nvim")
    if neovim is None:
        pytest.skip("no Neovim")
    version = subprocess.check_output([neovim, "--version"], text=True)
    if not re.match(r"NVIM v0\.1[1-9]|NVIM v[1-9]", version):
        pytest.skip("this Neovim is older than 0.11")
    (tmp_path / "net.arch").write_text("# a comment\nconv 3x3 x4\n", encoding="utf-8")
    (tmp_path / "try.lua").write_text(_NEOVIM, encoding="utf-8")
    program = tmp_path / "archc"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m archc "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    folder = f"set rtp^={EDITORS / 'vim'}"
    done = subprocess.run(
        [neovim, "--headless", "--clean", "--cmd", folder, "-l", "try.lua"],
        cwd=tmp_path,
        env={**os.environ, "PATH": path, "XDG_STATE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.endswith("arch archOperatorConv 1"), done.stderr


def test_emacs_colours_alike(tmp_path: Path) -> None:
    command = shutil.which("emacs")
    if command is None:
        pytest.skip("no Emacs")
    files, mode = files_in(tmp_path), EDITORS / "emacs/arch-mode.el"
    faces = {"nil": "", "font-lock-comment-face": "", "font-lock-comment-delimiter-face": ""}
    for path, found in zip(files, by_emacs(command, mode, files), strict=True):
        text = path.read_text(encoding="utf-8")
        wanted = [emacs.face(kind) for kind in without_blanks(text, by_pygments(text))]
        shown = [faces.get(face, face) for face in without_blanks(text, found)]
        for match in re.finditer(r'@?"(?:[^"\\\n]|\\.)*"', text):  # to Emacs a label is a string
            wanted[slice(*match.span())] = shown[slice(*match.span())]
        assert runs(text, shown) == runs(text, wanted)
