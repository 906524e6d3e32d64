"""What `archc fit` says, as text for people and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

from archc.analysis.fit import FITS, LEFT_OUT, RULE, TIGHT, NetworkMemory, Peak, peak, verdict
from archc.analysis.gpus import Gpu
from archc.analysis.heap import Heap, Role
from archc.analysis.roofline import Workload
from archc.analysis.setting import Origin
from archc.analysis.table import Table
from archc.report import speed as throughput
from archc.report import tables
from archc.report.characters import to_json
from archc.report.spelling.numbers import format_bytes
from archc.report.tables import Column, Sheet, TableLine

VERSION = 1  # of the JSON; grows when a key goes or changes its meaning


@dataclass(frozen=True, slots=True)
class Device:
    """Memory to fit into, in bytes; `name` is a GPU's or the size as it was given."""

    name: str
    capacity: int
    gpu: Gpu | None = None


@dataclass(frozen=True, slots=True)
class MemoryReport:
    """What was asked: a network's memory and speed at a batch, on some devices."""

    table: Table
    memory: NetworkMemory
    work: Workload
    batch: int
    devices: Sequence[Device]
    origins: Mapping[str, Origin]  # where batch, optimizer, precision and ema come from


# --- text --------------------------------------------------------------------------------


def text(report: MemoryReport) -> str:
    """The tables of `sheets`, for people."""
    return "\n".join(map(tables.text, sheets(report)))


def sheets(report: MemoryReport, width: int = 100) -> list[Sheet]:
    """Where the memory goes at the peak, the biggest tensors, the largest batches, the speed.

    What is said below a table has lines of `width`.
    """
    train, infer = _peaks(report)
    cards = [device.gpu for device in report.devices if device.gpu is not None]
    speed = throughput.sheet(report.work, cards, report.memory.setting, report.batch, width)
    parts = (_parts(report, train, infer), _largest(train), _devices(report, train, width), speed)
    return [sheet for sheet in parts if sheet.lines]


def _peaks(report: MemoryReport) -> tuple[Peak, Peak]:
    return peak(report.memory.train, report.batch), peak(report.memory.infer, report.batch)


def _parts(report: MemoryReport, train: Peak, infer: Peak) -> Sheet:
    columns = (
        Column("part", ""),
        Column("train", "training", numeric=True, show=format_bytes),
        Column("infer", "inference", numeric=True, show=format_bytes),
    )
    lines = [
        TableLine((role.value, train.parts.get(role) or None, infer.parts.get(role) or None))
        for role in Role
        if train.parts.get(role) or infer.parts.get(role)
    ]
    lines.append(TableLine(("peak", train.bytes, infer.bytes), strong=True))
    setting, heading = report.memory.setting, report.table.heading
    head = f"{heading}: batch {report.batch}, {setting.precision}, {setting.optimizer.title}"
    if setting.ema:
        head += ", an average of the weights"
    if setting.checkpoint:
        head += f", every `{setting.checkpoint}` computed again in the backward pass"
    if setting.ddp is not None:
        head += ", DistributedDataParallel"
    foot = (
        *_origins(report),
        f"Training peaks in {_where(train)};",
        f"inference in {_where(infer)}.",
        "With cross-entropy as the loss, from the second step on.",
    )
    return Sheet(columns, lines, head, foot)


_GROUPS: dict[Origin, str] = {
    "train": "from the file's `train`",
    "given": "as given",
    "default": "by default",
}


def _origins(report: MemoryReport) -> list[str]:
    """`Batch and optimizer from the file's `train`, precision by default.`"""
    shown = [part for part in report.origins if part != "ema" or report.memory.setting.ema]
    groups = [
        f"{', '.join(part for part in shown if report.origins[part] == origin)} {where}"
        for origin, where in _GROUPS.items()
        if any(report.origins[part] == origin for part in shown)
    ]
    said = "; ".join(groups)
    lines = [f"{said[0].upper()}{said[1:]}."]
    if report.origins["batch"] == "train":
        lines.append("That batch is an update's, over all GPUs: --batch N says what one has of it.")
    return lines


