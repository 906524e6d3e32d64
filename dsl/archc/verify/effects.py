"""What a piece of code does to the whole process, and beyond it.

What it prints, which settings and functions of others it changes, which files it writes, and
whether it starts processes or opens connections.
"""

from __future__ import annotations

import io
import logging
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from functools import cache
from typing import Any

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_ON_DISK = {  # audit events -> what happened to the first argument
    "os.mkdir": "makes", "os.remove": "removes", "os.rename": "renames", "os.rmdir": "removes",
    "os.link": "links", "os.symlink": "links", "os.truncate": "writes", "os.chmod": "changes",
    "shutil.rmtree": "removes", "shutil.move": "moves",
}  # fmt: skip
_BEYOND = {
    "subprocess.Popen": "starts a process", "os.system": "starts a process",
    "os.fork": "starts a process", "os.exec": "starts a process", "os.posix_spawn":
    "starts a process", "socket.connect": "opens a connection", "socket.bind":
    "opens a connection", "socket.getaddrinfo": "opens a connection", "os.kill": "sends a signal",
}  # fmt: skip


@dataclass
class Effects:
    """What was printed, which settings are others now, and what was done outside of the process."""

    printed: str = ""
    changed: tuple[str, ...] = ()
    done: list[str] = field(default_factory=list)  # `writes /tmp/log.txt`


@contextmanager
def observed() -> Iterator[Effects]:
    """The effects of what runs within, known when it has ended."""
    found, printed, before = Effects(), io.StringIO(), _settings()
    listeners = _listeners()
    listeners.append(found.done)
    try:
        with redirect_stdout(printed), redirect_stderr(printed):
            yield found
    finally:
        listeners.pop()
    found.printed = printed.getvalue()
    found.changed = tuple(name for name, value in _settings().items() if before[name] != value)


# --- outside of the process --------------------------------------------------------------


@cache
def _listeners() -> list[list[str]]:
    """Those who hear what is done. Python is asked to tell once: it never stops."""
    listeners: list[list[str]] = []
    thread = threading.get_ident()

    def hear(event: str, args: tuple[Any, ...]) -> None:
        if listeners and threading.get_ident() == thread and (what := _act(event, args)):
            for done in listeners:
                done.append(what)

    sys.addaudithook(hear)
    return listeners


def _act(event: str, args: tuple[Any, ...]) -> str | None:
    """What an audit event tells of; None for what leaves no trace."""
    if event == "open":
        path, mode, flags = args
        writes = any(sign in mode for sign in "wax+") if mode else bool((flags or 0) & _WRITING)
        return f"writes {path}" if writes and _is_lasting(path) else None
    if event in _ON_DISK:
        return f"{_ON_DISK[event]} {args[0]}" if _is_lasting(args[0]) else None
    return _BEYOND.get(event)


def _is_lasting(path: object) -> bool:
    """Not what Python itself writes of modules that are imported, and no device."""
    name = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else ""
    return bool(name) and "__pycache__" not in name and not name.startswith(("/dev/", "/proc/"))


# --- in the process ----------------------------------------------------------------------


def _settings() -> dict[str, Any]:
    """By the name that people know them by."""
    import torch

    cudnn = torch.backends.cudnn
    return {
        "the state of torch's random numbers": torch.get_rng_state().tolist(),
        "the state of Python's random numbers": random.getstate(),
        "the state of NumPy's random numbers": _numpy_state(),
        "os.environ": dict(os.environ),
        "the current folder": os.getcwd(),
        "sys.path": list(sys.path),
        "Python's recursion limit": sys.getrecursionlimit(),
        "the filters of warnings": [*warnings.filters],
        "the root logger": (logging.root.level, [*map(id, logging.root.handlers)]),
        "how signals are handled": [*map(signal.getsignal, (signal.SIGINT, signal.SIGTERM))],
        "the number of threads": threading.active_count(),
        "torch's default dtype": torch.get_default_dtype(),
        "torch's default device": torch.get_default_device(),
        "whether torch computes gradients": torch.is_grad_enabled(),
        "torch's number of threads": torch.get_num_threads(),
        "torch's anomaly detection": torch.is_anomaly_enabled(),
        "torch's deterministic mode": torch.get_deterministic_debug_mode(),
        "torch's precision of float32 matmul": torch.get_float32_matmul_precision(),
        "whether torch.autocast is on": (
            torch.is_autocast_enabled("cpu"), torch.is_autocast_enabled("cuda"),
        ),
        "how torch prints tensors": repr(vars(torch._tensor_str.PRINT_OPTS)),
        "torch.backends.cudnn": (
            cudnn.enabled, cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32,
        ),
        "torch's hooks of all modules": [len(hooks) for hooks in _global_hooks()],
        "functions of torch": _functions(),
    }  # fmt: skip


def _numpy_state() -> str:
    numpy = sys.modules.get("numpy")
    return repr(numpy.random.get_state()) if numpy is not None else ""


def _global_hooks() -> list[dict[int, Any]]:
    from torch.nn.modules import module

    return [module._global_forward_hooks, module._global_forward_pre_hooks,
            module._global_backward_hooks, module._global_backward_pre_hooks]  # fmt: skip


def _functions() -> dict[str, int]:
    """What somebody may have put another in the place of: which object each is."""
    import torch
    from torch import nn

    found: dict[str, int] = {}
    for space in (torch, torch.Tensor, nn.functional, nn.init, *vars(nn).values()):
        if not isinstance(space, type) and space not in (torch, nn.functional, nn.init):
            continue
        for name, value in vars(space).items():
            if callable(value):
                found[f"{space.__name__}.{name}"] = id(value)
    return found
