"""The training script: what its template prints, from the network and its recipe."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Sized
from dataclasses import dataclass
from pathlib import Path

from archc.analysis.costs import Cost
from archc.elaborate.sections import Facts
from archc.emit.checked import checked_module
from archc.emit.file import Module
from archc.emit.head import head_modules
from archc.emit.imports import Import, split
from archc.emit.layout import WIDTH, Bracketed, CallArgument, call, lay
from archc.emit.options import CHECKPOINTING, ZERO_INIT, Options, Untrainable
from archc.emit.rates import Rate
from archc.emit.render import harmless, render
from archc.plan import Plan, format_params, outputs, side_outputs
from archc.recipe import (
    DATASETS,
    Augment,
    Batch,
    Dataset,
    Decay,
    Flag,
    Length,
    Optimizer,
    Recipe,
    Script,
    Statistics,
)
from archc.recipe.images import usual_resize

_SMALL = 64  # images up to this size are shown whole; larger ones are cut out of photographs


@dataclass(slots=True)
class Training:
    """What the template of a training script prints: lines of code, indented where they stand."""

    name: str
    about: list[str]  # the statement that says what is trained, for OUT/run.json
    doc: list[str]
    renamed: list[str]  # the statement that puts the script's own name into it
    untyped: list[str]  # what mypy is not to say
    imports: list[Import]  # of the model
    model: str  # its classes, as `archc build` writes them
    shape: tuple[int, ...]
    statistics: Statistics
    width: int  # how many classes the file has
    by_flag: bool  # whether there may be others
    classes: str  # how many, as an expression
    head: list[str]  # the statement that says which weights are new for other classes
    batch: int
    construct: list[str]
    output: str  # the type of what the network returns in training
    loss: list[str]  # the statement that computes it
    sides: list[str]  # the body of `total_loss`, where there are side classifiers
    colours: str
    augmentation: list[str]
    steps: str  # what is done to training images
    resized: int
    unit: str
    total: str
    factor: list[str]  # the body of `lr_factor`
    factor_arguments: str
    scheduler: list[str]
    optimizer: list[str]
    stateless: bool  # the optimizer keeps nothing from an update to the next
    flags: list[str]
    setup: list[str]  # from here on what lines of the recipe ask for
    on_batch: list[str]
    on_gradients: list[str]
    on_epoch: list[str]
    lighting: bool
    recomputes: bool  # whether a block can be computed again in the backward pass
    split_decay: bool


def build_training(
    plan: Plan,
    facts: Facts,
    cost: Cost,
    again: Callable[..., Plan | None],
    stem: str,
    options: Options,
    templates: Path | None = None,
) -> Training:
    """Everything about one script. Raises Untrainable, and Unsuited for the options."""
    recipe, file = Recipe(facts.train), f"train_{stem}.py"
    shape, width = _classifier(plan)
    optimizer, batch, length = _needed(recipe)
    module = checked_module(plan, facts, cost, again, options)
    imports, model = split(module.text if templates is None else render(module, templates))
    augment = recipe.find(Augment) or Augment(span=optimizer.span)
    named = recipe.find(Dataset)
    dataset = (named.known if named is not None else "") or _likely_dataset(shape)
    channels = len(DATASETS[dataset].mean)
    if channels != shape[0]:
        raise Untrainable(f"`dataset {dataset}` has {channels} channels, not {shape[0]}")
    if shape[0] != 3 and augment.is_of_colours:
        raise Untrainable(f"`jitter` and `lighting` are of colours, and {plan.name} sees none")
    if augment.is_too_small(shape[1:]):
        cut = "x".join(map(str, shape[1:]))
        why = f"`augment crop` cuts {cut} out of images that `resize` leaves smaller"
        raise Untrainable(f"{why}: in `train {{ }}` write `resize={usual_resize(shape[1:])}`")
    count = _class_count(plan, module, width)
    by_flag = bool(count)
    script = Script(shape, "args.classes" if by_flag else "CLASSES")
    decay, schedule = recipe.find(Decay), Rate(recipe)
    split_decay = decay is not None and decay.weights and bool(optimizer.weight_decay)
    return Training(
        name=plan.name,
        about=_about(plan),
        doc=_describe(plan, module, file),
        renamed=_renamed(file),
        untyped=sorted({*module.untyped, "index", "no-any-return", "no-untyped-call"}),
        imports=imports,
        model=model,
        shape=shape,
        statistics=DATASETS[dataset],
        width=width,
        by_flag=by_flag,
        classes=script.classes,
        head=_head(head_modules(plan, again, count)),
        batch=batch.images,
        construct=_construct(plan, options, count),
        output=module.record or "Tensor",
        loss=_loss(plan, recipe),
        sides=_sides(plan, module, recipe),
        colours="v2.RGB()" if shape[0] == 3 else "v2.Grayscale()",
        augmentation=_augmentation(augment, shape),
        steps="augment" if augment.transforms(shape) else "center",
        resized=augment.resized(shape),
        unit=length.name,
        total=length.total,
        factor=schedule.factor(),
        factor_arguments=schedule.arguments,
        scheduler=schedule.scheduler(),
        optimizer=_optimizer(optimizer, split_decay),
        stateless=not optimizer.moments,
        flags=_flags(plan, recipe, by_flag, options.checkpoint is not None),
        setup=[row for line in recipe.lines for row in line.setup(script)],
        on_batch=[row for line in recipe.lines for row in line.on_batch()],
        on_gradients=[row for line in recipe.lines for row in line.on_gradients()],
        on_epoch=[row for line in recipe.lines for row in line.on_epoch()],
        lighting=augment.lighting > 0,
        recomputes=options.checkpoint is not None,
        split_decay=split_decay,
    )


# --- what can be trained -----------------------------------------------------------------


def _counted(things: Sized, noun: str) -> str:
    """`1 input`, `2 outputs`."""
    return f"{len(things)} {noun}{'s' * (len(things) != 1)}"


def _classifier(plan: Plan) -> tuple[tuple[int, ...], int]:
    """The shape of an image, and the number of classes. Raises Untrainable for other networks."""
    inputs, ends = plan.body.inputs, outputs(plan.body)
    shapes = [x.shape for x in (*inputs, *(tensor for _, tensor in ends))]
    what = "the training script is for classifiers of images, and"
    if len(inputs) != 1 or len(ends) != 1:
        found = f"{_counted(inputs, 'input')} and {_counted(ends, 'output')}"
        raise Untrainable(f"{what} {plan.name} has {found}")
    assert shapes[0] is not None
    assert shapes[1] is not None
    image, out = (tuple(map(int, shape.dims)) for shape in shapes if shape is not None)
    if len(image) != 3 or image[0] not in (1, 3):
        raise Untrainable(f"{what} {plan.name} takes {shapes[0]}: no image of 1 or 3 channels")
    if len(out) != 1 or out == (1,):
        raise Untrainable(f"{what} {plan.name} ends in {shapes[1]}, not in a number a class")
    return image, out[0]


def _needed(recipe: Recipe) -> tuple[Optimizer, Batch, Length]:
    """The lines that a script cannot do without. Raises Untrainable where one is missing."""
    optimizer, batch, length = recipe.find(Optimizer), recipe.find(Batch), recipe.find(Length)
    there = {"optimizer sgd lr=0.1": optimizer, "batch 256": batch, "epochs 90": length}
    missing = [example for example, line in there.items() if line is None]
    if optimizer is None or batch is None or length is None:
        names = " and no ".join(f"`{line.partition(' ')[0]}`" for line in missing)
        cure = f"add {', '.join(f'`{line}`' for line in missing)}, with your figures"
        raise Untrainable(f"the recipe has no {names}: to `train {{ }}` {cure}")
    return optimizer, batch, length


def _class_count(plan: Plan, module: Module, width: int) -> str:
    """Return the argument of the network that is the number of classes, or ""."""
    arguments = {p.name for p in module.classes[-1].parameters}
    for name in ("num_classes", "classes"):
        if name in arguments and plan.params.get(name) == width:
            return name
    return ""


def _likely_dataset(shape: tuple[int, ...]) -> str:
    if shape[0] == 1:
        return "mnist"
    return "cifar10" if max(shape[1:]) <= _SMALL else "imagenet"


def _construct(plan: Plan, options: Options, count: str) -> list[str]:
    """The statement that makes the network; `count` is its argument for the number of classes."""
    arguments = [CallArgument("args.classes or CLASSES", count)] if count else []
    if options.zero_init:
        arguments.append(CallArgument("True", ZERO_INIT))
    if options.checkpoint is not None:
        arguments.append(CallArgument(f"args.{CHECKPOINTING}", CHECKPOINTING))
    return lay("net = ", call(plan.name, *arguments), indent=4)


def _head(modules: list[str]) -> list[str]:
    """The statement that names it, as a tuple: `HEAD = ("fc.",)`."""
    names = tuple(CallArgument(f'"{module}."') for module in modules)
    one, *more = names
    *lines, last = lay("HEAD = ", Bracketed("", names, "()") if more else f"({one.value},)")
    return [*lines, f"{last}  # new for other classes"]


# --- words -------------------------------------------------------------------------------


def _describe(plan: Plan, module: Module, file: str) -> list[str]:
    """The docstring: what is trained, how it is started, what it reads and writes."""
    about = [textwrap.wrap(harmless(line), WIDTH) or [""] for line in module.doc]
    return [
        f"Train {plan.name}.",
        "",
        *(row for rows in about for row in rows),
        "",
        f"    python {file} --data DIR",
        f"    torchrun --nproc-per-node 8 {file} --data DIR",
        f"    python {file} --synthetic --steps 100",
        f"    python {file} --data DIR --weights FILE --freeze '*'",
        f"    python {file} --predict IMAGE ...",
        "",
        "DIR holds the folders train and val, each with a folder of images for each class, or",
        "what torchvision keeps of CIFAR-10, CIFAR-100 or MNIST; `--data digits` are those of",
        "scikit-learn. Under torchrun each process takes a share of every batch (DDP), and with",
        "--fsdp of the weights too (FSDP2). The run is in --out: checkpoints, log and curve.",
        "",
        "--weights starts from a state_dict or a checkpoint; the head is new where the classes",
        "are others. --freeze keeps parts from training, '*' all but a new head. --predict says",
        "what is in images or folders of them, by --weights or the best of the run in --out.",
    ]


def _about(plan: Plan) -> list[str]:
    """The statement that names the network and its params that are set."""
    params = repr(" ".join(format_params(plan.given)))
    params = params if '"' in params else f'"{params[1:-1]}"'
    items = (CallArgument("NETWORK", '"network": '), CallArgument(params, '"params": '))
    return lay("ABOUT = ", Bracketed("", items, "{}"))


def _renamed(file: str) -> list[str]:
    own = [CallArgument(f'"{file}"'), CallArgument("Path(sys.argv[0]).name")]
    return lay("about = ", call('(__doc__ or "").replace', *own), indent=4)


def snake(name: str) -> str:
    """`ResNet50` as `resnet50`, `TinyNet_v2` as `tinynet_v2`."""
    return name.lower()


# --- data --------------------------------------------------------------------------------


def _augmentation(augment: Augment, shape: tuple[int, ...]) -> list[str]:
    steps = augment.transforms(shape)
    return (
        lay("augment = ", Bracketed("", tuple(map(CallArgument, steps)), "[]"), indent=4)
        if steps
        else []
    )


# --- loss --------------------------------------------------------------------------------


def _loss(plan: Plan, recipe: Recipe) -> list[str]:
    """The statement that computes it from a batch."""
    if side_outputs(plan.body):
        return lay("loss = ", call("total_loss", "self.model(x)", "labels"), indent=16)
    return lay("loss = ", _cross_entropy("self.model(x)", recipe), indent=16)


def _sides(plan: Plan, module: Module, recipe: Recipe) -> list[str]:
    """The statements that add up the losses of the network's and of the side classifiers."""
    sides = side_outputs(plan.body)
    if not sides:
        return []
    terms = [_cross_entropy(f"out.{name}", recipe) for name, _ in module.fields]
    lines = lay("loss = ", terms[0], indent=4)
    for side, term in zip(sides, terms[1:], strict=True):
        start = "return" if side is sides[-1] else "loss ="
        lines += lay(f"{start} loss + {side.weight:g} * ", term, indent=4)
    return lines