def _where(peak: Peak) -> str:
    moment = peak.moment
    if moment.phase in ("loss", "step"):
        return {"loss": "the loss", "step": "the optimizer's step"}[moment.phase]
    if moment.phase == "recompute":
        return f"the backward pass, computing {moment.name} again"
    return f"the {moment.phase} pass, at {moment.name}"


def _largest(train: Peak) -> Sheet:
    columns = (
        Column("tensor", "made by"),
        Column("role", "what it is"),
        Column("bytes", "size", numeric=True, show=format_bytes),
    )
    lines = [TableLine((s.name, s.role.value, bytes)) for s, bytes in train.largest]
    return Sheet(columns, lines, "The biggest tensors at the training peak")


def _devices(report: MemoryReport, train: Peak, width: int) -> Sheet:
    columns = (
        Column("device", "to fit into"),
        Column("capacity", "memory", numeric=True, show=format_bytes),
        Column("train", "trains", numeric=True),
        Column("tight", "tightly", numeric=True),
        Column("infer", "infers", numeric=True),
        Column("verdict", f"training at {report.batch}"),
    )
    lines = [
        TableLine(
            (
                device.name,
                device.capacity,
                _batch(report.memory.train, device.capacity, FITS),
                _batch(report.memory.train, device.capacity, TIGHT),
                _batch(report.memory.infer, device.capacity, FITS),
                verdict(train.bytes, device.capacity),
            )
        )
        for device in report.devices
    ]
    foot = (*wrap(RULE, width), *wrap(LEFT_OUT, width))
    return Sheet(columns, lines, "The largest batch", foot)


def _batch(heap: Heap, capacity: int, share: float) -> int:
    return heap.largest_batch(share * capacity)


# --- json --------------------------------------------------------------------------------


def json(report: MemoryReport) -> str:
    """The same for programs; docs/cli.md says what the keys mean."""
    train, infer = _peaks(report)
    setting = report.memory.setting
    document = {
        "version": VERSION,
        "network": report.table.name,
        "arguments": dict(report.table.arguments),
        "batch": report.batch,
        "dtype": setting.dtype,
        "amp": setting.amp,
        "optimizer": setting.optimizer.key,
        "optimizer_title": setting.optimizer.title,
        "ema": setting.ema,
        "origins": dict(report.origins),
        "checkpoint": setting.checkpoint,
        "ddp": setting.ddp,
        "train_peak_bytes": train.bytes,
        "infer_peak_bytes": infer.bytes,
        "train": _peak(train),
        "infer": _peak(infer),
        "devices": [_device(report, device, train, infer) for device in report.devices],
        "rule": RULE,
    }
    return to_json(document)


def _peak(peak: Peak) -> dict[str, Any]:
    return {
        "phase": peak.moment.phase,
        "at": peak.moment.name,
        "parts": {role.value: size for role, size in peak.parts.items() if size},
        "largest": [
            {"name": storage.name, "role": storage.role.value, "bytes": size}
            for storage, size in peak.largest
        ],
    }


def _device(report: MemoryReport, device: Device, train: Peak, infer: Peak) -> dict[str, Any]:
    memory, capacity = report.memory, device.capacity
    setting, batch = memory.setting, report.batch
    fast_infer, fast_train = throughput.estimates(report.work, device.gpu, setting, batch)
    return {
        "name": device.name,
        "capacity_bytes": capacity,
        "train": _fits(memory.train, train, capacity),
        "infer": _fits(memory.infer, infer, capacity),
        "speed": {
            "train": throughput.record(fast_train),
            "infer": throughput.record(fast_infer),
        },
    }


def _fits(heap: Heap, peak: Peak, capacity: int) -> dict[str, Any]:
    return {
        "verdict": verdict(peak.bytes, capacity),
        "largest_batch": _batch(heap, capacity, FITS),
        "largest_batch_tight": _batch(heap, capacity, TIGHT),
    }
