"""The editor's answers: offsets in, values out. `tests/editor` has texts with hints beside them."""

from __future__ import annotations

import random
import re
from collections.abc import Collection
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from editing import at_mark, beside, bundled, told, typed

from archc import api, data, files
from archc.api import Cancelled, Kept, analyze
from archc.cli import main
from archc.editor.card import BadSetting, CardSetting
from archc.editor.completion import Proposal
from archc.editor.document import Document
from archc.editor.findings import TextChange
from archc.editor.hints import shape_hints
from archc.editor.legend import FAMILIES, KINDS, MODIFIERS
from archc.editor.navigation import NotRenamed
from archc.editor.reports import REPORTS, NotReported, write_report
from archc.editor.samples import samples
from archc.elaborate import blocks
from archc.ops import REGISTRY
from archc.plan import bodies
from archc.server.language_server import REPORT_COMMANDS
from archc.source import Edit as SourceEdit
from archc.source import Limits, Source, Span, edited
from archc.syntax.cursor import cursor_at
from archc.syntax.parser import parse
from archc.syntax.walk import name_span, walk

GOLDEN = Path(__file__).parent / "editor"
ALL = [*data.ARCHS.rglob("*.arch")]
TYPED = ("alexnet_2gpu", "googlenet", "lenet5", "resnet50_fpn", "unet", "vgg16")

NETWORK = """\
network Net
param classes = 10
input 32x32 x3

# Two convolutions.
block unit(width, stride=1) {
  conv 3x3/(stride) p1 x(width); relu
  conv 3x3 p1 x(width)
  output middle
}

stem: unit(16)
for i in 1..2 { stage{i}: unit(16 * 2**i, stride=2) }
add< @stem.middle; pool 4x4/4; conv 1x1 x64 | @stage2 > as sum
gap; flatten
fc: fc (classes)
"""


def document(text: str = NETWORK) -> Document:
    return Document(text, Path("test.arch"))


def place(text: str, of: str, nth: int = 0) -> int:
    at = -1
    for _ in range(nth + 1):
        at = text.index(of, at + 1)
    return at


# --- hints -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(path.stem for path in GOLDEN.glob("*.txt")))
def test_hints_beside_the_source(name: str, pytestconfig: pytest.Config) -> None:
    path = GOLDEN / f"{name}.txt"
    made = beside(bundled(name) if name in api.bundled() else document())
    if pytestconfig.getoption("--update-golden"):
        path.write_text(made, encoding="utf-8")
    assert made == path.read_text(encoding="utf-8"), f"{path}: see `pytest --update-golden`"


def test_a_hint_is_not_what_the_comment_says() -> None:
    for comment, shown in (("", True), ("  # 16x16 x8", False), ("  # 116x16 x8", True)):
        hints = document(f"input 32x32 x3\nconv 2x2/2 x8{comment}\n").hints()
        assert bool(hints) is shown, comment


def test_hints_below_a_mistake_stay_and_say_so() -> None:
    edited_one = document()
    before = {hint.line: hint.text for hint in edited_one.hints()}
    line = NETWORK.split("\n").index("stem: unit(16)")
    edited_one.change(NETWORK.replace("stem: unit(16)", "stem: unit(16, str"))
    after = edited_one.hints()
    assert {hint.line: hint.text for hint in after if hint.line > line} == {
        at: text for at, text in before.items() if at > line
    }
    assert all(hint.stale for hint in after if hint.line > line)
    edited_one.change(NETWORK)
    assert not any(hint.stale for hint in edited_one.hints())


def test_stale_hints_move_with_their_lines() -> None:
    edited_one = document()
    last = max(hint.line for hint in edited_one.hints())
    edited_one.change(NETWORK.replace("input 32x32 x3", "input 32x32 x3\n\n\nbroken !"))
    assert max(hint.line for hint in edited_one.hints()) == last + 3


# --- typing ------------------------------------------------------------------------------


@pytest.mark.slow
def test_typing_loses_nothing_and_blames_no_other_line() -> None:
    """Key by key: nothing is raised, no shape goes, and mistakes are where one is typing."""
    chance = random.Random(2)
    keys = elsewhere = 0
    for name in TYPED:
        one = bundled(name)
        text = one.text
        lines = text.split("\n")
        code = [at for at, row in enumerate(lines) if row.strip() and not row.startswith("#")]
        for line in chance.sample(code, 4):
            one.change(text)
            for newer, offset in typed(text, line):
                before = {hint.line for hint in one.hints()} - {line}
                one.change(newer)
                known = shape_hints(one.analyse()).keys() | {hint.line for hint in one.hints()}
                if not one.analyse().analysis.ok:  # else nothing more is to be known
                    assert before <= known, (name, newer.split("\n")[line])
                keys += 1
                found = [f for f in one.findings() if f.is_error and not f.mild]
                elsewhere += any(f.line != line for f in found)
                one.complete(offset)
                one.signature(offset)
                one.hover(offset - 1)
    assert keys > 300
    assert elsewhere / keys < 0.10


