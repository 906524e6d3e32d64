"""What each command takes beside what several share, in the order of `archc --help`."""

from __future__ import annotations

from argparse import BooleanOptionalAction

from archc.choices import DIRECTIONS, FORMATS, HIDEABLE, SHEETS, THEMES, VIEWS
from archc.cli.arguments.shared import Parser
from archc.cli.arguments.values import (
    assignment,
    batch,
    count,
    extras,
    names,
    parts,
    port,
    seconds,
    size,
    whole,
)

OPTIMIZERS = ("sgd", "momentum", "adam", "adamw", "rmsprop", "adagrad")
DTYPES = ("fp32", "fp16", "bf16", "fp64")


def build(parser: Parser) -> None:
    parser.add_argument("input", metavar="INPUT", help="file, folder, bundled network, or -")
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing; exit with 1 where a file is not what would be written",
    )
    parser.add_argument(
        "--train", action="store_true", help="a script that trains it, with the network in it"
    )
    parser.add_argument(
        "--templates",
        metavar="DIR",
        help="templates that replace archc's own; they are code: use only those that you trust",
    )
    parser.add_argument(
        "--form",
        choices=("training", "deploy"),
        default="training",
        help="deploy: for inference alone, with batch norms folded (default: training)",
    )
    parser.add_argument(
        "--placement",
        action="store_true",
        help="on the devices that the file names, each with a part of every layer's channels",
    )
    parser.add_argument(
        "--with",
        dest="extras",
        metavar="OPTION[,OPTION]",
        type=extras,
        default={},
        help="device: constructors take device and dtype; checkpointing[=BLOCK]: activations of a "
        "block may be computed again; zero-init: residual units may start as the identity",
    )


def export(parser: Parser) -> None:
    parser.add_argument("input", metavar="INPUT", help="file, bundled network, or -")
    parser.add_argument(
        "--to",
        choices=("onnx", "pt2"),
        required=True,
        help="onnx (needs torch, onnx and onnxscript), or pt2: torch.export's own (needs torch)",
    )
    parser.add_argument(
        "--weights", metavar="FILE", help="a state_dict saved by torch, or a checkpoint with one"
    )
    parser.add_argument(
        "--form",
        choices=("training", "deploy"),
        default="training",
        help="deploy: with batch norms folded (default: training, in eval mode)",
    )


def check(parser: Parser) -> None:
    parser.add_argument("inputs", metavar="INPUT", nargs="+", help="file, folder, network, or -")
    parser.add_argument(
        "--format",
        choices=("text", "concise", "json", "github", "sarif"),
        default="text",
        help="how to report (default: text)",
    )
    parser.add_argument(
        "--fix", action="store_true", help="correct what has one sure cure, and report the rest"
    )
    parser.add_argument(
        "--diff", action="store_true", help="show what --fix would change, and change nothing"
    )


def fmt(parser: Parser) -> None:
    parser.add_argument("inputs", metavar="INPUT", nargs="+", help="file, folder, or -")
    parser.add_argument(
        "--check", action="store_true", help="name what would change, and change nothing"
    )
    parser.add_argument(
        "--diff", action="store_true", help="show what would change, and change nothing"
    )
    parser.add_argument(
        "--shapes",
        dest="add_shapes",
        action="store_true",
        help="write each shape in a comment behind its line, and correct those that are wrong",
    )


def drawing_style(parser: Parser) -> None:
    """How a diagram is to look; the cell magic of notebooks takes it, too."""
    parser.add_argument(
        "--view",
        choices=VIEWS,
        default="engineer",
        help="engineer: every operator, repeats once (default); paper: a row a module, each block "
        "once; graph: everything unrolled; volumes: its tensors as boxes",
    )
    parser.add_argument(
        "--depth",
        metavar="N",
        type=whole,
        help="blocks inside N others or more stay closed",
    )
    parser.add_argument(
        "--expand",
        metavar="NAME",
        action="append",
        default=[],
        help="open this block whatever the depth, and write its repeats out",
    )
    parser.add_argument(
        "--columns",
        metavar="N",
        type=whole,
        help="go on at the top of a further column (default: where it is long, as wide as a slide)",
    )
    parser.add_argument(
        "--direction",
        choices=DIRECTIONS,
        default="down",
        help="right: from left to right, and on in a further row (default: down)",
    )
    parser.add_argument(
        "--only",
        metavar="NAME",
        help="this block or group alone, with what comes in and what goes out",
    )
    parser.add_argument(
        "--without",
        metavar="PART[,PART]",
        type=parts,
        default=frozenset(),
        help=f"leave out {', '.join(HIDEABLE[:-1])} or {HIDEABLE[-1]}",
    )
    parser.add_argument("--theme", choices=THEMES, default="light", help="default: light")


