"""`archc runs`: what training scripts have left, and what others have left there."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import scripts

from archc import cli
from archc.runs import find_runs

HEAD = "epoch,step,lr,loss,val_loss,top1,top5,seconds\n"
LOG = HEAD + (
    "1,10,0.1,2.5,2.25,40.0,80.0,30.5\n2,20,0.05,1.5,1.75,60.5,90.0,30.5\n"
    "3,30,0.01,1.25,1.5,60.5,91.0,3600\n"
)
needs_matplotlib = pytest.mark.skipif(
    importlib.util.find_spec("matplotlib") is None, reason="no matplotlib here"
)


def write(folder: Path, text: str = LOG) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "log.csv").write_text(text, encoding="utf-8")
    return folder


def run(capsys: pytest.CaptureFixture[str], *argv: object) -> tuple[int, str, str]:
    code = cli.main(["runs", *map(str, argv)])
    found = capsys.readouterr()
    return code, found.out, found.err


# --- what a script has left --------------------------------------------------------------


@pytest.mark.slow
def test_a_run_of_a_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Read beside Python's own reader of CSV, and with the weights that torch has saved."""
    pytest.importorskip("sklearn")
    made = scripts.module(scripts.script(scripts.text().replace("24", "2")))
    out = tmp_path / "runs" / "digits"
    words = ("--data=digits", "--workers=0", "--epochs=2", f"--out={out}")
    assert scripts.run(made, monkeypatch, *words) == 0
    capsys.readouterr()
    with (out / "log.csv").open(newline="") as file:
        rows = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]
    code, said, err = run(capsys, tmp_path / "runs", "--format", "json")
    assert (code, err) == (0, "")
    (found,) = json.loads(said)["runs"]
    assert found["curve"] == rows
    assert found["run"] == "digits"
    assert (found["epochs"], found["updates"]) == (2, rows[-1]["step"])
    assert found["top1"] == max(row["top1"] for row in rows)
    assert found["seconds"] == pytest.approx(sum(row["seconds"] for row in rows))
    assert found["weights"] == (out / "best.pt").stat().st_size


@pytest.mark.usefixtures("one_thread")
def test_the_best_epoch_is_the_one_whose_weights_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a small folder many epochs have one top-1: the script and the table take the same."""
    torch = pytest.importorskip("torch")
    made = scripts.module(scripts.script(scripts.text()))
    kept: list[Any] = []
    scores = iter([(50, 3.0), (75, 6.5), (75, 0.5), (75, 0.5), (75, 0.75), (25, 0.25)])

    def evaluate(trainer: Any, _: object) -> dict[str, float]:
        kept.append({k: x.clone() for k, x in trainer.net.state_dict().items()})
        top1, loss = next(scores)
        return {"val_loss": loss, "top1": top1, "top5": 100.0}

    monkeypatch.setattr(made.Trainer, "evaluate", evaluate)
    out, batch = tmp_path / "runs" / "ties", "--batch-size=8"
    words = ("--synthetic", "--workers=0", batch, "--epochs=6", f"--out={out}")
    assert scripts.run(made, monkeypatch, *words) == 0
    capsys.readouterr()
    best = torch.load(out / "best.pt", weights_only=True)
    same = [all(torch.equal(best[k], x) for k, x in state.items()) for state in kept]
    assert same == [False, False, True, False, False, False]
    _, said, _ = run(capsys, tmp_path / "runs", "--format", "json")
    (found,) = json.loads(said)["runs"]
    assert (found["best_epoch"], found["top1"], found["val_loss"]) == (3, 75, 0.5)


@pytest.mark.usefixtures("one_thread")
def test_a_run_that_goes_on_elsewhere_takes_its_best_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Until an epoch beats it: whatever best.pt another run has left there, and not its own."""
    Image = pytest.importorskip("PIL.Image")
    made = scripts.module(scripts.script(scripts.text()))
    scores = iter([50.0, 75.0, 50.0, 100.0])

    def evaluate(*_: object) -> dict[str, float]:
        return {"val_loss": 1.0, "top1": next(scores), "top5": 100.0}

    monkeypatch.setattr(made.Trainer, "evaluate", evaluate)
    old, new = tmp_path / "old", tmp_path / "runs" / "new"
    words = ["--synthetic", "--workers=0", "--batch-size=2"]

    def train(epochs: int, out: Path, *more: str) -> None:
        flags = (f"--epochs={epochs}", f"--out={out}", *more)
        assert scripts.run(made, monkeypatch, *words, *flags) == 0

    train(2, old)
    best = (old / "best.pt").read_bytes()
    new.mkdir(parents=True)
    (new / "best.pt").write_bytes(b"of another run")
    train(3, new, f"--resume={old / 'last.pt'}")
    assert (new / "best.pt").read_bytes() == best
    Image.new("L", (8, 8)).save(tmp_path / "black.png")
    predicted = ("--predict", str(tmp_path / "black.png"), f"--out={new}")
    assert scripts.run(made, monkeypatch, *predicted) == 0
    capsys.readouterr()
    _, said, _ = run(capsys, tmp_path / "runs", "--format", "json")
    (found,) = json.loads(said)["runs"]
    assert (found["best_epoch"], found["weights"]) == (2, len(best))
    train(4, new, "--resume")
    assert (new / "best.pt").read_bytes() != best
    assert (old / "best.pt").read_bytes() == best


