"""Text is only ever text, and no text makes the compiler hang, grow or crash.

What a file says reaches the generated source as numbers, checked names and quoted strings. Any
input, however large or odd, gives diagnostics in seconds and within a bounded memory.
"""

from __future__ import annotations

import ast
import builtins
import json
import keyword
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nets import varied

from archc import data
from archc.api import analyze
from archc.report import diagnostics
from archc.source import Limits, Source

PACKAGES = str(Path(__file__).parents[1] / "dsl")

# --- hostile texts -----------------------------------------------------------------------

PROGRAM = """
# {0}
network Net "{1}"
meta {{ paper "{1}"; authors "{1}"; arxiv "{1}"; note "{1}"; year 2020 }}
param classes = 3
input 8x8 x3
# {0}
# {0}
block unit(w) {{ residual< conv 3x3 p1 x(w) | conv 1x1 x(w) > }}
# {0}
sequence stage(w) {{ conv 3x3 p1 x(w); relu }}
unit(4); stage(8)
for i in 1..3 {{ layer{{i}}: {{ conv 1x1 x8; bn }} }}
aux weight=0.3 < gap; flatten; fc 2 >
gap; flatten; fc (classes)
"""

HOSTILE = [
    '"""',
    '""" + print(1) + """',
    '\\"""',
    '"' * 7,
    "'''",
    'ends with a quote"',
    "ends with a backslash\\",
    "\\N{BULLET} \\x41 \\u0041 \\777",
    "{{ 7 * 7 }} {% raw %} {# x #} {%- endraw -%}",
    "{x} {0} %s %(x)s $x ${x}",
    "# type: ignore",
    "# noqa # fmt: off # mypy: ignore-errors",
    "# -*- coding: utf-7 -*-",
    "한국어 문서, 변수와 함수",
    "pаypal with a Cyrillic a, ﬁ ligature, ＡＢＣ",
    "\u202e reversed \u2066 isolate \u2069 \u200b\u200d\ufeff zero width",
    "a\u2028b\u2029c\x85d",
    "👩‍👩‍👧 💥",
    "word " * 60,
    "x" * 300,
    "",
    " ",
    "...",
    "a. b. c",
    "import os; os.system('true')",
    "\t tab",
    "# imports",  # the template's own mark
    "class Net(nn.Module): pass",
]


def generated(doc: str, title: str, name: str = "net.arch") -> str:
    quoted = title.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    quoted = quoted.replace("\t", "\\t").replace("\r", "\\r")
    analysis = analyze(Source(name, PROGRAM.format(doc, quoted)))
    assert analysis.ok, diagnostics.text(analysis.diagnostics)
    return analysis.emit()


def skeleton(source: str) -> str:
    """The syntax tree of a module, its docstrings left out."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                assert isinstance(first.value.value, str)
                node.body = node.body[1:] or [ast.Pass()]
    return ast.dump(tree)


HARMLESS = skeleton(generated("Words.", "Words"))


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_stays_text(text: str) -> None:
    source = generated(text, text)
    assert skeleton(source) == HARMLESS
    assert skeleton(generated(text, "Words")) == HARMLESS
    # what could make the source look other than it is
    assert not any(
        c in source for c in "\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029"
    )
    assert all(c.isprintable() or c == "\n" for c in source)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_a_docstring(text: str) -> None:
    """Each word of a title is found in the module's docstring, as itself."""
    tree = ast.parse(generated("Words.", text))
    found = " ".join((ast.get_docstring(tree) or "").split())
    wanted = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    assert wanted.rstrip(".") in found


@pytest.mark.slow
@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=60))
@settings(max_examples=150, deadline=None)
def test_any_text_stays_text(text: str) -> None:
    assert skeleton(generated(text, text)) == HARMLESS


@pytest.mark.parametrize(
    "name", ['a"""b.arch', "a\\b.arch", "a\nb.arch", "{{ x }}.arch", "폴더/망.arch"]
)
def test_a_path_stays_text(name: str) -> None:
    assert skeleton(generated("Words.", "Words", name)) == HARMLESS


# --- names -------------------------------------------------------------------------------

