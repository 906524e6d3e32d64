"""What a pasted script does with its network, which is no layer: `model.summary()`, a loop."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from typing import TYPE_CHECKING

from archc import habits
from archc.source import Diagnostic, Edit, Fix, Source, Span, SpanLabel
from archc.syntax.expected import ParserContext
from archc.syntax.own_blocks import blocks_of
from archc.syntax.pasted_classes import is_in_class
from archc.syntax.pasted_file import pasted_classes
from archc.syntax.pasted_sequence import pasted_sequence
from archc.syntax.python import FAR_AHEAD, PythonLine
from archc.syntax.suites import suite_below

if TYPE_CHECKING:
    import ast

_MOST = 100  # statements that go at once
_SUITE = re.compile(r"(?:for|while|with|if)\b[^\n]*:[ \t]*(?:#[^\n]*)?(?=\n)")
_ALSO = re.compile(r"(?:elif|else)\b[^\n]*:[ \t]*(?=#|\n)")
_BETWEEN = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\n)*")
_FENCE = re.compile(r"^[ \t]*```[^\n`]*$\n?", re.MULTILINE)
_OF_NOTEBOOK = re.compile(r"[!%]{1,2}[a-z]\w*\b[^\n]*")
_MODULES = re.compile(
    r"(?:torch\.)?(?:optim|cuda|device|manual_seed|save|load|no_grad|rand|randn|randint|zeros|ones"
    r"|utils|jit|onnx|backends)(?:\.|\Z)|(?:(?:tf\.)?keras\.)?(?:datasets|utils|callbacks"
    r"|optimizers|losses|metrics|Model)(?:\.|\Z)|Model\Z|(?:\w+\.)*load_model\Z|tf\.(?:random|data|config)\."
    r"|(?:np|plt|os|sys|time|random|transforms|T|torchvision(?!\.models)|wandb|logging|datasets|torchsummary"
    r"|torchinfo)\.|(?:print|summary|main|test|train|display|plot_model|DataLoader|TensorDataset"
    r"|SummaryWriter|tqdm|to_categorical|train_test_split)\Z"
)
_METHODS = frozenset(
    "summary compile fit fit_generator evaluate predict save save_weights load_weights cuda cpu "
    "load_state_dict state_dict to eval train zero_grad backward step item parameters numel astype "
    "add_scalar load_data set_seed named_parameters requires_grad_".split()
)
_LOSS = re.compile(
    r"(?:(?:torch\.)?nn\.\w*Loss|(?:F|nn\.functional)\.\w*(?:loss|cross_entropy)\w*)"
)
_LAYER = re.compile(
    r"(?:self|F|(?:torch\.)?nn|(?:(?:tf\.)?keras\.)?layers)\.(?!init\.|utils\.|parallel\.)"
)
_NAME = re.compile(r"^network[ \t]+(\w+)", re.MULTILINE)
_NETWORK = re.compile(r"\w*(?:net|model|cnn)\w*", re.IGNORECASE)


def script(context: ParserContext) -> Diagnostic | None:
    """`model.summary()`, `for epoch in range(10):`, which goes with all that is below it."""
    if any(at < context.start for at, _ in context.brackets):
        return None
    return script_line(PythonLine(context.source, context.start))


def script_line(line: PythonLine, code: str = "A014") -> Diagnostic | None:
    """The same at a place of a text, with the lines behind it that are such, too."""
    text = line.source.text
    margin = text[text.rfind("\n", 0, line.start) + 1 : line.start]
    end = _end_of_script(line) if not margin.strip() and not is_in_class(line) else None
    if end is None:
        return None
    head = line.text.partition("\n")[0]
    input = _input_said(line)
    for _ in range(0 if input else _MOST):
        after = _BETWEEN.match(text, end + 1)
        assert after is not None
        begin = after.end() + len(margin)
        if text[after.end() : begin] != margin or text[begin : begin + 1] in ("", " ", "\t"):
            break
        more = _end_of_script(PythonLine(line.source, begin))
        if more is None:
            break
        end = more
    span = Span(line.source, line.start - len(margin), min(len(text), end + 1))
    title = "leave these lines out" if "\n" in span.text.strip() else "leave the line out"
    label = SpanLabel(Span(line.source, line.start, line.start + len(head.rstrip())))
    help = "a file says what the network is, not what to do"
    fix = Fix(title, span, "")
    if input:
        fix = Fix(f"write `{input}`", line.span, input)
    return Diagnostic(code, "archc has no programs", (label,), helps=(help,), fixes=(fix,))


def _input_said(line: PythonLine) -> str:
    """The line for what comes in, of `x = torch.randn(1, 3, 32, 32)` above the layers."""
    network, number = pasted_sequence(line.source), line.span.line
    if network is None or line.start > network.edit.span.start:
        return ""
    return next((said.line for said in network.said if said.number == number), "")


@lru_cache(maxsize=2 * _MOST)  # each of some in a row asks for those below it
def _end_of_script(line: PythonLine) -> int | None:
    """Where a statement ends that does something and makes no layers; None of another."""
    text = line.source.text
    end = line.end
    if _SUITE.match(text, line.start):
        end = _end_of_suite(text, line.start)
    else:
        rest = re.compile(r"[ \t]*(?:#[^\n]*)?(?=\n|\Z)").match(text, end)
        if rest is None:
            return None
        end = rest.end()
    if not line.start < end <= line.start + FAR_AHEAD:
        return None
    margin = line.start - text.rfind("\n", 0, line.start) - 1
    node = habits.read_statement(_dedented(text[line.start : end], margin))
    if node is None:
        return None
    networks = {pasted_classes(line.source).network, *_NAME.findall(text)}
    makers = (blocks_of(text).keys() | _makers(line.source)) - networks
    return end if not _names_any(node, makers) and is_script(node, networks) else None


def _end_of_suite(text: str, start: int) -> int:
    margin = start - text.rfind("\n", 0, start) - 1
    end = at = start
    while at < start + FAR_AHEAD:
        below = suite_below(text, at)
        if below.is_empty:
            return end
        end, at = below.end, below.end + 1 + margin
        if not _ALSO.match(text, at):
            break
    return end


def _dedented(text: str, margin: int) -> str:
    return re.sub(rf"\n[ \t]{{{margin}}}", "\n", text) if margin else text


@lru_cache(maxsize=1)  # each statement asks
def _makers(source: Source) -> frozenset[str]:
    """The functions of a file that make layers, for all one knows."""
    functions = pasted_classes(source).functions.items()
    read = ((name, habits.read_statement(span.text)) for name, span in functions)
    return frozenset(name for name, node in read if node is None or makes_layers(node))


def _names_any(node: ast.AST, names: Collection[str]) -> bool:
    import ast

    return any(isinstance(part, ast.Name) and part.id in names for part in ast.walk(node))


def is_script(node: ast.stmt, networks: Collection[str] = ()) -> bool:
    """Whether a statement of Python does something, and makes no layers."""
    import ast

    if makes_layers(node) or has_words(node):
        return False
    match node:
        case ast.While() | ast.With() | ast.Assert() | ast.Delete():
            return True
        case ast.Assign([ast.Attribute()]):  # model.trainable = False
            return True
        case ast.Expr(ast.Call(func)) if _LOSS.match(ast.unparse(func)):
            return False  # perhaps meant as a layer
        case ast.Expr(value) | ast.Assign(value=value) | ast.AugAssign(value=value):
            return _acts(value, networks)
        case ast.For() | ast.If():
            return any(isinstance(n, ast.expr) and _acts(n, networks) for n in ast.walk(node))
        case ast.FunctionDef():
            return any(is_script(inner, networks) for inner in node.body)
    return False


def _acts(node: ast.expr, networks: Collection[str]) -> bool:
    """Whether a value asks for what no network computes of its input."""
    import ast

    for call in ast.walk(node):
        match call:
            case ast.Call(ast.Attribute(attr=method)) if method in _METHODS:
                return True
            case ast.Call(ast.Name(name)) if name in networks or _NETWORK.fullmatch(name):
                return True
            case ast.Call(func) if _MODULES.match(text := ast.unparse(func)) or _LOSS.match(text):
                return True
    return False


def makes_layers(node: ast.AST) -> bool:
    """Whether a statement has a layer in it, wherever."""
    import ast

    for part in ast.walk(node):
        if isinstance(part, ast.Attribute | ast.Call):
            func = part.func if isinstance(part, ast.Call) else part
            name = ast.unparse(func)
            is_layer = _LAYER.match(name) or name.endswith("Sequential")
            if is_layer and not _LOSS.match(name):
                return True
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Name):
            made = habits.translated(ast.unparse(part)) if part.func.id[:1].isupper() else None
            if made is not None and made.text:
                return True
    return False


def has_words(node: ast.stmt) -> bool:
    """Whether some of its statements are a word alone: layers that are archc's already."""
    import ast

    return any(isinstance(n, ast.Expr) and isinstance(n.value, ast.Name) for n in ast.walk(node))


def fence(context: ParserContext) -> Diagnostic | None:
    """Markdown's three signs around a pasted file, which go at once."""
    source, at = context.source, context.position
    if not source.text.startswith("```", at):
        return None
    fences = [Span(source, *found.span()) for found in _FENCE.finditer(source.text)]
    own = next((span for span in fences if span.start <= at < span.end), None)
    if own is None:
        return None
    also = tuple(Edit(span, "") for span in fences if span is not own)
    title = "this is a sign of Markdown's, around the file"
    fix = Fix("leave these lines out" if also else "leave the line out", own, "", True, also=also)
    return Diagnostic("A014", title, (SpanLabel(PythonLine(source, at).span),), fixes=(fix,))


def of_notebook(context: ParserContext) -> Diagnostic | None:
    """`!pip install torch`, `%matplotlib inline`."""
    line = PythonLine(context.source, context.start)
    if context.brackets or not _OF_NOTEBOOK.fullmatch(line.text) or line.whole == line.span:
        return None
    fix = line.removal(safe=True)
    return Diagnostic("A014", "archc has no commands", (SpanLabel(line.span),), fixes=(fix,))
