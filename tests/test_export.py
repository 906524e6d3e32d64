"""`archc export`: ONNX and PT2 files that compute what the network does, and what can go wrong."""

from __future__ import annotations

import collections
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import scripts

import archc
from archc import cli, export, files

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore")

SMALL = """
network Small
input 8x8 x3
conv 3x3 p1 x8 nobias; bn; relu; dropout 0.5
concat< conv 1x1 x4; relu | conv 1x1 x4; relu >
a: aux weight=0.3 < gap; flatten; fc 4 >
gap; flatten; fc 4
"""
TWO = """
network Two
input left 4x4 x2
input right x16
@left; flatten; fc 16; a: relu; output features
add< @a | @right >; fc 3; output scores
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.arch"
    path.write_text(SMALL, encoding="utf-8")
    return path


def run(*argv: object) -> int:
    return cli.main(["export", *map(str, argv)])


def trained(path: Path) -> Any:
    """A module whose weights and statistics are no longer those it starts with."""
    torch.manual_seed(7)
    module = archc.load(path).module()
    for _ in range(3):
        module.train()(torch.randn(4, 3, 8, 8))
    return module.eval()


@pytest.mark.parametrize("form", ["training", "deploy"])
def test_pt2_with_weights(small: Path, tmp_path: Path, form: str) -> None:
    module = trained(small)
    torch.save(module.state_dict(), tmp_path / "w.pth")
    out = tmp_path / "small.pt2"
    assert (
        run(small, "--to", "pt2", "--weights", tmp_path / "w.pth", "--form", form, "-o", out) == 0
    )
    loaded = torch.export.load(out).module()
    for batch in (1, 2, 5):
        x = torch.randn(batch, 3, 8, 8)
        torch.testing.assert_close(loaded(x), module(x), rtol=1e-5, atol=1e-6)
    assert files.state(out) is files.OutputState.PRISTINE


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet18", "googlenet_bn", "densenet_40_12", "fractalnet"])
def test_onnx_in_onnxruntime(name: str, tmp_path: Path) -> None:
    out = tmp_path / "net.onnx"
    check_onnx(name, out)


def check_onnx(what: str | Path, out: Path, form: str = "training") -> None:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    assert run(what, "--to", "onnx", "--form", form, "-o", out) == 0
    onnx.checker.check_model(onnx.load(out))
    assert files.state(out) is files.OutputState.PRISTINE
    session = runtime.InferenceSession(str(out), providers=["CPUExecutionProvider"])
    analysis = archc.load(what).analysis
    assert analysis.plan is not None
    module = export.module(analysis, None, "training")
    for batch in (1, 3):
        shapes = [x.columns[0].dims for x in analysis.plan.body.inputs]
        xs = [torch.randn(batch, *shape) for shape in shapes]
        given = {i.name: x.numpy() for i, x in zip(session.get_inputs(), xs, strict=True)}
        made = module(*xs)
        wanted = [y for y in (made if isinstance(made, tuple) else (made,)) if y is not None]
        for a, b in zip(session.run(None, given), wanted, strict=True):
            bound = 1e-4 * float(b.abs().max())
            torch.testing.assert_close(torch.tensor(a), b.detach(), rtol=0, atol=bound)


@pytest.mark.parametrize("form", ["training", "deploy"])
def test_onnx_of_a_small_network(small: Path, tmp_path: Path, form: str) -> None:
    check_onnx(small, tmp_path / "small.onnx", form)


def test_several_inputs_and_outputs(tmp_path: Path) -> None:
    path = tmp_path / "two.arch"
    path.write_text(TWO, encoding="utf-8")
    assert run(path, "--to", "pt2", "-o", tmp_path / "two.pt2") == 0
    loaded = torch.export.load(tmp_path / "two.pt2").module()
    features, scores = loaded(torch.randn(3, 2, 4, 4), torch.randn(3, 16))
    assert (features.shape, scores.shape) == ((3, 16), (3, 3))
    check_onnx(path, tmp_path / "two.onnx")


@pytest.mark.parametrize("around", ["model", "state_dict", "net", None])
@pytest.mark.parametrize("before", ["", "module.", "module._orig_mod.", "model."])
def test_a_checkpoint_around_the_weights(
    small: Path, tmp_path: Path, around: str | None, before: str
) -> None:
    """Of DDP, torch.compile, AveragedModel, a LightningModule, archc's own training script."""
    wanted = trained(small).state_dict()
    state = {f"{before}{key}": value for key, value in wanted.items()}
    if before:
        state["n_averaged"] = torch.tensor(3)
    checkpoint = {around: state, "epoch": 3} if around else state
    torch.save(checkpoint, tmp_path / "c.pt")
    found = export.module(
        archc.load(small).analysis, export.weights(tmp_path / "c.pt"), "training"
    ).state_dict()
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in wanted.items())


