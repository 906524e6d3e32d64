"""What only a GPU can tell: eight minutes on one card, into a JSON file and a Markdown table.

    python benchmarks/gpu.py --pack build/gpu       # where archc is: a folder that travels
    python build/gpu/benchmarks/gpu.py --out OUT    # where the card is
    python benchmarks/gpu.py --device cpu --tiny    # whether it runs at all; no figures

The machine with the card has torch, torchvision, jinja2 and networkx; the folder holds all else, so
that it needs no network. Every section is one function; what one cannot do is in the report, and
the next goes on. A section that would begin after its share of the time is left out, and named.
Times are wall times between two synchronised moments, the median of several runs; what is compared
takes turns. Peaks are what torch's allocator had given out (`max_memory_allocated`), without what
the driver and the context take.
"""

from __future__ import annotations

import argparse
import gc
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "dsl"), str(ROOT / "vendor")]

TRAVELS = ("dsl", "grammar", "templates", "archs", "benchmarks", "pyproject.toml")
VENDORED = ("lark",)
SECONDS = 460  # of the whole: one command of at most eight minutes
VERIFIED = ("resnet50", "densenet121", "googlenet_bn", "vgg16", "mobilenet_v2", "convnext_tiny")
COMPARED = {"resnet50": "resnet50", "densenet121": "densenet121", "mobilenet_v2": "mobilenet_v2"}
MEASURED = {"resnet50": (16, 64, 192), "densenet121": (16, 64, 128), "vgg16": (16, 64, 128)}
Row = dict[str, Any]


@dataclass
class Bench:
    """Where and how it runs, and what was found."""

    device: Any
    tiny: bool
    began: float = field(default_factory=time.monotonic)
    report: dict[str, Any] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return 64 if self.tiny else 224

    @property
    def is_card(self) -> bool:
        return bool(self.device.type == "cuda")

    def batch(self, count: int) -> int:
        return 2 if self.tiny else count

    def images(self, batch: int) -> Any:
        import torch

        return torch.randn(batch, 3, self.size, self.size, device=self.device)

    def left(self) -> float:
        return SECONDS - (time.monotonic() - self.began) * (not self.tiny)

    def wait(self) -> None:
        import torch

        if self.is_card:
            torch.cuda.synchronize()

    def medians(self, runs: Mapping[str, Callable[[], object]], rounds: int = 15) -> Row:
        """Milliseconds of each: they take turns, after three rounds that do not count."""
        rounds, uncounted = (1, 0) if self.tiny else (rounds, 3)
        found: dict[str, list[float]] = {name: [] for name in runs}
        for turn in range(rounds + uncounted):
            for name in runs if turn % 2 else [*runs][::-1]:
                self.wait()
                start = time.perf_counter()
                runs[name]()
                self.wait()
                if turn >= uncounted:
                    found[name].append(1000 * (time.perf_counter() - start))
        return {name: round(median(times), 3) for name, times in found.items()}

    @contextmanager
    def peak(self) -> Iterator[list[int]]:
        """Yield a list that gets the bytes at the peak, once the block ends."""
        import torch

        found: list[int] = []
        self.clear()
        if self.is_card:
            torch.cuda.reset_peak_memory_stats()
        yield found
        found.append(torch.cuda.max_memory_allocated() if self.is_card else 0)
        self.clear()

    def clear(self) -> None:
        import torch

        gc.collect()
        if self.is_card:
            torch.cuda.empty_cache()


Section = Callable[[Bench], list[Row]]
SECTIONS: dict[str, Section] = {}


def section(title: str) -> Callable[[Section], Section]:
    """Function decorator: a part of the report, by its title, in this order."""

    def taken(run: Section) -> Section:
        SECTIONS[title] = run
        return run

    return taken


# --- the sections ------------------------------------------------------------------------


