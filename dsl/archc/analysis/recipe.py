"""`train { ... }`: the recipe must make sense, and the modules that `init` names must be there."""

from __future__ import annotations

from archc.elaborate.sections import Facts
from archc.plan import Apply, Call, Plan, Scope, labelled, walk
from archc.recipe import recipe_faults
from archc.recipe.init import KINDS
from archc.source import Diagnostic, SpanLabel, did_you_mean


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


def _is_vector(node: Apply | Call | Scope) -> bool:
    return isinstance(node, Apply) and len(node.state.get("weight", (0, 0))) < 2


def _labels(plan: Plan) -> list[str]:
    nodes = (node for node in walk(plan.body.chain.nodes) if isinstance(node, Apply | Call | Scope))
    return [node.label for node in nodes if node.label is not None]