@pytest.mark.parametrize(
    "text", ["", "\n", "\ufeff", "a\r\nb", "\0", "\ud800", "{", "}" * 50, "@", '"']
)
def test_odd_texts_raise_nothing(text: str) -> None:
    one = document(text)
    one.hints(), one.findings(), one.lenses(), one.colours(), one.outline(), one.folds()
    for offset in range(len(text) + 1):
        one.hover(offset), one.complete(offset), one.signature(offset), one.definition(offset)
        one.references(offset), one.remedies(0, offset)
    one.fix_all(), one.format()


@pytest.mark.parametrize("text", ["conv ! 3\n" * 300, "a: f(" * 500, "{" * 500, "x<" * 500])
def test_hopeless_texts_raise_nothing(text: str) -> None:
    one = document(text)
    assert one.findings()
    one.complete(len(text)), one.signature(len(text)), one.hover(len(text)), one.hints()


def test_expectations_are_mild_until_the_text_is_saved() -> None:
    text = NETWORK + "expect { params 5 }\n"
    one = document(text)
    (found,) = one.findings()
    assert (found.code, found.mild) == ("A601", False)
    one.change(text + "\n")
    assert one.findings()[0].mild
    one.save()
    assert not one.findings()[0].mild


# --- mistakes and cures ------------------------------------------------------------------


def test_findings_have_their_places_and_cures() -> None:
    text = NETWORK.replace("stem: unit(16)", "stem: unt(16)")
    (found,) = (f for f in document(text).findings() if f.is_error)
    assert text[found.start : found.end] == "unt"
    (cure,) = found.cures
    assert [change.text for change in cure.changes] == ["unit"]


def test_mistakes_in_a_used_file_stand_at_the_use(tmp_path: Path) -> None:
    (tmp_path / "b.arch").write_text("block b() { conv ! 3x3 }\n", encoding="utf-8")
    text = 'use "b.arch"\ninput 8x8 x3\nb()\n'
    found = Document(text, tmp_path / "a.arch").findings()
    assert found[0].line == 0
    assert found[0].related[0].path == str(tmp_path / "b.arch")


def test_every_cure_of_check_is_offered() -> None:
    text = "input 8x8 x3\nconv 3x3, x8\nRelu\n"
    one = document(text)
    titles = [remedy.title for remedy in one.remedies(0, len(text))]
    assert len(titles) >= 2
    whole = one.fix_all()
    assert whole is not None
    source = Source("test.arch", text)
    edits = [SourceEdit(Span(source, c.start, c.end), c.text) for c in whole.changes]
    assert edited(text, edits) == "input 8x8 x3\nconv 3x3 x8\nrelu\n"


# --- hover -------------------------------------------------------------------------------


def test_hover_says_the_arithmetic_with_the_numbers() -> None:
    text = "input 32x32 x3\nconv1: conv 7x7/2 p3 x64\n"
    shown = document(text).hover(text.index("conv 7"))
    assert shown is not None
    for said in ("`32x32 x3` → `16x16 x64`", "(32 + 2*3 - 7) / 2) + 1 = 16", "9,472 parameters"):
        assert said in shown.markdown
    assert "2,408,448 MACs" in shown.markdown
    assert "sees 7x7 of the input" in shown.markdown


def test_a_sum_in_a_hover_is_no_emphasis() -> None:
    text = "input 32x32 x3\nconv 3x3 x8 nobias\n"
    shown = document(text).hover(text.index("conv"))
    assert shown is not None
    assert "*" not in re.sub(r"`[^`]*`", "", shown.markdown), "VS Code showed 8*3*3*3 as 8333"
    assert "parameters: `8*3*3*3`" in shown.markdown


def test_hover_also_in_a_broken_file() -> None:
    text = "input 32x32 x3\nconv 3x3 x8\nbroken !\n"
    shown = document(text).hover(text.index("conv"))
    assert shown is not None
    assert "`30x30 x8`" in shown.markdown


def test_hover_of_a_block_says_what_its_forms_take() -> None:
    shown = document().hover(place(NETWORK, "unit(16)"))
    assert shown is not None
    assert "block unit(width, stride=1)" in shown.markdown
    assert "Two convolutions." in shown.markdown
    assert "3 forms in this network" in shown.markdown


def test_hover_of_names() -> None:
    for of, nth, said in (
        ("classes", 1, "param classes = 10"),
        ("width", 1, "parameter `width`"),
        ("i in", 0, "loop `i`"),
        ("stem", 1, "stem: unit(16)"),
    ):
        shown = document().hover(place(NETWORK, of, nth))
        assert shown is not None
        assert said in shown.markdown


# --- completion --------------------------------------------------------------------------


def proposed(text: str) -> dict[str, str]:
    one, offset = at_mark(text)
    return {proposal.text: proposal.detail for proposal in one.complete(offset)}


