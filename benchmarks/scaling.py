"""How time grows with what is written, and with what that unfolds to.

    python benchmarks/scaling.py [LARGEST]

Two questions. Does a network that unfolds to six times as many operators from the same text cost
more (`preact_resnet1001` against `preact_resnet164`)? And is the time for an unrolled file linear
in its length, up to LARGEST statements (100,000)? Imports are not counted.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1] / "dsl"))

from archc import api
from archc.files import read
from archc.source import Limits, Source

ROUNDS = 5
WIDE = Limits(source_bytes=10**9, steps=10**8)


def seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def compare(small: str, large: str) -> None:
    """Medians of analysis and emission, the two networks in turn."""
    networks = api.bundled()
    sources = {name: read(networks[name]) for name in (small, large)}
    projects = {name: networks[name].parent for name in (small, large)}
    times: dict[tuple[str, str], list[float]] = {}
    for turn in range(ROUNDS + 1):
        for name, source in sources.items():
            begin = time.perf_counter()
            analysis = api.analyze(source, project=projects[name])
            middle = time.perf_counter()
            analysis.emit()
            end = time.perf_counter()
            if turn:  # the first pays for imports
                times.setdefault((name, "analyze"), []).append(middle - begin)
                times.setdefault((name, "emit"), []).append(end - middle)
    for step in ("analyze", "emit"):
        one, two = (median(times[name, step]) for name in (small, large))
        print(
            f"{step:8} {small} {one * 1000:.1f} ms, {large} {two * 1000:.1f} ms: {two / one:.2f} x"
        )


def unrolled(statements: int) -> Source:
    """A plain convolutional network, every operator on a line of its own."""
    lines = ["network Unrolled", "input 32x32 x16"]
    lines += (f"conv 3x3 p1 x{16 + i % 7}" if i % 2 else "relu" for i in range(statements))
    return Source("unrolled.arch", "\n".join(lines) + "\n")


def curve(largest: int) -> None:
    """Time a statement at growing lengths: a straight line is a constant here."""
    print(f"\n{'statements':>10}  {'analyze s':>9}  {'us each':>8}  {'doubling':>8}")
    size, before = max(largest // 128, 1), 0.0
    while size <= largest:
        source = unrolled(size)
        took = min(seconds(lambda s=source: api.analyze(s, limits=WIDE)) for _ in range(2))  # type: ignore[misc]
        growth = f"{took / before:8.2f}" if before else " " * 8
        print(
            f"{size:10,}  {took:9.3f}  {took / size * 1e6:8.1f}  {growth}  {'#' * round(took * 10)}"
        )
        size, before = size * 2, took


def main(argv: Sequence[str]) -> int:
    compare("preact_resnet164", "preact_resnet1001")
    curve(int(argv[0]) if argv else 100_000)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
