"""How many nodes a diagram takes, and what it says: archc beside torchview, torchlens and ONNX.

    python benchmarks/diagrams.py

Needs torch, torchvision, torchview, torchlens, onnx and onnxscript; what is missing is left out.
All draw the same networks in training mode (so that GoogLeNet has its side classifiers) at 224x224,
each tool with its own defaults, and with the settings that its row names. A node is what Graphviz
draws as one, but for the title that archc gives a box; boxes are counted by themselves, in
brackets. The words are looked for in the picture's text: whether the first convolution's own
figures are there. `docs/diagrams.md` has the table that this prints.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import unescape
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "dsl"))

import archc
from archc.draw import DrawStyle, graphviz

# archc's name, torchvision's, and how the first convolution is called there.
NETWORKS = {
    "googlenet_bn": ("googlenet", "conv1"),
    "resnet50": ("resnet50", "conv1"),
    "densenet121": ("densenet121", "conv0"),
}
# All three begin with 64 windows of 7x7 at every second place: 112x112 of them, 9,408 weights (and
# 128 of the norm after it), 118,013,952 multiply-adds.
SAYS = {
    "kernel": r"conv 7×7|\(7, 7\)|\b7x7\b",
    "stride": r"7/2|stride",
    "name": "{name}",
    "shape": r"112 ?[×x,] ?112",
    "parameters": r"9[.,]?408|9\.41 ?k|9[.,]?536|9\.54 ?k",
    "MACs": r"118(\.0\d*)? ?M|118[.,]?013",
    "folds": r"(?m)^[×x] ?\d+\b",
}
_TITLE = r"\b[^>]*>\n<title>([^<]*)</title>"


@dataclass(frozen=True, slots=True)
class Drawn:
    """A diagram: how many nodes and boxes it has, and its text ("" where it was only counted)."""

    nodes: int
    boxes: int = 0
    text: str = ""

    @classmethod
    def of(cls, dot: str) -> Drawn:
        svg = graphviz.picture(dot, "svg", engine="graphviz-pure").decode()
        words = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
        text = "\n".join(map(unescape, words)).replace("\xa0", " ")
        nodes, boxes = (
            [title.removeprefix("cluster ") for title in re.findall(f'class="{kind}' + _TITLE, svg)]
            for kind in ("node", "cluster")
        )
        boxes = [title for title in boxes if not title.endswith(" middle")]  # archc's, unseen
        return cls(len([title for title in nodes if title not in boxes]), len(boxes), text)

    def says(self, name: str) -> str:
        found = (
            word for word, sign in SAYS.items() if re.search(sign.format(name=name), self.text)
        )
        return ", ".join(found) or "nothing" if self.text else "not drawn"

    @property
    def size(self) -> str:
        return f"{self.nodes} ({self.boxes})" if self.boxes else str(self.nodes)


def by_archc(view: DrawStyle) -> Callable[[str], Drawn]:
    def draw(name: str) -> Drawn:
        return Drawn.of(archc.load(name).analysis.draw(view.view, depth=view.depth))

    return draw


def by_torchview(**settings: Any) -> Callable[[str], Drawn]:
    def draw(name: str) -> Drawn:
        import torchview

        made = torchview.draw_graph(
            _model(name), input_size=(1, 3, 224, 224), device="meta", mode="train", **settings
        )
        return Drawn.of(made.visual_graph.source)

    return draw


def by_torchlens(**settings: Any) -> Callable[[str], Drawn]:
    def draw(name: str) -> Drawn:
        import torch
        import torchlens

        trace = torchlens.trace(_model(name), torch.zeros(1, 3, 224, 224))
        with tempfile.TemporaryDirectory() as folder:
            made = trace.draw(
                vis_save_only=True,
                vis_fileformat="dot",
                vis_outpath=str(Path(folder) / "graph"),
                return_graph=True,
                order_siblings=False,  # where things stand counts for nothing here
                layout="dot",
                **settings,
            )
        return Drawn.of(made.source)

    return draw


def by_onnx(name: str) -> Drawn:
    """The nodes of the file that Netron draws, its inputs and outputs too; for inference."""
    import torch

    model = _model(name).eval()
    program = torch.onnx.export(model, (torch.zeros(1, 3, 224, 224),), dynamo=True, verbose=False)
    assert program is not None
    graph = program.model_proto.graph
    inner = [node for node in graph.node if node.op_type != "Constant"]
    return Drawn(len(inner) + len(graph.input) + len(graph.output))


TOOLS: dict[str, tuple[str, Callable[[str], Drawn]]] = {
    "archc": ("", by_archc(DrawStyle())),
    "archc --depth 1": ("", by_archc(DrawStyle(depth=1))),
    "archc --depth 0": ("", by_archc(DrawStyle(depth=0))),
    "torchview": ("torchview", by_torchview()),
    "torchview, all depths nested": ("torchview", by_torchview(depth=99, expand_nested=True)),
    "torchlens": ("torchlens", by_torchlens()),
    'torchlens, fold_repeats, node_mode="profiling"': (
        "torchlens",
        by_torchlens(fold_repeats=True, node_mode="profiling"),
    ),
    'torchlens, collapse="auto"': ("torchlens", by_torchlens(collapse="auto")),
    "ONNX file, as Netron opens it": ("onnx", by_onnx),
}


def _model(name: str) -> Any:
    import torchvision

    torchvision_name, _ = NETWORKS[name]
    settings = {"init_weights": False} if torchvision_name == "googlenet" else {}
    return getattr(torchvision.models, torchvision_name)(weights=None, **settings).train()


def rows() -> Iterator[list[str]]:
    for tool, (package, draw) in TOOLS.items():
        try:
            release = version(package) if package else archc.__version__
            made = {name: draw(name) for name in NETWORKS}
        except (ImportError, PackageNotFoundError) as error:
            print(f"{tool}: left out, {error}", file=sys.stderr)
            continue
        says = {made[name].says(NETWORKS[name][1]) for name in NETWORKS}
        counts = [made[name].size for name in NETWORKS]
        yield [tool, release, *counts, " / ".join(sorted(says))]


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        # Tools that look for `dot` find the engine that archc uses.
        (Path(folder) / "dot").symlink_to(graphviz.find("graphviz-pure"))
        os.environ["PATH"] = os.pathsep.join((folder, os.environ["PATH"]))
        head = ["tool", "release", *NETWORKS, "says of the first convolution"]
        print("|", " | ".join(head), "|")
        print("|", " | ".join(["---", "---", *["---:"] * len(NETWORKS), "---"]), "|")
        for row in rows():
            print("|", " | ".join(row), "|", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
