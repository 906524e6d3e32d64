"""`archc export`: a network with its weights, for a runtime."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from archc import files
from archc.cli.commands.reading import analysed, headline, need_network
from archc.cli.commands.writing import destination, put
from archc.cli.exit_codes import FINE, WRONG, Stop, say
from archc.cli.inputs import find_one
from archc.packages import need

if TYPE_CHECKING:
    from torch import Tensor


def run(args: Namespace) -> int:
    """Writes ONNX or PT2."""
    from archc import export

    input = find_one(args.input, args.project, "export")
    output = destination(input, args.output, f".{args.to}")
    need(f"--to {args.to}", *export.FORMATS[args.to])
    if output is not None and not args.force:
        _may_write(output)
    analysis, code = analysed(input, args)
    if analysis is None or code:
        return code
    need_network(analysis, input, "there is nothing to export")
    try:
        state, facts = _weights(args.weights)
        net = export.module(analysis, state, args.form)
        content = export.exported(analysis, net, args.to, facts)
    except export.Unfit as why:
        raise Stop(str(why), WRONG) from None
    if args.weights is None:
        say("without --weights, these are untrained")
    put(
        output,
        files.stamp_bytes(content, analysis.text, f".{args.to}"),
        headline(analysis),
        force=args.force,
    )
    return FINE


def _weights(path: str | None) -> tuple[dict[str, Tensor] | None, dict[str, str]]:
    """The weights of a file, and what it says of the images that they are for."""
    from archc import export

    if path is None:
        return None, {}
    try:
        return export.weights(Path(path)), export.image_facts(Path(path))
    except OSError as error:
        raise Stop(f"cannot read {path}: {files.reason(error)}") from None


def _may_write(output: Path) -> None:
    """Raises Stop before the work, not after it, where the result would be refused."""
    try:
        files.check(output)
    except files.Refused as refusal:
        raise Stop(str(refusal)) from None
    except OSError:
        return  # told where it is written
