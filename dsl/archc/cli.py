"""The command line: parses arguments, runs one command, turns its outcome into an exit code.

Nothing is imported here that `archc --help` can do without; `archc.commands` does the work.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from archc import __version__
from archc.outcome import (
    CLOSED_PIPE,
    INTERNAL,
    INTERRUPTED,
    LIMITS,
    USAGE,
    Stop,
)

TYPE_CHECKING = False  # typing's own costs as much as argparse
if TYPE_CHECKING:
    from typing import Any

_ABOUT = "Neural network architectures as text: check them, draw them, build PyTorch from them."
_EPILOG = """\
examples:
  archc build resnet50                  write resnet50.py from a bundled network
  archc build my.arch -D classes=10     set a param of the file
  archc build resnet50 --train          write train_resnet50.py, which trains it
  archc check nets/                     report every mistake in every file
  archc draw googlenet -o googlenet.svg
  archc summary vgg16                   parameters, MACs and memory, line by line
  archc fit resnet50 --memory 24GB      the largest batch that trains
  archc compare nets/ --sort macs       a row a network
  archc explain alexnet conv1           where a layer's numbers come from
  archc verify my.arch                  run it, and prove what must hold
  archc diff resnet50 my.arch           what changed, and what it costs
  archc explain A201                    what an error code means

exit codes: 0 fine, 1 the input is wrong, 2 wrong usage or a file that cannot be read or written
"""

_DTYPES = ("fp32", "fp16", "bf16", "fp64")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line; the exit code."""
    try:
        _prepare_streams()
        code = _run(argv)
        sys.stdout.flush()
    except BrokenPipeError:
        code = CLOSED_PIPE  # the reader has enough: what `cat` does, too
        _drop_output()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except OSError as error:  # a full disk behind it
        code = _complain(f"cannot write to standard output: {error.strerror}", USAGE)
        _drop_output()
    return code


def _run(argv: Sequence[str] | None) -> int:
    try:
        args = _parser().parse_args(argv)
    except SystemExit as done:  # --help, --version, or wrong usage, already reported
        return done.code if isinstance(done.code, int) else USAGE
    # A short run that mostly builds: looking for cycles in what is new would be a tenth of it.
    gc.set_threshold(100_000)
    try:
        return int(import_module(f"archc.commands.{args.command}").run(args))
    except Stop as stop:
        return _complain(str(stop), stop.code)
    except Exception as error:
        if isinstance(error, OSError) and error.filename is None:
            raise  # from writing to standard output, which has no file's name
        if args.traceback or os.environ.get("ARCHC_TRACEBACK"):
            raise
        what = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        return _complain(
            f"internal error: {what} (please report it with the file; --traceback shows where)",
            INTERNAL,
        )


def _complain(message: str, code: int) -> int:
    print(f"archc: {message}", file=sys.stderr)
    return code


def _prepare_streams() -> None:
    """Never a traceback because a terminal cannot show a character, or a stream is closed."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _drop_output() -> None:
    """What is left in the buffer has nowhere to go; Python's own exit must not try again."""
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115


# --- arguments ---------------------------------------------------------------------------


class _Help(argparse.RawDescriptionHelpFormatter):
    """Knows its width without importing shutil to find it."""

    def __init__(self, prog: str) -> None:
        try:
            columns = os.get_terminal_size(sys.stdout.fileno()).columns
        except (OSError, ValueError):
            columns = 0
        super().__init__(prog, width=min(columns or 100, 100))


class _Parser(argparse.ArgumentParser):
    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=_Help, allow_abbrev=False, **options)


