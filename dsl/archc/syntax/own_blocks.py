"""Calls of the user's own blocks as torch has them: `self.a = Block(64)`, `x = Block(64)(x)`."""

from __future__ import annotations

import re
from collections.abc import Collection

from archc import habits
from archc.source import Diagnostic, Fix, SpanLabel
from archc.syntax.python import BALANCED, CURRENT, PythonLine


def _without_channels(text: str, name: str, call: str) -> tuple[str, bool]:
    """A call without the channels that come in, and whether it is known that it had them.

    Torch's modules have them first, a block has not.
    """
    head = re.search(rf"^[ \t]*(?:block|sequence)[ \t]+{name}[ \t]*\({BALANCED}\)", text, re.M)
    inside = call[call.index("(") + 1 : call.rindex(")")]
    given = re.findall(r"(?:\([^()]*\)|\[[^\[\]]*\]|[^,])+", inside)
    bare = [argument for argument in given if "=" not in argument]
    if head is None or len(bare) < 2:
        return call, len(bare) < 2
    formals = [formal for formal in head[1].split(",") if formal.strip()]
    if len(given) > len(formals):
        return f"{name}({','.join(given[1:]).strip()})", True
    return call, False


def applied_block(line: PythonLine, blocks: Collection[str]) -> Diagnostic | None:
    """`x = BasicBlock(512)(x)`: a block takes the tensor of the statement before it."""
    found = habits.applied_call(line.text)
    if found is None or found.name not in blocks:
        return None
    label = found.target.removeprefix("self.")
    is_name = label.isidentifier() and label not in (*CURRENT, *found.tensors)
    call, sure = _without_channels(line.source.text, found.name, found.text)
    written = f"{label}: {call}" if is_name else call
    title = f"`{found.name}` takes the tensor of the statement before it"
    help = "its arguments are the block's, without the channels that come in"
    fix = Fix(f"write `{written}`", line.span, written)
    helps = () if sure else (help,)
    return Diagnostic("A014", title, (SpanLabel(line.span),), helps=helps, fixes=(fix,))


def made_layer(line: PythonLine, blocks: Collection[str]) -> Diagnostic | None:
    """`self.layer2 = self._make_layer(BasicBlock, 128, 2, stride=2)`."""
    found = habits.repeated_block(line.text)
    if found is None:
        return None
    help = f"blocks in a row are a repeat: `{found.text}`"
    known = found.block in blocks
    return Diagnostic(
        "A014",
        f"archc has no methods such as `{found.method}`",
        (SpanLabel(line.span),),
        helps=() if known else (help,),
        fixes=(Fix(help, line.span, found.text),) if known else (),
    )


def own_block(line: PythonLine, blocks: Collection[str]) -> Diagnostic | None:
    """`self.layer1 = BasicBlock(64)`."""
    found = re.match(r"self\.(\w+)[ \t]*=[ \t]*([A-Za-z_]\w*)(\([^\n#]*\))$", line.text)
    if found is None or not (found[2] in blocks or found[2][0].isupper()):
        return None
    label, name, arguments = found.groups()
    labels = (SpanLabel(line.span),)
    if name not in blocks:
        title = f"there is no operator or block `{name}`"
        help = f"define it: `block {name}() {{ ... }}`; then this is `{label}: {name}(...)`"
        return Diagnostic("A014", title, labels, helps=(help,))
    call, sure = _without_channels(
        line.source.text, name, f"{name}{arguments.replace('self.', '')}"
    )
    written = f"{label}: {call}"
    title = f"`{line.text}` is written in another way here"
    if not sure:
        help = f"write `{label}: {name}(...)`, without the channels that come in"
        return Diagnostic("A014", title, labels, helps=(help,))
    return Diagnostic("A014", title, labels, fixes=(Fix(f"write `{written}`", line.span, written),))
