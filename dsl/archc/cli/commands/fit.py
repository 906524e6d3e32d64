"""`archc fit`: what memory a network takes, the largest batch that fits, and how fast it is."""

from __future__ import annotations

import sys
from argparse import Namespace
from dataclasses import replace
from typing import TYPE_CHECKING

from archc.cli.commands.reading import analysed, need_network, room
from archc.cli.commands.tables import put_sheets
from archc.cli.exit_codes import FINE, Stop, say
from archc.cli.inputs import find_one

if TYPE_CHECKING:
    from archc.report.memory import Device


def run(args: Namespace) -> int:
    """Prints the memory and the speed of a training step and of inference."""
    from archc.analysis.setting import choose_run
    from archc.report import memory as capacity

    input = find_one(args.input, args.project, "fit")
    if args.amp and args.dtype not in (None, "fp32"):
        raise Stop("--amp keeps parameters in fp32: leave out --dtype, or --amp")
    devices = _devices(args)
    analysis, code = analysed(input, args)
    if analysis is None or code:
        return code
    need_network(analysis, input, "there is nothing to run")
    run = choose_run(
        analysis.facts.train,
        batch=args.batch,
        optimizer=args.optimizer,
        precision="amp" if args.amp else args.dtype,
        ema=args.ema,
    )
    if run.unread:
        unread = f"a training script does not know the `precision {run.unread}` of train"
        say(f"{unread}, and trains in float32: --dtype or --amp sets what fit counts")
    ddp = "views" if args.ddp_views else "copies" if args.ddp else None
    setting = replace(run.setting, checkpoint=args.checkpoint_block, ddp=ddp)
    best = run.batch if args.checkpoint and setting.checkpoint is None else None
    try:
        memory = analysis.memory(setting, best_checkpoint_at=best)
    except KeyError:
        raise Stop(f"{analysis.name} calls no block {setting.checkpoint!r}") from None
    if best and memory.setting.checkpoint is None:
        say("no block is worth computing again")
    work = analysis.work(memory.setting.checkpoint)
    table, batch = analysis.table, run.batch
    report = capacity.MemoryReport(table, memory, work, batch, devices, run.origins)
    if args.format == "json":
        sys.stdout.write(capacity.json(report))
    else:
        put_sheets(capacity.sheets(report, min(room(sys.stdout) or 100, 100)), args)
    return FINE


def _devices(args: Namespace) -> list[Device]:
    """Those that were named, or all that archc knows with memory of their own."""
    from archc.analysis.gpus import UnknownGpu, find_gpu, gpus
    from archc.report.memory import Device
    from archc.report.spelling.numbers import format_bytes

    try:
        chosen = [find_gpu(name) for name in args.gpu]
    except UnknownGpu as unknown:
        raise Stop(str(unknown)) from None
    own = [card for card in gpus().values() if not card.shared]
    named = chosen if chosen or args.memory else own
    return [Device(f"{format_bytes(bytes)} given", bytes) for bytes in args.memory] + [
        Device(card.name, card.memory, card) for card in named
    ]
