"""Examine many random programs: `python -m fuzz --count 20000 --jobs 2`, from `tests/`.

Each fault is printed with its seed and the program cut down to what still fails; `--state`
remembers which seeds were examined, so that a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from collections import Counter
from pathlib import Path

from fuzz.checks import Finding, look, rarely_collect, shrunk


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m fuzz", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--count", type=int, default=300, help="how many programs (default 300)")
    parser.add_argument("--start", type=int, default=0, help="the first seed (default 0)")
    parser.add_argument("--jobs", type=int, default=1, help="processes (default 1)")
    parser.add_argument("--state", type=Path, help="a file that remembers what was examined")
    parser.add_argument("--out", type=Path, help="a folder for the programs that fail, cut down")
    parser.add_argument(
        "--each", type=int, default=3, help="cut down so many of each stage (default 3)"
    )
    options = parser.parse_args()
    found = recorded(options.state)
    wanted = range(options.start, options.start + options.count)
    seeds = [seed for seed in wanted if seed not in found]
    stages = Counter(stage for seed, stage in found.items() if stage and seed in wanted)
    began = time.monotonic()
    spawn = multiprocessing.get_context("spawn")
    with spawn.Pool(options.jobs, rarely_collect, maxtasksperchild=500) as pool:
        for done, finding in enumerate(pool.imap_unordered(look, seeds, chunksize=4), 1):
            if finding.stage:
                stages[finding.stage] += 1
                report(finding, options.out, cut=stages[finding.stage] <= options.each)
            if options.state:
                with options.state.open("a") as record:
                    record.write(json.dumps([finding.seed, finding.stage]) + "\n")
            if done % 100 == 0:
                faults, seconds = sum(stages.values()), time.monotonic() - began
                print(f"{done} of {len(seeds)}, {faults} faults, {seconds:.0f} s", flush=True)
    print(f"{len(wanted)} programs, {sum(stages.values())} faults {dict(stages)}")
    return bool(stages)


def recorded(state: Path | None) -> dict[int, str]:
    """The seeds that earlier runs examined, and what stage of each failed."""
    if state is None or not state.exists():
        return {}
    return dict(json.loads(line) for line in state.read_text().splitlines())


def report(finding: Finding, folder: Path | None, *, cut: bool) -> None:
    """Print a fault; with `cut` the smallest program that has it, which also goes to `folder`."""
    line = " ".join(finding.message.split())[:200]
    print(f"seed {finding.seed}: {line}", flush=True)
    if not cut or not finding.text:
        return
    text = f"# seed {finding.seed}, {line}\n{shrunk(finding.text, finding.stage)}"
    print(text, flush=True)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{finding.stage.replace(' ', '_')}_{finding.seed}.arch").write_text(text)


if __name__ == "__main__":
    raise SystemExit(main())
