"""From what a file says in a line of `train` to the class of that line. Raises Fault (A312)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from archc.recipe._line import (
    LINES,
    REQUIRED,
    Form,
    Line,
    Note,
    RecipeError,
    convert,
    format_value,
)
from archc.source import Span, did_you_mean, fault


@dataclass(frozen=True, slots=True)
class Setting:
    """A line of `train` or `meta` as written: plain values in order, options by name."""

    key: str
    values: tuple[Any, ...]
    options: dict[str, Any]
    span: Span


def read_line(setting: Setting) -> Line:
    """Return the line that a setting is. Its key must be a known one."""
    try:
        cls = _class(setting)
        if issubclass(cls, Note):
            return cls(words=setting.values, span=setting.span)
        words = setting.values[1:] if "" not in LINES[setting.key] else setting.values
        values = _options(cls, setting) | _values(cls, words)
        for name, default in cls.defaults().items():
            if default is REQUIRED and name not in values:
                title = f"`{cls.name}` has no {cls.fields()[name].doc}"
                raise RecipeError(title, f"as in `{cls.name} {name}=0.1`")
        made = cls(**values, span=setting.span)
        made.check()
    except RecipeError as error:
        raise fault("A312", error.title, setting.span, *error.helps) from error
    return made


def _class(setting: Setting) -> type[Line]:
    kinds = LINES[setting.key]
    if "" in kinds:
        return kinds[""]
    word = setting.values[0] if setting.values else None
    if not isinstance(word, str) or word not in kinds:
        found = "nothing" if word is None else f"`{word}`"
        meant = next((c.also[word] for c in kinds.values() if word in c.also), "")
        hint = did_you_mean(word, kinds) if isinstance(word, str) else ""
        hint = f"write `{meant}`" if meant else hint
        raise RecipeError(f"`{setting.key}` is one of {', '.join(kinds)}, not {found}", hint)
    return kinds[word]


def _options(cls: type[Line], setting: Setting) -> dict[str, Any]:
    known = {name: spec for name, spec in cls.fields().items() if spec.form is Form.OPTION}
    for name in setting.options:
        if name not in known:
            hint = f"there are {', '.join(known)}" if known else "it has no options"
            title = f"`{cls.name}` has no option `{name}`"
            raise RecipeError(title, did_you_mean(name, known) or hint)
    return {key: convert(f"`{key}`", known[key], value) for key, value in setting.options.items()}


def _values(cls: type[Line], values: tuple[Any, ...]) -> dict[str, Any]:
    """Read what has no name: the line's own number or numbers, and words."""
    fields = cls.fields()
    flags = {w: (name, v) for name, spec in fields.items() for w, v in spec.words.items()}
    own = next((name for name, spec in fields.items() if spec.form is Form.NUMBER), "")
    found: dict[str, Any] = {}
    if own and not flags:
        return {own: _numbers(cls, own, values)}
    for value in values:
        if isinstance(value, str) and value in flags:
            name, meant = flags[value]
            found[name] = meant
        elif isinstance(value, str) and cls.words_for:
            found[cls.words_for] = (*found.get(cls.words_for, ()), value)
        else:
            raise _unknown(cls, value, tuple(flags))
    return found


def _numbers(cls: type[Line], name: str, values: tuple[Any, ...]) -> Any:
    spec = cls.fields()[name]
    if isinstance(cls.defaults()[name], tuple):  # any number of them
        return tuple(convert(spec.doc, spec, value) for value in values)
    if len(values) != 1:
        raise RecipeError(f"`{cls.name}` needs one number", f"as in `{cls.example}`")
    if isinstance(values[0], str):
        raise RecipeError(f"`{cls.name}` is a number, not `{values[0]}`")
    return convert(f"`{cls.name}`", spec, values[0])


def _unknown(cls: type[Line], value: Any, flags: tuple[str, ...]) -> RecipeError:
    key, _, kind = cls.name.partition(" ")
    if kind and not flags:
        return RecipeError(f"`{cls.name}` takes no `{format_value(value)}`")
    hint = f"there are {', '.join(flags)}" if flags else "leave it out"
    return RecipeError(f"`{key}` knows no `{value}`", did_you_mean(str(value), flags) or hint)
