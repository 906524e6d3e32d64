"""How long a command takes to start, beside what nothing can beat.

    python benchmarks/startup.py [ROUNDS]

Every round runs every command once, in turn, so that a busy machine slows all of them alike; the
figures are medians, and the ratios are of medians from this one run. The goals are those of the
project: `archc --help` within 3 times an empty Python, `archc build resnet50` within 2 times
`import networkx` and below `import torch`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from statistics import median

from processes import ARCHC, measure

COMMANDS: dict[str, list[str]] = {
    "python -c pass": ["-c", "pass"],
    "archc --help": ["-c", ARCHC, "--help"],
    "python -c 'import networkx'": ["-c", "import networkx"],
    "archc build resnet50": ["-c", ARCHC, "build", "resnet50", "--force"],
    "archc check resnet50": ["-c", ARCHC, "check", "resnet50"],
    "python -c 'import torch'": ["-c", "import torch"],
}
GOALS = (  # what, against what, at most so many times as long
    ("archc --help", "python -c pass", 3.0),
    ("archc build resnet50", "python -c 'import networkx'", 2.0),
    ("archc build resnet50", "python -c 'import torch'", 1.0),
)


def main(argv: Sequence[str]) -> int:
    rounds = int(argv[0]) if argv else 11
    spent = measure(COMMANDS, rounds)
    times = {name: [run.wall for run in runs] for name, runs in spent.items()}
    print(f"median of {rounds} rounds\n")
    for name, values in times.items():
        print(f"{median(values) * 1000:8.1f} ms  (best {min(values) * 1000:7.1f})  {name}")
    print()
    missed = 0
    for name, base, most in GOALS:
        if name in times and base in times:
            ratio = median(times[name]) / median(times[base])
            missed += ratio > most
            verdict = "missed" if ratio > most else "held"
            print(f"{ratio:6.2f} x {base}: {name} (at most {most:g}: {verdict})")
    return min(missed, 1)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