def _cross_entropy(out: str, recipe: Recipe) -> Bracketed:
    more = [
        CallArgument(f"{value:g}", name)
        for line in recipe.lines
        for name, value in line.loss_arguments().items()
    ]
    return call("F.cross_entropy", out, "labels", *more)


# --- optimizer ---------------------------------------------------------------------------


def _optimizer(optimizer: Optimizer, split_decay: bool) -> list[str]:
    groups = "param_groups(net, args.weight_decay)" if split_decay else "net.parameters()"
    items = [CallArgument(groups), CallArgument("args.lr", "lr")]
    for name, value in optimizer.arguments().items():
        if name != "weight_decay":
            items.append(CallArgument(repr(value), name))
        elif not split_decay:
            items.append(CallArgument("args.weight_decay", name))
    if optimizer.fused:
        items.append(CallArgument("not args.fsdp", "fused"))
    made = call(f"torch.optim.{optimizer.torch}", *items)
    return lay("self.optimizer = ", made, indent=8)


def run_name(plan: Plan) -> str:
    """The folder of a run: the network's name, and the params that are set."""
    name = "-".join([snake(plan.name), *format_params(plan.given)])
    return re.sub(r"[^\w.=,-]+", "", re.sub(r"\s+", "_", name))[:100]


# --- flags -------------------------------------------------------------------------------