NAMES = sorted(
    {
        *(name for name in dir(builtins) if name.isidentifier()), *keyword.kwlist, *keyword.softkwlist,
        *"""x out out2 side side_x branch1 shortcut columns result layers layer module i j self cls
        in_channels in_height w Net NetOutput Unit Block Scale Widen Join Conv2d Tensor OrderedDict
        Sequence NamedTuple torch nn F math init_weights reset_parameters forward training state_dict index
        count _fields _replace _ __ __init__ __class__ __dict__ _modules _parameters _buffers a_ a__b A paths
        sampler weight bias conv1 bn1 relu add1 extended repeats stride input output x1 p2 g d c h
        return_ record logits archc generated""".split(),
    }
)  # fmt: skip

PLACES = {
    "label of an operator": "input 8x8 x3\n{0}: conv 3x3 p1 x4; relu; conv 1x1 x4",
    "label of an activation": "input 8x8 x3\nconv 3x3 p1 x4; {0}: relu; conv 1x1 x4; relu",
    "label used again": "input 8x8 x3\n{0}: conv 3x3 p1 x4; relu; conv 1x1 x4; add< @{0} | relu >; conv 1x1 x4; add< @{0} | bn >",
    "label of a group": "input 8x8 x3\n{0}: {{ conv 3x3 p1 x4; relu }}",
    "label in a group": "input 8x8 x3\n{{ {0}: conv 3x3 p1 x4; b: relu }}",
    "label in a loop": "input 8x8 x3\nfor k in 1..3 {{ {0}{{k}}: conv 3x3 p1 x4; relu }}",
    "block": "block {0}(w) {{ conv 3x3 p1 x(w); relu; bn }}\ninput 8x8 x3\n{0}(4); {0}(6)",
    "sequence": "sequence {0}(w) {{ conv 3x3 p1 x(w); relu; bn }}\ninput 8x8 x3\n{0}(4); {0}(6)",
    "parameter": "block unit({0}) {{ conv 3x3 p1 x({0}); if {0} > 4 {{ relu; bn }} }}\ninput 8x8 x3\nunit(4); unit(6)",
    "parameter in a list": "block unit({0}) {{ for v in {0} {{ conv 3x3 p1 x(v); relu }} }}\ninput 8x8 x3\nunit([4, 5]); unit([6])",
    "loop": "input 8x8 x3\nfor {0} in 1..3 {{ conv 3x3 p1 x(2 * {0}); bn; relu }}",
    "param": "param {0} = 3\ninput 8x8 x3\nconv 3x3 p1 x({0}); conv 1x1 x({0} + 1)",
    "input": "input {0} 8x8 x3\ninput other 8x8 x3\n@{0}; conv 3x3 p1 x4; concat< | @other >; bn; relu",
    "input beside others": "input {0} 8x8 x3\na: conv 3x3 p1 x3; b: add< conv 1x1 x3; bn | conv 1x1 x3; relu >\n"
    "head: aux < conv 1x1 x2 >\nresidual< @{0} | conv 1x1 x3 >\nadd< @a | @b | @{0} >\noutput y\nconv 1x1 x2\noutput z",
    "output": "input 8x8 x3\nconv 3x3 p1 x4\noutput {0}\nrelu; conv 1x1 x2\noutput last",
    "side": "input 8x8 x3\nconv 3x3 p1 x4\n{0}: aux weight=0.3 < conv 1x1 x2; relu >\nconv 1x1 x4",
}  # fmt: skip


@pytest.mark.parametrize("place", [*PLACES, "network"])
def test_some_names_are_refused_or_work(place: str) -> None:
    refused_or_work(place, NAMES[len(place) % 12 :: 12])


@pytest.mark.slow
@pytest.mark.parametrize("place", [*PLACES, "network"])
def test_all_names_are_refused_or_work(place: str) -> None:
    refused_or_work(place, NAMES)


def refused_or_work(place: str, names: list[str]) -> None:
    """Every odd name in a place: a diagnostic, or code that runs."""
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    worked = 0
    for name in names:
        if place == "network":
            text, cls = f"network {name}\n{PLACES['output'].format('first')}\n", name
        else:
            text, cls = f"network Net\n{PLACES[place].format(name)}\n", "Net"
        analysis = analyze(Source("net.arch", text))
        if not analysis.ok:
            assert diagnostics.text(analysis.diagnostics)
            continue
        assert analysis.plan is not None
        source = analysis.emit()
        try:
            namespace: dict[str, object] = {"__name__": "generated"}
            exec(compile(source, "<generated>", "exec"), namespace)
            net = namespace[cls]()  # type: ignore[operator]
            xs = [
                torch.randn(2, *map(int, x.shape.dims))
                for x in analysis.plan.body.inputs
                if x.shape
            ]
            net(*xs)
            net.eval()(*xs)
        except Exception as error:
            raise AssertionError(f"{name!r} as {place}: {error!r}\n{text}\n{source}") from error
        assert sum(p.numel() for p in net.parameters()) == analysis.params, (name, source)
        worked += 1
    assert worked > len(names) // 2


