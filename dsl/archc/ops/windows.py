"""Windows that slide over a map: the sizes, the arithmetic and the checks of all that have one."""

from __future__ import annotations

from collections.abc import Iterator

from archc.ops._shape import Dims, Shape, ShapeError, Window, spread

AXES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}


def window(
    x: Shape,
    kernel: Dims,
    stride: Dims,
    padding: Dims | None,
    dilation: Dims = (1,),
    ceil: bool = False,
) -> Dims:
    """Sizes after a sliding window: floor((n + 2p - d(k-1) - 1) / s) + 1 in each dimension.

    With `ceil`, rounded up, except that no window starts in the padding after the end (torch's
    `ceil_mode`). Raises ShapeError with the arithmetic where the window is larger than the input.
    """
    ks, ss, ps, ds = geometry(x.rank, kernel, stride, padding, dilation)
    sizes = []
    for axis, n, k, s, p, d in zip(AXES[x.rank], x.size, ks, ss, ps, ds, strict=True):
        room = n + 2 * p - d * (k - 1) - 1
        out = _rounded_up(n, k, s, p, d) if ceil else room // s + 1
        if out < 1:
            raise _too_large(axis, n, k, p, d)
        if ceil and (out - 1) * s >= n + p:
            out = out - 1
        sizes.append(out)
    return tuple(sizes)


def sums(
    x: Shape,
    kernel: Dims,
    stride: Dims,
    padding: Dims | None,
    dilation: Dims = (1,),
    ceil: bool = False,
) -> tuple[str, ...]:
    """The arithmetic of `window`: `height: floor((227 + 2*0 - 11) / 4) + 1 = 55`."""
    sizes = window(x, kernel, stride, padding, dilation, ceil)
    sides = geometry(x.rank, kernel, stride, padding, dilation)
    lines = []
    for axis, n, out, k, s, p, d in zip(AXES[x.rank], x.size, sizes, *sides, strict=True):
        room = f"({n} + 2*{p} - {reach(k, d)}) / {s}"
        less = " - 1" if ceil and _rounded_up(n, k, s, p, d) > out else ""
        lines.append(f"{axis}: {'ceil' if ceil else 'floor'}({room}) + 1{less} = {out}")
    return tuple(lines)


