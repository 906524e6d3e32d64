"""Random programs of the kind that users write, and every program that was wrong once.

`fuzz.checks.examine` says what must hold of each. A few run here, 300 with `-m slow`, and as many
as one likes by `python -m fuzz --count 20000 --jobs 2` (from `tests/`): it says the seed of
whatever fails, and the program cut down. That goes into `faults/random/`, and is then a test.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
from nets import check_tidy, check_typed

pytest.importorskip("torch")

from fuzz.blocks import LIMITS, program
from fuzz.checks import Fault, analysis_of, examine, shrunk
from fuzz.flat import flatten
from fuzz.shrink import shrink

from archc import syntax

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]
FAULTS = Path(__file__).parent / "faults"
FAST, ALL, BATCH = 4, 300, 4

# `check` may refuse these at their place instead.
REFUSABLE = {"C5_label_in_loop_in_group", "M2_negative_label", "help_concat_vector", "words_sum"}


def hold(start: int, stop: int) -> None:
    """Examine the programs of some seeds; all that fail are named, with the first one's text."""
    failed: list[str] = []
    for seed in range(start, stop):
        text = program(seed)
        try:
            examine(text)
        except Fault as fault:
            failed.append(f"seed {seed}: {fault}" + ("" if failed else f"\n{text}"))
    assert not failed, "\n".join(failed)


@pytest.mark.parametrize("start", range(0, FAST, BATCH))
def test_random_programs(start: int) -> None:
    hold(start, start + BATCH)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(FAST, ALL, BATCH))
def test_more_random_programs(start: int) -> None:
    hold(start, min(start + BATCH, ALL))


# As someone wrote them they are minutes of convolutions, and gigabytes: run with smaller numbers.
LARGE = {
    "growing": {"[64, 128, 256]": "[2, 4, 8]", "32*i": "2*i", "x224": "x14"},
    "growing_in_a_block": {
        "4096": "64",
        "c=64": "c=4",
        "x64": "x4",
        "[32, 64, 128]": "[2, 4, 8]",
        "x256": "x8",
    },
    "no_two_indices": {"96x96": "32x32"},
    "wavenet": {"4096": "64", "x64": "x4", "x256": "x8"},
    "wavenet_skips": {"4096": "64", "x64": "x4", "x128": "x4", "x256": "x8"},
    "hed": {"200x300": "20x36", "x512": "x64", "x256": "x32"},
    "unet_valid": {"572x572": "188x188", "1024": "128", "64 * ": "8 * "},
}


