"""Compares the bundled networks: writes docs/comparison.md and the plots that it shows.

    python docs/comparison.py

`make comparison` runs it. A plot carries the hash of what it shows, by which a test sees whether it
is still current, whatever matplotlib drew it.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

import archc
from archc.comparison import Comparison
from archc.comparison.plot import Picture, draw
from archc.report import tables as tabular

FOLDER = Path(__file__).parent
# Each table, the name of its plot, its data set and its years: more than half of the networks of
# ImageNet are the families that came after the lecture's, and would be on top of each other.
SECTIONS = {
    "ImageNet": ("imagenet", "ImageNet", range(2018)),
    "ImageNet, from 2018": ("imagenet_from_2018", "ImageNet", range(2018, 3000)),
    "CIFAR-10": ("cifar10", "CIFAR-10", range(3000)),
}
COLUMNS = "name year depth params macs activations top1_error top5_error".split()
_HEAD = """\
# The bundled networks, compared

    archc compare                                   # all bundled networks, a row each
    archc compare --sort macs --columns name,macs,top1_error
    archc compare --plot comparison.svg             # all of ImageNet, as below
    archc compare --plot comparison.svg --time      # a second panel: time on your machine

The plots are those of Canziani, Paszke and Culurciello, "An Analysis of Deep Neural Network Models
for Practical Applications" (2016), which the lecture shows. Errors are those that were published;
the last table says where. One is given only for the very network that the file describes: so the
one-tower AlexNet and the lecture's ZFNet have none, and stand at the foot. A family has one colour
and one mark in all plots; your own families are black.

This page and its pictures are made by `make comparison`.
"""


def stamp(picture: Picture) -> str:
    """The comment that says what a plot shows."""
    shown = json.dumps(asdict(picture), sort_keys=True)
    return f"<!-- data sha256:{sha256(shown.encode()).hexdigest()} -->\n"


def tables() -> dict[str, Comparison]:
    """By section, in the order of operations."""
    nets = [archc.load(name) for name in archc.bundled()]

    def chosen(dataset: str, years: range) -> Comparison:
        meta = [(net, net.meta) for net in nets]
        inside = [net for net, m in meta if m.get("dataset") == dataset and m["year"] in years]
        return archc.compare(inside, columns=COLUMNS, sort="macs")

    return {title: chosen(dataset, years) for title, (_, dataset, years) in SECTIONS.items()}


def page(found: dict[str, Comparison]) -> str:
    """docs/comparison.md."""
    parts = [_HEAD]
    for title, table in found.items():
        name, dataset, _ = SECTIONS[title]
        picture = table.picture()
        parts.append(f"## {title}\n")
        image = f"images/comparison_{name}.svg"
        tested = sum(point.accuracy is not None for point in picture.points)
        alt = f"Accuracy of {tested} networks on {dataset} against operations"
        parts.append(f'<img src="{image}" width="760" alt="{alt}">\n')
        for reason, names in picture.untested:
            parts.append(f"At the foot, {reason}: {', '.join(names)}.\n")
        for reason, names in picture.left_out:
            parts.append(f"Not plotted, {reason}: {', '.join(names)}.\n")
        parts.append(tabular.markdown(table.sheet()))
    parts.append("## Where the errors are from\n")
    nets = [net for table in found.values() for net in table.entries if net.meta("measured")]
    sources = archc.compare([archc.load(net.name) for net in nets], columns=["name", "measured"])
    parts.append(tabular.markdown(sources.sorted("name").sheet()))
    return "\n".join(parts)


def main() -> None:
    found = tables()
    for title, table in found.items():
        picture = table.picture()
        svg = draw(picture).decode().rstrip("\n") + "\n" + stamp(picture)
        path = FOLDER / "images" / f"comparison_{SECTIONS[title][0]}.svg"
        path.write_text(svg, encoding="utf-8", newline="\n")
    (FOLDER / "comparison.md").write_text(page(found), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