@section("archc verify: the checks that need a GPU")
def verified(bench: Bench) -> list[Row]:
    import archc
    from archc.verify.check import perform
    from archc.verify.checks import CHECKS
    from archc.verify.subject import Subject

    rows = []
    for name in VERIFIED[: 1 if bench.tiny else None]:
        subject = Subject(archc.load(name).analysis)
        for check in (check for check in CHECKS.values() if check.gpu):
            result = perform(check, subject)
            rows.append({"network": name, "check": check.name, "status": result.status,
                         "remark": result.remark or ""})  # fmt: skip
        bench.clear()
    return rows


@section("generated classes beside torchvision's: milliseconds, and ours / torchvision's")
def compared(bench: Bench) -> list[Row]:
    """Eager, channels_last, AMP and compiled; forward passes and steps, equal weights."""
    import torch
    import torchvision

    import archc

    rows: list[Row] = []
    batch = bench.batch(64)
    for name, theirs in list(COMPARED.items())[: 1 if bench.tiny else None]:
        pair = {
            "torchvision": getattr(torchvision.models, theirs)(weights=None),
            "archc": archc.load(name).module(),
        }
        pair["archc"].load_state_dict(pair["torchvision"].state_dict())
        for way in ("eager", "channels_last", "channels_last, amp", "channels_last, amp, compiled"):
            if "compiled" in way and (name != "resnet50" or bench.tiny or bench.left() < 200):
                continue
            layout = torch.contiguous_format if way == "eager" else torch.channels_last
            nets = {who: net.to(bench.device, memory_format=layout) for who, net in pair.items()}
            run = {w: torch.compile(n) if "compiled" in way else n for w, n in nets.items()}
            x = bench.images(batch).to(memory_format=layout)
            for mode in ("forward", "step"):
                forms = {who: _runner(net, x, mode, "amp" in way) for who, net in run.items()}
                times = bench.medians(forms)
                ratio = round(times["archc"] / times["torchvision"], 3)
                rows.append({"network": name, "way": way, "mode": mode, "batch": batch, **times,
                             "ratio": ratio})  # fmt: skip
        del pair
        bench.clear()
    return rows


def _runner(net: Any, x: Any, mode: str, amp: bool) -> Callable[[], object]:
    """A forward pass in eval mode, or a step of SGD with momentum."""
    import torch

    net.train(mode == "step")
    labels = torch.zeros(len(x), dtype=torch.long, device=x.device)
    optimizer = torch.optim.SGD(net.parameters(), 1e-4, momentum=0.9)
    half = torch.autocast(x.device.type, dtype=torch.bfloat16) if amp else nullcontext()

    def forward() -> object:
        with torch.inference_mode(), half:
            return net(x)

    def step() -> object:
        optimizer.zero_grad(set_to_none=True)
        with half:
            loss = torch.nn.functional.cross_entropy(net(x).float(), labels)
        loss.backward()
        optimizer.step()
        return loss

    return forward if mode == "forward" else step


@section("the deploy form at batch 1: milliseconds")
def deployed(bench: Bench) -> list[Row]:
    """Fp16 and channels_last, with and without CUDA graphs."""
    import torch

    import archc
    from archc.net import class_of

    rows = []
    dtype = torch.float16 if bench.is_card else torch.float32
    for name in ("resnet50", "mobilenet_v2")[: 1 if bench.tiny else None]:
        net = archc.load(name)
        trained = net.module()
        lean = class_of(net.name, net.analysis.emit_deployed()).from_training(trained.state_dict())
        forms = {"training form": trained.eval(), "deploy form": lean}
        how = {"dtype": dtype, "memory_format": torch.channels_last}
        forms = {form: module.to(bench.device, **how) for form, module in forms.items()}
        x = bench.images(1).to(dtype=dtype, memory_format=torch.channels_last)
        runs: dict[str, Callable[[], object]] = {}
        for form, module in forms.items():
            runs[form] = _inference(module, x)
            if bench.is_card:
                runs[f"{form}, CUDA graph"] = _graphed(module, x)
        rows.append({"network": name, **bench.medians(runs, rounds=50)})
        bench.clear()
    return rows


