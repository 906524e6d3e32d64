"""What leaves Python: torch.export's program, its graph, and ONNX."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from archc import export
from archc.verify.check import Bug, Failed, Skipped, check
from archc.verify.checks.differences import blamed, difference, spot
from archc.verify.subject import larger

if TYPE_CHECKING:
    from archc.verify.subject import Subject

BATCHES = (2, 3)  # to export with, and to run with
EXPORT_CLOSE = 1e-6  # of the largest output: the same kernels, only without Python
ONNX_CLOSE = 1e-5  # of the largest output: batch norms are folded, sums are in another order
ONNX_ROUNDING = 10  # or this many times what torch's own rounding makes: it grows with the depth
# Operators by which the host waits for the device, or learns a shape from data.
SYNCS = (
    "item",
    "local_scalar_dense",
    "nonzero",
    "nonzero_static",
    "masked_select",
    "unique",
    "unique_consecutive",
    "unique_dim",
    "equal",
    "is_nonzero",
)


@check(
    "export",
    slow=True,
    bug=Bug(
        "a step that depends on a tensor's numbers",
        {
            "features = torch.flatten(self.gap(x), 1)": "features = torch.flatten(self.gap(x), 1) "
            "if x.isfinite().all() else self.gap(x).new_zeros(len(x), 16)"
        },
        "no export: ",
    ),
)
def exported(subject: Subject) -> str | None:
    """Strict torch.export, of any batch and of any size where the network takes one, is exact.

    The program is run at another batch and, where eager mode takes it, at larger sizes.
    """
    import torch

    net = subject.settled
    batch, inputs = torch.export.Dim("batch", min=1), subject.inputs(BATCHES[0])
    others = larger(net, subject.inputs(BATCHES[1]))
    free = torch.export.Dim.AUTO  # with what sizes have to do with one another
    dynamic = tuple(
        {0: batch} | (dict.fromkeys(range(2, x.dim()), free) if others else {}) for x in inputs
    )
    try:
        with export.quiet():
            program = torch.export.export(net, inputs, dynamic_shapes=dynamic, strict=True)
    except Exception as error:
        raise Failed(f"no export: {blamed(error, subject)}") from error
    run, samples = program.module(), [subject.inputs(BATCHES[1], seed=1)]
    if others:
        samples.append(others)
    for xs in samples:
        try:
            made = subject.tensors(run(*xs))
        except Exception as error:
            if xs is others and any(x.dim() == 3 for x in xs):
                return "any batch; torch fixes the size: its 1-D pools are so"
            sizes = " and ".join(str(tuple(x.shape)) for x in xs)
            raise Failed(f"the program does not take {sizes}: {blamed(error, subject)}") from error
        gap = difference(made, subject.tensors(net(*xs)))
        if gap > EXPORT_CLOSE:
            raise Failed(f"outputs of the exported program differ by {gap:.1e}")
    return None if others else "any batch; the network takes one size"


@check(
    "no-sync",
    slow=True,
    bug=Bug(
        "a number that the host reads",
        {"x = self.pool(x)": "x = self.pool(x * x.mean().item())"},
        r'item in training mode at line \d+, in forward, "x = self\.pool',
    ),
)
def no_sync(subject: Subject) -> str | None:
    """Nothing in the exported graph makes the host wait for the device, in training and in eval."""
    import torch

    for mode, training in (("training", True), ("eval", False)):
        net, inputs = subject.net().train(training), subject.inputs(small=True)
        try:
            with export.quiet():
                program = torch.export.export(net, inputs, strict=False)
        except Exception as error:
            raise Failed(f"no graph in {mode} mode: {blamed(error, subject)}") from error
        for node in program.graph.nodes:
            name = str(node.target).removeprefix("aten.").partition(".")[0].rstrip("0123456789")
            if node.op == "call_function" and name.removeprefix("_") in SYNCS:
                raise Failed(f"{name} in {mode} mode at {spot(node, subject)}")
    return None


@check(
    "onnx",
    slow=True,
    needs=("torch", "onnx", "onnxscript", "onnxruntime"),
    bug=Bug(
        "a branch for the exporter alone",
        {"x = self.pool(x)": "x = self.pool(-x if torch.compiler.is_exporting() else x)"},
        "outputs in onnxruntime differ by",
    ),
)
def in_onnxruntime(subject: Subject) -> str | None:
    """The ONNX file of `archc export` gives the network's outputs in onnxruntime, at any batch.

    They may differ by 1e-5 of the largest; in a deep network by what rounding makes of it, for
    which torch in fp64 is the measure: by ten times what its own fp32 differs from that.
    """
    import onnxruntime
    import torch

    net = copy.deepcopy(subject.settled)  # exporting may give it another class
    inputs = {batch: subject.inputs(batch, seed=batch) for batch in (1, 3)}
    with torch.no_grad():
        wanted = {batch: subject.tensors(net(*xs)) for batch, xs in inputs.items()}
        exact = subject.tensors(copy.deepcopy(net).double()(*(x.double() for x in inputs[3])))
    bound = max(ONNX_CLOSE, ONNX_ROUNDING * difference(wanted[3], exact))
    try:
        content = export.exported(subject.analysis, net, "onnx")
    except export.Unfit as error:
        if export.NOT_IN_ONNX in str(error):
            raise Skipped(str(error)) from error
        raise Failed(str(error)) from error
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    names, worst = [given.name for given in session.get_inputs()], 0.0
    for batch, xs in inputs.items():
        given = {name: x.numpy() for name, x in zip(names, xs, strict=True)}
        made = [torch.from_numpy(y) for y in session.run(None, given)]
        worst = max(worst, difference(made, wanted[batch]))
    if worst > bound:
        raise Failed(f"outputs in onnxruntime differ by {worst:.1e}, over {bound:.1e}")
    return f"outputs to {worst:.1e} (at most {bound:.1e})"
