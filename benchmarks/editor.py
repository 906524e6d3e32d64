"""How long a key takes in an editor, and how often it leaves a mistake on another line.

    python benchmarks/editor.py [NETWORK,...] [LINES]

For each bundled network, LINES of it (default: 3) are typed key by key where they stand, and after
each key everything is asked that an editor asks: shapes, mistakes, completion. Times are CPU time,
so that other work on the machine counts for little. The goals: 95 of 100 keys within 50 ms in every
network, within 150 ms in the 1202-layer network and in 2,000 lines; at most 10 % of keys leave a
mistake on another line; no shape behind another line is lost; `archc lsp` is ready within 1 s.
"""

from __future__ import annotations

import gc
import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from archc import api, data
from archc.editor.document import Document
from archc.editor.hints import shape_hints

LARGE = ("stochastic_depth_resnet1202", "long_blocks", "long_flat")
GOAL, GOAL_OF_LARGE, ELSEWHERE = 0.050, 0.150, 0.10
_MOST_KEYS = 40  # of a line


@dataclass
class Session:
    """What typing into one text has come to."""

    times: list[float] = field(default_factory=list)
    elsewhere: int = 0  # keys that left a mistake on another line
    lost: int = 0  # shapes behind other lines that went away while nothing else was known of them

    @property
    def p95(self) -> float:
        return sorted(self.times)[int(0.95 * len(self.times))]


def keys(text: str, lines: Sequence[int]) -> Iterator[tuple[str, int, int]]:
    """The texts after each key while these lines are typed; the line, and the cursor's offset."""
    rows = text.split("\n")
    for at in lines:
        row = rows[at].partition("  #")[0].rstrip()
        start = sum(len(r) + 1 for r in rows[:at])
        first = len(row) - len(row.lstrip()) + 1
        for end in range(first, min(len(row), first + _MOST_KEYS) + 1):
            yield "\n".join([*rows[:at], row[:end], *rows[at + 1 :]]), at, start + end


def typed(text: str, path: Path, lines: Sequence[int]) -> Session:
    """Type lines of a text and ask what an editor asks."""
    document = Document(text, path, project=data.ARCHS)
    document.hints()
    document.complete(len(text))  # what the first completion alone takes
    session = Session()
    at = -1
    for newer, line, offset in keys(text, lines):
        if line != at:  # a pause
            gc.collect()
        at = line
        before = {hint.line for hint in document.hints()}
        begun = time.process_time()
        document.change(newer)
        hints = document.hints()
        found = document.findings()
        document.complete(offset)
        session.times.append(time.process_time() - begun)
        session.elsewhere += any(f.is_error and not f.mild and f.line != line for f in found)
        known = {hint.line for hint in hints} | shape_hints(document.analyse()).keys()
        if not document.analyse().analysis.ok:  # else nothing more is to be known
            session.lost += len(before - known - {line})
    return session


def texts(names: Sequence[str]) -> Iterator[tuple[str, str, Path]]:
    """The bundled networks, and two of 2,000 lines: 20 blocks of 90, and no block."""
    for name, path in api.bundled().items():
        if not names or name in names:
            yield name, path.read_text(encoding="utf-8"), path
    head = "network Long\ninput 64x64 x16\n"
    blocks = "".join(
        f"block unit{n}(w) {{\n" + "  conv 3x3 p1 x(w)\n  bn\n  relu\n" * 30 + "}\n"
        for n in range(20)
    )
    calls = "".join(f"unit{n}(16)\n" for n in range(20))
    flat = "conv 3x3 p1 x16 nobias\nbn\nrelu\n" * 666
    for name, text in ((LARGE[1], head + blocks + calls), (LARGE[2], head + flat)):
        if not names or name in names:
            yield name, text, data.ARCHS / "long.arch"


def ready() -> float:
    """CPU seconds that `archc lsp` takes until it has answered `initialize`."""
    about: dict[str, object] = {"processId": None, "rootUri": None, "capabilities": {}}
    message = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": about})
    command = [sys.executable, "-m", "archc", "lsp"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(f"Content-Length: {len(message)}\r\n\r\n{message}".encode())
        server.stdin.flush()
        server.stdout.readline()
        server.kill()
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def main(argv: Sequence[str]) -> int:
    """Print a row for each text; the number of goals that were missed."""
    gc.set_threshold(500_000)  # as the command line has it
    names = argv[0].split(",") if argv and argv[0] else []
    count = int(argv[1]) if len(argv) > 1 else 3
    chance = random.Random(1)
    missed = total = elsewhere = lost = 0
    print(f"{'':32}  keys   p50 ms   p95 ms  elsewhere  lost")
    for name, text, path in texts(names):
        rows = text.split("\n")
        code = [at for at, row in enumerate(rows) if row.strip() and not row.startswith("#")]
        session = typed(text, path, chance.sample(code, min(count, len(code))))
        goal = GOAL_OF_LARGE if name in LARGE else GOAL
        late = session.p95 > goal
        missed += late
        total += len(session.times)
        elsewhere += session.elsewhere
        lost += session.lost
        p50, p95 = median(session.times) * 1000, session.p95 * 1000
        figures = f"{len(session.times):5} {p50:8.1f} {p95:8.1f}{'*' if late else ' '}"
        print(f"{name:32} {figures} {session.elsewhere:9} {session.lost:5}", flush=True)
    share = elsewhere / max(total, 1)
    print(f"\n{total} keys: {share:.1%} left a mistake on another line, {lost} shapes lost")
    print(f"{missed} texts over their goal (*)")
    print(f"`archc lsp` is ready after {ready():.2f} s of CPU time (goal: 1)")
    return missed + (share > ELSEWHERE) + (lost > 0)


if __name__ == "__main__":
    raise SystemExit(min(main(sys.argv[1:]), 1))