def _parser() -> _Parser:
    common = _common()
    parser = _Parser(
        prog="archc",
        description=_ABOUT,
        epilog=_EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"archc {__version__}")
    _add_common(parser, color="auto", traceback=False)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(name: str, summary: str, *parents: _Parser) -> _Parser:
        return commands.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            parents=[common, *parents],
        )

    reading, writing = _reading(), _writing()
    build = command("build", "write PyTorch source", reading, writing)
    build.add_argument("input", metavar="INPUT", help="file, folder, bundled network, or -")
    build.add_argument(
        "--train", action="store_true", help="a script that trains it, with the network in it"
    )
    build.add_argument("--templates", metavar="DIR", help="templates that replace archc's own")
    build.add_argument(
        "--form",
        choices=("training", "deploy"),
        default="training",
        help="deploy: for inference alone, with batch norms folded (default: training)",
    )
    build.add_argument(
        "--placement",
        action="store_true",
        help="on the devices that the file names, each with a part of every layer's channels",
    )
    build.add_argument(
        "--with",
        dest="extras",
        metavar="OPTION[,OPTION]",
        type=_extras,
        default={},
        help="device: constructors take device and dtype; checkpointing[=BLOCK]: activations of a "
        "block may be computed again; zero-init: residual units may start as the identity",
    )

    export = command("export", "write a network with its weights as ONNX or PT2", reading, writing)
    export.add_argument("input", metavar="INPUT", help="file, bundled network, or -")
    export.add_argument(
        "--to",
        choices=("onnx", "pt2"),
        required=True,
        help="onnx (needs torch, onnx and onnxscript), or pt2: torch.export's own (needs torch)",
    )
    export.add_argument(
        "--weights", metavar="FILE", help="a state_dict saved by torch, or a checkpoint with one"
    )
    export.add_argument(
        "--form",
        choices=("training", "deploy"),
        default="training",
        help="deploy: with batch norms folded (default: training, in eval mode)",
    )

    check = command("check", "report every mistake", reading)
    check.add_argument("inputs", metavar="INPUT", nargs="+", help="file, folder, network, or -")
    check.add_argument(
        "--format",
        choices=("text", "concise", "json", "github", "sarif"),
        default="text",
        help="how to report (default: text)",
    )

    draw = command("draw", "draw a network", reading, writing)
    draw.add_argument("input", metavar="INPUT", help="file, bundled network, or -")
    draw.add_argument(
        "--format",
        choices=("svg", "png", "pdf", "dot", "html", "mermaid"),
        help="default: by the output's ending; html is a page to explore",
    )
    draw.add_argument(
        "--view",
        choices=("engineer", "paper", "graph"),
        default="engineer",
        help="engineer: every operator, repeats once (default); paper: a row a module, each block "
        "once; graph: everything unrolled",
    )
    draw.add_argument(
        "--depth", metavar="N", type=_whole, help="blocks inside N others or more stay closed"
    )
    draw.add_argument(
        "--expand",
        metavar="NAME",
        action="append",
        default=[],
        help="open this block whatever the depth, and write its repeats out",
    )
    draw.add_argument("--theme", choices=("light", "dark"), default="light", help="default: light")
    draw.add_argument("--open", action="store_true", help="show the result in the browser")
    draw.add_argument("--watch", action="store_true", help="draw again whenever the file changes")
    draw.add_argument(
        "--engine",
        choices=("auto", "dot", "graphviz-pure"),
        default="auto",
        help="the Graphviz to draw with (default: dot if installed, else graphviz-pure)",
    )
    draw.add_argument(
        "--timeout", metavar="SECONDS", type=float, default=60, help="for drawing (default: 60)"
    )

    _add_summary(command("summary", "list every number of a network", reading, _tabling()))
    _add_fit(
        command(
            "fit", "tell what memory training and inference take, and how fast they are", reading
        )
    )

    compare = command("compare", "compare networks, a row each", reading, _tabling())
    _add_compare(compare)

    _add_verify(command("verify", "run a network and prove what must hold of it", reading))

    _add_diff(command("diff", "tell what changed from one network to another", reading))

    listing = command("list", "list the bundled networks with paper, parameters and MACs")
    listing.add_argument("--format", choices=("text", "json"), default="text", help="default: text")

    explain = command("explain", "explain a network's numbers, or an error code", reading)
    explain.add_argument(
        "what",
        metavar="INPUT|CODE",
        nargs="?",
        help="file, bundled network, -, or an error code such as A201 (default: list the codes)",
    )
    explain.add_argument(
        "names",
        metavar="NAME",
        nargs="*",
        help="a part of the network: conv1, layer1.0, 'layer1.*.conv1' (default: list them)",
    )
    explain.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    return parser


def _add_summary(summary: _Parser) -> None:
    summary.add_argument("input", metavar="INPUT", help="file, bundled network, or -")
    summary.add_argument(
        "--style",
        choices=("table", "lecture"),
        default="table",
        help="lecture: a line for each layer, with its sums, as in CS231n (default: table)",
    )
    summary.add_argument(
        "--depth",
        metavar="N",
        type=_count,
        help="blocks inside N others stay closed (default: as deep as is a page; csv, json: all)",
    )
    summary.add_argument("--unfold", action="store_true", help="a line for each of those alike")
    summary.add_argument(
        "--columns",
        metavar="NAMES",
        type=_names,
        help="name,op,shape,params,macs ...; +field,stride adds to the default; all",
    )
    summary.add_argument(
        "--batch", metavar="N", type=_count, default=1, help="samples at a time (default: 1)"
    )
    summary.add_argument("--dtype", choices=_DTYPES, default="fp32", help="default: fp32")


