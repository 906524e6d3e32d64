"""`archc completion`: a script by which a shell completes what is typed."""

from __future__ import annotations

import sys
from argparse import Namespace

from archc.cli.exit_codes import FINE


def run(args: Namespace) -> int:
    """Prints the script. It holds the commands, flags and networks of this archc."""
    from archc.analysis.gpus import gpus
    from archc.api import bundled
    from archc.choices import HIDEABLE
    from archc.cli.arguments import parser
    from archc.cli.arguments.values import EXTRAS
    from archc.cli.shells import WRITERS, commands_of
    from archc.report.spelling.numbers import natural
    from archc.runs import COLUMNS

    words = {
        ("build", "extras"): EXTRAS,
        ("draw", "without"): HIDEABLE,
        ("fit", "gpu"): tuple(gpus()),
        ("runs", "sort"): tuple(COLUMNS),
    }
    commands = commands_of(parser(), words)
    sys.stdout.write(WRITERS[args.shell](commands, tuple(sorted(bundled(), key=natural))))
    return FINE
