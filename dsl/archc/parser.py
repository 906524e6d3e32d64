"""Text to tree: `parse`, and the lark parser behind it.

All of lark lives here and in the three modules that only this one imports: `builder`
(reductions to nodes), `recovery` (going on after a mistake) and `expected` (what to say of it).

`python -m archc.parser --write-table` stores the parse table beside this file: with it a cold
start needs no grammar analysis. A table of another lark or another grammar is not used.
"""

from __future__ import annotations

import pickle
import re
import sys
from functools import cache
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from archc.data import GRAMMAR
from archc.source import Diagnostic, Diagnostics, Label, Limits, Source, Span
from archc.syntax import File

if TYPE_CHECKING:
    from lark import Lark

    from archc.builder import Builder

TABLE = Path(__file__).with_name("arch.table")

_NOT_TEXT = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_one_at_a_time = Lock()  # the parser is built once, and its builder holds the text in hand


def parse(source: Source, limits: Limits = Limits()) -> tuple[File, tuple[Diagnostic, ...]]:
    """What could be understood of a text, and what is wrong with it. Never raises.

    Where there are errors, statements may be missing from the tree. The tree is never nested
    deeper than `limits.nesting`, so passes over it may recurse.
    """
    refused = _refusal(source, limits)
    if refused:
        return File((), span=Span(source, 0, len(source.text)), doc=""), (refused,)
    from archc.recovery import Run

    problems = Diagnostics(limits.diagnostics)
    with _one_at_a_time:
        lark, builder = _parser()
        builder.begin(source, limits)
        file = Run(lark, source, limits, problems).parse()
        for problem in builder.problems:
            problems.add(problem)
        builder.begin(Source("", ""), limits)
    return file, problems.ordered()


def _refusal(source: Source, limits: Limits) -> Diagnostic | None:
    """What is not worth reading at all: too much of it, or not text."""
    text = source.text
    size = len(text)
    if size <= limits.source_bytes < 4 * size and not text.isascii():
        size = len(text.encode("utf-8", "surrogatepass"))
    if size > limits.source_bytes:
        title = f"the text is too large: {size:_} bytes, the limit is {limits.source_bytes:_}"
        return Diagnostic("A008", title, (Label(Span(source, 0, 0)),))
    found = _NOT_TEXT.search(text)
    if found:
        title = f"this is not text: it holds the control character U+{ord(found.group()):04X}"
        return Diagnostic("A009", title, (Label(Span(source, *found.span())),))
    return None


# --- the parser, built once ----------------------------------------------------------------


@cache
def _parser() -> tuple[Lark, Builder]:
    from archc.builder import Builder

    builder = Builder()
    return _from_table(builder) or _from_grammar(builder), builder


def _from_grammar(builder: Builder | None) -> Lark:
    from lark import Lark

    return Lark(_grammar(), parser="lalr", maybe_placeholders=False, transformer=builder)


def _from_table(builder: Builder) -> Lark | None:
    """The stored table, if it is there and fits. It lies in the package, as safe as its code."""
    try:
        with TABLE.open("rb") as file:
            if file.readline().decode("ascii", "replace").strip() != _fingerprint():
                return None
            stored: dict[str, Any] = pickle.load(file)
    except OSError:
        return None
    from lark import Lark

    return Lark._load_from_dict(stored["data"], stored["memo"], transformer=builder)


def write_table() -> Path:
    """Stores the parse table for `_from_table`; a build of the package calls it."""
    from lark import Lark
    from lark.lexer import TerminalDef
    from lark.grammar import Rule

    lark: Lark = _from_grammar(None)
    data, memo = lark.memo_serialize([TerminalDef, Rule])
    with TABLE.open("wb") as file:
        file.write(_fingerprint().encode() + b"\n")
        pickle.dump({"data": data, "memo": memo}, file, protocol=pickle.HIGHEST_PROTOCOL)
    return TABLE


def _grammar() -> str:
    return (GRAMMAR / "arch.lark").read_text("utf-8")


def _fingerprint() -> str:
    """What a stored table depends on: Python (regular expressions), lark and the grammar."""
    import lark

    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return f"{python} {lark.__version__} {sha256(_grammar().encode()).hexdigest()}"


if __name__ == "__main__":
    if sys.argv[1:] != ["--write-table"]:
        sys.exit("usage: python -m archc.parser --write-table")
    print(write_table())