def _add_fit(fit: _Parser) -> None:
    fit.add_argument("input", metavar="INPUT", help="file, bundled network, or -")
    fit.add_argument(
        "--batch", metavar="N", type=_batch, default=32, help="samples at a time (default: 32)"
    )
    fit.add_argument(
        "--memory",
        metavar="SIZE",
        type=_size,
        action="append",
        default=[],
        help="to fit into: 24GB (a GB has 2^30 bytes, as on a GPU's box)",
    )
    fit.add_argument(
        "--gpu",
        metavar="NAME",
        action="append",
        default=[],
        help="a GPU to run on: rtx3090, a100-40 ... (default: all that are known)",
    )
    fit.add_argument("--dtype", choices=_DTYPES, default="fp32", help="default: fp32")
    fit.add_argument("--amp", action="store_true", help="mixed precision (torch.autocast)")
    fit.add_argument(
        "--optimizer",
        choices=("sgd", "momentum", "adam"),
        default="momentum",
        help="default: momentum, that is SGD with it",
    )
    fit.add_argument(
        "--checkpoint",
        action="store_true",
        help="compute a block again in the backward pass: the one that saves most",
    )
    fit.add_argument("--checkpoint-block", metavar="BLOCK", help="the same with a block of choice")
    fit.add_argument(
        "--ddp", action="store_true", help="DistributedDataParallel: its buckets of gradients"
    )
    fit.add_argument(
        "--ddp-views", action="store_true", help="the same with gradient_as_bucket_view=True"
    )
    fit.add_argument("--format", choices=("text", "json"), default="text", help="default: text")


def _add_compare(compare: _Parser) -> None:
    compare.add_argument(
        "inputs",
        metavar="INPUT",
        nargs="*",
        help="file, folder, network, or - (default: all bundled networks)",
    )
    compare.add_argument(
        "--columns",
        metavar="NAMES",
        type=_names,
        help="name,depth,params,macs ... and any fact in `meta`; +weights,arxiv adds to the "
        "default; all (the default of json and csv)",
    )
    compare.add_argument("--sort", metavar="COLUMN", help="order by it, whether shown or not")
    compare.add_argument("--reverse", action="store_true", help="the largest first")
    compare.add_argument(
        "--batch",
        metavar="N",
        type=_count,
        default=32,
        help="samples at a time, for peaks of memory (default: 32)",
    )
    compare.add_argument(
        "--time",
        action="store_true",
        help="measure a forward pass of each on this machine, at batch 1 (needs torch)",
    )
    compare.add_argument(
        "--plot",
        metavar="FILE",
        help="draw accuracy against operations, and against time with --time: .svg, .png or .pdf",
    )
    compare.add_argument(
        "--dataset",
        metavar="NAME",
        help="plot the networks tested on it: imagenet, cifar10 ... "
        "(default: the one that most were tested on)",
    )
    compare.add_argument(
        "--force", action="store_true", help="overwrite a plot that archc did not write"
    )


def _add_verify(verify: _Parser) -> None:
    verify.add_argument(
        "inputs", metavar="INPUT", nargs="*", help="file, folder, bundled network, or -"
    )
    which = verify.add_mutually_exclusive_group()
    which.add_argument("--all", action="store_true", help="the slow checks, too")
    which.add_argument(
        "--only", metavar="CHECKS", type=_names, help="these alone: state,copying (see --list)"
    )
    which.add_argument("--list", action="store_true", help="name the checks, and what each proves")
    verify.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    verify.add_argument(
        "--source", metavar="FILE", help="a Python module to verify in place of the generated one"
    )
    verify.add_argument(
        "-j", dest="jobs", metavar="N", type=_count, default=1, help="processes (default: 1)"
    )
    verify.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=_seconds,
        default=600.0,
        help="for one check (default: 600)",
    )


def _add_diff(diff: _Parser) -> None:
    for side in ("left", "right"):
        diff.add_argument(side, metavar=side.upper(), help="file, bundled network, or -")
    for side in ("left", "right"):
        diff.add_argument(
            f"--{side}",
            dest=f"{side}_params",
            metavar="NAME=VALUE",
            type=_assignment,
            action="append",
            default=[],
            help=f"set a param of the {side} one alone (-D: of both)",
        )
    diff.add_argument(
        "--format",
        choices=("text", "json", "html"),
        help="default: text; html is a page with both side by side",
    )
    diff.add_argument("-o", dest="output", metavar="OUT", help="a page to write: changes.html")
    diff.add_argument(
        "--force", action="store_true", help="overwrite a file that archc did not write"
    )
    diff.add_argument(
        "--batch",
        metavar="N",
        type=_count,
        default=32,
        help="samples at a time, for the peaks of memory (default: 32)",
    )
    diff.add_argument(
        "--exit-code", action="store_true", help="end with 1 where they differ, as git does"
    )


