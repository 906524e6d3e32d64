"""An operator's attributes as people write them who think of another tool: what was meant."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

from archc import habits, syntax
from archc.elaborate.state import Context
from archc.elaborate.work import TooLarge
from archc.ops import COMBINATORS, REGISTRY, Form, Op
from archc.source import Diagnostic, Diagnostics, Fault, Fix, Span, fault
from archc.syntax.input_line import with_input
from archc.syntax.pasted import python_line
from archc.syntax.python import PythonLine
from archc.syntax.script import script_line


def foreign_operator(name: syntax.Name, term: syntax.Operation, here: Context) -> Fault | None:
    """What to say of an operator of another tool: `Conv2d(3, 8, 3)`, `sum<...>`, `dense 10`."""
    line = PythonLine(name.span.source, name.span.start)
    if said := script_line(line, "A101"):
        return Fault(said)
    if term.arguments is not None and (made := _translated(term, here)):
        return made
    if cure := _run_together(name, term):
        return fault("A101", f"there is no operator or block `{name.id}`", name.span, cure)
    found = habits.renamed(name.id)
    if found is None or found.head == name.id:
        return None
    if found.lacks:
        if around := python_line(line, "A101"):
            return Fault(around)
        lacking = habits.Translation(name.id, lacks=found.lacks)
        return Fault(habits.as_diagnostic("A101", lacking, name.span))
    text = found.head + term.span.text[len(name.id) :] + found.rest
    span, new = (term.span, text) if found.rest else (name.span, found.head)
    cure = Fix(f"write `{_short(text)}`", span, new, found.sure)
    title = f"there is no operator or block `{name.id}`"
    if name.id in COMBINATORS:
        title = f"`{name.id}` takes branches"
    return fault("A101", title, name.span, cure)


def foreign_combinator(term: syntax.Operation, here: Context) -> Fault | None:
    """`dense 10`: a combinator here, and a layer elsewhere."""
    found = habits.renamed(term.name.id)
    if found is None or found.head in ("", term.name.id):
        return None
    return foreign_operator(term.name, term, here)


def merging(term: syntax.Operation) -> Fix | None:
    """The combinator that an operator with branches is elsewhere."""
    found = habits.renamed(term.name.id)
    if found is None or found.head not in COMBINATORS:
        return None
    return Fix(f"write `{found.head}< ... >`", term.name.span, found.head, found.sure)


def _run_together(name: syntax.Name, term: syntax.Operation) -> Fix | None:
    """`conv3x3 x16`, `fc10`."""
    found = re.fullmatch(r"([a-z_]+?)(\d+(?:x\d+)*)", name.id)
    if found is None or found[1] not in REGISTRY or term.arguments is not None:
        return None
    fields = REGISTRY[found[1]].fields().values()
    form = Form.SIZE if "x" in found[2] else Form.NUMBER
    if not any(field.form is form for field in fields):
        return None
    text = f"{found[1]} {found[2]}"
    return Fix(f"write `{text}`", name.span, text, safe=True)


def foreign_attributes(
    mistake: Fault, term: syntax.Operation, cls: type[Op], here: Context
) -> Fault:
    """A mistake in an operator's attributes, with the cure where these are another tool's."""
    if isinstance(mistake, TooLarge):
        return mistake
    if term.arguments is not None:
        made = _translated(term, here)
        return made or mistake
    written = _Written(term, cls, here)
    for case in _CASES:
        if fix := case(written):
            diagnostic = replace(mistake.diagnostic, helps=(), fixes=(fix,))
            return Fault(diagnostic)
    return mistake


def _translated(term: syntax.Operation, here: Context) -> Fault | None:
    span, shape = term.span, here.x.shape
    made = habits.translated(span.source.text, span.start, shape.rank if shape else None)
    if made is None or made.text == span.text:
        return None
    made = with_input(made, span.source, span.start)
    if made.end != span.end - span.start:
        span = Span(span.source, span.start, span.start + made.end)
    return Fault(_held_against(here, made, habits.as_diagnostic("A101", made, span)))


def check_channels(problems: Diagnostics, here: Context, broken: Span) -> None:
    """Hold the channels that a statement in another tool's syntax says against those there are.

    It is no statement here, and was reported where it was read.
    """
    for at, said in enumerate(problems.items):
        span = said.span
        if said.code != "A014" or not said.fixes or span.source is not broken.source:
            continue
        if span.start <= broken.start <= max(span.end, said.fixes[0].span.end):
            made = habits.translated(span.source.text, span.start)
            if made is not None and made.text:
                problems.items[at] = _held_against(here, made, said)


def _held_against(here: Context, made: habits.Translation, said: Diagnostic) -> Diagnostic:
    """What was said; sure where as many channels come in as were written, else with a note."""
    shape, wanted = here.x.shape, made.incoming
    if shape is None or wanted is None or said.notes:
        return said
    if wanted == shape.channels:
        return replace(said, fixes=tuple(replace(fix, safe=made.sure) for fix in said.fixes))
    what = "channels" if shape.rank else "features"
    if made.text.rpartition(": ")[2].startswith("fc ") and shape.rank:
        return said
    note = f"you wrote {wanted} input {what}; there are {shape.channels} here"
    return replace(said, notes=(*said.notes, note))


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text.split('<')[0][:40]}< ... >"


# --- what stands in the place of something else ------------------------------------------


@dataclass(frozen=True, slots=True)
class _Written:
    """An operator and its attributes as they stand there."""

    term: syntax.Operation
    cls: type[Op]
    here: Context

    def takes(self, *forms: Form) -> bool:
        return {*forms} <= {field.form for field in self.cls.fields().values()}

    @property
    def whole(self) -> list[tuple[int, syntax.Attribute]]:
        """Numbers written bare, with their places."""
        return [(at, a) for at, a in enumerate(self.term.attributes) if _number(a) is not None]

    def without(self, *places: int, instead: dict[int, str] | None = None) -> str:
        """The statement with some attributes left out, and others put in the place of some."""
        instead = instead or {}
        parts = [
            instead.get(at, a.span.text)
            for at, a in enumerate(self.term.attributes)
            if at not in places
        ]
        return " ".join((self.term.name.span.text, *parts)).replace(" /", "/")

    def fix(self, text: str, *, safe: bool = True) -> Fix:
        return Fix(f"write `{text}`", self.term.span, text, safe)


def _number(attribute: syntax.Attribute) -> int | None:
    """The value of a whole number that is written bare."""
    if isinstance(attribute, syntax.Plain) and isinstance(attribute.value, syntax.Number):
        value = attribute.value.value
        return value if isinstance(value, int) else None
    return None


def _features_first(written: _Written) -> Fix | None:
    """`fc 400 120`: what comes in is known."""
    shape, numbers = written.here.x.shape, written.whole
    if not written.takes(Form.NUMBER) or written.takes(Form.SIZE) or len(numbers) != 2:
        return None
    if written.cls.required() != ("out",):
        return None
    if shape is not None and _number(numbers[0][1]) not in (shape.channels, shape.features):
        return None
    return written.fix(written.without(numbers[0][0]), safe=shape is not None)


def _torch_order(written: _Written) -> Fix | None:
    """`conv 3 16 3`: channels that come in, channels that go out, window."""
    numbers, shape = written.whole, written.here.x.shape
    if not written.takes(Form.SIZE, Form.WIDTH) or len(numbers) != 3 or shape is None:
        return None
    if len(written.term.attributes) < 3 or _number(numbers[0][1]) != shape.channels:
        return None
    (first, _), (second, out), (third, window) = numbers
    size = "x".join([window.span.text] * shape.rank)
    return written.fix(written.without(third, instead={first: size, second: f"x{out.span.text}"}))


def _channels_bare(written: _Written) -> Fix | None:
    """`conv 5x5 6`, `conv 16 3x3`, `conv 3x3 16 same`."""
    if not written.takes(Form.SIZE, Form.WIDTH) or written.cls.fields().get("size"):
        return None
    attributes, numbers = written.term.attributes, written.whole
    has_size = any(isinstance(a, syntax.Size | syntax.Sized) for a in attributes)
    has_width = any(isinstance(a, syntax.Geometry) and a.letter == "x" for a in attributes)
    if not has_size or has_width or len(numbers) != 1:
        return None
    at, number = numbers[0]
    wide = f"x{number.span.text}"
    if any(isinstance(a, syntax.Size | syntax.Sized) for a in attributes[:at]):
        return written.fix(written.without(instead={at: wide}))
    size = next(i for i, a in enumerate(attributes) if isinstance(a, syntax.Size | syntax.Sized))
    return written.fix(written.without(instead={at: attributes[size].span.text, size: wide}))


def _channels_in_window(written: _Written) -> Fix | None:
    """`conv 5x5x6`: on an image there is no third dimension."""
    shape = written.here.x.shape
    if not written.takes(Form.SIZE, Form.WIDTH) or shape is None or not shape.rank:
        return None
    for at, attribute in enumerate(written.term.attributes):
        if isinstance(attribute, syntax.Size) and len(attribute.dims) == shape.rank + 1:
            *size, wide = attribute.dims
            split = f"{'x'.join(map(str, size))} x{wide}"
            has_width = any(
                isinstance(a, syntax.Geometry) and a.letter == "x" for a in written.term.attributes
            )
            return None if has_width else written.fix(written.without(instead={at: split}))
    return None


def _stride_bare(written: _Written) -> Fix | None:
    """`pool 3 2`: window and stride."""
    shape, numbers = written.here.x.shape, written.whole
    if not written.takes(Form.SIZE, Form.STRIDE) or written.takes(Form.WIDTH):
        return None
    attributes = written.term.attributes
    sized = [at for at, a in enumerate(attributes) if isinstance(a, syntax.Size)]
    if len(sized) == 1 and len(numbers) == 1 and sized[0] < numbers[0][0]:
        at, stride = numbers[0]
        window = attributes[sized[0]].span.text
        same = {stride.span.text} == {*window.split("x")}
        text = (
            written.without(at) if same else written.without(instead={at: f"/{stride.span.text}"})
        )
        return written.fix(text)
    if sized or len(numbers) != 2 or shape is None:
        return None
    (first, window_), (second, stride) = numbers
    size = "x".join([window_.span.text] * shape.rank)
    if window_.span.text == stride.span.text:
        return written.fix(written.without(second, instead={first: size}))
    return written.fix(written.without(instead={first: size, second: f"/{stride.span.text}"}))


_LONG = {
    "stride": Form.STRIDE,
    "strides": Form.STRIDE,
    "padding": Form.PADDING,
    "pad": Form.PADDING,
    "groups": Form.GROUPS,
    "dilation": Form.DILATION,
    "channels": Form.WIDTH,
    "filters": Form.WIDTH,
    "out": Form.WIDTH,
    "features": Form.WIDTH,
}
_SHORT = {
    Form.STRIDE: "/",
    Form.PADDING: "p",
    Form.GROUPS: "g",
    Form.DILATION: "d",
    Form.WIDTH: "x",
}


def _letter_apart(written: _Written) -> Fix | None:
    """`conv 3x3 p1 x width`, `conv 3x3 p 1`: the letter and its value are one."""
    forms = {letter: form for form, letter in _SHORT.items()}
    gone: list[int] = []
    instead: dict[int, str] = {}
    fields = written.cls.fields().values()
    own = {word for field in fields for word in (*field.words, *field.choices)}
    sure = True
    for at, (word, value) in enumerate(pairwise(written.term.attributes)):
        form = forms.get(word.id) if isinstance(word, syntax.Word) else None
        if form is None or not written.takes(form) or at in instead:
            continue
        if isinstance(value, syntax.Word) and value.id not in own:
            text = f"{word.span.text}({value.id})"
            sure = sure and value.id in written.here.frame.env
        elif isinstance(value, syntax.Plain | syntax.Size):
            text = f"{word.span.text}{value.span.text}"
        else:
            continue
        gone.append(at)
        instead[at + 1] = text
    return written.fix(written.without(*gone, instead=instead), safe=sure) if gone else None


def _long_names(written: _Written) -> Fix | None:
    """`conv 3x3 stride 2 padding 1 x8`: a long name needs `=`, or is short."""
    attributes = written.term.attributes
    gone: list[int] = []
    instead: dict[int, str] = {}
    for at, (word, value) in enumerate(pairwise(attributes)):
        form = _LONG.get(word.id.lower()) if isinstance(word, syntax.Word) else None
        if (
            form is not None
            and written.takes(form)
            and isinstance(value, syntax.Plain | syntax.Size)
        ):
            gone.append(at)
            instead[at + 1] = f"{_SHORT[form]}{value.span.text}"
    return written.fix(written.without(*gone, instead=instead)) if gone else None


def _activation(written: _Written) -> Fix | None:
    """`conv 3x3 x16 activation=relu`: a statement of its own."""
    for at, attribute in enumerate(written.term.attributes):
        if not isinstance(attribute, syntax.Option):
            continue
        if attribute.name.id.lower() not in ("activation", "act", "nonlinearity", "activation_fn"):
            continue
        value = attribute.value
        word = value.span.text.strip("\"'")
        found = habits.renamed(word)
        meant = found.head if found is not None and found.head else word
        if word.lower() in ("none", "linear", "identity"):
            return written.fix(written.without(at))
        if meant in REGISTRY:
            return written.fix(f"{written.without(at)}; {meant}")
    return None


def _known_channels(written: _Written) -> Fix | None:
    """`bn 64`, `bn x64`, `ln 64`: the channels that come in are known."""
    shape = written.here.x.shape
    if shape is None or written.cls.category != "norm" or written.takes(Form.NUMBER):
        return None
    for at, attribute in enumerate(written.term.attributes):
        number = _number(attribute)
        if isinstance(attribute, syntax.Geometry) and attribute.letter == "x":
            number = int(attribute.span.text[1:]) if attribute.span.text[1:].isdigit() else None
        if number is not None and number == shape.channels:
            return written.fix(written.without(at))
    return None


_IDLE = frozenset("inplace in_place name dtype device".split())
_AXES = {"dim": "1", "axis": "1"}  # the channels', which archc means anyway
_OWN = frozenset(
    "scale scale_factor factor units num_output nodes neurons out_features rate prob".split()
)


def _idle_option(written: _Written) -> Fix | None:
    """`relu inplace=true`, `softmax dim=1`: nothing to say here."""
    for at, attribute in enumerate(written.term.attributes):
        if not isinstance(attribute, syntax.Option):
            continue
        name, value = attribute.name.id, attribute.value.span.text
        if name not in written.cls.fields() and (name in _IDLE or _AXES.get(name) == value):
            return written.fix(written.without(at))
    return None


def _own_number(written: _Written) -> Fix | None:
    """`upsample scale=2`, `fc units=10`: the operator's own number needs no name."""
    fields = written.cls.fields()
    own = {f.form for f in fields.values()} & {Form.NUMBER, Form.SIZE}
    if not own or written.whole:
        return None
    known = {name for key, field in fields.items() for name in (key, *field.also)}
    for at, attribute in enumerate(written.term.attributes):
        if isinstance(attribute, syntax.Option) and attribute.name.id in _OWN - known:
            return written.fix(written.without(instead={at: attribute.value.span.text}))
    return None


_CASES: tuple[Callable[[_Written], Fix | None], ...] = (
    _activation,
    _idle_option,
    _own_number,
    _known_channels,
    _letter_apart,
    _long_names,
    _features_first,
    _torch_order,
    _channels_in_window,
    _channels_bare,
    _stride_bare,
)
