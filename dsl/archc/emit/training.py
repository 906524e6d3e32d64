"""The training script: what its template prints, from the network and its recipe."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from archc.analysis.costs import Cost
from archc.elaborate.sections import Facts
from archc.emit.checked import checked_module
from archc.emit.file import Module
from archc.emit.imports import split
from archc.emit.layout import WIDTH, Group, Item, call, lay
from archc.emit.options import CHECKPOINTING, ZERO_INIT, Options
from archc.emit.rates import factor, needs_end, number, plateau, rate, total
from archc.emit.render import harmless, render
from archc.plan import Plan, outputs, side_outputs
from archc.recipe import Augmentation, Recipe, read_recipe

_STATISTICS = {  # mean and standard deviation of the training images, by channel
    "imagenet": ("ImageNet's", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "cifar10": ("CIFAR-10's", (0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616)),
    "cifar100": ("CIFAR-100's", (0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)),
    "mnist": ("MNIST's", (0.1307,), (0.3081,)),
    "digits": ("the digits'", (0.3053,), (0.376,)),
}
_SMALL = 64  # images up to this size are shown whole; larger ones are cut out of photographs
_FUSED = ("sgd", "adam", "adamw")
_TORCH = {
    "sgd": "SGD", "adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop", "adagrad": "Adagrad",
}  # fmt: skip


class Untrainable(Exception):
    """The network, or its recipe, is not one that the script can train; the text says why."""


@dataclass(slots=True)
class Training:
    """What the template of a training script prints. Lines carry their indentation."""

    name: str
    doc: list[str]
    imports: list[tuple[str, str]]  # of the model
    model: str  # its classes, as `archc build` writes them
    shape: tuple[int, ...]
    statistics: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    classes: str  # an expression
    misfit: str  # an expression: what to say where the data has other classes
    construct: list[str]
    output: str  # the type of what the network returns in training
    loss: list[str]  # the statement that computes it
    sides: list[str]  # the body of `loss_of`, where there are side classifiers
    colours: str
    augmentation: list[str]
    resized: int
    unit: str
    total: str
    factor: list[str]  # the body of `lr_factor`
    factor_arguments: str
    rate: list[str]  # the statements that set it
    plateau: list[str]
    optimizer: list[str]
    stateless: bool  # plain SGD: nothing but the rate to go on with
    flags: list[str]
    lighting: bool = False
    recomputes: bool = False  # whether a block can be computed again in the backward pass
    mixup: bool = False
    clip: bool = False
    split_decay: bool = False


def build_training(
    plan: Plan,
    facts: Facts,
    cost: Cost,
    again: Callable[..., Plan | None],
    options: Options,
    templates: Path | None = None,
) -> Training:
    """Everything about one script. Raises Untrainable, and Unsuited for the options."""
    recipe = read_recipe(facts.train)
    shape, width = _classifier(plan)
    _need(recipe)
    module = checked_module(plan, facts, cost, again, options)
    imports, model = split(module.text if templates is None else render(module, templates))
    named, mean, std = _STATISTICS[recipe.dataset or _likely_dataset(shape)]
    if len(mean) != shape[0]:
        raise Untrainable(f"`dataset {recipe.dataset}` has {len(mean)} channels, not {shape[0]}")
    if shape[0] != 3 and (recipe.augment.jitter or recipe.augment.lighting):
        raise Untrainable(f"`jitter` and `lighting` are of colours, and {plan.name} sees none")
    count = _class_count(plan, module, width)
    by_flag = bool(count)
    recomputes = options.checkpoint is not None
    return Training(
        name=plan.name,
        doc=_describe(plan, module),
        imports=imports,
        model=model,
        shape=shape,
        statistics=named,
        mean=mean,
        std=std,
        classes="args.classes" if by_flag else str(width),
        misfit='f"{what}: --classes {len(names)}"' if by_flag else "what",
        construct=_construct(plan, options, count),
        output=module.record or "Tensor",
        loss=_loss(plan, recipe),
        sides=_sides(plan, module, recipe),
        colours="v2.RGB()" if shape[0] == 3 else "v2.Grayscale()",
        augmentation=_augmentation(recipe.augment, shape),
        resized=_resized(recipe.augment, shape),
        unit=recipe.unit,
        total=total(recipe),
        factor=factor(recipe),
        factor_arguments="time: float, end: float" if needs_end(recipe) else "time: float",
        rate=rate(recipe),
        plateau=plateau(recipe.schedule),
        optimizer=_optimizer(recipe),
        stateless=recipe.optimizer == "sgd" and not recipe.options.get("momentum"),
        flags=_flags(plan, recipe, width if by_flag else 0, recomputes),
        lighting=recipe.augment.lighting > 0,
        recomputes=recomputes,
        mixup=recipe.mixup > 0,
        clip=recipe.clip > 0,
        split_decay=not recipe.decay_all,
    )


# --- what can be trained -----------------------------------------------------------------


def _classifier(plan: Plan) -> tuple[tuple[int, ...], int]:
    """The shape of an image, and the number of classes. Raises Untrainable for other networks."""
    inputs, ends = plan.body.inputs, outputs(plan.body)
    shapes = [x.shape for x in (*inputs, *(tensor for _, tensor in ends))]
    what = "the training script is for classifiers of images, and"
    if len(inputs) != 1 or len(ends) != 1:
        raise Untrainable(f"{what} {plan.name} has {len(inputs)} inputs and {len(ends)} outputs")
    assert shapes[0] is not None
    assert shapes[1] is not None
    image, out = (tuple(map(int, shape.dims)) for shape in shapes if shape is not None)
    if len(image) != 3 or image[0] not in (1, 3):
        raise Untrainable(f"{what} {plan.name} takes {shapes[0]}: no image of 1 or 3 channels")
    if len(out) != 1:
        raise Untrainable(f"{what} {plan.name} ends in {shapes[1]}, not in a number a class")
    return image, out[0]


def _need(recipe: Recipe) -> None:
    missing = {
        "optimizer sgd lr=0.1": recipe.optimizer,
        "batch 256": recipe.batch,
        "epochs 90": recipe.length,
    }
    lines = [line for line, there in missing.items() if not there]
    if lines:
        names = " and no ".join(f"`{line.partition(' ')[0]}`" for line in lines)
        cure = f"add {', '.join(f'`{line}`' for line in lines)}, with your figures"
        raise Untrainable(f"the recipe has no {names}: to `train {{ }}` {cure}")


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
    arguments = [Item("args.classes", count)] if count else []
    if options.zero_init:
        arguments.append(Item("True", ZERO_INIT))
    if options.checkpoint is not None:
        arguments.append(Item(f"args.{CHECKPOINTING}", CHECKPOINTING))
    return lay("net = ", call(plan.name, *arguments), indent=8)


# --- words -------------------------------------------------------------------------------


def _describe(plan: Plan, module: Module) -> list[str]:
    """The docstring: what is trained, how it is started, what it reads and writes."""
    file = f"train_{snake(plan.name)}.py"
    about = [textwrap.wrap(harmless(line), WIDTH) or [""] for line in module.doc]
    return [
        f"Train {plan.name}.",
        "",
        *(row for rows in about for row in rows),
        "",
        f"    python {file} --data DIR",
        f"    torchrun --nproc-per-node 8 {file} --data DIR",
        f"    python {file} --synthetic --steps 100",
        "",
        "DIR holds the folders train and val, each with a folder of images for each class, or",
        "what torchvision keeps of CIFAR-10, CIFAR-100 or MNIST; `--data digits` are those of",
        "scikit-learn. Under torchrun each process takes a share of every batch (DDP), and with",
        "--fsdp of the weights too (FSDP2). The run is in --out: checkpoints, log and curve.",
    ]


def snake(name: str) -> str:
    """`ResNet50` as `resnet50`, `TinyNet_v2` as `tinynet_v2`."""
    return name.lower()


# --- data --------------------------------------------------------------------------------


def _augmentation(augment: Augmentation, shape: tuple[int, ...]) -> list[str]:
    steps = []
    if augment.resized_crop:
        steps.append("v2.RandomResizedCrop(SHAPE[1:])")
    elif augment.resize is not None:
        least, most = augment.resize
        sides = f"v2.RandomShortestSize(list(range({least}, {most + 1})))"
        steps += [sides if least < most else f"v2.Resize({least})", "v2.RandomCrop(SHAPE[1:])"]
    elif augment.crop:
        mode = ', padding_mode="reflect"' if augment.reflect else ""
        steps += [
            f"v2.Resize({max(shape[1:])})",
            f"v2.RandomCrop(SHAPE[1:], padding={augment.pad}{mode})",
        ]
    elif augment.flip or augment.jitter or augment.lighting:
        steps += [f"v2.Resize({_resized(augment, shape)})", "v2.CenterCrop(SHAPE[1:])"]
    if augment.flip:
        steps.append("v2.RandomHorizontalFlip()")
    if augment.jitter:
        steps.append(f"v2.ColorJitter({', '.join(3 * [f'{augment.jitter:g}'])})")
    if augment.lighting:
        steps.append(f"Lighting({augment.lighting:g})")
    return lay("varied = ", Group("", tuple(map(Item, steps)), "[]"), indent=4) if steps else []


def _resized(augment: Augmentation, shape: tuple[int, ...]) -> int:
    """The shorter side of an image before its centre is cut out for validation."""
    side = max(shape[1:])
    if augment.resize is not None and augment.resize[0] == augment.resize[1]:
        return augment.resize[0]
    return round(side / 0.875) if augment.of_photographs else side


# --- loss --------------------------------------------------------------------------------


def _loss(plan: Plan, recipe: Recipe) -> list[str]:
    """The statement that computes it from a batch."""
    if side_outputs(plan.body):
        return lay("loss = ", call("loss_of", "self.model(x)", "labels"), indent=20)
    return lay("loss = ", _cross_entropy("self.model(x)", recipe), indent=20)


def _sides(plan: Plan, module: Module, recipe: Recipe) -> list[str]:
    """The statements that add up the losses of the network's and of the side classifiers."""
    sides = side_outputs(plan.body)
    if not sides:
        return []
    terms = [_cross_entropy(f"out.{name}", recipe) for name, _ in module.fields]
    lines = lay("loss = ", terms[0], indent=4)
    for side, term in zip(sides, terms[1:], strict=True):
        lines += lay(f"loss = loss + {side.weight:g} * ", term, indent=4)
    return [*lines, "    return loss"]


