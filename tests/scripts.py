"""Training scripts for tests: of a small network on digits, as modules, run in this process."""

from __future__ import annotations

import csv
import signal
import sys
from pathlib import Path
from types import ModuleType

import pytest

from archc.api import Analysis, analyze
from archc.source import Source

BODY = """
network {name}
param classes = 10
input 8x8 x1
block unit(c) {{ residual< conv 3x3 p1 x(c) nobias; {norm} >; relu }}
conv 3x3 p1 x24 nobias; {norm}; relu
unit(24) * 2
pool 2x2; flatten; fc (classes)
train {{ {train}; dataset digits }}
"""
RECIPE = "optimizer sgd lr=0.05 momentum=0.9 weight_decay=1e-4; batch 64; epochs 8"


def text(name: str = "DigitNet", norm: str = "bn", train: str = RECIPE) -> str:
    return BODY.format(name=name, norm=norm, train=train)


def analysed(source: str) -> Analysis:
    found = analyze(Source("net.arch", source))
    assert found.ok, [d.title for d in found.diagnostics]
    return found


def script(source: str) -> str:
    return analysed(source).emit_training()


def module(source: str) -> ModuleType:
    """A script as a module."""
    made = ModuleType("generated")
    exec(compile(source, "train_generated.py", "exec", dont_inherit=True), made.__dict__)
    return made


def run(made: ModuleType, monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """The exit code of a script's `main`."""
    monkeypatch.setattr(sys, "argv", ["train_generated.py", *words])
    handlers = [(sign, signal.getsignal(sign)) for sign in (signal.SIGTERM, signal.SIGINT)]
    try:
        made.main()
    except SystemExit as end:
        if isinstance(end.code, str):  # Python's own way with a message
            print(end.code, file=sys.stderr)
            return 1
        return int(end.code or 0)
    finally:
        for sign, handler in handlers:
            signal.signal(sign, handler)
    return 0


def rows(out: Path) -> list[dict[str, float]]:
    with open(out / "log.csv", encoding="utf-8") as file:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]
