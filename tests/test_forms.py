"""Small forms that people's own networks need, held against formulas written with torch alone.

The files in `faults/language/` are programs that could not be said; what is said of them here is
what must come out.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from nets import net_of, randomise
from torch import Tensor

from archc.api import Analysis, analyze
from archc.source import Diagnostic, Source

FAULTS = Path(__file__).parent / "faults" / "language"
pytestmark = pytest.mark.usefixtures("one_thread")


def told(diagnostic: Diagnostic) -> str:
    """Its cures, in words."""
    return "; ".join((*diagnostic.helps, *(fix.title for fix in diagnostic.fixes)))


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
    cures = [part for part in told(found).split("`")[1::2] if part.startswith(("unfl", "fc 3"))]
    assert cures
    assert codes(text.replace("@info", f"@info; {cures[0]}")) == []
    if merge == "concat":
        assert "with `flatten`" in told(found)
        assert codes(text.replace("@image", "@image; flatten")) == []


# --- padding -----------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:Using padding='same'")  # of torch's own
def test_same_keeps_the_size_with_even_windows() -> None:
    """The odd row is the last, as torch's own `padding="same"` has it."""

    def conv(w: dict[str, Tensor], x: Tensor) -> Tensor:
        return F.conv2d(x, w["conv1.weight"], w["conv1.bias"], padding="same")

    same(text_of("help_same_even_conv"), conv, (3, 8, 8))
    assert net_of(text_of("help_same_even_conv")).output == (4, 8, 8)

    def pool(w: dict[str, Tensor], x: Tensor) -> Tensor:
        return F.max_pool2d(F.pad(x, (0, 1, 0, 1), value=-torch.inf), 2, 1)

    same(text_of("help_same_even_pool"), pool, (512, 13, 13))
    text = "network Net\ninput 9 x4\navgpool 4/1 same{}\n"
    padded = F.pad(torch.ones(3, 4, 9, dtype=torch.float64), (1, 2))

    def mean(w: dict[str, Tensor], x: Tensor) -> Tensor:
        return F.avg_pool1d(F.pad(x, (1, 2)), 4, 1)

    same(text.format(""), mean, (4, 9))
    same(
        text.format(" nocount_pad"),
        lambda w, x: mean(w, x) / F.avg_pool1d(padded, 4, 1),
        (4, 9),
    )
    assert codes("network Net\ninput 8x8 x3\nconv 4x4/2 same x4\n") == ["A203"]
    for cure in ("before=1 after=2", "tfsame"):
        assert codes(f"network Net\ninput 8x8 x3\nconv 4x4/2 {cure} x4\n") == []


