"""DOT to a picture, with a Graphviz: the `dot` on the PATH, or the one that pip brought along.

The engine runs as a process with a time limit, and its exit code is checked: Graphviz writes a
file even where it failed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Sequence
from pathlib import Path

from archc.draw.edge_labels import set_aside

_OPTIONS = {"png": ("-Gdpi=144",)}  # sharp on today's screens
_APART = re.compile(r"nodesep=([\d.]+)")
_WIDER, _WIDEST = 0.02, 0.4  # inches
_NO_ENGINE = (
    "no Graphviz found: install it (its command is `dot`), "
    "or `pip install graphviz-pure`; `-o x.dot` needs none"
)
_NO_PDF = (
    "a PDF needs Graphviz's own `dot`, or `pip install 'archc-lang[pdf]'`; `-o x.svg` needs neither"
)


class EngineError(Exception):
    """No engine, or one that failed: the message says which and what to do."""


def picture(dot: str, format: str, *, engine: str = "auto", seconds: float = 60) -> bytes:
    """`dot` drawn as "svg", "png" or "pdf" ("dot" gives the text itself).

    Raises EngineError.
    """
    if format == "dot":
        return dot.encode()
    command = find(engine)
    if "labelangle" in dot and format in ("svg", "png", "pdf"):
        dot = set_aside(dot, _run(command, dot, "svg", seconds))
    if format == "pdf" and command.name.startswith("graphviz-pure"):
        return _pdf([_run(command, dot, "svg", seconds)])
    return _run(command, dot, format, seconds)


def pictures(
    dots: Sequence[str], format: str, *, engine: str = "auto", seconds: float = 60
) -> list[bytes]:
    """Pages: a picture each, but a PDF holds them all. Raises EngineError."""
    if format != "pdf" or len(dots) == 1:
        return [picture(dot, format, engine=engine, seconds=seconds) for dot in dots]
    return [_pdf(picture(dot, "svg", engine=engine, seconds=seconds) for dot in dots)]


def find(engine: str = "auto") -> Path:
    """The program to run: `dot` if there is one, else graphviz-pure. Raises EngineError."""
    names = ("dot", "graphviz-pure") if engine == "auto" else (engine,)
    for name in names:
        found = shutil.which(name) or shutil.which(name, path=_scripts())
        if found:
            return Path(found)
    raise EngineError(_NO_ENGINE if engine == "auto" else f"no `{engine}` found on the PATH")


def _scripts() -> str:
    """Where pip puts programs: a virtual environment that is not active is not on the PATH."""
    import os

    user = sysconfig.get_path("scripts", f"{os.name}_user")
    return os.pathsep.join((str(Path(sys.executable).parent), sysconfig.get_path("scripts"), user))


def _run(command: Path, dot: str, format: str, seconds: float) -> bytes:
    try:
        done = subprocess.run(
            [command, f"-T{format}", *_OPTIONS.get(format, ())],
            input=dot.encode(),
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise EngineError(
            f"{command.name} did not finish in {seconds:g} s: the drawing is very large; "
            "give it more with --timeout, or take `-o x.dot`"
        ) from None
    except OSError as error:
        raise EngineError(f"cannot run {command}: {error.strerror}") from None
    if done.returncode and b"routesplines" in done.stderr and (wider := _wider(dot)) != dot:
        return _run(command, wider, format, seconds)
    if done.returncode or not done.stdout:
        messages = done.stderr.decode(errors="replace").splitlines()
        # Harmless and many: it has no width for characters such as a multiplication sign.
        lines = [line.strip() for line in messages if "no value for width" not in line]
        reason = "; ".join(lines[:3]) or f"exit code {done.returncode}"
        raise EngineError(f"{command.name} failed: {reason}")
    return done.stdout


def _wider(dot: str) -> str:
    """The drawing with more room between its cards, where Graphviz lost its way around one."""
    found = _APART.search(dot)
    if found is None or float(found[1]) >= _WIDEST:
        return dot
    return dot.replace(found[0], f"nodesep={float(found[1]) + _WIDER:.2f}", 1)


def _pdf(pages: Iterable[bytes]) -> bytes:
    """A PDF of SVGs."""
    from io import BytesIO

    try:
        from reportlab.graphics import renderPDF
        from reportlab.pdfgen.canvas import Canvas
        from svglib.svglib import svg2rlg
    except ImportError:
        raise EngineError(_NO_PDF) from None
    made = BytesIO()
    canvas = Canvas(made, invariant=1)  # no date, no random name
    for svg in pages:
        drawing = svg2rlg(BytesIO(svg))
        if drawing is None:
            raise EngineError("svglib could not read the drawing")
        canvas.setPageSize((drawing.width, drawing.height))
        renderPDF.draw(drawing, canvas, 0, 0)
        canvas.showPage()
    canvas.save()
    return made.getvalue()
