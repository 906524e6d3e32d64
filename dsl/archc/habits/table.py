"""The tables of other tools' words: text to rows.

    Names, of, one, thing(parameters)
        the form in archc
    Names ! what archc lacks, in words

- A name's `#` stands for 1, 2 or 3 dimensions. Without brackets a row is about the word alone.
- A parameter is `name`; `name=default`, left out where it is the default or that of another
  parameter; `name:=default`, never left out; `-name`, which means nothing here; `name==value`, for
  which alone the row is, and `name=?value`, the same where that is the tool's default; `@map` is
  the size of the map that comes in, `@axes` its dimensions. `name=` may be missing.
- In a form `{name}` is a value, `[name]` a window, in full where it stands alone, `<name>` a size
  or padding; `{name?word}` and `{name!word}` are words for true and false; `%kind:name` is a method
  of `archc.habits.translation`. What has nothing to say is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from archc.data import GRAMMAR

FOLDER = GRAMMAR / "habits"
TOOLS = ("torch", "keras", "others")  # whose word it is where several have one

_ROW = re.compile(r"(?P<names>[^(!]+?)\s*(?:\((?P<parameters>.*)\)|! (?P<lacks>.+))?$")
_PARAMETER = re.compile(r"(-?)(\w+)(?:(==|=\?|:=|=)(.*))?$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ForeignParameter:
    """One parameter of a call. `sign` is "", "=", ":=", "==" or "=?"."""

    name: str
    sign: str = ""
    default: str = ""
    means_nothing: bool = False

    @property
    def is_needed(self) -> bool:
        return not self.means_nothing and self.sign in ("", "==")


@dataclass(frozen=True, slots=True)
class Habit:
    """A row: `parameters` is None for a word alone, `form` empty for what archc lacks."""

    tool: str
    section: str
    names: tuple[str, ...]
    parameters: tuple[ForeignParameter, ...] | None
    form: str
    lacks: str = ""


@cache
def habits() -> tuple[Habit, ...]:
    """All rows, in the order of the files."""
    return tuple(row for tool in TOOLS for row in _rows(tool))


def _rows(tool: str) -> Iterator[Habit]:
    section, lines = "", (FOLDER / f"{tool}.txt").read_text(encoding="utf-8").splitlines()
    for at, line in enumerate(lines):
        if line.startswith("# ---"):
            section = line.strip("# -")
        if not line.strip() or line.startswith(("#", " ")):
            continue
        found = _ROW.match(line)
        assert found is not None, line
        names = tuple(name.strip() for name in found["names"].split(","))
        lacks = found["lacks"] or ""
        form = "" if lacks else lines[at + 1].strip()
        given = found["parameters"]
        parameters = None if given is None else tuple(map(_parameter, _split(given)))
        yield Habit(tool, section, names, parameters, form, lacks)


def _split(text: str) -> list[str]:
    """At the commas that stand in no brackets or quotes."""
    found = re.findall(r'(?:"[^"]*"|\([^)]*\)|[^,])+', text)
    return [part.strip() for part in found]


def _parameter(text: str) -> ForeignParameter:
    found = _PARAMETER.match(text)
    assert found is not None, text
    nothing, name, sign, default = found.groups()
    return ForeignParameter(name, sign or "", (default or "").strip('"'), bool(nothing))


def key(word: str) -> tuple[str, int | None]:
    """A name without what people write in different ways, and how many dimensions it names."""
    bare = word.lower().replace("_", "").replace(" ", "")
    found = re.search(r"(?<=[a-z])([123#])d(?=$|transpose$|\])", bare)
    if found is None:
        return bare, None
    rank = None if found[1] == "#" else int(found[1])
    return bare[: found.start()] + bare[found.end() :], rank


@cache
def _index() -> dict[str, list[tuple[str, Habit]]]:
    found: dict[str, list[tuple[str, Habit]]] = {}
    for habit in habits():
        for name in habit.names:
            found.setdefault(key(name)[0], []).append((name, habit))
    return found


def rows_of(word: str) -> list[Habit]:
    """The rows of a word: those that write it just so first."""
    known = _index().get(key(word)[0], [])
    ordered = sorted(known, key=lambda entry: entry[0] not in _spellings(word))
    return list(dict.fromkeys(habit for _, habit in ordered))


def tools_that_write(word: str) -> frozenset[str]:
    """The tools that write a word just so: `Conv2d` is torch's, `Conv2D` is Keras's."""
    known = _index().get(key(word)[0], [])
    return frozenset(habit.tool for name, habit in known if name in _spellings(word))


def _spellings(word: str) -> tuple[str, str]:
    return word, re.sub(r"[123](?=[dD])", "#", word)