# --- tables and plots --------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "runs" / "net-width=16")
    write(tmp_path / "runs" / "net-width=8", HEAD + "1,10,0.1,3.5,2.5,70.25,80.0,30\n")
    write(tmp_path / "runs" / "sweep" / "a", HEAD + "1,10,0.1,3,nan,nan,nan,1\n")
    return tmp_path / "runs"


def test_the_table(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, folder) == (
        0,
        "run           epochs  updates  highest lr  last loss  best epoch  val loss  top-1 %"
        "  top-5 %     time\n"
        "net-width=8        1       10         0.1        3.5           1       2.5    70.25"
        "    80.00     30 s\n"
        "net-width=16       3       30         0.1       1.25           3       1.5    60.50"
        "    91.00  1:01:01\n"
        "sweep/a            1       10         0.1          3           1"
        "                                  1 s\n"
        "\n"
        "The best epoch has the highest top-1, of several the least val loss; val loss, top-1 and "
        "top-5 are its.\n",
        "",
    )


def test_the_table_says_what_a_run_was_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever --out is called: of the run.json that a script writes."""
    fine = folder / "ft"
    write(fine, HEAD + "1,10,0.1,3.5,2.5,70.25,80.0,30\n")
    told = {"network": "ResNet18", "params": "num_classes=4", "parameters": 11_178_564,
            "trained": 2052, "weights": "resnet18.pth", "freeze": ["*"], "lr": 0.1}  # fmt: skip
    (fine / "run.json").write_text(json.dumps(told), encoding="utf-8")
    code, out, err = run(capsys, folder, "--format", "csv", "--sort", "parameters")
    assert (code, err) == (0, "")
    first = next(csv.DictReader(out.splitlines()))
    wanted = {"run": "ft", "network": "ResNet18 num_classes=4", "parameters": "11178564",
              "trained": "2052", "start": "resnet18.pth", "freeze": "*"}  # fmt: skip
    assert {name: first[name] for name in wanted} == wanted
    _, out, _ = run(capsys, fine)
    assert out.split("\n")[0].split()[-4:] == ["parameters", "trained", "from", "frozen"]
    assert "11,178,564" in out
    _, out, _ = run(capsys, folder, "--format", "json", "--sort", "network")
    found = json.loads(out)["runs"]
    assert (found[0]["network"], found[-1]["network"]) == ("ResNet18 num_classes=4", None)


@pytest.mark.parametrize(
    ("text", "remark"),
    [
        ("[1]", "it is no run.json of a training script"),
        ("{", "it is no run.json of a training script"),
        ("[" * 30_000, "it is no run.json of a training script"),
        ('"' + "x" * 70_000 + '"', "the text is larger"),
        ('{"network": 3, "parameters": -1, "trained": 1e400, "freeze": "x", "weights": []}', ""),
        ('{"network": "A\\u0000\\u202eB", "freeze": [{"a": 1}], "parameters": true}', ""),
    ],
)
def test_damaged_words_of_a_run(
    text: str, remark: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The run is listed all the same."""
    (folder / "net-width=8" / "run.json").write_text(text, encoding="utf-8")
    for format in ("text", "json"):
        code, out, err = run(capsys, folder, "--format", format)
        assert code == 0
        assert "net-width=8" in out
        assert ("run.json: left out" in err) == bool(remark)
        assert remark in err
        assert "\0" not in out
        assert "\u202e" not in out


