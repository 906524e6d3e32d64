"""`archc new`: a file to begin with."""

from __future__ import annotations

import re
from argparse import Namespace
from pathlib import Path

from archc import api, data
from archc.cli.commands.alone import alone
from archc.cli.commands.reading import analysed, headline, need_network
from archc.cli.commands.writing import names_folder, put
from archc.cli.exit_codes import FINE, Stop
from archc.cli.inputs import Input, find_one
from archc.project import Project
from archc.source import Source

_TEMPLATE = data.TEMPLATES / "new.arch"
_SMALL = Input(_TEMPLATE, Project(data.TEMPLATES))


def run(args: Namespace) -> int:
    """Writes a small network, or another one's text under a name of its own."""
    path = Path(args.output if args.output.endswith(".arch") else f"{args.output}.arch")
    if names_folder(args.output) or path.name.startswith("."):
        raise Stop(f"{args.output!r} names no file: `archc new mynet` writes mynet.arch")
    if path.exists() or path.is_symlink():
        raise Stop(f"{path} is there already")
    origin = find_one(args.origin, args.project, "new --from") if args.origin else _SMALL
    analysis, code = analysed(origin, args)
    if analysis is None or code:
        return code
    need_network(analysis, origin, "there is nothing to begin with")
    text = alone(analysis, origin, class_name(path.stem))
    if origin is _SMALL:
        text = _called(text, path.stem)
    summary = headline(api.analyze(Source(str(path), text)))
    put(path, text.encode(), summary, force=False)
    return FINE


def beginning(stem: str) -> str:
    """Return a small network's text, for a file of that name."""
    return _called(_TEMPLATE.read_text(encoding="utf-8"), stem)


def _called(text: str, stem: str) -> str:
    """The small network's text under another name, in its comments too."""
    return text.replace("MyNet", class_name(stem))


def class_name(stem: str) -> str:
    """`my_net` as `MyNet`."""
    words = re.findall(r"[A-Za-z0-9]+", stem)
    name = "".join(word[:1].upper() + word[1:] for word in words)
    return name if name[:1].isalpha() else f"Net{name}"
