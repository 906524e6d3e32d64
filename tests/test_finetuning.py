"""Training scripts from published weights to names: `--weights`, `--freeze`, `--predict`.

Folders are of four colours, weights torchvision's; what is kept and predicted is compared with
torchvision's own network and transforms.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import re
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from nets import small
from scripts import module, rows, run, script, text

import archc
from archc.cli import main as archc_main

torch = pytest.importorskip("torch")
torchvision = pytest.importorskip("torchvision")
pytest.importorskip("tqdm")

pytestmark = pytest.mark.usefixtures("one_thread")

COLOURS = {"blue": (40, 60, 200), "green": (40, 180, 60), "grey": (128, 128, 128),
           "red": (200, 50, 40)}  # fmt: skip
BASE = ("--workers=0", "--lr=0.01")


def paint(path: Path, colour: tuple[int, int, int], seed: int) -> None:
    import numpy as np
    from PIL import Image

    noise = np.random.default_rng(seed).integers(-25, 25, size=(70, 90, 3))
    Image.fromarray((noise + colour).clip(0, 255).astype("uint8")).save(path)


def make_folder(root: Path, count: int = 8) -> Path:
    for part, many in (("train", count), ("val", 2)):
        for label, (name, colour) in enumerate(COLOURS.items()):
            (root / part / name).mkdir(parents=True)
            for i in range(many):
                paint(root / part / name / f"{i}.jpg", colour, 1000 * label + 10 * i + (many == 2))
    return root


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("colours"))


@pytest.fixture(scope="module")
def made() -> ModuleType:
    """Of ResNet-18, on images of 64 pixels."""
    return module(small("resnet18").analysis.emit_training())


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state_dict of 1000 classes, as torchvision's is published."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("published") / "resnet18.pth"
    net = torchvision.models.resnet18().train()
    with torch.no_grad():
        net(torch.randn(16, 3, 64, 64))  # statistics that are some images'
    torch.save(net.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def tuned(made: ModuleType, published: Path, folder: Path, tmp_path_factory: Any) -> Path:
    """The OUT of a run that trains the new head alone."""
    out: Path = tmp_path_factory.mktemp("run") / "out"
    with pytest.MonkeyPatch.context() as patch:
        words = (f"--data={folder}", f"--weights={published}", "--freeze=*", "--epochs=8")
        assert run(made, patch, *words, *BASE, f"--out={out}") == 0
    return out


def load(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = torch.load(path, weights_only=True)
    return found


# --- weights -----------------------------------------------------------------------------


def test_only_the_head_is_new(
    made: ModuleType, published: Path, folder: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """It says what is new and how many parameters train; all else starts as published."""
    words = (f"--data={folder}", f"--weights={published}", "--lr=0", "--workers=0", "--steps=1")
    assert run(made, monkeypatch, *words, f"--out={tmp_path}") == 0
    said = capsys.readouterr().out
    assert f"all from {published} but new: fc.bias, fc.weight\n" in said
    assert "\nResNet18 of 11,178,564 parameters, 32 images, batch 8, seed 0, SGD\n" in said
    first, given = load(tmp_path / "best.pt"), load(published)
    for name, value in first.items():
        moves = name.startswith("fc.") or "running" in name or "num_batches" in name
        assert moves or torch.equal(value, given[name]), name
    assert first["fc.weight"].shape == (4, 512)


@pytest.mark.slow
def test_what_is_frozen_stays(tuned: Path, published: Path) -> None:
    """Weights and running statistics alike; the head that is left learns the colours."""
    given, best = load(published), load(tuned / "best.pt")
    assert all(torch.equal(best[n], given[n]) for n in given if not n.startswith("fc."))
    assert max(row["top1"] for row in rows(tuned)) == 100
    state = load(tuned / "last.pt")
    assert "11,178,564 parameters, 2,052 of them trained" in state["run"]
    torchvision.models.resnet18(num_classes=4).load_state_dict(best)


@pytest.mark.slow
def test_a_part_is_frozen(
    made: ModuleType, published: Path, folder: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """`layer1` is all in it, `*.bn2.*` a pattern; the norms of the rest go on counting."""
    words = (f"--data={folder}", f"--weights={published}", "--freeze=layer1,conv1")
    more = ("--freeze=*.bn2.*", "--steps=4", "--ema=0.5", f"--out={tmp_path}")
    assert run(made, monkeypatch, *words, *BASE, *more) == 0
    theirs = torchvision.models.resnet18(num_classes=4)
    frozen = [n for n, _ in theirs.named_parameters() if re.match(r"layer1\.|conv1\.|.*\.bn2\.", n)]
    count = sum(p.numel() for n, p in theirs.named_parameters() if n not in frozen)
    assert f"{count:,} of them trained" in capsys.readouterr().out
    given, net = load(published), load(tmp_path / "last.pt")["net"]
    for name, value in given.items():
        stays = re.match(r"layer1\.|conv1\.|.*\.bn2\.", name) is not None
        assert name.startswith("fc.") or torch.equal(value, net[name]) == stays, name
    assert run(made, monkeypatch, *words, *BASE, *more, "--steps=8", "--resume") == 0
    resumed = load(tmp_path / "last.pt")["net"]
    assert torch.equal(resumed["layer1.0.bn1.running_mean"], given["layer1.0.bn1.running_mean"])


@pytest.mark.slow
def test_from_a_checkpoint(
    made: ModuleType, tuned: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a run of ours, or compiled, of DDP, in torchvision's own: with the head, if it fits."""
    best = load(tuned / "best.pt")
    wrapped = {f"_orig_mod.module.{n}": v for n, v in best.items()}
    torch.save({"model": wrapped}, tmp_path / "ddp.pt")
    for path in (tuned / "last.pt", tuned / "best.pt", tmp_path / "ddp.pt"):
        out = tmp_path / path.stem
        words = (f"--data={folder}", f"--weights={path}", "--freeze=layer*", f"--out={out}")
        assert run(made, monkeypatch, *words, "--workers=0", "--lr=0", "--steps=1") == 0
        assert rows(out)[0]["top1"] == 100, path