@pytest.mark.parametrize(
    "path",
    [
        # Those of pictures are read back in test_readback; few have a fault of emission.
        pytest.param(
            path,
            marks=[pytest.mark.slow]
            if path.stem in LARGE or path.parent.name == "pictures"
            else [],
        )
        for path in sorted(FAULTS.glob("*/*.arch"))
    ],
    ids=lambda path: path.stem,
)
def test_found_programs(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if path.stem in REFUSABLE and not analysis_of(text).ok:
        return
    if path.stem in LARGE:
        assert analysis_of(text).ok
        for written, smaller in LARGE[path.stem].items():
            assert written in text
            text = text.replace(written, smaller)
    examine(text)


@pytest.mark.parametrize("seeds", [range(12), pytest.param(range(12, ALL), marks=pytest.mark.slow)])
def test_ruff_has_nothing_to_say(seeds: range, tmp_path: Path) -> None:
    write(seeds, tmp_path)
    check_tidy(tmp_path)


@pytest.mark.slow
def test_mypy_has_nothing_to_say(tmp_path: Path) -> None:
    write(range(60), tmp_path)
    check_typed(tmp_path)


def write(seeds: range, folder: Path) -> None:
    for seed in seeds:
        source = analysis_of(program(seed)).emit()
        (folder / f"net{seed}.py").write_text(source, encoding="utf-8")


def test_what_may_be_refused_is_there() -> None:
    assert {path.stem for path in FAULTS.glob("*/*.arch")} >= REFUSABLE


# --- the generator ------------------------------------------------------------------------------


def nodes(node: Any) -> Iterator[Any]:
    yield node
    for part in node if isinstance(node, tuple) else ():
        yield from nodes(part)
    if is_dataclass(node):
        for field in fields(node):
            if field.name not in ("span", "damage", "doc"):
                yield from nodes(getattr(node, field.name))


def forms(text: str) -> set[str]:
    """What a program has that users' programs have."""
    file = analysis_of(text).file
    blocks = {item.name.id: item for item in file.items if isinstance(item, syntax.Block)}
    found = {type(node).__name__ for node in nodes(file)}
    for node in nodes(file):
        match node:
            case syntax.If(other=syntax.Sequence()):
                found.add("else")
            case syntax.For(names=(_, _)):
                found.add("list of lists")
            case syntax.For(body=body):
                names = {name.id for name in node.names}
                tests = [n.test for n in nodes(body) if isinstance(n, syntax.If)]
                used = {n.id for test in tests for n in nodes(test) if isinstance(n, syntax.Name)}
                found |= {"test on a loop's variable"} if names & used else set()
            case syntax.Statement(repeat=repeat) if repeat is not None:
                found.add("repeat")
            case syntax.Operation(name=name) if name.id in ("aux", "output", "columns", "join"):
                found.add(name.id)
            case syntax.Block(formals=formals, body=body):
                found.add("sequence" if node.places else "block")
                if any(isinstance(n, syntax.Incoming) for f in formals for n in nodes(f.default)):
                    found.add("default from in.c")
                own = {formal.name.id for formal in formals}
                for formal in formals:
                    used = {n.id for n in nodes(formal.default) if isinstance(n, syntax.Name)}
                    found |= {"default from a parameter"} if used & own else set()
                calls = {n.name.id for n in nodes(body) if isinstance(n, syntax.Operation)}
                found |= {"recursion"} if node.name.id in calls else set()
                found |= {"block in a block"} if calls & blocks.keys() else set()
                found |= {"parameter applied"} if calls & own else set()
                inside = [n for n in nodes(body) if isinstance(n, syntax.If)]
                if any(
                    isinstance(n, syntax.Operation) and n.name.id in blocks
                    for n in nodes(tuple(inside))
                ):
                    found.add("call under an `if`")
        if isinstance(node, syntax.Argument) and getattr(node.value, "id", "") in blocks:
            found.add("block as an argument")
    inputs = [n for n in nodes(file) if isinstance(n, syntax.Operation) and n.name.id == "input"]
    found |= {"several inputs"} if len(inputs) > 1 else set()
    dims = {len(a.dims) for a in inputs[0].attributes if isinstance(a, syntax.Size)}
    return found | {f"{rank} dimensions" for rank in dims}


@pytest.mark.slow
def test_every_form_occurs() -> None:
    seen: set[str] = set()
    for seed in range(250):
        seen |= forms(program(seed))
    wanted = {
        "else", "list of lists", "test on a loop's variable", "repeat", "aux", "output", "join",
        "sequence", "block", "default from in.c", "default from a parameter", "recursion",
        "block in a block", "parameter applied", "call under an `if`", "block as an argument",
        "several inputs", "2 dimensions", "3 dimensions", "Reuse", "Reference", "Group",
        "For", "Param", "Conditional",
    }  # fmt: skip
    assert not wanted - seen


def test_a_seed_is_a_program() -> None:
    assert program(7) == program(7) != program(8)


# --- the flat text, and the shrinker ----------------------------------------------------------


def test_flat() -> None:
    text = """network Net
    param n = 2
    input 8x8 x4
    block unit(c, act=relu, last=false) { conv 3x3 p1 x(c); if last { act } else { a: bn; act } }
    for i in 1..n { u{i}: unit(in.c + i, gelu, i == n) }
    residual< { pool 3x3/1 p1 } * 2 >
    """
    rows = flatten(text).splitlines()
    assert [row.partition(": ")[2] for row in rows[2:]] == [
        "identity", "conv 3x3 p1 x5", "bn", "gelu", "conv 3x3 p1 x7", "gelu",
        "pool 3x3/1 p1", "pool 3x3/1 p1", "add < @t8 | @t6 >",
    ]  # fmt: skip
    assert flatten(text, {"n": 1}).count("conv") == 1


def test_a_fault_is_cut_down() -> None:
    """To the smallest program that still has a gelu under an `if` in a block."""

    def fails(text: str) -> bool:
        return analysis_of(text).ok and any(
            isinstance(node, syntax.Block)
            and any(
                isinstance(inner, syntax.If) and "gelu" in str(inner) for inner in nodes(node.body)
            )
            for node in analysis_of(text).file.items
        )

    text = """network Net
    param width = 8
    block unit(c, gate=true) { conv 3x3 p1 x(c) nobias; bn; if gate { relu; gelu } else { bn } }
    input 16x16 x3
    for i in 1..3 { unit(width + i); residual< conv 3x3 p1 x(in.c); bn > }
    gap; flatten; fc 10
    """
    least = shrink(text, fails, LIMITS)
    assert fails(least)
    assert len(least.split()) <= len("network Net block unit() { if 0 { gelu } } input x1".split())


def test_what_fails_keeps_its_stage() -> None:
    text = (FAULTS / "emission" / "d8_label_block_i.arch").read_text(encoding="utf-8")
    assert shrunk(text, "no such stage") == text
