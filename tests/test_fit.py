"""`archc fit`: what it prints, and what it refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import archc
from archc import cli
from archc.analysis.gpus import find_gpu, gpus
from archc.analysis.setting import optimizers
from archc.cli.arguments.commands import OPTIMIZERS


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = cli.main(["fit", *argv])
    return code, *capsys.readouterr()


def test_text(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "resnet50", "--batch", "32", "--memory", "24GB")
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


TRAINED = """
network Trained
input 8x8 x3
conv 3x3 x8; flatten; fc 10
train {
  optimizer adamw lr=0.001 weight_decay=0.05
  batch 48
  precision bf16
  ema 0.999
}
"""


def test_the_train_section_is_read(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "trained.arch"
    path.write_text(TRAINED, encoding="utf-8")
    _, out, err = run(capsys, str(path), "--memory", "1GB")
    assert out.startswith("Trained: batch 48, mixed precision, AdamW, an average of the weights\n")
    assert "\nBatch, optimizer, precision, ema from the file's `train`.\n" in out
    assert "over all GPUs: --batch N says what one has" in out
    assert "training at 48" in out
    assert err == ""

    given = ("--batch", "2", "--optimizer", "sgd", "--dtype", "fp32", "--no-ema")
    _, out, _ = run(capsys, str(path), *given, "--memory", "1GB")
    assert out.startswith("Trained: batch 2, fp32, SGD\n")
    assert "\nBatch, optimizer, precision as given.\n" in out
    assert "over all GPUs" not in out

    _, out, _ = run(capsys, str(path), "--optimizer", "adam", "--format", "json")
    found = json.loads(out)
    assert (found["optimizer"], found["optimizer_title"], found["ema"]) == ("adam", "Adam", True)
    assert found["origins"] == {
        "batch": "train", "optimizer": "given", "precision": "train", "ema": "train",
    }  # fmt: skip
    parts = found["train"]["parts"]
    assert parts["optimizer state"] == 2 * parts["parameters"]
    assert parts["averaged weights"] == parts["parameters"]


def test_a_file_without_train_has_defaults(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "plain.arch"
    path.write_text(TRAINED.partition("train {")[0], encoding="utf-8")
    _, out, _ = run(capsys, str(path), "--memory", "1GB")
    assert out.startswith("Trained: batch 32, fp32, SGD with momentum\n")
    assert "\nBatch, optimizer, precision by default.\n" in out


def test_a_precision_that_is_only_a_note(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "trained.arch"
    path.write_text(TRAINED.replace("bf16", "int8"), encoding="utf-8")
    _, out, err = run(capsys, str(path), "--memory", "1GB")
    assert "batch 48, fp32, AdamW" in out
    assert "does not know the `precision int8` of train" in err
    _, _, err = run(capsys, str(path), "--memory", "1GB", "--amp")
    assert err == ""


@pytest.mark.parametrize("word", ["float64", "double", "fp64"])
def test_no_script_trains_in_float64(
    word: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """What is counted is what the script computes, and said."""
    path = tmp_path / "trained.arch"
    path.write_text(TRAINED.replace("bf16", f"{word}\n  epochs 9"), encoding="utf-8")
    _, out, err = run(capsys, str(path), "--memory", "1GB")
    assert "batch 48, fp32, AdamW" in out
    assert f"`precision {word}` of train, and trains in float32" in err
    source = archc.load(path).analysis.emit_training()
    assert "float64" not in source
    _, out, err = run(capsys, str(path), "--memory", "1GB", "--dtype", "fp64")
    assert "batch 48, fp64, AdamW" in out
    assert err == ""


def test_all_optimizers_are_offered() -> None:
    assert tuple(optimizers()) == OPTIMIZERS


def test_distributed_training_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "resnet50", "--batch", "32", "--ddp")
    assert out.startswith("ResNet50: batch 32, fp32, SGD with momentum, DistributedDataParallel\n")
    assert "\ngradient buckets          97.5 MiB\n" in out
    assert "sending gradients to the others is not counted" in out
    peaks = []
    for flags, said in ((), None), (("--ddp",), "copies"), (("--ddp-views",), "views"):
        _, out, _ = run(capsys, "resnet50", "--format", "json", *flags)
        found = json.loads(out)
        assert found["ddp"] == said
        peaks.append(found["train_peak_bytes"])
    assert peaks[1] - peaks[0] == 25_557_032 * 4


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
        (("--memory", "24"), "is so many bytes: write 24GB"),
        (("--memory", "0"), "is not a size"),
        (("--memory", "-5GB"), "expected one argument"),
        (("--batch", "0"), "at least 1"),
        (("--batch", "1" + "0" * 400), "more than 10^30"),
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


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("m1max", "Apple M1 Max 64 GB  48.0 GiB"),
        ("m1max-32", "Apple M1 Max 32 GB  21.3 GiB"),  # as Metal says: 21845.34 MiB
        ("Apple M2 24GB", "Apple M2 24 GB  16.0 GiB"),
        ("M1 Ultra", "Apple M1 Ultra 128 GB  96.0 GiB"),
    ],
)
def test_a_chip_shares_its_memory(name: str, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "lenet5", "--gpu", name)
    assert code == 0
    assert line in out
    assert "unknown" in out, "no estimate was compared with a run on it"
    assert "With runs on Apple's chips no estimate was compared." in " ".join(out.split())


def test_chips_are_shown_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "lenet5")
    assert "Apple" not in out
    assert run(capsys, "lenet5", "--gpu", "m1-64")[0] == 2, "there is none with so much"
    _, out, _ = run(capsys, "lenet5", "--gpu", "m4", "--format", "json")
    assert json.loads(out)["devices"][0]["speed"]["infer"]["error_half"] is None


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("4090", "rtx4090"),
        ("NVIDIA GeForce RTX 4090", "rtx4090"),
        ("NVIDIA GeForce RTX 4090 Laptop GPU", "rtx4090laptop"),
        ("RTX 4070 Mobile", "rtx4070laptop"),
        ("3090 Ti", "rtx3090ti"),
        ("A100 80GB", "a100-80"),
        ("A100-40", "a100-40"),
        ("NVIDIA A100-SXM4-40GB", "a100-40"),
        ("NVIDIA A100-PCIE-40GB", "a100-40"),
        ("NVIDIA A100 80GB PCIe", "a100-80-pcie"),
        ("NVIDIA A100-SXM4-80GB", "a100-80"),
        ("Tesla T4", "t4"),
        ("Tesla V100-SXM2-16GB", "v100-16"),
        ("Tesla V100-PCIE-16GB", "v100-16-pcie"),
        ("Tesla P100-PCIE-16GB", "p100-pcie"),
        ("NVIDIA H100 80GB HBM3", "h100"),
        ("NVIDIA H100 PCIe", "h100-pcie"),
        ("H100", "h100"),
        ("NVIDIA RTX A6000", "a6000"),
        ("Quadro RTX A6000", "a6000"),
        ("NVIDIA B200", "b200"),
        ("NVIDIA L40S", "l40s"),
        ("m1 max 32gb", "m1max"),
    ],
)
def test_what_drivers_and_people_call_cards(name: str, key: str) -> None:
    assert find_gpu(name).key == key


def test_each_card_answers_to_its_key_and_its_name() -> None:
    for key, card in gpus().items():
        assert find_gpu(key) == find_gpu(card.name) == find_gpu(key.upper()) == card


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("A100", ["may be a100-40 (NVIDIA A100 40 GB) or a100-80 ", "a100-80-pcie", "say which"]),
        ("Tesla V100", ["v100-16 ", "v100-32 ", "say which"]),
        ("RTX 3060 8GB", ["is known, but rtx3060 (NVIDIA GeForce RTX 3060 12 GB)"]),
        ("NVIDIA H100 NVL", ["is known, but h100 (", " and h100-pcie ("]),
        ("RTX 309O", ["did you mean 'rtx3090'?"]),
        ("NVIDIA A100-SXM4-40GB MIG 1g.5gb", ["no GPU"]),
        ("GTX 970", ["no GPU 'GTX 970'"]),
        ("", ["--gpu: it is empty"]),
    ],
)
def test_a_name_that_is_no_single_card(
    name: str, said: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(capsys, "lenet5", "--gpu", name)
    assert code == 2
    assert all(part in err for part in said), err
    assert "h100'?" not in err


@pytest.mark.parametrize("name", ["rtx3090", "RTX 3090", "NVIDIA GeForce RTX 3090", "rtx_3090"])
def test_a_card_is_known_by_what_people_call_it(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["fit", "lenet5", "--gpu", name]) == 0
    assert "NVIDIA GeForce RTX 3090  24.0 GiB" in capsys.readouterr().out
