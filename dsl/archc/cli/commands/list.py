"""`archc list`: the bundled networks, family by family."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from archc import api, files
from archc.cli.commands.reading import room
from archc.cli.exit_codes import FINE, Stop
from archc.comparison import BATCH, NetworkEntry, attribute
from archc.record import record
from archc.report.characters import cells, to_json
from archc.report.fitting import fitted, row_lines
from archc.report.spelling.numbers import natural
from archc.syntax import Network, Number, Plain, Section, Text
from archc.syntax.parser import parse

# Each as wide as its values can be: a line is printed as soon as its network is known.
_WIDTHS = {"params": 13, "macs": 7, "year": 4}
_KEYS = ("name", "network", "paper", "year", "params", "macs", "file")
_SEARCHED = ("display", "family", "paper", "authors", "year")


@record
class _Bundled:
    """A bundled network and what its text says of it, which takes no more than reading it."""

    name: str
    path: Path
    network: str
    meta: dict[str, Any]
    expect: dict[str, Any]

    @property
    def family(self) -> str:
        return str(self.meta.get("family", ""))

    def matches(self, words: Iterable[str]) -> bool:
        """Whether all words are in its name or in what its `meta` says, in capitals or not."""
        said = [self.name, *(str(self.meta.get(key, "")) for key in _SEARCHED)]
        text = "\n".join(said).casefold()
        return all(word.casefold() in text for word in words)

    def values(self, keys: Iterable[str]) -> list[Any]:
        """What is known of it by the names of columns. It is compiled for what it does not say."""
        said: dict[str, Any] = {"name": self.name, "network": self.network, "file": str(self.path)}
        said |= {"paper": None, "year": None} | self.expect | self.meta
        keys = list(keys)
        if said.keys() >= set(keys):
            return [said[key] for key in keys]
        analysis = api.analyze(files.read(self.path), project=self.path.parent)
        entry = NetworkEntry(self.name, str(self.path), analysis)
        return [attribute((), key).of(entry, BATCH) for key in keys]


def run(args: Namespace) -> int:
    """Lists the bundled networks, or those that are asked for by name, family, paper or author."""
    chosen = [network for network in _bundled() if network.matches(args.words)]
    if not chosen:
        raise Stop(f"no bundled network has {' '.join(args.words)!r} in its name, paper or authors")
    if args.format == "json":
        sys.stdout.write(_json(chosen))
    else:
        for line in _lines(chosen, room(sys.stdout)):
            print(line, flush=True)
    return FINE


def _bundled() -> list[_Bundled]:
    """Families in the order of their first papers: those of the lecture, then what came after."""
    found = [_read(name, path) for name, path in api.bundled().items()]
    began: dict[str, int] = {}
    for network in found:
        year = int(network.meta.get("year", 9999))
        began[network.family] = min(year, began.get(network.family, year))
    found.sort(key=lambda n: (began[n.family], n.family, natural(n.name)))
    return found


def _read(name: str, path: Path) -> _Bundled:
    file, _ = parse(files.read(path))
    title = next((item.name.id for item in file.items if isinstance(item, Network)), "")
    said: dict[str, dict[str, Any]] = {"meta": {}, "expect": {}}
    for section in (item for item in file.items if isinstance(item, Section)):
        said.setdefault(section.kind.id, {}).update(
            (entry.key.id, value.value.value)
            for entry in section.entries
            for value in entry.values
            if isinstance(value, Plain) and isinstance(value.value, Text | Number)
        )
    return _Bundled(name, path, title, said["meta"], said["expect"])


def _lines(networks: list[_Bundled], width: int | None) -> Iterator[str]:
    """The table; on a terminal of that width the titles of papers are cut, or columns left out."""
    name = max(cells(network.name) for network in networks)
    paper = max(cells(str(network.meta.get("paper", ""))) for network in networks)
    widths = {"name": name, **_WIDTHS, "paper": paper}
    columns = [attribute((), key).column for key in widths]
    shown = [[" " * most] for most in widths.values()]
    kept = fitted(columns, shown, width, between=2, folds=False)

    def line(texts: Sequence[str]) -> str:
        return next(row_lines(columns, kept, texts))

    yield line([column.heading for column in columns])
    for family, members in groupby(networks, lambda network: network.family):
        if family:
            yield f"\n{family}"
        for network in members:
            pairs = zip(network.values(widths), columns, strict=True)
            yield line(["" if value is None else column.show(value) for value, column in pairs])


def _json(networks: list[_Bundled]) -> str:
    rows = []
    for network in networks:
        values = dict(zip(_KEYS, network.values(_KEYS), strict=True))
        rows.append({"name": network.name, "family": network.family or None, **values})
    return to_json(rows)
