"""The text of generated networks: what ruff and mypy say, and how long it is.

`ledger.txt` has the classes and lines of every bundled network and of the yardsticks. No change
makes one longer unseen: `pytest tests/test_generated_text.py --update-golden` writes it anew, for a
person to read the diff.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from nets import VARIED, check_tidy, check_typed

import archc
from archc.api import analyze
from archc.source import Source

TESTS = Path(__file__).parent
LEDGER = TESTS / "ledger.txt"
YARDSTICKS = {f"yardstick_{path.stem}": path for path in sorted(TESTS.glob("yardsticks/*.arch"))}
NETWORKS: dict[str, Path] = archc.bundled() | YARDSTICKS


@cache
def source(name: str) -> str:
    return archc.load(NETWORKS[name]).source()


def write(folder: Path) -> None:
    """All generated networks, and those of the golden files."""
    for name in NETWORKS:
        (folder / f"{name}.py").write_text(source(name), encoding="utf-8")
    for path in TESTS.glob("golden/*/model.py"):
        (folder / f"golden_{path.parent.name}.py").write_bytes(path.read_bytes())


@pytest.mark.slow
def test_ruff_has_nothing_to_say(tmp_path: Path) -> None:
    write(tmp_path)
    check_tidy(tmp_path)


@pytest.mark.slow
def test_mypy_has_nothing_to_say(tmp_path: Path) -> None:
    write(tmp_path)
    check_typed(tmp_path)


def made_twice(tree: ast.AST) -> Iterator[str]:
    """The attributes that a constructor assigns more than once in one row of statements."""
    for node in ast.walk(tree):
        for body in (getattr(node, field, None) for field in ("body", "orelse")):
            if isinstance(body, list) and not isinstance(node, ast.Module | ast.ClassDef):
                targets = [s.targets[0] for s in body if isinstance(s, ast.Assign)]
                names = Counter(ast.unparse(t) for t in targets if isinstance(t, ast.Attribute))
                yield from (name for name, count in names.items() if count > 1)


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_no_attribute_is_made_twice(name: str) -> None:
    """Such as `self.pool1` for `pool1: pool 2x2` and again for `pool2: pool 2x2`."""
    assert not [*made_twice(ast.parse(source(name)))]


# --- lines that a person would write ------------------------------------------------------------

LINES = {
    "names of ten and more": (
        "block unit(w) { residual< conv 3x3 p1 x(w) > }\n"
        "network Net\ninput 8x8 x4\nunit(4) * 9\nrelu\nunit(4) * 3\n",
        'self.add_module(f"unit{i + 10}", Unit(4))',
    ),
    "names that end in a digit": (
        "block unit1(w) { residual< conv 3x3 p1 x(w) > }\n"
        "network Net\ninput 8x8 x4\nunit1(4) * 3\nrelu\n",
        'self.add_module(f"unit1{i + 1}", Unit1(4))',
    ),
    "the larger of a number and itself": (
        "network Net\nparam width = 8\ninput 8x8 x3\n"
        "conv 1x1 x(max(width, max(width, 16), width))\nconv 1x1 x(min(width, width))\n",
        "nn.Conv2d(max(width, 16), width, 1)",
    ),
    "both arms return": (
        "block unit(w) { if in.c == w { residual< conv 3x3 p1 x(w) > }"
        " else { conv 3x3 p1 x(w); relu } }\n"
        "network Net\ninput 8x8 x4\nunit(4); unit(8); unit(8)\n",
        "            return self.conv1(x) + x\n"
        "        return self.relu(self.conv1(x))  # (w, 8, 8)\n",
    ),
    "a hard gate": (
        "network Net\ninput 8x8 x4\n"
        "mul< | gap; conv 1x1 x4; relu; fc2: conv 1x1 x4; hardsigmoid >\n",
        "return x * self.hardsigmoid(self.fc2(out))",
    ),
    "a gate": (
        "network Net\ninput 8x8 x4\nmul< | gap; conv 1x1 x4; relu; conv 1x1 x4; sigmoid >\n",
        "return x * self.sigmoid(self.conv2(out))",
    ),
    "both halves": (
        "network Net\ninput 8x8 x4\nconcat< chunk 0 | chunk 1; conv 1x1 x4; relu >; tanh\n",
        "        branch1, branch2 = x.chunk(2, dim=1)\n",
    ),
    "halves by their labels": (
        "network Net\ninput 8x8 x4\nrelu as t\nchunk 0 as a\n@t; chunk 1; sigmoid as b\n"
        "mul< @a | @b >\n",
        "        x, out = t.chunk(2, dim=1)\n        return x * self.sigmoid(out)  # 2x8x8\n",
    ),
    "a block in a list": (
        "block unit(w) { conv 3x3 p1 x(w) nobias; bn }\nblock other(w) { conv 1x1 x(w); relu }\n"
        "sequence stages(rows) { for part, w in rows { part(w) } }\n"
        "network Net\ninput 8x8 x4\nstages([[unit, 8], [unit, 16], [other, 4]])\n",
        "class Stages(nn.Sequential):\n"
        '    """(N, 4, 8, 8) -> (N, 4, 8, 8)."""\n\n'
        "    def __init__(self) -> None:\n"
        "        super().__init__(\n"
        "            Unit(4, 8),  # 8x8x8\n"
        "            Unit(8, 16),  # 16x8x8\n"
        "            Other(4),  # 4x8x8\n"
        "        )\n",
    ),
    "operands that change nothing": (
        "param rate = 0.2\n"
        "network Net\ninput 8x8 x4\ndroppath (rate * 1 / 1); droppath (0 + rate * 1 / 2)\n"
        "droppath (rate * 0 / 2)\n",
        "        self.droppath = DropPath(rate)\n"
        "        self.droppath2 = DropPath(rate / 2)\n"
        "        self.droppath3 = DropPath(0.0)\n",
    ),
    "two conditions that are one": (
        "block unit(w, p) {\n"
        "  let skips = in.c == w\n"
        "  residual if (skips) < conv 3x3 p1 x(w); if skips { droppath (p) } >\n"
        "}\n"
        "network Net\ninput 8x8 x4\nunit(4, 0.1); unit(8, 0.2)\n",
        "        out = self.conv1(x)\n"
        "        if self.droppath is not None:\n"
        "            out = self.droppath(out) + x  # (w, 8, 8)\n"
        "        return out\n",
    ),
    "a number in a comparison": (
        "block unit(w) { if in.c < w { conv 3x3 p1 x(w) } else { relu } }\n"
        "network Net\ninput 8x8 x4\nunit(4); unit(8)\n",
        "        if w > 4:\n",
    ),
    "a mixed list": (
        "sequence unit(w, act) { conv 3x3 p1 x(w); act }\n"
        "sequence stages(rows) { for w, act in rows { unit(w, act) } }\n"
        "network Net\ninput 8x8 x4\nstages([[8, relu], [16, hardswish], [24, relu]])\n",
        "    def __init__(self, rows: Sequence[tuple[int, type[nn.Module]]]) -> None:\n",
    ),
    "equal modules whose names are numbered": (
        "block unit(w) { residual< conv 3x3 p1 x(w) > }\n"
        "network Net\ninput 8x8 x4\n"
        'body: { conv 1x1 x8; for i in 1..6 { "unit-{i}": unit(8) } }\n',
        '                    *((f"unit-{i}", Unit(8)) for i in range(1, 7)),\n',
    ),
    "several outputs": (
        "network Net\ninput 8x8 x4\n"
        "conv 1x1 x8; output a\npool 2x2; output b\npool 2x2; output c\n",
        "(N, 4, 8, 8) -> (N, 8, 8, 8), (N, 8, 4, 4) and (N, 8, 2, 2).",
    ),
    "channels along a list of lists": (
        "sequence unit(w, s) { conv 3x3/(s) p1 x(w); relu }\n"
        "sequence stages(rows) { for row in rows { for w, s in row { unit(w, s) }; pool 2x2 } }\n"
        "network Net\ninput 16x16 x4\nstages([[[8, 1], [8, 1]], [[16, 2], [16, 1], [16, 1]]])\n",
        "        in_channels = 4\n"
        "        for row in rows:\n"
        "            for w, s in row:\n"
        "                layers.append(Unit(in_channels, w, s))\n"
        "                in_channels = w\n"
        "            layers.append(nn.MaxPool2d(2))\n",
    ),
    "channels after either arm": (
        "sequence unit(w, s) { conv 3x3/(s) p1 x(w); relu }\n"
        "sequence stages(rows) {\n"
        "  for w, s in rows { if s > 1 { unit(w, s) } else { conv 1x1 x(w); relu } }\n"
        "}\n"
        "network Net\ninput 16x16 x4\n"
        "stages([[8, 2], [8, 1]]); stages([[16, 1], [24, 2], [24, 1]])\n",
        "            if s > 1:\n"
        "                layers.append(Unit(in_channels, w, s))\n"
        "            else:\n"
        "                layers += [nn.Conv2d(in_channels, w, 1), nn.ReLU(inplace=True)]\n"
        "            in_channels = w\n",
    ),
    "a value that has a name": (
        "block unit(w) {\n"
        "  let hidden = 4 * w + in.c\n  let once = 2 * w\n"
        "  conv 1x1 x(hidden) nobias; bn; conv 1x1 x(w); conv 1x1 x(once)\n"
        "}\n"
        "network Net\ninput 8x8 x4\nunit(4); unit(8)\n",
        "        super().__init__()\n"
        "        hidden = 4 * w + in_channels\n"
        "        self.conv1 = nn.Conv2d(in_channels, hidden, 1, bias=False)\n"
        "        self.bn1 = nn.BatchNorm2d(hidden)\n",
    ),
    "a name that a loop takes": (
        "sequence unit(w, n) {\n"
        "  let wide = 2 * w\n  conv 1x1 x(wide) nobias; bn\n"
        "  { for wide in 1..n { conv 1x1 x(4 * wide) } }\n"
        "}\n"
        "network Net\ninput 8x8 x4\nunit(4, 2); unit(8, 3)\n",
        "nn.BatchNorm2d(2 * w)",
    ),
    "a factor that is an argument": (
        "block unit(s) { residual< conv 3x3 p1 x(in.c); times (s) > }\n"
        "network Net\ninput 8x8 x4\nunit(0.1); unit(0.2)\n",
        "        return self.conv1(x) * self.s + x",
    ),
    "as large as another": (
        "network Net\ninput 8x8 x4\nrelu as t\nconv 3x3/2 p1 x4; upsample bilinear to=@t\n",
        'return F.interpolate(self.conv1(t), size=t.shape[2:], mode="bilinear")',
    ),
    "a list of one": (
        'network Net\ninput 8x8 x4\n"inner.0.0": conv 1x1 x4\n"inner.1.0": conv 1x1 x8\n',
        "        self.inner = nn.ModuleList(\n"
        "            [\n"
        "                nn.Sequential(nn.Conv2d(4, 4, 1)),\n"
        "                nn.Sequential(nn.Conv2d(4, 8, 1)),\n"
        "            ]\n"
        "        )\n",
    ),
    "a padding that is torch's default at the window of all calls": (
        "block unit(k, w) { conv (k)x(k) p(k // 2) x(w); relu }\n"
        "network Net\ninput 8x8 x4\nunit(1, 4); unit(1, 8)\n",
        "        self.conv1 = nn.Conv2d(4, w, k, padding=k // 2)\n",
    ),
    "a default that is worked out": (
        "block se(r=16, hidden=in.c // r) {\n"
        "  mul< | gap; conv 1x1 x(hidden); relu; conv 1x1 x(@in.c); sigmoid > }\n"
        "network Net\ninput 8x8 x32\nse(); conv 1x1 x64; se()\n",
        "        hidden = in_channels // 16\n",
    ),
    "a list of equal modules": (
        'network Net\ninput 8x8 x4\nfor i in 1..5 { "inner.{i - 1}": conv 1x1 x4 }\n',
        "        self.inner = nn.ModuleList(nn.Conv2d(4, 4, 1) for _ in range(5))\n",
    ),
    "a loop over a list of equal modules": (
        'network Net\ninput 8x8 x4\nfor i in 1..5 { "inner.{i - 1}": conv 1x1 x4 }\n',
        "        for layer in self.inner:\n",
    ),
    "a group that is left in the middle": (
        "network Net\ninput 8x8 x4\nbody: { conv 1x1 x4 as a; conv 1x1 x4 }\nadd< @a | @body >\n",
        "        a = self.body[0](x)  # 4x8x8\n        return a + self.body[1](a)  # 4x8x8\n",
    ),
    "a long group that is left in the middle": (
        "block unit(w) { residual< conv 3x3 p1 x(w) > }\n"
        "network Net\ninput 8x8 x4\n"
        "body: { for i in 1..9 { unit(4) as c{i} } }\nadd< @c4 | @body >\n",
        "        for layer in self.body[:4]:\n"
        "            x = layer(x)\n"
        "        out = x\n"
        "        for layer in self.body[4:]:\n"
        "            out = layer(out)\n"
        "        return x + out",
    ),
    "a fraction": (
        "network Net\ninput 8x8 x4\ntimes (2 / 3); tanh\n",
        "self.tanh(x * (2 / 3))",
    ),
    "a combinator's label": (
        "network Net\ninput 8x8 x4\na: conv 1x1 x4\np: add< conv 1x1 x4 | @a >\n"
        "relu; output c\n@p; sigmoid; output d\n",
        "        p = self.conv1(a) + a  # 4x8x8\n",
    ),
    "a block of several tensors after another": (
        "block up(c, @skip) { concat< @skip | deconv 2x2/2 x(c) >; conv 3x3 p1 x(c) }\n"
        "network Net\ninput 8x8 x4\na: conv 1x1 x4; pool 2x2\nb: conv 1x1 x4; pool 2x2\n"
        "up(8, @b); up(4, @a)\n",
        "        x = self.up1(x, b)  # 8x4x4\n        return self.up2(x, a)  # 4x8x8\n",
    ),
    "parts that are taken twice": (
        "network Net\ninput 8x8 x4\nrelu as t\n"
        "add< each i in 0..1 { chunk (i) } >; gap; softmax< conv 1x1 x2 | conv 1x1 x2 > as w\n"
        "add< each i in 0..1 { mul< @t; chunk (i) | @w; chunk (i) > } >\n",
        "        branch1b, branch2b = w.chunk(2, dim=1)\n"
        "        return branch1 * branch1b + branch2 * branch2b",
    ),
    "a bias that is there": (
        "network Net\ninput 8x8 x4\nlast: conv 1x1 x4; flatten; fc 3\n"
        "train { init normal std=0.01 bias=0; init normal last std=0.1 bias=1 }\n",
        "        nn.init.normal_(self.last.weight, std=0.1)\n"
        "        nn.init.constant_(self.last.bias, 1)\n",
    ),
}


@pytest.mark.parametrize("case", LINES)
def test_lines_are_a_persons(case: str) -> None:
    text, line = LINES[case]
    analysis = analyze(Source("net.arch", text))
    assert line in analysis.emit()


# --- the ledger ---------------------------------------------------------------------------------


def counted(name: str) -> tuple[int, int]:
    """Its classes, those of support included, and its lines."""
    lines = source(name).splitlines()
    return sum(line.startswith("class ") for line in lines), len(lines)


def entries() -> dict[str, tuple[int, int]]:
    rows = (line.split() for line in LEDGER.read_text(encoding="utf-8").splitlines()[1:])
    return {name: (int(classes), int(lines)) for name, classes, lines in rows}


def test_the_ledger_has_every_network() -> None:
    assert [*entries()] == [*NETWORKS]


@pytest.mark.parametrize("few", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_no_network_becomes_longer_unseen(few: bool, pytestconfig: pytest.Config) -> None:
    updating = pytestconfig.getoption("--update-golden")
    names = [name for name in NETWORKS if name in VARIED or updating or not few]
    found = {name: counted(name) for name in names}
    if updating:
        width = max(map(len, found))
        rows = [f"{name:{width}} {classes:7} {lines:5}" for name, (classes, lines) in found.items()]
        head = f"{'network':{width}} classes lines"
        LEDGER.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8", newline="\n")
    known = entries()
    changes = []
    for name in names:
        for word, before, now in zip(
            ("classes", "lines"), known.get(name, (0, 0)), found[name], strict=True
        ):
            if before != now:
                rose = "ROSE" if now > before else "fell"
                changes.append(f"{name}: {word} {rose} from {before} to {now}")
    assert not changes, "\n".join([*changes, "see `pytest --update-golden`, and read the diff"])
