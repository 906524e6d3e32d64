"""Predicted memory against torch's own tracker, and `archc fit`."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import archc
from archc import api, cli
from archc.gpus import gpus
from archc.passes import fit
from archc.passes.heap import Role
from archc.passes.memory import Setting, checkpointable, inference, training
from archc.plan import Plan
from archc.source import Source

SMALL = """
network Small
input 16x16 x3
block unit(c) {
  residual< conv 3x3 p1 x(c) nobias; bn; relu; conv 3x3 p1 x(c) | conv 1x1 x(c) >; relu
}
conv 3x3 p1 x8; lrn 5; pool 2x2
unit(16); concat< avgpool 3x3/1 p1 | conv 1x1 x16; sigmoid >
mul< identity | gap; conv 1x1 x32; sigmoid >; gelu
flatten; dropout 0.5; fc 64; relu; fc 10
"""
# Nets whose figures the issue asks for; the tracker needs seconds for each.
NETWORKS = ("resnet50", "googlenet_bn", "densenet121", "vgg16", "squeezenet1_1")
# Local response norm, a label that forward goes back to, a branch inside its merge's line.
SPECIAL = ("zfnet", "preact_resnet164", "squeezenet1_0_complex_bypass")
REFERENCE = Path(__file__).parent / "reference" / "timm_train_amp_rtx3090.csv"


def net_of(text: str) -> api.Net:
    analysis = api.analyze(Source("test.arch", text))
    assert analysis.ok, analysis.diagnostics
    return api.Net(analysis)


def plan_of(net: api.Net) -> Plan:
    assert net.analysis.plan is not None
    return net.analysis.plan


# --- against torch -----------------------------------------------------------------------


def tracked(net: api.Net, batch: int, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """The peaks of the second step and of inference by torch's MemTracker, on fake tensors."""
    torch = pytest.importorskip("torch")
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.distributed._tools.mem_tracker import MemTracker

    shape = plan_of(net).body.inputs[0].shape
    assert shape is not None
    monkeypatch.setattr(torch.nn.init, "trunc_normal_", lambda tensor, **_: tensor)  # reads values
    with FakeTensorMode():
        model = net.module().train()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        x = torch.randn(batch, *map(int, shape.dims))
        labels = torch.zeros(batch, dtype=torch.long)
        tracker = MemTracker()
        tracker.track_external(model, optimizer, x, labels)
        with tracker:
            for _ in range(2):
                tracker.reset_mod_stats()  # the first step has no momentum yet
                made = model(x)
                outputs = made if isinstance(made, tuple) else (made,)
                loss = sum(torch.nn.functional.cross_entropy(one, labels) for one in outputs)
                loss.backward()
                optimizer.step()
                optimizer.zero_grad()
                del made, outputs, loss
        train = _total(tracker)
        model.eval()
        tracker = MemTracker()
        tracker.track_external(model, x)
        with tracker, torch.no_grad():
            model(x)
        return train, _total(tracker)


def _total(tracker: Any) -> int:
    (device,) = tracker.get_tracker_snapshot("peak").values()
    return int(next(size for kind, size in device.items() if str(kind).endswith("Total")))


def predicted(net: api.Net, batch: int) -> tuple[int, int]:
    memory = net.analysis.memory()
    return memory.train.peak(batch).bytes(batch), memory.infer.peak(batch).bytes(batch)