def _common() -> _Parser:
    """What may stand before the command and after it."""
    parent = _Parser(add_help=False)
    _add_common(parent, color=argparse.SUPPRESS, traceback=argparse.SUPPRESS)
    return parent


def _add_common(parser: _Parser, *, color: str, traceback: str | bool) -> None:
    parser.add_argument(
        "--color",
        choices=("auto", "always", "never"),
        default=color,
        help="auto: on a terminal, and not where NO_COLOR is set",
    )
    parser.add_argument(
        "--traceback", action="store_true", default=traceback, help=argparse.SUPPRESS
    )


def _reading() -> _Parser:
    parent = _Parser(add_help=False)
    parent.add_argument(
        "-D",
        dest="params",
        metavar="NAME=VALUE",
        type=_assignment,
        action="append",
        default=[],
        help="set a param of the file",
    )
    parent.add_argument(
        "--input",
        dest="shapes",
        metavar="[NAME=]CxHxW",
        type=_shape,
        action="append",
        default=[],
        help="another shape for an input of the file, channels first: 3x512x512",
    )
    parent.add_argument(
        "--project",
        metavar="DIR",
        help="the folder that `use` must not leave (default: the input's own)",
    )
    limits = parent.add_argument_group("limits")
    for field, what in LIMITS.items():
        flag = f"--max-{field.replace('_', '-')}"
        limits.add_argument(
            flag, metavar="N", type=_count, dest=f"max_{field}", help=f"most {what}"
        )
    return parent


def _tabling() -> _Parser:
    parent = _Parser(add_help=False)
    parent.add_argument(
        "--format",
        choices=("text", "json", "csv", "markdown", "latex"),
        default="text",
        help="default: text",
    )
    return parent


def _writing() -> _Parser:
    parent = _Parser(add_help=False)
    parent.add_argument(
        "-o",
        dest="output",
        metavar="OUT",
        help="file, folder, or - for standard output (default: INPUT's name, in this folder)",
    )
    parent.add_argument(
        "--force", action="store_true", help="overwrite a file that archc did not write"
    )
    return parent


def _assignment(text: str) -> tuple[str, int | float | str]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    try:
        return name, int(value)
    except ValueError:
        pass
    try:
        number = float(value)
    except ValueError:
        return name, value
    return name, number if abs(number) < float("inf") else value


def _shape(text: str) -> tuple[str, tuple[int, ...]]:
    """`3x512x512`, or `left=3x512x512`."""
    name, equals, dims = text.rpartition("=")
    numbers = dims.split("x")
    if (equals and not name.isidentifier()) or not all(
        number.isascii() and number.isdecimal() and len(number) <= 12 for number in numbers
    ):
        raise argparse.ArgumentTypeError(f"{text!r} is not a shape like 3x512x512")
    return name, tuple(map(int, numbers))


def _extras(text: str) -> dict[str, bool | str]:
    """`device,checkpointing=bottleneck`: arguments of `Analysis.options`."""
    known = ("device", "checkpointing", "zero-init")
    found: dict[str, bool | str] = {}
    for part in text.split(","):
        name, equals, value = part.partition("=")
        if name not in known or (equals and (name != "checkpointing" or not value)):
            raise argparse.ArgumentTypeError(f"{part!r} is none of {', '.join(known)}")
        found[name.replace("-", "_")] = value or True
    return found


def _names(text: str) -> list[str]:
    """`name,params`."""
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list like name,params,macs")
    return names


def _size(text: str) -> int:
    """Bytes: `24GB`, `24GiB`, `11.5g`, `512MB`, or a bare number of them."""
    import re

    match = re.fullmatch(r"(\d{1,15}(?:\.\d{1,6})?) ?(?:([kmgt])i?)?b?", text.strip().lower())
    powers = {None: 0, "k": 10, "m": 20, "g": 30, "t": 40}
    size = int(float(match[1]) * 2 ** powers[match[2]]) if match else 0
    if size < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size like 24GB")
    return size


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return number


def _count(text: str, least: int = 1) -> int:
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least {least}")
    return number


def _batch(text: str) -> int:
    """Numbers beyond this have no place in a float, and no GPU."""
    number = _count(text)
    if number > 10**30:
        raise argparse.ArgumentTypeError("a batch of more than 10^30 fits nowhere")
    return number


def _whole(text: str) -> int:
    return _count(text, 0)
