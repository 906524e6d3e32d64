"""What a piece of code does to the whole process: what it prints, and which settings it changes."""

from __future__ import annotations

import io
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any


@dataclass
class Effects:
    """What was printed, and the names of the settings that are others now."""

    printed: str = ""
    changed: tuple[str, ...] = ()


@contextmanager
def observed() -> Iterator[Effects]:
    """The effects of what runs within, known when it has ended."""
    found, said, before = Effects(), io.StringIO(), _settings()
    with redirect_stdout(said), redirect_stderr(said):
        yield found
    found.printed = said.getvalue()
    found.changed = tuple(name for name, value in _settings().items() if before[name] != value)


def _settings() -> dict[str, Any]:
    """By the name that people know them by."""
    import torch

    cudnn = torch.backends.cudnn
    return {
        "the state of torch's random numbers": torch.get_rng_state().tolist(),
        "the state of Python's random numbers": random.getstate(),
        "os.environ": dict(os.environ),
        "torch's default dtype": torch.get_default_dtype(),
        "torch's default device": torch.get_default_device(),
        "whether torch computes gradients": torch.is_grad_enabled(),
        "torch's number of threads": torch.get_num_threads(),
        "torch's anomaly detection": torch.is_anomaly_enabled(),
        "torch's deterministic mode": torch.get_deterministic_debug_mode(),
        "torch's precision of float32 matmul": torch.get_float32_matmul_precision(),
        "torch.backends.cudnn": (
            cudnn.enabled, cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32,
        ),
    }  # fmt: skip