def after(one: Document, changes: Collection[TextChange]) -> str:
    source = one.analyse().source
    return edited(source.text, [SourceEdit(Span(source, c.start, c.end), c.text) for c in changes])


def test_all_that_is_expected_is_corrected_at_once() -> None:
    body = (
        "network Net\ninput 8x8 x4\nconv 1x1 x{}\n"
        "expect {{\n  params {}\n  macs {}\n  output 8x8 x{}\n}}\n"
    )
    one = document(body.format(5, 20, 256, 4))
    titles = [[cure.title for cure in finding.cures] for finding in one.findings()]
    whole = "Expect what it has now, in all 3 lines"
    singles = ["Expect 25", "Expect 1_280", "Expect `output 8x8 x5`"]
    assert titles == [[single, whole] for single in singles]
    for finding in one.findings():
        assert after(one, finding.cures[1].changes) == body.format(5, 25, "1_280", 5)
    (single,) = document(body.format(4, 20, 255, 4)).findings()
    assert len(single.cures) == 1, "one alone needs no second cure"


def test_a_network_is_begun_behind_blocks() -> None:
    text = "block unit(c, stride=1) {\n  conv 1x1/(stride) x(c)\n}\n"
    one = document(text)
    (begin,) = one.remedies(text.index("unit"), text.index("unit"))
    assert begin.title == "Begin with `network Net`, `input 32x32 x3` and `unit(64)`"
    made = after(one, begin.changes)
    assert made == f"{text}network Net\ninput 32x32 x3\nunit(64)\n"
    assert document(made).findings() == ()
    assert one.remedies(text.index("conv"), text.index("conv")) == ()


def test_completion_of_what_fits_and_what_it_makes() -> None:
    found = proposed("input 8x8 x4\nflatten\n‸\n")
    assert "fc" in found
    assert "conv" not in found  # a vector has no window
    assert found["fc"].endswith("→ x10") or "→" in found["fc"]
    assert "→ 8x8 x4" in proposed("input 8x8 x4\n‸\n")["relu"]


def test_completion_in_its_places() -> None:
    head = "param classes = 3\nblock unit(width, stride=1) { relu }\ninput 8x8 x4\na: relu\n"
    assert "unit" in proposed(f"{head}un‸")
    assert {"p1", "nobias", "x64"} <= proposed(f"{head}conv 3x3 ‸").keys()
    assert {"width=", "stride=", "classes"} <= proposed(f"{head}unit(‸").keys()
    assert {"classes", "in.c", "min"} <= proposed(f"{head}conv 3x3 x(‸)").keys()
    assert proposed(f"{head}conv 3x3 x(‸)")["in.c"] == "4"
    assert proposed(f"{head}add< @‸")["a"] == "8x8 x4"
    assert "optimizer" in proposed(head + "train { op‸ }")
    assert "sgd" in proposed(head + "train { optimizer ‸ }")
    assert "macs" in proposed(head + "expect { ‸ }")
    assert proposed("# a comment‸") == {}
    assert "input" in proposed("‸")
    assert "resnet.arch" in proposed('use "blocks/‸')


def test_completion_by_the_words_of_other_tools() -> None:
    head = "network Net\ninput 32x32 x3\n"
    for begun, label in (
        ("MaxPool2d", "MaxPool2d → pool"),
        ("maxpool", "maxpool → pool"),
        ("max", "max_pool2d → pool"),
        ("Lin", "Linear → fc"),
        ("linear", "linear → fc"),
        ("Dense", "Dense → fc"),
        ("BatchNorm", "BatchNorm2d → bn"),
        ("Conv2d", "Conv2d → conv"),
        ("Conv1", "Conv1d → conv"),
        ("AdaptiveAvgPool2d", "AdaptiveAvgPool2d → gap"),
        ("AdaptiveAveragePooling2D", "AdaptiveAveragePooling2D → gap"),
        ("AdaptiveMaxPool2d", "AdaptiveMaxPool2d → pool to=1"),
        ("AdaptiveMaxPooling2D", "AdaptiveMaxPooling2D → pool to=1"),
        ("global_pool", "global_pool → gap"),
        ("global_avg_pool", "global_avg_pool → gap"),
        ("GlobalAvgPool2d", "GlobalAvgPool2D → gap"),
        ("GlobalMaxPooling2D", "GlobalMaxPooling2D → pool to=1"),
    ):
        one, offset = at_mark(f"{head}{begun}‸")
        (found,) = (p for p in one.complete(offset) if p.label == label)
        assert (found.text, found.known_as) == tuple(reversed(label.split(" → ")))
        assert found.text.partition(" ")[0] in REGISTRY
        assert (found.start, found.end) == (offset - len(begun), offset)
    one, offset = at_mark(f"{head}‸")
    assert not any(p.known_as for p in one.complete(offset)), "nothing is begun"
    assert not any(p.known_as == "ReLU" for p in at_mark_complete(f"{head}Re‸"))