# --- size --------------------------------------------------------------------------------

HEAD = "network Net\ninput 8x8 x3\n"
DEEP = 10_000


def nested(opening: str, inside: str, closing: str, times: int = DEEP) -> str:
    return HEAD + opening * times + inside + closing * times + "\n"


LARGE: dict[str, tuple[str, str]] = {
    "a repeat of 10^9": (HEAD + "relu * 1000000000\n", "A402"),
    "repeats in repeats": (HEAD + "{ { { { relu } * 999 } * 999 } * 999 } * 999\n", "A402"),
    "a group in repeats": (HEAD + "{ { { { { { } * 999 } * 999 } * 999 } * 999 } * 999 } * 999\n", "A402"),
    "a repeat of nothing": (HEAD + "{ } * 200000\n", "A402"),
    "a shorter repeat of nothing": (HEAD + "{ } * 2000\n", ""),
    "a loop to 10^9": (HEAD + "for i in 1..1000000000 { relu }\n", "A402"),
    "a loop to 10^9 of nothing": (HEAD + "for i in 1..1000000000 { }\n", "A402"),
    "loops in loops": (HEAD + "for i in 1..99999 { for j in 1..99999 { if i > j { } } }\n", "A402"),
    "deep groups": (nested("{ ", "relu", " }"), "A007"),
    "deep branches": (nested("residual< ", "relu", " >"), "A007"),
    "deep brackets": (HEAD + "conv 3x3 x" + "(" * DEEP + "4" + ")" * DEEP + "\n", "A007"),
    "deep lists": (HEAD + "conv 3x3 x(" + "[" * DEEP + "4" + "]" * DEEP + ")\n", "A007"),
    "deep indices": (HEAD + "conv 3x3 x(" + "a[" * DEEP + "4" + "]" * DEEP + ")\n", "A007"),
    "deep functions": (HEAD + "conv 3x3 x(" + "abs(" * DEEP + "4" + ")" * DEEP + ")\n", "A007"),
    "deep ifs": (nested("if 1 > 0 { ", "relu", " }"), "A007"),
    "deep fors": (nested("for i in 1..1 { ", "relu", " }"), "A007"),
    "a long else if": (HEAD + "if 1 > 2 { relu }" + " else if 1 > 2 { relu }" * DEEP + "\n", "A"),
    "a long sum": (HEAD + "conv 3x3 p1 x(" + "1 + " * DEEP + "1)\n", "A"),
    "a long minus": (HEAD + "conv 3x3 p1 x(" + "-" * DEEP + "1)\n", "A"),
    "a long not": (HEAD + "if " + "not " * DEEP + "1 { relu }\n", "A"),
    "a long conditional": (HEAD + "conv 3x3 p1 x(" + "1 if 0 > 1 else (" * DEEP + "1" + ")" * DEEP + ")\n", "A007"),
    "conditionals in tests": (HEAD + "param n = 3\nconv 3x3 p1 x(" + "1 if n > (" * 90 + "1" + ") else 2" * 90 + ")\n", ""),
    "conditionals in conditionals": (
        HEAD + "param n = 3\nconv 3x3 p1 x(" + "(n if n > 2 else 1) + (" * 90 + "1" + ")" * 90 + ")\n", ""),
    "open groups": (HEAD + "{ " * DEEP, "A"),
    "closed groups": (HEAD + "} " * DEEP, "A"),
    "open strings": (HEAD + 'meta { a "' * DEEP, "A"),
    "a huge integer": (HEAD + "conv 3x3 x" + "9" * 100_000 + "\n", "A006"),
    "a huge size": (HEAD + "pool " + "x".join(["9" * 5000] * 3) + "\n", "A006"),
    "a size of many numbers": (HEAD + "pool " + "x".join("1" * DEEP) + "\n", "A"),
    "a huge float": (HEAD + "dropout 1e999999\n", "A006"),
    "float overflow": (HEAD + "param a = 1e11\nconv 3x3 x(floor(a * a * a * a))\n", "A308"),
    "integer overflow": (HEAD + "param a = 99999999999\nconv 3x3 x(a * a * a)\n", "A308"),
    "a tiny float": (HEAD + "dropout 1e-999999\n", ""),
    "huge channels": (HEAD + "conv 3x3 p1 x1000000000000\nconv 1x1 x1000000000000\n", ""),
    "a huge tensor": ("network Net\ninput 999999999x999999999x999999999 x999999999\nflatten; fc 9\n", "A202"),
    "many list items": (HEAD + "for i in [" + "1, " * 9_000 + "1] { relu }\n", ""),
    "too many list items": (HEAD + "for i in [" + "1, " * 100_000 + "1] { relu }\n", "A308"),
    "exponential recursion": (HEAD + "block a(n) { if n > 0 { a(n - 1); a(n - 1) } else { relu } }\na(60)\n", "A402"),
    "exponential recursion, different": (
        HEAD + "block a(n, k) { if n > 0 { a(n - 1, 2 * k); a(n - 1, 2 * k + 1) } else { conv 1x1 x(k) } }\na(30, 1)\n", "A402"),
    "endless recursion": (HEAD + "block a(n) { a(n + 1) }\na(0)\n", "A401"),
    "endless mutual recursion": (HEAD + "block a(n) { b(n) }\nblock b(n) { a(n) }\na(0)\n", "A401"),
    "endless wide recursion": (HEAD + "block a(n) { a(n + 1); a(n + 2); a(n + 3) }\na(0)\n", "A401"),
    "recursion in branches": (HEAD + "block a(n) { add< a(n + 1) | a(n + 2) > }\na(0)\n", "A401"),
    "recursion with growing channels": (HEAD + "block a(n) { conv 1x1 x(in.c * 2); a(n) }\na(0)\n", "A"),
    "a long chain of blocks": (
        HEAD + "block b0() { relu }\n" + "".join(f"block b{i}() {{ b{i - 1}() }}\n" for i in range(1, 5000)) + "b4999()\n", "A401"),
    "a doubling chain of blocks": (
        HEAD + "block b0() { relu }\n" + "".join(f"block b{i}() {{ b{i - 1}(); b{i - 1}() }}\n" for i in range(1, 60)) + "b59()\n", "A402"),
    "a doubling chain of nothing": (
        HEAD + "block b0() { }\n" + "".join(f"block b{i}() {{ b{i - 1}(); b{i - 1}() }}\n" for i in range(1, 60)) + "b59()\n", ""),
    "blocks as arguments of themselves": (HEAD + "block a(f) { f(f) }\na(a)\n", "A401"),
    "a growing list": (HEAD + "block a(l) { if len(l) > 0 { a([l, l]) } }\na([1])\n", "A308"),
    "concatenating doubles": (HEAD + "concat< | > * 20000\n", "A202"),
    "a wide concat": (HEAD + "concat< " + "relu | " * 14_000 + "relu >\n", ""),
    "a concat beyond the limit": (HEAD + "concat< " + "relu | " * 20_000 + "relu >\n", "A410"),
    "many statements": (HEAD + "relu\n" * 15_000, ""),
    "statements beyond the limit": (HEAD + "relu\n" * 100_000, "A410"),
    "calls beyond the limit": (
        HEAD + "block a(n) { conv 1x1 x(n) }\nfor i in 1..3000 { a(i) }\n", "A410"),
    "many labels": (HEAD + "".join(f"a{i}: relu\n" for i in range(15_000)), ""),
    "labels beyond the limit": (HEAD + "".join(f"a{i}: relu\n" for i in range(30_000)), "A410"),
    "many unknown labels": (HEAD + "".join(f"a{i}: relu\n@b{i}\n" for i in range(10_000)), "A103"),
    "many errors": (HEAD + "covn 3x3 x4\n" * 50_000, "A101"),
    "many syntax errors": (HEAD + "conv 3x3 ) ( x4\n" * 20_000, "A"),
    "many params": ("network Net\n" + "".join(f"param p{i} = {i}\n" for i in range(3000)) + "input 8x8 x3\nrelu\n", ""),
    "many params that matter": (
        "network Net\n" + "".join(f"param p{i} = {i + 1}\n" for i in range(60)) + "input 8x8 x3\n"
        + "".join(f"conv 1x1 x(p{i})\n" for i in range(60)), ""),
    "many blocks": (HEAD + "".join(f"block b{i}(w) {{ conv 1x1 x(w) }}\nb{i}(4)\n" for i in range(1200)), ""),
    "a long line": (HEAD + "relu; " * 100_000 + "covn\n", "A101"),
    "a long comment": ("#" + " word" * 190_000 + "\n" + HEAD + "relu\n", ""),
    "a long string": (HEAD + 'meta { note "' + "a" * 900_000 + '" }\nrelu\n', ""),
    "a long name": (HEAD + "a" * 500_000 + ": relu\n", ""),
    "newlines": ("\n" * 900_000 + HEAD + "relu\n", ""),
    "semicolons": (HEAD + ";" * 900_000 + "relu\n", ""),
    "spaces": (HEAD + " " * 900_000 + "relu\n", ""),
    "dots": (HEAD + "." * 200_000, "A"),
    "quotes": (HEAD + '"' * 200_001, "A"),
    "nothing": ("", ""),
    "a byte order mark": ("\ufeff" + HEAD + "relu\n", ""),
    "control characters": (HEAD + "\x00\x01\x02\n", "A"),
    "a file of 50 MB": ("relu\n" * 10_000_000, "A008"),
}  # fmt: skip

