"""Random networks: compile, run, and are what the language promises, in every respect.

Each is held against `interpreter.py`, which runs the plan without the emitter: outputs, gradients,
running averages, the shape at every module, the names and shapes of the `state_dict`, the number
of parameters, and what the params of the network do. Some run here, `-m slow` runs hundreds
more; `make fuzz` runs thousands of those that lean on what users write (`test_fuzz.py`).
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from nets import check_tidy, check_typed

pytest.importorskip("torch")

import torch
from check_generated import check, check_param, check_params, generate
from random_networks import LIMITS, operators_of, program

from archc.ops import REGISTRY

TESTS = Path(__file__).parent
FEW, BATCH = 10, 25
COMPILED = (3, 14, 27, 58)


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> None:
    torch.set_num_threads(1)


def hold(start: int, stop: int, folder: Path) -> None:
    """Check the programs of some seeds; all that fail are named, with the first one's text."""
    failed: list[str] = []
    sources: dict[int, str] = {}
    for seed in range(start, stop):
        made = program(seed)
        try:
            generated = generate(made.text, LIMITS)
            check(generated, seed)
            check_params(made.text, generated, made.params, seed, LIMITS)
            sources[seed] = generated.source
        except Exception as error:
            text = f"\n{made.text}" if not failed else ""
            failed.append(f"seed {seed}: {type(error).__name__}: {error}{text}")
    assert not failed, "\n".join(failed)
    check_lines(folder, sources)


def check_lines(folder: Path, sources: dict[int, str]) -> None:
    """As `ruff format` has it, without a warning, and no line too long that could be shorter."""
    for seed, source in sources.items():
        (folder / f"net{seed}.py").write_text(source)
        long = [line for line in source.splitlines() if len(line) > 88]
        assert not long, f"seed {seed}: {long}"
    check_tidy(folder)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_random_networks(tmp_path: Path) -> None:
    hold(0, FEW, tmp_path)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("start", range(0, 1000, BATCH))
def test_many_random_networks(start: int, tmp_path: Path) -> None:
    hold(start, start + BATCH, tmp_path)


# Programs that were wrong once, cut down: the seeds that had them mean others by now.
FOUND = {
    "equal by chance": """network Net
param width = 2
block a(w) { conv 1x1 x(w) }
input 6x6 x2
enc: { a(width // 2 + 1) * 2 }
""",
    "the second would overwrite what the first saved": """network Net
input 6x6 x2
enc: { conv 1 x4; for i in 1..2 { relu } }
""",
    "a list in a group that is no row": """network Net
input 6x6 x4
group: {
  residual< conv 3 p1 x6; conv 3 p1 x4 >
  {
    dense< relu; conv 3 p1 x6 >
    for i in 1..4 { conv 3x3 p1 x(min(i, 5) + i); conv 3 same d2 x(ceil(i / 2)) nobias }
    conv 3 same d2 x12
  }
}
""",
    "an `if` that passes on what another branch reads": """network Net
param n_units = 2
input 6x6 x4
concat< if n_units > 1 { e: conv 3 p1 x4 } | b: conv 1 x4 >
""",
    "an `if` that passes on what a shortcut reads": """network Net
param n_units = 2
input 6x6 x4
a: conv 3 p1 x4
if n_units > 2 { e: conv 3 p1 x4 }
conv 1 x4
residual< identity | @a >
""",
    "a loop that passes on what a shortcut reads": """network Net
param n_units = 2
input 6x6 x4
a: conv 3 p1 x4
e: { for i in 2..n_units { conv 3 p1 x4 } }
conv 1 x4
residual< identity | @a >
""",
    "an arm that goes back": """network Net
param n_units = 2
input 6x6 x4
a: conv 1 x4
conv 3 p1 x4
if n_units > 2 { @a } else { relu6 }
conv 1 x3
""",
    "an `if` in a row of modules, whose other outcome is far away": """network Net
param n_units = 2
block unit(w) {
  {
    conv 3 p1 x(round(w * 1.5) + 1)
    if in.c > 4 { relu; conv 3 p1 x4 } else { conv 3 p1 x2; residual< conv 3 p1 x2 >; relu }
  }
  conv 1 x(w)
}
input 6x6 x4
unit(n_units // 2 + 1)
""",
    "an arm that does nothing": """network Net
param n_units = 2
input 6x6 x4
conv 1 x4
if n_units > 2 { identity }
conv 1 x3
""",
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("text", FOUND.values(), ids=FOUND)
def test_found_programs(text: str) -> None:
    generated = generate(text, LIMITS)
    check(generated, 0)
    for name in generated.plan.params:
        assert all(check_param(text, generated, name, v, 0, LIMITS) for v in range(1, 7))


@pytest.mark.slow
def test_all_operators_occur() -> None:
    seen: set[str] = set()
    for seed in range(150):
        seen |= operators_of(program(seed).text)
    assert seen == {cls.name for cls in REGISTRY.values()}


@pytest.mark.slow
def test_most_programs_fit() -> None:
    """The generator knows enough of shapes: hardly a statement has to be left out."""
    left_out = sum(len(program(seed).refused) for seed in range(60))
    written = sum(program(seed).text.count("\n") for seed in range(60))
    assert left_out < written / 20


# --- the text of generated files -----------------------------------------------------------


def sources(seeds: range) -> dict[int, str]:
    return {seed: generate(program(seed).text, LIMITS).source for seed in seeds}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_mypy_has_nothing_to_say(tmp_path: Path) -> None:
    for seed, source in sources(range(40)).items():
        (tmp_path / f"net{seed}.py").write_text(source)
    check_typed(tmp_path)


DIGEST = """
import sys
sys.path[:0] = sys.argv[1:3]
from hashlib import sha256
from random_networks import LIMITS, program
from archc.api import analyze
from archc.source import Source
for seed in range(30):
    text = program(seed).text
    print(sha256((text + analyze(Source("a", text), limits=LIMITS).emit()).encode()).hexdigest())
"""


@pytest.mark.slow
def test_same_bytes_on_every_run() -> None:
    found = set()
    for hash_seed in ("0", "1", "2024"):
        command = [sys.executable, "-c", DIGEST, str(TESTS), str(TESTS.parent / "dsl")]
        environment = {"PYTHONHASHSEED": hash_seed, "PATH": ""}
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        found.add(hashlib.sha256(done.stdout.encode()).hexdigest())
    assert len(found) == 1


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", COMPILED)
def test_torch_compile_finds_no_break(seed: int) -> None:
    generated = generate(program(seed).text, LIMITS)
    net = generated.module().eval()
    compiled = torch.compile(net, fullgraph=True, backend="eager")
    xs = [
        torch.randn(2, *map(int, x.shape.dims), dtype=torch.float64)
        for x in generated.plan.body.inputs
        if x.shape
    ]
    first, second = compiled(*xs), net(*xs)
    torch.testing.assert_close(first, second, equal_nan=True)
