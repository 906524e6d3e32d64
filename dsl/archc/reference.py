"""What the documents say of operators, recipes, commands and checks, from their registries.

`python -m archc.reference docs/*.md` writes it into the files that have its marks, each part
between its two; without a file it prints all of it.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from archc import syntax
from archc.analysis.costs import Costs
from archc.cli.manual import commands
from archc.elaborate.network import elaborate, link
from archc.ops import REGISTRY, Field, Form, Op
from archc.plan import Apply, Body, walk
from archc.recipe import FAMILIES, LINES, Line
from archc.recipe._line import REQUIRED
from archc.report.spelling.shapes import format_dims
from archc.source import Diagnostics, Limits, Source
from archc.syntax.parser import parse
from archc.verify.page import page as checks

_ORDER = (
    "conv",
    "linear",
    "pool",
    "blur",
    "norm",
    "act",
    "channels",
    "drop",
    "reshape",
    "resize",
    "pointwise",
    "merge",
)
_RANKS = {0: "feature vectors", 1: "signals", 2: "images", 3: "volumes"}


def operators() -> str:
    """All operators as Markdown, by family."""
    return "\n".join(line for title, found in _families() for line in _family(title, found))


def glance() -> str:
    """The names of all operators as a table, by family, each with a link to its entry."""
    rows = ["| | |", "| --- | --- |"]
    for title, classes in _families():
        names = (f"[`{c.name}`](operators.md#{c.name.replace(' ', '-')})" for c in classes)
        rows.append(f"| {title} | {' '.join(names)} |")
    return "\n".join([*rows, ""])


def recipe_lines() -> str:
    """All lines of `train` as Markdown, by family."""
    return "\n".join(row for family in FAMILIES for row in _recipe_family(family))


def updated(text: str) -> str:
    """`text` with what is between marks written anew. Raises ValueError without marks."""
    found = False
    for name, write in _PARTS.items():
        before, begin, rest = text.partition(f"<!-- The {name}: written by `")
        how, close, rest = rest.partition("` -->\n")
        _, end, after = rest.partition(f"<!-- end of the {name} -->\n")
        if begin and close and end:
            found = True
            text = f"{before}{begin}{how}{close}\n{write()}\n{end}{after}"
    if not found:
        raise ValueError(f"the marks are missing, of {' and of '.join(_PARTS)}")
    return text


def _place(module: str) -> int:
    name = module.rpartition(".")[2]
    return _ORDER.index(name) if name in _ORDER else len(_ORDER)


def _families() -> list[tuple[str, list[type[Op]]]]:
    """The operators of each module, under what its docstring begins with."""
    found: dict[str, list[type[Op]]] = {}
    for cls in dict.fromkeys(REGISTRY.values()):
        found.setdefault(cls.__module__, []).append(cls)
    ordered = sorted(found.items(), key=lambda item: _place(item[0]))
    docs = ((inspect.getdoc(sys.modules[module]) or "", classes) for module, classes in ordered)
    return [(re.split(r"[.:]", doc, maxsplit=1)[0], classes) for doc, classes in docs]


def _family(title: str, classes: list[type[Op]]) -> Iterator[str]:
    yield f"## {title}"
    yield ""
    for cls in classes:
        yield from _operator(cls)


def _operator(cls: type[Op]) -> Iterator[str]:
    yield f"### `{cls.name}`"
    yield ""
    yield inspect.getdoc(cls) or ""
    yield ""
    rows = [row for f in dataclasses.fields(cls) for row in _rows(cls, f)]
    if rows:
        yield "| written | by name | means | default |"
        yield "| --- | --- | --- | --- |"
        yield from rows
        yield ""
    yield " ".join(_remarks(cls))
    yield ""


def _rows(cls: type[Op], field: dataclasses.Field[Any]) -> Iterator[str]:
    spec: Field = field.metadata["archc"]
    default = _default(spec, field.default)
    for written, value in _written(cls, spec, field.name, default):
        long = f"`{field.name}={value}`"
        yield f"| {written} | {'' if long in written else long} | {spec.doc} | {default} |"


def _written(cls: type[Op], spec: Field, name: str, default: str) -> Iterator[tuple[str, str]]:
    """How a field is written, and an example of its value."""
    match spec.form:
        case Form.FLAG:
            for word, value in spec.words.items():
                yield f"`{word}`", str(value).lower()
        case Form.OPTION if spec.choices:
            yield ", ".join(f"`{choice}`" for choice in spec.choices), spec.choices[0]
        case Form.OPTION:
            value = default or {int: "2", float: "0.1"}.get(spec.kind, "7x7")
            also = f" `{name}=@label`" if spec.tensor else ""
            yield f"`{name}={value}`{also}", value
        case Form.NUMBER:
            value = cls.number_example(name)
            yield f"`{value}`", value
        case _:
            also = "".join(f" `{word}`" for word in spec.words)
            yield f"`{spec.form.value}`{also}", spec.form.value.lstrip("/pxgd")


# --- recipes -----------------------------------------------------------------------------


def _recipe_family(family: ModuleType) -> Iterator[str]:
    doc = inspect.getdoc(family) or ""
    yield f"## {doc.partition(':')[0].partition('.')[0]}"
    yield ""
    for key, kinds in LINES.items():
        classes = [cls for cls in kinds.values() if cls.__module__ == family.__name__]
        shared = _shared(classes)
        for cls in classes:
            yield f"- `{cls.example}`: {' '.join((inspect.getdoc(cls) or '').split())}"
            own = [name for name in cls.fields() if name not in shared]
            yield from (f"  {row}" for row in _recipe_fields(cls, own))
        if shared:
            yield f"- Each `{key}` takes:"
            yield from (f"  {row}" for row in _recipe_fields(classes[0], shared))
    yield ""


def _shared(classes: list[type[Line]]) -> list[str]:
    """The fields that all lines of one first word have, where there are several."""
    if len(classes) < 2:
        return []
    return [name for name in classes[0].fields() if all(name in cls.fields() for cls in classes)]


def _recipe_fields(cls: type[Line], names: list[str]) -> Iterator[str]:
    """A row for each option and word; the line's own number is what its docstring is about."""
    for name in names:
        spec, default = cls.fields()[name], cls.defaults()[name]
        is_given = spec.form is Form.OPTION and default not in (None, 0, REQUIRED)
        ending = f" ({default})" if is_given else ""
        if spec.form is not Form.NUMBER:
            words = [f"`{word}`" for word in spec.words] or [f"`{name}=`"]
            yield f"- {', '.join(words)} {spec.doc}{ending}"