def draw(parser: Parser) -> None:
    parser.add_argument("input", metavar="INPUT", help="file, bundled network, or -")
    parser.add_argument(
        "--format",
        choices=FORMATS,
        help="default: by the output's ending; html is a page to explore, tikz a LaTeX document",
    )
    drawing_style(parser)
    parser.add_argument(
        "--paper",
        choices=tuple(SHEETS),
        help="on as few sheets as let every word be read; a PDF holds all, else each is a file",
    )
    parser.add_argument("--open", action="store_true", help="show the result in the browser")
    parser.add_argument("--watch", action="store_true", help="draw again whenever the file changes")
    parser.add_argument(
        "--engine",
        choices=("auto", "dot", "graphviz-pure"),
        default="auto",
        help="the Graphviz to draw with (default: dot if installed, else graphviz-pure)",
    )
    parser.add_argument(
        "--timeout", metavar="SECONDS", type=seconds, default=60, help="for drawing (default: 60)"
    )


def summary(parser: Parser) -> None:
    parser.add_argument("input", metavar="INPUT", help="file, bundled network, or -")
    parser.add_argument(
        "--style",
        choices=("table", "lecture"),
        default="table",
        help="lecture: a line for each layer, with its sums, as in CS231n (default: table)",
    )
    parser.add_argument(
        "--depth",
        metavar="N",
        type=count,
        help="blocks inside N others stay closed (default: as deep as is a page; csv, json: all)",
    )
    parser.add_argument("--unfold", action="store_true", help="a line for each of those alike")
    parser.add_argument(
        "--columns",
        metavar="NAMES",
        type=names,
        help="name,op,shape,params,macs ...; +field,stride adds to the default; all",
    )
    parser.add_argument(
        "--batch", metavar="N", type=count, default=1, help="samples at a time (default: 1)"
    )
    parser.add_argument("--dtype", choices=DTYPES, default="fp32", help="default: fp32")


