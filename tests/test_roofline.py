"""Estimated speed against published measurements, and the cards' figures against other tables."""

from __future__ import annotations

import json
from itertools import chain
from statistics import median, quantiles

import pytest
from timm_runs import Run, left_out_errors, runs

import archc
from archc import cli
from archc.analysis import roofline
from archc.analysis.gpus import Gpu, gpus
from archc.analysis.roofline import estimate, work
from archc.analysis.table import tabulate
from archc.data import GPUS

CARDS = gpus()
INFER = {card: runs(f"infer_{card}") for card in ("rtx3090", "rtx4090")}
TRAIN = runs("train_rtx3090")

# ResNet-50 as NVIDIA measured it: NVIDIA/DeepLearningExamples, ConvNets/resnet50v1.5/README.md.
# Card, precision, bytes of an activation, batch (that of training is from its configurations),
# whether it trains, images per second.
NVIDIA = (
    ("v100-16", "amp", 2, 256, False, 3382),
    ("t4", "amp", 2, 256, False, 1198),
    ("v100-16", "fp32", 4, 256, False, 1261),
    ("t4", "fp32", 4, 64, False, 428),
    ("a100-80", "amp", 2, 256, True, 2470),
    ("a100-80", "fp32", 4, 256, True, 938),
    ("v100-16", "amp", 2, 256, True, 1200),
    ("v100-16", "fp32", 4, 112, True, 367),
)


def ninth(errors: list[float]) -> float:
    return quantiles(errors, n=10, method="inclusive")[8]


# --- against measurements ----------------------------------------------------------------


@pytest.mark.parametrize(
    "run",
    {run.model: run for run in (*INFER["rtx3090"], *TRAIN)}.values(),
    ids=lambda run: run.model,
)
def test_the_networks_are_those_that_were_measured(run: Run) -> None:
    assert run.analysis.params / 1e6 == pytest.approx(run.params, abs=0.006)


@pytest.mark.slow
def test_inference_when_each_network_is_left_out_of_the_fit() -> None:
    """The issue's aim: a median error of at most 12 %."""
    bundled = {card: [run for run in ran if run.bundled] for card, ran in INFER.items()}
    ratios = [
        run.rate / run.estimate(card).per_second for card, ran in bundled.items() for run in ran
    ]
    assert len(ratios) == 91
    attained = median(ratios) * roofline.ATTAINED
    assert attained == pytest.approx(roofline.ATTAINED, abs=0.01), "the constant is the fit"
    errors = left_out_errors(bundled)
    assert median(errors) == pytest.approx(roofline.INFER_ERROR.half, abs=0.005)
    assert ninth(errors) == pytest.approx(roofline.INFER_ERROR.most, abs=0.005)


@pytest.mark.parametrize("card", INFER)
def test_inference_of_networks_that_the_fit_never_saw(card: str) -> None:
    others = [run for run in INFER[card] if not run.bundled]
    assert len(others) == 10
    errors = [abs(run.estimate(card).per_second / run.rate - 1) for run in others]
    assert median(errors) < 0.07
    assert max(errors) < 0.1


@pytest.mark.parametrize("card", INFER)
def test_a_card_with_the_fit_of_the_other(card: str) -> None:
    (other,) = set(INFER) - {card}
    fit = median(run.rate / run.estimate(other).per_second for run in INFER[other])
    errors = [abs(fit * run.estimate(card).per_second / run.rate - 1) for run in INFER[card]]
    assert median(errors) < 0.06
    assert ninth(errors) < 0.21


def test_training() -> None:
    errors = [
        abs(run.estimate("rtx3090", training=True).per_second / run.rate - 1) for run in TRAIN
    ]
    assert len(errors) == 28
    assert median(errors) == pytest.approx(roofline.TRAIN_ERROR.half, abs=0.005)
    assert ninth(errors) == pytest.approx(roofline.TRAIN_ERROR.most, abs=0.005)


def test_other_cards_and_precisions() -> None:
    loads = archc.load("resnet50").analysis.work()
    errors = []
    for card, precision, width, batch, training, rate in NVIDIA:
        found = estimate(loads, CARDS[card], precision, width, batch, training=training)
        assert found is not None
        assert found.error is roofline.OTHER_ERROR
        assert not found.starved
        errors.append(abs(found.per_second / rate - 1))
    assert median(errors) == pytest.approx(roofline.OTHER_ERROR.half, abs=0.005)
    assert max(errors) == pytest.approx(roofline.OTHER_ERROR.most, abs=0.01)


def test_small_batches_are_starved() -> None:
    """NVIDIA's table: on a V100 78 images per second at batch 1, 2146 at 32, 3382 at 256."""
    loads, card = archc.load("resnet50").analysis.work(), CARDS["v100-16"]
    for batch, starved in ((1, True), (8, True), (256, False)):
        found = estimate(loads, card, "amp", 2, batch, training=False)
        assert found is not None
        assert found.starved is starved
    milliseconds = roofline.START * loads.operators(training=False) * 1e3
    assert 10.37 < milliseconds < 13.65, "NVIDIA's latencies at batches 1 to 8"


# --- what must hold ----------------------------------------------------------------------


