"""How long every command takes for the largest inputs that the limits let through.

    python benchmarks/limits.py [INPUT,...] [COMMAND,...]

Each command runs alone in a process, with a minute at most. The goal: within 10 seconds and 1.2 GB
it is done, or has said which limit the input is beyond.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from processes import ARCHC, PACKAGE

HEAD = "network Net\ninput 8x8 x4\n"
UNIT = "block unit(w) { residual< conv 3x3 p1 x(in.c) | dropout (w / 100000) >; relu }\n"
DISTINCT = (
    "block tree(n, k) { if n > 0 { tree(n - 1, 2 * k); tree(n - 1, 2 * k + 1) }"
    " else { conv 1x1 x(k) } }\n"
)

INPUTS = {
    "200,000 operators by a repeat": HEAD + "relu * 199998\n",
    "200,000 operators by a loop": HEAD + "for i in 1..66000 { conv 1x1 x(1 + i % 7); relu }\n",
    "200,000 lines": HEAD + "relu\n" * 199_990,
    "19,990 lines of conv": HEAD + "conv 3x3 p1 x4\n" * 19_990,
    "19,990 labels": HEAD + "".join(f"a{i}: relu\n" for i in range(19_990)),
    "60,000 lines of conv": HEAD + "conv 3x3 p1 x4\n" * 60_000,
    "100,000 labels": HEAD + "".join(f"a{i}: relu\n" for i in range(100_000)),
    "2^15 equal calls by recursion": HEAD
    + "block tree(n) { if n > 0 { tree(n - 1); tree(n - 1) } else { conv 1x1 x4 } }\ntree(15)\n",
    "2^15 equal calls by a loop": HEAD + UNIT + "for i in 1..32768 { unit(4) }\n",
    "2^15 equal calls by lines": HEAD + UNIT + "unit(4)\n" * 2**15,
    "900 distinct calls by a loop": HEAD + UNIT + "for i in 1..900 { unit(i) }\n",
    "2^12 distinct calls by recursion": HEAD + DISTINCT + "tree(12, 1)\n",
    "2^15 distinct calls by recursion": HEAD + DISTINCT + "tree(15, 1)\n",
    "2^15 distinct calls by a loop": HEAD + UNIT + "for i in 1..32768 { unit(i) }\n",
    "recursion 99 deep": HEAD
    + "block deep(n) { residual< conv 3x3 p1 x4; if n > 0 { deep(n - 1) } > }\ndeep(97)\n",
    "a concat of 20,000": HEAD + "concat< " + "relu | " * 20_000 + "relu >\n",
    "an add of 20,000": HEAD + "add< " + "conv 1x1 x4 | " * 20_000 + "relu >\n",
}
COMMANDS = {
    "check": ["check", "{}"],
    "build": ["build", "{}", "-o", "out.py"],
    "build deploy": ["build", "{}", "--form", "deploy", "-o", "deploy.py"],
    "build train": ["build", "{}", "--train", "-o", "train.py"],
    "summary": ["summary", "{}"],
    "summary unfold": ["summary", "{}", "--unfold"],
    "summary json": ["summary", "{}", "--format", "json"],
    "summary csv": ["summary", "{}", "--format", "csv"],
    "lecture": ["summary", "{}", "--style", "lecture"],
    "fit": ["fit", "{}"],
    "diff": ["diff", "{}", "{}"],
    "diff json": ["diff", "{}", "{}", "--format", "json"],
    "diff html": ["diff", "{}", "{}", "--format", "html", "-o", "diff.html"],
    "explain": ["explain", "{}"],
    "compare": ["compare", "{}"],
    "draw svg": ["draw", "{}", "-o", "net.svg"],
    "draw dot": ["draw", "{}", "-o", "net.dot"],
    "draw mermaid": ["draw", "{}", "-o", "net.mmd"],
    "draw html": ["draw", "{}", "-o", "net.html"],
    "draw paper": ["draw", "{}", "--view", "paper", "-o", "paper.dot"],
    "draw graph": ["draw", "{}", "--view", "graph", "-o", "graph.dot"],
}
SECONDS, BYTES, PATIENCE = 10.0, 1_200_000_000, 60.0


@dataclass(frozen=True, slots=True)
class Run:
    """What one process took, and how it ended."""

    wall: float
    cpu: float  # what the wall clock would show on an idle machine
    memory: int
    code: int
    said: str  # its first line on standard error

    @property
    def missed(self) -> bool:
        return self.cpu > SECONDS or self.memory > BYTES or self.code not in (0, 1)

    def __str__(self) -> str:
        return f"{self.wall:6.1f} s, CPU {self.cpu:5.1f} s {self.memory / 1e6:6.0f} MB"


def run(folder: Path, arguments: list[str]) -> Run:
    env = os.environ | {"PYTHONPATH": str(PACKAGE)}
    with tempfile.TemporaryFile() as said:
        begin = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-c", ARCHC, *arguments],
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
            start_new_session=True,
        )
        while True:
            pid, status, used = os.wait4(process.pid, os.WNOHANG)
            wall = time.perf_counter() - begin
            if pid:
                break
            if wall > PATIENCE:
                os.killpg(process.pid, signal.SIGKILL)
            time.sleep(0.01)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        lines = said.read(2000).decode(errors="replace").splitlines() or [""]
    cpu = used.ru_utime + used.ru_stime
    return Run(wall, cpu, used.ru_maxrss * 1024, process.returncode, lines[0])


def chosen(known: Iterable[str], words: str) -> list[str]:
    """The names that hold one of these words; all where there are none."""
    return [name for name in known if any(word in name for word in words.split(","))]


def main(argv: Sequence[str]) -> int:
    inputs = chosen(INPUTS, argv[0] if argv else "")
    commands = chosen(COMMANDS, argv[1] if len(argv) > 1 else "")
    missed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for title in inputs:
            path = folder / "net.arch"
            path.write_text(INPUTS[title])
            print(f"\n{title}", flush=True)
            for command in commands:
                arguments = [word.format(path) for word in COMMANDS[command]]
                found = run(folder, arguments)
                missed += found.missed
                ending = f"exit {found.code}: {found.said[:100]}" if found.code else ""
                sign = "!" if found.missed else " "
                print(f"{sign} {found}  {command:15} {ending}", flush=True)
    print(f"\n{missed} missed")
    return min(missed, 1)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
