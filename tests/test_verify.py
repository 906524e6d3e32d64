"""The command `archc verify`: what it prints and returns, and the processes that it starts."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from nets import ONE_OF_EACH, small
from verifying import edited, outcome

import archc
from archc import cli
from archc import verify as verifying
from archc.cli.exit_codes import INTERRUPTED
from archc.report import characters
from archc.verify import Result, Task
from archc.verify.bug import example
from archc.verify.checks import CHECKS
from archc.verify.subject import Subject

pytest.importorskip("torch")
pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # torch's own
    pytest.mark.usefixtures("one_thread"),
]

ROOT = Path(archc.__file__).parents[1]
LOGITS = "logits = self.fc(self.dropout(features))"


def test_a_task_is_the_same_for_the_worker() -> None:
    from archc.verify import task

    net = archc.load("resnet18", classes=7)
    made = Task.of(net.analysis, "source")
    told, names = task.read(task.written(made, ["state"]))
    assert names == ["state"]
    assert told == made
    assert told.analysis().params == net.params


# --- the command -------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "example.arch"
    path.write_text(example()[0], encoding="utf-8")
    return path


def run(capsys: pytest.CaptureFixture[str], *argv: str | Path) -> tuple[int, str, str]:
    code = cli.main(["verify", *map(str, argv)])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_command(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A worker for a source that is wrong, one for a network that is not."""
    source = tmp_path / "mine.py"
    broken = edited({LOGITS: "logits = self.fc(features - features.mean(0))"}).source
    source.write_text(broken, encoding="utf-8")
    code, out, err = run(
        capsys, file, "--only", "state,neighbours", "--source", source, "--format", "json"
    )
    assert (code, err) == (1, "")
    found = json.loads(out)
    assert list(found) == ["version", "archc", "passed", "seconds", "mistaken", "networks"]
    assert (found["version"], found["passed"]) == (1, False)
    (network,) = found["networks"]
    assert {"name": "Example", "file": file.as_posix(), "passed": False}.items() <= network.items()
    state, independence = network["checks"]
    assert state | {"seconds": 0} == {
        "name": "state", "status": "pass", "seconds": 0, "remark": None,
    }  # fmt: skip
    assert (independence["name"], independence["status"]) == ("batch-independence", "fail")
    assert "changes with the rest of the batch" in independence["remark"]


BOLD = "\x1b[1mbad luck"