def _inference(module: Any, x: Any) -> Callable[[], object]:
    import torch

    def run() -> object:
        with torch.inference_mode():
            return module(x)

    return run


def _graphed(module: Any, x: Any) -> Callable[[], object]:
    import torch

    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream), torch.no_grad():
        for _ in range(3):
            module(x)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph), torch.no_grad():
        module(x)
    replay: Callable[[], object] = graph.replay
    return replay


@section("DenseNet-121 computed again in the backward pass: a step")
def recomputed(bench: Bench) -> list[Row]:
    import torchvision

    import archc

    batch = bench.batch(64)
    net, theirs = archc.load("densenet121"), torchvision.models.densenet121
    forms: dict[str, Callable[[], Any]] = {
        "archc": net.module,
        "archc, grad_checkpointing": lambda: net.module(grad_checkpointing=True),
        "torchvision": lambda: theirs(weights=None),
        "torchvision, memory_efficient": lambda: theirs(weights=None, memory_efficient=True),
    }
    rows = []
    for form, make in list(forms.items())[: 2 if bench.tiny else None]:
        with bench.peak() as peak:
            step = _runner(make().to(bench.device), bench.images(batch), "step", False)
            times = bench.medians({"ms": step}, rounds=7)
            del step
        rows.append({"form": form, "batch": batch, **times, "peak MiB": peak[0] >> 20})
    return rows


@section("memory of a step: the allocator's peak beside archc fit")
def fitted(bench: Bench) -> list[Row]:
    import archc

    rows: list[Row] = []
    for name, batches in list(MEASURED.items())[: 1 if bench.tiny else None]:
        net = archc.load(name)
        for batch in map(bench.batch, batches[: 1 if bench.tiny else None]):
            with bench.peak() as peak:
                step = _runner(net.module().to(bench.device), bench.images(batch), "step", False)
                step()
                step()
                del step
            predicted = net.analysis.memory().train.peak(batch).bytes(batch)
            ratio = round(predicted / peak[0], 3) if peak[0] else None
            rows.append({"network": name, "batch": batch, "peak MiB": peak[0] >> 20,
                         "fit MiB": predicted >> 20, "fit / peak": ratio})  # fmt: skip
    return rows


@section("images a second, beside archc fit's estimate")
def throughput(bench: Bench) -> list[Row]:
    import torch

    import archc
    from archc.analysis import roofline
    from archc.analysis.gpus import UnknownGpu, find_gpu

    card = None
    if bench.is_card:
        with suppress(UnknownGpu):
            card = find_gpu(torch.cuda.get_device_name())
    rows: list[Row] = []
    for name in ("resnet50", "vgg16", "mobilenet_v2")[: 1 if bench.tiny else None]:
        net, batch = archc.load(name), bench.batch(64)
        module = net.module().to(bench.device, memory_format=torch.channels_last)
        x = bench.images(batch).to(memory_format=torch.channels_last)
        for mode in ("forward", "step"):
            for precision in ("fp32", "amp"):
                run = _runner(module, x, mode, precision == "amp")
                rate = 1000 * batch / bench.medians({"ms": run}, rounds=9)["ms"]
                row = {"network": name, "mode": mode, "precision": precision, "batch": batch,
                       "images/s": round(rate)}  # fmt: skip
                if card is not None:
                    width = 2 if precision == "amp" else 4
                    made = roofline.estimate(net.analysis.work(), card, precision, width, batch,
                                             training=mode == "step")  # fmt: skip
                    row["estimated"] = round(made.per_second) if made else None
                rows.append(row)
        bench.clear()
    return rows


