"""Groups and whole blocks as nn.Sequential."""

from __future__ import annotations

from archc.emit.lanes import Lane
from archc.emit.layout import Code, Group, call
from archc.emit.listing import Lister
from archc.emit.rows import assembled, row_code, rows_of, written_out
from archc.emit.scribe import Scribe
from archc.emit.site import Assign, Do, Site
from archc.plan import Chain, Scope

_LAYERS = "layers"


def sequential(scribe: Scribe, nodes: list[Scope], lanes: list[Lane], site: Site) -> Code:
    """The constructor call of a group, a labelled repeat or a combinator in a place.

    Raises NotAChain where the group is more than modules in a row.
    """
    if nodes[0].is_combinator:
        return scribe.anonymous(nodes, lanes)
    chains = [node.chain for node in nodes]
    found = scribe.attempt(lambda: row_code(scribe, chains, lanes), site)
    found = found or scribe.attempt(lambda: _listed(scribe, chains, lanes, site), site)
    return found or written_out(scribe, chains, lanes)


def _listed(scribe: Scribe, chains: list[Chain], lanes: list[Lane], site: Site) -> Code:
    """`layers = []`, loops that append, and `nn.Sequential(*layers)`."""
    _list(scribe, chains, lanes, site)
    return call("nn.Sequential", f"*{_LAYERS}")


def _list(scribe: Scribe, chains: list[Chain], lanes: list[Lane], site: Site) -> None:
    """The statements that make the list `layers`."""
    start = len(site.body)
    site.statements.append(Assign(f"{_LAYERS}: list[nn.Module]", "[]"))
    Lister(scribe, _LAYERS).write(chains, lanes, site)
    match site.body[start:]:
        case [Assign() as made, Do(Group(head=head, items=items)), *_] if head.endswith(".append"):
            made.code = Group("", items, "[]")
        case [Assign() as made, Assign(target=target, code=Group() as code), *_] if (
            target == _LAYERS
        ):
            made.code = code
        case _:
            return
    del site.body[start + 1]


def sequential_class(scribe: Scribe, chains: list[Chain], lanes: list[Lane], site: Site) -> None:
    """The constructor of a block that is modules in a row: a subclass of nn.Sequential.

    Raises NotAChain where it is more than that, Inexpressible as everything does.
    """
    block = scribe.definition.block
    assert block is not None
    made = scribe.attempt(
        lambda: assembled("super().__init__", list(rows_of(scribe, chains, lanes))), site
    )
    if made is not None:
        site.body.append(Do(made))
    elif block.places:
        _list(scribe, chains, lanes, site)
        site.body.append(Do(call("super().__init__", f"*{_LAYERS}")))
    else:
        site.body.append(Do(call("super().__init__")))
        Lister(scribe, "").write(chains, lanes, site)
