"""Random trees that some text could have been parsed to: right in form, without a meaning."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from archc import syntax as s
from archc.source import Source, Span

Nodes = st.SearchStrategy[Any]
NOWHERE = Span(Source("<made>", ""), 0, 0)
RESERVED = {"network", "use", "param", "block", "sequence", "train", "meta", "expect", "reuse"}
RESERVED |= {"if", "else", "for", "in", "and", "or", "not"}
_TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], include_characters="\n\t\r"),
    max_size=8,
)


def at(kind: type[Any], *fields: Nodes) -> Nodes:
    """Nodes of a class from its fields in order, the span left out."""
    return st.builds(lambda *values: kind(*values, span=NOWHERE), *fields)


def tuples_of(items: Nodes, least: int = 0, most: int = 3) -> Nodes:
    return st.lists(items, min_size=least, max_size=most).map(tuple)


identifiers = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,5}", fullmatch=True).filter(
    lambda word: word not in RESERVED
)
names = at(s.Name, identifiers)
integers = st.integers(0, 10**12)
numbers = at(s.Number, integers | st.floats(0, 1e12).filter(lambda value: value >= 0))
whole = at(s.Number, integers)
texts = at(s.Text, _TEXT)


targets = tuples_of(names | tuples_of(names, 1), 1)


def _larger(inner: Nodes) -> Nodes:
    signs = ["+", "-", "*", "/", "//", "%", "==", "!=", "<", "<=", ">", ">=", "and", "or"]
    return st.one_of(
        at(s.ListExpr, tuples_of(inner)),
        at(s.Index, inner, inner),
        at(s.Slice, inner, st.none() | inner, st.none() | inner),
        at(s.Comprehension, inner, targets, at(s.Over, inner, st.none() | inner)),
        at(s.UnaryExpr, st.sampled_from(["-", "+", "not"]), inner),
        at(s.Binary, st.sampled_from(signs), inner, inner),
        at(s.Conditional, inner, inner, inner),
        at(s.CallExpr, names, tuples_of(inner)),
    )


incoming = at(s.Incoming, st.sampled_from(["c", "h", "w", "d", "features"]))
plain_references = at(s.Reference, identifiers.map(lambda name: (name,)))
facts = at(s.SizeOf, plain_references, st.sampled_from(["c", "h", "w", "d", "features"]))
expressions = st.recursive(numbers | texts | names | incoming | facts, _larger, max_leaves=5)
maybe_index = st.none() | expressions


def _template(name: str, pieces: list[tuple[Any, str]]) -> tuple[Any, ...]:
    """`x{i}_{j}`: names and expressions in turn."""
    return (name, *(part for piece in pieces for part in piece if part != ""))


endings = st.from_regex(r"[A-Za-z0-9_]{0,3}", fullmatch=True)
templates = st.builds(_template, identifiers, st.lists(st.tuples(expressions, endings), max_size=2))
_PROPERTIES = tuple(((name,),) for name in ("c", "h", "w", "d", "features"))
path_parts = st.from_regex(r"[A-Za-z0-9_.-]{1,6}", fullmatch=True)
path_templates = st.builds(
    _template, path_parts, st.lists(st.tuples(expressions, path_parts), max_size=2)
)
paths = st.builds(lambda parts: s.Label(parts, NOWHERE, is_path=True), path_templates)
member_names = st.from_regex(r"[A-Za-z0-9_]{1,4}", fullmatch=True)
member_pieces = st.lists(st.tuples(expressions, endings), max_size=1)
members = st.builds(_template, member_names, member_pieces) | st.tuples(expressions)
references = st.builds(
    lambda parts, inner: s.Reference(parts, NOWHERE, inner), templates, tuples_of(members, 0, 2)
) | st.builds(
    lambda parts, inner: s.Reference(parts, NOWHERE, inner, is_path=True),
    path_templates,
    tuples_of(members, 0, 1),
)
aliases = at(s.Label, templates)
labels = aliases | paths

# A word such as `x64` would be a shape, and an `x` before a number a slip of the keyboard.
words = at(
    s.Word,
    st.from_regex(r"[A-Za-z_][A-Za-z_]{1,8}", fullmatch=True),
)
dims = st.lists(st.integers(0, 999), min_size=2, max_size=3).map(tuple)
sizes = at(s.Size, dims)
sized = at(s.Sized, tuples_of(whole | expressions, 2))
scalars = st.one_of(numbers, texts, at(s.UnaryExpr, st.just("-"), numbers), expressions)
option_values = scalars | sizes | sized | words | references
attributes = st.one_of(
    sizes,
    sized,
    words,
    at(s.Geometry, st.sampled_from("xpgd"), tuples_of(whole | expressions, 1)),
    at(s.Stride, tuples_of(whole | expressions, 1)),
    at(s.Plain, scalars),
    at(s.Option, names, option_values),
)
# One that ends in a property's name is that property.
handed_over = references.filter(lambda made: made.members[-1:] not in _PROPERTIES)
arguments = at(s.Argument, st.none() | names, expressions | handed_over)


def _is_operator(name: s.Name) -> bool:
    return name.id not in ("output", "input", "let", "each")  # these have forms of their own


operations = at(
    s.Operation,
    names.filter(_is_operator),
    st.none() | tuples_of(arguments),
    tuples_of(attributes),
    st.none() | st.lists(st.deferred(lambda: sequences), min_size=1, max_size=3).map(tuple),
)
optional = st.builds(
    lambda name, branches, test: s.Operation(name, None, (), branches, NOWHERE, test),
    names.filter(_is_operator),
    st.lists(st.deferred(lambda: sequences), min_size=1, max_size=2).map(tuple),
    expressions,
)
outputs = templates.map(
    lambda parts: s.Operation(
        s.Name("output", NOWHERE),
        None,
        (s.Word(parts[0], NOWHERE) if len(parts) == 1 else s.Label(parts, NOWHERE),),
        None,
        NOWHERE,
    )
)
sequences: Nodes = st.deferred(lambda: at(s.Sequence, tuples_of(statements)))
conditions = at(s.If, expressions, sequences, st.none() | sequences)
over = at(s.Over, expressions, maybe_index)
loops = at(s.For, targets, over, sequences)
simple = at(s.Statement, st.none() | labels, operations | references | outputs, maybe_index)
terms = st.one_of(
    operations,
    optional,
    outputs,
    at(s.Group, sequences),
    conditions,
    loops,
    references,
    at(s.Reuse, references),
)
statements: Nodes = st.one_of(simple, at(s.Statement, st.none() | labels, terms, maybe_index))

formals = at(s.Formal, names, maybe_index) | names.map(
    lambda name: s.Formal(name, None, NOWHERE, is_tensor=True)
)
blocks = st.builds(
    lambda name, formals, body, places: s.Block(name, formals, body, places, "", NOWHERE),
    names,
    tuples_of(formals),
    sequences,
    st.booleans(),
)
entry_values = attributes | st.just(s.Word("%", NOWHERE))
entries = at(
    s.Entry,
    at(s.Name, st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,5}", fullmatch=True)),
    st.sampled_from(["", "<", "<=", ">", ">=", "=="]),
    tuples_of(entry_values),
)
sections = at(
    s.Section,
    at(s.Name, st.sampled_from(["train", "meta", "expect"])),
    tuples_of(entries),
)
items = st.one_of(
    at(s.Network, names, st.none() | texts),
    at(s.Use, texts),
    at(s.Extends, texts),
    at(s.Without, st.lists(labels, min_size=1, max_size=2).map(tuple)),
    at(s.Param, names, expressions),
    blocks,
    sections,
    statements,
)
files = tuples_of(items, most=4).map(lambda found: s.File(found, span=NOWHERE, doc=""))
