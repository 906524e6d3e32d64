"""The emission model through the Jinja templates."""

from __future__ import annotations

import re
import textwrap
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from archc import data
from archc.emit.blame import blamed
from archc.emit.imports import Import, laid, used
from archc.emit.layout import WIDTH, CallArgument, Code, call, lay
from archc.emit.support import read_support, with_bases

if TYPE_CHECKING:
    from jinja2 import Environment

    from archc.emit.file import Module
    from archc.emit.program import ClassModel, Method

_KNOWN: list[Import] = [  # what the classes of a network may use
    ("collections", "OrderedDict"),
    ("collections.abc", "Sequence"),
    ("math", ""),
    ("typing", "Any"),
    ("typing", "ClassVar"),
    ("typing", "NamedTuple"),
    ("torch", ""),
    ("torch", "Tensor"),
    ("torch", "nn"),
    ("torch.nn.functional as F", ""),
]


def environment_of(templates: Path | None) -> Environment:
    """Jinja, with archc's templates behind those in `templates`, which are read anew each time."""
    return _archc() if templates is None else _make_environment(templates, data.TEMPLATES)


@cache
def _archc() -> Environment:
    return _make_environment(data.TEMPLATES)


def _make_environment(*folders: Path) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader([str(folder) for folder in folders]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    environment.filters |= {
        "docstring": docstring,
        "signature": signature,
        "forward_signature": forward_signature,
    }
    return environment


def render(module: Module, templates: Path | None = None) -> str:
    """The file's text. `templates` is searched before archc's own.

    Raises archc.emit.blame.TemplateFault for a template of the user's that does not work.
    """
    forms = _forms(module)
    with blamed(templates):
        template = environment_of(templates).get_template("model.py.jinja")
        support = [read_support(name, forms, templates) for name in with_bases(module.support)]
        body = template.render(module=module, support=[each.text for each in support])
    imports = [*(item for each in support for item in each.imports), *used(_KNOWN, body)]
    return body.replace("# imports\n", laid(imports) + "\n", 1)


def _forms(module: Module) -> list[str]:
    """Say which forms of support classes the file takes, where there are any.

    `deterministic` is for networks that drop no columns, `device` for constructors that take one,
    `whole` for blocks that are to run again to their very end, `normless` for networks without
    norms that keep statistics, which would count twice.
    """
    made = "\n".join(line for model in module.classes for line in model.init)
    wanted = {
        "deterministic": "PathSampler" not in module.support,
        "device": module.options.device,
        "whole": "nn.RReLU" in made,
        "normless": not ("nn.BatchNorm" in made or "track_running_stats=True" in made),
    }
    return [form for form, is_wanted in wanted.items() if is_wanted]


def docstring(lines: list[str], indent: int = 4) -> str:
    """Lines of text, also from a user's file, as a docstring that nothing can break out of."""
    pad = " " * indent
    wrapped: list[str] = []
    for at, line in enumerate(_summarised(lines)):
        text = harmless(line)
        room = WIDTH - indent - (3 if at == 0 else 0) - (3 if len(lines) == 1 else 0)
        wrapped += textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False) or [""]
    if len(wrapped) == 1:
        end = " " if wrapped[0].endswith('"') else ""
        return f'{pad}"""{wrapped[0]}{end}"""'
    rows = [f"{pad}{row}" if row else "" for row in wrapped[1:]]
    return "\n".join([f'{pad}"""{wrapped[0]}', *rows, f'{pad}"""'])


def _summarised(lines: list[str]) -> list[str]:
    """The first sentence on a line of its own, where there are more."""
    first, *rest = re.split(r"(?<!al\.)(?<!cf\.)(?<=\.) (?=[A-Z`\d])", lines[0], maxsplit=1)
    if not rest or len(first) > 79:
        return lines
    return [first, "", *rest, *lines[1:]]


def harmless(text: str) -> str:
    """The text with no backslash, quote run or control character that is itself."""
    text = "".join(c if c.isprintable() else " " for c in text)
    return text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"').strip()


def signature(model: ClassModel) -> str:
    """`def __init__(self, in_channels: int, width: int) -> None:`."""
    items: list[Code] = ["self", *(p.declared for p in model.parameters)]
    items += ["*", *model.keywords] if model.keywords else []
    return "\n".join(lay("def __init__", call("", *map(CallArgument, items)), " -> None:", 4))


def forward_signature(model: ClassModel | Method, name: str = "forward") -> str:
    """`def forward(self, x: Tensor) -> Tensor:`."""
    items = ["self", *(f"{name}: Tensor" for name in model.inputs)]
    return "\n".join(
        lay(f"def {name}", call("", *map(CallArgument, items)), f" -> {model.returns}:", 4)
    )
