"""A planted bug: what a check owes, as an operator owes an example. No torch is needed for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent


@cache
def example() -> tuple[str, str]:
    """Read the example: its text in the language, and a module for it that is sound."""
    arch, module = _FOLDER / "example.arch", _FOLDER / "example.py"
    return arch.read_text(encoding="utf-8"), module.read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Bug:
    """A mistake in the module of the example.

    Each key of `edits` stands there once, and its value instead where the bug is planted. The check
    must then fail and say what the regular expression `says` finds.
    """

    what: str  # "a tensor that is not saved"
    edits: Mapping[str, str]
    says: str

    def planted(self) -> str:
        """Return the module with the bug in it. Raises ValueError where it has no place."""
        _, source = example()
        for old, new in self.edits.items():
            if source.count(old) != 1:
                raise ValueError(f"{source.count(old)} places in {_FOLDER / 'example.py'}: {old!r}")
            source = source.replace(old, new)
        return source
