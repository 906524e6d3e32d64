"""`archc list`: the bundled networks."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator

from archc import files
from archc.cli.exit_codes import FINE
from archc.comparison import BATCH, NetworkEntry, attribute
from archc.report.characters import to_json
from archc.report.spelling.numbers import natural

# Each as wide as its values can be: a line is printed as soon as its network is known.
_WIDTHS = {"params": 13, "macs": 7, "year": 4, "paper": 0}
_KEYS = ("name", "network", "paper", "year", "params", "macs", "file")


def run(args: Namespace) -> int:
    """Lists the bundled networks."""
    from archc import api

    networks = api.bundled()
    names = sorted(networks, key=natural)
    entries = (
        NetworkEntry(name, str(path), api.analyze(files.read(path), project=path.parent))
        for name, path in ((name, networks[name]) for name in names)
    )
    if args.format == "json":
        sys.stdout.write(_json(entries))
    else:
        for line in _lines(names, entries):
            print(line, flush=True)
    return FINE


def _lines(names: list[str], entries: Iterable[NetworkEntry]) -> Iterator[str]:
    widths = {"name": max(map(len, names), default=4), **_WIDTHS}
    columns = [(attribute((), name).column, width) for name, width in widths.items()]

    def line(cells: Iterable[str]) -> str:
        padded = (
            cell.rjust(width) if column.numeric else cell.ljust(width)
            for cell, (column, width) in zip(cells, columns, strict=True)
        )
        return "  ".join(padded).rstrip()

    yield line(column.heading for column, _ in columns)
    for entry in entries:
        values = [attribute((), column.name).of(entry, BATCH) for column, _ in columns]
        yield line(
            "" if value is None else column.show(value)
            for value, (column, _) in zip(values, columns, strict=True)
        )


def _json(entries: Iterable[NetworkEntry]) -> str:
    rows = [{key: attribute((), key).of(entry, BATCH) for key in _KEYS} for entry in entries]
    return to_json(rows)
