"""`archc verify`: what must hold of a generated module, proved by running it."""

from __future__ import annotations

import sys
import threading
from argparse import Namespace
from collections import Counter
from pathlib import Path
from time import perf_counter

from archc import files, verify
from archc.api import Analysis
from archc.arguments import meant
from archc.cli.commands.reading import analysed, colored, find_all, need_network
from archc.cli.commands.tables import put_sheets
from archc.cli.exit_codes import FINE, WRONG, Stop, say
from archc.cli.inputs import Input
from archc.packages import need
from archc.report.characters import visible
from archc.report.tables import TableLine
from archc.verify import Result, Task, Verdict
from archc.verify.report import (
    Named,
    Report,
    check_line,
    listed,
    listed_json,
    network_line,
    of_checks,
    of_networks,
)


def run(args: Namespace) -> int:
    """Prints the results of all checks of all networks."""
    if args.list:
        checks = [*verify.registered().values()]
        if args.format == "json":
            sys.stdout.write(listed_json(checks))
        else:
            put_sheets([listed(checks)], args)
        return FINE
    chosen = _chosen(args)
    inputs, code = find_all(args.inputs, args.project)
    if not inputs:
        return code
    source = _source(args, inputs)
    networks, mistaken, read = _networks(inputs, args)
    code = code or read
    if not networks:
        return code or WRONG
    names = _names(networks)
    progress = _Progress(networks[0][1].name, names, chosen, args)
    start = perf_counter()
    verdicts = _verify([Task.of(analysis, source) for _, analysis in networks], progress, args)
    report = Report(
        [
            Named(analysis.name, name, verdict)
            for (_, analysis), name, verdict in zip(networks, names, verdicts, strict=True)
        ],
        len(chosen),
        0 if args.only else len(verify.registered()) - len(chosen),
        perf_counter() - start,
        mistaken,
    )
    if args.format == "json":
        sys.stdout.write(report.json())
    else:
        progress.end(report.foot)
    return code or (WRONG if report.failed else FINE)


def _chosen(args: Namespace) -> list[str]:
    """The names of the checks to run. Raises Stop."""
    if not args.inputs:
        raise Stop("verify what? Give a file, a folder or a bundled network, or --list")
    need("verify runs the networks, and", "torch")
    known = verify.registered()
    now = {check.was: name for name, check in known.items() if check.was}
    only = [now.get(name, name) for name in args.only or ()]
    for name in only:
        if name not in known:
            raise Stop(f"no check {name!r}{meant(name, known) or '; --list names them'}")
    if only:
        return [name for name in known if name in only]
    return [name for name, check in known.items() if args.all or not check.slow]


def _source(args: Namespace, inputs: list[Input]) -> str | None:
    """The text of `--source`. Raises Stop."""
    if args.source is None:
        return None
    if len(inputs) != 1 or inputs[0].folder is not None:
        raise Stop("--source is a module of one network: give one")
    try:
        return files.read(Path(args.source)).text
    except files.Unreadable as failure:
        title = failure.diagnostic.title
        raise Stop(title if failure.io else f"cannot read {args.source}: {title}") from None


def _networks(
    inputs: list[Input], args: Namespace
) -> tuple[list[tuple[Input, Analysis]], list[str], int]:
    """Those without mistakes, the others' names, and FINE; shows what is wrong with these."""
    found: list[tuple[Input, Analysis]] = []
    mistaken: list[str] = []
    code = FINE
    for input in inputs:
        try:
            analysis, wrong = analysed(input, args)
        except Stop as stop:
            if len(inputs) == 1:
                raise
            say(str(stop))
            code = code or stop.code
            mistaken.append(input.name)
            continue
        code = code or wrong
        if analysis is None or wrong:
            mistaken.append(input.name)
            continue
        if analysis.plan is None:
            if input.folder is None:  # in a folder, files of blocks are for the others
                need_network(analysis, input, "there is nothing to verify")
            continue
        found.append((input, analysis))
    return found, mistaken, code


def _names(networks: list[tuple[Input, Analysis]]) -> list[str]:
    """What tables call them: the file's name, or its path where two have the same; their params."""
    stems = [input.path.stem if input.path else input.stem for input, _ in networks]
    count = Counter(stems)
    named = [
        stem if count[stem] == 1 else str(Path(input.name).with_suffix(""))
        for stem, (input, _) in zip(stems, networks, strict=True)
    ]
    return [
        " ".join([name, *analysis.params_set])
        for name, (_, analysis) in zip(named, networks, strict=True)
    ]


def _verify(tasks: list[Task], progress: _Progress, args: Namespace) -> list[Verdict]:
    """The verdicts in order; tells them as they are found."""
    found: dict[int, Verdict] = {}
    try:
        for at, verdict in verify.verify(
            tasks,
            progress.checks,
            workers=args.jobs,
            seconds=args.timeout,
            started=progress.note_start,
            ended=progress.tell_check,
        ):
            found[at] = verdict
            progress.tell_network(at, verdict)
    except verify.CannotStart as error:
        raise Stop(f"cannot start the checks: {error}") from None
    finally:  # no process is left, nor anything that one wrote
        progress.clear()
    return [found[at] for at in range(len(tasks))]


class _Progress:
    """The table, line by line as checks or networks end, and on a terminal what runs.

    One network has a line a check, many have a line each. Nothing is told where JSON follows.
    """

    def __init__(self, title: str, names: list[str], checks: list[str], args: Namespace) -> None:
        self.names, self.checks = names, checks
        color = colored(sys.stdout, args)
        self.table = (
            of_checks(f"{title} ({names[0]})", checks, color=color)
            if len(names) == 1
            else of_networks(names, color=color)
        )
        self._tells = args.format == "text"
        self._runs = sys.stderr.isatty()
        self._headed = False
        self._begun, self._total = 0, len(names) * len(checks)
        self._lock = threading.Lock()  # checks end in several threads

    def note_start(self, path: str, check: str) -> None:
        with self._lock:
            self._begun += 1
            if self._runs:
                line = f"{self._begun}/{self._total} {visible(Path(path).stem)}: {check}"
                sys.stderr.write(f"{_CLEAR}{line}")
                sys.stderr.flush()

    def tell_check(self, at: int, result: Result) -> None:
        if len(self.names) == 1:
            self._tell(check_line(result))

    def tell_network(self, at: int, verdict: Verdict) -> None:
        if len(self.names) > 1:
            self._tell(network_line(Named("", self.names[at], verdict)))

    def _tell(self, line: TableLine) -> None:
        with self._lock:
            self.clear()
            if self._tells:
                self._head()
                print(self.table.line(line), flush=True)

    def end(self, foot: list[str]) -> None:
        self._head()
        print(self.table.below(foot))

    def _head(self) -> None:
        """What stands above the first line, once."""
        if not self._headed:
            print(self.table.above())
        self._headed = True

    def clear(self) -> None:
        if self._runs:
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()


_CLEAR = "\r\x1b[K"
