"""The constructor's arguments are the file's params."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from archc.verify.check import Bug, Failed, Skipped, check
from archc.verify.checks.as_written import same_results, same_tensors
from archc.verify.subject import Subject

if TYPE_CHECKING:
    from torch import nn


@check(
    "arguments",
    bug=Bug(
        "an argument that is not used",
        {"self.fc = nn.Linear(16, classes": "self.fc = nn.Linear(16, 10"},
        r"with classes=11, fc\.weight is 10x16, not 11x16",
    ),
)
def arguments(subject: Subject) -> str | None:
    """Constructor arguments mean what the file's params do: Net(p=v) is what -D p=v builds.

    Each number and flag at another value that the file takes: weights have the same names and
    shapes there, and outputs the same shapes, on "meta". Of a module from --source and of fractions
    the results, too.
    """
    plan = subject.analysis.plan
    assert plan is not None
    params = {name: value for name, value in plan.params.items() if subject.takes(name)}
    written = []
    for name, default in params.items():
        for value in _others(default):
            theirs = _at(subject, name, value)
            if theirs is None:
                continue
            _compare(subject, theirs, name, value)
            written.append(f"{name}={value}")
            break
    if not written:
        raise Skipped("its constructor takes no number that is a param of the file")
    return ", ".join(written)


def _others(default: Any) -> Iterator[Any]:
    """Values of the same kind, the likeliest to fit first."""
    match default:
        case bool():
            yield not default
        case int():
            yield from (default + 1, 2 * default, default - 1, default // 2)
        case float():
            yield from (default / 2, default + 1)


def _at(subject: Subject, name: str, value: Any) -> Subject | None:
    """The network that the file means at that value, or None where it takes none such."""
    from archc.api import analyze

    again = subject.analysis.again
    found = analyze(
        subject.analysis.source,
        params={**again.given, name: value},
        limits=again.limits,
        project=again.load.project,
        inputs=again.inputs,
    )
    return Subject(found) if found.ok else None


def _compare(subject: Subject, theirs: Subject, name: str, value: Any) -> None:
    """Raises Failed unless the two are one network."""
    import torch

    with torch.device("meta"):
        net, wanted = subject.made(**{name: value}), theirs.made()
    try:
        same_tensors(net, wanted)
        _same_shapes(theirs, net, wanted)
        if subject.given is not None or isinstance(value, float):
            same_results(theirs, subject.made(**{name: value}), theirs.made())
    except Failed as reason:
        raise Failed(f"with {name}={value}, {reason}") from None


def _same_shapes(theirs: Subject, net: nn.Module, wanted: nn.Module) -> None:
    inputs = theirs.inputs(small=True, device="meta")
    pairs = zip(theirs.tensors(net(*inputs)), theirs.tensors(wanted(*inputs)), strict=True)
    for at, (one, other) in enumerate(pairs):
        if one.shape != other.shape:
            raise Failed(f"output {at} is {tuple(one.shape)}, not {tuple(other.shape)}")