def test_without_a_folder_it_is_runs(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    _, out, _ = run(capsys, "--format", "csv")
    assert [row["run"] for row in csv.DictReader(out.splitlines())] == [
        "net-width=8", "net-width=16", "sweep/a",
    ]  # fmt: skip
    _, out, _ = run(capsys, "runs/sweep", "runs/net-width=8", "--format", "csv")
    names = [row["run"] for row in csv.DictReader(out.splitlines())]
    assert names == ["net-width=8", "runs/sweep/a"]


@pytest.mark.parametrize(
    ("how", "names"),
    [
        (("--sort", "top1"), ["net-width=16", "net-width=8", "sweep/a"]),
        (("--sort", "top1", "--reverse"), ["net-width=8", "net-width=16", "sweep/a"]),
        (("--sort", "loss"), ["net-width=16", "sweep/a", "net-width=8"]),
        (("--reverse",), ["sweep/a", "net-width=16", "net-width=8"]),
    ],
)
def test_sorting(
    how: tuple[str, ...], names: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What has no value stands last."""
    _, out, _ = run(capsys, folder, *how, "--format", "csv")
    assert [row["run"] for row in csv.DictReader(out.splitlines())] == names


@needs_matplotlib
def test_the_plot(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "curves.svg"
    code, _, err = run(capsys, folder, "--plot", path)
    assert code == 0
    assert err == f"wrote {path} (3 runs)\n"
    first = path.read_bytes()
    for text in (b"net-width=16: 60.50 %", b"net-width=8: 70.25 %", b">sweep/a<", b"top-1, %"):
        assert text in first
    assert run(capsys, folder, "--plot", path)[2].startswith("up to date")
    for ending in ("png", "pdf"):
        assert run(capsys, folder, "--plot", tmp_path / f"curves.{ending}")[0] == 0
    path.write_text("mine", encoding="utf-8")
    code, _, err = run(capsys, folder, "--plot", path)
    assert code == 2
    assert "was not written by archc" in err


@needs_matplotlib
def test_a_spike_leaves_room_for_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Losses of 2 and of 1 are apart in the picture although another run begins at a million."""
    from archc.runs import curves

    write(tmp_path / "spike", "epoch,loss\n1,1000000\n2,1\n")
    write(tmp_path / "two", "epoch,loss\n1,2\n2,2\n")
    figure = curves._figure(find_runs(tmp_path).runs)
    figure.draw_without_rendering()
    axes = figure.axes[-1]
    shown = [label.get_text() for label in axes.get_yticklabels()]
    assert {"1", "100", "10000"} <= {*shown} or {"2", "5"} <= {*shown}, shown
    assert not any("$" in text for text in shown)
    low, high = (y for _, y in axes.transData.transform([(1, 1), (1, 2)]))
    assert high - low > 0.04 * axes.bbox.height
    write(tmp_path / "below", "epoch,loss\n1,-2\n2,2\n")
    assert run(capsys, tmp_path, "--plot", tmp_path / "c.svg")[0] == 0, "no logarithm of that"


@needs_matplotlib
def test_more_runs_than_can_be_told_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(45):
        write(tmp_path / "runs" / str(number))
    code, _, err = run(capsys, tmp_path / "runs", "--plot", tmp_path / "many.svg")
    assert code == 0
    assert "(42 runs)\nnot plotted: 3 more" in err


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (("--sort", "top"), "no column 'top'; did you mean 'top5'?"),
        (
            ("--sort", "zebra"),
            "(there are run, epochs, updates",
        ),
        (("--plot", "x.gif"), "use one of .svg, .png, .pdf"),
        (("nowhere",), "cannot read the folder nowhere: no such file or directory"),
        ((__file__,), "not a directory"),
    ],
)
def test_wrong_usage(argv: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, *argv)
    assert (code, out) == (2, "")
    assert says in err


