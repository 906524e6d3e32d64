"""Predicted memory against torch's own tracker, and against published runs."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import timm_runs
import tracking
from nets import net_of, varied
from timm_runs import LADDER

import archc
from archc.analysis import fit
from archc.analysis.gpus import gpus
from archc.analysis.heap import Role
from archc.analysis.memory import checkpointable
from archc.analysis.schedule import schedule
from archc.analysis.setting import RunSetting, choose_run, optimizers
from archc.ops import REGISTRY, Op
from archc.plan import Plan

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
PLAIN = RunSetting()
WHAT_IFS = {
    "fp16": RunSetting("fp16"),
    "amp": RunSetting(amp=True),
    "adam": RunSetting(optimizer=optimizers()["adam"]),
    "sgd": RunSetting(optimizer=optimizers()["sgd"]),
}
BLOCKS = {"resnet50": "bottleneck", "googlenet_bn": "inception", "squeezenet1_1": "fire"}
# Local response norm, a label that forward goes back to, a branch inside its merge's line.
SPECIAL = ("zfnet", "preact_resnet164", "squeezenet1_0_complex_bypass")


def plan_of(net: archc.Net) -> Plan:
    assert net.analysis.plan is not None
    return net.analysis.plan


# --- against torch -----------------------------------------------------------------------


def tracked(net: archc.Net, batch: int, setting: RunSetting = PLAIN) -> tuple[int, int]:
    """The peaks of training and of inference by torch's MemTracker."""
    pytest.importorskip("torch")

    def make() -> Any:
        model = net.module()
        if setting.checkpoint is not None:
            compute_again(model, setting.checkpoint)
        return model

    shape = tracking.shape_of(net)
    return (
        tracking.training_peak(make, shape, batch, setting),
        tracking.inference_peak(net.module, shape, batch, setting),
    )


def compute_again(model: Any, block: str) -> None:
    """Checkpoint all modules that the block's calls became."""
    from torch.utils.checkpoint import checkpoint

    for module in model.modules():
        if type(module).__name__.lower() == block.replace("_", ""):
            module.forward = partial(checkpoint, module.forward, use_reentrant=False)


def predicted(net: archc.Net, batch: int, setting: RunSetting = PLAIN) -> tuple[int, int]:
    memory = net.analysis.memory(setting)
    return memory.train.peak(batch).bytes(batch), memory.infer.peak(batch).bytes(batch)


def compare(net: archc.Net, batch: int, setting: RunSetting = PLAIN, off: float = 0.01) -> None:
    """`fit`'s peak of training within 1 %; counted as the tracker does, nearly to the byte.

    In half precision torch keeps a few statistics wider than said, Adam has a count for each
    tensor (to 0.02 %); under autocast, casts of weights come and go (to 0.4 %).
    """
    train, infer = predicted(net, batch, setting)
    real_train, real_infer = tracked(net, batch, setting)
    assert train == pytest.approx(real_train, rel=off)
    exact, _ = predicted(net, batch, replace(setting, tracked=True))
    near = 1e-6 if setting in (PLAIN, RunSetting(checkpoint=setting.checkpoint)) else 2e-4
    assert exact == pytest.approx(real_train, rel=0.004 if setting.amp else near, abs=100)
    assert infer == pytest.approx(real_infer, rel=0.004)


@pytest.mark.filterwarnings("ignore")  # torch's own
def test_a_small_network() -> None:
    compare(net_of(SMALL), 64)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("norm", ["lrn 3", "lrn 3 g2", "lrn 5 g4"])
def test_local_response_norm(norm: str) -> None:
    text = f"network Net\ninput 16x16 x3\nconv 3x3 p1 x32; {norm}; conv 3x3 p1 x8; flatten; fc 9\n"
    compare(net_of(text), 64)