RUNNER = """
import json, resource, sys, time
resource.setrlimit(resource.RLIMIT_AS, (1_200_000_000, 1_200_000_000))
resource.setrlimit(resource.RLIMIT_CPU, (25, 25))
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from archc.report import diagnostics as render
from archc.api import ArchError, analyze
from archc.files import Unreadable, read
from archc.source import Limits
started = time.process_time()
try:
    analysis = analyze(read(Path(sys.argv[2]), Limits()))
    diagnostics = analysis.diagnostics
    if analysis.plan is not None and analysis.ok:
        compile(analysis.emit(), "<generated>", "exec")
except ArchError as error:
    diagnostics = error.diagnostics
except Unreadable as error:
    diagnostics = (error.diagnostic,)
for show in (render.text, render.concise, render.json, render.github, render.sarif):
    show(diagnostics)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([[d.code for d in diagnostics], time.process_time() - started, peak]))
"""

# Slow but linear: seconds each, for what is written out statement by statement.
PATIENT = {
    "statements beyond the limit", "labels beyond the limit", "a concat beyond the limit",
    "many statements", "many labels", "many blocks", "many errors", "many params",
    "many params that matter", "too many list items", "a long line", "a wide concat", "spaces",
    "loops in loops", "repeats in repeats", "a group in repeats",
    "exponential recursion, different",
}  # fmt: skip
# Seconds as well, and like another that runs always.
ALIKE = {
    "a repeat of nothing", "many list items", "newlines", "a long comment", "many unknown labels",
    "a long chain of blocks", "semicolons", "conditionals in tests", "a long sum", "a growing list",
}  # fmt: skip
DEAR = {"open strings", "calls beyond the limit", "a shorter repeat of nothing"}
CASES = varied(LARGE, LARGE.keys() - PATIENT - ALIKE - DEAR)


