"""`archc completion`: a script by which a shell completes what is typed."""

from __future__ import annotations

import sys
from argparse import Namespace

from archc.cli.exit_codes import FINE


def run(args: Namespace) -> int:
    """Prints the script. It holds the commands, flags, networks and error codes of this archc."""
    from archc.analysis.gpus import gpus
    from archc.api import bundled
    from archc.choices import HIDEABLE
    from archc.cli.arguments import parser
    from archc.cli.arguments.values import EXTRAS
    from archc.cli.shells import WRITERS, program_of
    from archc.comparison.attributes import ATTRIBUTES
    from archc.report import error_codes
    from archc.report.columns import MEASURES
    from archc.report.spelling.numbers import natural
    from archc.runs import COLUMNS
    from archc.verify import registered

    compared = tuple(column.name for column in ATTRIBUTES)
    words = {
        ("build", "extras"): EXTRAS,
        ("draw", "without"): HIDEABLE,
        ("fit", "gpu"): tuple(gpus()),
        ("runs", "sort"): tuple(COLUMNS),
        ("compare", "columns"): (*compared, "all"),
        ("compare", "sort"): compared,
        ("summary", "columns"): (*MEASURES, "all"),
        ("verify", "only"): tuple(registered()),
    }
    networks, codes = tuple(sorted(bundled(), key=natural)), tuple(error_codes.entries())
    sys.stdout.write(WRITERS[args.shell](program_of(parser(), words, networks, codes)))
    return FINE
