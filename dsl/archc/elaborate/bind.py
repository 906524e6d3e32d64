"""Attributes as written to an operator's fields."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from archc import symbolic, syntax
from archc.elaborate.evaluate import Evaluator
from archc.ops import OTHER, REGISTRY, Dims, Field, Form, Op
from archc.plan import Applicable
from archc.source import Fix, Source, Span, did_you_mean, fault, spelling

_LETTER = {"x": Form.WIDTH, "p": Form.PADDING, "g": Form.GROUPS, "d": Form.DILATION}
_NAMES = {
    Form.SIZE: "a window",
    Form.STRIDE: "a stride",
    Form.PADDING: "padding",
    Form.WIDTH: "output channels",
    Form.GROUPS: "groups",
    Form.DILATION: "dilation",
    Form.NUMBER: "a number of its own",
}
_LIKE_GEOMETRY = re.compile(r"([xpgd])(\w+)", re.I)


@dataclass(slots=True)
class Bound:
    """An operator, where each of its fields was written, and the tensor that `to=@x` names.

    `is_plain` where no number of it remembers where it is from.
    """

    op: Op
    spans: dict[str, Span]
    tensor: syntax.Reference | None = None
    is_plain: bool = False

    def moved(self, by: int, source: Source) -> Bound:
        """Return the same of an operation of the same text so many characters further down."""
        spans = {n: Span(source, s.start + by, s.end + by) for n, s in self.spans.items()}
        return Bound(self.op, spans, None, self.is_plain)


@dataclass(slots=True)
class Binder:
    """Binds one operation to one operator class. Raises Fault for the first mistake."""

    cls: type[Op]
    operation: syntax.Operation
    evaluator: Evaluator
    largest: int
    values: dict[str, Any] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict)
    tensor: syntax.Reference | None = None
    is_plain: bool = True
    _fields: dict[str, Field] = field(init=False)  # its words

    def __post_init__(self) -> None:
        self._fields = self.cls.fields()

    def bind(self) -> Bound:
        for argument in self.operation.arguments or ():
            self._argument(argument)
        for attribute in self.operation.attributes:
            self._attribute(attribute)
        missing = [name for name in self.cls.required() if name not in self.values]
        if missing:
            self._refuse_missing(missing[0])
        return Bound(self.cls(**self.values), self.spans, self.tensor, self.is_plain)

    # --- the forms -----------------------------------------------------------------------

    def _argument(self, argument: syntax.Argument) -> None:
        """`dropout(0.5)`, `upsample(2, mode=bilinear)`: the same in brackets."""
        value = argument.value
        if isinstance(value, syntax.Reference):
            if argument.name is None:
                title = f"`{self.cls.name}` takes no tensor as an argument"
                raise fault("A301", title, value.span, self._usage())
            self._option(syntax.Option(argument.name, value, argument.span))
        elif argument.name is None:
            self._plain(syntax.Plain(value, argument.span))
        elif isinstance(value, syntax.Name) and value.id not in self.evaluator.env:
            word = syntax.Word(value.id, value.span)
            self._option(syntax.Option(argument.name, word, argument.span))
        else:
            self._option(syntax.Option(argument.name, value, argument.span))

    def _attribute(self, attribute: syntax.Attribute) -> None:
        match attribute:
            case syntax.Size():
                self._set(self._form(Form.SIZE, attribute.span), attribute.dims, attribute.span)
            case syntax.Sized() | syntax.Stride():
                form = Form.SIZE if isinstance(attribute, syntax.Sized) else Form.STRIDE
                name = self._form(form, attribute.span)
                self._set(name, self._sized(name, form, attribute.dims), attribute.span)
            case syntax.Geometry():
                name = self._form(_LETTER[attribute.letter], attribute.span)
                dims = self._dims(attribute.dims, lambda: self._describe(name))
                if self._fields[name].kind is int and len(dims) > 1:
                    raise fault(
                        "A303", f"{_NAMES[self._fields[name].form]} is one number", attribute.span
                    )
                self._set(name, dims[0] if self._fields[name].kind is int else dims, attribute.span)
            case syntax.Plain():
                self._plain(attribute)
            case syntax.Word():
                self._word(attribute)
            case syntax.Option():
                self._option(attribute)

    def _plain(self, attribute: syntax.Plain) -> None:
        names = [n for n, f in self._fields.items() if f.form is Form.NUMBER]
        names += [n for n, f in self._fields.items() if f.form is Form.SIZE]
        free = [n for n in names if n not in self.values]
        if isinstance(attribute.value, syntax.Text) or not names:
            what = "text" if isinstance(attribute.value, syntax.Text) else "number of its own"
            raise fault("A301", f"`{self.cls.name}` takes no {what}", attribute.span, self._usage())
        name = (free or names)[0]
        value = self._number(attribute.value, name)
        if name in self.values and (cure := self._channels_apart(attribute)):
            raise fault("A304", f"{self._describe(name)} is given twice", attribute.span, cure)
        self._set(name, value, attribute.span)

    def _channels_apart(self, second: syntax.Plain) -> Fix | None:
        """`conv 3 64`, `conv 64 3`: the larger one of two numbers is the channels."""
        plain = [a for a in self.operation.attributes if isinstance(a, syntax.Plain)]
        numbers = [a.value.value for a in plain if isinstance(a.value, syntax.Number)]
        takes_width = any(field.form is Form.WIDTH for field in self._fields.values())
        if len(plain) != 2 or len(numbers) != 2 or numbers[0] == numbers[1] or not takes_width:
            return None
        small, large = sorted(numbers)
        span = Span(second.span.source, plain[0].span.start, second.span.end)
        meant = f"{small} x{large}"
        return Fix(f"write `{self.cls.name} {meant}`: the channels behind an `x`", span, meant)

    def _word(self, word: syntax.Word) -> None:
        for name, spec in self._fields.items():
            if word.id in spec.words:
                return self._set(name, spec.words[word.id], word.span)
            if word.id in spec.choices:
                return self._set(name, word.id, word.span)
        title = f"`{self.cls.name}` knows no `{word.id}`"
        cure = self._cure_of(word) or (None if self._fields else self._left_out(word.span))
        raise fault("A310", title, word.span, cure or self._usage())

    def _cure_of(self, word: syntax.Word) -> Fix | None:
        """A word that the operator does not know, as it was meant."""
        if word.id in REGISTRY or isinstance(self.evaluator.env.get(word.id), Applicable):
            hint = f"`{word.id}` is a statement of its own: put `;` before it"
            gap = word.span.source.text[: word.span.start].rstrip(" \t")
            before = Span(word.span.source, len(gap), word.span.end)
            return Fix(hint, before, f"; {word.id}", safe=True)
        if meant := self._meant(word.id):
            return Fix(f"write `{meant}`", word.span, meant, safe=True)
        names = [n for n, value in self.evaluator.env.items() if not isinstance(value, Applicable)]
        if word.id in names:
            text = f"{self._letter_of_value()}({word.id})"
            hint = f"put it in brackets for its value: `{text}`"
            return Fix(hint, word.span, text, safe=True)
        known = [w for f in self._fields.values() for w in (*f.words, *f.choices)]
        known += [n.split(" ")[1] for n in REGISTRY if n.startswith(f"{self.cls.name} ")]
        if close := spelling(word.id, known, word.span):
            return close
        hint = did_you_mean(word.id, names, "did you mean `({})`?")
        return Fix(hint, word.span, hint.split("`")[1]) if hint else None

    def _letter_of_value(self) -> str:
        """`x` where a bare number is the window, which is there: `conv 3x3 (width)`."""
        forms = {spec.form for spec in self._fields.values()}
        sizes = (syntax.Size, syntax.Sized)
        has_window = any(isinstance(a, sizes) for a in self.operation.attributes)
        return "x" if has_window and Form.WIDTH in forms and Form.NUMBER not in forms else ""

    def _meant(self, word: str) -> str:
        """`X16`, `xc`, `s2`: the attribute in the form that it has here, or nothing."""
        found = _LIKE_GEOMETRY.fullmatch(word)
        letter = found[1].lower() if found else ""
        takes = found and any(f.form is _LETTER[letter] for f in self._fields.values())
        if found and takes and found[2].isdigit():
            return f"{letter}{found[2]}"
        if found and takes and found[2] in self.evaluator.env:
            return f"{letter}({found[2]})"
        strided = re.fullmatch(r"[sS](\d+)", word)
        if strided and any(f.form is Form.STRIDE for f in self._fields.values()):
            return f"/{strided[1]}"
        return ""

    def _option(self, option: syntax.Option) -> None:
        name = self._named(option.name.id)
        if name not in self._fields:
            for field_name, spec in self._fields.items():
                if name in spec.words and spec.kind is bool:  # nobias=true
                    name, flip = field_name, not spec.words[name]
                    truth = self._bool(option.name.id, option.value)
                    return self._set(name, truth != flip, option.span)
            title = f"`{self.cls.name}` has no option `{name}`"
            cure = self._cure_of_option(option)
            raise fault("A301", title, option.name.span, cure or self._usage())
        spec, value = self._fields[name], option.value
        match value:
            case syntax.Size():
                dims: Any = value.dims
            case syntax.Sized():
                dims = self._dims(value.dims, lambda: f"`{name}`")
            case syntax.Word():
                return self._set(name, self._option_word(name, value), option.span)
            case syntax.Reference():
                if not spec.tensor:
                    raise fault("A301", f"`{name}` takes no tensor", value.span)
                self.tensor = value
                return self._set(name, OTHER, option.span)
            case _:
                return self._set(name, self._option_value(name, value), option.span)
        if spec.kind is not Dims:
            raise fault("A303", f"`{name}` is one number, not a size", option.span)
        self._set(name, dims, option.span)

    def _cure_of_option(self, option: syntax.Option) -> Fix | None:
        """An option that the operator does not have, as it was meant: `g=2`, `strde=2`."""
        name = option.name
        if name.id in _LETTER:
            meant = self._meant(f"{name.id}{option.value.span.text}")
            return Fix(f"write `{meant}`", option.span, meant, safe=True) if meant else None
        names = [n for key, spec in self._fields.items() for n in (key, *spec.also)]
        return spelling(name.id, names, name.span)

    # --- values --------------------------------------------------------------------------

    def _option_word(self, name: str, word: syntax.Word) -> Any:
        spec = self._fields[name]
        if word.id in spec.words:
            return spec.words[word.id]
        if word.id in spec.choices:
            return word.id
        if spec.kind is bool:
            return self._bool(name, word)
        if spec.choices:
            close = spelling(word.id, spec.choices, word.span)
            cure = close or f"there are {', '.join(spec.choices)}"
            raise fault("A310", f"`{name}` cannot be `{word.id}`", word.span, cure)
        if spec.tensor and word.id not in self.evaluator.env:
            title = f"`{word.id}` is not a parameter or a loop's name here"
            hint = f"a label has `@` before it: `{name}=@{word.id}`"
            raise fault("A102", title, word.span, Fix(hint, word.span, f"@{word.id}", safe=True))
        return self._option_value(name, syntax.Name(word.id, word.span))

    def _bool(self, name: str, value: Any) -> bool:
        if isinstance(value, syntax.Word) and value.id in ("true", "false"):
            return value.id == "true"
        if isinstance(value, syntax.Word | syntax.Size | syntax.Sized | syntax.Reference):
            raise fault("A303", f"`{name}` is true or false", value.span)
        return self.evaluator.truth(value)

    def _option_value(self, name: str, expr: syntax.Expr) -> Any:
        spec = self._fields[name]
        if spec.kind is bool:
            return self.evaluator.truth(expr)
        if spec.kind is str:
            value = self.evaluator.value(expr)
            if value not in spec.choices:
                raise fault("A310", f"`{name}` is one of {', '.join(spec.choices)}", expr.span)
            return value
        return self._number(expr, name)

    def _number(self, expr: syntax.Expr, name: str) -> Any:
        """A number for a field of ints, floats or Dims."""
        kind = self._fields[name].kind
        if kind is float:
            value = self.evaluator.number(expr)
            return value if isinstance(value, float) else _as_float(value)
        if self._fields[name].fraction:
            return (self._fraction(expr),)
        value = self.evaluator.integer(expr, lambda: self._describe(name))
        return (value,) if kind is Dims else value

    def _sized(self, name: str, form: Form, exprs: tuple[syntax.Expr, ...]) -> tuple[Any, ...]:
        if self._fields[name].fraction:
            return tuple(map(self._fraction, exprs))
        return self._dims(exprs, lambda: f"{_noun(form)} of `{self.cls.name}`")

    def _fraction(self, expr: syntax.Expr) -> Any:
        """A number; a whole one is an int."""
        value = self.evaluator.number(expr)
        whole = isinstance(value, float) and value.is_integer()
        return symbolic.combine("floor", value) if whole else value

    def _dims(self, exprs: tuple[syntax.Expr, ...], what: Callable[[], str]) -> Dims:
        return tuple([self.evaluator.integer(expr, what) for expr in exprs])

    def _set(self, name: str, value: Any, span: Span) -> None:
        if name in self.values:
            raise fault("A304", f"{self._describe(name)} is given twice", span, "keep one of them")
        spec = self._fields[name]
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, bool) or not isinstance(number, int | float):
                self.is_plain = self.is_plain and not isinstance(number, tuple)
                continue
            self.is_plain = self.is_plain and not symbolic.is_traced(number)
            low, high = spec.minimum, spec.maximum if spec.maximum is not None else self.largest
            bound = f"at least {low}" if low is not None and number < low else ""
            bound = bound or (f"at most {high}" if number > high else "")
            if bound:
                shown = f"{number:g}" if isinstance(number, float) else str(number)
                title = f"{self._describe(name)} must be {bound}, not {shown}"
                raise fault("A303", title, span, self._percent(name, number, span))
        self.values[name] = value
        self.spans[name] = span

    def _percent(self, name: str, number: float, span: Span) -> Fix | None:
        """`dropout 50`: a probability, in per cent."""
        if self._fields[name].maximum != 1 or not 1 < number <= 100:
            return None
        shown = f"{number:g}"
        if span.text.count(shown) != 1:
            return None
        share = f"{number / 100:g}"
        return Fix(f"write `{share}`", span, span.text.replace(shown, share))

    # --- words ---------------------------------------------------------------------------

    def _form(self, form: Form, span: Span) -> str:
        for name, spec in self._fields.items():
            if spec.form is form:
                return name
        cure = self._left_out(span)
        raise fault("A301", f"`{self.cls.name}` takes no {_noun(form)}", span, self._usage(), cure)

    def _left_out(self, span: Span) -> Fix | None:
        """Without the attribute, where nothing else is missing."""
        if self.cls.required():
            return None
        text = span.source.text
        start = len(text[: span.start].rstrip(" \t"))
        return Fix(f"leave out `{span.text}`", Span(span.source, start, span.end), "")

    def _named(self, written: str) -> str:
        """The field that an option's name means: its own, or a word of the field for it."""
        if written in self._fields:
            return written
        meant = [name for name, spec in self._fields.items() if written in spec.also]
        return meant[0] if len(meant) == 1 else written

    def _describe(self, name: str) -> str:
        spec = self._fields[name]
        noun = spec.doc if spec.form is Form.NUMBER and spec.doc else _noun(spec.form)
        preposition = "in" if " of " in noun else "of"
        return f"{noun} {preposition} `{self.cls.name}`" if spec.form in _NAMES else f"`{name}`"

    def _usage(self) -> str:
        forms = [_usage_of(self.cls, name) for name in self._fields]
        return f"`{self.cls.name}` takes " + (", ".join(forms) if forms else "no attributes")

    def _refuse_missing(self, name: str) -> None:
        spec, example = self._fields[name], self.cls.example
        noun = spec.doc if spec.form is Form.NUMBER else _NAMES.get(spec.form, "an option")
        what = f"{noun}: `{_usage_of(self.cls, name).split('`')[1]}`"
        hint = f"for example `{example}`" if example else ""
        raise fault("A302", f"`{self.cls.name}` needs {what}", self.operation.name.span, hint)


def _noun(form: Form) -> str:
    return _NAMES.get(form, "option").removeprefix("a ").replace("number of its own", "number")


def _usage_of(cls: type[Op], name: str) -> str:
    spec = cls.fields()[name]
    is_number = spec.form is Form.NUMBER
    example = cls.number_example(name) if is_number else spec.form.value
    match spec.form:
        case Form.FLAG:
            return "`" + "` or `".join(spec.words) + "`"
        case Form.OPTION:
            choices = "|".join(spec.choices) or "..."
            return f"`{name}={choices}`"
        case _:
            return f"`{example}` or `{name}=` ({spec.doc or name})"


def _as_float(value: Any) -> Any:
    if symbolic.is_traced(value):
        return symbolic.traced(float(value), symbolic.expr_of(value))
    return float(value)
