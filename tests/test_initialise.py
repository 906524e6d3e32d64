"""`train { init ... }`: how weights start, against torch's own functions by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nets import check_tidy, check_typed, net_of

import archc
from archc.api import analyze
from archc.source import Source

torch = pytest.importorskip("torch")
nn = torch.nn

LABELLED = (Path(__file__).parent / "golden" / "init_labels" / "in.arch").read_text("utf-8")


def test_labels_in_groups_and_out_of_them() -> None:
    torch.manual_seed(0)
    net = net_of(LABELLED).module()
    for layer in (net.conv1, net.fc1, net.fc2):
        assert float(layer.weight.detach().std()) == pytest.approx(0.02, rel=0.3)
        assert (layer.bias == 0.5).all()
    for layer in (net.fc3, net.conv2):  # sqrt(6 / (fan_in + fan_out))
        fans = layer.weight[0].numel() + layer.weight[:, 0].numel()
        assert 0.8 < float(layer.weight.detach().abs().max()) / (6 / fans) ** 0.5 <= 1
    assert (net.stem.first.weight == 0.25).all()
    assert (net.stem.second.weight == 0.25).all()
    assert (net.stem.norm.weight == 0.125).all()
    assert (net.act.weight == 0.125).all()


def test_ruff_has_nothing_to_say(tmp_path: Path) -> None:
    (tmp_path / "labelled.py").write_text(net_of(LABELLED).source())
    check_tidy(tmp_path)


@pytest.mark.slow
def test_mypy_has_nothing_to_say(tmp_path: Path) -> None:
    (tmp_path / "labelled.py").write_text(net_of(LABELLED).source())
    check_typed(tmp_path)


def deepest(module: Any) -> float:
    """The spread of a 3x3 convolution from 64 to 64 channels."""
    return float(module.stage3.get_submodule("1").conv1.weight.detach().std())


HE, TORCH = (2 / (9 * 64)) ** 0.5, (1 / (3 * 9 * 64)) ** 0.5  # fan_out; torch's own: 0.058, 0.024


def test_made_on_meta_and_started_later_it_is_the_recipe() -> None:
    module = archc.load("resnet20").module(device="meta").to_empty(device="cpu")
    torch.manual_seed(0)
    module.init_weights()
    torch.manual_seed(0)
    other = archc.load("resnet20").module(device="meta").to_empty(device="cpu")
    for part in other.modules():  # as He et al. have it, and torch's own for the rest
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(part, nn.Linear | nn.BatchNorm2d):
            part.reset_parameters()
    for (name, tensor), theirs in zip(
        module.state_dict().items(), other.state_dict().values(), strict=True
    ):
        assert torch.equal(tensor, theirs), name


def test_a_network_has_no_reset_parameters() -> None:
    """By torch's contract that is for a module's own tensors, and a network has none of its own.

    So the usual loop starts layers alone, and whoever wants the recipe calls what is named so.
    """
    torch.manual_seed(0)
    module = archc.load("resnet20").module()
    assert deepest(module) == pytest.approx(HE, rel=0.02)
    assert not hasattr(module, "reset_parameters")
    for part in module.modules():
        if hasattr(part, "reset_parameters"):
            part.reset_parameters()
    assert deepest(module) == pytest.approx(TORCH, rel=0.02)
    module.init_weights()
    assert deepest(module) == pytest.approx(HE, rel=0.02)


def test_numbers_of_a_start_are_torchs() -> None:
    """`gain`, `mean`, `a` and `b`, each against torch's own function with the same seed."""
    net = net_of(
        "network Net\ninput 8x8 x3\n"
        "one: conv 3x3 x8; norm: bn; relu; two: conv 1x1 x8; relu; three: conv 1x1 x8; relu\n"
        "four: conv 1x1 x8; gap; flatten; fc 4\n"
        "train { init xavier one gain=1.5; init normal norm mean=1 std=0.02\n"
        "  init orthogonal two gain=0.5; init uniform three a=-0.25 b=0.125\n"
        "  init truncated_normal four std=2 a=-1.5 b=1.5 }\n"
    ).module()
    torch.manual_seed(0)
    net.init_weights()
    torch.manual_seed(0)
    init = nn.init
    starts: tuple[tuple[str, Callable[[Any], Any]], ...] = (
        ("one", lambda w: init.xavier_uniform_(w, gain=1.5)),
        ("norm", lambda w: init.normal_(w, mean=1.0, std=0.02)),
        ("two", lambda w: init.orthogonal_(w, gain=0.5)),
        ("three", lambda w: init.uniform_(w, a=-0.25, b=0.125)),
        ("four", lambda w: init.trunc_normal_(w, std=2.0, a=-1.5, b=1.5)),
    )
    for name, start in starts:
        weight = net.get_parameter(f"{name}.weight")
        assert torch.equal(weight, start(torch.empty_like(weight))), name


def test_a_vector_has_no_size_to_go_by() -> None:
    text = "network Net\ninput 8x8 x3\nconv 3x3 x8 nobias; norm: bn\ntrain { init he norm }\n"
    (found,) = analyze(Source("net.arch", text)).diagnostics
    assert found.title == "`init he` is for weights of two dimensions or more, not `norm`"
