"""Where the non-Python files lie: the only module that knows a wheel from a checkout."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_ROOT = _PACKAGE if (_PACKAGE / "grammar").is_dir() else _PACKAGE.parents[1]
GRAMMAR, TEMPLATES, ARCHS = _ROOT / "grammar", _ROOT / "templates", _ROOT / "archs"
ERRORS = _ROOT / "docs" / "errors.md"
GPUS = _PACKAGE / "gpus.json"  # cards: memory, peak rates without sparsity, source