@pytest.mark.parametrize(
    ("text", "snippet"),
    [
        ("res‸", "residual< ${1} >"),
        ("add‸", "add< ${1} | ${2} >"),
        ("add‸ # what for", "add< ${1} | ${2} >"),
        ("concat‸ < a | b >", ""),
        ("residual‸< a >", ""),
        ("join‸", ""),
        ("relu‸", ""),
    ],
)
def test_completion_puts_brackets_for_branches_in(text: str, snippet: str) -> None:
    proposals = at_mark_complete(f"network Net\ninput 32x32 x3\n{text}\n")
    begun = text.partition("‸")[0]
    found = next(p for p in proposals if p.text.startswith(begun) and not p.known_as)
    assert found.snippet == snippet


@pytest.mark.parametrize("input", ["x8", "16 x8", "4x8x8 x2", "6x6 x4; chunk 2; join"])
@pytest.mark.parametrize("begun", ["con", "Conv", "max", "Batch", "ups", "emb", "l", "g", "p", "a"])
def test_completion_behind_tensors_of_every_kind(input: str, begun: str) -> None:
    """Also of words whose operators take no such tensor."""
    one, offset = at_mark(f"network Net\ninput {input}\n{begun}‸")
    assert isinstance(list(one.complete(offset)), list)


def at_mark_complete(text: str) -> tuple[Proposal, ...]:
    one, offset = at_mark(text)
    return one.complete(offset)


def test_completion_says_no_name_twice() -> None:
    found = proposed("block unit(c) { relu }\ninput 32x32 x4\n‸")
    assert found["conv"] == "3x3/2 p1 x8 → 16x16 x8"
    assert found["relu"] == "→ 32x32 x4"
    assert found["add"] == "< a | b >"
    assert found["unit"] == "(c)"


def test_completion_of_attributes_leaves_out_those_that_are_there() -> None:
    first = [p.text for p in at_mark_complete("input 8x8 x4\nconv ‸")]
    assert first[0] == "3x3"
    assert {"/2", "p1", "x64", "g32", "nobias"} <= set(first)
    found = {p.text for p in at_mark_complete("input 8x8 x4\nconv 3x3/2 p1 x(4) nobias ‸")}
    assert not {"3x3", "/2", "p1", "x64", "nobias"} & found
    assert {"g32", "d2"} <= found


def test_completion_puts_input_first_where_it_is_begun() -> None:
    for head in ("network Net\n", "network Net\ninput 8x8 x3\n"):
        found = [p.text for p in at_mark_complete(f"{head}in‸") if p.text.startswith("in")]
        assert found[0] == "input"


def test_completion_inside_a_block_knows_its_tensor() -> None:
    found = proposed("block f() { conv 3x3 x7; ‸ }\ninput 8x8 x4\nf()\n")
    assert "→ 6x6 x7" in found["relu"]


def test_samples_are_there_for_most_operators() -> None:
    single = {cls.name for cls in REGISTRY.values() if cls.inputs[0] <= 1}
    assert len(samples().keys() & single) > 0.8 * len(single)


def test_signatures() -> None:
    one, offset = at_mark(NETWORK.replace("unit(16)", "unit(16, ‸"))
    found = one.signature(offset)
    assert found is not None
    assert found.text == "unit(width, stride=1)"
    assert found.active == 1
    one, offset = at_mark(NETWORK.replace("unit(16)", "unit(stride=‸"))
    found = one.signature(offset)
    assert found is not None
    assert found.active == 1
    one, offset = at_mark("input 8x8 x3\nconv 3x3 ‸")
    found = one.signature(offset)
    assert found is not None
    assert found.text.startswith("conv ")
    one, offset = at_mark("input 8x8 x3\n‸relu")
    assert one.signature(offset) is None


# --- names -------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_each_use_has_a_definition(path: Path) -> None:
    """Over all bundled files, their blocks and dead arms too; and each span is the name itself."""
    one = Document(path.read_text(encoding="utf-8"), path, project=data.ARCHS)
    scopes = one.analyse().scopes
    assert [span.text for span in scopes.unknown] == []
    for symbol in scopes.symbols:
        assert symbol.definitions
        if not symbol.template:
            assert all(span.text == symbol.name for span in symbol.definitions)
        for span in symbol.places:
            assert re.fullmatch(r"[\w.]+", span.text), span.text


def test_spans_of_names_are_without_brackets() -> None:
    file, _ = parse(Source("a", 'a: conv 3x3 x( (w) ) mode=(m)\n"b.0": f(w=(n))\n@a.c{i}\n'))
    names = {name_span(node).text for node in walk(file) if hasattr(node, "id")}
    assert {"w", "m", "n", "i", "mode", "conv", "f"} == names


