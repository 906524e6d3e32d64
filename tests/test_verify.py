"""`archc verify`: each check passes on a sound network, and fails on one with a bug planted."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import pytest

import archc
from archc import api, cli, verification
from archc.cli.exit_codes import INTERRUPTED
from archc.report import diagnostics
from archc.source import Source
from archc.verification import Job
from archc.verification.check import Check, Result, perform
from archc.verification.checks import CHECKS
from archc.verification.subject import Subject

torch = pytest.importorskip("torch")
pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # torch's own
    pytest.mark.usefixtures("one_thread"),
]

ROOT = Path(archc.__file__).parents[1]
TINY = """\
network Tiny
input 16x16 x3
block unit(c) {
  residual< conv 3x3 p1 x(c) nobias; bn; relu; conv 3x3 p1 x(c) | conv 1x1 x(c) >; relu
}
conv1: conv 3x3 p1 x8; bn1: bn; relu; pool 2x2
layer: unit(16) * 2
aux weight=0.3 < gap; flatten; fc 4 >
gap; flatten; dropout 0.5
fc: fc 10
"""
ALONE = TINY.replace("aux weight=0.3 < gap; flatten; fc 4 >\n", "")
OWN = """\
state copying device reset counts channels-last deterministic neighbours recompute memory
""".split()


def subject_of(*edits: tuple[str, str], text: str = TINY) -> Subject:
    """A network with its source edited: (what is there, what shall be there)."""
    analysis, source = generated(text)
    for old, new in edits:
        assert old in source, source
        source = source.replace(old, new)
    return Subject(analysis, source if edits else None)


@cache
def generated(text: str) -> tuple[api.Analysis, str]:
    analysis = api.analyze(Source("tiny.arch", text))
    assert analysis.ok, analysis.diagnostics
    return analysis, Subject(analysis).source


def outcome(check: str, subject: Subject) -> Result:
    return perform(CHECKS[check], subject)


@pytest.fixture(scope="module")
def sound() -> Subject:
    return subject_of()


@pytest.mark.parametrize("check", OWN)
def test_a_sound_network_passes(check: str, sound: Subject) -> None:
    result = outcome(check, subject_of(text=ALONE) if check == "memory" else sound)
    assert result.status == "pass", result


CONV1 = "self.conv1 = nn.Conv2d(3, 8, 3, padding=1, **factory)"
FORWARD = "x = self.relu(self.bn1(self.conv1(x)))"
FC = "x = self.fc(x)"
BUGS = {
    "a tensor that is not saved": (
        "state",
        [
            ("self.bn1 =", "self.offset = torch.rand(1, **factory)\n        self.bn1 ="),
            (FC, "x = self.fc(x) + self.offset"),
        ],
        "output 0 is another after loading the state_dict",
    ),
    "a lambda that cannot be pickled": (
        "copying",
        [("self.bn1 =", "self.same = lambda x: x\n        self.bn1 =")],
        "<lambda>",
    ),
    "a copy that is none": (
        "copying",
        [("    def init_weights", "    def __deepcopy__(self, memo):\n        return self\n\n"
          "    def init_weights")],
        r"conv1\.weight is shared after copy\.deepcopy",
    ),
    "a layer without a device": (
        "device",
        [(CONV1, "self.conv1 = nn.Conv2d(3, 8, 3, padding=1)")],
        "the constructor makes a tensor on cpu",
    ),
    "a layer without a dtype": (
        "device",
        [(CONV1, "self.conv1 = nn.Conv2d(3, 8, 3, padding=1, device=device)")],
        r"conv1\.weight is torch\.float32, not torch\.bfloat16",
    ),
    "a device-less arange": (
        "device",
        [(FC, "x = self.fc(x) + torch.arange(10).to(x.dtype)")],
        "device",
    ),
    "a norm that is not started": (
        "reset",
        [("nn.BatchNorm2d | nn.Linear", "nn.Linear")],
        r"init_weights leaves .*bn1?\.weight as it was",
    ),
    "a start outside init_weights": (
        "reset",
        [("        self.init_weights()\n", "        self.init_weights()\n"
          "        if self.fc.weight.device.type != 'meta':\n"
          "            nn.init.zeros_(self.fc.weight)\n")],
        r"starts fc\.weight otherwise than the constructor",
    ),
    "a bias that is not counted": (
        "counts",
        [("padding=1, bias=False", "padding=1, bias=True")],
        r"layer\.0\.conv1 has 1,168 parameters, not 1,152",
    ),
    "a layer that runs twice": (
        "counts",
        [("x = self.layer(x)", "x = self.layer[1](self.layer(x))")],
        r"layer\.1\.conv1 takes .* MACs, not",
    ),
    "another pool": (
        "counts",
        [("nn.MaxPool2d(2)", "nn.MaxPool2d(3, stride=1, padding=1)")],
        r"layer\.0\.conv1 takes .* MACs, not",
    ),
    "contiguous": (
        "channels-last",
        [("x = self.layer(x)", "x = self.layer(x.contiguous())")],
        r"aten\.clone in the network puts out 2x8x8x8",
    ),
    "a random Python branch": (
        "deterministic",
        [
            ("import torch\n", "import random\n\nimport torch\n"),
            ("x = self.layer(x)", "x = self.layer(x) * random.random()"),
        ],
        "output 0 is another in the second run",
    ),
    "a mean over the batch": (
        "neighbours",
        [(FC, "x = self.fc(x - x.mean(0, keepdim=True))")],
        "output 0 changes with the rest of the batch",
    ),
    "statistics that are updated twice": (
        "recompute",
        [("context_fn=lambda: (nullcontext(), self.keep_statistics()),", "")],
        r"layer\.0\.bn\w*\.running_mean is another when blocks are computed again",
    ),
    "an activation that is kept": (
        "memory",
        [("x = self.layer(x)", "x = self.layer(x.sigmoid())")],
        "a step takes .* at a batch of .*, not",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("check", "edits", "says"), BUGS.values(), ids=BUGS)
def test_a_planted_bug_is_caught(check: str, edits: list[tuple[str, str]], says: str) -> None:
    result = outcome(check, subject_of(*edits, text=ALONE if check == "memory" else TINY))
    assert result.status == "fail", result
    assert re.search(says, result.remark or ""), result


@pytest.mark.parametrize(
    ("pool", "old", "new", "says"),
    [
        ("pool: pool 2x2;", "MaxPool2d(2)", "MaxPool2d(4)", "pool is 8x2x2, not 8x4x4"),
        ("", "x = torch.cat", "x = x[..., 1:]\n        x = torch.cat", "to be 8x8x8: nothing"),
    ],
)
def test_shapes_that_cost_nothing(pool: str, old: str, new: str, says: str) -> None:
    """Of a layer, and of a function: neither parameters nor MACs tell."""
    text = f"""\