@pytest.mark.skipif(os.name != "posix", reason="limits memory and time as POSIX does")
@pytest.mark.parametrize("name", CASES)
def test_large_input(name: str, tmp_path: Path) -> None:
    text, code = LARGE[name]
    path = tmp_path / "large.arch"
    path.write_text(text, encoding="utf-8")
    command = [sys.executable, "-c", RUNNER, PACKAGES, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert not done.stderr, done.stderr[-2000:]
    assert not done.returncode, done.returncode
    codes, seconds, _peak = json.loads(done.stdout)
    wrong = [found for found in codes if found.startswith("A")]
    assert any(found.startswith(code) for found in wrong) if code else not wrong, codes[:5]
    assert len(codes) <= Limits().diagnostics
    assert seconds < (20 if name in PATIENT else 8), f"{seconds:.1f} s"


# --- noise -------------------------------------------------------------------------------

TOKENS = """network use param block sequence train meta expect input output reuse aux if else for in and or
not true false conv pool bn relu fc flatten gap residual concat add mul dense columns join upsample
dropout A b w s n in.c in.h @a a: b{i}: ( ) [ ] { } < > | ; * , .. . = == != <= >= + - / // % : 3x3 /2
p1 x64 x(w) g2 d2 same ceil nobias 0.5 1e-3 64 0 -1 4.09G 10% "text" "\\ " # eps= to=@a 8x8 x3
weight=0.3 min max floor len""".split()


def random_text(r: random.Random) -> str:
    """Anything from noise to nearly a program."""
    kind = r.randrange(4)
    size = r.choice((3, 10, 40, 150))
    if kind == 0:
        return "".join(
            chr(r.choice((r.randrange(32, 127), r.randrange(1, 0xD800), 10))) for _ in range(size)
        )
    if kind == 1:
        return bytes(r.randrange(256) for _ in range(size)).decode("utf-8", errors="replace")
    separators = (" ", " ", " ", "\n", "; ", "")
    words = "".join(r.choice(TOKENS) + r.choice(separators) for _ in range(size))
    return words if kind == 2 else HEAD + words


def mutated(r: random.Random, text: str) -> str:
    """A program with some slips of the keyboard."""
    for _ in range(r.choice((1, 1, 2, 4, 10))):
        at, to = sorted(r.randrange(len(text) + 1) for _ in range(2))
        to = min(to, at + r.choice((1, 3, 30)))
        kind = r.randrange(6)
        piece = text[at:to]
        if kind == 0:
            text = text[:at] + text[to:]
        elif kind == 1:
            text = text[:at] + r.choice(TOKENS) + text[to:]
        elif kind == 2:
            text = text[:at] + piece * 2 + text[to:]
        elif kind == 3:
            text = text[:at] + piece[::-1] + text[to:]
        elif kind == 4:
            text = text[:at] + r.choice("(){}[]<>|;*@:=\"'#\\\n\x00é9x") + text[at:]
        else:
            text = (
                text[: at if at else len(text)]
                if r.random() < 0.1
                else text.replace(piece, r.choice(TOKENS), 1)
            )
    return text


SMALL = Limits(steps=3000, nesting=60, depth=40)


def survive(text: str, folder: Path) -> None:
    analysis = analyze(Source(str(folder / "noise.arch"), text), limits=SMALL, project=folder)
    for show in (
        diagnostics.text,
        diagnostics.concise,
        diagnostics.json,
        diagnostics.github,
        diagnostics.sarif,
    ):
        show(analysis.diagnostics)
    for diagnostic in analysis.diagnostics:
        assert diagnostic.title
        for label in diagnostic.labels:
            assert 0 <= label.span.start <= label.span.end <= len(label.span.source.text)
    if analysis.ok and analysis.plan is not None:
        compile(analysis.emit(), "<generated>", "exec")


def survive_noise(start: int, stop: int) -> None:
    for seed in range(start, stop):
        text = random_text(random.Random(seed))
        try:
            survive(text, data.ARCHS)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {error!r} for {text!r}") from error


def programs() -> list[str]:
    paths = sorted(data.ARCHS.glob("*.arch"))
    return [text for path in paths if len(text := path.read_text(encoding="utf-8")) < 4000]


def survive_mutations(start: int, stop: int) -> None:
    texts = programs()
    for seed in range(start, stop):
        r = random.Random(seed)
        text = mutated(r, r.choice(texts))
        try:
            survive(text, data.ARCHS)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {error!r} for\n{text}") from error


@pytest.mark.parametrize(
    "text",
    [
        "*\nmeta {; if\nand columns if != [< true; conv 3 or; /\n",
        "network Net\nmeta { residual if s < 2 < conv 1 x2 > }\ninput 8x8 x3\n",
        "network Net\ninput 8x8 x3\ntrain { batch if in.c < 2 < 3 > }\n",
        "network Net\nparam n = residual if 1 < 2 < relu >\ninput 8x8 x3\n",
    ],
)
def test_a_test_without_brackets_where_none_can_stand(text: str) -> None:
    analysis = analyze(Source("noise.arch", text))
    assert not analysis.ok
    survive(text, data.ARCHS)


@pytest.mark.slow
def test_random_texts() -> None:
    survive_noise(0, 600)


@pytest.mark.slow
def test_mutated_programs() -> None:
    survive_mutations(0, 120)


@pytest.mark.slow
def test_many_random_texts() -> None:
    survive_noise(600, 10_600)


@pytest.mark.slow
def test_many_mutated_programs() -> None:
    survive_mutations(120, 2_120)


@given(st.text(max_size=200))
@settings(max_examples=100, deadline=None)
def test_any_text_gives_diagnostics(text: str) -> None:
    survive(text, data.ARCHS)