@pytest.mark.filterwarnings("ignore")
def test_a_group_that_reuses_a_part_of_itself() -> None:
    """Its weights are there once."""
    body = "g: { a: { conv 3x3 p1 x64; relu }; reuse a; conv 1x1 x64 }; reuse g; gap; flatten; fc 9"
    net = net_of(f"network Net\ninput 16x16 x64\n{body}\n")
    state = schedule(plan_of(net), training=True).state()
    assert state.weights == sum(weight.numel() for weight in net.module().parameters())
    assert predicted(net, 1)[0] == pytest.approx(tracked(net, 1)[0], rel=0.02)


OFF = {"inorm": 0.01, "join": 0.04, "ln": 0.01, "fc each": 0.005, "grn": 0.001, "sample": 0.12}


def around(op: type[Op], *, plain: bool) -> archc.Net:
    """An operator between others: after a convolution or an activation, before another."""
    vector = " " not in op.example_input
    first = f"fc {op.example_input[1:]}" if vector else f"conv 1 x{op.example_input.split('x')[-1]}"
    last = "fc 10" if vector or op.name == "flatten" else "flatten; fc 10"
    before, after = ("", "") if plain else ("; relu", "; tanh")
    body = f"{first}{before}; {op.example}{after}; {last}"
    return net_of(f"network Net\ninput {op.example_input}\n{body}\n")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("plain", [True, False], ids=["plain", "between"])
@pytest.mark.parametrize("name", sorted({op.name for op in REGISTRY.values()}))
def test_every_operator(name: str, plain: bool) -> None:
    """Where it takes most of all. On fake tensors, torch makes some of other parts: see OFF."""
    if name == "unflatten":  # its example makes a vector an image
        net = net_of(
            "network Net\ninput x32\nfc 32; relu; unflatten 4x4 x2; conv 1 x2; flatten; fc 9\n"
        )
    else:
        net = around(REGISTRY[name], plain=plain)
    nearly_exact(net, train=OFF.get(name, 1e-4), infer=0.01 if name == "inorm" else 1e-4)


def nearly_exact(net: archc.Net, train: float = 1e-4, infer: float = 1e-4) -> None:
    """As the tracker counts, within such parts."""
    predicted_train, predicted_infer = predicted(net, 64, replace(PLAIN, tracked=True))
    real_train, real_infer = tracked(net, 64)
    assert predicted_train == pytest.approx(real_train, rel=train, abs=100)
    assert predicted_infer == pytest.approx(real_infer, rel=infer, abs=100)