def test_tables(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one network a row a check, of many a row a network, then what failed and was skipped.

    Each stands there as it ends.
    """
    results = {
        "resnet18": (Result("state", "pass", 1.5), Result("memory", "pass", 0.25, "to 0.39 %")),
        "vgg11": (Result("state", "fail", 2, BOLD), Result("memory", "skipped", 0, "no")),
    }  # fmt: skip

    def verify(tasks: list[Task], names: list[str], ended: Any, **how: object) -> object:
        assert names == ["state", "memory"]
        for at, task in reversed(list(enumerate(tasks))):
            found = results[Path(task.path).stem]
            for result in reversed(found):
                ended(at, result)
            if len(tasks) == 1:
                seen.append(capsys.readouterr().out)
            yield at, verifying.Verdict(task, found)

    seen: list[str] = []
    monkeypatch.setattr(verifying, "verify", verify)
    code, out, _ = run(capsys, "resnet18", "--only", "memory,state")
    assert code == 0
    assert seen == [
        "ResNet18 (resnet18)\n\n"
        "check   result   seconds  remark\n"
        "memory  pass         0.2  to 0.39 %\n"
        "state   pass         1.5\n"
    ]
    assert re.sub(r"in \d+\.\d s", "in 1.0 s", out) == (
        "\n2 passed, 0 skipped, 0 failed in 1.0 s\n"
    )
    code, out, _ = run(capsys, "resnet18", "vgg11", "--only", "memory,state")
    assert code == 1
    assert re.sub(r"in \d+\.\d s", "in 1.0 s", out) == (
        "network   pass  fail  skipped  seconds\n"
        "vgg11              1        1      2.0\n"
        "resnet18     2                     1.8\n\n"
        f"vgg11: state failed: {characters.visible(BOLD)}\n\n"
        "memory skipped, no: vgg11\n\n"
        "2 passed, 1 skipped, 1 failed in 1.0 s\n"
    )


def test_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--list")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()[1:]] == list(CHECKS)


@pytest.mark.parametrize(
    ("argv", "code", "says"),
    [
        ([], 2, "verify what?"),
        (["nothing"], 2, "no file or bundled network 'nothing'"),
        (["resnet18", "--only", "stat"], 2, "no check 'stat'; did you mean 'state'?"),
        (["resnet18", "--only", "state", "--all"], 2, "not allowed with"),
        (["resnet18", "-j", "0"], 2, "at least 1"),
        (["resnet18", "--timeout", "0"], 2, "is no number of seconds"),
        (["resnet18", "vgg11", "--source", "x.py"], 2, "give one"),
        (["resnet18", "--source", "nowhere.py"], 2, "cannot read nowhere.py: no such file"),
        (["resnet18", "-D", "num_classes=x"], 1, "A311"),
    ],
)
def test_wrong_usage(
    argv: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found, out, err = run(capsys, *argv)
    assert (found, out) == (code, "")
    assert says in err


def test_what_is_not_there_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """And nothing is said of how many networks `--source` is for."""
    code, _, err = run(capsys, "nothing", "--source", "x.py")
    assert (code, err) == (2, "archc: no file or bundled network 'nothing'\n")


def test_blocks_are_nothing_to_verify(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "blocks.arch"
    path.write_text("block unit() { relu }\n", encoding="utf-8")
    code, _, err = run(capsys, path)
    assert (code, "nothing to verify" in err) == (1, True)
    assert run(capsys, tmp_path)[0] == 1


def test_files_with_mistakes_are_named(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the tally and in the JSON, which does not say that all passed."""

    def verify(tasks: list[Task], names: list[str], **how: object) -> object:
        yield 0, verifying.Verdict(tasks[0], (Result("state", "pass", 1),))

    monkeypatch.setattr(verifying, "verify", verify)
    (file.parent / "bad.arch").write_text("network Bad\ninput 8x8 x3\nconv 3x3\n", "utf-8")
    (file.parent / "binary.arch").write_bytes(b"network \xff\n")
    code, out, err = run(capsys, file.parent, "--only", "state")
    assert (code, "A302" in err, "A504" in err) == (1, True, True)
    assert re.search(
        r"1 passed.*; with mistakes, so not verified: \S*bad.arch, \S*binary.arch", out
    )
    code, out, _ = run(capsys, file.parent, "--only", "state", "--format", "json")
    found = json.loads(out)
    assert (code, found["passed"], len(found["mistaken"]), len(found["networks"])) == (
        1,
        False,
        2,
        1,
    )


def test_no_place_for_temporary_files(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(file.parent / "nowhere"))
    code, out, err = run(capsys, file, "--only", "state")
    assert (code, out) == (2, "")
    assert err.startswith("archc: cannot start the checks: ")


@pytest.mark.parametrize(
    ("problem", "says"),
    [
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), ""),
        (
            OSError(errno.ENOSPC, "No space left on device"),
            "archc: cannot write to standard output: No space left on device\n",
        ),
    ],
)
def test_output_that_nobody_takes(
    problem: OSError,
    says: str,
    file: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`archc verify net | head -1`: the checks did start."""

    def verify(tasks: list[Task], *_: object, ended: Any, **how: object) -> object:
        ended(0, Result("state", "pass", 1))
        yield 0, verifying.Verdict(tasks[0], (Result("state", "pass", 1),))

    def write(text: str) -> int:
        raise problem

    monkeypatch.setattr(verifying, "verify", verify)
    monkeypatch.setattr(sys.stdout, "write", write)
    code, _, err = run(capsys, file, "--only", "state")
    assert (code, err) == (2 if says else 141, says)


def test_the_list_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--list", "--format", "json")
    assert code == 0
    assert [check["name"] for check in json.loads(out)["checks"]] == list(CHECKS)


def test_listing_needs_no_torch() -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from archc import cli;"
        "cli.main(['verify', '--list']); assert not {'torch', 'jinja2', 'rich'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL)


# --- processes ---------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("planted", "says"),
    [
        ("import os; os.abort()", "killed by SIGABRT"),
        ("import os; os._exit(3)", "the process ended with code 3"),
        ("import time; time.sleep(1000)", "more than 20 s"),
        ("print('on standard output'); raise OSError('oh')", "OSError: oh"),
    ],
)
def test_a_check_that_ends_its_process(
    planted: str, says: str, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its failure is told, and the others run in a new one."""
    source = tmp_path / "mine.py"
    planted = f"if self.training:\n            {planted}\n        {LOGITS}"
    source.write_text(edited({LOGITS: planted}).source, encoding="utf-8")
    code, out, _ = run(
        capsys, file, "--only", "init-weights,deterministic,recompute", "--source", source,
        "--timeout", "20", "--format", "json",
    )  # fmt: skip
    assert code == 1
    checks = {c["name"]: c for c in json.loads(out)["networks"][0]["checks"]}
    assert checks["init-weights"]["status"] == "pass"
    for name in ("deterministic", "recompute"):
        assert checks[name]["status"] == "fail"
        assert checks[name]["remark"].startswith(says), checks


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "killpg"), reason="no signals there")
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_process_is_left(sign: signal.Signals, file: Path, tmp_path: Path) -> None:
    source, mark = tmp_path / "mine.py", tmp_path / "mark"
    planted = f"open({str(mark)!r}, 'w').write(str(__import__('os').getpid()))"
    sleeping = f"{planted}; import time; time.sleep(1000)\n        {LOGITS}"
    source.write_text(edited({LOGITS: sleeping}).source, encoding="utf-8")
    program = "import sys; from archc.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", program, "verify", str(file), "--source", str(source)]
    process = subprocess.Popen(
        command,
        env=os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)},
        stderr=subprocess.PIPE,
    )
    wait(lambda: mark.exists() and mark.read_text() != "")
    worker = int(mark.read_text())
    process.send_signal(sign)
    _, err = process.communicate(timeout=60)
    codes = {signal.SIGINT: INTERRUPTED, signal.SIGKILL: -signal.SIGKILL}
    assert process.returncode == codes.get(sign, 128 + sign)
    assert err == b""
    wait(lambda: not alive(worker))
    wait(lambda: not list(tmp_path.glob("archc-*")))


def wait(until: object) -> None:
    assert callable(until)
    for _ in range(600):
        if until():
            return
        time.sleep(0.1)
    raise AssertionError("not within a minute")


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{process}/stat")
    return not (stat.exists() and stat.read_text().split()[2] == "Z")


# --- the bundled networks ----------------------------------------------------------------

ALWAYS = [check.name for check in CHECKS.values() if not (check.slow or check.gpu)]


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(ONE_OF_EACH))
def test_every_kind_of_network(name: str) -> None:
    """Its checks without --all. `make verify` runs every one of every network."""
    subject = Subject(small(name).analysis)
    for check in ALWAYS:
        result = outcome(check, subject)
        assert result.status != "fail", result


@pytest.mark.slow
def test_networks_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    """Through processes, two at a time."""
    names = ["lenet", "resnet20", "squeezenet1_1"]
    code, out, _ = run(capsys, *names, "-j", "2", "--format", "json")
    networks = json.loads(out)["networks"]
    assert [Path(network["file"]).stem for network in networks] == names
    assert "fail" not in {check["status"] for network in networks for check in network["checks"]}
    assert code == 0
