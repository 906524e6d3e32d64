"""Groups and whole blocks as nn.Sequential."""

from __future__ import annotations

from archc.emit.class_writer import ClassWriter
from archc.emit.constructor import (
    Assign,
    Constructor,
    ExprStatement,
    ForStatement,
    IfStatement,
    Statement,
)
from archc.emit.instances import Lane
from archc.emit.layout import Bracketed, Code, call
from archc.emit.listing import Lister
from archc.emit.rows import assembled, row_code, rows_of, written_out
from archc.plan import Chain, Scope

_LAYERS, _TYPE = "layers", ": list[nn.Module]"
_BASE = "super().__init__"


def sequential(
    writer: ClassWriter, nodes: list[Scope], lanes: list[Lane], constructor: Constructor
) -> Code:
    """The constructor call of a group, a labelled repeat or a combinator in a place.

    Raises NotAChain where the group is more than modules in a row.
    """
    if nodes[0].is_combinator:
        return writer.anonymous(nodes, lanes)
    chains = [node.chain for node in nodes]
    found = writer.try_writing(lambda: row_code(writer, chains, lanes), constructor)
    found = found or writer.try_writing(
        lambda: _listed(writer, chains, lanes, constructor), constructor
    )
    return found or written_out(writer, chains, lanes)


def _listed(
    writer: ClassWriter, chains: list[Chain], lanes: list[Lane], constructor: Constructor
) -> Code:
    """`layers = []`, loops that append, and `nn.Sequential(*layers)`."""
    _list_all(writer, chains, lanes, constructor)
    return call("nn.Sequential", f"*{_LAYERS}")


def _list_all(
    writer: ClassWriter, chains: list[Chain], lanes: list[Lane], constructor: Constructor
) -> bool:
    """The statements that make the list `layers`; True where they could be written."""
    start = len(constructor.body)
    constructor.statements.append(Assign(f"{_LAYERS}{_TYPE}", "[]"))
    Lister(writer, _LAYERS).write(chains, lanes, constructor)
    match constructor.body[start:]:
        case [Assign() as made, ExprStatement(Bracketed(head=head, items=items)), *_] if (
            head.endswith(".append")
        ):
            made.code = Bracketed("", items, "[]")
        case [Assign() as made, Assign(target=target, code=Bracketed() as code), *_] if (
            target == _LAYERS
        ):
            made.code = code
        case _:
            return True
    del constructor.body[start + 1]
    return True


def type_once(statements: list[Statement], is_typed: bool = False) -> bool:
    """Leave its type to the list `layers` where it is first made; gives whether it was."""
    for statement in statements:
        match statement:
            case Assign() if statement.target == f"{_LAYERS}{_TYPE}":
                statement.target = _LAYERS if is_typed else statement.target
                is_typed = True
            case IfStatement():
                is_typed = type_once([*statement.then, *statement.other], is_typed)
            case ForStatement():
                is_typed = type_once(statement.body, is_typed)
    return is_typed


def sequential_class(
    writer: ClassWriter, chains: list[Chain], lanes: list[Lane], constructor: Constructor
) -> None:
    """The constructor of a block that is modules in a row: a subclass of nn.Sequential.

    Raises NotAChain where it is more than that, NotUnifiable as everything does.
    """
    block = writer.definition.block
    assert block is not None
    row = writer.try_writing(
        lambda: assembled(_BASE, list(rows_of(writer, chains, lanes))), constructor
    )
    if row is not None:
        constructor.body.append(ExprStatement(row))
    elif not block.places:
        constructor.body.append(ExprStatement(call(_BASE)))
        Lister(writer, "").write(chains, lanes, constructor)
    elif writer.try_writing(lambda: _list_all(writer, chains, lanes, constructor), constructor):
        constructor.body.append(ExprStatement(call(_BASE, f"*{_LAYERS}")))
    else:
        constructor.body.append(ExprStatement(written_out(writer, chains, lanes, _BASE)))
