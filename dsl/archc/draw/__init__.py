"""Plan to DOT: every operator as a card, every block as a box, repeats drawn once.

plan -> compose (alike, cards, boxes) -> scene -> dot
"""

from __future__ import annotations

from archc.draw.compose import compose
from archc.draw.dot import dot
from archc.draw.legend import banner
from archc.passes.costs import Cost, Costs
from archc.plan import Plan


def draw(plan: Plan, cost: Cost) -> str:
    """The network as a diagram in Graphviz's DOT language.

    Takes a plan without mistakes and its totals. The work follows what is written, not what it
    unfolds to.
    """
    scene = compose(plan, Costs())
    return dot(scene, plan.name, banner(plan, cost, scene))
