"""`archc list`: the bundled networks."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

from archc import files
from archc.outcome import FINE


def run(args: Namespace) -> int:
    """Lists the bundled networks."""
    from archc import api, report

    networks = dict(sorted(api.bundled().items(), key=_natural))

    def rows() -> Iterator[report.Row]:
        for name, path in networks.items():
            a = api.analyze(files.read(path), project=path.parent)
            yield report.Row.of(name, path, a.name, a.meta, a.params, a.macs)

    if args.format == "json":
        sys.stdout.write(report.json(rows()))
    else:
        for line in report.table(networks, rows()):
            print(line, flush=True)
    return FINE


def _natural(item: tuple[str, Path]) -> list[tuple[str, int]]:
    """resnet50 before resnet101."""
    import re

    return [(text, int(digits or 0)) for text, digits in re.findall(r"(\D*)(\d*)", item[0])]
