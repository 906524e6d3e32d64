"""The emission model through the Jinja templates."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from archc import data
from archc.emit.layout import WIDTH, Code, Item, call, lay

if TYPE_CHECKING:
    from jinja2 import Environment

    from archc.emit.file import Module
    from archc.emit.program import ClassModel, Method


def make_environment(templates: Path | None = None) -> Environment:
    """Jinja, with archc's templates behind those in `templates`."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    folders = [*([templates] if templates is not None else []), data.TEMPLATES]
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

    Raises jinja2.TemplateError for a template of the user's that does not work.
    """
    environment = make_environment(templates)
    template = environment.get_template("model.py.jinja")
    support = [
        environment.select_template(_files(name, module)).render().strip("\n")
        for name in _sources(module)
    ]
    body = template.render(module=module, support=support)
    return _with_imports(module, body)


def _files(name: str, module: Module) -> list[str]:
    """Where a support class may be.

    One that holds tensors has a form that takes a device; one that minds running statistics, or
    drops columns, has a shorter form for networks without any; one that runs again to the `whole`
    of its end is for networks that need it.
    """
    drops = "PathSampler" in module.support
    made = "\n".join(line for model in module.classes for line in model.init)
    has_norms = "nn.BatchNorm" in made or "track_running_stats=True" in made
    folders = (
        ("diceless/", not drops),
        ("device/", module.options.device),
        ("whole/", "nn.RReLU" in made),
        ("normless/", not has_norms),
        ("", True),
    )
    return [f"support/{folder}{name}.py.jinja" for folder, wanted in folders if wanted]


def _sources(module: Module) -> list[str]:
    """The support files needed, each once: one file may define several classes."""
    return [
        name
        for name in module.support
        if (data.TEMPLATES / "support" / f"{name}.py.jinja").exists()
    ]


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
    return "\n".join(lay("def __init__", call("", *map(Item, items)), " -> None:", 4))


def forward_signature(model: ClassModel | Method, name: str = "forward") -> str:
    """`def forward(self, x: Tensor) -> Tensor:`."""
    items = ["self", *(f"{name}: Tensor" for name in model.inputs)]
    return "\n".join(lay(f"def {name}", call("", *map(Item, items)), f" -> {model.returns}:", 4))


_IMPORTS = (
    (r"\bOrderedDict\(", "from collections import OrderedDict"),
    (r"\bmath\.", "import math"),
)


def _with_imports(module: Module, body: str) -> str:
    """Put the imports that the code needs at the mark that the template left."""
    code = re.sub(r'"""[\s\S]*?"""|#.*', "", body)
    stdlib = sorted(
        (line for pattern, line in _IMPORTS if re.search(pattern, code)),
        key=lambda line: (line.startswith("from"), line),
    )
    stdlib += _names("collections.abc", ("Iterator", "Mapping", "Sequence"), code)
    stdlib += _names("contextlib", ("contextmanager", "nullcontext"), code)
    stdlib += _names("typing", ("Any", "ClassVar", "NamedTuple", "Self"), code)
    torch = ["import torch"] if re.search(r"\btorch\.", code) else []
    torch += ["import torch.nn.functional as F"] if re.search(r"\bF\.", code) else []
    torch += [
        "from torch import Tensor, nn" if re.search(r"\bTensor\b", code) else "from torch import nn"
    ]
    if re.search(r"\bcheckpoint\(", code):
        stop = ", set_checkpoint_early_stop" if "set_checkpoint_early_stop(" in code else ""
        torch.append(f"from torch.utils.checkpoint import checkpoint{stop}")
    lines = [*stdlib, *([""] if stdlib else []), *torch]
    return body.replace("# imports\n", "\n".join(lines) + "\n", 1)


def _names(module: str, names: tuple[str, ...], code: str) -> list[str]:
    """The import of those that the code mentions."""
    found = [name for name in names if re.search(rf"\b{name}\b", code)]
    return [f"from {module} import {', '.join(found)}"] if found else []