@pytest.mark.parametrize(
    "name", ["squeezenet1_1", "densenet121", "vgg11", "mobilenet_v2", "googlenet", "inception_v3"]
)
def test_the_head_is_what_other_classes_change(name: str) -> None:
    """As by torchvision's own networks of 1000 classes and of 10."""
    made = module(archc.load(name).analysis.emit_training())
    more = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    with torch.device("meta"):
        nets = [getattr(torchvision.models, name)(num_classes=n, **more) for n in (10, 1000)]
    sizes = [{n: p.shape for n, p in net.state_dict().items()} for net in nets]
    head = {n for n in sizes[0] if sizes[0][n] != sizes[1][n]}
    aux = {n for n in sizes[0] if re.match("aux|AuxLogits", n)}
    assert {n for n in sizes[0] if n.startswith(made.HEAD)} == head | aux


def test_a_head_without_a_param() -> None:
    """Of a file that says `fc 4`: the last with weights."""
    source = text().replace("param classes = 10\n", "").replace("(classes)", "10")
    made = module(script(source))
    names = [*made.DigitNet().state_dict()]
    assert [name for name in names if name.startswith(made.HEAD)] == names[-2:]


def save_named(state: dict[str, Any], path: Path, names: list[str]) -> Path:
    """As a script writes best.pt."""
    images = {"mean": [0.5] * 3, "std": [0.5] * 3, "size": [64, 64], "resize": 64}
    state = OrderedDict(state)
    vars(state)["images"] = images | {"classes": names}
    torch.save(state, path)
    return path