def test_work_is_the_table() -> None:
    plan = archc.load("googlenet").analysis.plan
    assert plan is not None
    table = tabulate(plan)
    loads = work(table).loads
    inside = [(load, n) for load, n in loads.items() if not load.training_only]
    assert sum(load.flops * n for load, n in inside) == table.counts.flops
    assert sum(load.elements_moved * n for load, n in inside) == table.counts.elements_moved
    assert sum(n for _, n in inside) == table.counts.operators
    assert any(load.training_only for load in loads), "auxiliary heads, while training"


def test_computing_a_block_again_takes_time() -> None:
    analysis = archc.load("resnet50").analysis
    again = sum(n for load, n in analysis.work("bottleneck").loads.items() if load.repeated)
    assert again == 16 * 10 + 4 * 2, "its operators, and the projections"
    rates = []
    for loads in (analysis.work(), analysis.work("bottleneck")):
        found = estimate(loads, CARDS["rtx3090"], "amp", 2, 64, training=True)
        assert found is not None
        rates.append(found.per_second)
    assert 1.2 < rates[0] / rates[1] < 1.35


def test_what_is_not_known_has_no_estimate() -> None:
    loads = archc.load("resnet18").analysis.work()
    assert estimate(loads, CARDS["a100-40"], "fp64", 8, 32, training=False) is None
    assert estimate(loads, CARDS["t4"], "bf16", 2, 32, training=False) is None


# --- the cards ---------------------------------------------------------------------------

# Lightning-AI/pytorch-lightning, fabric/utilities/throughput.py (Apache-2.0): fp32 and fp16 in
# TFLOPS, by another hand from NVIDIA's datasheets.
LIGHTNING = {
    "h100": (67, 1979 / 2),
    "a100-40": (19.5, 312),
    "a100-80": (19.5, 312),
    "a10": (31.2, 125),
    "v100-16": (15.7, 125),
    "v100-32": (15.7, 125),
    "t4": (8.1, 65),
}


@pytest.mark.parametrize("card", CARDS.values(), ids=CARDS)
def test_cards_have_what_is_needed(card: Gpu) -> None:
    assert card.memory >= 8 * 2**30
    assert card.bandwidth > (6e10 if card.shared else 1e11)
    assert 1e12 < card.fp32 <= card.fp16
    assert card.tf32 is None or card.fp32 <= card.tf32 <= card.fp16
    written = json.loads(GPUS.read_text(encoding="utf-8"))["cards"][card.key]
    figures = {name for name, value in written.items() if isinstance(value, int | float)}
    assert set(card.checked) == figures, "each says where it was read, or from what it follows"


@pytest.mark.parametrize(("key", "rates"), LIGHTNING.items())
def test_cards_against_another_table(key: str, rates: tuple[float, float]) -> None:
    fp32, fp16 = rates
    assert CARDS[key].fp32 == pytest.approx(fp32 * 1e12, rel=0.001)
    assert CARDS[key].fp16 == pytest.approx(fp16 * 1e12, rel=0.001)


def test_sources_are_used_and_have_addresses() -> None:
    document = json.loads(GPUS.read_text(encoding="utf-8"))
    named = set(chain.from_iterable(card["read"] for card in document["cards"].values()))
    assert named == set(document["sources"])
    assert all(source["url"].startswith("https://") for source in document["sources"].values())


# --- the command -------------------------------------------------------------------------


def fit(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    assert cli.main(["fit", *argv]) == 0
    return capsys.readouterr().out


def test_text(capsys: pytest.CaptureFixture[str]) -> None:
    out = fit(capsys, "resnet50", "--amp", "--batch", "512", "--gpu", "rtx3090", "--gpu", "t4")
    assert "batch 512, mixed precision: estimates, not measured by archc\n" in out
    (line,) = (line for line in out.splitlines() if "3090" in line and "%" in line)
    assert line.split()[-6:] == ["3,740", "5%,", "15%", "1,140", "9%,", "23%"]
    assert "off by" in out
    assert "worst of which was 59% off" in out


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    argv = ("resnet50", "--amp", "--batch", "32", "--format", "json")
    devices = ("--memory", "24GB", "--gpu", "rtx3090")
    given, card = json.loads(fit(capsys, *argv, *devices))["devices"]
    assert given["speed"] == {"train": None, "infer": None}
    infer = card["speed"]["infer"]
    assert infer["samples_per_second"] == pytest.approx(3729.86, rel=0.02), "timm's RTX 3090"
    assert infer["seconds_per_batch"] == pytest.approx(32 / infer["samples_per_second"])
    assert infer["upper_bound"] is True, "32 is a small batch"
    assert (infer["error_half"], infer["error_most"]) == (0.05, 0.15)


def test_precisions_without_rates(capsys: pytest.CaptureFixture[str]) -> None:
    out = fit(capsys, "resnet18", "--dtype", "fp64")
    assert "Samples per second" not in out
    out = fit(capsys, "resnet18", "--dtype", "bf16", "--gpu", "t4", "--gpu", "l4")
    assert "\nNVIDIA L4 " in out.partition("Samples per second")[2]
    assert "\nNVIDIA T4 " not in out.partition("Samples per second")[2]
