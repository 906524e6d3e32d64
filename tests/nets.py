"""What several tests share: a text's network, weights that show, files without fault."""

from __future__ import annotations

import atexit
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import pytest

import archc
from archc import api
from archc.source import Limits, Source


def net_of(text: str, limits: Limits | None = None) -> archc.Net:
    """The network of a text without mistakes."""
    analysis = api.analyze(Source("test.arch", text), limits=limits)
    assert analysis.ok, [d.title for d in analysis.diagnostics]
    return archc.Net(analysis)


def small(name: str) -> archc.Net:
    """A bundled network on the smallest image of 64 pixels and more that it can take.

    Of 16 for one that does not make its images smaller, and would be long about them.
    """
    net = archc.load(name)
    assert net.analysis.plan is not None
    for x in net.analysis.plan.body.inputs:
        assert x.shape is not None
        dims = tuple(map(int, x.shape.dims))
        for size in (64, 96, 128, 188) if dims[-1] > 64 else (16,) if net.macs > 1e10 else ():
            if len(dims) > 2 and size < dims[-1]:
                path = archc.bundled()[name]
                made = api.analyze(
                    api.source_of(path), project=path.parent, inputs={"": (*dims[:-2], size, size)}
                )
                if made.ok:
                    return archc.Net(made)
    return net


# One of each kind: towers, dense blocks, columns, heads, rows, residual blocks, drop-path.
VARIED = frozenset(
    "alexnet_2gpu densenet_40_12 fractalnet googlenet lenet5 resnet50"
    " squeezenet1_0_simple_bypass stochastic_depth_resnet110 vgg11".split()
)


# Of the bundled networks with the same operators and blocks, the one with the fewest MACs. What is
# slow, and hangs on operators and blocks but not on how many there are, is tried on these.
ONE_OF_EACH = frozenset(
    "alexnet_2gpu alexnet_owt convnext_tiny dcgan_discriminator dcgan_generator"
    " deeplabv3_resnet50 densenet121 densenet_40_12 edsr_x2 efficientnet_b0 efficientnet_v2_s"
    " fcn_resnet50 fractalnet googlenet googlenet_bn inception_bottleneck inception_v3 lenet"
    " lenet5 lraspp_mobilenet_v3_large mnasnet0_5 mobilenet_v2 mobilenet_v3_small nin_cifar10"
    " plain18 plain20 preact_resnet164 preact_resnet200 r2plus1d_18 r3d_18 regnet_x_400mf"
    " regnet_y_400mf resnet18 resnet20 resnet50 resnet50_fpn resnext29_8x64d"
    " shufflenet_v2_x0_5 squeezenet1_0_simple_bypass squeezenet1_1 stochastic_depth_resnet110"
    " unet vgg11 vgg11_bn wrn_40_4 yolov3_tiny".split()
)


def varied(names: Iterable[str], always: Collection[str] = VARIED) -> list[Any]:
    """Return a test's parameters: some run always, the others with the slow tests."""
    return [n if n in always else pytest.param(n, marks=pytest.mark.slow) for n in names]


def randomise(module: Any) -> None:
    """Weights and statistics that differ everywhere, and keep signals at their size."""
    import torch

    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if not tensor.is_floating_point():
                tensor.fill_(3)
            elif tensor.dim() > 1:
                tensor.normal_(0, (2 / tensor[0].numel()) ** 0.5)
            elif name.endswith(("weight", "running_var")):
                tensor.uniform_(0.5, 1.5)
            else:
                tensor.normal_(0, 0.1)


# What of ruff's `ALL` generated files need not keep, and why.
WAIVED = {
    "A002": "`min` and `max` of a clamp are called as in torch",
    "ANN401": "`from_training(**arguments)` and what is checkpointed take anything",
    "ARG002": "an input that a network does not use is one of its arguments all the same",
    "COM812": "the formatter's own business, says ruff",
    "CPY001": "a generated file is its user's",
    "D102": "`forward` says its shapes in the class's docstring",
    "D107": "`__init__` has its arguments in the class's docstring",
    "D105": "the same of what Python calls by itself",
    "D203": "contradicts D211",
    "D205": "a block's comment, and a long title, are the user's text",
    "D213": "contradicts D212",
    "D301": "a backslash in a user's text is written as two",
    "D401": "a support class's docstrings say what it gives",
    "E501": "a user's name or text may be long; test_random_networks holds the other lines",
    "EM102": "one exception, whose text names a key",
    "FBT001": "flags are a network's arguments, as in torch",
    "FBT002": "the same",
    "FBT003": "the same",
    "INP001": "where a file lies is its user's choice",
    "N801": "a class is called as the network or block is",
    "N812": "`import torch.nn.functional as F` is how all the world writes it",
    "N803": "an argument is called as the file's parameter is",
    "N806": "the same of a variable",
    "PLR0911": "an `if` of the file is an `if` here",
    "PLR0912": "the same",
    "PLR0913": "a block has as many parameters as its user gave it",
    "PLR0915": "a file without blocks has one long `forward`",
    "PLR0917": "as PLR0913",
    "PLR2004": "numbers of the architecture stand where the file has them",
    "C901": "as PLR0912",
    "PERF401": "a loop of the file is a loop here",
    "PLR0124": "a test asks what the file asks",
    "PLR1714": "as PLR0124",
    "SIM109": "as PLR0124",
    "SIM108": "an `if` of the file is an `if` here",
    "SIM223": "as PLR0124",
    "SIM300": "a test compares in the order in which the file does",
    "TRY003": "as EM102",
}


# What a training script need not keep either.
WAIVED_IN_SCRIPTS = {
    "BLE001": "torch and Pillow raise whatever the bytes of a file lead to",
    "PLC0415": "packages that may be missing are imported where they are used",
    "T201": "it is a program",
}


def check_tidy(folder: Path, *waived: str) -> None:
    """Ruff would format no file otherwise, and its `ALL` less `WAIVED` warns of nothing."""
    ignored = ",".join((*WAIVED, *waived))
    strict = ["--select", "ALL", "--ignore", ignored, "--output-format=concise"]
    for command in (["format", "--diff"], ["check", *strict]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--isolated", "--no-cache", str(folder)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[:4000] + done.stderr[-500:]


# What mypy has found out of torch, which takes it longer than any file of ours: a process's own.
_MYPY = tempfile.TemporaryDirectory(prefix="archc-mypy-")
atexit.register(_MYPY.cleanup)


def check_typed(folder: Path, *options: str) -> None:
    """Mypy, as strict as it can be, has nothing to say of the files."""
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", _MYPY.name, *options, "."],
        capture_output=True, text=True, check=False, cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[:4000]