@pytest.mark.slow
def test_other_names_are_other_classes(
    made: ModuleType, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """As many of them: the head is new, said by name, and trains where all else is frozen."""
    net = torchvision.models.resnet18(num_classes=4)
    path = save_named(net.state_dict(), tmp_path / "best.pt", ["cat", "dog", "wolf", "zebra"])
    torch.save(
        {"net": net.state_dict(), "images": vars(load(path))["images"]}, tmp_path / "last.pt"
    )
    for file in (path, tmp_path / "last.pt"):
        out = tmp_path / file.stem
        words = (f"--data={folder}", f"--weights={file}", "--freeze=*", "--steps=2", *BASE)
        assert run(made, monkeypatch, *words, f"--out={out}") == 0
        said = capsys.readouterr().out
        assert f"all from {file} but new: fc.bias, fc.weight\n" in said
        assert "2,052 of them trained" in said
        best = load(out / "best.pt")
        changed = {n for n, value in net.state_dict().items() if not torch.equal(best[n], value)}
        assert changed == {"fc.weight", "fc.bias"}
    again = (f"--weights={out / 'best.pt'}", f"--data={folder}", "--steps=1", "--lr=0")
    assert run(made, monkeypatch, *again, "--workers=0", f"--out={tmp_path / 'out'}") == 0
    assert "new" not in capsys.readouterr().out


HEADS: dict[str, tuple[dict[str, tuple[int, ...]], str]] = {
    "in features": ({"fc1.weight": (10, 9)}, "fc1.weight"),
    "in features and classes": ({"fc1.weight": (1000, 9), "fc1.bias": (1000,)}, "fc1.weight"),
    "dimensions": ({"fc1.weight": (1000, 8, 1, 1), "fc1.bias": (1000,)}, "fc1.weight"),
    "a bias of another number": ({"fc1.weight": (1000, 8), "fc1.bias": (7,)}, "fc1.weight"),
}


def tiny(body: str = "fc1: fc (classes)") -> ModuleType:
    train = "train { optimizer sgd lr=0.1; batch 8; epochs 1 }"
    trunk = "param classes = 10\ninput 8x8 x3\nconv 3x3 x8; gap; flatten"
    return module(script(f"network Tiny\n{trunk}; {body}\n{train}\n"))


@pytest.mark.parametrize("what", HEADS)
def test_only_the_number_of_classes_may_differ(
    what: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    made, (shapes, named) = tiny(), HEADS[what]
    state = made.Tiny().state_dict() | {n: torch.zeros(shape) for n, shape in shapes.items()}
    torch.save(state, tmp_path / "w.pt")
    words = (f"--weights={tmp_path / 'w.pt'}", f"--out={tmp_path / 'out'}", *BASE)
    assert run(made, monkeypatch, f"--data={folder}", *words) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert f"size mismatch for {named}" in line
    image = str(next(folder.glob("val/red/*.jpg")))
    assert run(made, monkeypatch, f"--predict={image}", *words[:1]) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert f"size mismatch for {named}" in line


@pytest.mark.parametrize("lacks", ["fc1.weight", "fc1.bias"])
def test_a_head_is_new_as_a_whole(
    lacks: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """No old bias beside a new weight."""
    made = tiny()
    state = made.Tiny(classes=4).state_dict()
    torch.save({n: value for n, value in state.items() if n != lacks}, tmp_path / "w.pt")
    words = (f"--weights={tmp_path / 'w.pt'}", f"--out={tmp_path / 'out'}", *BASE)
    assert run(made, monkeypatch, f"--data={folder}", *words) == 0
    assert "but new: fc1.bias, fc1.weight\n" in capsys.readouterr().out


def test_a_head_of_two_layers(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Both hang on the number of classes, and so what the second takes."""
    made = tiny("fc1: fc (2 * classes); relu; fc2: fc (classes)")
    path, image = tmp_path / "w.pt", str(next(folder.glob("val/red/*.jpg")))
    net = made.Tiny(classes=50)
    torch.save(net.state_dict(), path)
    words = (f"--weights={path}", "--freeze=*", f"--out={tmp_path / 'out'}", *BASE)
    assert run(made, monkeypatch, f"--data={folder}", *words) == 0
    new = "fc1.bias, fc1.weight, fc2.bias, fc2.weight"
    assert f"but new: {new}\n" in capsys.readouterr().out
    assert run(made, monkeypatch, f"--predict={image}", f"--weights={path}") == 0
    assert re.search(r": class \d+ [\d.]+%, class", capsys.readouterr().out)


def test_the_file_says_how_many_classes(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Weights of another number of classes than the default; not where it is fixed."""
    made, image = tiny(), str(next(folder.glob("val/red/*.jpg")))
    net = made.Tiny(classes=1000)
    torch.nn.init.zeros_(net.fc1.weight)
    net.fc1.bias.data.copy_(torch.arange(1000.0))
    torch.save(net.state_dict(), tmp_path / "w.pt")
    words = (f"--predict={image}", f"--weights={tmp_path / 'w.pt'}")
    for more in ((), ("--classes=1000",)):
        assert run(made, monkeypatch, *words, *more) == 0
        assert ": class 999 63.2%, class 998 23.3%" in capsys.readouterr().out
    assert run(made, monkeypatch, *words, "--classes=4") == 1
    assert "w.pt has no fc1.bias for 4 classes" in capsys.readouterr().err
    assert run(tiny("fc1: fc 10"), monkeypatch, *words) == 1
    assert "w.pt has no fc1.bias for 10 classes" in capsys.readouterr().err
    torch.save({n: v for n, v in net.state_dict().items() if "fc1" not in n}, tmp_path / "w.pt")
    assert run(made, monkeypatch, *words) == 1
    assert "w.pt has no fc1.bias for 10 classes" in capsys.readouterr().err


class Evil:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.mkdir, (str(self.path),)


@pytest.fixture(scope="module")
def spoiled(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of weights that are none, or of another network."""
    folder, state = tmp_path_factory.mktemp("spoiled"), load(published)
    torch.save({n: v for n, v in state.items() if n != "layer2.0.bn1.bias"}, folder / "lacks.pth")
    torch.save(state | {"layer9.weight": torch.zeros(1)}, folder / "more.pth")
    torch.save(state | {"conv1.weight": torch.zeros(64, 3, 3, 3)}, folder / "shape.pth")
    torch.save(state | {"conv1.weight": "x"}, folder / "words.pth")
    torch.save({1: 2}, folder / "numbers.pth")
    torch.save([state["fc.bias"]], folder / "list.pth")
    torch.save({}, folder / "empty.pth")
    (folder / "torn.pth").write_bytes(published.read_bytes()[:100_000])
    (folder / "evil.pth").write_bytes(pickle.dumps({"conv1.weight": Evil(folder / "ran")}))
    buffer = io.BytesIO()
    torch.save({"conv1.weight": Evil(folder / "ran")}, buffer)
    (folder / "evil_zip.pth").write_bytes(buffer.getvalue())
    return folder


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--weights=none.pth"], "cannot read none.pth: No such file"),
        (["--weights=lacks.pth"], 'does not fit: .*Missing key.*"layer2.0.bn1.bias"'),
        (["--weights=more.pth"], 'does not fit: .*Unexpected key.*"layer9.weight"'),
        (["--weights=shape.pth"], "does not fit: .*size mismatch for conv1.weight"),
        (["--weights=words.pth"], "does not fit: .*conv1.weight"),
        (["--weights=numbers.pth"], "numbers.pth does not fit: "),
        (["--weights=empty.pth"], "does not fit: .*Missing key"),
        (["--weights=list.pth"], "list.pth is no checkpoint .*, no state_dict"),
        (["--weights=torn.pth"], "torn.pth is no checkpoint .*, no state_dict, or it is torn"),
        (["--weights=evil.pth"], "evil.pth is no checkpoint"),
        (["--weights=evil_zip.pth"], "evil_zip.pth is no checkpoint"),
        (["--freeze=layer7"], "--freeze layer7 is no parameter's name, such as bn1.bias"),
        (["--freeze=conv1,layer1.0,fc1*"], r"--freeze fc1\* is no parameter's name"),
        (["--freeze=*"], "--freeze leaves nothing to train"),
    ],
)
def test_bad_weights_are_one_line(
    words: list[str], said: str, made: ModuleType, spoiled: Path, folder: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(spoiled)
    words = [*words, f"--out={tmp_path}"]
    assert run(made, monkeypatch, f"--data={folder}", *words, *BASE) == 1
    error = capsys.readouterr().err.strip()
    assert re.search(said, error), error
    assert len(error.splitlines()) == 1
    assert len(error) < 400
    assert not Path("ran").exists()


# --- prediction --------------------------------------------------------------------------


def shares(line: str) -> dict[str, float]:
    return {n: float(p) for n, p in re.findall(r"(\w+) ([\d.]+)%", line.rpartition(": ")[2])}


def test_names_are_predicted(
    made: ModuleType, tuned: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """From a checkpoint alone, with torchvision's own figures."""
    from PIL import Image
    from torchvision.transforms._presets import ImageClassification

    paths = sorted(folder.glob("val/*/*.jpg"))
    Image.open(paths[0]).convert("RGBA").save(tmp_path / "blue.png")
    theirs = torchvision.models.resnet18(num_classes=4)
    theirs.load_state_dict(load(tuned / "best.pt"))
    look = ImageClassification(crop_size=64, resize_size=64, mean=made.MEAN, std=made.STD)
    best = (tuned / "best.pt").rename(tmp_path / "alone.pt")
    try:
        words = [str(path) for path in (*paths, tmp_path / "blue.png")]
        assert run(made, monkeypatch, "--predict", *words, f"--weights={best}") == 0
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 9
        for path, line in zip(paths, lines, strict=False):
            found = shares(line)
            assert line.startswith(f"{path}: {path.parent.name} ")
            with torch.inference_mode():
                logits = theirs.eval()(look(Image.open(path).convert("RGB"))[None])
            expected = dict(zip(COLOURS, 100 * logits.softmax(1)[0], strict=True))
            assert found == pytest.approx({n: float(v) for n, v in expected.items()}, abs=1.5)
        assert max(shares(lines[-1]), key=shares(lines[-1]).__getitem__) == "blue"
    finally:
        best.rename(tuned / "best.pt")
    last = [*words[:1], f"--out={tuned}"]  # best.pt by default; last.pt is as good
    assert run(made, monkeypatch, "--predict", *last) == 0
    assert run(made, monkeypatch, "--predict", *last, f"--weights={tuned / 'last.pt'}") == 0
    assert capsys.readouterr().out.count(": blue ") == 2


def test_a_folder_is_predicted_whatever_is_broken_in_it(
    made: ModuleType, tuned: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """All images below it, in order; what is broken is named, and the others are predicted."""
    from PIL import Image

    images = sorted(folder.glob("val/*/*.jpg"))
    (tmp_path / "deep" / "er").mkdir(parents=True)
    Image.open(images[0]).save(tmp_path / "deep" / "a.png")
    Image.open(images[-1]).save(tmp_path / "deep" / "er" / "z.JPEG")
    data = (tmp_path / "deep" / "a.png").read_bytes()
    (tmp_path / "deep" / "b.png").write_bytes(data[:2000] + data[-12:])  # ends well
    (tmp_path / "deep" / "c.png").write_text("no image")
    (tmp_path / "deep" / "notes.txt").write_text("not looked at")
    (tmp_path / "empty").mkdir()
    words = ("--predict", str(tmp_path / "deep"), str(images[-1]), f"--weights={tuned / 'best.pt'}")
    assert run(made, monkeypatch, *words) == 1
    out, err = capsys.readouterr()
    shown = [line.partition(": ")[0] for line in out.splitlines()]
    assert shown == [
        str(tmp_path / "deep" / "a.png"), str(tmp_path / "deep" / "er" / "z.JPEG"), str(images[-1]),
    ]  # fmt: skip
    assert err.count("\n") == 1
    assert "b.png is no image, or a broken one; " in err
    assert "c.png is no image, or a broken one" in err
    assert "notes" not in err
    assert run(made, monkeypatch, "--predict", str(tmp_path / "empty"), *words[-1:]) == 1
    assert "empty is no regular file, nor a folder of images" in capsys.readouterr().err
    assert run(made, monkeypatch, "--predict", "gone.jpg", str(images[-1]), *words[-1:]) == 1
    out, err = capsys.readouterr()
    assert out.startswith(f"{images[-1]}: red ")
    assert "gone.jpg" in err


def test_a_run_says_what_it_was_told(
    made: ModuleType, tuned: Path, published: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """To `archc runs`, whatever --out is called: the network, its parameters, weights, freezing."""
    assert archc_main(["runs", str(tuned), "--format", "json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["runs"]
    theirs = torchvision.models.resnet18(num_classes=4)
    assert found["parameters"] == sum(p.numel() for p in theirs.parameters())
    assert found["trained"] == 4 * 512 + 4
    assert (found["network"], found["freeze"]) == ("ResNet18", "*")
    assert found["start"] == str(published)
    params = archc.load("resnet18", num_classes=4).analysis.emit_training()
    assert module(params).ABOUT == {"network": "ResNet18", "params": "num_classes=4"}


def test_published_weights_have_numbers(
    made: ModuleType, published: Path, folder: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    image = str(next(folder.glob("val/red/*.jpg")))
    assert run(made, monkeypatch, "--predict", image, f"--weights={published}") == 0
    assert re.search(r": class \d+ [\d.]+%, class", capsys.readouterr().out)
    assert run(made, monkeypatch, "--predict", image, f"--weights={published}", "--classes=4") == 1
    assert f"{published} has no fc.bias for 4 classes" in capsys.readouterr().err


CRAFTED: dict[str, Any] = {
    "no map": {"images": 3},
    "numbers for names": {"images": {"classes": [1, 2, 3, 4]}},
    "a number of names": {"images": {"classes": 4}},
    "too few names": {"images": {"classes": ["a", "b"]}},
    "words for a mean": {"images": {"classes": ["a", "b", "c", "d"], "mean": "x"}},
}


@pytest.mark.parametrize("what", CRAFTED)
def test_crafted_facts_are_one_line(
    what: str, made: ModuleType, tuned: Path, folder: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    torch.save(load(tuned / "last.pt") | CRAFTED[what], tmp_path / "crafted.pt")
    image = str(next(folder.glob("val/red/*.jpg")))
    words = ("--predict", image, f"--weights={tmp_path / 'crafted.pt'}")
    assert run(made, monkeypatch, *words) == 1
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    resume = (f"--data={folder}", "--freeze=conv1", f"--resume={tmp_path / 'crafted.pt'}")
    assert run(made, monkeypatch, *resume, *BASE, f"--out={tmp_path / 'out'}") == 1


def test_no_name_reaches_the_terminal_as_it_is(
    made: ModuleType, tuned: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    state = load(tuned / "last.pt")
    state["images"]["classes"] = ["a\x1b[31m\n::error::b", "b", "c", "d"]
    torch.save(state, tmp_path / "crafted.pt")
    image = tmp_path / "a\x1b[2J\n.jpg"
    image.write_bytes(next(folder.glob("val/blue/*.jpg")).read_bytes())
    words = ("--predict", str(image), f"--weights={tmp_path / 'crafted.pt'}")
    assert run(made, monkeypatch, *words) == 0
    said = capsys.readouterr().out
    assert said.strip().isprintable()
    assert "a?[31m?::error::b" in said


def test_other_classes_are_no_resumption(
    made: ModuleType, tuned: Path, folder: Path, tmp_path: Path, published: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """As many images of as many classes, under other names: the head would name them wrongly."""
    for part in ("train", "val"):
        (tmp_path / part).symlink_to(folder / part)
    other = tmp_path / "other"
    for path in folder.glob("*/*"):
        name = path.name.replace("blue", "azure")
        (other / path.parent.name).mkdir(parents=True, exist_ok=True)
        (other / path.parent.name / name).symlink_to(path)
    words = (f"--weights={published}", "--freeze=*", f"--out={tmp_path / 'out'}", *BASE)
    state = f"--resume={tuned / 'last.pt'}"
    assert run(made, monkeypatch, f"--data={other}", *words, "--epochs=9", state) == 1
    assert "its images are of other classes" in capsys.readouterr().err
    assert run(made, monkeypatch, f"--data={tmp_path}", *words, "--epochs=8", state) == 0


# --- images ------------------------------------------------------------------------------


def damage(path: Path) -> None:
    match path.name:
        case "torn.jpg" | "torn.png":
            path.write_bytes(path.read_bytes()[:-200])
        case "page.jpg":
            path.write_text("<html>404</html>")
        case "empty.png":
            path.write_bytes(b"")
        case "gone.jpg":
            path.unlink()
            path.symlink_to("nowhere.jpg")


@pytest.mark.parametrize("name", ["torn.jpg", "torn.png", "page.jpg", "empty.png", "gone.jpg"])
def test_broken_images_are_found_first(
    name: str, made: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Before the first epoch, of training and validation alike, and when predicting."""
    root = make_folder(tmp_path / "data", 2)
    broken = [root / "train" / "red" / name, root / "val" / "grey" / name]
    for path in broken:
        paint(path, (9, 99, 199), 7)
        damage(path)
    words = (f"--data={root}", "--batch-size=4", "--lr=0.01", f"--out={tmp_path / 'out'}")
    monkeypatch.setattr(made.Trainer, "fit", lambda *_: pytest.fail("it trains"))
    for workers in (0, 2):
        assert run(made, monkeypatch, *words, f"--workers={workers}") == 1
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert all(str(path) in line for path in broken)
    torch.save(made.ResNet18(num_classes=1000).state_dict(), tmp_path / "w.pt")
    assert run(made, monkeypatch, "--predict", str(broken[0]), f"--weights={tmp_path}/w.pt") == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    why = f"{broken[0]}: No such file" if name == "gone.jpg" else f"{broken[0]} is no image"
    assert why in line
    assert str(broken[0]) in line


def test_sound_images_pass(made: ModuleType, tmp_path: Path) -> None:
    """What stands behind a JPEG's end, as telephones leave it, and kinds without a known end."""
    for name in ("a.jpg", "b.png", "c.bmp", "d.webp", "e.tiff"):
        paint(tmp_path / name, (9, 99, 199), 7)
    with (tmp_path / "a.jpg").open("ab") as file:
        file.write(b"\0" * 300)
    made.check_images([str(path) for path in sorted(tmp_path.iterdir())], 2)


def test_sixteen_bits_are_scaled(
    made: ModuleType, tuned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Greyscale of 16 bits, in both byte orders, is what its copy of 8 bits is."""
    import numpy as np
    from PIL import Image

    eight = np.random.default_rng(1).integers(0, 256, size=(90, 70)).astype("uint8")
    eight[:16, :16] = np.arange(256).reshape(16, 16)
    Image.fromarray(eight).save(tmp_path / "eight.png")
    wide = eight.astype("uint16") * 257
    Image.fromarray(wide).save(tmp_path / "wide.png")
    Image.fromarray(wide.astype("int32")).save(tmp_path / "int.tiff")
    Image.fromarray(wide).save(tmp_path / "wide.tiff")
    big = Image.frombytes("I;16B", (70, 90), wide.astype(">u2").tobytes())
    big.save(tmp_path / "big.tiff")
    paths, modes = [str(path) for path in sorted(tmp_path.iterdir())], set()
    expected = np.repeat(eight[..., None], 3, axis=2).tobytes()
    for path in paths:
        with Image.open(path) as image:
            modes.add(image.mode)
        assert made.read_image(path).tobytes() == expected, path
    assert modes == {"L", "I", "I;16", "I;16B"}
    assert run(made, monkeypatch, "--predict", *paths, f"--out={tuned}") == 0
    said = {line.partition(": ")[2] for line in capsys.readouterr().out.splitlines()}
    assert len(said) == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
def test_no_fifo_is_waited_for(
    made: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """It has no beginning until somebody writes, a device maybe no end."""
    root = make_folder(tmp_path / "data", 2)
    odd = [root / "train" / "red" / "fifo.jpg", root / "val" / "grey" / "zero.png"]
    os.mkfifo(odd[0])
    odd[1].symlink_to("/dev/zero")
    words = (f"--data={root}", "--batch-size=4", *BASE, f"--out={tmp_path / 'out'}")
    assert run(made, monkeypatch, *words) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert all(f"{path} is no regular file" in line for path in odd)
    torch.save(made.ResNet18(num_classes=1000).state_dict(), tmp_path / "w.pt")
    for path in odd:
        weights = f"--weights={tmp_path / 'w.pt'}"
        assert run(made, monkeypatch, "--predict", str(path), weights) == 1
        assert f"{path} is no regular file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("images", "parts", "expected"),
    [(1_281_167, 8, 256), (2560, 1, 256), (2559, 1, 128), (200, 1, 16), (200, 3, 256),
     (200, 32, 32), (12, 1, 8), (3, 1, 8)],
)  # fmt: skip
def test_the_batch_suits_the_folder(
    images: int, parts: int, expected: int, made: ModuleType
) -> None:
    """Ten updates an epoch where halving leads there, a multiple of the parts, not below 8."""
    assert made.BATCH == 256
    assert made.suit_batch(images, parts) == expected


def test_too_few_images_for_a_batch(
    made: ModuleType, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    words = (f"--data={folder}", "--batch-size=33", f"--out={tmp_path}")
    assert run(made, monkeypatch, *words) == 1
    said = "32 images, fewer than a batch of 33: lower --batch-size"
    assert said in capsys.readouterr().err


# --- ONNX --------------------------------------------------------------------------------


@pytest.mark.slow
def test_onnx_says_what_the_classes_are(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    path = tmp_path / "net.arch"
    path.write_text(text())
    facts: dict[str, Any] = {
        "classes": ["zero", "one"],
        "mean": [0.5],
        "std": [0.25],
        "size": [8, 8],
        "resize": 8,
    }
    state = archc.load(path).module().state_dict()
    vars(state)["images"] = facts
    torch.save(state, tmp_path / "best.pt")
    torch.save({"net": dict(state), "images": facts}, tmp_path / "last.pt")
    for name in ("best", "last"):
        out = tmp_path / f"{name}.onnx"
        words = ["export", str(path), "--to", "onnx", "--weights", str(tmp_path / f"{name}.pt")]
        assert archc_main([*words, "-o", str(out)]) == 0
        kept = {each.key: each.value for each in onnx.load(out).metadata_props}
        assert kept["classes"] == '["zero", "one"]'
        assert (kept["mean"], kept["std"], kept["size"]) == ("[0.5]", "[0.25]", "[8, 8]")
    facts["classes"].append(facts["classes"])  # a list in itself
    torch.save({"net": dict(state), "images": facts}, tmp_path / "last.pt")
    assert archc_main([*words, "-o", str(out), "--force"]) == 1


# --- processes: slow ---------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("flags", [[], ["--fsdp"]])
def test_two_processes_fine_tune(
    flags: list[str], published: Path, folder: Path, tmp_path: Path
) -> None:
    """One word of what is new, the frozen part as published; sharded, it is resumed."""
    file = tmp_path / "train_net.py"
    file.write_text(small("resnet18").analysis.emit_training())
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2",
               str(file), f"--data={folder}", f"--weights={published}", *BASE, *flags,
               "--freeze=conv1,bn1,layer1,layer2,layer3", f"--out={tmp_path / 'out'}"]  # fmt: skip

    def finished(*words: str) -> str:
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [*command, *words], capture_output=True, text=True, check=False, env=environment
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    said = finished("--steps=2")
    assert said.count("but new: fc.bias, fc.weight") == 1
    assert said.count("8,395,780 of them trained") == 1
    if flags:
        assert "going on after update 2 of 4" in finished("--steps=4", "--resume")
    given, net = load(published), load(tmp_path / "out" / "last.pt")["net"]
    for name, value in given.items():
        stays = re.match(r"conv1|bn1|layer[123]", name) is not None
        assert name.startswith("fc.") or torch.equal(net[name], value) == stays, name
