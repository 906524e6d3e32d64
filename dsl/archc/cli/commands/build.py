"""`archc build`: PyTorch source, of a network or of a script that trains it."""

from __future__ import annotations

import sys
from argparse import Namespace
from keyword import iskeyword
from pathlib import Path
from typing import TYPE_CHECKING

from archc import files
from archc.cli.commands.reading import analysed, headline, need_network
from archc.cli.commands.writing import destination, hold, put
from archc.cli.exit_codes import FINE, USAGE, WRONG, Stop, say
from archc.cli.inputs import Input, find

if TYPE_CHECKING:
    from archc.api import Analysis


def run(args: Namespace) -> int:
    """Writes the PyTorch source of a network, or of every network in a folder."""
    if args.form == "deploy" and (args.extras or args.train):
        raise Stop("--with and --train are about training: leave them out, or --form deploy")
    if args.placement:
        _refuse_beside_placement(args)
    if args.check and (args.force or args.output == "-"):
        raise Stop("--check looks at the file that would be written, and writes none")
    if args.templates and not Path(args.templates).is_dir():
        raise Stop(f"no such folder: {args.templates}")
    inputs = find(args.input, args.project)
    if len(inputs) == 1 and inputs[0].folder is None:
        output = destination(inputs[0], args.output, _ending(args), _prefix(args))
        return _build(inputs[0], output, args)
    if args.output == "-":
        raise Stop("a folder cannot be built to standard output; give `-o FOLDER`")
    outputs: dict[Path, Input] = {}
    for input in inputs:
        path = _inside(Path(args.output or "."), input, args)
        if (other := outputs.setdefault(path, input)) is not input:
            raise Stop(f"{other.name} and {input.name} would both be {path}: rename one of them")
    return max(_build_one_of_many(input, path, args) for path, input in outputs.items())


def _refuse_beside_placement(args: Namespace) -> None:
    """Raises Stop for what a network in towers, operators in a row, has no use for."""
    if "device" in args.extras:
        raise Stop("--placement has `devices`, one a tower, for `device`: leave out --with device")
    if args.extras:
        extra = next(iter(args.extras)).replace("_", "-")
        raise Stop(
            f"--with {extra} is about blocks, and what --placement takes has none: leave it out"
        )
    if args.form == "deploy":
        raise Stop("--placement is of the training form, and gives the same: leave out --form")
    if args.train:
        raise Stop("--train has the whole network on each device: leave out --placement")


def _build_one_of_many(input: Input, output: Path, args: Namespace) -> int:
    """One that fails does not keep the others from being built."""
    try:
        return _build(input, output, args)
    except Stop as stop:
        say(str(stop))
        return stop.code


def _inside(top: Path, input: Input, args: Namespace) -> Path:
    path = top / input.relative
    return path.with_name(_prefix(args) + path.stem + _ending(args))


def _ending(args: Namespace) -> str:
    if args.placement:
        return "_placed.py"
    return "_deploy.py" if args.form == "deploy" else ".py"


def _prefix(args: Namespace) -> str:
    return "train_" if args.train else ""


def _build(input: Input, output: Path | None, args: Namespace) -> int:
    analysis, code = analysed(input, args)
    if analysis is None or code:
        return code
    if analysis.plan is None and input.folder is not None:
        return FINE  # a file of blocks for others to use
    need_network(analysis, input, "nothing to build")
    text, summary = _emitted(analysis, input, args)
    content = files.stamp(text, analysis.text).encode()
    if args.check and output is not None:
        hold(output, content, summary)
    else:
        put(output, content, summary, force=args.force)
        if output is not None and (why := _unfit(output.stem)):
            say(f"{output} {why}: call the file something else, or give `-o`")
    return FINE


def _unfit(module: str) -> str:
    """Why a module is better not called so; empty where it may be."""
    if not module.isidentifier() or iskeyword(module):
        return "has a name that `import` does not take"
    if module in sys.stdlib_module_names or module in ("torch", "torchvision"):
        return f"hides the module `{module}` from scripts in its folder"
    return ""


def _emitted(analysis: Analysis, input: Input, args: Namespace) -> tuple[str, str]:
    """The source, and what to say of it."""
    from archc.emit.blame import TemplateFault
    from archc.emit.options import Unsuited, Untrainable

    folder = Path(args.templates) if args.templates else None
    try:
        if args.form == "deploy":
            return _deployed(analysis, folder)
        if args.placement:
            return _placed(analysis, folder)
        write = analysis.emit_training if args.train else analysis.emit
        text = write(folder, analysis.options(**args.extras))
    except Unsuited as why:
        code = WRONG if args.placement else USAGE
        raise Stop(f"{analysis.name}: {why}", code) from None
    except Untrainable as why:
        raise Stop(f"{input.name}: {why}", WRONG) from None
    except TemplateFault as fault:
        raise Stop(str(fault)) from None
    return text, headline(analysis)


def _placed(analysis: Analysis, templates: Path | None) -> tuple[str, str]:
    from archc.emit.words import listed

    text, placement = analysis.emit_placed(templates), analysis.placement()
    where = placement.meetings
    met = f"copies before {listed(where)}" if where else "copies at the end alone"
    return text, f"{headline(analysis)}, on {listed(placement.devices)}; {met}"


def _deployed(analysis: Analysis, templates: Path | None) -> tuple[str, str]:
    deployment = analysis.deployment()
    text = analysis.emit_deployed(templates, deployment)
    kernels, numbers = deployment.saved.kernels, deployment.saved.numbers
    return text, (
        f"{analysis.heading} for inference: {kernels[0]} -> {kernels[1]} operators that compute "
        f"something, {numbers[0]:,} -> {numbers[1]:,} numbers held"
    )
