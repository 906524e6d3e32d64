"""Names of modules: by label, by kind and count in blocks, by place in groups.

The rules give the well-known published implementations' weights their names, so that those load.
"""

from __future__ import annotations

import keyword
from collections.abc import Iterator
from dataclasses import dataclass, field

from archc import syntax
from archc.source import Fault, Fix, Span, SpanLabel, fault

# What nn.Module has: a submodule of such a name would hide it. A test compares with torch.
MODULE_ATTRIBUTES = frozenset(
    """T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda
    double dump_patches eval extra_repr float forward get_buffer get_extra_state get_parameter
    get_submodule half ipu load_state_dict modules mtia named_buffers named_children named_modules
    named_parameters parameters register_backward_hook register_buffer register_forward_hook
    register_forward_pre_hook register_full_backward_hook register_full_backward_pre_hook
    register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module
    register_parameter register_state_dict_post_hook register_state_dict_pre_hook requires_grad_
    set_extra_state set_submodule share_memory state_dict to to_empty train training type xpu
    zero_grad append extend insert pop clear items keys values update""".split()
)
# What the generated code itself says.
OWN_NAMES = frozenset(
    "self super torch nn F Tensor math range len enumerate getattr init_weights reset_parameters"
    " side in_channels in_depth in_height in_width".split()
)


def refuse_reserved(name: str, span: Span, what: str) -> None:
    """Raises Fault for a name that Python or nn.Module has taken."""
    if keyword.iskeyword(name):
        why = "is a word of Python"
    elif name in MODULE_ATTRIBUTES:
        why = "is an attribute of every nn.Module"
    elif name in OWN_NAMES:
        why = "is a name that generated code uses"
    elif name.startswith("_"):
        why = "starts as Python's private names do"
    else:
        return
    better = f"{name.strip('_') or 'x'}_"
    cure = Fix(f"call it `{better}`", span, better)
    raise fault("A105", f"{what} `{name}` {why}", span, cure)


def refuse_class_name(name: str, span: Span) -> None:
    """Raises Fault for a block whose class could not be called after it."""
    if name.startswith("_") or keyword.iskeyword(name[:1].upper() + name[1:]):
        refuse_reserved(name[:1].upper() + name[1:], span, "the block")


@dataclass(slots=True)
class Names:
    """Hands out the names of one scope, each once.

    `places`: number the items (groups) instead of counting kinds (blocks). `reserved` are the
    labels written anywhere in the scope's block, which automatic names leave free. A replay
    (`reuse`) runs through the same names again.
    """

    places: bool
    reserved: frozenset[str] = frozenset()
    counts: dict[str, int] = field(default_factory=dict)
    taken: dict[str, Span] = field(default_factory=dict)
    containers: dict[str, Span] = field(default_factory=dict)  # `convs`, of `"convs.0":`
    replay: bool = False

    def auto(self, kind: str, span: Span) -> str:
        while True:
            number = self.counts.get("" if self.places else kind, 0 if self.places else 1)
            self.counts["" if self.places else kind] = number + 1
            name = str(number) if self.places else f"{kind}{number}"
            if name not in self.reserved:
                return self.claim(name, span)

    def claim(self, name: str, span: Span) -> str:
        """Take a name. Raises Fault where the scope has it already."""
        parts = name.split(".")
        around = [".".join(parts[:length]) for length in range(1, len(parts))]
        earlier = next((x for n in (name, *around) if (x := self.taken.get(n))), None)
        earlier = earlier or self.containers.get(name)
        if earlier is not None and not self.replay:
            raise named_twice(name, span, earlier)
        self.taken[name] = span
        self.containers |= dict.fromkeys(around, span)
        return name

    def place(self) -> None:
        """Count a labelled item of a group, so that the next one has the next place."""
        if self.places:
            self.counts[""] = self.counts.get("", 0) + 1

    def again(self) -> Names:
        """These names as they stand now, to be handed out a second time."""
        return Names(self.places, self.reserved, dict(self.counts), replay=True)


def named_twice(name: str, span: Span, earlier: Span) -> Fault:
    """The mistake of two things in one scope with one name."""
    if earlier.start == span.start and earlier.source is span.source:
        title = f"the label `{name}` would name several things"
        cure = f"it runs several times: label it `{name}{{i}}` with the loop's name, or not at all"
        return fault("A104", title, span, cure)
    title = f"there are two things called `{name}` here"
    other = SpanLabel(earlier, "the other is here")
    return fault("A104", title, span, "give one of them another label", also=(other,))


def labels_in(sequence: syntax.Sequence) -> frozenset[str]:
    """The labels written in a body, branches and groups included."""
    found = (statement.label for statement in statements_in(sequence))
    return frozenset(name for label in found if label is not None and (name := label.fixed))


def aliases_in(sequence: syntax.Sequence) -> frozenset[str]:
    """The names of tensors (`as c3`) written in a body, branches and groups included."""
    found = (statement.alias for statement in statements_in(sequence))
    return frozenset(name for alias in found if alias is not None and (name := alias.fixed))


def statements_in(sequence: syntax.Sequence) -> Iterator[syntax.Statement]:
    """All statements of a body, branches and groups included (blocks called are not)."""
    stack: list[syntax.Sequence] = [sequence]
    while stack:
        for statement in stack.pop().statements:
            yield statement
            stack.extend(inner_sequences(statement.term))


def inner_sequences(term: syntax.Term) -> tuple[syntax.Sequence, ...]:
    match term:
        case syntax.Operation():
            return term.branches or ()
        case syntax.Group() | syntax.For() | syntax.Each():
            return (term.body,)
        case syntax.If():
            return (term.then,) if term.other is None else (term.then, term.other)
        case _:
            return ()