def test_definition_and_references() -> None:
    one = document()
    for of, nth, defined in (
        ("unit", 1, "unit(width"),
        ("width", 1, "width, stride"),
        ("stride", 1, "stride=1"),
        ("stride=2", 0, "stride=1"),
        ("classes", 1, "classes ="),
        ("stem", 1, "stem:"),
        ("middle", 1, "middle\n"),
        ("stage2", 0, "stage{i}"),
        ("i, ", 0, "i in"),
    ):
        text = NETWORK.replace("2**i,", "2**i, ").replace("  stride", " stride")
        (found,) = document(text).definition(place(text, of, nth))
        assert text[found.start :].startswith(defined), of
    assert len(one.references(place(NETWORK, "unit"))) == 3
    assert len(one.references(place(NETWORK, "unit"), with_definition=False)) == 2
    assert one.definition(place(NETWORK, "gap")) == ()


def test_names_in_arms_and_blocks_that_nobody_runs() -> None:
    text = "block f(w) { if w > 9 { conv 1x1 x(w) } }\ninput 8x8 x3\nrelu\n"
    (found,) = document(text).definition(text.index("(w) }") + 1)
    assert found.start == text.index("w)")


def apply_rename(text: str, of: str, name: str, nth: int = 0) -> str:
    made = document(text).rename(place(text, of, nth), name)
    source = Source("test.arch", text)
    changes = made.changes["test.arch"]
    return edited(text, [SourceEdit(Span(source, c.start, c.end), c.text) for c in changes])


@pytest.mark.parametrize(
    ("of", "name"),
    [("unit", "block_of_two"), ("width", "channels"), ("classes", "count"), ("stem", "first"),
     ("middle", "inner"), ("i in", "n"), ("sum", "total")],
)  # fmt: skip
def test_a_renamed_network_is_the_same(of: str, name: str) -> None:
    made = apply_rename(NETWORK, of, name)
    before, after = (analyze(Source("test.arch", text)) for text in (NETWORK, made))
    assert after.ok
    assert made != NETWORK
    assert (after.params, after.macs) == (before.params, before.macs)


def test_what_cannot_be_renamed_is_said() -> None:
    one = document()
    for of, name in (
        ("gap", "x"),
        ("stem", "1a"),
        ("unit", "conv"),
        ("stem", "fc"),
        ("stage{", "a"),
    ):
        with pytest.raises(NotRenamed):
            one.rename(place(NETWORK, of), name)
    assert "state_dict" in one.rename(place(NETWORK, "stem"), "first").warning


# --- over `use` --------------------------------------------------------------------------


def test_unsaved_texts_are_what_is_used(tmp_path: Path) -> None:
    (tmp_path / "b.arch").write_text("block b(w) { conv 1x1 x(w) }\n", encoding="utf-8")
    unsaved = {tmp_path / "b.arch": "block b(w) { conv 1x1 x(2*w) }\n"}

    def read(path: Path, limits: Limits, /, *, inside: Collection[Path] = ()) -> Source:
        if path in unsaved:
            return Source(str(path), unsaved[path])
        return files.read(path, limits, inside=inside)

    text = 'use "b.arch"\ninput 8x8 x3\nb(4)\n'
    one = Document(text, tmp_path / "a.arch", read)
    assert [hint.text for hint in one.hints()] == ["8x8 x8"]
    unsaved[tmp_path / "b.arch"] = "block b(w) { conv 1x1 x(3*w) }\n"
    one.forget()
    assert [hint.text for hint in one.hints()] == ["8x8 x12"]
    (found,) = one.definition(text.index("b(4)"))
    assert found.path == str(tmp_path / "b.arch")
    made = one.rename(text.index("b(4)"), "c").changes
    assert made.keys() == {str(tmp_path / "a.arch"), str(tmp_path / "b.arch")}
    (found,) = one.definition(text.index("b.arch"))
    assert found.path == str(tmp_path / "b.arch")


LIBRARY = """\
block inner(w) { conv 1x1 x(w) }

# Twice.
block outer(w) { inner(w); inner(2*w) }
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A library, a file that uses it, and two networks that use that one: one in a folder."""
    (tmp_path / "nets").mkdir()
    (tmp_path / "lib.arch").write_text(LIBRARY, encoding="utf-8")
    middle = 'use "lib.arch"\nblock middle() { outer(w=3); relu }\n'
    (tmp_path / "middle.arch").write_text(middle, encoding="utf-8")
    one = 'network One\nuse "middle.arch"\ninput 8x8 x3\nmiddle(); outer(4)\n'
    (tmp_path / "one.arch").write_text(one, encoding="utf-8")
    two = 'use "../lib.arch"\ninput 8x8 x3\nouter(4) * 2\n'
    (tmp_path / "nets" / "two.arch").write_text(two, encoding="utf-8")
    (tmp_path / "broken.arch").write_text('use "lib.arch"\nouter(\n', encoding="utf-8")
    (tmp_path / "apart.arch").write_text("block outer(w) { relu }\n", encoding="utf-8")
    return tmp_path


def opened(path: Path, project: Path) -> Document:
    return Document(path.read_text(encoding="utf-8"), path, project=project)


