"""What highlighters of several programs make of a text: its kinds, character by character.

TextMate's and Sublime's grammars are run by two small interpreters of their rules, with Python's
`re` in place of Oniguruma; Vim and Emacs run themselves.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

from archc.highlight.pygments_lexer import ArchLexer, token_type
from archc.highlight.rules import CONTEXTS, kinds
from archc.highlight.textmate import scope
from archc.highlight.vim import group

Kinds = list[str]  # of each character; "" where it has none
_BY_TYPE = {token_type(kind): kind for kind in kinds()}
_BY_SCOPE = {scope(kind): kind for kind in kinds()}
_BY_GROUP = {group(kind, context): kind for kind in kinds() for context in CONTEXTS}
_LEXER = ArchLexer(stripnl=False, ensurenl=False)


def by_pygments(text: str) -> Kinds:
    found = [""] * len(text)
    for at, type_, value in _LEXER.get_tokens_unprocessed(text):
        found[at : at + len(value)] = [_BY_TYPE.get(type_, "")] * len(value)
    return found


def by_textmate(grammar: str, text: str) -> Kinds:
    """Each line by itself, as TextMate does; what is open goes on in the next."""
    repository = json.loads(grammar)["repository"]
    found: Kinds = []
    stack: list[dict[str, Any]] = []
    for line in text.splitlines(keepends=True):
        kinds_of_line = [""] * len(line)
        _textmate_line(repository, line, stack, kinds_of_line)
        found += kinds_of_line
    return found


def _textmate_line(
    repository: dict[str, Any], line: str, stack: list[dict[str, Any]], found: Kinds
) -> None:
    at = 0
    while at < len(line):
        patterns = stack[-1]["patterns"] if stack else [{"include": "#statements"}]
        inner = repository[patterns[0]["include"][1:]]["patterns"]
        rules = [(pattern.get("match") or pattern["begin"], pattern) for pattern in inner]
        if stack:
            rules.insert(0, (stack[-1]["end"], None))
        matches = [(m, rule) for regex, rule in rules if (m := re.compile(regex).search(line, at))]
        if not matches:
            return
        match, rule = min(matches, key=lambda pair: pair[0].start())
        if rule is None:
            _paint(match, stack.pop().get("endCaptures", {}), found)
        else:
            _paint(match, rule.get("captures") or rule.get("beginCaptures", {}), found)
            if "begin" in rule:
                stack.append(rule)
        at = match.end()


def _paint(match: re.Match[str], captures: dict[str, dict[str, str]], found: Kinds) -> None:
    for number, capture in captures.items():
        start, end = match.span(int(number))
        found[start:end] = [_BY_SCOPE[capture["name"]]] * (end - start)


def by_sublime(syntax: str, text: str) -> Kinds:
    contexts = dict(_sublime_contexts(syntax))
    found: Kinds = []
    stack = ["main"]
    for line in text.splitlines(keepends=True):
        at, kinds_of_line = 0, [""] * len(line)
        while at < len(line):
            rules = contexts[stack[-1]]
            tried = ((re.compile(rule["match"]).search(line, at), rule) for rule in rules)
            matches = [(match, rule) for match, rule in tried if match]
            if not matches:
                break
            match, rule = min(matches, key=lambda pair: pair[0].start())
            _paint(
                match, {n: {"name": name} for n, name in rule["captures"].items()}, kinds_of_line
            )
            if "push" in rule:
                stack.append(rule["push"])
            elif "pop" in rule:
                stack.pop()
            at = match.end()
        found += kinds_of_line
    return found


def _sublime_contexts(syntax: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The contexts of a syntax, by the few forms of YAML that it is written in."""
    for part in re.split(r"^  (?=\w+:$)", syntax.partition("contexts:\n")[2], flags=re.M)[1:]:
        rules = []
        for item in part.split("    - match: ")[1:]:
            pattern, *rest = item.splitlines()
            rule: dict[str, Any] = {"match": pattern[1:-1].replace("''", "'"), "captures": {}}
            for line in rest:
                key, _, value = line.strip().partition(": ")
                if key.isdigit():
                    rule["captures"][key] = value
                elif value:
                    rule[key] = value
            rules.append(rule)
        yield part.partition(":")[0], rules