network Cat
input 8x8 x3
conv1: conv 3x3 p1 x4
concat< relu | sigmoid >; {pool} gap; flatten; fc 4
"""
    result = outcome("counts", subject_of((old, new), text=text))
    assert result.status == "fail", result
    assert re.search(says, result.remark or ""), result


def test_nothing_to_compute_again_is_no_failure() -> None:
    plain = subject_of(text="network N\ninput x8\nfc 8; relu; fc 4\n")
    for name in ("recompute", "channels-last"):
        assert outcome(name, plain).status == "skipped"
    for name in ("state", "copying", "device", "reset", "counts", "deterministic", "neighbours"):
        assert outcome(name, plain).status == "pass", outcome(name, plain)


def test_several_inputs_and_outputs() -> None:
    """Records of outputs, an input of its own each, and weights that are used again."""
    text = """\
network Pair
input left 16x16 x3
input right 16x16 x3
block twin() { conv 3x3 p1 x8; bn; relu; gap; flatten; fc 4 }
@left; a: twin(); output first
@right; b: reuse a; output second
"""
    pair = subject_of(text=text)
    for name in OWN[:-1]:
        assert outcome(name, pair).status in ("pass", "skipped"), outcome(name, pair)


def test_what_a_check_may_raise() -> None:
    """Anything is a result; a message of many lines is its first."""

    def broken(subject: Subject) -> str | None:
        raise RuntimeError("bad luck\n  with pages of advice")

    subject = subject_of()
    result = perform(Check("broken", broken, "nothing"), subject)
    assert (result.status, result.remark) == ("fail", "RuntimeError: bad luck")
    result = perform(Check("far", broken, "nothing", needs=("torch", "no_such_package")), subject)
    assert (result.status, result.remark) == (
        "skipped",
        "needs no_such_package: pip install no_such_package",
    )
    if not torch.cuda.is_available():
        result = perform(Check("cuda", broken, "nothing", gpu=True), subject)
        assert (result.status, result.remark) == ("skipped", "no CUDA device")


def test_small_inputs() -> None:
    """Halves of the input, to 64 pixels, where the module stays the same; else its own."""
    sizes = {"resnet18": 64, "vgg11": 64, "alexnet": 227, "resnet20": 32, "googlenet": 224}
    for name, size in sizes.items():
        subject = Subject(archc.load(name).analysis)
        assert subject.small_shapes == [(3, size, size)], name
    assert subject.inputs(3, small=True)[0].shape == (3, 3, 224, 224)


def test_a_job_is_the_same_for_the_worker() -> None:
    from archc.verification import job

    net = archc.load("resnet18", num_classes=7)
    made = Job.of(net.analysis, Path("archs"), "source")
    told, names = job.read(job.written(made, ["state"]))
    assert names == ["state"]
    assert told == made
    assert told.analysis().params == net.params


# --- the command -------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.arch"
    path.write_text(TINY, encoding="utf-8")
    return path


def run(capsys: pytest.CaptureFixture[str], *argv: str | Path) -> tuple[int, str, str]:
    code = cli.main(["verify", *map(str, argv)])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_command(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A worker for a source that is wrong, one for a network that is not."""
    source = tmp_path / "tiny.py"
    broken = subject_of((FC, "x = self.fc(x - x.mean(0))")).source
    source.write_text(broken, encoding="utf-8")
    code, out, err = run(
        capsys, file, "--only", "state,neighbours", "--source", source, "--format", "json"
    )
    assert (code, err) == (1, "")
    found = json.loads(out)
    assert list(found) == ["version", "archc", "passed", "seconds", "mistaken", "networks"]
    assert (found["version"], found["passed"]) == (1, False)
    (network,) = found["networks"]
    assert {"name": "Tiny", "file": file.as_posix(), "passed": False}.items() <= network.items()
    state, neighbours = network["checks"]
    assert state | {"seconds": 0} == {
        "name": "state", "status": "pass", "seconds": 0, "remark": None,
    }  # fmt: skip
    assert neighbours["status"] == "fail"
    assert "changes with the rest of the batch" in neighbours["remark"]


