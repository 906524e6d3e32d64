"""Random blocks, and the whole file."""

from __future__ import annotations

from dataclasses import replace

from archc.api import analyze
from archc.plan import Apply, bodies, walk
from archc.source import Limits, Source
from archc.syntax.writing import format_file
from fuzz.scope import NAMES, Scope
from fuzz.statements import Block, Formal, Statements

LIMITS = Limits(steps=1500)
LARGEST, MOST_WORK = 20_000, 10_000_000  # what runs in a moment

BLOCK_NAMES = (
    "unit",
    "conv_bn",
    "ConvBn",
    "up0",
    "block1",
    "stage",
    "basic",
    "Stage2",
    "down",
    "body",
    "se",
    "layer1",
    "mlp3",
)


class Networks(Statements):
    """Makes files."""

    def formals(self, s: Scope) -> tuple[list[Formal], Scope]:
        """Parameters of a block, and the scope inside it."""
        kinds = ["width"] * self.r.choice((0, 1, 1, 1, 2))
        more = ["count", "stride", "window", "flag", "flag", "list", "rows", "rate", "act", "width"]
        kinds += self.r.sample(more, self.r.choice((0, 1, 1, 2, 3)))
        if not self.rank:
            kinds = [k for k in kinds if k not in ("stride", "window")]
        taken = set(s.taken()) if self.chance(0.8) else set()
        made: list[Formal] = []
        for kind in kinds:
            free = [n for n in NAMES[kind] if n not in taken]
            if not free:
                continue
            name = self.pick(*free)
            taken.add(name)
            made.append(Formal(kind, name))
        made = self._defaults(made)
        scope = Scope(blocks=len(self.blocks), names={"in_block": ("",)})
        for kind in NAMES:  # the file's params are seen
            seen = [n for n in s.of(kind) if n not in {f.name for f in made}]
            scope = scope.having(kind, *seen)
        for formal in made:
            scope = scope.having(formal.kind, formal.name)
        return made, scope

    def _defaults(self, made: list[Formal]) -> list[Formal]:
        """Defaults for the last ones: literals, `in.c`, earlier parameters."""
        first = self.r.randrange(len(made) + 1) if made else 0
        found: list[Formal] = []
        for at, formal in enumerate(made):
            if at < first:
                found.append(formal)
                continue
            earlier = [f.name for f in found if f.kind == formal.kind]
            choices = [self.literal(formal.kind)] * 2
            if formal.kind == "width":
                choices += [
                    "in.c",
                    "2 * in.c",
                    "in.c // 2 + 1",
                    *earlier,
                    *(f"2 * {e}" for e in earlier),
                ]
            elif formal.kind == "stride":
                choices = ["1", "1", "2"]
            elif formal.kind == "window":
                choices += earlier * 2
            elif formal.kind == "flag":
                choices += ["in.c > 4"]
            found.append(replace(formal, default=self.pick(*choices)))
        if self.rank == 2 and any(f.name == "kh" for f in found):
            found.append(Formal("window", "kw", "kh"))
        return found

    def _asking(self, formal: Formal, skip: str) -> Formal:
        """Perhaps with a default that asks the tensor that the block is handed."""
        if formal.kind != "width" or formal.default is None or self.chance(0.5):
            return formal
        return replace(formal, default=self.pick(f"@{skip}.c", f"@{skip}.c // 2 + 1"))

    def block(self, s: Scope) -> str:
        kind = self.r.randrange(10)
        number = len(self.blocks)
        name = self.pick(*(n for n in BLOCK_NAMES if n not in {b.name for b in self.blocks}))
        if kind == 0:
            return self._recursive(f"rec{number}", s)
        formals, scope = self.formals(s)
        takes = ""
        if kind == 1 and any(b.part for b in self.blocks):
            formals = [Formal("part", "part"), *formals]
            scope, takes = replace(scope, parts=("part",)), "part"
        strides = [f.name for f in formals if f.kind == "stride"]
        body, keeps = self.sequence(
            scope, self.r.choice((1, 1, 1, 2) if self.terse else (1, 2, 3)), 0, self.chance(0.8)
        )
        whole = keeps == 0
        if strides and self.rank:
            width = self.width(scope)
            body += f"; conv 3/({strides[0]}) p1 x({width})" + self.pick("", "; bn; relu")
        elif scope.of("width") and self.chance(0.5):
            body += f"; {self.to(scope, self.pick(*scope.of('width')))}"
        word = self.pick("block", "block", "block", "block", "sequence")
        listed = ", ".join(f.name + (f"={f.default}" if f.default else "") for f in formals)
        part = (
            bool(formals)
            and formals[0].kind == "width"
            and all(f.default for f in formals[1:])
            and whole
        )
        skip, gives = "", ""
        if not strides and word == "block" and not takes:
            if self.chance(0.2) and scope.labels:
                skip = self.pick("skip", "lateral", "other")
                formals = [self._asking(f, skip) for f in formals]
                formals = [*formals[:1], Formal("tensor", skip), *formals[1:]]
                use = self.pick("concat< | @{} >", "concat< @{} | @in >", "concat< @{}; relu | >")
                body = f"{use.format(skip)}; {body}"
                part = False
            if self.chance(0.2):
                gives = self.pick("mid", "c3", "side_out")
                first, _, rest = body.partition("; ")
                if "{" not in first and "<" not in first and "let" not in first and rest:
                    body = f"{first}; output {gives}; {rest}"
                else:
                    body = f"{body}; output {gives}; {self.to(scope, self.width(scope))}"
            if formals and any(f.default is None for f in formals[1:]) and formals[0].default:
                formals = [replace(formals[0], default=None), *formals[1:]]
        listed = ", ".join(
            ("@" if f.kind == "tensor" else "") + f.name + (f"={f.default}" if f.default else "")
            for f in formals
        )
        part = part and not strides and not gives
        self.blocks.append(Block(name, tuple(formals), whole, part, takes, skip, gives))
        return f"{word} {name}({listed}) {{ {body} }}"

    def _recursive(self, name: str, s: Scope) -> str:
        scope = Scope(blocks=len(self.blocks), depth=2, labels=False).having("width", "c")
        body, _ = self.sequence(scope, self.r.choice((1, 2)), 0, True)
        work = f"{body}; {self.to(scope, 'c')}"
        n = self.pick("n", "depth")
        form = self.pick(
            f"if {n} > 1 {{ {name}(c, {n} - 1) }}; {work}",
            f"{work}; if {n} > 1 {{ {name}(c, {n} - 1) }} else {{ relu }}",
            f"if {n} > 0 {{ residual< {work}; {name}(c, {n} - 1) | {self.to(scope, 'c')} > }} else {{ {self.to(scope, 'c')} }}",
            f"if {n} > 1 {{ concat< {name}(c, {n} - 1) | {work} >; {self.to(scope, 'c')} }} else {{ {self.to(scope, 'c')} }}",
            f"if {n} > 1 {{ columns< {name}(c, {n} - 1); join; {name}(c, {n} - 1) | {self.to(scope, 'c')} > }} else {{ columns< {self.to(scope, 'c')} > }}",
        )
        join = "; join" if "columns" in form else ""
        inner = f"{name}" if not join else f"{name}_"
        self.blocks.append(Block(name, (Formal("width", "c"), Formal("count", n, "2")), True))
        if join:
            form = form.replace(f"{name}(", f"{inner}(")
            return f"block {inner}(c, {n}=2) {{ {form} }}\nblock {name}(c, {n}=2) {{ {inner}(c, {n}); join }}"
        return f"block {name}(c, {n}=2) {{ {form} }}"

    def params(self) -> tuple[list[str], Scope]:
        lines, scope = [], Scope()
        kinds = [
            k for k in NAMES if self.chance(0.15) and (self.rank or k not in ("stride", "window"))
        ]
        for kind in kinds:
            name = self.pick(*(n for n in NAMES[kind] if n not in scope.taken()))
            value = self.literal(kind)
            if kind == "act":
                value = self.pick("relu", "gelu", "bn")
            scope = scope.having(kind, name)
            lines.append(f"param {name} = {value}")
        return lines, scope

    def parts(self) -> tuple[list[str], list[str]]:
        """The head of a file (blocks and params), and the network's statements."""
        head, scope = self.params()
        head = ["network Net", *head]
        head += [
            self.block(scope)
            for _ in range(self.r.choice((1, 2, 2, 3) if self.terse else (0, 1, 2, 2, 3)))
        ]
        extent = {0: (), 1: (8, 12), 2: (6, 8), 3: (4,)}[self.rank]
        size = "x".join([str(self.r.choice(extent))] * self.rank) if extent else ""
        place = replace(scope, blocks=len(self.blocks))
        parts = [b.name for b in self.blocks if b.part]
        if parts and self.chance(0.3):
            head.append(f"param unit_ = {self.pick(*parts)}")
            place = replace(place, parts=("unit_",))
        lines: list[str] = []
        if self.chance(0.1):
            lines += [f"input left {size} x4", f"input right {size} x{self.pick('4', '3')}"]
            lines += [
                self.pick(
                    "concat< @left | >", "@left", "@left; conv 1 x4" if self.rank else "@left; fc 4"
                )
            ]
        else:
            lines.append(f"input {size} x{self.pick('1', '3', '4', '4', '6')}")
        if place.parts:
            lines.append(self._part(place, 0, False)[0])
        now = 0
        self.room += 1 if self.tiny else 5
        for _ in range(self.r.choice((0, 0, 1) if self.tiny else (1, 2, 3))):
            text, now = self.statement(place, now)
            lines.append(text)
        for block in self.r.sample(self.blocks, min(3 if self.tiny else 2, len(self.blocks))):
            for _ in range(self.r.choice((1, 2, 2, 3) if self.terse else (1, 1, 2))):
                if block.skip or block.gives:
                    lines.append(self._several(block, place, now, False)[0])
                else:
                    lines.append(self.call(block, place, False)[0])
        for _ in range(self.r.choice((0, 0, 1))):
            text, now = self.statement(place, now)
            lines.append(text)
            if self.chance(0.08):
                lines.append(f"output {self.label(place)}")
            if now == 0 and self.chance(0.2):
                lines.append(self._source(place, 0, False)[0])
        if self.chance(0.3):
            lines.append("gap; flatten; fc 5" if self.rank else "fc 5")
        elif self.chance(0.1):
            lines.append(f"output {self.label(place)}")
        return head, lines


def wrong(text: str) -> list[str]:
    """The errors of a text; one that is too large to run in a moment is wrong as well."""
    analysis = analyze(Source("random.arch", text), limits=LIMITS)
    if analysis.ok and analysis.plan is not None:
        nodes = [n for body in bodies(analysis.plan) for n in walk(body.chain.nodes)]
        shapes = [n.output.shape for n in nodes if isinstance(n, Apply)]
        largest = max((int(x.features) for x in shapes if x is not None), default=0)
        if largest > LARGEST or analysis.macs > MOST_WORK:
            return ["too large"]
    return [f"{d.code} {d.title}" for d in analysis.diagnostics if d.is_error]


def program(seed: int) -> str:
    """A program without mistakes. The same seed gives the same text."""
    maker = Networks(seed)
    head, lines = maker.parts()
    whole = "\n".join([*head, *lines]) + "\n"
    if wrong(whole):
        chosen = list(head)
        for line in lines:
            if not wrong("\n".join([*chosen, line]) + "\n"):
                chosen.append(line)
        whole = "\n".join(chosen) + "\n"
        if wrong(whole):
            return program(seed + 10_000_000)
    return format_file(analyze(Source("random.arch", whole), limits=LIMITS).file)