def _rounded_up(n: int, k: int, s: int, p: int, d: int) -> int:
    """How many windows rounding up asks for; one more than there are where that has no input."""
    return -(-(n + 2 * p - d * (k - 1) - 1) // s) + 1


def reach(k: int | str, d: int | str) -> str:
    """How far a window of `k` stretches at dilation `d`, as a sum."""
    return str(k) if d == 1 else f"({d}*({k} - 1) + 1)"


def rule(dilation: Dims, ceil: bool = False) -> str:
    """The formula of `sums` in letters."""
    stretch = reach("k", 1 if set(dilation) == {1} else "d")
    return f"{'ceil' if ceil else 'floor'}((n + 2p - {stretch}) / s) + 1"


NOUNS = {"length": "element", "depth": "slice", "height": "row", "width": "column"}


def leftovers(
    x: Shape,
    kernel: Dims,
    stride: Dims,
    padding: Dims | None,
    dilation: Dims = (1,),
    ceil: bool = False,
) -> tuple[str, ...]:
    """What a sliding window leaves unread, and where it sticks out, in sentences."""
    sizes = window(x, kernel, stride, padding, dilation, ceil)
    sides = geometry(x.rank, kernel, stride, padding, dilation)
    said: dict[str, list[str]] = {}
    for axis, n, out, k, s, p, d in zip(AXES[x.rank], x.size, sizes, *sides, strict=True):
        for sentence in _leftover(int(n), int(out), int(k), int(s), int(p), int(d), ceil):
            said.setdefault(sentence, []).append(NOUNS[axis])
    return tuple(
        sentence.format(one=" and ".join(nouns), many=" and ".join(f"{n}s" for n in nouns))
        for sentence, nouns in said.items()
    )


def _leftover(n: int, out: int, k: int, s: int, p: int, d: int, ceil: bool) -> Iterator[str]:
    """Of one dimension; `{one}` and `{many}` are for what it counts in."""
    stretch = d * (k - 1) + 1
    end = (out - 1) * s - p + stretch  # where the last window ends
    room = n + 2 * p - stretch
    if s > 1 and room % s == 0:
        yield f"{room} / {s} comes out whole: nothing is left over"
    if end < n:
        count = "{one}" if end == n - 1 else f"{n - end} {{many}}"
        yield f"rounded down: no window has the last {count}"
    elif end < n + p:
        count = "{one}" if end == n + p - 1 else f"{n + p - end} {{many}}"
        yield f"rounded down: no window has the last {count} of the padding"
    if end > n + p:
        there = n + p - end + stretch
        yield f"rounded up: the last window sticks out, {there} of its {stretch} {{many}} are there"
    if ceil and _rounded_up(n, k, s, p, d) > out:
        yield "one {one} less: the last window would begin in the padding"
    if s > stretch and out > 1:
        yield f"the windows leave gaps: {s - stretch} of every {s} {{many}} are in none"


def sliding(
    x: Shape, kernel: Dims, stride: Dims, padding: Dims | None, dilation: Dims = (1,)
) -> tuple[Window, ...]:
    """What each output element of a sliding window sees."""
    sides = zip(*geometry(x.rank, kernel, stride, padding, dilation), strict=True)
    return tuple(Window(int(d * (k - 1) + 1), int(s), int(p)) for k, s, p, d in sides)


def geometry(
    rank: int, kernel: Dims, stride: Dims, padding: Dims | None, dilation: Dims = (1,)
) -> tuple[Dims, Dims, Dims, Dims]:
    """Kernel, stride, padding and dilation with one number a dimension each."""
    ks = spread(kernel, rank, "kernel")
    ss = spread(stride, rank, "stride")
    ds = spread(dilation, rank, "dilation")
    ps = same(ks, ds) if padding is None else spread(padding, rank, "padding")
    return ks, ss, ps, ds


def _too_large(axis: str, n: int, k: int, p: int, d: int) -> ShapeError:
    reach, room = d * (k - 1) + 1, n + 2 * p
    padded = f" padded to {room}" if p else ""
    spread_out, cure = "", f"make the window at most {room}"
    if d > 1:
        spread_out = f", spread to {reach} by its dilation,"
        cure = f"make the dilation at most {(room - 1) // (k - 1)}" if k <= room else cure
    return ShapeError(
        f"a window of {k}{spread_out} does not fit into a {axis} of {n}{padded}",
        f"{cure}, or pad by at least {-(-(reach - n) // 2)}",
        field="dilation" if d > 1 else "kernel",
        notes=(f"{axis}: {n} + 2*{p} - {d}*({k} - 1) - 1 = {room - reach}, less than 0",),
        code="A201",
        rewrite=("dilation", f"d{(room - 1) // (k - 1)}")
        if d > 1 and k <= room
        else ("padding", f"p{-(-(reach - n) // 2)}"),
    )


def same(kernel: Dims, dilation: Dims) -> Dims:
    """The padding that keeps the size at stride 1: d(k-1)/2 on each side.

    Raises ShapeError for an even window, which cannot be padded evenly.
    """
    for k, d in zip(kernel, dilation, strict=True):
        if d * (k - 1) % 2:
            raise ShapeError(
                f"`same` cannot pad a window of {k} evenly on both sides",
                "use an odd window, or give the padding: `p1`",
                field="padding",
                code="A203",
            )
    return tuple(d * (k - 1) // 2 for k, d in zip(kernel, dilation, strict=True))


def check_padding(x: Shape, padding: Dims, mode: str, field: str = "padding") -> None:
    """Raises ShapeError where the tensor is too small to be padded from its own elements."""
    for axis, n, p in zip(AXES[x.rank], x.size, padding, strict=True):
        most = {"reflect": n - 1, "circular": n}.get(mode, p)
        if p > most:
            raise ShapeError(
                f"a {axis} of {n} cannot be padded by {p} with `{mode}`",
                f"pad by at most {most}, or with zeros",
                field=field,
                code="A205",
            )


def check_groups(x: Shape, groups: int, out: int | None = None) -> None:
    """Raises ShapeError where the groups do not divide the channels that go in and come out."""
    named = {"channels": x.channels}
    if out is not None:
        named = {"input channels": x.channels, "output channels": out}
    for what, channels in named.items():
        if channels % groups:
            raise ShapeError(
                f"{groups} groups do not divide the {channels} {what}",
                f"choose a number of groups that divides the {' and the '.join(named)}",
                field="groups",
                notes=(f"{channels} = {channels // groups} * {groups} + {channels % groups}",),
                code="A204",
            )


def geometry_label(
    kernel: Dims, stride: Dims | None, groups: int = 1, dilation: Dims = (1,)
) -> str:
    """`3×3/2 g32 d2`, leaving out what is 1."""
    text = "×".join(map(str, kernel))
    if stride and set(stride) != {1}:
        text += "/" + "×".join(map(str, stride))
    if groups != 1:
        text += f" g{groups}"
    if set(dilation) != {1}:
        text += " d" + "×".join(map(str, dilation))
    return text
