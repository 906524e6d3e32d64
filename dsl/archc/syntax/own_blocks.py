"""Calls of the user's own blocks as torch has them: `self.a = Block(64)`, `x = Block(64)(x)`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import islice

from archc import habits, syntax
from archc.source import Diagnostic, Fix, SpanLabel
from archc.syntax.pasted_file import formals_of
from archc.syntax.python import BALANCED, CURRENT, PythonLine
from archc.syntax.suites import suite_below

_MOST_CALLS = 30
_INIT = re.compile(rf"def[ \t]+__init__[ \t]*\({BALANCED}\)")

_BLOCK = re.compile(
    rf"^[ \t]*(?P<word>block|sequence|class)[ \t]+(?P<name>[A-Za-z_]\w*)"
    rf"(?:[ \t]*\({BALANCED}\))?",
    re.MULTILINE,
)


@lru_cache(maxsize=1)  # each statement asks
def blocks_of(text: str) -> dict[str, habits.OwnBlock]:
    """The blocks of a file, and the classes that are to be some."""
    blocks = {}
    for found in _BLOCK.finditer(text):
        name, inside = found["name"], found[3]
        if found["word"] == "class":
            blocks[name] = _class_as_block(text, found)
        elif inside is None:
            blocks[name] = habits.OwnBlock(name)
        else:
            formals = (formal.partition("=")[0].strip() for formal in inside.split(","))
            blocks[name] = habits.OwnBlock(name, tuple(filter(None, formals)))
    return blocks


def _class_as_block(text: str, header: re.Match[str]) -> habits.OwnBlock:
    below = suite_below(text, header.start("word"))
    made = _INIT.search(text, below.start, below.end)
    if made is None:
        return habits.OwnBlock(header["name"])
    first = re.match(r"\s*self\s*,\s*(\w+)", made[1])
    formals = tuple(formal.partition("=")[0] for formal in formals_of(made[1]))
    takes_channels = first is not None and habits.is_incoming(first[1])
    return habits.OwnBlock(header["name"], formals, takes_channels)


def applied_block(line: PythonLine, blocks: Mapping[str, habits.OwnBlock]) -> Diagnostic | None:
    """`x = BasicBlock(512)(x)`: a block takes the tensor of the statement before it."""
    found = habits.applied_call(line.text)
    if found is None or found.name not in blocks:
        return None
    label = found.target.removeprefix("self.")
    is_name = label.isidentifier() and label not in (*CURRENT, *found.tensors)
    call, sure = blocks[found.name].call(found.node)
    written = f"{label}: {call}" if is_name else call
    title = f"`{found.name}` takes the tensor of the statement before it"
    help = "its arguments are the block's, without the channels that come in"
    fix = Fix(f"write `{written}`", line.span, written)
    helps = () if sure else (help,)
    return Diagnostic("A014", title, (SpanLabel(line.span),), helps=helps, fixes=(fix,))


_MADE_OF = re.compile(r"(?<![\w.])\w+\([ \t]*(\w+)[ \t]*,[ \t]*\[([\d, \t]{1,80})\]")
_ANY_BLOCK = "BasicBlock"  # what one is called where nobody knows which it is


def made_layer(line: PythonLine, blocks: Mapping[str, habits.OwnBlock]) -> Diagnostic | None:
    """`self.layer2 = self._make_layer(BasicBlock, 128, 2, stride=2)`."""
    found = habits.repeated_block(line.text)
    if found is not None and found.block not in blocks and found.block[0].islower():
        found = habits.repeated_block(line.text, _made_of(line.source.text, found.block, blocks))
    if found is None:
        return None
    known = found.block in blocks
    help = f"blocks in a row are a repeat: `{found.text}`"
    return Diagnostic(
        "A014",
        f"archc has no methods such as `{found.method}`",
        (SpanLabel(line.span),),
        helps=() if known else (help,),
        fixes=(Fix(help, line.span, found.text),) if known else (),
    )


def _made_of(text: str, name: str, blocks: Mapping[str, habits.OwnBlock]) -> habits.MadeOf | None:
    """What the file's network is called with, where `name` is a parameter of its constructor."""
    for found in islice(_MADE_OF.finditer(text), _MOST_CALLS):
        if found[1] in blocks:
            return habits.MadeOf(found[1], tuple(map(int, re.findall(r"\d+", found[2]))))
    return habits.MadeOf(_ANY_BLOCK) if name in syntax.RESERVED else None


def own_block(line: PythonLine, blocks: Mapping[str, habits.OwnBlock]) -> Diagnostic | None:
    """`self.layer1 = BasicBlock(64)`."""
    found = re.match(r"self\.(\w+)[ \t]*=[ \t]*([A-Za-z_]\w*)\([^\n#]*\)$", line.text)
    if found is None or not (found[2] in blocks or found[2][0].isupper()):
        return None
    label, name = found.groups()
    labels = (SpanLabel(line.span),)
    if name not in blocks:
        title = f"there is no operator or block `{name}`"
        help = f"define it: `block {name}() {{ ... }}`; then this is `{label}: {name}(...)`"
        return Diagnostic("A014", title, labels, helps=(help,))
    made = habits.made_block(line.text)
    if made is None:
        return None
    call, sure = blocks[name].call(made.node)
    written = f"{label}: {call}"
    title = f"`{line.text}` is written in another way here"
    if not sure:
        help = f"write `{label}: {name}(...)`, without the channels that come in"
        return Diagnostic("A014", title, labels, helps=(help,))
    return Diagnostic("A014", title, labels, fixes=(Fix(f"write `{written}`", line.span, written),))
