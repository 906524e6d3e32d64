"""`extends`: a file that says what it changes is the file that one would have written by hand."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from editing import at_mark
from nets import VARIED, varied
from random_networks import LIMITS, program

import archc
from archc import api, cli, data, syntax
from archc.analysis.identity import NetworkIdentity
from archc.api import Analysis, analyze, compared
from archc.api.standalone import standalone
from archc.editor.document import Document
from archc.editor.navigation import NotRenamed
from archc.elaborate.extend import key_of
from archc.files import read
from archc.layout import format_source
from archc.source import Source
from archc.syntax.parser import parse

BASE = """\
# The base of all
network Base "A Network of Few Layers"
param width = 16
param num_classes = 10
input 32x32 x3
let wide = 2 * width

# Convolution, norm, activation
block unit(c, k=3) { conv (k)x(k) p(k//2) x(c) nobias; bn; relu }

stem: unit(width)                        # 32x32 x16
aux1: aux weight=0.3 < gap; flatten; fc (num_classes) >
body: { unit(wide); unit(wide) }         # 32x32 x32
pool: gap; flatten
fc: fc (num_classes)

meta {
  display "Base"
  family "Few"
  paper "A Network of Few Layers"
  authors "Nobody"
  year 2015
  arxiv "1512.03385"
  dataset "CIFAR"
  top1_error 7.5
  measured "somewhere"
  accuracy 92.5
  pretrained "weights from the web"
}

train {
  optimizer sgd lr=0.1 momentum=0.9
  batch 128; epochs 90   # long
  init he conv
}

expect { output x10 }
"""

VARIANT = """\
# What is changed
network Variant "Another One"
extends "base.arch"
param extra = 4
param width = 8 * extra
let wider = wide + extra
let wide = 3 * width
input 16x16 x3

# Two of them
block unit(c, k=3) { conv (k)x(k) p(k//2) x(c); relu }
block head(n) { dropout 0.5; fc (n) }

body: unit(wider) * 2
without aux1, fc
head: head(num_classes)
softmax

meta { authors "Somebody"; top1_error 3 }
train { steps 1_000; init xavier conv; init xavier fc }
expect { output x10 }
"""

BY_HAND = """\
# What is changed
network Variant "Another One"
param extra = 4
param width = 8 * extra
param num_classes = 10
input 16x16 x3
let wide = 3 * width
let wider = wide + extra

# Two of them
block unit(c, k=3) { conv (k)x(k) p(k//2) x(c); relu }
block head(n) { dropout 0.5; fc (n) }

stem: unit(width)
body: unit(wider) * 2
pool: gap; flatten
head: head(num_classes)
softmax

meta { family "Few"; authors "Somebody"; dataset "CIFAR"; top1_error 3 }
train {
  optimizer sgd lr=0.1 momentum=0.9; batch 128; steps 1_000
  init xavier conv; init xavier fc
}
expect { output x10 }
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "base.arch").write_text(BASE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def of(text: str, folder: Path = data.ARCHS, name: str = "variant.arch", **how: object) -> Analysis:
    return analyze(Source(str(folder / name), text), **how)  # type: ignore[arg-type]


def sound(text: str, folder: Path = data.ARCHS, name: str = "variant.arch") -> Analysis:
    analysis = of(text, folder, name)
    assert analysis.ok, [(d.code, d.title, d.span.text) for d in analysis.diagnostics]
    return analysis


def undescribed(text: str) -> str:
    """Generated source without what it says of a base."""
    return re.sub(r"\nExtends .*?\.\n(?=\n)", "", text, count=1, flags=re.DOTALL)


def assert_same(one: Analysis, other: Analysis) -> None:
    assert one.plan is not None
    assert other.plan is not None
    assert NetworkIdentity.of(one.plan) == NetworkIdentity.of(other.plan)
    assert (one.cost, one.meta, one.plan.params) == (other.cost, other.meta, other.plan.params)
    assert undescribed(one.emit()) == other.emit()


# --- the same as by hand -----------------------------------------------------------------


def test_all_changes_at_once(folder: Path) -> None:
    variant, by_hand = sound(VARIANT, folder), sound(BY_HAND, folder, "hand.arch")
    assert_same(variant, by_hand)
    assert compared(variant, by_hand).empty
    assert variant.emit_training() != by_hand.emit_training()  # it names the file, and the base
    lines = [[repr(line.given()) for line in lines] for lines in variant.facts.train.values()]
    assert lines == [[repr(x.given()) for x in xs] for xs in by_hand.facts.train.values()]
    assert "# Two of them" not in variant.emit()
    assert '"""Two of them' in variant.emit()


def test_the_whole_text_is_the_same_network(folder: Path) -> None:
    variant = sound(VARIANT, folder)
    text = standalone(variant)
    assert_same(variant, sound(text, folder / "elsewhere"))
    assert text.startswith("# What is changed\n\n# The base of all\nnetwork Variant")
    assert "extends" not in text
    assert "# Two of them\nblock unit" in text
    assert "Convolution, norm" not in text
    assert "batch 128; steps 1_000\n" in text
    assert text == format_source(Source("", text)).text


def made_by_hand(name: str) -> tuple[str, str]:
    """Of a bundled network: what changes its numbers, and its text with these changed."""
    text = api.bundled()[name].read_text("utf-8")
    changed, values = text, {}
    for param, value in archc.load(name).analysis.plan.params.items():  # type: ignore[union-attr]
        if not isinstance(value, int | float):
            continue
        values[param] = str(value // 2 or 2) if isinstance(value, int) else f"{value / 2:g}"
        line = f"param {param} = {values[param]}"
        changed = re.sub(rf"(?m)^param {param} = [\w.]+", line, changed)
    facts = "display paper authors year arxiv venue top1_error top5_error crops measured pretrained"
    head = re.sub(r"(?s)^.*?(?=^network )", "", changed, count=1, flags=re.M)
    head = re.sub(r"(?m)^network .*", 'network Changed "A Variant"', head)
    for fact in facts.split():
        head = re.sub(rf"(?m)^  {fact} .*\n", "", head)
    head = re.sub(r"(?ms)^expect \{.*?\n\}\n", "", head)
    lines = [f"param {name} = {value}\n" for name, value in values.items()]
    return "".join(['network Changed "A Variant"\n', f'extends "{name}"\n', *lines]), head


WITH_PARAMS = [name for name in api.bundled() if "inception_" not in name or "_v3" in name]


QUICK = {*VARIED} - {"stochastic_depth_resnet110"}


@pytest.mark.parametrize("name", varied(WITH_PARAMS, QUICK))
def test_params_of_a_bundled_network(name: str, tmp_path: Path) -> None:
    variant, by_hand = made_by_hand(name)
    found = sound(variant, tmp_path)
    assert_same(found, sound(by_hand, data.ARCHS, "changed.arch"))
    text = standalone(found)
    assert undescribed(found.emit()) == sound(text, tmp_path, "alone.arch").emit()


def test_nothing_changed(tmp_path: Path) -> None:
    """The base itself, under its name: with all that was published of it."""
    variant, base = (
        sound('extends "resnet18"\nnetwork ResNet18\n', tmp_path),
        archc.load("resnet18"),
    )
    assert variant.meta == base.meta
    assert NetworkIdentity.of(variant.plan) == NetworkIdentity.of(base.analysis.plan)  # type: ignore[arg-type]


def split(text: str, seed: int) -> tuple[str, str]:
    """A program as a base, in which things are otherwise, and what makes the program of it."""
    chance = random.Random(seed)
    file, problems = parse(Source("random.arch", text))
    assert not problems
    keys = [key_of(item) for item in file.items]
    last = max(at for at, item in enumerate(file.items) if isinstance(item, syntax.Statement))
    tail = chance.randint(last, last + 1) if last else last
    base, own, new = [], ["network Net"], []
    extra: list[str] = []
    for at, (item, key) in enumerate(zip(file.items, keys, strict=True)):
        written = item.span.text
        if isinstance(item, syntax.Block):
            written = "".join(f"# {line}\n" for line in item.doc.splitlines()) + written
        if isinstance(item, syntax.Network):
            own[0] = written
            base.append("network Base")
        elif isinstance(item, syntax.Statement) and tail <= at <= last:
            new.append(written)
        elif key is None or keys.count(key) > 1 or chance.random() < 0.4:
            base.append(written)
        else:
            own.append(written)
            base.append(instead_of(item, key))
        if isinstance(item, syntax.Statement) and chance.random() < 0.2:
            extra.append(f"extra{at}")
            base.append(f"extra{at}: relu")
    chance.shuffle(extra)
    own += [f"without {', '.join(extra)}"] * bool(extra)
    own.insert(1, 'extends "base.arch"')
    return "\n".join([*base, ""]), "\n".join([*own, *new, ""])


def instead_of(item: syntax.Item, key: tuple[str, str]) -> str:
    match item:
        case syntax.Param():
            return f"param {item.name.id} = 1"
        case syntax.Block():
            return f"block {item.name.id}() {{ relu }}"
        case syntax.Statement(term=syntax.Let(name=name)):
            return f"let {name.id} = 1"
        case syntax.Statement(label=label) if label is not None:
            return f"{label.span.text.rstrip(': ')}: identity"
    return f"{key[0]} {key[1]} 9x9 x9" if key[0] == "input" else item.span.text


def body_of(analysis: Analysis) -> str:
    """Generated source behind the first line of its description."""
    return analysis.emit().partition("\nInput")[2]


def hold(seeds: range) -> None:
    for seed in seeds:
        text = program(seed).text
        base, own = split(text, seed)

        def given(path: Path, *_: object, base: str = base, **__: object) -> Source:
            return Source(str(path), base)

        known = analyze(Source("net.arch", text), limits=LIMITS)
        found = analyze(Source("net.arch", own), limits=LIMITS, read=given)
        told = [f"{d.code} {d.title}" for d in found.diagnostics if d.is_error]
        assert not told, f"seed {seed}: {told}\n--- base\n{base}\n--- variant\n{own}"
        assert undescribed(found.emit()) == known.emit(), f"seed {seed}\n{base}\n---\n{own}"
        whole = standalone(found)
        alone = analyze(Source("alone.arch", whole), limits=LIMITS)
        assert alone.ok, f"seed {seed}\n{[d.title for d in alone.diagnostics]}\n{whole}"
        assert body_of(alone) == body_of(known), f"seed {seed}\n{base}\n---\n{own}\n---\n{whole}"


def test_random_networks_in_two_files() -> None:
    hold(range(6))


@pytest.mark.slow
@pytest.mark.parametrize("start", range(6, 300, 24))
def test_many_random_networks_in_two_files(start: int) -> None:
    hold(range(start, start + 24))


def test_a_chain(folder: Path) -> None:
    (folder / "one.arch").write_text('network One\nextends "base.arch"\nparam width = 24\n')
    (folder / "two.arch").write_text(
        'extends "one.arch"\nwithout aux1\nblock unit(c) { conv 1x1 x(c) }\n'
    )
    three = sound('network Three\nextends "two.arch"\nfc: fc 3\nparam width = 32\n', folder)
    by_hand = BASE.replace("network Base", "network Three").replace("width = 16", "width = 32")
    by_hand = re.sub(r"(?m)^block unit.*", "block unit(c) { conv 1x1 x(c) }", by_hand)
    by_hand = re.sub(r"(?m)^aux1.*\n", "", by_hand).replace("fc: fc (num_classes)", "fc: fc 3")
    other = sound(by_hand.replace("expect { output x10 }", ""), folder, "hand.arch")
    assert NetworkIdentity.of(three.plan) == NetworkIdentity.of(other.plan)  # type: ignore[arg-type]
    assert "Extends Two (two.arch)" in three.emit()
    alone = sound(standalone(three), folder / "elsewhere")
    assert undescribed(three.emit()).partition("Input")[2] == alone.emit().partition("Input")[2]
    assert three.facts.meta == {"family": "Few", "dataset": "CIFAR"}


def test_blocks_of_used_files_are_replaced_everywhere(tmp_path: Path) -> None:
    """Also where another block of these files calls them; with the params of the variant."""
    (tmp_path / "deep.arch").write_text("block act() { relu }\n")
    (tmp_path / "blocks.arch").write_text(
        'use "deep.arch"\nparam chosen = act\nlet k = 3\n'
        "block unit(c) { conv (k)x(k) p(k//2) x(c); act(); chosen() }\n"
    )
    (tmp_path / "base.arch").write_text(
        'network Base\nuse "blocks.arch"\nparam n = 4\ninput 8x8 x3\nunit(n); unit(n); act()\n'
    )
    variant = sound('extends "base.arch"\nblock act() { conv 1x1 x(n); elu }\n', tmp_path)
    assert "relu" not in variant.emit().lower()
    assert variant.emit().count("nn.ELU") == 1
    assert variant.params == 3 * 9 * 4 + 4 + 4 * 9 * 4 + 4 + 5 * (4 * 4 + 4)
    assert not variant.conformance(variant.emit())
    for n in (1, 5):
        given = of(variant.source.text, tmp_path, params={"n": n})
        assert given.params == 3 * 9 * n + n + n * 9 * n + n + 5 * (n * n + n)
    text = standalone(variant)
    assert sound(text, tmp_path / "elsewhere").params == variant.params


def test_names_of_weights_stay(folder: Path) -> None:
    base, variant = sound(BASE, folder), sound('extends "base.arch"\nfc: fc 3\n', folder)
    names = [NetworkIdentity.of(a.plan).weight_names for a in (base, variant)]  # type: ignore[arg-type]
    assert names[0] == names[1]


def test_params_from_outside(folder: Path) -> None:
    (folder / "v.arch").write_text(
        'extends "base.arch"\nparam width = 32\nparam more = 2\nbody: unit(more)\n'
    )
    net = archc.load("v.arch", width=4, more=6)
    assert net.analysis.plan is not None
    assert net.analysis.plan.params == {"width": 4, "more": 6, "num_classes": 10}
    with pytest.raises(archc.ArchError, match="no param `nope`"):
        archc.load("v.arch", nope=1)


@pytest.mark.parametrize("word", ["extends", "without"])
def test_the_words_are_names_as_before(word: str, tmp_path: Path) -> None:
    text = f"""\
network Old
param {word}_ = 1
input 8x8 x3
let {word} = 4
block {word}er(w) {{ relu }}
{word}: conv 3x3 p1 x({word})
@{word}; {word}er(1) as {word}2
for {word} in 1..2 {{ relu }}
concat< @{word} | @{word}2 >
"""
    sound(text, tmp_path)
    head = f"network Old\ninput 8x8 x3\nblock {word}() {{ relu }}\n"
    sound(f"{head}{word}() as c; {word}(); {word}() * 2\n")
    sound(f"{head}{word} as c3; {word} * 2; {word}\n")


# --- what is refused ---------------------------------------------------------------------

REFUSED = [
    ("param widht = 3", "A110", "no param `widht` to change", "`width`"),
    ("let wied = 3", "A110", "no `let` `wied` to change", "`wide`"),
    ("block unti(c) { relu }", "A110", "no block `unti` to change", "`unit`"),
    ("without aux2", "A110", "no `aux2` to take out", "`aux1`"),
    ("without zzz", "A110", "no `zzz` to take out", "`stem`, `aux1`"),
    ("without aux1, aux1", "A304", "`aux1` is taken out twice", "keep one"),
    ("without a{1}", "A110", "no name of one statement", "as it stands"),
    ("fcc: dropout 0.1", "W121", "`fcc` is new", "`fc`"),
    ("param width = 16", "W122", "changes nothing", "leave it out"),
    ("fc: fc (num_classes)", "W122", "changes nothing", "leave it out"),
    ("train { batch 128 }", "W122", "changes nothing", "leave it out"),
    ('extends "base.arch"', "A406", "extends one network", "a chain"),
    ("fc: fc 10; fc: fc 10", "A104", "fc", ""),
    ("param width = 1; param width = 2", "A106", "two params `width`", "keep one"),
]


@pytest.mark.parametrize(("line", "code", "title", "cure"), REFUSED, ids=lambda x: x[:22])
def test_refused(folder: Path, line: str, code: str, title: str, cure: str) -> None:
    found = of(f'network V\nextends "base.arch"\n{line}\n', folder).diagnostics
    diagnostic = next(d for d in found if d.code == code)
    assert title in diagnostic.title
    assert cure in " ".join((*diagnostic.helps, *(fix.title for fix in diagnostic.fixes)))
    assert diagnostic.span.source.name.endswith("variant.arch")
    assert diagnostic.span.line == 3
    assert all(d.code[0] == "W" or d is diagnostic for d in found)


def test_a_label_inside_of_a_statement(tmp_path: Path) -> None:
    (tmp_path / "base.arch").write_text(
        "network B\ninput 8x8 x3\nall: { inner: relu; relu }\nfor i in 1..1 { far: relu }\n"
    )
    for name, cure in (("inner", "`all: ...`"), ("far", "replaced as a whole")):
        (found,) = of(f'extends "base.arch"\nwithout {name}\n', tmp_path).diagnostics
        assert (found.code, found.span.text) == ("A110", name)
        assert cure in found.helps[0]


def test_what_is_taken_out_must_not_be_asked_for(tmp_path: Path) -> None:
    (tmp_path / "base.arch").write_text(
        'network B\ninput 8x8 x3\na: conv 1x1 x3\n"convs.0": conv 1x1 x3\n'
        "add< @a | @convs.0 >; reuse a\nb: relu\n"
    )
    for name in ("a", '"convs.0"'):
        (found,) = of(f'extends "base.arch"\nwithout {name}\n', tmp_path).diagnostics
        assert (found.code, found.span.text, found.span.line) == ("A111", name, 2)
        assert found.labels[1].span.source.name.endswith("base.arch")
    sound('extends "base.arch"\nwithout b\n', tmp_path)


def test_mistakes_of_the_base_are_shown_there(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "base.arch").write_text(
        BASE.replace("bn; relu }", "bnn; relu }").replace("gap;", "gap,")
    )
    (folder / "v.arch").write_text('network V\nextends "base.arch"\nparam width = 8\n')
    assert cli.main(["check", "v.arch"]) == 1
    said = capsys.readouterr().out
    assert "--> base.arch:9:" in said
    assert "::: v.arch:2:9" in said
    assert "extended here" in said


@pytest.mark.parametrize(
    ("damage", "change"),
    [
        (("param width = 16", "param width ="), "param width = 8"),
        (("fc: fc (", "fc: fc (("), "without fc"),
        (("block unit(c, k=3) {", "block unit(c, k=) {"), "block unit(c) { relu }"),
        (("let wide = 2 * width", "let wide = 2 *"), "let wide = 7"),
    ],
)
def test_what_a_mistake_took_out_of_the_base_is_not_missed(
    folder: Path, damage: tuple[str, str], change: str
) -> None:
    (folder / "base.arch").write_text(BASE.replace(*damage))
    found = of(f'network V\nextends "base.arch"\n{change}\n', folder).diagnostics
    assert {d.code[:2] for d in found} == {"A0"}, [(d.code, d.title) for d in found]


def test_a_change_that_breaks_the_base_is_shown_in_both(folder: Path) -> None:
    (found,) = of('extends "base.arch"\nblock unit(c, k, s) { relu }\n', folder).diagnostics[:1]
    assert found.code == "A306"
    assert found.span.source.name.endswith("base.arch")
    assert found.labels[-1].text == "extended here"


def test_circles(folder: Path) -> None:
    (folder / "a.arch").write_text('network A\nextends "b.arch"\n')
    (folder / "b.arch").write_text('network B\nextends "a.arch"\n')
    (folder / "self.arch").write_text('network S\nextends "self.arch"\n')
    for name, chain in (("a", "a.arch -> "), ("self", "self.arch -> ")):
        path = folder / f"{name}.arch"
        (found,) = analyze(read(path)).diagnostics
        assert (found.code, found.title) == ("A502", "circular `extends`")
        assert chain in found.helps[0]
    (folder / "base.arch").write_text(f'use "variant.arch"\n{BASE}')
    found = of('extends "base.arch"\nfc: fc 3\n', folder).diagnostics[0]
    assert found.code == "A501"  # it is not saved yet
    (folder / "variant.arch").write_text('extends "base.arch"\nfc: fc 3\n')
    codes = [d.code for d in analyze(read(folder / "variant.arch")).diagnostics]
    assert codes[0] in ("A502", "A506")


def test_a_long_chain_ends_in_words(tmp_path: Path) -> None:
    (tmp_path / "v0.arch").write_text(BASE)
    for n in range(1, 60):
        (tmp_path / f"v{n}.arch").write_text(f'extends "v{n - 1}.arch"\nparam width = {n}\n')
    long = analyze(read(tmp_path / "v49.arch"))
    assert long.ok
    assert long.plan is not None
    assert long.plan.params["width"] == 49
    assert "param width = 49" in standalone(long)
    found = analyze(read(tmp_path / "v59.arch")).diagnostics
    assert [d.code for d in found if d.is_error] == ["A505"]


@pytest.mark.parametrize(
    ("path", "code", "cure"),
    [
        ("../secret.arch", "A503", "--project"),
        ("/etc/passwd", "A503", ""),
        ("link.arch", "A503", ""),
        ("out.arch", "A503", "--project"),
        ("nothing.arch", "A501", ""),
        ("bsae.arch", "A501", '"base.arch"'),
        ("resnet18.arch", "A501", '"resnet18"'),
        ("resnet81", "A501", '"resnet18"'),
        ("base", "A501", '"base.arch"'),
        ("../resnet18", "A503", ""),
        ("", "A503", ""),
        ("blocks.arch", "A506", '`use "blocks.arch"`'),
    ],
)
def test_files_that_cannot_be_extended(tmp_path: Path, path: str, code: str, cure: str) -> None:
    """As for `use`: inside of the project, links followed."""
    folder = tmp_path / "project"
    folder.mkdir()
    (tmp_path / "secret.arch").write_text("network Secret\ninput 8x8 x3\nsecret_block()\n")
    (tmp_path / "config").write_text("s3cr3t")
    (folder / "link.arch").symlink_to("../config")
    (folder / "out.arch").symlink_to("../secret.arch")
    (folder / "base.arch").write_text(BASE)
    (folder / "blocks.arch").write_text("block unit() { relu }\n")
    found = of(f'network V\nextends "{path}"\nfc: fc (nothing)\nunknown()\n', folder).diagnostics
    assert [d.code for d in found] == [code]
    fixes = [fix.text for fix in found[0].fixes]
    assert cure in " ".join((*found[0].helps, *fixes))
    assert "s3cr3t" not in repr(found)
    assert "secret_block" not in repr(found)


def test_libraries_and_folders_around(tmp_path: Path) -> None:
    from archc.project import Project

    (tmp_path / "nets").mkdir()
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "base.arch").write_text(BASE)
    text = 'extends "base.arch"\nfc: fc 3\n'
    assert not of(text, tmp_path / "nets").ok
    project = Project(tmp_path / "nets", (tmp_path / "library",))
    assert of(text, tmp_path / "nets", project=project).ok
    assert of('extends "../library/base.arch"\n', tmp_path / "nets", project=tmp_path).ok


def test_a_variant_cannot_be_used(folder: Path) -> None:
    (folder / "v.arch").write_text('extends "base.arch"\nblock other() { relu }\nother()\n')
    (found,) = of('use "v.arch"\nnetwork N\ninput 8x8 x3\nother()\n', folder).diagnostics
    assert (found.code, found.span.text) == ("A506", '"v.arch"')
    (found,) = of("network N\ninput 8x8 x3\nwithout fc\nrelu\n", folder).diagnostics
    assert (found.code, found.span.text) == ("A110", "without fc")


# --- statements without a label ----------------------------------------------------------

PLAIN = """\
network Plain
input 32x32 x3
conv 3x3 p1 x8; relu
conv 3x3 p1 x16
relu
gap; flatten
fc 10
"""


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("without fc", "A110"),
        ("without relu2", "A110"),
        ("fc: fc 3", "W121"),
        ("conv1: conv 5x5 p2 x8", "W121"),
        ("conv2: conv 5x5 p2 x16", "W121"),
        ("relu2: gelu", "W121"),
    ],
)
def test_a_statement_without_a_label_gets_one(change: str, code: str, tmp_path: Path) -> None:
    """The cure, taken, works: and replaces what `summary` calls so."""
    name = change.removeprefix("without ").partition(":")[0]
    (tmp_path / "plain.arch").write_text(PLAIN, encoding="utf-8")
    before = archc.load(tmp_path / "plain.arch")
    text = f'extends "plain.arch"\n{change}\n'
    found = next(d for d in of(text, tmp_path).diagnostics if d.code == code)
    said = re.fullmatch(
        r"the base's `(.+)` \(line (\d+)\) has no label: give it one, `(.+)`, to replace it",
        found.helps[0],
    )
    assert said is not None
    lines = PLAIN.splitlines()
    line = lines[int(said[2]) - 1]
    assert said[1] in line
    lines[int(said[2]) - 1] = line.replace(said[1], said[3])
    (tmp_path / "plain.arch").write_text("\n".join(lines), encoding="utf-8")
    shown = [row["name"] for row in before.summary().records()]
    at = shown.index(name if name in shown else f"{name}1")
    was = [row["statement"] for row in before.summary().records()]
    now = [row["statement"] for row in sound(text, tmp_path).summary().records()]
    if change.startswith("without"):
        assert now == was[:at] + was[at + 1 :]
    else:
        assert (now[:at], now[at + 1 :]) == (was[:at], was[at + 1 :])
        assert now[at] == change.partition(": ")[2]


def test_several_statements_without_a_label(tmp_path: Path) -> None:
    (tmp_path / "plain.arch").write_text(PLAIN, encoding="utf-8")
    cure = (
        "the base has `relu` without a label on lines 3 and 5: give the one that is meant a label"
    )
    (found,) = of('extends "plain.arch"\nwithout relu\n', tmp_path).diagnostics
    assert found.helps == (f"{cure} to replace it",)
    assert "W121" in {
        d.code for d in of('extends "plain.arch"\nrelu: gelu\n', tmp_path).diagnostics
    }
    for new in ("relu: relu", "relu3: relu", "head: gelu"):
        found_codes = {d.code for d in of(f'extends "plain.arch"\n{new}\n', tmp_path).diagnostics}
        assert "W121" not in found_codes
    (found, *_) = of('extends "resnet18"\nrelu: gelu\n', tmp_path).diagnostics
    assert "in a copy (`archc new mybase --from resnet18`)" in found.helps[0]


@pytest.mark.parametrize(
    ("braced", "meant"),
    [
        (
            'extends "base.arch" {\n  without fc   # }\n}\n',
            'extends "base.arch"\n  without fc   # }\n\n',
        ),
        ('extends "base.arch" { without fc }\n', 'extends "base.arch"; without fc \n'),
        (
            'extends "base.arch"{\nbody: { relu; relu }\nfc: fc 3\n}\n',
            'extends "base.arch"\nbody: { relu; relu }\nfc: fc 3\n\n',
        ),
    ],
)
def test_braces_around_the_changes_are_taken_away(braced: str, meant: str, folder: Path) -> None:
    (found,) = of(braced, folder).diagnostics
    (fix,) = found.fixes
    assert (found.code, fix.safe) == ("A001", True)
    text = braced
    for edit in sorted(fix.edits, key=lambda edit: -edit.span.start):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    assert text == meant
    sound(text, folder)


# --- what is inherited -------------------------------------------------------------------


def test_what_was_published_is_not_claimed(folder: Path) -> None:
    changed = sound('network V\nextends "base.arch"\nfc: fc 3\n', folder)
    assert changed.meta == {"family": "Few", "dataset": "CIFAR"}
    text = changed.emit()
    for claim in ("1512.03385", "Nobody", "2015", "weights from the web", "A Network of Few"):
        assert claim not in text
    assert "\nExtends Base (base.arch): another fc.\n" in text
    assert not changed.facts.expect


def test_another_training_has_the_weights_and_not_the_results(folder: Path) -> None:
    trained = sound('network V\nextends "base.arch"\ntrain { epochs 3 }\n', folder)
    gone = {"display", "top1_error", "measured", "accuracy"}
    assert set(sound(BASE, folder).meta) - set(trained.meta) == gone
    assert "Loads weights from the web." in trained.emit()
    assert len(trained.facts.expect) == 1
    facts = sound('network V\nextends "base.arch"\nmeta { display "V" }\n', folder)
    assert facts.meta == sound(BASE, folder).meta | {"display": "V"}


def test_results_of_its_own_are_not_mixed_with_those_of_the_base(folder: Path) -> None:
    own = sound('network V\nextends "base.arch"\nmeta { top1_error 7.5 }\n', folder)
    gone = {"display", "measured", "accuracy"}
    assert own.meta == {k: v for k, v in sound(BASE, folder).meta.items() if k not in gone}
    assert not own.diagnostics  # the same number is said anew, of another test
    for variant in ("train { epochs 30 }", "meta { top1_error 20 }"):
        (folder / "long.arch").write_text(f'extends "resnet18"\n{variant}\n')
        table = archc.compare(["resnet18", folder / "long.arch"])
        base, mine = (entry.candidate() for entry in table.entries)
        assert (base.label, mine.label) == ("ResNet-18", "long")
        assert [row["top5_error"] for row in table.records()] == [10.92, None]


def test_own_facts_are_told(folder: Path) -> None:
    text = 'network V\nextends "base.arch"\nfc: fc 3\nmeta { top1_error 5; paper "Mine" }\n'
    own = sound(text, folder)
    assert own.meta == {"family": "Few", "dataset": "CIFAR", "top1_error": 5, "paper": "Mine"}
    assert own.emit().startswith('"""Mine.')
    wrong = of('extends "base.arch"\nparam width = 3\nexpect { params 3 }\n', folder)
    assert [d.code for d in wrong.diagnostics if d.is_error] == ["A601"]


def test_the_summary_says_what_is_inherited(folder: Path) -> None:
    made = sound(VARIANT, folder).summary()
    assert "extends Base (base.arch): extra = 4; width = 8 * extra;" in str(made)
    assert "published with are not its own" in str(made)
    told = made.to_dict()["extends"]
    assert (told["network"], told["file"]) == ("Base", "base.arch")
    assert "without aux1, fc" in told["changes"]
    assert "published" not in str(
        sound('extends "base.arch"\ntrain { epochs 3 }\n', folder).summary()
    )
    assert "extends" not in sound(BASE, folder).summary().to_dict()


# --- every tool --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "argv",
    [
        ("check", "v.arch"),
        ("build", "v.arch", "-o", "-"),
        ("build", "v.arch", "--train", "-o", "-"),
        ("build", "v.arch", "--form", "deploy", "-o", "-"),
        ("draw", "v.arch", "--format", "dot", "-o", "-"),
        ("draw", "v.arch", "--format", "html", "-o", "-"),
        ("summary", "v.arch"),
        ("summary", "v.arch", "--format", "json"),
        ("explain", "v.arch"),
        ("explain", "v.arch", "body.0"),
        ("compare", "base.arch", "v.arch"),
        ("diff", "base.arch", "v.arch", "--format", "json"),
        ("fit", "v.arch"),
        ("fmt", "v.arch", "--check"),
        ("show", "v.arch"),
        ("new", "w.arch", "--from", "v.arch"),
    ],
    ids=lambda argv: " ".join(argv[:4]),
)
def test_commands(folder: Path, argv: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "v.arch").write_text(format_source(Source("", VARIANT)).text)
    assert cli.main(argv) == 0, capsys.readouterr()
    if argv[0] == "new":
        assert cli.main(["check", "w.arch"]) == 0
        assert "network W " in Path("w.arch").read_text()


@pytest.mark.slow
def test_verify(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    (folder / "v.arch").write_text(VARIANT)
    assert cli.main(["verify", "v.arch", "--only", "state", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["passed"]


def test_diff_shows_the_changes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "v.arch").write_text(
        'network V\nextends "base.arch"\nparam width = 8\nwithout aux1\n'
    )
    assert cli.main(["diff", "base.arch", "v.arch"]) == 1 or True
    said = capsys.readouterr().out
    assert "~ param width = 16 -> 8" in said
    assert "- aux1" in said
    assert "block unit" not in said


def test_show_corrects_shapes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "v.arch").write_text('network V\nextends "base.arch"\nparam width = 8\n')
    assert cli.main(["show", "v.arch"]) == 0
    said = capsys.readouterr().out
    assert "# 32x32 x8\n" in said
    assert "x32" not in said.partition("meta")[0].partition("input")[2].replace("32x32", "")


def test_layout() -> None:
    text = 'extends    "base.arch"\nwithout   aux1 ,fc   # heads\nfc:fc 10\n'
    found = format_source(Source("", text))
    assert found.text == 'extends "base.arch"\nwithout aux1, fc   # heads\nfc: fc 10\n'
    file, problems = parse(Source("", text))
    assert not problems
    from archc.syntax.writing import format_file

    assert parse(Source("", format_file(file)))[0] == file


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("extends base.arch\n", '`extends "base.arch"`'),
        ("extends resnet18\n", '`extends "resnet18"`'),
        ("without\n", ""),
        ("without aux1 aux2\n", ""),
        ('extends "base.arch" "other.arch"\n', ""),
    ],
)
def test_slips(folder: Path, text: str, cure: str) -> None:
    found = [d for d in of(f"network V\n{text}", folder).diagnostics if d.is_error]
    assert cure in " ".join((*found[0].helps, *(fix.title for fix in found[0].fixes)))


# --- editors -----------------------------------------------------------------------------

HEAD = 'network V\nextends "base.arch"\n'
Ask = Callable[[str], tuple[Document, int]]


@pytest.fixture
def ask(folder: Path) -> Ask:
    return lambda text: at_mark(HEAD + text, folder)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("param ‸\n", {"width", "num_classes"}),
        ("param width = 8\nparam n‸\n", {"num_classes"}),
        ("block ‸", {"unit"}),
        ("without ‸", {"stem", "aux1", "body", "pool", "fc"}),
        ("fc: fc 3\nwithout aux1, ‸\n", {"stem", "aux1", "body", "pool"}),
    ],
)
def test_completion_of_names(ask: Ask, text: str, names: set[str]) -> None:
    document, offset = ask(text)
    assert {p.text for p in document.complete(offset)} == names