def test_calls_over_files(project: Path) -> None:
    library = opened(project / "lib.arch", project)
    outer = library.call_item(LIBRARY.index("outer"))
    assert outer is not None
    assert (outer.name, outer.detail) == ("outer", "(w)")
    callers = {(edge.item.name, Path(edge.item.path).name): edge for edge in
               library.incoming_calls(outer)}  # fmt: skip
    assert callers.keys() == {
        ("middle", "middle.arch"), ("One", "one.arch"), ("network", "two.arch"),
        ("network", "broken.arch"),
    }  # fmt: skip
    for edge in callers.values():
        text = Path(edge.places[0].path).read_text(encoding="utf-8")
        assert {text[place.start : place.end] for place in edge.places} == {"outer"}
    (called,) = library.outgoing_calls(outer)
    assert called.item.name == "inner"
    assert [LIBRARY[p.start : p.end + 2] for p in called.places] == ["inner(w", "inner(2"]
    one = opened(project / "one.arch", project)
    network = one.call_item(one.text.index("One"))
    assert network is not None
    assert network.is_network
    assert [edge.item.name for edge in one.outgoing_calls(network)] == ["middle", "outer"]
    assert one.incoming_calls(network) == ()
    called_there = one.call_item(one.text.index("outer"))
    assert called_there == outer
    assert one.call_item(one.text.index("8x8")) is None


def test_a_block_is_renamed_in_all_files_that_use_it(project: Path) -> None:
    for start in ("lib.arch", "one.arch"):
        one = opened(project / start, project)
        made = one.rename(one.text.index("outer"), "twice").changes
        assert {Path(path).name for path in made} == {
            "lib.arch", "middle.arch", "one.arch", "two.arch", "broken.arch"
        }  # fmt: skip
        for path, changes in made.items():
            text = Path(path).read_text(encoding="utf-8")
            assert {text[change.start : change.end] for change in changes} == {"outer"}
    library = opened(project / "lib.arch", project)
    made = library.rename(LIBRARY.index("w) { inner"), "width").changes
    assert {Path(path).name for path in made} == {"lib.arch", "middle.arch"}  # `w=3`
    with pytest.raises(NotRenamed, match=r"already a block there in middle\.arch"):
        library.rename(LIBRARY.index("outer"), "middle")


@pytest.mark.slow
def test_renaming_says_which_published_weights_would_not_load(project: Path) -> None:
    one = bundled("resnet50")
    said = one.rename(one.text.index("layer1:"), "stage1").warning
    assert "ResNet50" in said
    assert "layer1.0.conv1 becomes stage1.0.conv1" in said
    assert "torchvision's ResNet50_Weights" in said
    assert not one.rename(one.text.index("num_classes ="), "classes").warning
    assert not one.rename(one.text.index("bottleneck(64"), "unit").warning  # named by place
    path = data.ARCHS / "blocks" / "resnet.arch"
    said = (
        opened(path, data.ARCHS)
        .rename(path.read_text(encoding="utf-8").index("downsample:"), "shortcut")
        .warning
    )  # in a file without a network: those that use it have weights
    assert " more get other names" in said
    library = opened(project / "lib.arch", project)
    said = library.rename(LIBRARY.index("inner"), "part").warning  # `inner1`, by its kind
    assert "inner1" in said
    assert "part1" in said
    assert "Published" not in said


def test_what_is_kept_changes_no_answer() -> None:
    """A text after others is analysed as by itself: same mistakes, same figures."""
    chance = random.Random(5)
    kept = Kept()
    path = api.bundled()["densenet121"]
    text = path.read_text(encoding="utf-8")
    for _ in range(30):
        at = chance.randrange(len(text))
        newer = text[:at] + chance.choice(["", "8", " ", "relu\n", "("]) + text[at + 1 :]
        source = Source(str(path), newer)
        one, other = analyze(source, kept=kept), analyze(source)
        assert [(d.code, d.title) for d in one.diagnostics] == [
            (d.code, d.title) for d in other.diagnostics
        ]
        assert one.cost == other.cost


OWN_BLOCKS = """\
network Own
param width = 8
param act = relu
let wide = 2 * width
input 16x16 x3

block inner(w, stride=1) { conv 3x3/(stride) p1 x(w) nobias; bn; act }
sequence pair(w) { conv 1x1 x(w); residual if (w == in.c) < inner(w) > }
block outer(w, @skip, stride=1) {
  let hidden = w + wide
  for i in 1..2 { step{i}: inner(hidden + i) }
  down: inner(w, stride)
  pair(w); pair(w)
  concat< @down | conv 1x1 x(w) >; conv 1x1 x(w); again: pair(w); reuse again
  output middle
  conv 1x1 x(@skip.c)
}

first: inner(width)
outer(2 * width, @first)
outer(2 * width, @first, 2)
inner(width); pair(width); gap; flatten; fc 10
"""


