"""The classes that generated files carry for operators torch.nn lacks."""

from __future__ import annotations

import copy
import re
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from nets import check_typed

from archc import data
from archc.emit.imports import laid
from archc.emit.support import read_support, support_names, with_bases

torch = pytest.importorskip("torch")
nn, F, Tensor = torch.nn, torch.nn.functional, torch.Tensor

FOLDER = data.TEMPLATES / "support"
FILES = sorted(FOLDER.rglob("*.py"))
PLAIN = sorted(support_names())
FORMS = sorted((path.parent.name, path.stem) for path in FILES if path.parent != FOLDER)


def whole_module(*forms: str) -> str:
    """All support classes in one module, as a generated file would have them."""
    found = [read_support(name, list(forms)) for name in with_bases(PLAIN)]
    imports = laid(item for each in found for item in each.imports)
    return "\n\n\n".join([imports, *(each.text for each in found)]) + "\n"


SUPPORT: dict[str, Any] = {"__name__": "support"}
exec(compile(whole_module(), "support.py", "exec"), SUPPORT)


class Fractal(nn.Module):  # type: ignore[misc, name-defined]
    """Two joins of three and two columns; a column is its number everywhere."""

    def __init__(self, droppath: float = 0.3) -> None:
        super().__init__()
        self.outer = SUPPORT["Join"](droppath)
        self.inner = SUPPORT["Join"](droppath)
        self.paths = SUPPORT["PathSampler"](self, 3)

    def forward(self, x: Any) -> Any:
        self.paths.draw()
        outer = self.outer([x, x + 1, x + 2])
        return torch.cat([outer, self.inner([x, x + 1])], 1)


class InsideRecomputed(SUPPORT["Recomputed"]):  # type: ignore[misc, name-defined, valid-type]
    """A block that computes its inside again."""

    grad_checkpointing = True

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(4)

    def forward(self, x: Any) -> Any:
        return self.norm(x)


class InsideDeployed(SUPPORT["Deployed"]):  # type: ignore[misc, name-defined, valid-type]
    """A network for inference."""

    def forward(self, x: Any) -> Any:
        return x * 2


class InsidePlaced(SUPPORT["Placed"]):  # type: ignore[misc, name-defined, valid-type]
    """A network that stays where its input is; tests/test_placement.py has one on devices."""

    TOWERS = ("tower0",)

    def forward(self, x: Any) -> Any:
        return x * 2


MODULES = {
    "DropPath": (lambda: SUPPORT["DropPath"](0.3), 1),
    "StochasticDepth": (lambda: SUPPORT["StochasticDepth"](0.3, batch=True, rescale_eval=True), 1),
    "Join": (Fractal, 1),
    "UpsampleLike": (lambda: SUPPORT["UpsampleLike"]("bilinear", align_corners=False), 2),
    "CropLike": (SUPPORT["CropLike"], 2),
    "Widen": (lambda: SUPPORT["Widen"](9), 1),
    "Recomputed": (lambda: InsideRecomputed(), 1),
    "Deployed": (lambda: InsideDeployed(), 1),
    "Placed": (lambda: InsidePlaced(["cpu"]), 1),
    "GroupedResponseNorm": (lambda: SUPPORT["GroupedResponseNorm"](3, groups=2, k=2.0), 1),
    "Scale": (lambda: SUPPORT["Scale"](4, init=0.5), 1),
    "Clamp": (lambda: SUPPORT["Clamp"](0.0), 1),
    "Chunk": (lambda: SUPPORT["Chunk"](1, 2), 1),
    "Narrow": (lambda: SUPPORT["Narrow"](1, 2), 1),
    "Plus": (lambda: SUPPORT["Plus"](0.5), 1),
    "Div": (lambda: SUPPORT["Div"](3.0), 1),
    "Times": (lambda: SUPPORT["Times"](0.5), 1),
    "GlobalResponseNorm": (lambda: SUPPORT["GlobalResponseNorm"](4), 1),
    "ChannelLinear": (lambda: SUPPORT["ChannelLinear"](4, 6), 1),
    "ChannelLayerNorm": (lambda: SUPPORT["ChannelLayerNorm"](4), 1),
} | {name: (SUPPORT[name], 1) for name in (
    "Abs", "Neg", "Exp", "Log", "Sqrt", "Square",
    "ChannelMean", "ChannelMax", "ChannelSum", "L2Norm", "PixelNorm", "Sample",
)}  # fmt: skip
RANKS: dict[str, int] = {}  # of the map that a module takes, where it is no image
for rank in (1, 2, 3):
    channels, ends = (4, 6, 3), (0, 1) * rank
    windows = {
        f"PaddedConv{rank}d": partial(SUPPORT[f"PaddedConv{rank}d"], *channels, sides=ends),
        f"SameConv{rank}d": partial(SUPPORT[f"SameConv{rank}d"], *channels, stride=2),
    }
    for kind in ("Max", "Avg"):
        padded, same = f"Padded{kind}Pool{rank}d", f"Same{kind}Pool{rank}d"
        windows[padded] = partial(SUPPORT[padded], 2, stride=1, sides=ends)
        windows[same] = partial(SUPPORT[same], 3, stride=2)
    for kind, more in (("Standardized", {}), ("ScaledStandardized", {}), ("Masked", {"kind": "B"})):
        for pad, how in (("", {}), ("Same", {"stride": 2}), ("Padded", {"sides": ends})):
            made = SUPPORT[f"{pad}{kind}Conv{rank}d"]
            windows[f"{pad}{kind}Conv{rank}d"] = partial(made, *channels, **more, **how)
    windows[f"BlurPool{rank}d"] = partial(SUPPORT[f"BlurPool{rank}d"], 4, (3,) * rank, 2)
    windows[f"MaskedConv{rank}d"] = partial(SUPPORT[f"MaskedConv{rank}d"], *channels, kind="A")
    RANKS |= dict.fromkeys(windows, rank)
    MODULES |= {name: (make, 1) for name, make in windows.items()}
