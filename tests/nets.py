"""What several tests share: a text's network, weights that show, files without fault."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import archc
from archc import api
from archc.source import Limits, Source


def net_of(text: str, limits: Limits | None = None) -> archc.Net:
    """The network of a text without mistakes."""
    analysis = api.analyze(Source("test.arch", text), limits=limits)
    assert analysis.ok, [d.title for d in analysis.diagnostics]
    return archc.Net(analysis)


def randomise(module: Any) -> None:
    """Weights and statistics that differ everywhere, and keep signals at their size."""
    import torch

    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if not tensor.is_floating_point():
                tensor.fill_(3)
            elif tensor.dim() > 1:
                tensor.normal_(0, (2 / tensor[0].numel()) ** 0.5)
            elif name.endswith(("weight", "running_var")):
                tensor.uniform_(0.5, 1.5)
            else:
                tensor.normal_(0, 0.1)


def check_tidy(folder: Path) -> None:
    """Ruff, as it comes, would format none of the files otherwise, and warns of nothing."""
    for command in (["format", "--diff"], ["check", "--output-format=concise"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--isolated", "--no-cache", str(folder)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[:4000] + done.stderr[-500:]


def check_typed(folder: Path) -> None:
    """Mypy, as strict as it can be, has nothing to say of the files."""
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(folder / "cache"), "."],
        capture_output=True, text=True, check=False, cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[:4000]
