"""`train { init he conv fan_out bias=0 }`: how weights start, as `reset_parameters`."""

from __future__ import annotations

from archc.emit.lanes import literal
from archc.emit.layout import Group, Item, call, lay
from archc.emit.program import Program
from archc.plan import Apply, Branches, Plan, Scope, walk
from archc.sections import Facts, Setting

_KINDS = {
    "conv": ("nn.Conv{}d", "nn.ConvTranspose{}d"),
    "fc": ("nn.Linear",),
    "bn": ("nn.BatchNorm{}d",),
}
_PAD = " " * 8


def initialiser(program: Program, plan: Plan, facts: Facts) -> list[str]:
    """The lines of `reset_parameters`, or none where the file asks for torch's own start."""
    settings = facts.train.get("init", [])
    general: list[str] = []
    special: list[str] = []
    for setting in settings:
        words = [str(v) for v in setting.values[1:]]
        kinds = [w for w in words if w in _KINDS]
        labels = [
            w
            for w in words
            if w not in _KINDS and w not in ("fan_out", "fan_in", "uniform", "zero_residual")
        ]
        if labels:
            for label in labels:
                special += _for_label(program, plan, label, setting, words)
        elif setting.value != "default" or "bias" in setting.options:
            general += _for_kinds(program, kinds or ["conv", "fc"], setting, words)
        if "zero_residual" in words:
            special += _zero_residual(program)
    if general:
        general = [f"{_PAD}for module in self.modules():", *general]
    return [*general, *special]


def _for_kinds(program: Program, kinds: list[str], setting: Setting, words: list[str]) -> list[str]:
    types = _types(program, kinds)
    if not types:
        return []
    test = f"isinstance(module, {' | '.join(types)})"
    inner = _statements("module", setting, words, " " * 16)
    if len(inner) == 2 and inner[0].endswith("is not None:"):  # nothing but the bias
        return [f"{' ' * 12}if {test} and module.bias is not None:", inner[1][4:]]
    return [f"{' ' * 12}if {test}:", *inner] if inner else []


def _types(program: Program, kinds: list[str]) -> list[str]:
    """The torch classes of these kinds that the network has, in the order of `kinds`."""
    found: dict[str, None] = {}
    text = "\n".join(line for c in program.classes for line in c.init)
    for kind in kinds:
        for pattern in _KINDS[kind]:
            for rank in (1, 2, 3) if "{}" in pattern else (0,):
                name = pattern.format(rank)
                if f"{name}(" in text:
                    found.setdefault(name)
    return list(found)


def _statements(module: str, setting: Setting, words: list[str], pad: str) -> list[str]:
    """The lines that start one module's weight and bias."""
    lines = []
    weight = _weight(f"{module}.weight", setting, words)
    if weight is not None:
        lines += lay("", weight, "", len(pad))
    if "bias" in setting.options:
        value = setting.options["bias"]
        fill = f"nn.init.zeros_({module}.bias)" if value == 0 else (
            f"nn.init.constant_({module}.bias, {literal(value)})")  # fmt: skip
        lines += [f"{pad}if {module}.bias is not None:", f"{pad}    {fill}"]
    return lines


def _weight(target: str, setting: Setting, words: list[str]) -> Group | None:
    """The call that starts a weight, or None to leave it to torch."""
    std = Item(literal(setting.options.get("std", 0.01)), "std")
    match setting.value:
        case "he":
            shape = "uniform" if "uniform" in words else "normal"
            mode = [Item('"fan_out"', "mode")] if "fan_out" in words else []
            return call(f"nn.init.kaiming_{shape}_", target, *mode, Item('"relu"', "nonlinearity"))
        case "xavier":
            return call(f"nn.init.xavier_{'normal' if 'normal' in words else 'uniform'}_", target)
        case "normal":
            return call("nn.init.normal_", target, std)
        case "truncated_normal":
            return call("nn.init.trunc_normal_", target, std)
        case "constant":
            return call("nn.init.constant_", target, literal(setting.options.get("value", 0.0)))
        case _:
            return None


def _for_label(
    program: Program, plan: Plan, label: str, setting: Setting, words: list[str]
) -> list[str]:
    """One labelled operator, or all convolutions and linears of a labelled group."""
    paths = _paths(plan, label)
    lines: list[str] = []
    for path, is_group in paths:
        access = f"self.{path[0]}" if len(path) == 1 else f'self.get_submodule("{".".join(path)}")'
        types = " | ".join(_types(program, ["conv", "fc"]))
        inner = _statements("module", setting, words, " " * 16)
        if is_group:
            lines += [
                f"{_PAD}for module in {access}.modules():",
                f"{' ' * 12}if isinstance(module, {types}):",
                *inner,
            ]
        elif len(path) == 1:
            lines += _statements(access, setting, words, _PAD)
        else:
            lines += [f"{_PAD}module = {access}", f"{_PAD}assert isinstance(module, {types})",
                      *_statements("module", setting, words, _PAD)]  # fmt: skip
    return lines


def _paths(plan: Plan, label: str) -> list[tuple[tuple[str, ...], bool]]:
    found: list[tuple[tuple[str, ...], bool]] = []

    def search(nodes: list, path: tuple[str, ...]) -> None:  # type: ignore[type-arg]
        for node in nodes:
            name = getattr(node, "name", None)
            if name == label and hasattr(node, "label"):
                found.append(((*path, name), not isinstance(node, Apply)))
            elif isinstance(node, Scope):
                search(node.chain.nodes, (*path, node.name))
            elif isinstance(node, Branches):
                for chain in node.branches:
                    search(chain.nodes, path)

    search(plan.body.chain.nodes, ())
    return found


def _zero_residual(program: Program) -> list[str]:
    """The last gamma of each residual body starts at zero: each unit starts as the identity."""
    lines = []
    for definition in program.definitions:
        for node in walk(definition.bodies[0].chain.nodes):
            if (
                isinstance(node, Branches)
                and node.keyword == "residual"
                and definition.block is not None
            ):
                last = node.branches[0].nodes[-1] if node.branches[0].nodes else None
                if isinstance(last, Apply) and last.op.name == "bn":
                    lines += [f"{' ' * 12}if isinstance(module, {definition.name}):",
                              f"{' ' * 16}nn.init.zeros_(module.{last.name}.weight)"]  # fmt: skip
    return [f"{_PAD}for module in self.modules():", *lines] if lines else []
