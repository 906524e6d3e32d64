"""docs/lecture.md: its commands print what it shows, and that is what the figures come to.

`reference/lecture_figures.json` has the lecture's 43 figures, computed without archc.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import archc
from archc import cli
from archc.recipe.optimizers import Sgd
from archc.report.summary import Summary

TEXT = (Path(__file__).parents[1] / "docs" / "lecture.md").read_text(encoding="utf-8")
FACTS: dict[str, dict[str, Any]] = {
    fact["id"]: fact
    for fact in json.loads(
        (Path(__file__).parent / "reference" / "lecture_figures.json").read_text("utf-8")
    )
}
SECTIONS = dict(re.findall(r"<!-- ([\w.-]+) -->(.*?)(?=\n##|\Z)", TEXT, re.DOTALL))
PROGRAMS = dict(re.findall(r"^```arch (\w+\.arch)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL))
VERDICTS = {True: "Holds", False: "Does not hold", "partly": "Holds in part", None: "Not checked"}


def shown(text: str) -> Iterator[tuple[str, list[str]]]:
    """The commands of a piece of the document, and the lines that they are said to print."""
    for block in re.findall(r"^```console\n\$ (.*?)^```$", text, re.MULTILINE | re.DOTALL):
        command, *lines = block.splitlines()
        yield command, lines


COMMANDS = [(command, lines) for text in SECTIONS.values() for command, lines in shown(text)]


@cache
def summary(name: str) -> Summary:
    return archc.load(name).summary()


def nodes(name: str) -> dict[str, dict[str, Any]]:
    return {node["name"]: node for node in summary(name).to_dict()["nodes"]}


# --- the document as a whole -------------------------------------------------------------


def test_it_has_every_figure_and_its_verdict() -> None:
    assert len(FACTS) == 43
    assert set(SECTIONS) == set(FACTS)
    for name, fact in FACTS.items():
        assert SECTIONS[name].startswith(f"**{VERDICTS[fact['holds']]}.**"), name
        assert list(shown(SECTIONS[name])), f"{name} has no command"


def test_it_counts_them() -> None:
    found = [fact["holds"] for fact in FACTS.values()]
    head = " ".join(TEXT.partition("\n## ")[0].split())
    said = f"{found.count(True)} hold, {found.count('partly')} hold in part, "
    assert f"{said}{found.count(False)} do not, and {found.count(None)} are" in head
    assert head.count("|") == 3 * (found.count(False) + 2)


@pytest.mark.parametrize(("command", "lines"), COMMANDS, ids=lambda value: str(value)[:60])
def test_its_commands_print_what_it_shows(
    command: str,
    lines: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    """Line by line; `…` stands for any lines."""
    monkeypatch.chdir(tmp_path)
    for name, text in PROGRAMS.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    program, *argv = shlex.split(command)
    assert program == "archc"
    assert cli.main(argv) == 0
    out, err = capfdbinary.readouterr()
    assert err == b""
    text = "\n".join(line.rstrip() for line in out.decode().splitlines())
    pieces = "\n".join(lines).split("…")
    pattern = r"(?:.*\n)*?".join(re.escape(piece.lstrip("\n")) for piece in pieces)
    ending = r"(?:.*\n?)*" if lines[-1] == "…" else r"\s*"
    assert re.fullmatch(pattern + ending, text), text


# --- each figure -------------------------------------------------------------------------

# What the commands print of each, in the words of the reference (spaces and commas aside).
PRINTED: dict[str, tuple[str, ...]] = {
    "alexnet-conv1-size": ("55x55x96",),
    "alexnet-conv1-params": ("34,848", "34,944"),
    "alexnet-pool1-size": ("27x27x96",),
    "alexnet-pool1-params": (),
    "alexnet-table": ("62,378,344", "60,965,224"),
    "alexnet-order": (),
    "alexnet-gpu-split": ("conv2", "conv4", "conv5"),
    "alexnet-layers": ("8",),
    "alexnet-ensemble": ("18.2",),
    "alexnet-batch": ("128",),
    "zfnet-error": ("16.4", "11.7"),
    "zfnet-changes": ("386,548,840", "107,627,624", "62,357,608"),
    "vgg-receptive-field": ("7",),
    "vgg-27-vs-49": (),
    "vgg16-row-params": (),
    "vgg16-row-memory": (),
    "vgg16-total-memory": ("15,237,608", "60.95 MB"),
    "vgg16-total-params": ("138,344,128", "138,357,544"),
    "vgg16-where": (),
    "vgg-error": (),
    "googlenet-22": ("22",),
    "googlenet-no-fc": ("1,025,000",),
    "googlenet-5m": ("6,998,552", "13,378,280", "6,624,904", "13,004,888"),
    "googlenet-12x": (),
    "inception-naive-sizes": ("28x28x128", "x192", "x96", "x256", "672"),
    "inception-naive-ops": ("854,196,224", "25,690,112", "346,816,512", "481,689,600"),
    "inception-bottleneck-ops": (
        "271,351,808",
        "12,845,056",
        "25,690,112",
        "86,704,128",
        "120,422,400",
    ),
    "inception-bottleneck-depth": ("28x28x480",),
    "googlenet-3-outputs": ("4a", "4d", "0.3"),
    "googlenet-error": (),
    "resnet-3.57": ("6.7", "152"),
    "resnet-two-3x3": (),
    "resnet-52": ("152",),
    "resnet-depths": ("34", "50", "101", "152", "18"),
    "resnet-weight-decay": (),
    "resnet-lr-etc": ("0.1", "256", "0.9"),
    "resnet-init": (),
    "resnet-no-fc": ("513,000", "2,049,000"),
    "compare-ops": (),
    "wrn-50-beats-152": ("21.9", "68,883,240", "60,192,808"),
    "sd-test": (),
    "squeezenet-50x": ("60,965,224", "62,378,344", "1,248,424"),
    "squeezenet-510x": (),
}


@pytest.mark.parametrize("name", FACTS)
def test_the_figures_are_printed(name: str) -> None:
    """What is shown (and so printed) has the figures of the reference."""
    fact = FACTS[name]
    reference = _plain(" ".join(str(fact[key]) for key in ("claim", "computed", "note")))
    reference += _plain(fact["lecture_quote"])
    printed = _plain(" ".join(line for _, lines in shown(SECTIONS[name]) for line in lines))
    for figure in PRINTED[name]:
        assert _plain(figure) in reference, "the reference says so"
        assert _plain(figure) in printed, "and so does archc"


def _plain(text: str) -> str:
    return re.sub(r"[,\s]", "", text)


def derived(name: str, **figures: str) -> None:
    """Figures that follow from what is printed stand in the reference and in the document."""
    fact = FACTS[name]
    reference = " ".join(str(fact[key]) for key in ("claim", "computed", "note"))
    for what, figure in figures.items():
        assert figure in reference, (what, figure)
        assert figure in SECTIONS[name], (what, figure)


def test_alexnets_table() -> None:
    """14 rows of the slide, and which operators have weights for both GPUs."""
    sizes = [
        (96, 55, 55), (96, 27, 27), (96, 27, 27), (256, 27, 27), (256, 13, 13), (256, 13, 13),
        (384, 13, 13), (384, 13, 13), (256, 13, 13), (256, 6, 6), (4096,), (4096,), (1000,),
    ]  # fmt: skip
    idle = ("relu", "dropout", "flatten")
    rows = [node["shape"] for node in nodes("alexnet").values() if node["op"] not in idle]
    assert [summary("alexnet").table.inputs[0][1].dims, *rows] == [(3, 227, 227), *sizes]
    groups = {n for n, node in nodes("alexnet_2gpu").items() if " g2" in node["statement"]}
    assert groups == {"norm1", "conv2", "norm2", "conv4", "conv5"}
    derived("alexnet-conv1-size", exact=f"{(224 - 11) / 4 + 1:.2f}")


def test_vggs_memory_and_weights() -> None:
    totals = summary("vgg16").to_dict()["totals"]
    vgg = nodes("vgg16").values()
    values, image = totals["memory"], 224 * 224 * 3
    convolutions = sum(node["activations"] for node in vgg if node["op"] == "conv")
    classifier = sum(node["weights"] for node in vgg if node["op"] == "fc")
    derived(
        "vgg16-total-memory",
        values=f"{values:,}",
        megabytes=f"{values * 4 / 1e6:.2f} MB",
        mebibytes=f"{values * 4 / 2**20:.2f} MiB",
        without_the_input=f"{values - image:,}",
        with_relu=f"{values + convolutions:,}",
    )
    share = (100 * convolutions / values, 100 * classifier / totals["weights"])
    derived("vgg16-where", memory=f"{share[0]:.1f}", weights=f"{share[1]:.1f}")
    assert "27 C" in FACTS["vgg-27-vs-49"]["computed"]
    assert (27 * 64**2, 49 * 64**2) == (110_592, 200_704)


def test_googlenets_parameters() -> None:
    net = nodes("googlenet")
    heads = sum(node["params"] for node in net.values() if node["aux"])
    main = summary("googlenet").params - heads
    bare = main - net["fc"]["params"]
    derived("googlenet-no-fc", heads=f"{heads:,}", fc=f"{net['fc']['params']:,}")
    derived("googlenet-5m", main=f"{main:,}", bare=f"{bare:,}")
    grouped, single = (summary(name).params for name in ("alexnet_2gpu", "alexnet"))
    derived(
        "googlenet-12x",
        grouped=f"{grouped / main:.2f}",
        single=f"{single / main:.2f}",
        grouped_bare=f"{grouped / bare:.2f}",
        single_bare=f"{single / bare:.2f}",
    )


def test_inceptions_operations() -> None:
    naive, bottleneck = (summary(f"inception_{kind}").macs for kind in ("naive", "bottleneck"))
    wide = nodes("inception_bottleneck")["b3x3"]["macs"]
    derived(
        "inception-bottleneck-ops",
        total=f"{bottleneck:,}",
        twice=f"{bottleneck + wide:,}",
        saving=f"{naive / bottleneck:.2f}",
        said=f"{naive / (bottleneck + wide):.2f}",
    )


def test_resnets() -> None:
    def kernels(name: str) -> list[str]:
        block = [n for key, n in nodes(name).items() if key.startswith("layer1.1.conv")]
        return [str(node["statement"]).split()[1] for node in block]

    assert kernels("resnet18") == kernels("resnet34") == ["3x3", "3x3"]
    for name in ("resnet50", "resnet101", "resnet152"):
        assert kernels(name) == ["1x1", "3x3", "1x1"]
        ops = [node["op"] for node in nodes(name).values()]
        assert ops.count("fc") == 1
        assert "dropout" not in ops
        assert all(after == "bn" for op, after in pairwise(ops) if op == "conv")
    derived("resnet-weight-decay", decay=f"{1e-4:.0e}".replace("e-04", "e-4"))
    (optimizer,) = archc.load("resnet50").analysis.facts.train["optimizer"]
    assert isinstance(optimizer, Sgd)
    assert optimizer.weight_decay == 1e-4


def test_comparisons() -> None:
    names = ("alexnet_2gpu", "alexnet", "googlenet", "resnet152", "vgg16", "vgg19")
    macs = [summary(name).macs for name in names]
    assert macs == sorted(macs)
    computed = FACTS["compare-ops"]["computed"]
    for name, count in zip(names, macs, strict=True):
        digits = 1 if name == "resnet152" else 2
        assert f"{count / 1e9:.{digits}f}" in computed, name
    tower, grouped, small = (
        summary(name).params for name in ("alexnet", "alexnet_2gpu", "squeezenet1_0")
    )
    derived("squeezenet-50x", tower=f"{tower / small:.2f}", grouped=f"{grouped / small:.2f}")
    derived("squeezenet-510x", size=f"{small * 4 / 2**20:.2f} MiB", ratio=f"{240 / 0.47:.0f}")
    wide, deep = summary("wide_resnet50_2").macs, summary("resnet152").macs
    assert (
        f"MACs {wide / 1e9:.2f} G against {deep / 1e9:.2f} G"
        in (FACTS["wrn-50-beats-152"]["computed"])
    )