_VIM = """\
set nocompatible encoding=utf-8
let &runtimepath = $ARCH_VIM . ',' . &runtimepath
filetype plugin on
syntax on
for file in split($ARCH_FILES, "\\n")
  execute 'edit' fnameescape(file)
  let rows = [&filetype . ' ' . &commentstring]
  for line in range(1, line('$'))
    let columns = range(1, strlen(getline(line)))
    call add(rows, join(map(columns, 'synIDattr(synID(line, v:val, 1), "name")'), ' '))
  endfor
  call writefile(rows, file . '.kinds')
endfor
qall!
"""


def by_vim(vim: str, runtime: Path, files: list[Path]) -> Iterator[Kinds]:
    """Return the kinds of texts in files, as a Vim sees them that has our folder."""
    script = files[0].with_name("script.vim")
    script.write_text(_VIM, encoding="utf-8")
    given = {"ARCH_VIM": str(runtime), "ARCH_FILES": "\n".join(map(str, files))}
    command = [vim, "-es", "-u", "NONE", "-i", "NONE", "-N", "-S", str(script)]
    subprocess.run(command, env={**os.environ, **given}, check=True, timeout=120)
    for path in files:
        first, *rows = Path(f"{path}.kinds").read_text(encoding="utf-8").split("\n")
        assert first == "arch # %s", first
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        found = [""] * sum(map(len, lines))
        starts = accumulate(map(len, lines), initial=0)
        for start, line, row in zip(starts, lines, rows, strict=False):
            at_byte = accumulate((len(sign.encode()) for sign in line), initial=0)
            groups = row.split(" ")
            for column, byte in enumerate(at_byte):
                if byte < len(groups):
                    found[start + column] = _BY_GROUP.get(groups[byte], "")
        yield found


_EMACS = """\
(load (getenv "ARCH_MODE") nil t)
(dolist (file (split-string (getenv "ARCH_FILES") "\\n"))
  (find-file file)
  (unless (eq major-mode 'arch-mode) (error "not arch-mode: %s" file))
  (font-lock-mode 1)
  (font-lock-ensure)
  (let (faces)
    (dotimes (at (1- (point-max)))
      (push (format "%s" (get-text-property (1+ at) 'face)) faces))
    (with-temp-file (concat file ".kinds")
      (insert (mapconcat #'identity (nreverse faces) "\\n")))))
"""


def by_emacs(emacs: str, mode: Path, files: list[Path]) -> Iterator[list[str]]:
    """Return the faces of texts in files, as Emacs shows them with our mode."""
    script = files[0].with_name("script.el")
    script.write_text(_EMACS, encoding="utf-8")
    given = {"ARCH_MODE": str(mode), "ARCH_FILES": "\n".join(map(str, files))}
    command = [emacs, "-Q", "--batch", "-l", str(script)]
    subprocess.run(command, env={**os.environ, **given}, check=True, timeout=120)
    for path in files:
        yield Path(f"{path}.kinds").read_text(encoding="utf-8").split("\n")


_NODE = """\
import fs from "node:fs";
const { arch } = await import(process.argv[2]);
const mode = arch((kind) => kind);
for (const file of process.argv.slice(3)) {
  let state = mode.startState();
  const found = [];
  for (const line of fs.readFileSync(file, "utf8").split("\\n")) {
    const stream = { string: line, pos: 0 };
    state = mode.copyState(state);
    while (stream.pos < line.length) {
      const start = stream.pos;
      const kind = mode.token(stream, state) ?? "";
      if (stream.pos <= start) throw new Error(`no progress in ${file}: ${line}`);
      for (let at = start; at < stream.pos; at += 1) found.push(kind);
    }
    found.push("");
  }
  fs.writeFileSync(`${file}.kinds`, found.slice(0, -1).join("\\n"));
}
"""


def by_codemirror(node: str, mode: Path, files: list[Path]) -> Iterator[Kinds]:
    """Return the kinds of texts in files, as the mode of CodeMirror has them, line by line."""
    script = files[0].with_name("script.mjs")
    script.write_text(_NODE, encoding="utf-8")
    shutil.copy(mode, files[0].with_name("mode.mjs"))
    command = [node, str(script), "./mode.mjs", *map(str, files)]
    subprocess.run(command, check=True, timeout=120)
    for path in files:
        yield Path(f"{path}.kinds").read_text(encoding="utf-8").split("\n")
