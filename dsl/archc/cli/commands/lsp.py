"""`archc lsp`: a language server over standard input and output, for any editor."""

from __future__ import annotations

import sys
from argparse import Namespace

from archc.cli.exit_codes import FINE, Stop
from archc.server.language_server import serve


def run(args: Namespace) -> int:
    """Serves until the editor ends it."""
    if sys.stdin is None:
        raise Stop("cannot read standard input: it is closed")
    serve()
    return FINE