def _flags(plan: Plan, recipe: Recipe, classes: bool, recomputes: bool) -> list[str]:
    """`add(...)` for each flag, in the order of --help: those of the recipe, then all others."""
    found = {flag.name: flag for line in recipe.lines for flag in line.flags()}
    found.setdefault("ema", Flag("ema", "float", help="average weights", optional=0.9999))
    flags = [
        _flag("classes", type="int", help="or else the data's") if classes else [],
        *(_number(found[name]) for name in (*_FIRST, *(n for n in found if n not in _FIRST))),
        _flag("weights", type="Path", help="to start from, or of --predict"),
        _flag("freeze", action='"append"', help="parts not to train: bn1,layer*"),
        _flag("accum", type="int", default=1, help="parts of a batch"),
        _flag("amp", nargs='"?"', const='"bf16"', choices='("bf16", "fp16")', help="precision"),
        _switch("compile", "torch.compile the training step"),
        _switch("grad-checkpointing", "less memory for more time") if recomputes else [],
        _switch("fsdp", "shard the network (FSDP2)"),
        _flag("device", help="cpu, cuda:1 ...; or else an accelerator"),
        _flag("workers", type="int", default="WORKERS", help="reading images"),
        _flag("seed", type="int", default=0, help="of all chance"),
        _switch("deterministic", "slower, and the same each time"),
        _switch("profile", "three updates, in OUT/trace0.json"),
        _flag("out", type="Path", default=f'Path("runs/{run_name(plan)}")'),
        _flag("save-every", type="int", default=1000, help="updates"),
        _flag("resume", nargs='"?"', const='""', help="a checkpoint, or else OUT/last.pt"),
    ]
    return [line for flag in flags for line in flag]


_FIRST = ("epochs", "steps", "batch-size", "lr")


def _number(flag: Flag) -> list[str]:
    """A flag for a number."""
    value = float(flag.default) if flag.kind == "float" and flag.default else flag.default
    default = {} if value is None else {"default": f"{value:_}"}
    optional = {} if flag.optional is None else {"nargs": '"?"', "const": flag.optional}
    return _flag(flag.name, type=flag.kind, **default, **optional, help=flag.help)


def _flag(name: str, **options: object) -> list[str]:
    """`add("--name", ...)`; help is quoted and ends with the default, the rest is Python."""
    words = str(options.pop("help", ""))
    if "default" in options:
        words = f"{words} (%(default)s)".strip()
    items = [CallArgument(str(value), key) for key, value in options.items()]
    items += [CallArgument(f'"{words}"', "help")] if words else []
    return lay("", call("add", f'"--{name}"', *items), indent=4)


def _switch(name: str, help: str) -> list[str]:
    return _flag(name, action='"store_true"', help=help)