def test_no_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, tmp_path)
    assert (code, out) == (1, "")
    assert err == f"archc: no runs in {tmp_path}: a script of `archc build --train` makes one\n"


def test_it_imports_neither_torch_nor_matplotlib(folder: Path) -> None:
    program = (
        f"import sys; from archc import cli; cli.main(['runs', {str(folder)!r}]);"
        "assert not {'torch', 'matplotlib', 'jinja2', 'networkx'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL)


def test_a_run_that_has_diverged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is told from one that has no validation, and is never the best."""
    top = tmp_path / "runs"
    write(top / "lost", HEAD + "1,10,0.1,2.5,2.25,40,80,1\n2,20,0.1,nan,nan,10,50,1\n")
    _, out, err = run(capsys, top)
    assert err == ""
    heading, line = out.splitlines()[:2]
    assert "last loss" in heading
    assert line.split() == [
        "lost",
        "2",
        "20",
        "0.1",
        "nan",
        "1",
        "2.25",
        "40.00",
        "80.00",
        "2",
        "s",
    ]
    write(top / "burst", HEAD + "1,10,0.1,inf,-inf,10,50,1\n")
    write(top / "alone", "epoch,loss,val_loss\n1,nan,nan\n2,3,2\n3,nan,inf\n")
    write(top / "fine")
    _, out, _ = run(capsys, top, "--sort", "loss", "--format", "csv")
    rows = {row["run"]: row for row in csv.DictReader(out.splitlines())}
    assert list(rows) == ["fine", "burst", "alone", "lost"]
    assert [row["loss"] for row in rows.values()] == ["1.25", "inf", "nan", "nan"]
    assert (rows["alone"]["best_epoch"], rows["alone"]["val_loss"]) == ("2", "2")
    assert rows["burst"]["val_loss"] == "-inf"
    _, out, _ = run(capsys, top, "--sort", "loss", "--reverse", "--format", "csv")
    assert next(row["run"] for row in csv.DictReader(out.splitlines())) == "burst"
    _, out, _ = run(capsys, top, "--format", "json")

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    found = {each["run"]: each for each in json.loads(out, parse_constant=refuse)["runs"]}
    assert (found["lost"]["loss"], found["burst"]["val_loss"]) == ("nan", "-inf")
    assert found["lost"]["curve"][1]["val_loss"] == "nan"


@needs_matplotlib
def test_the_plot_of_runs_that_have_diverged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "runs" / "lost", HEAD + "1,1,0.1,3.4e38,2,40,80,1\n2,2,0.1,nan,inf,10,50,1\n")
    write(tmp_path / "runs" / "nothing", "epoch,loss\n1,nan\n")
    code, _, err = run(capsys, tmp_path / "runs", "--plot", tmp_path / "curves.svg")
    assert (code, err) == (0, f"wrote {tmp_path / 'curves.svg'} (2 runs)\n")


# --- what others have left there ---------------------------------------------------------

DAMAGED = {
    "": "left out: it is no log of a training script",
    "\n\n": "left out: it is no log of a training script",
    "time,level,message\n1,2,3\n": "left out: it is no log of a training script",
    "epoch,loss,loss\n1,2,3\n": "left out: it is no log of a training script",
    HEAD: "left out: no epoch has ended",
    HEAD + "1,2\n": "left out: line 2 is damaged, and no epoch comes before it",
    LOG + "4,40,0.0": "line 5 is damaged: what comes before it is taken",
    LOG + "4,40,0.1,one,1,1,1,1\n": "line 5 is damaged: what comes before it is taken",
    LOG + "\0\0\0\0": "line 5 is damaged: what comes before it is taken",
    **dict.fromkeys(
        (
            LOG + f"{line}\n"
            for line in (
                "4,40,0.1,1,1,60,90,1e300",
                "4,40,0.1,1,1,60,90,-1",
                "4,40,0.1,1,1,60,90,nan",
                "99999999999999999999999999,40,0.1,1,1,60,90,1",
                "-1,40,0.1,1,1,60,90,1",
                "nan,40,0.1,1,1,60,90,1",
                "4,-40,0.1,1,1,60,90,1",
                "4,40,-0.1,1,1,60,90,1",
                "4,40,inf,1,1,60,90,1",
                "4,40,0.1,1e300,1,60,90,1",
                "4,40,0.1,1,-1e300,60,90,1",
                "4,40,0.1,1,1,-50,90,1",
                "4,40,0.1,1,1,600,90,1",
                "4,40,0.1,1,1,inf,90,1",
                "4,40,0.1,1,1,60,100.5,1",
            )
        ),
        "line 5 is damaged: what comes before it is taken",
    ),
    HEAD + "1,10,0.1,1,1,600,90,1\n": "left out: line 2 is damaged, and no epoch comes before it",
}


@pytest.mark.parametrize("text", DAMAGED, ids=range(len(DAMAGED)))
def test_damaged_logs(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = write(tmp_path / "runs" / "bad", text) / "log.csv"
    write(tmp_path / "runs" / "good")
    code, out, err = run(capsys, tmp_path / "runs")
    assert code == 0
    assert err == f"archc: {log}: {DAMAGED[text]}\n"
    assert "good" in out
    assert ("bad" in out) == text.startswith(LOG)


def test_what_is_no_text_or_too_large(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (write(tmp_path / "binary") / "log.csv").write_bytes(b"\xff\xfe" + bytes(1000))
    with (write(tmp_path / "huge") / "log.csv").open("wb") as file:
        file.truncate(10**12)  # takes no room
    (tmp_path / "folder" / "log.csv").mkdir(parents=True)
    code, out, err = run(capsys, tmp_path)
    assert (code, out) == (1, "")
    assert f"archc: {tmp_path / 'binary' / 'log.csv'}: left out: the file is not UTF-8" in err
    assert f"archc: {tmp_path / 'huge' / 'log.csv'}: left out: the text is larger" in err
    assert "larger than 16,000,000 bytes" in err
    assert "it is a folder" in err


@pytest.mark.skipif(sys.platform == "win32", reason="no such files there")
def test_links_and_pipes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing outside of the folder is read, whatever it is; and nothing waits."""
    outside = write(tmp_path / "outside", LOG.replace("1.25", "99.99"))
    top = tmp_path / "runs"
    write(top / "good")
    (top / "folder").symlink_to(outside, target_is_directory=True)
    (top / "log").mkdir()
    (top / "log" / "log.csv").symlink_to(outside / "log.csv")
    (top / "loop").symlink_to(top, target_is_directory=True)
    (top / "pipe").mkdir()
    os.mkfifo(top / "pipe" / "log.csv")
    (top / "good" / "best.pt").symlink_to(outside / "log.csv")
    code, out, err = run(capsys, top)
    assert code == 0
    assert "99.99" not in out + err
    assert "a link out of the folder" in err
    assert "not a regular file" in err
    assert out.count("\n") == 4, "one run"
    assert "best.pt" not in out
    assert run(capsys, top / "folder")[0] == 0, "named itself, it is followed"


@pytest.mark.skipif(sys.platform == "win32", reason="no such names there")
@needs_matplotlib
def test_hostile_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "runs" / "a\x1b[31m<script>$x^2$&amp;\n")
    write(tmp_path / "runs" / ".hidden")
    for form in ("text", "json", "csv", "markdown", "latex"):
        code, out, err = run(capsys, tmp_path / "runs", "--format", form)
        assert code == 0
        assert "\x1b" not in out + err
    path = tmp_path / "curves.svg"
    assert run(capsys, tmp_path / "runs", "--plot", path)[0] == 0
    assert b"<script>" not in path.read_bytes()
    assert b"\x1b" not in path.read_bytes()


def test_a_tree_of_folders_has_an_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "1" / "2" / "3" / "4")
    write(tmp_path / "a" / "b" / "c" / "d" / "e")
    assert [found.name for found in find_runs(tmp_path).runs] == ["1/2/3/4"]
    monkeypatch.setattr("archc.runs.reading._MOST", 3)
    assert "has more than 3 folders" in find_runs(tmp_path).remarks[0]
