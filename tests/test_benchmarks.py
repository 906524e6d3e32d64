"""What `benchmarks/gpu.py` would do on a card runs on a CPU, in sizes that measure nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.slow
def test_every_section_of_the_gpu_benchmark_runs(tmp_path: Path) -> None:
    pytest.importorskip("torchvision")
    program = [sys.executable, str(ROOT / "benchmarks" / "gpu.py"), "--device", "cpu", "--tiny"]
    done = subprocess.run(
        [*program, "--out", str(tmp_path)], capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "gpu.json").read_text("utf-8"))
    assert found["machine"]["card"] == "no GPU"
    assert len(found["sections"]) == 7
    for title, rows in found["sections"].items():
        assert rows, title
        assert isinstance(rows, list), (title, rows)
    skipped = next(iter(found["sections"].values()))
    assert {row["status"] for row in skipped} == {"skipped"}, "nothing is said of a card"
