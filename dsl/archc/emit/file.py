"""The whole file: its classes in order, its header, the params that its constructor takes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

from archc import symbolic
from archc.analysis.costs import Cost
from archc.analysis.variants import Again, at_other_values, varied_params
from archc.elaborate.sections import Facts
from archc.emit.calls import FACTORY
from archc.emit.classes import build_class, write_anonymous
from archc.emit.initialise import initialiser
from archc.emit.options import (
    CHECKPOINTING,
    DEPLOYED,
    RECOMPUTED,
    ZERO_INIT,
    Options,
    Unsuited,
)
from archc.emit.program import ClassModel, Definition, Program
from archc.emit.steps import write_chain
from archc.emit.support import support_names
from archc.emit.values import NotUnifiable
from archc.emit.words import listed
from archc.plan import Plan, bodies, named_outputs, outputs, side_outputs, walk

_IMPORTED_BY_OPTIONS = {"Any", "Iterator", "Mapping", "Self", "ClassVar"}
_IMPORTED = {"Tensor", "Sequence", "OrderedDict", "NamedTuple", "F"}

_MOST_ROUNDS = 12  # of writing all classes, until those that call themselves agree


@dataclass(slots=True)
class Module:
    """What the template of a file prints."""

    name: str
    doc: list[str]
    classes: list[ClassModel]
    support: list[str]  # names of helper classes, in order
    record: str = ""  # name of the NamedTuple of several outputs, or ""
    fields: list[tuple[str, str]] = field(default_factory=list)  # name and comment of each output
    optional: int = 0  # the fields from here on are None in eval mode
    optional_bias: bool = False  # as the program has it
    options: Options = field(default_factory=Options)
    text: str = ""  # by archc's own templates, once it is checked
    form: int = 0  # 0: with all params, and a class a block; more: the plainer ones of `checked`

    @property
    def untyped(self) -> list[str]:
        """What mypy is not to say, since torch declares too little.

        Calls of modules are `Any`, items of groups are nothing, a convolution's bias may be None.
        """
        bodies = [m.forward for m in self.classes]
        bodies += [method.lines for m in self.classes for method in m.methods]
        text = "\n".join(line for body in bodies for line in body)
        found = {"index": r"\"\]\[\"", "no-any-return": r" return (?!torch\.|F\.|x$|x  #)"}
        codes = [code for code, sign in found.items() if re.search(sign, text, re.M)]
        if "no-any-return" not in codes and any(map(_returns_any, self.classes)):
            codes.append("no-any-return")
        return ["arg-type", *codes] if self.optional_bias else codes


def _returns_any(model: ClassModel) -> bool:
    """Whether `x` may be anything to mypy: no argument, and set in a loop over names."""
    return "x" not in model.inputs and any("x = getattr(self, " in line for line in model.forward)


def build_module(
    plan: Plan, facts: Facts, cost: Cost, again: Again, options: Options | None = None
) -> Module:
    """Write all classes. Params that no expression can follow stay as they are, and are named."""
    options = options or Options()
    program = _first_that_works(plan, again, options)
    network = program.classes[-1]
    frozen = [name for name in plan.params if name not in {p.variable for p in network.parameters}]
    _finish_network(program, network, plan, facts)
    text = "\n".join(line for c in program.classes for line in (*c.init, *c.forward))
    classes = [c for c in program.classes if c is network or f"{c.name}(" in text]
    doc = [*describe_network(plan, facts, cost, frozen), *_for_inference(options)]
    module = Module(plan.name, doc, classes, list(program.support), options=options)
    module.optional_bias = program.optional_bias
    sides = side_outputs(plan.body)
    if sides or len(outputs(plan.body)) > 1:
        module.record = f"{plan.name}Output"
        unnamed = "logits" if all(s.name != "logits" for s in sides) else "output"
        main = [(name, "") for name, _ in named_outputs(plan.body)] or [(unnamed, "")]
        module.fields = [*main, *((s.name, f"weighs {s.weight:g} in the loss") for s in sides)]
        module.optional = len(main) if len(main) > 1 else len(module.fields)
    return module


def _first_that_works(plan: Plan, again: Again, options: Options) -> Program:
    """With all params as arguments, or as many as can be: each with all that it does, or not."""
    variants_of = {name: at_other_values(plan, name, again) for name in varied_params(plan)}
    everything = [other for of_param in variants_of.values() for other in of_param]
    program = _try_program([plan, *everything], options)
    if program is not None:
        return program
    found = _try_program([plan], options)
    if found is None:
        return _without_params(plan, again, options)
    kept: dict[str, list[Plan]] = {}
    left: list[str] = []
    for name, of_param in variants_of.items():
        others = [other for of_kept in kept.values() for other in of_kept]
        program = _try_program([plan, *others, *of_param], options) if of_param else None
        if program is not None:
            found, kept[name] = program, of_param
        elif any(_sizes(other) != _sizes(plan) for other in of_param):
            left.append(name)
    return _with_sizes(plan, again, options, list(kept), left) or found


def _try_program(plans: list[Plan], options: Options, may_split: bool = False) -> Program | None:
    try:
        return _build_program(plans, options, may_split)
    except NotUnifiable:
        return None


def _with_sizes(
    plan: Plan, again: Again, options: Options, kept: list[str], left: list[str]
) -> Program | None:
    """The same with expressions for the sizes of maps, for params that change those."""
    traced = again({}, True) if left else None
    if traced is None:
        return None
    others = [other for name in kept for other in at_other_values(traced, name, again, True)]
    found = None
    for name in left:
        of_param = at_other_values(traced, name, again, True)
        program = _try_program([traced, *others, *of_param], options)
        if program is not None:
            found = program
            others += of_param
    return found


def _without_params(plan: Plan, again: Again, options: Options) -> Program:
    """As it is: with sizes in expressions, with a class for each operator, or more classes."""
    plain = replace(options, factories=False)
    traced = again({}, True)
    for one, trace_sizes, chosen, may_split in (
        (traced or plan, traced is not None, options, False),
        (plan, False, plain, False),
        (plan, False, options, True),
    ):
        program = _try_program([one], chosen, may_split)
        if program is not None:
            return _with_params(program, one, again, chosen, trace_sizes, may_split)
    return _build_program([traced or plan], plain, may_split=True)


def _with_params(
    found: Program, plan: Plan, again: Again, options: Options, trace_sizes: bool, may_split: bool
) -> Program:
    """The same with those params as arguments that its classes can follow; none is added."""
    kept: list[Plan] = []
    for name in varied_params(plan):
        of_param = at_other_values(plan, name, again, trace_sizes)
        program = _try_program([plan, *kept, *of_param], options, may_split) if of_param else None
        if program is not None and len(program.classes) == len(found.classes):
            found, kept = program, [*kept, *of_param]
    return found


def _sizes(plan: Plan) -> frozenset[Any]:
    """The sizes of all maps."""
    nodes = (node for body in bodies(plan) for node in walk(body.chain.nodes))
    shapes = (node.output.shape for node in nodes)
    return frozenset(shape.size for shape in shapes if shape is not None)


def new_program(plans: list[Plan], options: Options) -> Program:
    """The classes to be of a network, none of them written yet."""
    taken = {plans[0].name, f"{plans[0].name}Output", *_IMPORTED, *support_names()}
    if options != Options():
        taken |= _IMPORTED_BY_OPTIONS
    return Program(plans, taken, write_chain, write_anonymous, options)


def _build_program(plans: list[Plan], options: Options, may_split: bool) -> Program:
    program = new_program(plans, options)
    for _ in range(_MOST_ROUNDS):
        if _is_settled(program, may_split):
            return program
    raise NotUnifiable("a recursion whose arguments do not settle")


def _is_settled(program: Program, may_split: bool) -> bool:
    """Write all classes; whether each was called with the arguments that it turned out to take."""
    program.start_over()
    assumed, at = [(d, _taken(d)) for d in program.definitions], 0
    while at < len(program.definitions):
        definition = program.definitions[at]
        try:
            definition.model = build_class(program, definition)
        except NotUnifiable as why:
            if not may_split:
                raise
            program.split(definition, why)
            return False
        program.classes.append(definition.model)
        program.wrote(definition)
        at += 1
    used = program.used_early
    return all(_taken(d) == was for d, was in assumed if d in used)


def _taken(definition: Definition) -> Any:
    """What the calls of a class go by."""
    return list(definition.parameters), {n: dict(e.values) for n, e in definition.extras.items()}


def _finish_network(program: Program, network: ClassModel, plan: Plan, facts: Facts) -> None:
    """What only the network has: shared modules, initialisation."""
    for name, (target, extent) in program.shared.items():
        device = ", device=device" if program.options.device else ""
        network.init.append(f"        self.{name} = {target}(self, {extent}{device})")
        network.forward.insert(0, f"        self.{name}.draw()")
        program.support.setdefault(target)
    options = program.options
    _refuse_taken_names(program, options)
    if options.deployment is not None:
        network.base = DEPLOYED
        program.support.setdefault(DEPLOYED)
    if options.checkpoint is not None:
        network.keywords.insert(0, f"{CHECKPOINTING}: bool = False")
        network.init += [
            "        for module in self.modules():",
            f"            if isinstance(module, {RECOMPUTED}):",
            f"                module.{CHECKPOINTING} = {CHECKPOINTING}",
        ]
    if options.zero_init:
        zeroed = any(setting.zero_residual for setting in facts.initialisations)
        network.keywords.insert(0, f"{ZERO_INIT}: bool = {zeroed}")
        network.init.append(f"        self.{ZERO_INIT} = {ZERO_INIT}")
    method = initialiser(program, plan, facts)
    if method:
        network.init.append("        self.init_weights()")
        network.extra.append(method)


def _refuse_taken_names(program: Program, options: Options) -> None:
    """Raises Unsuited where a class has an argument of its own by the name that an option adds."""
    for model in program.classes:
        own = {parameter.name for parameter in model.parameters}
        taken = sorted(own & {*options.keywords, *([FACTORY.strip("*")] if options.device else [])})
        if taken:
            raise Unsuited(f"{model.name} has an argument `{taken[0]}` already: rename it")


# --- words -------------------------------------------------------------------------------


def describe_network(plan: Plan, facts: Facts, cost: Cost, frozen: list[str]) -> list[str]:
    """The module's docstring: paper, source, size, input and output."""
    meta = facts.meta
    lines = [f"{plan.title or meta.get('paper') or _first_line(plan) or plan.name}."]
    credit = [str(meta[key]) for key in ("authors", "year") if key in meta]
    if "arxiv" in meta:
        credit.append(f"arXiv:{meta['arxiv']}")
    if credit:
        lines += ["", f"{', '.join(credit)}."]
    if plan.file.variation is not None:
        lines += ["", f"Extends {plan.file.variation.words}."]
    shapes = [_shape(x.shape.dims) for x in plan.body.inputs if x.shape is not None]
    ends = [_shape(t.shape.dims) for _, t in outputs(plan.body) if t.shape is not None]
    lines += ["", f"Input {listed(shapes)}, output {listed(ends)}."]
    lines.append(f"{cost.params:,} parameters, {cost.macs:,} multiply-accumulates a sample.")
    if "pretrained" in meta:
        lines.append(f"Loads {meta['pretrained']}.")
    built_with = [name for name in plan.params if name in frozen or name in plan.given]
    if built_with:
        values = (f"{name} = {_format_value(plan.arguments[name])}" for name in built_with)
        lines.append(f"Built with {', '.join(values)}.")
    return lines


def _for_inference(options: Options) -> list[str]:
    """What the form for inference saves, as counted."""
    if options.deployment is None:
        return []
    saved = options.deployment.saved
    (before, after), (held, left) = saved.kernels, saved.numbers
    return [
        "",
        f"For inference: {after} operators that compute something instead of {before}, "
        f"{left:,} numbers in weights and buffers instead of {held:,}.",
    ]


def _format_value(value: Any) -> str:
    """A param's value as the file would have it."""
    if isinstance(value, list):
        return f"[{', '.join(map(_format_value, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _first_line(plan: Plan) -> str:
    """Of the comment at the head of the file."""
    return plan.file.doc.strip().partition("\n")[0].strip(" .")


def _shape(dims: tuple[int, ...]) -> str:
    return f"(N, {', '.join(str(symbolic.plain(d)) for d in dims)})"