every_module = pytest.mark.parametrize("name", MODULES)


def build(name: str) -> tuple[Any, tuple[Any, ...]]:
    make, count = MODULES[name]
    size = (8, 7, 6)[: RANKS.get(name, 2)]
    return make(), (torch.rand(2, 4, *size), torch.rand(2, 4, 5, 5))[:count]


# --- all of them -------------------------------------------------------------------------


def test_every_class_is_tested() -> None:
    tested = {name.split()[0] for name in MODULES} | {"PathSampler"}  # in Fractal
    assert tested == set(PLAIN), "add it to MODULES"


@every_module
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.filterwarnings("ignore")
def test_has_no_graph_break(name: str, training: bool) -> None:
    module, xs = build(name)
    torch._dynamo.reset()
    compiled = torch.compile(module.train(training), backend="eager", fullgraph=True)
    assert compiled(*xs).shape == module(*xs).shape
    if not training:
        assert torch.equal(compiled(*xs), module(*xs))


@every_module
@pytest.mark.filterwarnings("ignore")
def test_exports(name: str) -> None:
    module, xs = build(name)
    exported = torch.export.export(module.eval(), xs).module()
    assert torch.equal(exported(*xs), module(*xs))


@every_module
def test_follows_dtype_and_device(name: str) -> None:
    module, xs = build(name)
    for training in (True, False):
        module.train(training)
        assert module.double()(*(x.double() for x in xs)).dtype == torch.float64
        meta = copy.deepcopy(module).to("meta")(*(x.double().to("meta") for x in xs))
        assert meta.device.type == "meta"


@every_module
def test_shows_its_arguments(name: str) -> None:
    assert name.split()[0] in repr(build(name)[0])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_is_read_as_it_stands(path: Path) -> None:
    """A file defines the class that it is named after; nothing in it is a template."""
    text = path.read_text()
    assert re.search(rf"^class {path.stem}\(", text, re.MULTILINE)
    assert "{{" not in text
    assert "{%" not in text
    assert (FOLDER / path.name).exists(), "a form of a class that has no plain one"
    assert path.stem in support_names()


@pytest.mark.parametrize(("form", "name"), FORMS)
def test_forms_have_the_rest_of_the_plain_class(form: str, name: str) -> None:
    """One without a docstring has the plain one's, and all of its methods."""
    plain, other = read_support(name, []).text, read_support(name, [form]).text
    own = (FOLDER / form / f"{name}.py").read_text()
    if '"""' in own:
        assert own.endswith(f"{other}\n")
        return
    doc, methods = r'"""[\s\S]*?"""', r"(?m)^    def (\w+)"
    assert re.search(doc, other).group() == re.search(doc, plain).group()  # type: ignore[union-attr]
    assert set(re.findall(methods, other)) == {
        *re.findall(methods, plain), *re.findall(methods, own)
    }  # fmt: skip


EVERY_FORM = pytest.mark.parametrize("forms", [(), ("device",), ("deterministic", "normless")])


@EVERY_FORM
def test_is_formatted(forms: tuple[str, ...], tmp_path: Path) -> None:
    ruff = Path(sys.executable).with_name("ruff")
    if not ruff.exists():
        pytest.skip("ruff is not installed")
    file = tmp_path / "support.py"
    file.write_text(whole_module(*forms))
    for command in (["format", "--check", "--isolated"], ["check", "--isolated"]):
        run = subprocess.run([ruff, *command, file], capture_output=True, text=True)
        assert run.returncode == 0, run.stdout


@pytest.mark.slow
@EVERY_FORM
def test_is_typed(forms: tuple[str, ...], tmp_path: Path) -> None:
    """Against torch's own types, which pyproject.toml leaves out for speed."""
    pytest.importorskip("mypy")
    (tmp_path / "support.py").write_text(whole_module(*forms))
    check_typed(tmp_path)


# --- what they do ------------------------------------------------------------------------


def test_drop_path_keeps_the_mean() -> None:
    torch.manual_seed(0)
    module, x = SUPPORT["DropPath"](0.25), torch.ones(40_000, 2, 1)
    y = module(x)
    assert y.unique().tolist() == pytest.approx([0, 4 / 3])
    assert torch.equal(y[:, 0], y[:, 1])  # a sample is dropped whole
    assert abs(y.mean().item() - 1) < 0.02
    assert torch.equal(module.eval()(x), x)


