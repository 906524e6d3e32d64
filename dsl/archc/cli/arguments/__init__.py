"""The arguments of the command line: what `archc.cli` parses, and `archc --help` shows."""

from __future__ import annotations

from archc import __version__
from archc.cli.arguments import commands
from archc.cli.arguments.shared import (
    Parser,
    add_common,
    bounded,
    common,
    reading,
    tabling,
    writing,
)

_ABOUT = "Neural network architectures as text: check them, draw them, build PyTorch from them."
_EPILOG = """\
examples:
  archc new mynet --from resnet18       write mynet.arch, to be changed
  archc build resnet50                  write resnet50.py from a bundled network
  archc build my.arch -D width=64       set a param of the file
  archc build resnet50 --train          write train_resnet50.py, which trains it
  archc check nets/                     report every mistake in every file
  archc fmt nets/                       lay every file out anew
  archc draw googlenet -o googlenet.svg
  archc summary vgg16                   parameters, MACs and memory, line by line
  archc fit resnet50 --memory 24GB      the largest batch that trains
  archc compare nets/ --sort macs       a row a network
  archc explain alexnet conv1           where a layer's numbers come from
  archc verify my.arch                  run it, and prove what must hold
  archc edit my.arch                    a page: text, live diagram, numbers, PyTorch
  archc runs --sort top1                what training scripts have left in runs/
  archc diff resnet50 my.arch           what changed, and what it costs
  archc explain A201                    what an error code means

exit codes: 0 fine, 1 the input is wrong, 2 wrong usage or a file that cannot be read or written
"""


def parser() -> Parser:
    """The parser of all commands; `args.command` names the one that was asked for."""
    made = Parser(prog="archc", description=_ABOUT, epilog=_EPILOG)
    made.add_argument("--version", action="version", version=f"archc {__version__}")
    add_common(made, color="auto", traceback=False)
    subparsers = made.add_subparsers(dest="command", metavar="COMMAND", required=True)
    subparsers.type = str  # what follows is for the command's own parser to refuse
    anywhere, reads, writes = common(), reading(), writing()

    def command(name: str, summary: str, *parents: Parser) -> Parser:
        return subparsers.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            parents=[anywhere, *parents],
        )

    commands.build(command("build", "write PyTorch source", reads, writes))
    commands.export(
        command("export", "write a network with its weights as ONNX or PT2", reads, writes)
    )
    commands.check(command("check", "report every mistake", reads))
    commands.fmt(command("fmt", "lay files out anew: blanks, indents, comments", bounded()))
    commands.draw(command("draw", "draw a network", reads, writes))
    commands.summary(command("summary", "list every number of a network", reads, tabling()))
    commands.fit(
        command("fit", "tell what memory training and inference take, and how fast they are", reads)
    )
    commands.compare(command("compare", "compare networks, a row each", reads, tabling()))
    commands.verify(command("verify", "run a network and prove what must hold of it", reads))
    commands.runs(command("runs", "list and compare the runs of training scripts", tabling()))
    commands.diff(command("diff", "tell what changed from one network to another", reads))
    commands.new(command("new", "write a file to begin with", reads))
    commands.show(command("show", "print a network's text, with what it uses and extends", reads))
    commands.listing(command("list", "list the bundled networks with paper, parameters and MACs"))
    commands.edit(
        command("edit", "edit a file in the browser: its shapes, diagram and PyTorch", bounded())
    )
    commands.lsp(command("lsp", "serve editors: shapes, mistakes and completion while one types"))
    commands.completion(command("completion", "print a script by which a shell completes"))
    commands.explain(command("explain", "explain a network's numbers, or an error code", reads))
    return made