def _default(spec: Field, value: Any) -> str:
    if value is dataclasses.MISSING:
        return "needed"
    if value is None or spec.form is Form.FLAG:
        return ""
    if isinstance(value, tuple):
        return format_dims(value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _remarks(cls: type[Op]) -> Iterator[str]:
    body = _example(cls)
    node = next(node for node in reversed(_applied(body)) if type(node.op) is cls)
    op, xs = node.op, node.shapes
    params = Costs().of_body(body).params
    count = f", with {params:,} parameters" if op.weights(*xs) else ""
    yield f"`{cls.example}` makes {op.shape(*xs)} of {cls.example_input}{count}."
    if len(cls.ranks) < len(_RANKS):
        *most, last = (_RANKS[rank] for rank in cls.ranks)
        yield f"For {', '.join(most)}{' and ' * bool(most)}{last}."
    if cls.aliases:
        yield f"Also called {', '.join(f'`{alias}`' for alias in cls.aliases)}."
    call = op.torch(*xs)
    if call is not None and call.target.startswith("nn."):
        yield f"In torch: `{call.target}`."


def _example(cls: type[Op]) -> Body:
    """The class's example as a network."""
    text = f"network Example\ninput {cls.example_input}\n{cls.example}\n"
    file, diagnostics = parse(Source("example.arch", text))[0], Diagnostics()
    library = link(file, _no_file, diagnostics)
    plan = elaborate(file, library, {}, diagnostics, Limits())
    assert not diagnostics.failed, cls.example
    return plan.body


def _no_file(use: syntax.Use, source: Source) -> syntax.File:
    raise AssertionError("an example uses no file")


def _applied(body: Body) -> list[Apply]:
    return [node for node in walk(body.chain.nodes) if isinstance(node, Apply)]


_PARTS = {  # what is between the marks of that name
    "operators": operators,
    "operators at a glance": glance,
    "lines of `train`": recipe_lines,
    "checks": checks,
    "commands": commands,
}


def main() -> None:
    if len(sys.argv) == 1:
        print("\n".join(write() for write in _PARTS.values()))
    for name in sys.argv[1:]:
        path = Path(name)
        path.write_text(updated(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
