"""`input` and `output`: where tensors enter and leave the network."""

from __future__ import annotations

from typing import Any

from archc import syntax
from archc.elaborate.evaluate import Evaluator
from archc.elaborate.labels import filled
from archc.elaborate.names import Names, refuse_reserved
from archc.elaborate.state import Context, Frame, Labelled, State
from archc.ops import Dims, Shape
from archc.plan import Output, Ref, Tensor
from archc.source import Fix, Span, SpanLabel, did_you_mean, fault


def enter(state: State, term: syntax.Operation, here: Context) -> Ref:
    """`input [name] 224x224 x3`: a tensor from outside."""
    frame = here.frame
    if not frame.is_network or frame.scopes or frame.branching:
        raise fault("A405", "`input` belongs to the network's own statements", term.name.span)
    frame.asked = True  # for its own mistakes, nobody else needs to complain
    words = _names(term)
    nameless = f"input{len(frame.inputs) + 1}" if frame.inputs else "x"
    name, span = (_name(words[0], here), words[0].span) if words else (nameless, term.span)
    refuse_reserved(name, span, "the input")
    if name in frame.input_names:
        cure = "name each input: `input left 105x105 x1`"
        raise fault("A106", f"there are two inputs `{name}`", span, cure)
    given = state.given.get(name, state.given.get(""))
    if given is not None:
        shape = _checked(given[0], given[1:], term.span, state.limits.integer)
    else:
        shape = _shape(term, Evaluator(frame.env, None, frame.work), state.limits.integer)
    tensor = Tensor(shape, term.span)
    frame.inputs.append(tensor)
    frame.input_names.append(name)
    statement = syntax.Statement(None, term, None, term.span)
    known = Labelled(tensor, statement, [], Names(False), frame.env, ())
    known.span = span if words else None  # else nobody calls it so
    frame.labels[name] = known
    if not words:
        frame.labels.setdefault("input", known)
    return Ref(tensor, term.span)


def _names(term: syntax.Operation) -> list[syntax.Word | syntax.Label]:
    """The names among the attributes of an input or output."""
    return [a for a in term.attributes if isinstance(a, syntax.Word | syntax.Label)]


def _name(written: syntax.Word | syntax.Label, here: Context) -> str:
    return written.id if isinstance(written, syntax.Word) else filled(written, here)


def _shape(term: syntax.Operation, evaluator: Evaluator, largest: int) -> Shape:
    size: tuple[Any, ...] = ()
    channels = None
    for attribute in term.attributes:
        match attribute:
            case syntax.Size() if not size:
                size = attribute.dims
            case syntax.Sized() if not size:
                size = tuple(evaluator.integer(dim, "a size", 1) for dim in attribute.dims)
            case syntax.Plain() if not size:
                size = (evaluator.integer(attribute.value, "a size", 1),)
            case syntax.Geometry(letter="x") if len(attribute.dims) == 1:
                channels = evaluator.integer(attribute.dims[0], "channels", 1)
            case syntax.Word() | syntax.Label():
                pass
            case _ if (cure := _meant(term)) is not None:
                title = "a shape is its size and its channels"
                raise fault("A302", title, term.span, cure)
            case _:
                title = "an input has a size and channels, nothing else"
                raise fault("A301", title, attribute.span, "as in `input 224x224 x3`")
    if channels is None:
        meant = _meant(term)
        other = "as in `input 224x224 x3`" if meant is None else ""
        raise fault("A302", "the input needs its channels", term.span, meant, other)
    return _checked(channels, size, term.span, largest)


def _meant(term: syntax.Operation) -> Fix | None:
    """`input 32x32x3`, `input 3x32x32`, `input 32x32 3`, `input(3, 32, 32)`, `input 784`."""
    from archc.habits import channels_apart

    dims: list[int] = []
    wide = ""
    parts = term.arguments or term.attributes
    for part in parts:
        match part:
            case syntax.Size():
                dims += part.dims
            case syntax.Plain(value=syntax.Number(value=int() as n)):
                dims.append(n)
            case syntax.Argument(value=syntax.Number(value=int() as n)):
                dims.append(n)
            case syntax.Geometry(letter="x") if not wide:
                wide = part.span.text
            case syntax.Word():
                pass
            case _:
                return None
    if wide:
        shape = f"{'x'.join(map(str, dims))} {wide}"
    else:
        shape = channels_apart(dims) or (f"x{dims[0]}" if len(dims) == 1 else "")
    names = [a.id for a in term.attributes if isinstance(a, syntax.Word)]
    meant = " ".join(("input", *names[:1], shape))
    safe = len(dims) > 1
    return Fix(f"write `{meant}`", term.span, meant, safe) if shape else None


def _checked(channels: int, size: Dims, span: Span, largest: int) -> Shape:
    if len(size) > 3:
        raise fault("A206", "an input has at most 3 spatial dimensions", span)
    for extent in (*size, channels):
        if not 1 <= extent <= largest:
            title = f"a size must be between 1 and {largest:,}, not {extent:,}"
            raise fault("A303", title, span)
    return Shape(channels, size)


def check_given(state: State, frame: Frame, span: Span) -> None:
    """Reports shapes given for inputs that the network does not have."""
    names = frame.input_names
    for name in state.given:
        if not name and len(names) > 1:
            title = f"the network has {len(names)} inputs: say which one has this size"
            cure = f"for example `--input {names[0]}=3x224x224`"
            state.report(fault("A313", title, span, cure))
        elif name and name not in names:
            hint = did_you_mean(name, names) or f"its inputs: {', '.join(names) or 'none'}"
            state.report(fault("A313", f"the network has no input `{name}`", span, hint))


def leave(term: syntax.Operation, here: Context) -> Output:
    """`output name`: the tensor here is an output of the network, or one more of the block."""
    words = _names(term)
    if len(words) != 1 or len(term.attributes) != 1:
        raise fault("A302", "`output` needs a name", term.span, "as in `output logits`")
    name = _name(words[0], here)
    declare_output(name, words[0].span, here.frame, again=here.names.replay)
    here.require_tensor(term.span)
    if here.x.shape is not None and here.x.shape.columns:
        title = f"an output is one tensor, not {here.x.shape}"
        raise fault("A208", title, term.span, "put `join` before it")
    here.frame.gives[name] = here.x
    return Output(name, here.x, term.span)


def declare_output(name: str, span: Span, frame: Frame, again: bool = False) -> None:
    """Raises Fault for an output's name that is taken, perhaps since its statement runs `again`."""
    refuse_reserved(name, span, "the output")
    if again and name in frame.outputs:
        title = f"what runs again would give the output `{name}` a second time"
        cure = "put the `output` behind the statement that is reused, with a name for each run"
        raise fault("A104", title, span, cure)
    if name in frame.outputs and frame.outputs[name].start == span.start:
        title = f"the output `{name}` would be several tensors"
        cure = f"it runs several times: in a loop over `i`, call it `{name}{{i}}`"
        raise fault("A104", title, span, cure)
    if name in frame.outputs:
        other = SpanLabel(frame.outputs[name], "the other is here")
        raise fault("A104", f"there are two outputs `{name}`", span, also=(other,))
    frame.outputs[name] = span
