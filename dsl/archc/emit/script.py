"""The training script through its templates."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

from archc.analysis.costs import Cost
from archc.elaborate.sections import Facts
from archc.emit.blame import blamed
from archc.emit.imports import Import, bound, laid, used
from archc.emit.options import Options, Untrainable
from archc.emit.render import environment_of
from archc.emit.training import Training, build_training
from archc.plan import Plan

_STANDARD = "argparse fnmatch json math os re shutil signal sys time"
_KNOWN: list[Import] = [
    *((name, "") for name in _STANDARD.split()),
    ("bisect", "bisect_right"),
    ("collections", "OrderedDict"),
    ("collections.abc", "Callable"),
    ("collections.abc", "Iterator"),
    ("contextlib", "nullcontext"),
    ("contextlib", "suppress"),
    ("functools", "partial"),
    ("itertools", "chain"),
    ("itertools", "islice"),
    ("itertools", "zip_longest"),
    ("multiprocessing.pool", "ThreadPool"),
    ("pathlib", "Path"),
    ("textwrap", "shorten"),
    ("typing", "Any"),
    ("typing", "BinaryIO"),
    ("typing", "NoReturn"),
    ("numpy as np", ""),
    ("PIL.Image", ""),
    ("torch", ""),
    ("torch.distributed as dist", ""),
    ("torch.nn.functional as F", ""),
    ("torch", "Tensor"),
    ("torch", "nn"),
    ("torch.distributed.checkpoint.state_dict as dcp", ""),
    ("torch.distributed.device_mesh", "init_device_mesh"),
    ("torch.distributed.fsdp", "FSDPModule"),
    ("torch.distributed.fsdp", "fully_shard"),
    ("torch.nn.parallel", "DistributedDataParallel"),
    ("torch.optim.lr_scheduler", "LambdaLR"),
    ("torch.optim.lr_scheduler", "ReduceLROnPlateau"),
    ("torch.optim.swa_utils", "AveragedModel"),
    ("torch.optim.swa_utils", "get_ema_avg_fn"),
    ("torch.utils.data", "DataLoader"),
    ("torch.utils.data", "Dataset"),
    ("torchvision", "datasets"),
    ("torchvision.transforms", "v2"),
    ("tqdm", "tqdm"),
]


def emit_training(
    plan: Plan,
    facts: Facts,
    cost: Cost,
    again: Callable[..., Plan | None],
    stem: str,
    templates: Path | None = None,
    options: Options | None = None,
) -> str:
    """A script that trains the network as its recipe says. Raises Untrainable.

    `again`, `templates` and `options` are as in `archc.emit.emit`, `stem` is the source's.
    """
    environment = environment_of(templates)
    with blamed(templates):
        chosen = options or Options()
        training = build_training(plan, facts, cost, again, stem, chosen, templates)
        template = environment.get_template("train/script.py.jinja")
        text = template.render(run=training)
        _check_names(training, text)
        imports = laid([*training.imports, *used(_KNOWN, text)])
    return text.replace("# imports\n", imports + "\n", 1)


def _check_names(training: Training, text: str) -> None:
    """A class of the network must not have a name that the script has."""
    taken = {bound(module, name) for module, name in _KNOWN}
    tree = ast.parse(text)
    defined = [n.name for n in tree.body if isinstance(n, ast.ClassDef | ast.FunctionDef)]
    for name in defined:
        if name in taken or defined.count(name) > 1:
            raise Untrainable(
                f"the training script has a `{name}` of its own: give the network's another name"
            )
