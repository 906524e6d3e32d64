"""What a network in towers promises: a part of every layer in each, and where they meet."""

from __future__ import annotations

from dataclasses import replace

from archc.conformance.objects import device_name
from archc.conformance.promise import BodyPromise, Promises, Walk
from archc.plan import Plan
from archc.transform.place import place


class PlacedPromises(Promises):
    """Those of a plan that is shared among the devices that it names."""

    def towers(self, plan: Plan) -> dict[str, str]:
        """Return the device of each tower, in the order of their channels."""
        devices = place(plan).devices
        return {f"tower{at}": device_name(at, name) for at, name in enumerate(devices)}

    def network(self, plan: Plan, training: bool) -> BodyPromise:
        """Return what the network promises in one mode: the towers run in turn, up to an exchange.

        From there each goes on with the channels of all, at last the head with them on the first.
        """
        placement, towers = place(plan), self.towers(plan)
        walk = Walk(self, plan.body, training)
        xs = [self.store.tensor("copy", (device,), (walk.input(0),)) for device in towers.values()]
        for stage in placement.stages:
            body = replace(placement.tower, inputs=(stage.chain.input,), chain=stage.chain)
            parts = [walk.body(body, (t,), [(x,)])[0][0] for t, x in zip(towers, xs, strict=True)]
            xs = [self.store.tensor("gather", (device,), parts) for device in towers.values()]
        outputs = walk.body(placement.head, (), [(xs[0],)])[0]
        order = {tower: at for at, tower in enumerate(towers)}  # behind them, the head
        walk.holdings.sort(key=lambda x: order.get(x.path.partition(".")[0], len(towers)))
        return BodyPromise(walk.holdings, walk.events, outputs, {}, {}, digest=0, state=0)