def test_averaged_weights_go_before_others(small: Path, tmp_path: Path) -> None:
    """Of `last.pt`, as of `best.pt`, those that the script validates."""
    plain = trained(small).state_dict()
    average = {f"module.{name}": 0 * tensor for name, tensor in plain.items()}
    torch.save({"step": 3, "net": plain, "ema": average}, tmp_path / "last.pt")
    net = export.module(archc.load(small).analysis, export.weights(tmp_path / "last.pt"), "deploy")
    assert not any(tensor.any() for tensor in net.state_dict().values())


@pytest.mark.parametrize("more", [(), pytest.param(("--ema",), marks=pytest.mark.slow)])
def test_the_checkpoints_of_a_training_script(
    more: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both files that a run leaves, the averaged weights of one with --ema."""
    for needed in ("sklearn", "torchvision", "tqdm"):
        pytest.importorskip(needed)
    (tmp_path / "net.arch").write_text(scripts.text(), encoding="utf-8")
    analysis = archc.load(tmp_path / "net.arch").analysis
    made = scripts.module(analysis.emit_training())
    words = ("--data=digits", "--steps=3", "--workers=0", f"--out={tmp_path}", *more)
    assert scripts.run(made, monkeypatch, *words) == 0
    saved = torch.load(tmp_path / "last.pt", weights_only=True)
    assert bool(saved["ema"]) == bool(more)
    wanted = torch.load(tmp_path / "best.pt", weights_only=True)
    for name in ("last", "best"):
        given = tmp_path / f"{name}.pt"
        found = export.module(analysis, export.weights(given), "training").state_dict()
        assert all(torch.equal(found[key], tensor) for key, tensor in wanted.items()), name
        argv = ("--to", "pt2", "--weights", given, "-o", tmp_path / f"{name}.pt2")
        assert run(tmp_path / "net.arch", *argv) == 0


def test_names_that_begin_like_a_wrapper(tmp_path: Path) -> None:
    path = tmp_path / "net.arch"
    path.write_text("network Net\ninput 4x4 x3\nmodule: { conv 1x1 x2; conv 1x1 x2 }\n")
    analysis = archc.load(path).analysis
    state = archc.load(path).module().state_dict()
    assert "module.0.weight" in state
    for before in ("", "module."):
        given = {f"{before}{name}": tensor for name, tensor in state.items()}
        assert torch.equal(
            export.module(analysis, given, "training").state_dict()["module.1.bias"],
            state["module.1.bias"],
        )


@pytest.mark.parametrize("name", ["weight", "a.b", "module."])
def test_one_name_that_nobody_knows(name: str, small: Path, tmp_path: Path) -> None:
    torch.save({name: torch.zeros(1)}, tmp_path / "one.pt")
    with pytest.raises(export.Unfit, match="missing"):
        export.module(archc.load(small).analysis, export.weights(tmp_path / "one.pt"), "training")


@pytest.mark.parametrize("form", ["training", "deploy"])
def test_weights_without_the_auxiliary_heads(small: Path, form: str) -> None:
    """As of torchvision's `googlenet(aux_logits=False)`: nothing of them is exported."""
    module, analysis = trained(small), archc.load(small).analysis
    state = {k: x for k, x in module.state_dict().items() if not k.startswith("a.")}
    assert len(state) < len(module.state_dict())
    x = torch.randn(2, 3, 8, 8)
    made = export.module(analysis, state, form)(x)
    torch.testing.assert_close(made, module(x), rtol=1e-5, atol=1e-6)


# --- what can go wrong -------------------------------------------------------------------


class Evil:
    """Runs code where it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("this must not be seen",))


SIZED = """\
network Sized
param classes = 10
param width = 16
param stages = 2
input 32x32 x3
block unit(c) { residual< conv 3x3/2 p1 x(c) nobias; bn; relu | conv 1x1/2 x(c) > }
for i in 0..stages-1 { unit(width * 2**i) }
gap; flatten; fc (classes)
"""


@pytest.mark.parametrize(
    "params", [{"classes": 4}, {"width": 8}, {"width": 32, "classes": 16}, {"stages": 3}]
)
def test_weights_at_other_params(
    params: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The cure that is named is one: with it the weights fit. None is named that is not."""
    net, out = tmp_path / "sized.arch", tmp_path / "sized.pt2"
    net.write_text(SIZED)
    torch.save(archc.load(net, **params).module().state_dict(), tmp_path / "w.pth")
    argv = (net, "--to", "pt2", "--weights", tmp_path / "w.pth", "-o", out)
    assert run(*argv) == 1
    err = capsys.readouterr().err
    flags = re.findall(r"-D \w+=\d+", err.partition("they are of `")[2])
    assert {flag[3:] for flag in flags} == {
        f"{name}={value}" for name, value in params.items() if name != "stages"
    }
    if flags:
        assert run(*argv, *" ".join(flags).split()) == 0


def test_wrong_weights(small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = trained(small).state_dict()
    other = archc.load("resnet20").module().state_dict()
    resized = dict(state) | {"fc1.weight": torch.zeros(9, 8)}
    cases: list[tuple[object, str]] = [
        (other, "these are not the weights of Small:"),
        (resized, "fc1.weight is 9x8, not 4x8"),
        ({"a": 3}, "holds no state_dict"),
        ([1, 2], "holds no state_dict"),
        (Evil(), "holds no weights that are safe to load"),
        (collections.Counter(state.keys()), "holds no state_dict"),
    ]
    out = tmp_path / "small.pt2"
    for content, says in cases:
        torch.save(content, tmp_path / "w.pth")
        code = run(small, "--to", "pt2", "--weights", tmp_path / "w.pth", "-o", out)
        printed, err = capsys.readouterr()
        assert (code, printed) == (1, "")
        assert says in err
        assert err.count("\n") == 1, "one line"
        assert not out.exists()
    (tmp_path / "w.pth").write_text("no weights at all")
    assert run(small, "--to", "pt2", "--weights", tmp_path / "w.pth", "-o", out) == 1
    assert run(small, "--to", "pt2", "--weights", tmp_path / "none.pth", "-o", out) == 2
    assert "no such file" in capsys.readouterr().err


def test_a_file_that_archc_did_not_write(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "small.pt2"
    out.write_bytes(b"somebody's work")
    assert run(small, "--to", "pt2", "-o", out) == 2
    assert "was not written by archc" in capsys.readouterr().err
    assert out.read_bytes() == b"somebody's work"
    assert run(small, "--to", "pt2", "-o", out, "--force") == 0
    assert run(small, "--to", "pt2", "-o", out) == 0, "its own file it may write anew"
    data = out.read_bytes()
    out.write_bytes(data[:200] + b"X" + data[201:])
    assert run(small, "--to", "pt2", "-o", out) == 2
    assert "was edited since" in capsys.readouterr().err


def test_stamps_of_binary_files(tmp_path: Path) -> None:
    for suffix, data in (
        (".onnx", b"\x08\x0a\x12\x03abc"),
        (".pt2", b"PK\3\4..PK\5\6" + bytes(18)),
    ):
        stamped = files.stamp_bytes(data, "source", suffix)
        path = tmp_path / f"x{suffix}"
        assert files.write(path, stamped)
        assert files.state(path) is files.OutputState.PRISTINE
        assert files.stamp_bytes(stamped, "source", suffix) == stamped
        path.write_bytes(stamped.replace(b"abc", b"abd").replace(b"..", b",,"))
        assert files.state(path) is files.OutputState.EDITED


@pytest.mark.parametrize(("format", "name"), [("onnx", "onnxscript"), ("pt2", "torch")])
def test_a_package_that_is_missing(
    small: Path,
    format: str,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    assert run(small, "--to", format) == 2
    assert capsys.readouterr().err == f"archc: --to {format} needs {name}: `pip install {name}`\n"


def test_what_torch_cannot_export(
    small: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> bytes:
        raise RuntimeError("no way\nwith pages of advice")

    monkeypatch.setattr(export, "_pt2", fail)
    assert run(small, "--to", "pt2", "-o", "-") == 1
    assert capsys.readouterr().err == "archc: torch cannot export Small: no way\n"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
def test_weights_from_a_fifo_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "weights.pt")
    with pytest.raises(export.Unfit, match="not a regular file"):
        export.weights(tmp_path / "weights.pt")
