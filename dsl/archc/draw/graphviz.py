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
from math import sqrt
from pathlib import Path
from unicodedata import bidirectional, category

from archc.draw import typefaces
from archc.draw.edge_labels import set_aside
from archc.draw.limits import PNG_PIXELS, PNG_SIDE, warn
from archc.packages import installing

_DPI = 144  # sharp on today's screens
_SHORT = 100_000  # characters of a DOT text whose picture is far from that
_SIZE = re.compile(rb'width="(\d+)pt" height="(\d+)pt"')
_APART = re.compile(r"nodesep=([\d.]+), ranksep=([\d.]+)")
_WIDER, _LONGER, _WIDEST = 0.02, 0.03, 0.4  # inches
_NO_ENGINE = (
    "no Graphviz found: install it (its command is `dot`), "
    f"or {installing('graphviz-pure')}; `-o x.dot` needs none"
)
_NO_PDF = (
    f"a PDF needs Graphviz's own `dot`, or {installing('svglib', 'reportlab')}; "
    "`-o x.svg` needs neither"
)
_LOST = "the {1} does not show {0}: {2}take `-o x.svg`"
_NO_READER = f"{installing('svglib', 'reportlab')} paints them with a font of this machine"
_NO_FONT = "install a font that has them (such as Noto Sans CJK)"


class EngineError(Exception):
    """No engine, or one that failed: the message says which and what to do."""


def picture(dot: str, format: str, *, engine: str = "auto", seconds: float = 60) -> bytes:
    """`dot` drawn as "svg", "png" or "pdf" ("dot" gives the text itself).

    Raises EngineError, and warns with DrawingWarning.
    """
    if format == "dot":
        return dot.encode()
    command, svg = find(engine), b""
    if "labelangle" in dot and format in ("svg", "png", "pdf"):
        dot, svg = _labels_aside(command, dot, seconds)
    match format:
        case "svg":
            return svg or _run(command, dot, "svg", seconds)
        case "png":
            return _png(command, dot, svg, seconds)
        case "pdf" if _is_pure(command):
            return _pdf([svg or _run(command, dot, "svg", seconds)])
        case _:
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


def _is_pure(command: Path) -> bool:
    return command.name.startswith("graphviz-pure")


def _run(command: Path, dot: str, format: str, seconds: float, *options: str) -> bytes:
    try:
        done = subprocess.run(
            [command, f"-T{format}", *options],
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
        return _run(command, wider, format, seconds, *options)
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
    beside, below = (float(inches) for inches in found.groups())
    apart = f"nodesep={beside + _WIDER:.2f}, ranksep={below + _LONGER:.3g}"
    return dot.replace(found[0], apart, 1)


def _labels_aside(command: Path, dot: str, seconds: float) -> tuple[str, bytes]:
    """The drawing with no label of an edge on a card; its SVG, where it was right already."""
    svg = _run(command, dot, "svg", seconds)
    moved = set_aside(dot, svg)
    return (dot, svg) if moved == dot else (moved, b"")


def _png(command: Path, dot: str, svg: bytes, seconds: float) -> bytes:
    """A PNG that other programs open, with the words for which graphviz-pure has no font.

    `svg` is the same drawing, or empty.
    """
    foreign = typefaces.lacking(dot) if _is_pure(command) else ""
    faces = _faces_for_png(foreign) if foreign else []
    if not svg and (faces or len(dot) > _SHORT):
        svg = _run(command, dot, "svg", seconds)
    dpi = f"-Gdpi={_dpi(svg) if svg else _DPI}"
    if not faces:
        return _run(command, dot, "png", seconds, dpi)
    from archc.draw.png_words import blanked, painted

    known = "".join(char for face in faces for char in face.characters)
    return painted(_run(command, blanked(dot, known), "png", seconds, dpi), svg, faces)


def _dpi(svg: bytes) -> int:
    """How many dots there can be to the inch. Warns where they are fewer than usual."""
    found = _SIZE.search(svg)
    assert found is not None
    width, height = (int(points) / 72 * _DPI for points in found.groups())
    dpi = int(_DPI * min(1, sqrt(PNG_PIXELS / (width * height)), PNG_SIDE / max(width, height)))
    if dpi < _DPI:
        warn(
            f"the PNG has {dpi} dots to the inch and not {_DPI}, with which it would be "
            f"{width:.0f}×{height:.0f} pixels: many programs do not open that; `-o x.svg` is sharp"
        )
    return dpi


def _faces_for_png(characters: str) -> list[typefaces.Typeface]:
    """Fonts of the machine for the characters. Warns of those that none has."""
    try:
        import PIL  # noqa: F401

        faces = typefaces.of_machine(characters)
    except ImportError:
        _warn_of_lost(characters, "PNG", _NO_READER)
        return []
    had = {char for face in faces for char in face.characters}
    _warn_of_lost([char for char in characters if char not in had], "PNG", _NO_FONT)
    return faces


def _pdf(pages: Iterable[bytes]) -> bytes:
    """A PDF of SVGs. Warns of characters that no font has."""
    try:
        from archc.draw.pdf_pages import pdf
    except ImportError:
        raise EngineError(_NO_PDF) from None
    try:
        made, lacking = pdf(pages)
    except ValueError as error:
        raise EngineError(str(error)) from None
    _warn_of_lost(lacking, "PDF", _NO_FONT)
    return made


def _warn_of_lost(characters: Iterable[str], kind: str, cure: str) -> None:
    found = list(characters)
    if which := typefaces.listed(found):
        # No font helps with what is written from right to left, nor with pictures in colour.
        helps = all(category(x)[0] == "L" and bidirectional(x) == "L" for x in found)
        warn(_LOST.format(which, kind, f"{cure}, or " if helps else ""))
