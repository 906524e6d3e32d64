"""Blurring: a fixed filter before a stride, against aliasing."""

from __future__ import annotations

from archc.ops._field import option, size, stride
from archc.ops._memory import Saved
from archc.ops._op import Keyword, ModuleCall, Unary, op, register
from archc.ops._shape import Dims, Shape, Window, spread, squeeze, times
from archc.ops.windows import Slide, check_padding, geometry_label, slide


@register
@op
class BlurPool(Unary):
    """Blurs with a binomial filter, then takes every so manieth element: `blur 3/2` for a stride.

    Without aliasing, `pool 2x2/1 same; blur 3/2` is max pooling with a stride. The map is mirrored
    at its edges, unless another `padding_mode` is given. Zhang, arXiv:1904.11486.
    """

    name = "blur"
    aliases = ("blurpool",)
    yields = True
    category = "pool"
    by_channel = True
    example = "blur 3/2"
    ranks = (1, 2, 3)

    kernel: Dims = size()
    stride: Dims = stride()
    padding_mode: str = option(
        str, "reflect", "what the padding holds", ("reflect", "zeros", "replicate", "circular")
    )

    def shape(self, x: Shape) -> Shape:
        slid = self._slide(x)
        for ends in (slid.before, slid.after):
            check_padding(x, ends, self.padding_mode, "kernel")
        return Shape(x.channels, slid.sizes())

    def buffers(self, x: Shape) -> dict[str, Dims]:
        return {"filt": (x.channels, 1, *spread(self.kernel, x.rank, "kernel"))}

    def macs(self, x: Shape) -> int:
        return self.shape(x).features * Shape(1, spread(self.kernel, x.rank, "kernel")).features

    def mac_arithmetic(self, x: Shape) -> str:
        kernel = "*".join(map(str, spread(self.kernel, x.rank, "kernel")))
        return f"{times(self.shape(x))} * {kernel}"

    def windows(self, x: Shape) -> tuple[Window, ...]:
        return self._slide(x).windows()

    def rule(self, *xs: Shape) -> str:
        return self._slide(xs[0]).rule()

    def arithmetic(self, x: Shape) -> tuple[str, ...]:
        return self._slide(x).sums()

    def saves(self, *xs: Shape, inplace: bool = False) -> Saved:
        mirrors = self.padding_mode in ("reflect", "replicate")  # which looks up where
        return Saved(input=mirrors, values=self._padded(xs[0]))

    def scratch(self, *xs: Shape, training: bool) -> int:
        return 0 if training else self._padded(xs[0])

    def backward_scratch(self, *xs: Shape) -> int:
        sides = int(xs[0].features), int(self.shape(xs[0]).features)
        return max(0, self._padded(xs[0]) - max(sides))

    def _padded(self, x: Shape) -> int:
        return Shape(x.channels, self._slide(x).padded).features

    def torch(self, x: Shape) -> ModuleCall:
        kernel = spread(self.kernel, x.rank, "kernel")
        keywords = (
            Keyword("stride", squeeze(self._slide(x).stride), 1),
            Keyword("padding_mode", self.padding_mode, "reflect"),
        )
        return ModuleCall(f"BlurPool{x.rank}d", (x.channels, kernel), keywords)

    def label(self) -> str:
        return geometry_label(self.kernel, self.stride)

    def _slide(self, x: Shape) -> Slide:
        kernel = spread(self.kernel, x.rank, "kernel")
        before = tuple((k - 1) // 2 for k in kernel)
        after = tuple(k // 2 for k in kernel)
        return slide(x, kernel, self.stride, (0,), before=before, after=after)
