"""A network as one file, for the commands that write it."""

from __future__ import annotations

from archc.api import Analysis, analyze
from archc.api.standalone import NotStandalone, standalone
from archc.cli.exit_codes import WRONG, Stop
from archc.cli.inputs import Input
from archc.source import Edit, Source, edited


def alone(analysis: Analysis, input: Input, name: str = "") -> str:
    """The text of a network by itself, called `name` if that is given.

    Comments that say a shape say the one that is there now. Raises Stop.
    """
    try:
        text = standalone(analysis, name)
    except NotStandalone as why:
        raise Stop(f"{input.name} cannot be one file: {why}", WRONG) from None
    found = analyze(Source(input.name, text), limits=analysis.again.limits)
    wrong = [fix for d in found.diagnostics if d.code == "W108" for fix in d.fixes]
    return edited(text, [Edit(fix.span, fix.text) for fix in wrong])