def compare(net: api.Net, batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    train, infer = predicted(net, batch)
    real_train, real_infer = tracked(net, batch, monkeypatch)
    assert train == pytest.approx(real_train, rel=0.01)
    assert infer == pytest.approx(real_infer, rel=0.02)


@pytest.mark.filterwarnings("ignore")  # torch's own
def test_a_small_network(monkeypatch: pytest.MonkeyPatch) -> None:
    compare(net_of(SMALL), 64, monkeypatch)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("batch", [8, 32])
@pytest.mark.parametrize("name", NETWORKS)
def test_known_networks(name: str, batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    compare(archc.load(name), batch, monkeypatch)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", SPECIAL)
def test_special_networks(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    compare(archc.load(name), 16, monkeypatch)


def test_the_rule_of_thumb_on_published_runs() -> None:
    """timm's batches on a 24 GiB card, lowered along a ladder until they fitted."""
    ladder = [512, 384, 256, 192, 128, 96, 64]
    capacity = gpus()["rtx3090"].memory
    with REFERENCE.open(encoding="utf-8") as file:
        rows = {row["model"]: int(row["train_batch_size"]) for row in csv.DictReader(file)}
    assert len(rows) == 22
    for name, batch in rows.items():
        heap = training(plan_of(archc.load(name)), Setting(amp=True))
        assert heap.peak(batch).bytes(batch) <= fit.TIGHT * capacity, name
        if batch < 512:
            more = ladder[ladder.index(batch) - 1]
            assert heap.peak(more).bytes(more) > fit.FITS * capacity, name


# --- what must hold ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def resnet() -> Plan:
    return plan_of(archc.load("resnet50"))


@pytest.mark.parametrize("name", sorted(archc.bundled()))
def test_all_networks_come_to_an_end(name: str) -> None:
    plan = plan_of(archc.load(name))
    for setting in (
        Setting(),
        Setting(amp=True, checkpoint=next(iter(checkpointable(plan)), None)),
    ):
        heap = training(plan, setting)
        left = {s.role for s in heap.alive(heap.moments[-1]) if s.fixed or s.sample}
        assert left <= {
            Role.PARAMETERS, Role.GRADIENTS, Role.OPTIMIZER, Role.BUFFERS, Role.INPUT,
        }, "all that the passes took is freed"  # fmt: skip
        gradients = sum(s.fixed for s in heap.storages if s.role is Role.GRADIENTS)
        assert gradients >= sum(s.fixed for s in heap.storages if s.role is Role.PARAMETERS)


def test_the_largest_batch_is_the_largest(resnet: Plan) -> None:
    for heap in (training(resnet, Setting()), inference(resnet, Setting())):
        capacity = 8 * 2**30
        batch = heap.largest_batch(capacity)
        assert heap.peak(batch).bytes(batch) <= capacity < heap.peak(batch + 1).bytes(batch + 1)
        assert heap.largest_batch(10**6) == 0, "the parameters alone do not fit"


def test_what_ifs(resnet: Plan) -> None:
    def bytes(**how: Any) -> int:
        return training(resnet, Setting(**how)).peak(32).bytes(32)

    plain, parameters = bytes(), 25_557_032 * 4
    assert bytes(optimizer="adam") - plain == parameters
    assert plain - bytes(optimizer="sgd") == parameters
    assert 0.49 < bytes(dtype="bf16") / plain < 0.53, "indices stay int64"
    assert bytes(dtype="bf16") < bytes(amp=True) < 0.6 * plain
    assert bytes(checkpoint="bottleneck") < 0.5 * plain
    assert fit.best_checkpoint(resnet, Setting(), 32).checkpoint == "bottleneck"


def test_a_block_without_blocks_to_compute_again() -> None:
    plan = plan_of(archc.load("alexnet"))
    assert fit.best_checkpoint(plan, Setting(), 32).checkpoint is None


def test_parts_add_up(resnet: Plan) -> None:
    peak = fit.peak(training(resnet, Setting()), 32)
    assert sum(peak.parts.values()) == peak.bytes
    assert peak.parts[Role.PARAMETERS] == 25_557_032 * 4
    assert peak.largest[0][0].name == "conv1"
    assert peak.largest[0][1] == 32 * 64 * 112 * 112 * 4


def test_cards_have_what_is_needed() -> None:
    for card in gpus().values():
        assert card.memory > 8 * 2**30
        assert card.url.startswith("https://")
        assert card.bandwidth > 1e11
        assert 1e12 < card.fp32 <= card.fp16
        assert card.tf32 is None or card.fp32 <= card.tf32 <= card.fp16


# --- the command -------------------------------------------------------------------------


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = cli.main(["fit", *argv])
    return code, *capsys.readouterr()


def test_text(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "resnet50", "--memory", "24GB")
    assert (code, err) == (0, "")
    assert out.startswith("ResNet50: batch 32, fp32, SGD with momentum\n")
    assert "\npeak                      2.78 GiB    459 MiB\n" in out
    assert "rule of thumb" in out
    assert "rtx" not in out.partition("A rule")[0].lower(), "only what was asked for"


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    argv = ("resnet50", "--batch", "32", "--format", "json", "--gpu", "rtx3090", "--gpu", "t4")
    code, out, _ = run(capsys, *argv)
    found = json.loads(out)
    assert code == 0
    assert found["version"] == 1
    assert found["train_peak_bytes"] == 2_987_737_992
    assert found["infer_peak_bytes"] == 481_370_184
    assert sum(found["train"]["parts"].values()) == found["train_peak_bytes"]
    assert [device["capacity_bytes"] for device in found["devices"]] == [24 * 2**30, 16 * 2**30]
    assert found["devices"][0]["train"]["verdict"] == "fits"
    assert 200 < found["devices"][0]["train"]["largest_batch"] < 300


def test_checkpointing_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "resnet50", "--checkpoint", "--format", "json")
    assert json.loads(out)["checkpoint"] == "bottleneck"
    _, out, err = run(capsys, "alexnet", "--checkpoint", "--format", "json")
    assert json.loads(out)["checkpoint"] is None
    assert "no block is worth computing again" in err


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (("--gpu", "rtx309"), "did you mean 'rtx3090'"),
        (("--checkpoint-block", "nothing"), "calls no block 'nothing'"),
        (("--memory", "many"), "'many' is not a size like 24GB"),
        (("--memory", "0"), "is not a size"),
        (("--memory", "-5GB"), "expected one argument"),
        (("--batch", "0"), "at least 1"),
        (("--amp", "--dtype", "fp16"), "leave out --dtype"),
    ],
)
def test_wrong_usage(capsys: pytest.CaptureFixture[str], argv: tuple[str, ...], says: str) -> None:
    code, out, err = run(capsys, "resnet50", *argv)
    assert (code, out) == (2, "")
    assert says in err


def test_mistakes_in_the_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "broken.arch"
    path.write_text("network Broken\ninput 8x8 x3\nconv 9x9 x4\n", encoding="utf-8")
    code, out, err = run(capsys, str(path))
    assert (code, out) == (1, "")
    assert "A201" in err
    path.write_text("block unit() { relu }\n", encoding="utf-8")
    code, _, err = run(capsys, str(path))
    assert code == 1
    assert "no `network` line" in err


def test_huge_numbers_stay_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "alexnet", "--batch", "1" + "0" * 30, "--memory", "999999TB")
    assert code == 0
    assert "no" in out


def test_it_needs_neither_torch_nor_networkx() -> None:
    program = (
        "import sys; from archc import cli; cli.main(['fit', 'resnet50', '--memory', '24GB']);"
        "assert not {'torch', 'networkx', 'jinja2'} & set(sys.modules)"
    )
    root = str(Path(archc.__file__).parents[1])
    subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {root!r}); {program}"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