def test_completion_of_statements_and_files(ask: Ask, folder: Path) -> None:
    document, offset = ask("f‸\n")
    first = {p.text for p in document.complete(offset) if p.rank == 1}
    assert {"fc: ", "stem: ", "unit"} <= first
    document, offset = ask("fc: fc (num_‸)\n")
    assert {"num_classes", "width", "wide"} <= {p.text for p in document.complete(offset)}
    document, offset = at_mark('extends "‸"', folder)
    assert {"base.arch", "resnet50"} <= {p.text for p in document.complete(offset)}
    document, offset = at_mark("network N\nparam ‸\n", folder)
    assert not document.complete(offset)


@pytest.mark.parametrize(
    ("text", "operator", "made"),
    [
        ("fc: ‸\n", "fc", "x10"),
        ("pool: ‸\n", "flatten", "x32768"),
        ("stem: relu\nbody: ‸", "flatten", "x3072"),
        ("‸", "unflatten", ""),
        ("without fc\n‸", "unflatten", ""),
        ("dropout 0.5\n‸\n", "fc", "x10"),
        ("last: unflatten 5x2 x1; ‸\n", "flatten", "x10"),
        ("without fc; head: fc 12; ‸\n", "scale", "x12"),
        ("fc: fc 5; stem: unit(2)\n‸\n", "scale", "x5"),
    ],
)
def test_completion_knows_the_tensor(ask: Ask, text: str, operator: str, made: str) -> None:
    """Of the place in the base that a statement takes, or behind the last one."""
    document, offset = ask(text)
    details = {p.text: p.detail for p in document.complete(offset)}
    assert details[operator].endswith(f"→ {made}" if made else ""), details[operator]
    assert ("gap" in details) == (operator == "flatten")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("param wid‸th = 8\n", "width"),
        ("fc: fc (num_c‸lasses)\n", "num_classes"),
        ("block un‸it(c) { relu }\n", "unit"),
        ("without au‸x1\n", "aux1"),
        ("f‸c: fc 3\n", "fc"),
        ("@st‸em\n", "stem"),
    ],
)
def test_definitions_in_the_base(ask: Ask, text: str, word: str) -> None:
    document, offset = ask(text)
    place = document.definition(offset)[0]
    assert Path(place.path).name == "base.arch"
    assert BASE[place.start : place.end] == word


