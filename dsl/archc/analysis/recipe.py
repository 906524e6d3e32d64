"""`train { ... }`: the recipe must make sense, and the modules that `init` names must be there."""

from __future__ import annotations

from collections.abc import Iterator

from archc.elaborate.sections import Facts
from archc.plan import Apply, Call, Plan, Scope, labelled, walk
from archc.recipe import Augment, recipe_faults
from archc.recipe.images import usual_resize
from archc.recipe.init import KINDS
from archc.source import Diagnostic, Severity, SpanLabel, did_you_mean

_LEAST_SHARE = 0.2  # of an image; 224x224 of 480x480, as for ImageNet, are 22 %


def check_recipe(facts: Facts, plan: Plan) -> list[Diagnostic]:
    """A diagnostic for what `train` cannot mean, and for each label that `init` does not find."""
    found = [mistake.diagnostic for mistake in recipe_faults(facts.train)]
    for setting in facts.initialisations:
        for label in setting.labels:
            if not labelled(plan, label):
                takes = f"it takes {', '.join(KINDS)}, or a label of the network"
                hint = did_you_mean(label, [*KINDS, *_labels(plan)]) or takes
                title = f"`init` knows no `{label}`"
                found.append(Diagnostic("A312", title, (SpanLabel(setting.span),), helps=(hint,)))
            elif setting.by_size and any(_is_vector(node) for _, node in labelled(plan, label)):
                title = f"`{setting.name}` is for weights of two dimensions or more, not `{label}`"
                hint = "start it with `init constant` or `init normal mean=1`"
                found.append(Diagnostic("A312", title, (SpanLabel(setting.span),), helps=(hint,)))
    return found


def check_crop(facts: Facts, plan: Plan) -> Iterator[Diagnostic]:
    """A warning for images that are resized for another input, such as that of a variant's base."""
    shapes = [x.shape for x in plan.body.inputs if x.shape is not None and x.shape.rank == 2]
    for line in facts.train.get("augment", ()) if len(shapes) == 1 else ():
        if not isinstance(line, Augment) or line.resize is None:
            continue
        size, least = shapes[0].size, line.resize[0]
        cut = "x".join(map(str, size))
        if line.is_too_small(size):
            title = f"`crop` cuts {cut} out of images that `resize` makes no larger than {least}"
        elif line.share(size) < _LEAST_SHARE:
            share = 100 * line.share(size)
            title = f"a crop of {cut} sees at most {share:.2g} % of an image resized to {least}"
        else:
            continue
        hint = f"for this input `resize={usual_resize(size)}`; a variant has a `train` of its own"
        label = SpanLabel(line.span)
        yield Diagnostic("W125", title, (label,), helps=(hint,), severity=Severity.WARNING)


def _is_vector(node: Apply | Call | Scope) -> bool:
    return isinstance(node, Apply) and len(node.state.get("weight", (0, 0))) < 2


def _labels(plan: Plan) -> list[str]:
    nodes = (node for node in walk(plan.body.chain.nodes) if isinstance(node, Apply | Call | Scope))
    return [node.label for node in nodes if node.label is not None]