def tensorflow_same(x: Tensor, k: int, s: int, d: int = 1, value: float = 0.0) -> Tensor:
    """TensorFlow's own words: if n % s == 0, max(k - s, 0) in all, else max(k - n % s, 0)."""
    sides: list[int] = []
    for n in reversed(x.shape[2:]):
        reach = d * (k - 1) + 1
        total = max(reach - s, 0) if n % s == 0 else max(reach - n % s, 0)
        sides += [total // 2, total - total // 2]
    return F.pad(x, sides, value=value)


@pytest.mark.parametrize("size", [(16, 16), (15, 9), (7, 10)])
@pytest.mark.parametrize(
    ("k", "s", "d"), [(3, 2, 1), (5, 2, 1), (2, 2, 1), (4, 3, 1), (3, 1, 2), (1, 2, 1)]
)
def test_tensorflows_same(size: tuple[int, int], k: int, s: int, d: int) -> None:
    head = f"network Net\ninput {size[0]}x{size[1]} x3\n"

    def conv(w: dict[str, Tensor], x: Tensor) -> Tensor:
        x = tensorflow_same(x, k, s, d)
        return F.conv2d(x, w["conv1.weight"], w["conv1.bias"], s, dilation=d)

    same(f"{head}conv {k}x{k}/{s} d{d} tfsame x4\n", conv, (3, *size))

    def pool(w: dict[str, Tensor], x: Tensor) -> Tensor:
        return F.max_pool2d(tensorflow_same(x, k, s, d, -torch.inf), k, s, dilation=d)

    if d == 1:
        same(f"{head}pool {k}x{k}/{s} tfsame\n", pool, (3, *size))

    def mean(w: dict[str, Tensor], x: Tensor) -> Tensor:
        summed, there = (
            F.avg_pool2d(tensorflow_same(t, k, s), k, s) for t in (x, torch.ones_like(x))
        )
        return summed / there

    same(f"{head}avgpool {k}x{k}/{s} tfsame\n", mean, (3, *size))


def test_tensorflows_same_goes_by_the_size_that_comes() -> None:
    """A network for 16x16 takes 15x15 as TensorFlow would."""
    module = module_of("network Net\ninput 16x16 x3\nconv 3x3/2 tfsame x4\n")
    x = torch.randn(2, 3, 15, 15, dtype=torch.float64)
    w = module.state_dict()
    expected = F.conv2d(tensorflow_same(x, 3, 2), w["conv1.weight"], w["conv1.bias"], 2)
    torch.testing.assert_close(module(x), expected)


def test_padding_of_one_end() -> None:
    def causal(w: dict[str, Tensor], x: Tensor) -> Tensor:
        return F.conv1d(F.pad(x, (4, 0)), w["conv1.weight"], w["conv1.bias"], dilation=2)

    same("network Net\ninput 20 x3\nconv 3 d2 before=4 x4\n", causal, (3, 20))

    def reflected(w: dict[str, Tensor], x: Tensor) -> Tensor:
        x = F.pad(x, (1, 2, 1, 0), mode="reflect")
        return F.conv2d(x, w["conv1.weight"], w["conv1.bias"], 2)

    text = "network Net\ninput 9x8 x3\nconv 3x3/2 p1 after=0x2 reflect x4\n"
    same(text, reflected, (3, 9, 8))
    text = "network Net\ninput 13x13 x4\npool 2x2/1 after=1\n"
    same(
        text, lambda w, x: F.max_pool2d(F.pad(x, (0, 1, 0, 1), value=-torch.inf), 2, 1), (4, 13, 13)
    )
    assert codes("network Net\ninput 8x8 x3\npool 2x2/1 after=2\n") == ["A205"]
    assert codes("network Net\ninput 8x8 x3\npool to=2 after=1\n") == ["A305"]
    assert codes("network Net\ninput 8x8 x3\npool 2x2 tfsame ceil\n") == ["A305"]


@pytest.mark.filterwarnings("ignore:Using padding='same'")  # of torch's own
def test_one_block_pads_evenly_or_not() -> None:
    """Windows that are a parameter: the class has what each of its calls needs."""
    text = (
        "network Net\ninput 12x12 x3\nblock unit(k, s) { conv (k)x(k)/(s) tfsame x4; relu }\n"
        "unit(3, 1); unit(3, 2); unit(5, 2); unit(1, 1)\n"
        "block keep(k) { conv (k)x(k) same x4; pool (k)x(k)/1 same }\nkeep(2); keep(3); keep(4)\n"
    )

    def formula(w: dict[str, Tensor], x: Tensor) -> Tensor:
        for at, (k, s) in enumerate(((3, 1), (3, 2), (5, 2), (1, 1)), 1):
            name = f"unit{at}.conv1"
            x = tensorflow_same(x, k, s)
            x = F.conv2d(x, w[f"{name}.weight"], w[f"{name}.bias"], s).relu()
        for at, k in enumerate((2, 3, 4), 1):
            x = F.conv2d(x, w[f"keep{at}.conv1.weight"], w[f"keep{at}.conv1.bias"], padding="same")
            sides = ((k - 1) // 2, k // 2) * 2
            x = F.max_pool2d(F.pad(x, sides, value=-torch.inf), k, 1)
        return x

    same(text, formula, (3, 12, 12))


def test_same_at_a_stride_asks_which() -> None:
    """It pads as it always did, on both sides, and says so."""
    found = checked(text_of("same_with_stride"))
    (warning,) = found.diagnostics
    assert (warning.code, warning.span.line) == ("W120", 3)
    assert found.ok
    for cure, padding in (("p1", (1, 1)), ("tfsame", (0, 1))):
        assert f"`{cure}`" in told(warning)
        text = text_of("same_with_stride").replace("same", cure)
        assert codes(text) == []

        def conv(w: dict[str, Tensor], x: Tensor, ends: tuple[int, int] = padding) -> Tensor:
            return F.conv2d(F.pad(x, ends * 2), w["conv1.weight"], w["conv1.bias"], 2)

        same(text, conv, (3, 224, 224))
    assert codes("network Net\ninput 15x15 x3\nconv 3x3/2 same x4\n") == []  # they agree


# --- over the channels -------------------------------------------------------------------


def test_spatial_attention() -> None:
    """CBAM's: the mean and the maximum of the channels, a convolution, a gate."""

    def formula(w: dict[str, Tensor], x: Tensor) -> Tensor:
        seen = torch.cat([x.mean(1, keepdim=True), torch.max(x, 1, keepdim=True).values], 1)
        return x * F.conv2d(seen, w["conv1.weight"], w["conv1.bias"], padding=3).sigmoid()

    same(text_of("no_channel_reduction"), formula, (64, 14, 14))


def test_advantages_are_centred() -> None:
    text = "network Net\ninput x6\na: fc 4\nsub< @a | mean channel >\n"

    def formula(w: dict[str, Tensor], x: Tensor) -> Tensor:
        a = F.linear(x, w["a.weight"], w["a.bias"])
        return a - a.mean(1, keepdim=True)

    same(text, formula, (6,))


@pytest.mark.parametrize("size", [(), (5,), (5, 4), (3, 5, 4)])
def test_reductions_and_norms_over_channels(size: tuple[int, ...]) -> None:
    head = f"network Net\ninput {'x'.join(map(str, size))} x6\n"
    formulas: dict[str, Callable[[Tensor], Tensor]] = {
        "mean channel": lambda x: x.mean(1, keepdim=True),
        "sum channel": lambda x: torch.einsum("nc...->n...", x).unsqueeze(1),
        "max channel": lambda x: x.max(1, keepdim=True).values,
        "norm l2": lambda x: F.normalize(x),
        "norm eps=3.0 l2": lambda x: x / x.norm(dim=1, keepdim=True).clamp(min=3.0),
        "l2norm": lambda x: F.normalize(x),
        "pixelnorm": lambda x: x * (x.pow(2).mean(dim=1, keepdim=True) + 1e-8).rsqrt(),
    }
    for words, formula in formulas.items():
        same(f"{head}{words}\n", lambda w, x, f=formula: f(x), (6, *size))
        same(f"{head}{{ {words}; relu }}\n", lambda w, x, f=formula: f(x).relu(), (6, *size))


def test_combinators_and_their_words_keep_their_meaning() -> None:
    head = "network Net\ninput a 4x4 x3\ninput b 4x4 x3\n"
    same(head + "mean< @a | @b >\n", lambda w, a, b: (a + b) / 2, (3, 4, 4), (3, 4, 4))
    same(head + "max< @a | @b >\n", lambda w, a, b: a.maximum(b), (3, 4, 4), (3, 4, 4))
    (found,) = checked("network Net\ninput 4x4 x3\nmean\n").diagnostics
    assert found.code == "A408"
    assert "`mean channel`" in told(found)
    for word, cures in (("sum", ["sum channel"]), ("norm", ["norm l2"])):
        (found,) = checked(f"network Net\ninput 4x4 x3\n{word}\n").diagnostics
        assert found.code == "A101"
        for cure in cures:
            assert f"`{cure}`" in told(found)
            assert codes(f"network Net\ninput 4x4 x3\n{cure}\n") == []


def test_a_sum_of_branches_is_called_add() -> None:
    (found,) = checked(text_of("words_sum")).diagnostics
    assert (found.code, "`add<" in told(found)) == ("A101", True)
    assert codes(text_of("words_sum").replace("sum<", "add<")) == []


def test_softmax_over_branches() -> None:
    """Selective kernels (Li et al. 2019): what two branches weigh sums to one."""
    text = (
        "network Net\ninput 9x8 x4\n"
        "a: conv 3x3 p1 x4\n@in_; b: conv 3x3 p2 d2 x4\nadd< @a | @b >; gap; conv 1x1 x2; relu\n"
        "z: identity\n"
        "w: softmax< @z; conv 1x1 x4 | @z; conv 1x1 x4 >\n"
        "add< mul< @a | @w; chunk 0 > | mul< @b | @w; chunk 1 > >\n"
    ).replace("input 9x8", "input in_ 9x8")

    def formula(w: dict[str, Tensor], x: Tensor) -> Tensor:
        a = F.conv2d(x, w["a.weight"], w["a.bias"], padding=1)
        b = F.conv2d(x, w["b.weight"], w["b.bias"], padding=2, dilation=2)
        z = (a + b).mean((2, 3), keepdim=True)
        z = F.conv2d(z, w["conv1.weight"], w["conv1.bias"]).relu()
        logits = [F.conv2d(z, w[f"conv{at}.weight"], w[f"conv{at}.bias"]) for at in (2, 3)]
        shares = torch.softmax(torch.stack(logits), 0)
        return shares[0] * a + shares[1] * b

    same(text, formula, (4, 9, 8))
    assert codes("network Net\ninput 4x4 x3\nsoftmax< | conv 1x1 x4 >\n") == ["A207"]
    same("network Net\ninput x5\nsoftmax\n", lambda w, x: x.softmax(1), (5,))


def test_a_sample_is_random_while_training_and_the_mean_in_eval_mode() -> None:
    text = "network Net\ninput x3\nconcat< mu: fc 4 | logvar: fc 4 >; sample\n"
    module = module_of(text)
    w = module.state_dict()
    x = torch.randn(1, 3, dtype=torch.float64)
    mean = F.linear(x, w["mu.weight"], w["mu.bias"])
    torch.testing.assert_close(module.eval()(x), mean)
    torch.manual_seed(1)
    drawn = module.train()(x.expand(200_000, 3))
    deviation = (0.5 * F.linear(x, w["logvar.weight"], w["logvar.bias"])).exp()
    torch.testing.assert_close(drawn.mean(0, keepdim=True), mean, rtol=0, atol=0.02)
    torch.testing.assert_close(drawn.std(0, keepdim=True), deviation, rtol=0.01, atol=0)
    x.requires_grad_()
    torch.manual_seed(2)
    noise = torch.randn(1, 4, dtype=torch.float64)
    torch.manual_seed(2)
    found = torch.autograd.grad(module(x).sum(), x)
    log_variance = F.linear(x, w["logvar.weight"], w["logvar.bias"])
    expected = F.linear(x, w["mu.weight"], w["mu.bias"]) + torch.exp(0.5 * log_variance) * noise
    torch.testing.assert_close(found, torch.autograd.grad(expected.sum(), x))
    assert codes("network Net\ninput x3\nsample\n") == ["A209"]


# --- a linear layer at every position ----------------------------------------------------


@pytest.mark.parametrize("size", [(), (5,), (5, 4), (3, 5, 4)])
def test_fc_at_every_position(size: tuple[int, ...]) -> None:
    text = f"network Net\ninput {'x'.join(map(str, size))} x6\nfc 8 each; gelu; fc 3 each nobias\n"

    def formula(w: dict[str, Tensor], x: Tensor) -> Tensor:
        x = F.gelu(F.linear(x.movedim(1, -1), w["fc1.weight"], w["fc1.bias"]))
        return F.linear(x, w["fc2.weight"]).movedim(-1, 1)

    same(text, formula, (6, *size))
    shapes = {k: tuple(v.shape) for k, v in module_of(text).state_dict().items()}
    assert shapes == {"fc1.weight": (8, 6), "fc1.bias": (8,), "fc2.weight": (3, 8)}


def test_fc_on_a_map_says_what_to_write() -> None:
    (found,) = checked("network Net\ninput 4x4 x3\nfc 8\n").diagnostics
    assert (found.code, "fc 8 each" in told(found)) == ("A202", True)
    assert codes("network Net\ninput 4x4 x3\nfc 8 each\n") == []
    assert codes("network Net\ninput 4x4 x3\nlinear 8 each\n") == []
    assert codes("network Net\ninput 4x4 x3\nconv 1x1 x8 each\n") == ["A310"]


def test_starts_as_a_linear_layer() -> None:
    """A recipe for `fc` is for those at every position, too."""
    text = (
        "network Net\ninput 4x4 x3\nfc 8 each; conv 2x2/2 tfsame x4; conv 2x2 same x4\n"
        "train { init normal fc conv std=0.5 bias=3 }\n"
    )
    state = net_of(text).module().state_dict()
    assert all((v == 3).all() for k, v in state.items() if k.endswith("bias"))
    assert all(0.3 < v.std() < 0.7 for k, v in state.items() if k.endswith("weight"))


# --- weights that are worked out ---------------------------------------------------------

CONVS = {1: torch.nn.Conv1d, 2: torch.nn.Conv2d, 3: torch.nn.Conv3d}
DECONVS = {1: torch.nn.ConvTranspose1d, 2: torch.nn.ConvTranspose2d, 3: torch.nn.ConvTranspose3d}


def as_torchs(text: str, layer: Any, size: tuple[int, ...], name: str = "layer") -> None:
    """A network of one labelled layer is torch's module: its state's names, values, gradients."""
    module, layer = module_of(text), layer.double()
    state = module.state_dict()
    prefix = f"{name}."
    assert {k.removeprefix(prefix): v.shape for k, v in state.items()} == {
        k: v.shape for k, v in layer.state_dict().items()
    }
    layer.load_state_dict({k.removeprefix(prefix): v for k, v in state.items()}, strict=True)
    for training in (True, False):
        module.train(training)
        layer.train(training)
        x = torch.randn(3, *size, dtype=torch.float64)
        found, expected = module(x), layer(x)
        torch.testing.assert_close(found, expected)
        module.zero_grad()
        layer.zero_grad()
        found.square().sum().backward()
        expected.square().sum().backward()
        theirs = dict(layer.named_parameters())
        for key, parameter in module.named_parameters():
            torch.testing.assert_close(parameter.grad, theirs[key.removeprefix(prefix)].grad)
    for key, value in module.state_dict().items():
        torch.testing.assert_close(value, layer.state_dict()[key.removeprefix(prefix)])


@pytest.mark.parametrize("norm", ["wn", "sn"])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_weight_and_spectral_normalisation_are_torchs(norm: str, rank: int) -> None:
    around = {
        "wn": torch.nn.utils.parametrizations.weight_norm,
        "sn": torch.nn.utils.parametrizations.spectral_norm,
    }[norm]
    size = (6, 5, 4)[:rank]
    head = f"network Net\ninput {'x'.join(map(str, size))} x4\nlayer: "
    as_torchs(
        f"{head}conv 3/2 p1 g2 x6 {norm}\n",
        around(CONVS[rank](4, 6, 3, 2, 1, groups=2)),
        (4, *size),
    )
    as_torchs(f"{head}deconv 2/2 x6 {norm}\n", around(DECONVS[rank](4, 6, 2, 2)), (4, *size))
    vector = f"network Net\ninput x4\nlayer: fc 6 nobias {norm}\n"
    as_torchs(vector, around(torch.nn.Linear(4, 6, bias=False)), (4,))


def test_the_words_of_torch_are_understood() -> None:
    assert codes(text_of("no_weight_norm")) == []
    around = torch.nn.utils.parametrizations.weight_norm
    as_torchs(text_of("no_weight_norm"), around(torch.nn.Conv1d(1, 8, 3)), (1, 100), "conv1")
    assert codes("network Net\ninput 9 x1\nconv 3 x8 spectral_norm\n") == []


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_standardised_weights(rank: int) -> None:
    """With the formulas of BiT and NFNets: a batch norm of the filters, each a channel."""
    size = (6, 5, 4)[:rank]
    run = (F.conv1d, F.conv2d, F.conv3d)[rank - 1]
    head = f"network Net\ninput {'x'.join(map(str, size))} x4\n"

    def standardised(weight: Tensor, gain: Tensor | None, eps: float) -> Tensor:
        filters = weight.reshape(1, len(weight), -1)
        return F.batch_norm(filters, None, None, gain, None, True, 0.0, eps).reshape_as(weight)

    def plain(w: dict[str, Tensor], x: Tensor) -> Tensor:
        return run(x, standardised(w["conv1.weight"], None, 1e-6), w["conv1.bias"], padding=1)

    same(f"{head}conv 3 p1 x6 ws\n", plain, (4, *size))

    def scaled(w: dict[str, Tensor], x: Tensor) -> Tensor:
        gain = (w["conv1.gain"] * 1.7 * w["conv1.weight"][0].numel() ** -0.5).view(-1)
        return run(x, standardised(w["conv1.weight"], gain, 1e-4), w["conv1.bias"], groups=2)

    text = f"{head}conv 3 g2 x6 ws gain gamma=1.7 eps=1e-4\n"
    same(text, scaled, (4, *size))
    state = net_of(text).module().state_dict()
    assert state["conv1.gain"].shape == (6, 1, *[1] * rank)
    assert (state["conv1.gain"] == 1).all()
    assert sorted(state) == ["conv1.bias", "conv1.gain", "conv1.weight"]


@pytest.mark.parametrize("kind", ["A", "B"])
def test_masked_convolutions(kind: str) -> None:
    """What a place sees comes before it in reading order: by gradients, and by the usual mask."""

    def formula(w: dict[str, Tensor], x: Tensor) -> Tensor:
        mask = torch.ones(5, 7, dtype=torch.float64)
        mask[2, 3 + (kind == "B") :] = 0
        mask[3:] = 0
        return F.conv2d(x, w["conv1.weight"] * mask, w["conv1.bias"], padding=(2, 3))

    text = f"network Net\ninput 9x8 x2\nconv 5x7 same x3 mask={kind}\n"
    same(text, formula, (2, 9, 8))
    module, x = module_of(text), torch.randn(1, 2, 9, 8, dtype=torch.float64, requires_grad=True)
    (seen,) = torch.autograd.grad(module(x)[0, :, 4, 4].sum(), x)
    order = torch.arange(72).view(9, 8)
    before = order <= 4 * 8 + 4 if kind == "B" else order < 4 * 8 + 4
    assert not seen[0][:, ~before].any()
    assert seen[0][:, before].any()
    assert sorted(module.state_dict()) == ["conv1.bias", "conv1.weight"]
    assert codes(text_of("no_mask")) == []


@pytest.mark.parametrize(
    ("words", "cure"),
    [
        ("3x3 x4 gain", "3x3 x4 ws gain"),
        ("3x3 x4 eps=0.1", "3x3 x4 ws eps=0.1"),
        ("3x3 x4 ws mask=A", "3x3 x4 mask=A"),
        ("4x4 x4 mask=A", "3x3 x4 mask=A"),
    ],
)
def test_attributes_of_weights_that_mean_nothing_together(words: str, cure: str) -> None:
    assert codes(f"network Net\ninput 8x8 x4\nconv {words}\n") == ["A305"]
    assert codes(f"network Net\ninput 8x8 x4\nconv {cure}\n") == []


@pytest.mark.parametrize("words", ["ws", "mask=B", "ws gain gamma=1.5", "wn", "sn"])
@pytest.mark.parametrize(
    ("padding", "ends"),
    [("3x3/2 tfsame", (0, 1)), ("3x3 tfsame", (1, 1)), ("3x3/2 before=1 after=2", (1, 2))],
)
def test_a_computed_weight_goes_with_every_padding(
    words: str, padding: str, ends: tuple[int, int]
) -> None:
    """As if the map were padded before it, in values, gradients and names."""
    head = "network Net\ninput 8x8 x4\n"
    text = f"{head}c: conv {padding} x6 {words}\n"
    size = padding.split()[0]
    apart = f"{head}pad before={ends[0]} after={ends[1]}; c: conv {size} x6 {words}\n"
    module, other = module_of(text), module_of(apart)
    other.load_state_dict(module.state_dict(), strict=True)
    x = torch.randn(2, 4, 8, 8, dtype=torch.float64)
    module.eval()
    other.eval()
    torch.testing.assert_close(module(x), other(x))
    module(x).square().sum().backward()
    other(x).square().sum().backward()
    theirs = dict(other.named_parameters())
    for name, parameter in module.named_parameters():
        torch.testing.assert_close(parameter.grad, theirs[name].grad)
    assert codes(text) == []


def test_computed_weights_in_blocks_recipes_and_deploy_forms() -> None:
    text = (
        "network Net\nparam w = 4\ninput 8x8 x3\n"
        "block unit(c, s=1) { conv 3x3/(s) p1 x(c) wn; bn; relu }\n"
        "unit(w); unit(2 * w, s=2) * 2; conv 3x3 p1 x(w) sn\n"
        "conv 3x3 p1 x(w) ws gain nobias; bn; relu\n"
        "conv 1x1 x(w); gap; flatten; fc 3 sn\n"
        "train { init he conv fan_out bias=2 }\n"
    )
    net = net_of(text)
    module = net.module()
    state = module.state_dict()
    lengths, direction = (
        state[f"unit1.conv1.parametrizations.weight.original{at}"] for at in (0, 1)
    )
    torch.testing.assert_close(lengths.flatten(), direction.flatten(1).norm(dim=1))
    assert abs(direction.std() - (2 / (4 * 9)) ** 0.5) < 0.1  # by its outputs, not as torch starts
    assert all((v == 2).all() for k, v in state.items() if k.endswith(("conv1.bias", "conv2.bias")))
    randomise(module)
    module.eval()
    analysis = net.analysis
    names: dict[str, Any] = {"__name__": "deployed"}
    exec(compile(analysis.emit_deployed(), "deployed.py", "exec"), names)
    deployed = names["Net"].from_training(module.state_dict()).eval()
    x = torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(deployed(x), module(x), rtol=1e-4, atol=1e-4)


# --- more of today's layers --------------------------------------------------------------


def test_global_response_norm() -> None:
    """As ConvNeXt V2 has it: channels last, by the length over both axes of the map."""

    def formula(w: dict[str, Tensor], x: Tensor) -> Tensor:
        x = x.permute(0, 2, 3, 1)
        length = torch.norm(x, p=2, dim=(1, 2), keepdim=True)
        response = length / (length.mean(dim=-1, keepdim=True) + 1e-6)
        x = w["norm.weight"] * (x * response) + w["norm.bias"] + x
        return x.permute(0, 3, 1, 2)

    text = "network Net\ninput 6x5 x4\nnorm: grn\n"
    same(text, formula, (4, 6, 5))
    module = net_of(text).module()
    x = torch.randn(2, 4, 6, 5)
    torch.testing.assert_close(module(x), x)  # it begins as the identity
    assert sorted(module.state_dict()) == ["norm.bias", "norm.weight"]


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 7])
def test_blur_pool(k: int) -> None:
    """The rows of Pascal's triangle, on the mirrored map; the filter is state, and not trained."""
    row = torch.tensor([float(math.comb(k - 1, at)) for at in range(k)], dtype=torch.float64)
    filt = torch.outer(row, row) / row.sum() ** 2
    text = f"network Net\ninput 9x8 x3\nblur {k}x{k}/2\n"
    module = net_of(text).module().double()
    assert not list(module.parameters())
    assert {name: tuple(v.shape) for name, v in module.state_dict().items()} == {
        "blur1.filt": (3, 1, k, k)
    }
    x = torch.randn(2, 3, 9, 8, dtype=torch.float64)
    side = ((k - 1) // 2, math.ceil((k - 1) / 2))
    padded = F.pad(x, side * 2, mode="reflect")
    expected = F.conv2d(padded, filt.expand(3, 1, k, k), stride=2, groups=3)
    torch.testing.assert_close(module(x), expected)
    assert net_of(text).output == tuple(expected.shape[1:])


def test_blur_pool_of_signals_and_volumes() -> None:
    for size, sides in (((9,), (1, 1)), ((5, 4, 6), (1, 1, 0, 1, 1, 1))):
        shape = "x".join(map(str, size))
        window = "3" if len(size) == 1 else "3x2x3"
        text = f"network Net\ninput {shape} x2\nblur {window}/2 zeros\n"
        module = net_of(text).module().double()
        x = torch.randn(2, 2, *size, dtype=torch.float64)
        three, two = [0.25, 0.5, 0.25], [0.5, 0.5]
        rows = [three] if len(size) == 1 else [three, two, three]
        expected = F.pad(x, sides)
        for axis, row in enumerate(rows, 2):
            taken = expected.unfold(axis, len(row), 2)
            expected = taken @ torch.tensor(row, dtype=torch.float64)
        torch.testing.assert_close(module(x), expected)


def test_every_layer_starts_on_another_device() -> None:
    """From "meta", by `init_weights`: filters, gains and response norms as they are without."""
    text = (
        "network Net\ninput 8x8 x3\n"
        "conv 3x3 p1 x4 ws gain; grn; blur 3/2; fc 4 each; conv 3x3/2 tfsame x4; conv 2x2 same x4\n"
        "train { init constant conv fc value=0.5 bias=0.25 }\n"
    )
    net = net_of(text)
    names: dict[str, Any] = {"__name__": "net"}
    source = net.analysis.emit(options=net.analysis.options(device=True))
    exec(compile(source, "net.py", "exec"), names)
    module = names["Net"](device="meta").to_empty(device="cpu")
    for value in module.state_dict().values():
        value.fill_(7)
    module.init_weights()
    expected = net.module().state_dict()
    assert {k: v.flatten()[0].item() for k, v in module.state_dict().items()} == {
        k: v.flatten()[0].item() for k, v in expected.items()
    }
    for key, value in module.state_dict().items():
        torch.testing.assert_close(value, expected[key])


# --- weights by their label's name -------------------------------------------------------

CONVNEXT = """
network Net
param w = 8
input 9x8 x8
block cn(width) {{
  residual<
    block: {{
      conv 7x7 p3 x(width) g(width); identity; ln eps=1e-6
      fc (4*width) each; gelu; fc (width) each
    }}
    {scale}
  >
}}
cn(w); {{ cn(w) * 2 }}
"""


def test_a_convnext_block_is_torchvisions() -> None:
    """Strictly its weights, and equal outputs and gradients."""
    convnext = pytest.importorskip("torchvision.models.convnext")
    text = CONVNEXT.format(scale="layer_scale: scale init=1e-6 bare broadcast")
    module = module_of(text)
    theirs = convnext.CNBlock(8, 1e-6, 0.0).double()
    theirs.load_state_dict(module.cn1.state_dict(), strict=True)
    x, y = (torch.randn(2, 8, 9, 8, dtype=torch.float64).requires_grad_() for _ in range(2))
    y.data.copy_(x.data)
    found, expected = module.cn1(x), theirs(y)
    torch.testing.assert_close(found, expected)
    found.square().sum().backward()
    expected.square().sum().backward()
    torch.testing.assert_close(x.grad, y.grad)
    for name, parameter in theirs.named_parameters():
        torch.testing.assert_close(module.cn1.get_parameter(name).grad, parameter.grad)
    fresh = net_of(text).module().state_dict()
    assert fresh["cn1.layer_scale"].shape == (8, 1, 1)
    assert (fresh["cn1.layer_scale"] == 1e-6).all()


def test_a_bare_weight_has_its_labels_name_and_one_dimension() -> None:
    text = CONVNEXT.format(scale="gamma: scale init=1e-6 bare")
    module = module_of(text)
    names = [k for k in module.state_dict() if "gamma" in k]
    assert sorted({k.rpartition(".")[2] for k in names}) == ["gamma"]
    assert len(names) == 3
    assert module.state_dict()[names[0]].shape == (8,)

    def formula(w: dict[str, Tensor], x: Tensor) -> Tensor:
        for at in (1, 2):
            x = x * w[f"gamma{at}"].view(-1, 1, 1)
        return x * w["all"]

    same(
        "network Net\ninput 4x3 x5\nfor i in 1..2 { gamma{i}: scale bare }\n"
        "all: scale single bare init=0.5\n",
        formula,
        (5, 4, 3),
    )
    same("network Net\ninput x5\ng: scale bare\n", lambda w, x: x * w["g"], (5,))


def test_where_a_bare_weight_may_stand() -> None:
    head = "network Net\ninput 4x4 x8\n"
    for text, code in (
        ("scale bare", "A302"),
        ("{ gamma: scale bare }", "A305"),
        ("gamma: scale bare * 2", "A305"),
        ("gamma: scale broadcast", "A305"),
    ):
        assert codes(f"{head}{text}\n") == [code], text
    text = "gamma: scale bare\ntrain { init constant gamma value=3 }"
    state = net_of(f"{head}{text}\n").module().state_dict()
    assert (state["gamma"] == 3).all()