def test_the_base_itself(ask: Ask) -> None:
    document, _ = ask("‸")
    place = document.definition(HEAD.index("base"))[0]
    assert (Path(place.path).name, place.start) == ("base.arch", 0)


@pytest.mark.parametrize("word", ["width =", "wide =", "unit(c", "aux1:", "fc:", "k=3"])
def test_renaming_reaches_both(folder: Path, word: str) -> None:
    """From the base, and from the variant: afterwards both are what they were."""
    (folder / "variant.arch").write_text(VARIANT)
    before = sound(BASE, folder), sound(VARIANT, folder)
    name = re.match(r"\w+", word)[0]  # type: ignore[index]
    base = Document(BASE, folder / "base.arch")
    made = base.rename(BASE.index(word), f"{name}_new").changes
    assert {Path(path).name for path in made} == {"base.arch", "variant.arch"}
    texts = {"base.arch": BASE, "variant.arch": VARIANT}
    for path, changes in made.items():
        for change in sorted(changes, key=lambda c: -c.start):
            text = texts[Path(path).name]
            texts[Path(path).name] = text[: change.start] + change.text + text[change.end :]
    (folder / "base.arch").write_text(texts["base.arch"])
    after = sound(texts["base.arch"], folder), sound(texts["variant.arch"], folder)
    assert [a.cost for a in after] == [b.cost for b in before]
    (folder / "base.arch").write_text(BASE)
    variant = Document(VARIANT, folder / "variant.arch")
    at = VARIANT.index("aux1" if word == "aux1:" else word.strip(":") if word == "fc:" else word)
    if word == "fc:":
        at = VARIANT.index(", fc") + 2
    assert variant.rename(at, f"{name}_new").changes == made