def fit(parser: Parser) -> None:
    parser.add_argument("input", metavar="INPUT", help="file, bundled network, or -")
    parser.add_argument(
        "--batch",
        metavar="N",
        type=batch,
        help="samples at a time (default: as in the file's `train`, or 32)",
    )
    parser.add_argument(
        "--memory",
        metavar="SIZE",
        type=size,
        action="append",
        default=[],
        help="to fit into: 24GB (a GB has 2^30 bytes, as on a GPU's box)",
    )
    parser.add_argument(
        "--gpu",
        metavar="NAME",
        action="append",
        default=[],
        help='a GPU to run on: rtx3090, "A100 40 GB" ... (default: all that are known)',
    )
    parser.add_argument(
        "--dtype", choices=DTYPES, help="default: by `precision` in the file's `train`, or fp32"
    )
    parser.add_argument("--amp", action="store_true", help="mixed precision (torch.autocast)")
    parser.add_argument(
        "--optimizer",
        choices=OPTIMIZERS,
        help="default: as in the file's `train`, or momentum, that is SGD with it",
    )
    parser.add_argument(
        "--ema",
        action=BooleanOptionalAction,
        help="an average of the weights is kept (default: as in the file's `train`)",
    )
    parser.add_argument(
        "--checkpoint",
        action="store_true",
        help="compute a block again in the backward pass: the one that saves most",
    )
    parser.add_argument(
        "--checkpoint-block", metavar="BLOCK", help="the same with a block of choice"
    )
    parser.add_argument(
        "--ddp", action="store_true", help="DistributedDataParallel: its buckets of gradients"
    )
    parser.add_argument(
        "--ddp-views", action="store_true", help="the same with gradient_as_bucket_view=True"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: text")


def compare(parser: Parser) -> None:
    parser.add_argument(
        "inputs",
        metavar="INPUT",
        nargs="*",
        help="file, folder, network, or - (default: all bundled networks)",
    )
    parser.add_argument(
        "--columns",
        metavar="NAMES",
        type=names,
        help="name,depth,params,macs ... and any fact in `meta`; +weights,arxiv adds to the "
        "default; all (the default of json and csv)",
    )
    parser.add_argument("--sort", metavar="COLUMN", help="order by it, whether shown or not")
    parser.add_argument("--reverse", action="store_true", help="the largest first")
    parser.add_argument(
        "--batch",
        metavar="N",
        type=count,
        default=32,
        help="samples at a time, for peaks of memory (default: 32)",
    )
    parser.add_argument(
        "--time",
        action="store_true",
        help="measure a forward pass of each on this machine, at batch 1 (needs torch)",
    )
    parser.add_argument(
        "--plot",
        metavar="FILE",
        help="draw accuracy (parameters where there is none) against operations, and against time "
        "with --time: .svg, .png or .pdf",
    )
    parser.add_argument(
        "--dataset",
        metavar="NAME",
        help="plot the networks tested on it: imagenet, cifar10 ... "
        "(default: the one that most were tested on)",
    )
    parser.add_argument(
        "--force", action="store_true", help="overwrite a plot that archc did not write"
    )


def verify(parser: Parser) -> None:
    parser.add_argument(
        "inputs", metavar="INPUT", nargs="*", help="file, folder, bundled network, or -"
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--all", action="store_true", help="the slow checks, too")
    which.add_argument(
        "--only",
        metavar="CHECKS",
        type=names,
        help="these alone: state,copying (see --list)",
    )
    which.add_argument("--list", action="store_true", help="name the checks, and what each proves")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    parser.add_argument(
        "--source", metavar="FILE", help="a Python module to verify in place of the generated one"
    )
    parser.add_argument(
        "-j", dest="jobs", metavar="N", type=count, default=1, help="processes (default: 1)"
    )
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=seconds,
        default=600.0,
        help="for one check (default: 600)",
    )


def diff(parser: Parser) -> None:
    for side in ("left", "right"):
        parser.add_argument(side, metavar=side.upper(), help="file, bundled network, or -")
    for side in ("left", "right"):
        parser.add_argument(
            f"--{side}",
            dest=f"{side}_params",
            metavar="NAME=VALUE",
            type=assignment,
            action="append",
            default=[],
            help=f"set a param of the {side} one alone (-D: of both)",
        )
    parser.add_argument(
        "--format",
        choices=("text", "json", "html"),
        help="default: text; html is a page with both side by side",
    )
    parser.add_argument("-o", dest="output", metavar="OUT", help="a page to write: changes.html")
    parser.add_argument(
        "--force", action="store_true", help="overwrite a file that archc did not write"
    )
    parser.add_argument(
        "--batch",
        metavar="N",
        type=count,
        default=32,
        help="samples at a time, for the peaks of memory (default: 32)",
    )
    parser.add_argument(
        "--exit-code", action="store_true", help="end with 1 where they differ, as git does"
    )


def new(parser: Parser) -> None:
    parser.add_argument("output", metavar="FILE", type=str, help="the file to write: mynet.arch")
    parser.add_argument(
        "--from",
        dest="origin",
        metavar="INPUT",
        help="the network to begin with: a file or a bundled one (default: a small ResNet)",
    )


def show(parser: Parser) -> None:
    parser.add_argument("input", metavar="INPUT", help="file, bundled network, or -")
    parser.add_argument(
        "-o", dest="output", metavar="OUT", help="a file or folder (default: print it)"
    )
    parser.add_argument(
        "--force", action="store_true", help="overwrite a file that archc did not write"
    )


def listing(parser: Parser) -> None:
    parser.add_argument(
        "words", metavar="WORD", nargs="*", help="those alone with it in name, paper or authors"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: text")


def runs(parser: Parser) -> None:
    parser.add_argument(
        "folders",
        metavar="FOLDER",
        nargs="*",
        default=["runs"],
        help="a run, or a folder of them (default: runs)",
    )
    parser.add_argument(
        "--sort", metavar="COLUMN", default="run", help="top1, val_loss, seconds ... (default: run)"
    )
    parser.add_argument("--reverse", action="store_true", help="the largest first")
    parser.add_argument(
        "--plot", metavar="FILE", help="draw top-1 and loss over the epochs: .svg, .png or .pdf"
    )
    parser.add_argument(
        "--force", action="store_true", help="overwrite a plot that archc did not write"
    )


def completion(parser: Parser) -> None:
    parser.add_argument(
        "shell", metavar="SHELL", choices=("bash", "zsh", "fish"), help="%(choices)s"
    )


def lsp(parser: Parser) -> None:
    parser.add_argument(
        "--stdio", action="store_true", help="over standard input and output, as it does anyway"
    )


def edit(parser: Parser) -> None:
    parser.add_argument(
        "input", metavar="FILE", help="the file; one that is not there is made when you save it"
    )
    parser.add_argument(
        "--port", metavar="N", type=port, default=0, help="to serve on (default: a free one)"
    )
    parser.add_argument(
        "--browser",
        action=BooleanOptionalAction,
        default=True,
        help="open the page in the browser (default: yes)",
    )


def explain(parser: Parser) -> None:
    parser.add_argument(
        "what",
        metavar="INPUT|CODE",
        nargs="?",
        help="file, bundled network, -, or an error code such as A201 (default: list the codes)",
    )
    parser.add_argument(
        "names",
        metavar="NAME",
        nargs="*",
        help="a part of the network: conv1, layer1.0, 'layer1.*.conv1' (default: list them)",
    )
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
