"""How a network is begun: in an empty text, and behind the blocks of a file that has none."""

from __future__ import annotations

from archc import syntax
from archc.api import Analysis
from archc.editor.findings import TextChange
from archc.record import record

_SAMPLES = {"s": 1, "stride": 1, "d": 1, "dilation": 1, "g": 1, "groups": 1, "k": 3, "kernel": 3}
_OTHER = 64  # channels, most likely


@record
class Beginning:
    """Lines that begin a network, behind what is there."""

    title: str
    change: TextChange


def beginning(analysis: Analysis) -> Beginning | None:
    """Return how a network can be begun; None where there is one, or the text is wrong."""
    if analysis.plan is not None or not analysis.ok:
        return None
    called = _call(analysis.file)
    if not analysis.file.items:
        return _behind(analysis, "network Net", "input 224x224 x3")
    return _behind(analysis, "network Net", "input 32x32 x3", called) if called else None


def _behind(analysis: Analysis, *lines: str) -> Beginning:
    text = analysis.source.text
    gap = "\n" if text.strip() and not text.endswith("\n") else ""
    written = "".join(f"{line}\n" for line in lines)
    *first, last = (f"`{line}`" for line in lines)
    title = f"begin with {', '.join(first)} and {last}"
    return Beginning(title, TextChange(len(text), len(text), f"{gap}{written}"))


def _call(file: syntax.File) -> str:
    """A call of the last block, with values that are a guess; empty without one to call."""
    blocks = [item for item in file.items if isinstance(item, syntax.Block)]
    if not blocks or any(formal.is_tensor for formal in blocks[-1].formals):
        return ""
    needed = [formal.name.id for formal in blocks[-1].formals if formal.default is None]
    values = ", ".join(str(_SAMPLES.get(name, _OTHER)) for name in needed)
    return f"{blocks[-1].name.id}({values})"