@section("the training script on synthetic images")
def trained(bench: Bench) -> list[Row]:
    """An epoch of ten updates, as a user starts it."""
    import archc

    name = "resnet18" if not bench.tiny else "lenet"
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "train.py")
        script.write_text(archc.load(name).analysis.emit_training(), encoding="utf-8")
        argv = [sys.executable, str(script), "--synthetic", "--epochs", "1", "--amp",
                "--device", bench.device.type]  # fmt: skip
        argv += ["--batch-size", "8"] if bench.tiny else []
        start = time.monotonic()
        done = subprocess.run(argv, capture_output=True, text=True, cwd=folder, timeout=180)
        seconds = round(time.monotonic() - start, 1)
    lines = (done.stdout + done.stderr).strip().splitlines()
    return [{"network": name, "exit code": done.returncode, "seconds": seconds,
             "last line": lines[-1] if lines else ""}]  # fmt: skip


# --- the report --------------------------------------------------------------------------


def run(bench: Bench) -> bool:
    """Run the sections; whether each did what it should."""
    fine = True
    for title, work in SECTIONS.items():
        if bench.left() < 20:
            bench.report[title] = "left out: no time was left"
            continue
        start = time.monotonic()
        try:
            rows: Any = work(bench)
            fine &= all(row.get("status") != "fail" and not row.get("exit code") for row in rows)
        except Exception as error:  # the report says so, and the next section runs
            rows, fine = f"{type(error).__name__}: {error}", False
        bench.report[title] = rows
        print(f"{time.monotonic() - start:6.1f} s  {title}", flush=True)
    return fine


def markdown(machine: Mapping[str, Any], report: Mapping[str, Any]) -> str:
    """The report as tables, for docs/performance.md."""
    parts = ["; ".join(f"{name} {value}" for name, value in machine.items())]
    for title, rows in report.items():
        parts.append(f"## {title}")
        if not rows or isinstance(rows, str):
            parts.append(rows or "nothing")
            continue
        heads = list(dict.fromkeys(name for row in rows for name in row))
        lines = [
            heads,
            ["---"] * len(heads),
            *([str(row.get(h, "")) for h in heads] for row in rows),
        ]
        parts.append("\n".join(f"| {' | '.join(line)} |" for line in lines))
    return "\n\n".join(parts) + "\n"


def describe_machine(device: Any) -> dict[str, Any]:
    import torch
    import torchvision

    card = torch.cuda.get_device_name() if device.type == "cuda" else "no GPU"
    return {"card": card, "torch": torch.__version__, "torchvision": torchvision.__version__,
            "CUDA": torch.version.cuda, "cuDNN": torch.backends.cudnn.version()}  # fmt: skip


def pack(folder: Path) -> None:
    """Make a folder with all that a machine with torch, jinja2 and networkx lacks."""
    import importlib

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    unwanted = shutil.ignore_patterns("__pycache__", "*.pyc", "viz-global.js")
    for name in TRAVELS:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=unwanted)
        else:
            shutil.copy(source, folder / name)
    for name in VENDORED:
        package = Path(importlib.import_module(name).__path__[0])
        shutil.copytree(package, folder / "vendor" / name, ignore=unwanted)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pack", metavar="FOLDER", type=Path, help="make what travels, and stop")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--tiny", action="store_true", help="tiny sizes: does it run at all")
    parser.add_argument("--out", metavar="FOLDER", type=Path, default=Path())
    options = parser.parse_args()
    if options.pack:
        pack(options.pack)
        return 0
    import torch

    bench = Bench(torch.device(options.device), options.tiny)
    if bench.is_card:
        torch.set_float32_matmul_precision("high")  # TF32, as the training script has it
        torch.backends.cudnn.benchmark = True
    fine = run(bench)
    machine = describe_machine(bench.device)
    options.out.mkdir(parents=True, exist_ok=True)
    found = {"machine": machine, "sections": bench.report}
    (options.out / "gpu.json").write_text(json.dumps(found, indent=1, default=str))
    (options.out / "gpu.md").write_text(markdown(machine, bench.report), encoding="utf-8")
    print(markdown(machine, bench.report))
    return 0 if fine else 1


if __name__ == "__main__":
    raise SystemExit(main())
