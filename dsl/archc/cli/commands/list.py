"""`archc list`: the bundled networks, family by family."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from archc import api, files
from archc.cli.exit_codes import FINE, Stop
from archc.comparison import BATCH, NetworkEntry, attribute
from archc.record import record
from archc.report.characters import to_json
from archc.report.spelling.numbers import natural
from archc.syntax import Number, Plain, Section, Text
from archc.syntax.parser import parse

# Each as wide as its values can be: a line is printed as soon as its network is known.
_WIDTHS = {"params": 13, "macs": 7, "year": 4, "paper": 0}
_KEYS = ("name", "network", "paper", "year", "params", "macs", "file")
_SEARCHED = ("display", "family", "paper", "authors", "year")


@record
class _Bundled:
    """A bundled network and what its `meta` says, which takes no more than reading its text."""

    name: str
    path: Path
    meta: dict[str, Any]

    @property
    def family(self) -> str:
        return str(self.meta.get("family", ""))

    def matches(self, words: Iterable[str]) -> bool:
        """Whether all words are in its name or in what its `meta` says, in capitals or not."""
        said = [self.name, *(str(self.meta.get(key, "")) for key in _SEARCHED)]
        text = "\n".join(said).casefold()
        return all(word.casefold() in text for word in words)

    def entry(self) -> NetworkEntry:
        analysis = api.analyze(files.read(self.path), project=self.path.parent)
        return NetworkEntry(self.name, str(self.path), analysis)


def run(args: Namespace) -> int:
    """Lists the bundled networks, or those that are asked for by name, family, paper or author."""
    chosen = [network for network in _bundled() if network.matches(args.words)]
    if not chosen:
        raise Stop(f"no bundled network has {' '.join(args.words)!r} in its name, paper or authors")
    if args.format == "json":
        sys.stdout.write(_json(chosen))
    else:
        for line in _lines(chosen):
            print(line, flush=True)
    return FINE


def _bundled() -> list[_Bundled]:
    """Families in the order of their first papers: those of the lecture, then what came after."""
    found = [_Bundled(name, path, _meta(path)) for name, path in api.bundled().items()]
    began: dict[str, int] = {}
    for network in found:
        year = int(network.meta.get("year", 9999))
        began[network.family] = min(year, began.get(network.family, year))
    found.sort(key=lambda n: (began[n.family], n.family, natural(n.name)))
    return found


def _meta(path: Path) -> dict[str, Any]:
    file, _ = parse(files.read(path))
    sections = [item for item in file.items if isinstance(item, Section) and item.kind.id == "meta"]
    return {
        entry.key.id: value.value.value
        for section in sections
        for entry in section.entries
        for value in entry.values
        if isinstance(value, Plain) and isinstance(value.value, Text | Number)
    }


def _lines(networks: list[_Bundled]) -> Iterator[str]:
    widths = {"name": max(len(network.name) for network in networks), **_WIDTHS}
    columns = [(attribute((), name).column, width) for name, width in widths.items()]

    def line(cells: Iterable[str]) -> str:
        padded = (
            cell.rjust(width) if column.numeric else cell.ljust(width)
            for cell, (column, width) in zip(cells, columns, strict=True)
        )
        return "  ".join(padded).rstrip()

    yield line(column.heading for column, _ in columns)
    for family, members in groupby(networks, lambda network: network.family):
        if family:
            yield f"\n{family}"
        for entry in (network.entry() for network in members):
            values = [attribute((), column.name).of(entry, BATCH) for column, _ in columns]
            yield line(
                "" if value is None else column.show(value)
                for value, (column, _) in zip(values, columns, strict=True)
            )


def _json(networks: list[_Bundled]) -> str:
    rows = []
    for network in networks:
        entry = network.entry()
        values = {key: attribute((), key).of(entry, BATCH) for key in _KEYS}
        rows.append({"name": network.name, "family": network.family or None, **values})
    return to_json(rows)
