"""`archc lsp`: a language server over standard input and output, for any editor."""

from __future__ import annotations

from argparse import Namespace

from archc.cli.exit_codes import FINE
from archc.server.language_server import serve


def run(args: Namespace) -> int:
    """Serves until the editor ends it."""
    serve()
    return FINE
