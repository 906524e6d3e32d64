"""archc: a small language for neural network architectures, compiled to readable PyTorch.

    >>> import archc
    >>> net = archc.load("resnet50", num_classes=10)
    >>> print(net.source())

Names are imported when they are first asked for, so that the command line starts fast.
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing's own costs as much as argparse
if TYPE_CHECKING:
    from archc.api import Analysis, ArchError, analyze, bundled
    from archc.arguments import Param
    from archc.comparison import compare
    from archc.net import Net, diff, load, loads
    from archc.source import Diagnostic, Limits, Source

__version__ = "0.1.0"
__all__ = [
    "Analysis",
    "ArchError",
    "Diagnostic",
    "Limits",
    "Net",
    "Param",
    "Source",
    "__version__",
    "analyze",
    "bundled",
    "compare",
    "diff",
    "load",
    "loads",
]


def __getattr__(name: str) -> object:
    from importlib import import_module

    homes = {"comparison": ["compare"], "net": ["Net", "diff", "load", "loads"]}
    homes["arguments"] = ["Param"]
    homes["source"] = ["Diagnostic", "Limits", "Source"]
    homes["notebook"] = ["load_ipython_extension", "unload_ipython_extension"]
    home = next((module for module, names in homes.items() if name in names), "api")
    if home == "api" and name not in __all__:
        raise AttributeError(f"module 'archc' has no attribute {name!r}")
    return getattr(import_module(f"archc.{home}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