@pytest.mark.parametrize(
    "words",
    ["conv 3/2 tfsame x4", "conv 4 same x4", "conv 3 before=2 x4", "pool 2/1 same",
     "pool 3/2 tfsame", "avgpool 2/1 same", "conv 3 p1 x4 ws", "conv 3 p1 x4 wn",
     "conv 3 p1 x4 mask=A"],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore")
def test_what_is_padded_beforehand_and_weights_that_are_computed(words: str) -> None:
    text = f"network Net\ninput 8x8 x4\nconv 1 x4; relu; {words}; tanh; flatten; fc 10\n"
    nearly_exact(net_of(text), train=0.002, infer=0.002)


@pytest.mark.parametrize(
    "cut",
    [
        "concat< identity | identity >; concat< narrow 0 3 | narrow 1 3 | narrow 5 1 >",
        "concat< chunk 1 | chunk 0 of=3 | chunk 2 of=3 >",
        "add< narrow 0 3; relu | narrow 1 3; conv 1x1 x3 | chunk 1 >; sigmoid",
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_parts_of_one_tensor(cut: str) -> None:
    """The gradient of each is as large as the whole, and zero outside of the part."""
    net = net_of(f"network Net\ninput 8x8 x6\nconv 3x3 p1 x6\n{cut}\nflatten; fc 9\n")
    nearly_exact(net)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("branches", [1, 2, 3, 4, 5, 8, 9])
@pytest.mark.parametrize("merge", ["concat", "add", "mean"])
def test_branches_in_the_line_of_their_merge(merge: str, branches: int) -> None:
    """In inference: what is written inside is gone when the line goes on, a variable is not."""
    inner = " | ".join(["conv 3x3 p1 x4"] * branches)
    net = net_of(f"network Net\ninput 8x8 x4\n{merge}< {inner} | relu >; tanh; conv 1x1 x2; gap\n")
    _, infer = predicted(net, 64)
    real = tracking.inference_peak(net.module, tracking.shape_of(net), 64)
    assert infer == pytest.approx(real, rel=1e-4)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("batch", [8, 32])
@pytest.mark.parametrize("name", NETWORKS)
def test_known_networks(name: str, batch: int) -> None:
    compare(archc.load(name), batch)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", SPECIAL)
def test_special_networks(name: str) -> None:
    compare(archc.load(name), 16)


# A CPU's autocast runs the pool in `lrn` in fp32, a GPU's in half precision.
NO_LRN = SMALL.replace("lrn 5; ", "")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", WHAT_IFS)
def test_what_ifs_of_a_small_network(name: str) -> None:
    compare(net_of(NO_LRN), 64, WHAT_IFS[name])


# A line of `train`, and the optimizer that it stands for as a GPU runs it: in one kernel where
# torch has one, or else with `foreach`. Their class, arguments and title. SGD's kernel would write
# into fake tensors: step by step it takes as much, without decay.
OPTIMIZERS: dict[str, tuple[str, dict[str, Any], str]] = {
    "sgd lr=0.1": ("SGD", {"foreach": False}, "SGD"),
    "sgd lr=0.1 momentum=0.9": ("SGD", {"momentum": 0.9, "foreach": False}, "SGD with momentum"),
    "adam lr=0.1": ("Adam", {"fused": True}, "Adam"),
    "adam lr=0.1 amsgrad": ("Adam", {"amsgrad": True, "fused": True}, "Adam with amsgrad"),
    "adamw lr=0.1 weight_decay=0.05": ("AdamW", {"weight_decay": 0.05, "fused": True}, "AdamW"),
    "rmsprop lr=0.1": ("RMSprop", {"foreach": True}, "RMSprop"),
    "rmsprop lr=0.1 momentum=0.9 weight_decay=1e-5 centered": (
        "RMSprop",
        {"momentum": 0.9, "weight_decay": 1e-5, "centered": True, "foreach": True},
        "RMSprop with momentum and centered",
    ),
    "adagrad lr=0.1": ("Adagrad", {"foreach": True}, "Adagrad"),
    "adagrad lr=0.1 weight_decay=1e-4": (
        "Adagrad",
        {"weight_decay": 1e-4, "foreach": True},
        "Adagrad",
    ),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("fc_or_conv", ["fc", "conv"], ids=["peak-in-step", "peak-in-backward"])
@pytest.mark.parametrize("line", OPTIMIZERS)
def test_the_optimizer_of_train(line: str, fc_or_conv: str) -> None:
    torch = pytest.importorskip("torch")
    name, arguments, title = OPTIMIZERS[line]
    body = "flatten; fc 512; relu" if fc_or_conv == "fc" else "conv 3x3 x8; bn; relu; flatten"
    net = net_of(f"network N\ninput 16x16 x3\n{body}; fc 10\ntrain {{ optimizer {line} }}\n")
    run = choose_run(net.analysis.facts.train)
    assert run.setting.optimizer.title == title
    assert run.origins["optimizer"] == "train"

    def optimizer_for(model: Any) -> Any:
        return getattr(torch.optim, name)(model.parameters(), lr=0.1, **arguments)

    setting = replace(run.setting, tracked=True)
    real = tracking.training_peak(net.module, (3, 16, 16), 2, setting, optimizer_for)
    predicted_peak, _ = predicted(net, 2, setting)
    assert predicted_peak == pytest.approx(real, rel=1e-3, abs=100)


@pytest.mark.parametrize(
    ("words", "precision"),
    [
        ("float32", "fp32"),
        ("bf16", "mixed precision"),
        ('"16-mixed"', "mixed precision"),
        ("amp", "mixed precision"),
        ("float64", "fp32"),
        ("int8", "fp32"),
    ],
)
def test_the_run_of_train(words: str, precision: str) -> None:
    train = f"batch 128; precision {words}; ema 0.99".replace("; ", "\n")
    net = net_of(f"network N\ninput 4x4 x3\nflatten; fc 10\ntrain {{\n{train}\n}}\n")
    run = choose_run(net.analysis.facts.train)
    assert (run.batch, run.setting.precision, run.setting.ema) == (128, precision, True)
    other = choose_run(net.analysis.facts.train, batch=4, precision="fp64", ema=False)
    assert (other.batch, other.setting.dtype, other.setting.ema) == (4, "fp64", False)
    assert {other.origins[part] for part in ("batch", "precision", "ema")} == {"given"}
    assert other.origins["optimizer"] == "default"


@pytest.mark.filterwarnings("ignore")
def test_an_average_of_the_weights() -> None:
    """On real tensors: fake ones cannot be copied."""
    torch = pytest.importorskip("torch")
    from torch.distributed._tools.mem_tracker import MemTracker

    net, batch = net_of(SMALL), 64
    model = net.module().train()
    x, labels = torch.randn(batch, 3, 16, 16), torch.zeros(batch, dtype=torch.long)
    average = torch.optim.swa_utils.AveragedModel(model, use_buffers=True)
    optimizer = tracking.optimizer_of(model, PLAIN)
    tracker = MemTracker()
    tracker.track_external(model, average, optimizer, x, labels)
    with tracker:
        for _ in range(2):
            tracker.reset_mod_stats()
            tracking.step(model, optimizer, x, labels)
    train, _ = predicted(net, batch, RunSetting(ema=True, tracked=True))
    assert train == pytest.approx(tracking.total(tracker), abs=100)
    assert train > predicted(net, batch, replace(PLAIN, tracked=True))[0]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("amp", [False, True])
def test_computing_a_block_again(amp: bool) -> None:
    compare(net_of(NO_LRN), 64, RunSetting(amp=amp, checkpoint="unit"))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("batch", [8, 32])
@pytest.mark.parametrize("setting", WHAT_IFS.values(), ids=WHAT_IFS)
@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "densenet121"])  # minutes
def test_what_ifs_of_known_networks(name: str, setting: RunSetting, batch: int) -> None:
    compare(archc.load(name), batch, setting)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("batch", [8, 32])
@pytest.mark.parametrize("amp", [False, True])
@pytest.mark.parametrize("name", BLOCKS)
def test_computing_blocks_of_known_networks_again(name: str, amp: bool, batch: int) -> None:
    setting = RunSetting(amp=amp, checkpoint=BLOCKS[name])
    compare(archc.load(name), batch, setting)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("ddp", [None, "copies", "views"])
def test_distributed_training(ddp: str | None) -> None:
    """The third step, on real tensors: DDP makes its buckets where fake ones do not see it."""
    torch = pytest.importorskip("torch")
    from torch import distributed
    from torch.distributed._tools.mem_tracker import MemTracker
    from torch.nn.parallel import DistributedDataParallel

    net, batch = net_of(SMALL), 64
    distributed.init_process_group("gloo", rank=0, world_size=1, store=distributed.HashStore())
    try:
        model = run = net.module().train()
        x, labels = torch.randn(batch, 3, 16, 16), torch.zeros(batch, dtype=torch.long)
        tracker = MemTracker()
        tracker.track_external(model, x, labels)
        with tracker:
            if ddp is not None:
                run = DistributedDataParallel(model, gradient_as_bucket_view=ddp == "views")
            optimizer = tracking.optimizer_of(model, PLAIN)
            tracker.track_external(optimizer)
            for _ in range(3):  # DDP makes its buckets anew after the first
                tracker.reset_mod_stats()
                tracking.step(run, optimizer, x, labels)
    finally:
        distributed.destroy_process_group()
    train, _ = predicted(net, batch, RunSetting(ddp=ddp))
    assert train == pytest.approx(tracking.total(tracker), rel=0.004)


# --- against a GPU -----------------------------------------------------------------------


@pytest.mark.slow
def test_the_rule_of_thumb_on_published_runs() -> None:
    """timm's batches on a 24 GiB card, lowered along a ladder until they fitted."""
    capacity, right = gpus()[timm_runs.CARD].memory, 0
    measured = timm_runs.runs(f"train_{timm_runs.CARD}")
    assert len(measured) == 28
    for run in measured:
        heap = run.training
        assert heap.peak(run.batch).bytes(run.batch) <= fit.TIGHT * capacity, run.model
        if run.batch < LADDER[0]:
            more = LADDER[LADDER.index(run.batch) - 1]
            assert heap.peak(more).bytes(more) > fit.FITS * capacity, run.model
        right += run.batch == run.rung
    assert right == 26, "93 %; the issue asks for 90"


# --- what must hold ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def resnet() -> Plan:
    return plan_of(archc.load("resnet50"))


@pytest.mark.parametrize("name", varied(sorted(archc.bundled())))
def test_all_networks_come_to_an_end(name: str) -> None:
    plan = plan_of(archc.load(name))
    for setting in (
        RunSetting(),
        RunSetting(amp=True, checkpoint=next(iter(checkpointable(plan)), None)),
    ):
        heap = fit.memory(plan, setting).train
        left = {s.role for s in heap.alive(heap.moments[-1]) if s.fixed or s.sample}
        assert left <= {
            Role.PARAMETERS, Role.GRADIENTS, Role.OPTIMIZER, Role.BUFFERS, Role.INPUT,
        }, "all that the passes took is freed"  # fmt: skip
        gradients = sum(s.fixed for s in heap.storages if s.role is Role.GRADIENTS)
        assert gradients >= sum(s.fixed for s in heap.storages if s.role is Role.PARAMETERS)


def test_the_largest_batch_is_the_largest(resnet: Plan) -> None:
    memory = fit.memory(resnet, RunSetting())
    for heap in (memory.train, memory.infer):
        capacity = 8 * 2**30
        batch = heap.largest_batch(capacity)
        assert heap.peak(batch).bytes(batch) <= capacity < heap.peak(batch + 1).bytes(batch + 1)
        assert heap.largest_batch(10**6) == 0, "the parameters alone do not fit"


def test_what_ifs(resnet: Plan) -> None:
    def bytes(**how: Any) -> int:
        return fit.memory(resnet, RunSetting(**how)).train.peak(32).bytes(32)

    plain, parameters = bytes(), 25_557_032 * 4
    assert bytes(optimizer=optimizers()["adam"]) - plain == parameters
    assert plain - bytes(optimizer=optimizers()["sgd"]) == parameters
    assert 0.49 < bytes(dtype="bf16") / plain < 0.53, "indices stay int64"
    assert bytes(dtype="bf16") < bytes(amp=True) < 0.6 * plain
    assert bytes(checkpoint="bottleneck") < 0.5 * plain
    assert fit.best_checkpoint(resnet, RunSetting(), 32).checkpoint == "bottleneck"


def test_a_block_without_blocks_to_compute_again() -> None:
    plan = plan_of(archc.load("alexnet"))
    assert fit.best_checkpoint(plan, RunSetting(), 32).checkpoint is None


def test_parts_add_up(resnet: Plan) -> None:
    peak = fit.peak(fit.memory(resnet, RunSetting()).train, 32)
    assert sum(peak.parts.values()) == peak.bytes
    assert peak.parts[Role.PARAMETERS] == 25_557_032 * 4
    assert peak.largest[0][0].name == "conv1"
    assert peak.largest[0][1] == 32 * 64 * 112 * 112 * 4