def test_drop_path_as_the_paper_has_it() -> None:
    torch.manual_seed(0)
    module, x = SUPPORT["StochasticDepth"](0.25, batch=True, rescale_eval=True), torch.ones(8, 2)
    draws = torch.stack([module(x) for _ in range(2000)])
    assert all(len(draw.unique()) == 1 for draw in draws[:100])  # all samples together
    assert set(draws.unique().tolist()) == {0.0, 1.0}
    assert abs(draws.mean().item() - 0.75) < 0.04
    assert torch.equal(module.eval()(x), 0.75 * x)


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_drop_path_at_the_ends(p: float) -> None:
    y = SUPPORT["DropPath"](p)(torch.ones(50, 3))
    assert torch.equal(y, torch.full((50, 3), 1 - p))


def test_join_is_the_mean_in_eval_mode() -> None:
    columns = [torch.randn(2, 3, 4) for _ in range(4)]
    mean = torch.stack(columns).mean(0)
    assert torch.equal(SUPPORT["Join"](0.5).eval()(columns), mean)
    assert torch.equal(SUPPORT["Join"]()(columns), mean)
    assert torch.equal(SUPPORT["Join"](0.5)(columns[:1]), columns[0])


def test_join_drops_locally() -> None:
    """Means of all subsets but the empty one, each column alive as often as it should be."""
    torch.manual_seed(0)
    join, columns = SUPPORT["Join"](0.5), list(torch.eye(2)[:, None])
    draws = [tuple(join(columns)[0].tolist()) for _ in range(4000)]
    share = {draw: draws.count(draw) / len(draws) for draw in set(draws)}
    assert set(share) == {(1.0, 0.0), (0.0, 1.0), (0.5, 0.5)}
    assert abs(share[0.5, 0.5] - 1 / 4) < 0.03
    assert abs(share[1.0, 0.0] - 3 / 8) < 0.03  # alone, or spared when both were dropped


def test_join_never_drops_all() -> None:
    join, columns = SUPPORT["Join"](1.0), [torch.ones(1), torch.ones(1)]
    assert all(join(columns).item() == 1 for _ in range(50))


def test_joins_agree_on_a_path() -> None:
    torch.manual_seed(0)
    network, x = Fractal(droppath=0.0001), torch.zeros(1, 1)
    seen: list[int] = []
    for _ in range(2000):
        outer, inner = network(x)[0].tolist()
        path = network.paths.path.item()
        seen.append(path)
        assert outer == (path if path >= 0 else 1.0)  # locally nothing is dropped, almost surely
        assert inner == (path if path in (0, 1) else 0.5)  # the third column never meets it
    assert abs(seen.count(-1) / len(seen) - 1 / 2) < 0.04
    assert all(abs(seen.count(k) / len(seen) - 1 / 6) < 0.03 for k in range(3))


def test_paths_are_no_state() -> None:
    network = Fractal()
    assert not network.state_dict()
    twin = copy.deepcopy(network)
    assert twin.inner.sampler is twin.paths
    assert twin.paths is not network.paths
    network.eval()
    network(torch.zeros(1, 1))
    assert network.paths.path.item() == -1


def test_gradients_reach_only_the_living() -> None:
    torch.manual_seed(0)
    join, columns = SUPPORT["Join"](0.5), [torch.ones(1, requires_grad=True) for _ in range(3)]
    join(columns).sum().backward()
    shares = [column.grad.item() for column in columns]
    assert sum(shares) == pytest.approx(1)
    assert len({share for share in shares if share}) == 1


def test_widen_appends_zeros() -> None:
    x = torch.randn(2, 3, 4, 4)
    y = SUPPORT["Widen"](5)(x)
    assert torch.equal(y[:, :3], x)
    assert not y[:, 3:].any()
    assert torch.equal(SUPPORT["Widen"](5)(x[..., 0, 0]), y[..., 0, 0])


def test_scale() -> None:
    x = torch.randn(2, 3, 4, 4)
    scale = SUPPORT["Scale"](3, init=2.0)
    assert torch.equal(scale(x), 2 * x)
    with torch.no_grad():
        scale.weight.copy_(torch.tensor([1.0, 0.0, -1.0]))
    assert torch.equal(scale(x), torch.stack([x[:, 0], 0 * x[:, 1], -x[:, 2]], 1))
    assert torch.equal(SUPPORT["Scale"](1, init=0.5)(x[..., 0, 0]), x[..., 0, 0] / 2)


def test_crop_like_keeps_the_middle() -> None:
    x = torch.arange(7.0).view(1, 1, 7)
    assert SUPPORT["CropLike"]()(x, x[..., :3]).tolist() == [[[2.0, 3.0, 4.0]]]
    assert SUPPORT["CropLike"]()(x, x[..., :4]).tolist() == [[[1.0, 2.0, 3.0, 4.0]]]
