"""Draws every bundled network into docs/gallery/, and writes docs/gallery.md around the pictures.

    python docs/gallery.py

`make gallery` runs it. A picture carries the hash of its DOT, by which a test sees whether it is
still what archc draws.
"""

from __future__ import annotations

from hashlib import sha256
from html import escape
from pathlib import Path

import archc
from archc.report.spelling.numbers import human

FOLDER = Path(__file__).parent
_HEAD = """\
# The bundled networks, drawn

As in a paper: a row for each module, grouped by resolution, with its configuration, output,
MACs and parameters; beside them each block once, its numbers as the block writes them. By year.

    archc draw resnet50 --view paper -o resnet50.svg

This page and its pictures are made by `make gallery`.
"""


def stamp(dot: str) -> str:
    """The comment that says which DOT a picture was made of."""
    return f"<!-- dot sha256:{sha256(dot.encode()).hexdigest()} -->\n"


def page() -> str:
    """docs/gallery.md."""
    nets = [(name, archc.load(name)) for name in archc.bundled()]
    nets.sort(key=lambda pair: (pair[1].meta.get("year", 0), pair[1].meta.get("paper", "")))
    parts, paper = [_HEAD], ""
    for name, net in nets:
        meta = net.meta
        if meta.get("paper", "") != paper:
            paper = str(meta.get("paper", ""))
            by = ", ".join(str(meta[key]) for key in ("authors", "year") if key in meta)
            parts.append(f"## {paper}\n\n{by}\n")
        numbers = f"{human(net.params)} parameters, {human(net.macs)} MACs"
        parts.append(
            f"### {name}\n\n{numbers}\n\n"
            f'<img src="gallery/{name}.svg" width="560" alt="{escape(net.name)}: {numbers}">\n'
        )
    return "\n".join(parts)


def main() -> None:
    pictures = FOLDER / "gallery"
    pictures.mkdir(exist_ok=True)
    for old in pictures.glob("*.svg"):
        if old.stem not in archc.bundled():
            old.unlink()
    for name in archc.bundled():
        net = archc.load(name)
        svg = net.draw("svg", view="paper", engine="graphviz-pure").decode()
        text = svg.rstrip("\n") + "\n" + stamp(net.analysis.draw("paper"))
        (pictures / f"{name}.svg").write_text(text, encoding="utf-8", newline="\n")
    (FOLDER / "gallery.md").write_text(page(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
