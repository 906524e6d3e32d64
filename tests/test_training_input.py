"""Training scripts and what is wrong around them: input, accidents, Ctrl-C; and their data."""

from __future__ import annotations

import argparse
import errno
import io
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from nets import varied
from scripts import RECIPE, module, rows, run, script, text

torch = pytest.importorskip("torch")
pytest.importorskip("torchvision")
pytest.importorskip("tqdm")
pytest.importorskip("sklearn")

pytestmark = pytest.mark.usefixtures("one_thread")

# --- bad input ---------------------------------------------------------------------------


OWN = "DigitNet of 14,578 parameters, 640 images, batch 64, seed 0, SGD"


@pytest.fixture(scope="module")
def small() -> ModuleType:
    return module(script(text()))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--data=nowhere"], "no data in nowhere: folders train and val are expected in it"),
        (["--data=pictures/train"], "in pictures/train: folders train and val are expected in it"),
        (["--data=pictures"], "Couldn't find any class folder in pictures/train"),
        (["--data=digits", "--classes=7"], "digits has 10 classes, DigitNet has 7: --classes 10"),
        (["--data=digits", "--batch-size=4000"], "1437 images, fewer than a batch of 4000"),
        (["--synthetic", "--device=cuda:7"], "there is no device cuda:7"),
        (["--synthetic", "--device=abacus"], "there is no device abacus"),
        (["--synthetic", "--device=meta"], "there is no device meta"),
        (["--synthetic", "--accum=3"], "cannot be cut into 1 processes times 3 parts"),
        (["--synthetic", "--fsdp"], "start it with torchrun"),
        (["--synthetic", "--resume"], "cannot read"),
        (["--synthetic", "--resume=junk.pt"], "junk.pt is no checkpoint of a training run"),
        (["--synthetic", "--resume=other.pt"], "is of another run: OtherNet of"),
        (["--synthetic", "--resume=half.pt"], "half.pt is no checkpoint"),
        (["--synthetic", "--resume=bare.pt"], "bare.pt does not fit: 'net'"),
        (["--synthetic", "--resume=lean.pt"], "lean.pt does not fit: net has other keys"),
        (["--synthetic", "--out=junk.pt"], "cannot write to junk.pt"),
        (["--synthetic", "--lr=1e9", "--steps=40"], "a lower --lr may help"),
        (["--synthetic", "--out=taken"], "taken holds a run: --resume goes on"),
    ],
)
def test_bad_input_is_one_line(
    words: list[str], said: str, small: ModuleType, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("junk.pt").write_bytes(b"junk")
    torch.save({"run": "OtherNet of 3 parameters"}, "other.pt")
    half = io.BytesIO()
    torch.save({"run": "OtherNet", "net": torch.zeros(10_000)}, half)
    Path("half.pt").write_bytes(half.getvalue()[:9_000])
    torch.save({"run": OWN}, "bare.pt")
    torch.save({"run": OWN, "net": {"weight": torch.zeros(3)}}, "lean.pt")
    for part in ("train", "val"):
        Path("pictures", part).mkdir(parents=True)
    Path("taken").mkdir()
    Path("taken/last.pt").write_bytes(b"kept")
    assert run(small, monkeypatch, *words, "--workers=0") == 1
    error = capsys.readouterr().err.strip()
    assert said in error.splitlines()[-1]
    assert "Traceback" not in error
    assert error.splitlines()[-1].startswith("train_generated.py: ")
    assert Path("taken/last.pt").read_bytes() == b"kept"
    if "--lr=1e9" not in words:
        assert not Path("runs").exists(), "a run that is refused leaves no folder"


def test_bad_usage(
    small: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in ([], ["--synthetic", "--data=x"]):
        assert run(small, monkeypatch, *words) == 2
    assert "not allowed with" in capsys.readouterr().err
    for word in (
        "--steps=0", "--classes=-1", "--workers=-1", "--lr=nan", "--lr=-1", "--ema=1.5",
        "--weight-decay=inf", "--seed=99999999999",
    ):  # fmt: skip
        assert run(small, monkeypatch, "--synthetic", word) == 2
        flag, _, value = word.partition("=")
        assert f"error: {flag}: {value.partition('.')[0]}" in capsys.readouterr().err


def test_an_empty_argument_is_not_this_folder(
    small: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """`--out "$OUT"` where it is not set; nothing is written, nor looked for, here."""
    monkeypatch.chdir(tmp_path)
    for part in ("train", "val"):
        Path(part, "a").mkdir(parents=True)
    for words in (
        ["--data", ""], ["--data="], ["--predict", ""], ["--predict", "a.png", ""],
        *(["--synthetic", flag, ""] for flag in ("--out", "--resume", "--weights", "--device")),
        *(["--synthetic", f"{flag}="] for flag in ("--out", "--resume", "--freeze")),
    ):  # fmt: skip
        assert run(small, monkeypatch, *words) == 2, words
        assert "error: an argument is empty: is a variable not set?" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["train", "val"]


def test_zero_means_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--mixup 0 --clip 0 --ema 0` of a recipe that has them: the plain one's numbers."""
    base = ["--data=digits", "--workers=0", "--steps=5"]
    plain = module(script(text()))
    assert run(plain, monkeypatch, *base, f"--out={tmp_path / 'plain'}") == 0
    rich = module(script(text(train=f"{RECIPE}; mixup 0.2; clip 0.1; ema 0.9")))
    off = ["--mixup=0", "--clip=0", "--ema=0"]
    assert run(rich, monkeypatch, *base, *off, f"--out={tmp_path / 'rich'}") == 0
    for a, b in zip(rows(tmp_path / "plain"), rows(tmp_path / "rich"), strict=True):
        assert {**a, "seconds": 0} == {**b, "seconds": 0}


@pytest.mark.parametrize(
    ("part", "error", "said"),
    [
        ("update", torch.OutOfMemoryError("CUDA out of memory"), "a larger --accum"),
        ("update", RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed."), "fewer"),
        ("torch.save", RuntimeError("unexpected pos 20352 vs 20248"), "last.pt: is the disk full?"),
        ("torch.save", OSError(28, "No space left on device"), "No space left on device"),
    ],
)
def test_accidents_are_one_line(
    part: str, error: Exception, said: str, small: ModuleType, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """What the machine does not give; the checkpoint that is there stays."""

    def refuse(*_: Any) -> None:
        raise error

    words = ["--synthetic", "--workers=0", "--batch-size=8", f"--out={tmp_path}"]
    assert run(small, monkeypatch, *words, "--steps=2") == 0
    kept = (tmp_path / "last.pt").read_bytes()
    if part == "update":
        monkeypatch.setattr(small.Trainer, "update", refuse)
    else:
        monkeypatch.setattr(torch, "save", refuse)
    assert run(small, monkeypatch, *words, "--steps=4", "--resume") == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert said in lines[-1]
    assert not any("Traceback" in line for line in lines)
    assert (tmp_path / "last.pt").read_bytes() == kept


def test_other_errors_are_not_hidden(
    small: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("a mistake in the network")

    monkeypatch.setattr(small.Trainer, "update", fail)
    with pytest.raises(RuntimeError, match="a mistake in the network"):
        run(small, monkeypatch, "--synthetic", "--workers=0", f"--out={tmp_path}")


def test_control_c(
    small: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Once: the update ends and the run is saved. Twice: it leaves at once."""
    update = small.Trainer.update
    words = ["--synthetic", "--workers=0", "--batch-size=8"]

    def pressed(times: int) -> Any:
        def interrupted(self: Any, images: Any) -> None:
            update(self, images)
            for _ in range(times):
                os.kill(os.getpid(), signal.SIGINT)

        return interrupted

    with monkeypatch.context() as patch:
        patch.setattr(small.Trainer, "update", pressed(1))
        assert run(small, patch, *words, f"--out={tmp_path / 'once'}") == 0
    assert "stopped after update 1; --resume goes on" in capsys.readouterr().out
    assert torch.load(tmp_path / "once/last.pt", weights_only=True)["step"] == 1
    with monkeypatch.context() as patch:
        patch.setattr(small.Trainer, "update", pressed(2))
        assert run(small, patch, *words, f"--out={tmp_path / 'twice'}") == 130
    assert "Traceback" not in capsys.readouterr().err
    assert (
        run(small, monkeypatch, *words, "--steps=2", f"--out={tmp_path / 'once'}", "--resume") == 0
    )
    assert "going on after update 1 of 2" in capsys.readouterr().out


# --- data --------------------------------------------------------------------------------


def test_folders_of_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Images of odd sizes and kinds become the network's; a key gives the same image again."""
    from PIL import Image

    for part, names in (("train", "ab"), ("val", "ac")):
        for name in names:
            (tmp_path / part / name).mkdir(parents=True)
            for i in range(2):
                picture = Image.effect_noise((40 + i, 60), 90)
                picture.save(tmp_path / part / name / f"{i}.png")
    recipe = f"{RECIPE}; augment flip crop resize=[36, 48]"
    source = text(train=recipe).replace("8x8 x1", "32x32 x3").replace("digits", "cifar10")
    made = module(script(source))
    assert run(made, monkeypatch, f"--data={tmp_path}", "--classes=2", "--batch-size=2") == 1
    (tmp_path / "val" / "c").rename(tmp_path / "val" / "b")
    monkeypatch.setattr(
        sys, "argv", ["", f"--data={tmp_path}", "--classes=2", "--batch-size=2", "--workers=0"]
    )
    train, val = made.open_data(made.parse_args())
    assert len(train) == len(val) == 4
    image, label = train[3, 11]
    assert (tuple(image.shape), image.dtype, label) == ((3, 32, 32), torch.uint8, 1)
    assert torch.equal(image, train[3, 11][0])
    assert not torch.equal(image, train[3, 12][0])
    assert torch.equal(val[0, 1][0], val[0, 2][0])
    torn = tmp_path / "train" / "b" / "1.png"
    torn.write_bytes(torn.read_bytes()[:300])
    for workers in ("0", "1"):
        words = ["--classes=2", "--batch-size=2", f"--workers={workers}", f"--out={tmp_path / 'o'}"]
        capsys.readouterr()
        assert run(made, monkeypatch, f"--data={tmp_path}", *words) == 1
        line = f"train_generated.py: {torn} is no image, or a broken one"
        assert line in capsys.readouterr().err.splitlines()
    hostile = torn.rename(torn.with_name("a\x1b[31m\n::error::b.png"))
    for workers in ("0", "1"):
        words = ["--classes=2", "--batch-size=2", f"--workers={workers}", f"--out={tmp_path / 'o'}"]
        assert run(made, monkeypatch, f"--data={tmp_path}", *words) == 1
        line = f"train_generated.py: {hostile.parent}/a?[31m?::error::b.png is no image, or a"
        assert f"{line} broken one" in capsys.readouterr().err.splitlines()


def test_known_data_sets_are_found(
    small: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the folder that torchvision keeps them in, and without a download."""
    from torchvision import datasets

    class Fake:
        classes = ("a", "b")

        def __init__(self, root: Path, train: bool) -> None:
            self.kind = type(self).__name__, root, train

    for folder, kind in (
        ("cifar-10-batches-py", "CIFAR10"), ("cifar-100-python", "CIFAR100"), ("MNIST", "MNIST"),
    ):  # fmt: skip
        root = tmp_path / kind
        (root / folder).mkdir(parents=True)
        with pytest.raises(SystemExit):  # the folder is empty
            small.read_data(str(root))
        monkeypatch.setattr(datasets, kind, type(kind, (Fake,), {}))
        train, val, names = small.read_data(str(root))
        assert (train.kind, val.kind) == ((kind, root, True), (kind, root, False))
        assert names == ("a", "b")


# --- checkpoints -------------------------------------------------------------------------


def checkpoint(made: ModuleType, folder: Path, patch: pytest.MonkeyPatch) -> dict[str, Any]:
    """That of a run of two updates, with momentum."""
    words = ["--synthetic", "--workers=0", "--steps=2", f"--out={folder / 'run'}"]
    assert run(made, patch, *words) == 0
    found: dict[str, Any] = torch.load(folder / "run" / "last.pt", weights_only=True)
    return found


def shrink(state: Any) -> Any:
    """The first tensor, some levels down, becomes smaller."""
    key = next(iter(state))
    state[key] = state[key].flatten()[:1] if isinstance(state[key], torch.Tensor) else state[key]
    return shrink(state[key]) if isinstance(state[key], dict) else state


CRAFTED = {
    "step a word": lambda s: s.update(step="3"),
    "step a list": lambda s: s.update(step=[3]),
    "step a truth": lambda s: s.update(step=True),
    "step a fraction": lambda s: s.update(step=1.5),
    "step far": lambda s: s.update(step=10**9),
    "step below": lambda s: s.update(step=-1),
    "no step": lambda s: s.pop("step"),
    "loss a word": lambda s: s.update(loss="x"),
    "history a number": lambda s: s.update(history=5),
    "history of numbers": lambda s: s.update(history=[1, 2]),
    "a row without top1": lambda s: s["history"][0].pop("top1"),
    "a row of words": lambda s: s["history"][0].update(top1="=cmd()"),
    "net a list": lambda s: s.update(net=[1]),
    "net of words": lambda s: s.update(net=dict.fromkeys(s["net"], "x")),
    "a smaller weight": lambda s: shrink(s["net"]),
    "no moments": lambda s: s.update(optimizer={}),
    "a smaller moment": lambda s: shrink(s["optimizer"]["state"]),
    "moments a number": lambda s: s.update(optimizer=3),
    "no moment": lambda s: s["optimizer"].update(state={}),
    "groups a number": lambda s: s["optimizer"].update(param_groups=3),
    "no group": lambda s: s["optimizer"].update(param_groups=[]),
    "a rate of words": lambda s: s["optimizer"]["param_groups"][0].update(lr="x"),
}  # fmt: skip


@pytest.mark.parametrize("what", varied(CRAFTED, sorted(CRAFTED)[::4]))
def test_crafted_checkpoints_are_one_line(
    what: str, small: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    state = checkpoint(small, tmp_path, monkeypatch)
    CRAFTED[what](state)
    torch.save(state, tmp_path / "crafted.pt")
    words = ["--synthetic", "--workers=0", f"--out={tmp_path / 'out'}", "--steps=4"]
    capsys.readouterr()
    code = run(small, monkeypatch, *words, f"--resume={tmp_path / 'crafted.pt'}")
    error = capsys.readouterr().err.strip()
    assert code == 1, error
    assert len(error.splitlines()) == 1
    assert "crafted.pt does not fit: " in error


def test_no_text_of_a_checkpoint_reaches_the_terminal(
    small: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    torch.save({"run": "a\x1b[31m\n::error::b"}, tmp_path / "crafted.pt")
    words = ["--synthetic", "--workers=0", f"--resume={tmp_path / 'crafted.pt'}"]
    assert run(small, monkeypatch, *words, f"--out={tmp_path / 'out'}") == 1
    line = capsys.readouterr().err.strip()
    assert line.isprintable(), line
    assert "is of another run: a?[31m?::error::b" in line


@pytest.mark.slow
def test_flags_are_those_of_the_resumed_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lower --lr after a bad start, with a schedule, without one, and on a plateau."""
    for schedule in ("cosine", "constant", "plateau patience=0"):
        made = module(script(text(train=f"{RECIPE}; schedule {schedule}")))
        words = ["--synthetic", "--workers=0", f"--out={tmp_path / schedule}"]
        assert run(made, monkeypatch, *words, "--steps=2") == 0
        assert run(made, monkeypatch, *words, "--steps=4", "--lr=0.001", "--resume") == 0
        first, second = (row["lr"] for row in rows(tmp_path / schedule))
        assert first > 0.01
        assert 0 < second <= 0.001, schedule


def test_too_large_a_batch_is_one_line(
    small: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Before the memory of the machine is full."""
    words = ["--synthetic", "--workers=0", "--batch-size=999999", f"--out={tmp_path}"]
    assert run(small, monkeypatch, *words) == 1
    assert "65536 images, fewer than a batch of 999999" in capsys.readouterr().err


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:125] DefaultCPUAllocator: can't allocate memory"
        ),
        MemoryError(),
    ],
)
def test_memory_of_the_cpu_is_one_line(
    error: Exception, small: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    def refuse(*_: Any) -> None:
        raise error

    monkeypatch.setattr(small.Trainer, "update", refuse)
    assert run(small, monkeypatch, "--synthetic", "--workers=0", f"--out={tmp_path}") == 1
    assert "a larger --accum" in capsys.readouterr().err


# --- two runs ----------------------------------------------------------------------------


HOLD = """
import fcntl, sys, time
file = open(sys.argv[1], "a")
fcntl.lockf(file, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""


def test_two_runs_do_not_share_a_folder(
    small: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """The second is refused, whatever it was started with; after a kill it is not."""
    pytest.importorskip("fcntl")
    words = ["--synthetic", "--workers=0", "--steps=1", f"--out={tmp_path}"]
    command = [sys.executable, "-c", HOLD, str(tmp_path / "lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        for more in ([], ["--resume"]):
            assert run(small, monkeypatch, *words, *more) == 1
            assert f"another run writes to {tmp_path}" in capsys.readouterr().err
        other.kill()
    assert (tmp_path / "lock").exists()
    assert run(small, monkeypatch, *words) == 0


def test_a_file_system_without_locks(
    small: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fcntl = pytest.importorskip("fcntl")

    def refuse(*_: Any) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "lockf", refuse)
    words = ["--synthetic", "--workers=0", "--steps=1", f"--out={tmp_path}"]
    assert run(small, monkeypatch, *words) == 0


def test_every_image_is_seen_once_an_epoch(small: ModuleType, tmp_path: Path) -> None:
    """By one process or four, and from the middle on as from the start; other epochs differ."""
    args = argparse.Namespace(seed=3, batch_size=8, workers=0)

    def keys(step: int, rank: int = 0, world: int = 1) -> list[tuple[int, int]]:
        trainer = small.Trainer.__new__(small.Trainer)
        trainer.args, trainer.train, trainer.per_epoch = args, range(43), 5
        trainer.step, trainer.rank, trainer.world_size = step, rank, world
        found: list[tuple[int, int]] = []

        class Loader:
            def __init__(self, images: Any, keys: list[tuple[int, int]], parts: int) -> None:
                self.keys = keys

            def __iter__(self) -> Any:
                found.extend(self.keys)
                return iter([0])

        trainer.load = Loader
        next(trainer.batches())
        return found

    whole = keys(0)
    assert len({index for index, _ in whole}) == 40
    assert len({seed for _, seed in whole}) == 40
    assert keys(2) == whole[16:]
    assert sorted(key for rank in range(4) for key in keys(0, rank, 4)) == sorted(whole)
    assert keys(5) != whole
