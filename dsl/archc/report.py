"""Networks as a table: `archc list`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """One bundled network. `macs` of one sample, convolutions and linear layers."""

    name: str
    network: str
    paper: str
    year: int | None
    params: int
    macs: int
    file: str

    @classmethod
    def of(
        cls, name: str, path: Path, network: str, meta: Mapping[str, Any], params: int, macs: int
    ) -> Row:
        year = meta.get("year")
        return cls(name, network, str(meta.get("paper", "")), year, params, macs, str(path))


def table(names: Iterable[str], rows: Iterable[Row]) -> Iterator[str]:
    """Lines of the table, each as soon as its row is known (so `| head` is quick)."""
    width = max(map(len, names), default=4)
    yield f"{'name':<{width}}  {'parameters':>13}  {'MACs':>7}  {'year':>4}  paper"
    for r in rows:
        numbers = f"{r.params:>13,}  {human(r.macs):>7}  {r.year or '':>4}"
        yield f"{r.name:<{width}}  {numbers}  {r.paper}".rstrip()


def json(rows: Iterable[Row]) -> str:
    from json import dumps

    return dumps([asdict(r) for r in rows], indent=2) + "\n"


def human(number: int) -> str:
    """`4.09G`: three digits and a unit of 1000s."""
    amount = float(number)
    for unit in ("", "k", "M", "G", "T", "P"):
        if amount < 999.5 or unit == "P":
            break
        amount /= 1000
    digits = 0 if unit == "" else max(0, 2 - (amount >= 9.995) - (amount >= 99.95))
    return f"{amount:.{digits}f}{unit}"
