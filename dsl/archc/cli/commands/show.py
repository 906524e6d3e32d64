"""`archc show`: a network's text, with what it uses and extends written into it."""

from __future__ import annotations

from argparse import Namespace

from archc.cli.commands.alone import alone
from archc.cli.commands.reading import analysed
from archc.cli.commands.writing import destination, put
from archc.cli.exit_codes import FINE
from archc.cli.inputs import find_one


def run(args: Namespace) -> int:
    """Prints the file that a network is, so that it stands alone."""
    input = find_one(args.input, args.project, "show")
    analysis, code = analysed(input, args)
    if analysis is None or code:
        return code
    text = alone(analysis, input)
    output = destination(input, args.output or "-", ".arch")
    put(output, text.encode(), analysis.name, force=args.force)
    return FINE