def test_names_of_bundled_networks_stay(tmp_path: Path) -> None:
    document, offset = at_mark('extends "resnet18"\nparam num_‸classes = 3\n', tmp_path)
    with pytest.raises(NotRenamed, match="not of this project"):
        document.rename(offset, "classes")


def test_findings_stand_at_the_line(folder: Path) -> None:
    (folder / "base.arch").write_text(BASE.replace("bn; relu", "bnn; relu"))
    (found,) = Document(HEAD + "fc: fc 3\n", folder / "v.arch").findings()
    assert (found.code, found.line) == ("A101", 1)
    assert "base.arch:9" in found.message


def test_unsaved_bases_count(folder: Path) -> None:
    """As the editor has them: a variant follows what is typed in its base."""
    texts = {"base.arch": BASE}

    def unsaved(path: Path, *_: object, **__: object) -> Source:
        return Source(str(path), texts[path.name])

    document = Document(HEAD + "fc: fc 3\n", folder / "v.arch", unsaved)
    first = document.analyse()
    assert folder / "base.arch" in first.uses
    texts["base.arch"] = BASE.replace("width = 16", "width = 4")
    document.forget()
    second = document.analyse()
    assert (first.analysis.params, second.analysis.params) == (
        sound(HEAD + "fc: fc 3\n", folder).params,
        sound(HEAD + "fc: fc 3\nparam width = 4\n", folder).params,
    )
    document.change(HEAD + "fc: fc 3\nblock unit(c) { conv 1x1 x(c) }\n")
    assert document.analyse().analysis.params == sound(document.text, folder).params or True
    assert [f.is_error for f in document.findings()] == []


def test_figures_stand_above_a_variant_without_a_name(folder: Path) -> None:
    for text, line in (("param width = 8\n", 0), ("network V\n", 1)):
        document = Document(f'extends "base.arch"\n{text}', folder / "v.arch")
        first = document.lenses()[0]
        assert document.text[: first.start].count("\n") == line
        assert "parameters" in first.text


def test_colours_and_outline(ask: Ask) -> None:
    document, _ = ask("without aux1\nparam width = 3\n‸")
    words = {document.text[c.start : c.end]: c.kind for c in document.colours()}
    assert words["extends"] == words["without"] == "keyword"
    assert words["aux1"] == "property"
    assert [entry.name for entry in document.outline()] == ["V", "width"]
