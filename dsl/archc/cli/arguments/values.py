"""What may stand for an argument: each takes a text, and raises ArgumentTypeError for others."""

from __future__ import annotations

from argparse import ArgumentTypeError

from archc.choices import HIDEABLE

EXTRAS = ("device", "checkpointing", "zero-init")  # of --with


def name_or_text(text: str) -> str:
    """What a file, a part or a column is called. As a path, nothing would be this folder."""
    if not text:
        raise ArgumentTypeError("it is empty")
    return text


def assignment(text: str) -> tuple[str, str]:
    """`width=64`: what the value is, the default of the param says."""
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def shape(text: str) -> tuple[str, tuple[int, ...]]:
    """`3x512x512`, or `left=3x512x512`."""
    name, equals, dims = text.rpartition("=")
    numbers = dims.split("x")
    if (equals and not name.isidentifier()) or not all(
        number.isascii() and number.isdecimal() and len(number) <= 12 for number in numbers
    ):
        raise ArgumentTypeError(f"{text!r} is not a shape like 3x512x512")
    return name, tuple(map(int, numbers))


def extras(text: str) -> dict[str, bool | str]:
    """`device,checkpointing=bottleneck`: arguments of `Analysis.options`."""
    found: dict[str, bool | str] = {}
    for part in text.split(","):
        name, equals, value = part.partition("=")
        if name not in EXTRAS or (equals and (name != "checkpointing" or not value)):
            raise ArgumentTypeError(f"{part!r} is none of {', '.join(EXTRAS)}")
        found[name.replace("-", "_")] = value or True
    return found


def names(text: str) -> list[str]:
    """`name,params`."""
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise ArgumentTypeError(f"{text!r} is not a list like name,params,macs")
    return names


def parts(text: str) -> frozenset[str]:
    """`title,legend`: parts of a drawing that can be left out."""
    for part in (found := text.split(",")):
        if part not in HIDEABLE:
            raise ArgumentTypeError(f"{part!r} is none of {', '.join(HIDEABLE)}")
    return frozenset(found)


def size(text: str) -> int:
    """Bytes: `24GB`, `24GiB`, `11.5g`, `512MB`, or a bare number of them."""
    import re

    match = re.fullmatch(r"(\d{1,15}(?:\.\d{1,6})?) ?(?:([kmgt])i?)?b?", text.strip().lower())
    powers = {None: 0, "k": 10, "m": 20, "g": 30, "t": 40}
    size = int(float(match[1]) * 2 ** powers[match[2]]) if match else 0
    if size < 1:
        raise ArgumentTypeError(f"{text!r} is not a size like 24GB")
    if size < 1024 and not text.strip().lower().endswith("b"):
        raise ArgumentTypeError(f"{text!r} is so many bytes: write {text.strip()}GB for a GPU's")
    return size


def seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < 1e6:
        raise ArgumentTypeError(f"{text!r} is no number of seconds")
    return number


def count(text: str, least: int = 1) -> int:
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least:
        raise ArgumentTypeError(f"{text!r} is not a whole number of at least {least}")
    return number


def batch(text: str) -> int:
    """Numbers beyond this have no place in a float, and no GPU."""
    number = count(text)
    if number > 10**30:
        raise ArgumentTypeError("a batch of more than 10^30 fits nowhere")
    return number


def whole(text: str) -> int:
    return count(text, 0)


def port(text: str) -> int:
    """A port of this machine; 0 is a free one."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 5 and int(text) < 65536):
        raise ArgumentTypeError(f"{text!r} is no port: those go to 65535")
    return int(text)