def random_edit(text: str, chance: random.Random) -> str:
    """Return the text with a character, a number or a line changed, put in or taken out."""
    lines, at = text.split("\n"), chance.randrange(len(text))
    row = chance.randrange(len(lines))
    match chance.randrange(5):
        case 0:
            return text[:at] + chance.choice("ab1 ({<>}\n#,") + text[at:]
        case 1:
            return text[:at] + text[at + 1 :]
        case 2:
            return "\n".join([*lines[:row], *lines[row + 1 :]])
        case 3:
            return "\n".join([*lines[:row], chance.choice(lines), *lines[row:]])
        case _:
            number = chance.choice([*re.finditer(r"\d+", text)])
            newer = str(int(number[0]) + chance.choice((-1, 1, 8)))
            return text[: number.start()] + newer + text[number.end() :]


def compare_with_fresh(
    changed: Document, times: int, chance: random.Random, *, written: bool = False
) -> None:
    """Hold a text against the same by itself while it changes: the whole plan, what is told, and
    what is `written`.
    """
    original = text = changed.text
    for _ in range(times):
        changed.analyse()
        text = random_edit(text if chance.random() < 0.6 else original, chance)
        changed.change(text)
        fresh = Document(text, changed.path, project=changed.path.parent)
        fresh.saved_text = original
        one, other = changed.analyse(), fresh.analyse()
        assert changed.findings() == fresh.findings(), text
        assert shape_hints(one) == shape_hints(other), text
        assert one.analysis.cost == other.analysis.cost, text
        main = str(changed.path)
        assert told(one.analysis.plan, main) == told(other.analysis.plan, main), text
        if written and one.analysis.ok and one.analysis.plan is not None:
            assert one.analysis.emit() == other.analysis.emit(), text
            assert one.analysis.draw() == other.analysis.draw(), text


def test_bodies_of_the_text_before_are_those_of_this_text() -> None:
    chance = random.Random(2)
    compare_with_fresh(document(OWN_BLOCKS), 40, chance)
    compare_with_fresh(bundled("mobilenet_v2"), 4, chance)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(api.bundled()))
def test_bodies_of_the_text_before_are_those_of_this_text_in_all_networks(name: str) -> None:
    compare_with_fresh(bundled(name), 8, random.Random(name), written=True)


def test_what_was_written_of_a_text_changes_nothing_of_the_next() -> None:
    """The emitter elaborates a network at other values of its params: those are not kept."""
    changed = bundled("efficientnet_b0")
    assert changed.analyse().analysis.emit()
    changed.change(f"# A comment.\n{changed.text}")
    fresh = Document(changed.text, changed.path, project=data.ARCHS)
    assert changed.analyse().analysis.emit() == fresh.analyse().analysis.emit()


def test_bodies_are_kept_where_a_block_means_the_same() -> None:
    """The text of a block moves, one beside it changes; what it names changes."""

    def bodies_of(name: str) -> list[object]:
        plan = changed.analyse().analysis.plan
        assert plan is not None
        return [b.inputs[0].shape for b in bodies(plan) if b.name == name]

    changed, made = document(OWN_BLOCKS), list[str]()
    assert bodies_of("inner")
    with pytest.MonkeyPatch.context() as patch:
        make = blocks._make_body

        def noted(state: Any, block: Any, *more: Any) -> Any:
            made.append(block.name)
            return make(state, block, *more)

        patch.setattr(blocks, "_make_body", noted)
        for change, anew in (
            (("network Own", "# A comment.\nnetwork Own"), set()),
            (("conv 1x1 x(w);", "conv 1x1 x(w); bn;"), {"pair", "outer"}),
            (("width = 8", "width = 16"), {"inner", "pair", "outer"}),
            (("act = relu", "act = gelu"), {"inner", "pair", "outer"}),
            (("fc 10", "fc 11"), set()),
        ):
            made.clear()
            changed.change(changed.text.replace(*change))
            assert changed.analyse().analysis.ok
            assert set(made) == anew


def test_an_analysis_can_be_stopped() -> None:
    path = api.bundled()["stochastic_depth_resnet1202"]
    asked = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) > 2

    with pytest.raises(Cancelled):
        analyze(Source(str(path), path.read_text(encoding="utf-8")), cancelled=cancelled)
    assert len(asked) == 3


# --- the rest ----------------------------------------------------------------------------


def test_outline_and_folds() -> None:
    parts = [(part.name, part.kind) for part in document().outline()]
    assert parts[:4] == [
        ("Net", "network"), ("classes", "param"), ("unit", "block"), ("stem", "layer")
    ]  # fmt: skip
    folds = [(fold.first, fold.last) for fold in document().folds()]
    assert (5, 9) in folds


def test_colours_are_in_order_and_in_the_legend() -> None:
    assert sorted({cls.category for cls in REGISTRY.values()}) == [*FAMILIES]
    for name in ("resnet50", "googlenet"):
        one = bundled(name)
        words = one.colours()
        assert all(a.end <= b.start for a, b in pairwise(words))
        assert {word.kind for word in words} <= {*KINDS}
        assert {m for word in words for m in word.modifiers} <= {*MODIFIERS}
        assert all("\n" not in one.text[word.start : word.end] for word in words)