BOLD = "\x1b[1mbad luck"


def test_tables(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one network a row a check, of many a row a network, then what failed and was skipped."""
    results = {
        "resnet18": (Result("state", "pass", 1.5), Result("memory", "pass", 0.25, "to 0.39 %")),
        "vgg11": (Result("state", "fail", 2, BOLD), Result("memory", "skipped", 0, "no")),
    }  # fmt: skip

    def verify(jobs: list[Job], names: list[str], **how: object) -> object:
        assert names == ["state", "memory"]
        for at, job in reversed(list(enumerate(jobs))):
            yield at, verification.Verdict(job, results[Path(job.path).stem])

    monkeypatch.setattr(verification, "verify", verify)
    code, out, _ = run(capsys, "resnet18", "--only", "memory,state")
    assert code == 0
    assert re.sub(r"in \d+\.\d s", "in 1.0 s", out) == (
        "ResNet18 (resnet18)\n\n"
        "check   result  seconds  remark\n"
        "state   pass        1.5\n"
        "memory  pass        0.2  to 0.39 %\n\n"
        "2 passed, 0 skipped, 0 failed in 1.0 s\n"
    )
    code, out, _ = run(capsys, "resnet18", "vgg11", "--only", "memory,state")
    assert code == 1
    assert re.sub(r"in \d+\.\d s", "in 1.0 s", out) == (
        "network   pass  fail  skipped  seconds\n"
        "resnet18     2                     1.8\n"
        "vgg11              1        1      2.0\n\n"
        f"vgg11: state failed: {diagnostics.visible(BOLD)}\n\n"
        "memory skipped, no: vgg11\n\n"
        "2 passed, 1 skipped, 1 failed in 1.0 s\n"
    )


def test_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--list")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()[1:]] == list(CHECKS)
    for name, check in CHECKS.items():
        assert check.proves.endswith("."), name
        assert len(check.proves) <= 120, name


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

    def verify(jobs: list[Job], names: list[str], **how: object) -> object:
        yield 0, verification.Verdict(jobs[0], (Result("state", "pass", 1),))

    monkeypatch.setattr(verification, "verify", verify)
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


def test_a_full_disk_says_its_cure() -> None:
    def full(subject: Subject) -> str | None:
        raise OSError(errno.ENOSPC, "No space left on device")

    result = perform(Check("full", full, "nothing"), subject_of())
    assert result.remark == "no space left for temporary files: TMPDIR names another folder"


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
    source = tmp_path / "tiny.py"
    planted = f"if self.training:\n            {planted}\n        {FC}"
    source.write_text(subject_of((FC, planted)).source, encoding="utf-8")
    code, out, _ = run(
        capsys, file, "--only", "reset,deterministic,recompute", "--source", source,
        "--timeout", "20", "--format", "json",
    )  # fmt: skip
    assert code == 1
    checks = {c["name"]: c for c in json.loads(out)["networks"][0]["checks"]}
    assert checks["reset"]["status"] == "pass"
    for name in ("deterministic", "recompute"):
        assert checks[name]["status"] == "fail"
        assert checks[name]["remark"].startswith(says), checks


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "killpg"), reason="no signals there")
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_process_is_left(sign: signal.Signals, file: Path, tmp_path: Path) -> None:
    source, mark = tmp_path / "tiny.py", tmp_path / "mark"
    planted = f"open({str(mark)!r}, 'w').write(str(__import__('os').getpid()))"
    sleeping = f"{planted}; import time; time.sleep(1000)\n        {FC}"
    source.write_text(subject_of((FC, sleeping)).source, encoding="utf-8")
    # Who starts the tests in the background may have them ignore SIGINT, and what they start, too.
    program = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
    program += "from archc.cli import main; sys.exit(main())"
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


@pytest.mark.slow
def test_all_networks(capsys: pytest.CaptureFixture[str]) -> None:
    """The fast checks of every bundled network: minutes."""
    archs = next(iter(archc.bundled().values())).parent
    code, out, _ = run(capsys, archs, "-j", str(min(4, os.cpu_count() or 1)), "--format", "json")
    failed = [
        (network["file"], check)
        for network in json.loads(out)["networks"]
        for check in network["checks"]
        if check["status"] == "fail"
    ]
    assert not failed
    assert code == 0