def _cross_entropy(out: str, recipe: Recipe) -> Group:
    smoothing = recipe.label_smoothing
    more = [Item(f"{smoothing:g}", "label_smoothing")] if smoothing else []
    return call("F.cross_entropy", out, "labels", *more)


# --- optimizer ---------------------------------------------------------------------------


def _optimizer(recipe: Recipe) -> list[str]:
    decays = "weight_decay" in recipe.options
    parameters = "net.parameters()"
    if decays and not recipe.decay_all:
        parameters = "groups(net, args.weight_decay)"
    items = [Item(parameters), Item("args.lr", "lr")]
    for name, value in recipe.options.items():
        if name == "weight_decay" and recipe.decay_all:
            items.append(Item("args.weight_decay", name))
        elif name not in ("lr", "weight_decay"):
            items.append(Item(repr(value), name))
    if recipe.optimizer in _FUSED:
        items.append(Item("not args.fsdp", "fused"))
    return lay(
        "self.optimizer = ", call(f"torch.optim.{_TORCH[recipe.optimizer]}", *items), indent=8
    )


# --- flags -------------------------------------------------------------------------------


def _flags(plan: Plan, recipe: Recipe, classes: int, has_blocks: bool) -> list[str]:
    """`add(...)` for each flag, in the order of --help."""
    options = recipe.options
    ema = {"default": recipe.ema} if recipe.ema else {"nargs": '"?"', "const": 0.9999}
    steps, epochs = _LENGTHS[recipe.unit]
    default = {"default": number(recipe.length)}
    flags = [
        _flag("classes", type="int", default=classes, help="of the data") if classes else [],
        _flag("epochs", type="int", **({} if epochs else default), help=epochs or "of all images"),
        _flag("steps", type="int", **({} if steps else default), help=steps or "updates"),
        _flag("batch-size", type="int", default=recipe.batch, help="in all"),
        _flag("accum", type="int", default=1, help="parts of a batch"),
        _flag("lr", type="float", default=options["lr"], help="learning rate"),
        _number("weight-decay", options.get("weight_decay"), ""),
        _number("clip", recipe.clip, "of the gradients' norm"),
        _number("mixup", recipe.mixup, "its alpha"),
        _flag("ema", type="float", **ema, help="average weights"),
        _flag("amp", nargs='"?"', const='"bf16"', choices='("bf16", "fp16")', help="precision"),
        _switch("compile", "torch.compile the training step"),
        _switch("grad-checkpointing", "less memory for more time") if has_blocks else [],
        _switch("fsdp", "shard the network (FSDP2)"),
        _flag("device", help="cpu, cuda:1 ...; or else an accelerator"),
        _flag("workers", type="int", default=4, help="reading images"),
        _flag("seed", type="int", default=0, help="of all chance"),
        _switch("deterministic", "slower, and the same each time"),
        _switch("profile", "three updates, in OUT/trace0.json"),
        _flag("out", type="Path", default=f'Path("runs/{snake(plan.name)}")'),
        _flag("save-every", type="int", default=1000, help="updates"),
        _flag("resume", nargs='"?"', const='""', help="a checkpoint, or else OUT/last.pt"),
    ]
    return [line for flag in flags for line in flag]


_LENGTHS = {  # unit -> help of --steps and of --epochs, "" for the one that has a default
    "epochs": ("updates, instead of epochs", ""),
    "steps": ("", "instead of steps"),
}


def _number(name: str, value: float | None, help: str) -> list[str]:
    """A flag for a number that only some recipes have."""
    return _flag(name, type="float", default=float(value), help=help) if value else []


def _flag(name: str, **options: object) -> list[str]:
    """`add("--name", ...)`; help is quoted and ends with the default, the rest is Python."""
    words = str(options.pop("help", ""))
    if "default" in options:
        words = f"{words} (%(default)s)".strip()
    items = [Item(str(value), key) for key, value in options.items()]
    items += [Item(f'"{words}"', "help")] if words else []
    return lay("", call("add", f'"--{name}"', *items), indent=4)


def _switch(name: str, help: str) -> list[str]:
    return _flag(name, action='"store_true"', help=help)