def test_lenses_say_the_change_since_the_last_save() -> None:
    one = document()
    first, block = (lens for lens in one.lenses() if not lens.is_link)
    cost = one.analyse().analysis.cost
    assert first.text.startswith(f"{cost.params:,} parameters · ")
    assert block.text.startswith("2 calls · 3 forms · ")
    one.change(NETWORK.replace("classes = 10", "classes = 20"))
    assert "since the last save" in one.lenses()[0].text
    one.save()
    assert "since the last save" not in one.lenses()[0].text


def test_lenses_say_whether_the_network_fits_the_card(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The same as `archc fit` says of that batch, in mixed precision."""
    one = bundled("resnet50")
    for batch, said in ((64, "fits"), (512, "is tight on"), (600, "does not fit")):
        card = CardSetting.of({"gpu": "NVIDIA GeForce RTX 3090", "batch": batch, "amp": True})
        assert card is not None
        (lens,) = (each for each in one.lenses(card) if each.report == "fit")
        assert lens.text.startswith(f"batch {batch} {said} RTX 3090 (")
        assert lens.text.endswith("of 24.0 GiB, at most 495)" if batch == 600 else "of 24.0 GiB)")
        main(["fit", "resnet50", "--gpu", "rtx3090", "--amp", "--batch", str(batch)])
        out = capsys.readouterr().out
        report = write_report("fit", one.asked(card)).text
        assert report.split("The largest batch")[0] == out.split("The largest batch")[0]
        (row,) = (line for line in out.splitlines() if "24.0 GiB " in line)
        assert row.split()[-4] == "495"
        assert row.split()[-1] == {"fits": "fits", "is tight on": "tight"}.get(said, "no")
    assert not [lens for lens in one.lenses() if lens.report == "fit"]
    card = CardSetting.of({"gpu": 24, "optimizer": "adam"})
    assert card is not None
    assert (card.name, card.memory) == ("24 GiB", 24 * 2**30)
    (lens,) = (each for each in one.lenses(card) if each.report == "fit")
    assert lens.text.startswith("batch 256 "), "as its `train` says"


@pytest.mark.parametrize(
    "settings",
    [{"gpu": "RTX 3O90"}, {"gpu": -1}, {"gpu": 8, "batch": "64"}, {"gpu": 8, "optimizer": "lion"},
     {"gpu": [8]}, {"gpu": 8, "batch": 0}],
)  # fmt: skip
def test_a_setting_that_cannot_be_is_said(settings: dict[str, object]) -> None:
    with pytest.raises(BadSetting, match=r"archc\."):
        CardSetting.of(settings)
    assert CardSetting.of({}) is None


def test_reports_are_what_the_commands_say(capsys: pytest.CaptureFixture[str]) -> None:
    one = bundled("lenet5")
    assert {*REPORTS} == {*REPORT_COMMANDS}
    for name, command in (
        ("summary", ["summary", "lenet5"]),
        ("explain", ["explain", "lenet5"]),
        ("fit", ["fit", "lenet5"]),
    ):
        main(command)
        assert write_report(name, one.asked()).text.strip() == capsys.readouterr().out.strip(), name
    made = write_report("build", one.asked())
    assert (made.name, made.language) == ("LeNet5.py", "python")
    main(["build", "lenet5", "-o", "-"])
    assert made.text.strip() in capsys.readouterr().out
    assert "<svg" in write_report("diagram", one.asked()).text
    assert write_report("diagram", one.asked(page=True)).name == "LeNet5.html"
    offset = one.text.index("c5: conv") + 5 if "c5: conv" in one.text else one.text.index("conv ")
    assert "conv" in write_report("explain", one.asked(offset=offset)).text


def test_the_text_is_compared_with_the_saved_one() -> None:
    one = document()
    one.change(NETWORK.replace("classes = 10", "classes = 20"))
    assert "classes" in write_report("compare", one.asked()).text
    (lens,) = (each for each in one.lenses() if each.report == "compare")
    assert lens.is_link
    one.save()
    assert not [each for each in one.lenses() if each.report == "compare"]
    for text, said in (("block b() { relu }\n", "library"), (NETWORK + "conv !\n", "line 17")):
        one.change(text)
        with pytest.raises(NotReported, match=said):
            write_report("summary", one.asked())


def test_what_is_accepted_at_a_place() -> None:
    text = "input 8x8 x3\nx: unit(1, max(2, 3), w"
    cursor = cursor_at(Source("a", text), len(text))
    assert (cursor.head, cursor.commas, cursor.typed) == ("unit", 2, "w")
    assert cursor.takes_value
    assert not cursor.begins_statement


def test_a_source_is_short_in_a_log() -> None:
    source = Source("a.arch", "relu\n" * 1000)
    assert len(repr(Span(source, 0, 4))) < 100
