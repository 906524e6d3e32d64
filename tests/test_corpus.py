"""What people write who know another tool: the first hint leads to the line that they mean.

`corpus/habits.txt` has the lines, and the right one beside each.
"""

from __future__ import annotations

import inspect
import re
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from nets import net_of
from torch import nn

from archc.api import Analysis, analyze
from archc.habits.table import habits, rows_of
from archc.source import Diagnostic, Source, edited

CORPUS = Path(__file__).parent / "corpus" / "habits.txt"
_LEAST = 0.95  # of the lines lead to the right one at the first hint


@dataclass(frozen=True)
class Line:
    """A line of the corpus. `right` is empty for what archc lacks and for a line that goes."""

    context: str
    before: str
    after: str
    wrong: str
    right: str
    lacks: str = ""
    missed: bool = False  # no hint leads there

    def file(self, line: str) -> str:
        return f"{self.before}{line}\n{self.after}"


def lines() -> Iterator[Line]:
    context, before, after = "", "", ""
    behind = False
    for line in CORPUS.read_text("utf-8").splitlines():
        wrong, arrow, right = (
            part.strip().replace("\\n", "\n") for part in line.rpartition(" => ")
        )
        if line.startswith("#"):
            continue
        if arrow:
            lacks = right[1:] if right.startswith("!") else ""
            missed = right.startswith("?")
            right = "" if lacks or right == "-" else right.lstrip("?")
            yield Line(context, before, after, wrong, right, lacks, missed)
        elif line.startswith("["):
            context, before, after, behind = line.strip("[]"), "", "", False
        elif line.startswith("..."):
            behind = True
        elif behind:
            after += line[2:] + "\n"
        elif line:
            before += line[2:] + "\n"


LINES = list(lines())


def check(text: str) -> Analysis:
    return analyze(Source("corpus.arch", text))


def network(analysis: Analysis) -> tuple[str, int, int]:
    """What was made, by the text that is generated for it."""
    return analysis.emit(), analysis.params, analysis.macs


def first_hint(line: Line) -> tuple[str, Diagnostic]:
    """The file after the first hint of the first mistake, and the mistake."""
    text = line.file(line.wrong)
    mistake = check(text).diagnostics[0]
    if not mistake.fixes:
        return text, mistake
    return edited(text, mistake.fixes[0].edits), mistake


def same_line(left: str, right: str) -> bool:
    """Equal but for spaces, which the formatter sets, and for empty lines."""

    def bare(text: str) -> str:
        return re.sub(r"\n+", "\n", re.sub(r"[ \t]*([;/])[ \t]*", r"\1", text))

    return bare(left) == bare(right)


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line.context}: {line.wrong[:60]}")
def test_the_first_hint_leads_to_the_line_that_is_meant(line: Line) -> None:
    text = line.file(line.wrong)
    analysis = check(text)
    assert analysis.diagnostics, "archc accepts it"
    after, mistake = first_hint(line)
    if line.lacks:
        assert mistake.title.startswith(f"archc has no {line.lacks}"), mistake.title
        assert not mistake.fixes
        return
    meant = check(line.file(line.right))
    assert meant.ok, [d.title for d in meant.diagnostics]
    arrived = same_line(after, line.file(line.right))
    assert arrived is not line.missed, f"{mistake.code} {mistake.title}: {after!r}"


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line.context}: {line.wrong[:60]}")
def test_no_hint_makes_another_network(line: Line) -> None:
    text = line.file(line.wrong)
    for diagnostic in check(text).diagnostics:
        for fix in diagnostic.fixes:
            made = check(edited(text, fix.edits))
            if made.ok and not line.lacks:
                meant = check(line.file(line.right))
                assert (made.params, made.macs, made.output) == (
                    meant.params,
                    meant.macs,
                    meant.output,
                )
            assert not (made.ok and line.lacks)


def test_every_layer_of_torch_is_known() -> None:
    """By its name, and its parameters by the names that torch gives them."""
    layers = {
        name: cls
        for name, cls in vars(nn).items()
        if inspect.isclass(cls) and issubclass(cls, nn.Module) and cls is not nn.Module
    }
    unknown = [name for name in layers if not rows_of(name)]
    assert not unknown
    for habit in habits():
        if habit.section != "torch.nn" or habit.parameters is None:
            continue
        for name in habit.names:
            for cls in {layers.get(name.replace("#", rank)) for rank in "123"} - {None}:
                assert cls is not None
                known = [*inspect.signature(cls).parameters]
                own = [p.name for p in habit.parameters]
                assert own == known[: len(own)] or set(own) <= set(known) | {"args"}, name


