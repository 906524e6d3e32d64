"""Small forms that people's own networks need, held against formulas written with torch alone.

The files in `faults/language/` are programs that could not be said; what is said of them here is
what must come out.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from nets import net_of, randomise
from torch import Tensor

from archc.api import Analysis, analyze
from archc.source import Source

FAULTS = Path(__file__).parent / "faults" / "language"
pytestmark = pytest.mark.usefixtures("one_thread")


def text_of(name: str) -> str:
    return (FAULTS / f"{name}.arch").read_text("utf-8")


def module_of(text: str, seed: int = 0) -> Any:
    """The class that is built of a text, in float64, with weights that differ everywhere."""
    torch.manual_seed(seed)
    module = net_of(text).module().double()
    randomise(module)
    return module


def checked(text: str) -> Analysis:
    return analyze(Source("test.arch", text))


def codes(text: str) -> list[str]:
    return [d.code for d in checked(text).diagnostics]


def same(text: str, formula: Callable[..., Tensor], *sizes: tuple[int, ...]) -> None:
    """Values and gradients of a network are those of a formula of its weights and inputs."""
    module = module_of(text)
    state = {k: v.detach().clone() for k, v in module.state_dict().items()}
    trained = [name for name, _ in module.named_parameters()]
    for name in trained:
        state[name].requires_grad_()
    xs = [torch.randn(3, *size, dtype=torch.float64) for size in sizes]
    mine, theirs = ([x.clone().requires_grad_() for x in xs] for _ in range(2))
    found, expected = module.train()(*mine), formula(state, *theirs)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-10)
    weights = torch.linspace(0.5, 1.5, found.numel(), dtype=found.dtype).view(found.shape)
    for result in (found, expected):
        (result * weights).sum().backward()
    for a, b in zip(mine, theirs, strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-8, atol=1e-10)
    for name in trained:
        torch.testing.assert_close(
            module.get_parameter(name).grad, state[name].grad, rtol=1e-8, atol=1e-10
        )


# --- sizes and constants -----------------------------------------------------------------


def test_a_causal_convolution_is_chomped() -> None:
    def formula(w: dict[str, Tensor], x: Tensor) -> Tensor:
        y = F.conv1d(x, w["conv1.weight"], w["conv1.bias"], padding=4, dilation=2)
        return y[:, :, :-4].relu()

    same(text_of("no_one_sided_crop"), formula, (8, 100))


def test_crop_takes_rows_off_each_end() -> None:
    text = "network Net\ninput 9x8 x2\ncrop before=1x0 after=2x3\n"
    same(text, lambda w, x: x[:, :, 1:7, :5], (2, 9, 8))
    same("network Net\ninput 9x8 x2\ncrop 1 after=3\n", lambda w, x: x[:, :, 1:6, 1:5], (2, 9, 8))
    assert codes("network Net\ninput 8 x2\ncrop before=4 after=4\n") == ["A202"]
    assert codes("network Net\ninput 8 x2\ncrop after=4 to=2\n") == ["A305"]
    assert codes("network Net\ninput 8 x2\ncrop\n") == ["A302"]


def test_a_constant_is_added() -> None:
    def formula(w: dict[str, Tensor], x: Tensor) -> Tensor:
        return F.conv2d(x - 0.4488, w["conv1.weight"], w["conv1.bias"], padding=1)

    same(text_of("no_constant_add"), formula, (3, 48, 48))
    same("network Net\ninput x8\nplus 0.5; div 4; plus -1\n", lambda w, x: (x + 0.5) / 4 - 1, (8,))
    text = "network Net\nparam a = 0.5\ninput x8\nfor i in 1..3 { plus (a * i); div (i + a) }\n"
    same(text, lambda w, x: (((x + 0.5) / 1.5 + 1.0) / 2.5 + 1.5) / 3.5, (8,))
    assert codes("network Net\ninput x8\ndiv 0\n") == ["A305"]


def test_a_map_is_resized_by_a_fraction() -> None:
    def formula(w: dict[str, Tensor], x: Tensor) -> Tensor:
        x = F.interpolate(x, scale_factor=0.5)
        x = F.conv2d(x, w["conv1.weight"], w["conv1.bias"], padding=1)
        return F.interpolate(x, scale_factor=1.5, mode="bilinear")

    same(text_of("upsample_fraction"), formula, (8, 64, 64))
    text = "network Net\nparam f = 0.75\ninput 9x7 x2\nupsample (f)x(2*f) bilinear\n"
    same(text, lambda w, x: F.interpolate(x, scale_factor=(0.75, 1.5), mode="bilinear"), (2, 9, 7))
    assert net_of(text).output == (2, 6, 10)
    for factor in ("0", "-0.5", "0.01"):
        assert codes(f"network Net\ninput 8x8 x2\nupsample {factor}\n") in (["A303"], ["A202"])


# --- merges ------------------------------------------------------------------------------


def test_a_single_channel_is_stretched_by_all_that_is_element_by_element() -> None:
    def formula(w: dict[str, Tensor], x: Tensor) -> Tensor:
        for name, stride in (("conv1", 4), ("conv2", 2), ("conv3", 1)):
            x = F.conv2d(x, w[f"{name}.weight"], w[f"{name}.bias"], stride).relu()
        x = x.flatten(1)
        fc1 = F.linear(x, w["fc1.weight"], w["fc1.bias"]).relu()
        fc2 = F.linear(x, w["fc2.weight"], w["fc2.bias"]).relu()
        value = F.linear(fc1, w["v.weight"], w["v.bias"])
        advantage = F.linear(fc2, w["a.weight"], w["a.bias"])
        return value + advantage

    same(text_of("add_scalar_to_vector"), formula, (4, 84, 84))
    one = "network Net\ninput a 5x4 x3\ninput b 5x4 x1\n"
    size = ((3, 5, 4), (1, 5, 4))
    same(one + "sub< @a | @b >\n", lambda w, a, b: a - b, *size)
    same(one + "mean< @b | @a >\n", lambda w, a, b: (a + b) / 2, *size)
    same(one + "max< @a | @b >\n", lambda w, a, b: torch.maximum(a, b), *size)


def test_a_residual_body_of_one_channel_is_a_mistake() -> None:
    assert codes("network Net\ninput 8x8 x3\nresidual< conv 3x3 p1 x1 >\n") == ["A207"]
    assert codes("network Net\ninput 8x8 x3\nadd< | conv 3x3 p1 x1 >\n") == []


@pytest.mark.parametrize("merge", ["concat", "add", "mul"])
@pytest.mark.parametrize("size", ["8x8 x3", "1x1 x7", "8 x3"])
def test_a_vector_and_a_map_are_told_what_to_write(merge: str, size: str) -> None:
    """Every cure that is named, written at its branch, is one."""
    text = f"network Net\ninput image {size}\ninput info x7\n{merge}< @image | @info >\n"
    (found,) = checked(text).diagnostics
    assert found.code == "A207"
    cures = [part for part in found.helps[0].split("`")[1::2] if part.startswith(("unfl", "fc 3"))]
    assert cures
    assert codes(text.replace("@info", f"@info; {cures[0]}")) == []
    if merge == "concat":
        assert "with `flatten`" in found.helps[0]
        assert codes(text.replace("@image", "@image; flatten")) == []