# keras.io/api/layers; `#` stands for 1, 2 and 3.
KERAS = """
    Input Dense EinsumDense Activation Embedding Masking Lambda Identity Conv#D SeparableConv1D
    SeparableConv2D DepthwiseConv1D DepthwiseConv2D Conv#DTranspose MaxPooling#D AveragePooling#D
    GlobalMaxPooling#D GlobalAveragePooling#D AdaptiveAveragePooling#D AdaptiveMaxPooling#D LSTM
    LSTMCell GRU GRUCell SimpleRNN SimpleRNNCell RNN StackedRNNCells TimeDistributed Bidirectional
    ConvLSTM#D TextVectorization Normalization SpectralNormalization Discretization
    CategoryEncoding HashedCrossing Hashing StringLookup IntegerLookup Resizing Rescaling
    CenterCrop RandomCrop RandomFlip RandomTranslation RandomRotation RandomZoom RandomContrast
    RandomBrightness AutoContrast AugMix CutMix Equalization MixUp RandAugment
    RandomColorDegeneration RandomColorJitter RandomErasing RandomElasticTransform
    RandomGaussianBlur RandomGrayscale RandomHue RandomInvert RandomPerspective
    RandomPosterization RandomSaturation RandomSharpness RandomShear Solarization
    MaxNumBoundingBoxes MelSpectrogram STFTSpectrogram Pipeline BatchNormalization
    LayerNormalization UnitNormalization GroupNormalization RMSNormalization Dropout
    SpatialDropout#D GaussianDropout AlphaDropout GaussianNoise ActivityRegularization
    GroupQueryAttention MultiHeadAttention Attention AdditiveAttention Reshape Flatten RepeatVector
    Permute Cropping#D UpSampling#D ZeroPadding#D Concatenate Average Maximum Minimum Add Subtract
    Multiply Dot ReLU Softmax LeakyReLU PReLU ELU TorchModuleWrapper FlaxLayer JaxLayer TFSMLayer
    Wrapper Layer
""".split()


def test_every_layer_of_keras_is_known() -> None:
    unknown = [name for name in KERAS if not rows_of(name.replace("#", "2"))]
    assert not unknown


def test_every_row_is_read() -> None:
    assert len(habits()) > 200
    assert all(row.form or row.lacks for row in habits())


def test_there_are_enough_lines_and_nearly_all_lead_on() -> None:
    assert len(LINES) >= 200
    assert len({(line.context, line.wrong) for line in LINES}) == len(LINES)
    right = [line for line in LINES if not line.missed]
    assert len(right) / len(LINES) >= _LEAST


# --- against torch ---------------------------------------------------------------------------

INPUTS = {
    "image": (3, 32, 32),
    "vector": (400,),
    "a signal": (8, 100),
    "a volume": (4, 8, 16, 16),
    "channels for pixel shuffle": (16, 8, 8),
}
NAMES = {"nn": nn, "torch": torch, "OrderedDict": OrderedDict}
TORCH = [
    line
    for line in LINES
    if line.right and re.match(r"(torch\.)?nn\.\w+\(", line.wrong) and line.context in INPUTS
]
FUNCTIONS = [
    line for line in LINES if line.right and re.match(r"(x|out) = (F|torch|x|out)\.", line.wrong)
]


def module_of(line: Line) -> nn.Module:
    return net_of("network Net\n" + line.file(line.right)).module().eval()


@pytest.mark.parametrize("line", TORCH, ids=lambda line: line.wrong[:60])
def test_the_right_line_is_the_layer_that_torch_makes(line: Line) -> None:
    layer = eval(line.wrong.rstrip(","), NAMES).eval()
    x = torch.randn(2, *INPUTS[line.context])
    layer(x)  # a lazy one takes its shape
    made = module_of(line)
    own, theirs = made.state_dict(), layer.state_dict()
    assert [v.shape for v in own.values()] == [v.shape for v in theirs.values()]
    made.load_state_dict(dict(zip(own, theirs.values(), strict=True)))
    torch.testing.assert_close(made(x), layer(x))


@pytest.mark.parametrize("line", FUNCTIONS, ids=lambda line: line.wrong[:60])
def test_the_right_line_is_what_torch_computes(line: Line) -> None:
    if line.context not in INPUTS:
        pytest.skip("of several tensors")
    x = torch.randn(2, *INPUTS[line.context])
    names = {"x": x, "out": x, "F": F, "torch": torch, "self": nn.Identity().eval()}
    expected = eval(line.wrong.partition("=")[2], names)
    if "dropout" not in line.wrong:
        torch.testing.assert_close(module_of(line)(x), expected)
    assert module_of(line)(x).shape == expected.shape
