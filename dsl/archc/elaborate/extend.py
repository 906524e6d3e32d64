"""`extends`: a file's changes and the file that they change, merged into one plain tree.

Whatever comes after it knows nothing of `extends`: items keep their spans, so that a mistake is
shown in the file that it stands in.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from archc import syntax
from archc.elaborate.link import nothing_to_change
from archc.elaborate.names import aliases_in, labels_in
from archc.elaborate.network import class_name, is_network
from archc.elaborate.sections import inherited, is_result
from archc.elaborate.unlabelled import is_called_after, label_it, without_label
from archc.source import (
    Damage,
    Diagnostic,
    Diagnostics,
    Fault,
    Fix,
    Severity,
    Source,
    Span,
    SpanLabel,
    did_you_mean,
    fault,
    spelling,
)
from archc.syntax.walk import name_span, walk, words_of

Load = Callable[[syntax.Extends, Source], syntax.File]  # raises Fault

_DEEPEST = 50  # files that extend one another in a row
_LENGTHS = ("epochs", "steps")  # a run has one of them


def pointed(diagnostics: Iterable[Diagnostic], file: syntax.File) -> Iterator[Diagnostic]:
    """The same, and of what is wrong in a base that it is extended, and where."""
    variation = file.variation
    bases = () if variation is None else variation.sources[1:]
    for found in diagnostics:
        if variation is None or found.span.source not in bases:
            yield found
        else:
            here = SpanLabel(variation.extends.path.span, "extended here")
            yield replace(found, labels=(*found.labels, here))


# --- what goes where ---------------------------------------------------------------------


@dataclass(slots=True)
class Arrangement:
    """Where the items of a file go among those of its base, both by their places in these."""

    instead: dict[int, int] = field(default_factory=dict)  # the base's: the file's
    left_out: set[int] = field(default_factory=set)  # of the base's
    before: dict[int, list[int]] = field(default_factory=dict)  # the base's: new ones of the file

    def new(self) -> list[int]:
        """The items of the file that have no place in the base."""
        return sorted(at for items in self.before.values() for at in items)

    def items(self, own: syntax.File, base: syntax.File) -> Iterator[syntax.Item]:
        """The items of both in their order, sections as the base has them."""
        for place in range(len(base.items) + 1):
            yield from (own.items[at] for at in self.before.get(place, []))
            if place < len(base.items) and place not in self.left_out:
                at = self.instead.get(place)
                yield base.items[place] if at is None else own.items[at]


def arrange(own: syntax.File, base: syntax.File) -> Arrangement:
    """What has a name of the base takes that one's place; what is new has its place by its kind.

    A param or `let` stands before the first that mentions it, or behind the last of its kind,
    blocks before the statements, statements behind the last one. A `network` line goes with its
    file.
    """
    made = Arrangement()
    places: dict[Key, int] = {}
    for place, item in enumerate(base.items):
        key = key_of(item)
        if key is not None:
            places.setdefault(key, place)
    for key in (key for label in taken_out(own) for key in keys_of(label)):
        if key in places:
            made.left_out.add(places.pop(key))
    is_named = any(isinstance(item, syntax.Network) for item in own.items)
    if not is_named:
        made.left_out |= {p for p, i in enumerate(base.items) if isinstance(i, syntax.Network)}
    new: list[int] = []
    for at, item in enumerate(own.items):
        if isinstance(item, syntax.Section | syntax.Extends | syntax.Without):
            continue
        named = key_of(item)
        if named is not None and named in places:
            made.instead[places.pop(named)] = at
        else:
            new.append(at)
    places_of_new: dict[int, int] = {}
    for at in reversed(new):  # what mentions a name stands behind it
        known = {mine: place for place, mine in made.instead.items()} | places_of_new
        places_of_new[at] = _place_of(own.items[at], own, base, known)
    for at in new:
        made.before.setdefault(places_of_new[at], []).append(at)
    return made


def _place_of(
    item: syntax.Item, own: syntax.File, base: syntax.File, known: Mapping[int, int]
) -> int:
    """The item of the base before which a new one goes; `known` are the places of others."""
    match item:
        case syntax.Network() | syntax.Use():
            return _first(base, syntax.Use, syntax.Param, syntax.Block, syntax.Statement)
        case syntax.Block():
            return _first(base, syntax.Block, syntax.Statement)
        case syntax.Param(name=name):
            last = _last(base, syntax.Param) or _first(base, syntax.Block, syntax.Statement)
        case syntax.Statement(term=syntax.Let(name=name)):
            last = _last(base, syntax.Statement)
        case _:
            return _last(base, syntax.Statement)
    users = (at for at in known if type(own.items[at]) is type(item))
    asked = (known[at] for at in users if name.id in words_of(own.items[at].span))
    return min(asked, default=last)


def _first(file: syntax.File, *kinds: type[syntax.Item]) -> int:
    places = (place for place, item in enumerate(file.items) if isinstance(item, kinds))
    return next(places, len(file.items))


def _last(file: syntax.File, kind: type[syntax.Item]) -> int:
    """Behind the last item of a kind; 0 without any."""
    return max((p + 1 for p, item in enumerate(file.items) if isinstance(item, kind)), default=0)


Key = tuple[str, str]


def key_of(item: syntax.Item) -> Key | None:
    """By what an item takes another one's place, if it can."""
    match item:
        case syntax.Network():
            return "network", ""
        case syntax.Param(name=name):
            return "param", name.id
        case syntax.Block(name=name):
            return "block", name.id
        case syntax.Statement(term=syntax.Let(name=name)):
            return "let", name.id
        case syntax.Statement(label=label) if label is not None:
            return ("label", label.fixed) if label.fixed is not None else None
        case syntax.Statement(term=syntax.Operation(name=name) as term):
            return _key_of_port(name.id, term)
    return None


def _key_of_port(name: str, term: syntax.Operation) -> Key | None:
    """Of `input`, `input left`, `output scores`, `devices`."""
    if name == "devices":
        return name, ""
    if name not in ("input", "output"):
        return None
    first = term.attributes[0] if term.attributes else None
    named = first.fixed if isinstance(first, syntax.Label) else None
    if isinstance(first, syntax.Word):
        named = first.id
    return (name, named or "") if name == "input" or named else None


def taken_out(own: syntax.File) -> Iterator[syntax.Label]:
    """What a file's `without` lines name."""
    for item in own.items:
        if isinstance(item, syntax.Without):
            yield from item.labels


def keys_of(label: syntax.Label) -> tuple[Key, ...]:
    """What a name of `without` may be."""
    name = label.fixed
    return () if name is None else (("label", name), ("input", name), ("output", name))


# --- sections ----------------------------------------------------------------------------


def entries_of(file: syntax.File, kind: str) -> list[syntax.Entry]:
    """The lines of all sections of a kind."""
    sections = (i for i in file.items if isinstance(i, syntax.Section) and i.kind.id == kind)
    return [entry for section in sections for entry in section.entries]


def entry_key(entry: syntax.Entry) -> str:
    """By what a line of a section takes another one's place."""
    return _LENGTHS[0] if entry.key.id in _LENGTHS else entry.key.id


@dataclass(slots=True)
class SectionChange:
    """What a file makes of one kind of section of its base."""

    instead: dict[str, list[syntax.Entry]]  # by key
    gone: list[syntax.Entry]  # of the base's: nothing takes their place
    new: list[syntax.Entry]

    def entries(self, before: Iterable[syntax.Entry]) -> Iterator[syntax.Entry]:
        """The lines of both, in their order."""
        told: set[str] = set()
        gone = {id(entry) for entry in self.gone}
        for entry in before:
            key = entry_key(entry)
            if key in self.instead:
                yield from () if key in told else self.instead[key]
                told.add(key)
            elif id(entry) not in gone:
                yield entry
        yield from self.new


def change_section(kind: str, own: syntax.File, base: syntax.File) -> SectionChange:
    """Lines replace those of the same name, and the others stay, but for what is not so any more.

    What was expected and published of the base is not of another network, what was measured not of
    one that is trained otherwise, or has results of its own: they would be a row of two networks.
    """
    mine, theirs = entries_of(own, kind), entries_of(base, kind)
    known = {entry_key(entry) for entry in theirs}
    instead: dict[str, list[syntax.Entry]] = {}
    for entry in mine:
        if entry_key(entry) in known:
            instead.setdefault(entry_key(entry), []).append(entry)
    gone: list[syntax.Entry] = []
    if kind == "expect" and alters(own):
        gone, instead = theirs, {}
        return SectionChange(instead, gone, mine)
    if kind == "meta":
        gone = [entry for entry in theirs if not _is_inherited(entry, own)]
    return SectionChange(instead, gone, [e for e in mine if entry_key(e) not in known])


def _is_inherited(fact: syntax.Entry, own: syntax.File) -> bool:
    """Whether a line of a base's `meta` is so of the file that extends it."""
    has_results = any(is_result(entry.key.id) for entry in entries_of(own, "meta"))
    return inherited(fact, alters(own), has_results or bool(entries_of(own, "train")))


def alters(own: syntax.File) -> bool:
    """Whether a file changes more of the network than its name, its facts and its training."""
    kinds = syntax.Param | syntax.Block | syntax.Statement | syntax.Without
    return any(isinstance(item, kinds) for item in own.items)


def _merged_sections(own: syntax.File, base: syntax.File) -> Iterator[syntax.Section]:
    for kind in ("meta", "train", "expect"):
        found = [
            item
            for file in (base, own)
            for item in file.items
            if isinstance(item, syntax.Section) and item.kind.id == kind
        ]
        entries = tuple(change_section(kind, own, base).entries(entries_of(base, kind)))
        if found and entries:
            yield replace(found[0], entries=entries)


# --- merging -----------------------------------------------------------------------------


def extended(file: syntax.File, load: Load, diagnostics: Diagnostics) -> syntax.File:
    """A file merged with what it extends; as it is where it extends nothing.

    What is wrong goes to `diagnostics`. Without a base to change there is no network left in it.
    """
    return _Merger(load, diagnostics).merged(file)


@dataclass
class _Merger:
    load: Load
    diagnostics: Diagnostics
    open: list[Source] = field(default_factory=list)

    def merged(self, file: syntax.File) -> syntax.File:
        lines = [item for item in file.items if isinstance(item, syntax.Extends)]
        if file.damage.base:
            return _without_network(file)
        if not lines:
            self._refuse_without(file)
            return _plain(file)
        for line in lines[1:]:
            other = SpanLabel(lines[0].span, "the first is here")
            cure = "a chain can be longer: what is extended may extend another"
            title = "a file extends one network"
            self._add(fault("A406", title, line.span, cure, also=(other,)))
        self.open.append(file.span.source)
        try:
            base = self._base(lines[0], file)
        except Fault as mistake:
            self._add(mistake)
            return _without_network(file)
        finally:
            self.open.pop()
        return self._merge(file, base, lines[0]) if is_network(base) else _without_network(file)

    def _add(self, mistake: Fault) -> None:
        self.diagnostics.add(mistake.diagnostic)

    def _refuse_without(self, file: syntax.File) -> None:
        for item in file.items:
            if isinstance(item, syntax.Without):
                cure = 'name what it changes: `extends "resnet50.arch"`'
                self._add(fault("A110", "`without` takes nothing out of it", item.span, cure))

    def _base(self, extends: syntax.Extends, file: syntax.File) -> syntax.File:
        """What is extended, merged with what that extends. Raises Fault."""
        span = extends.path.span
        if len(self.open) > _DEEPEST:
            title = f"more than {_DEEPEST} files extend one another in a row"
            raise fault("A505", title, span, "extend the one that is meant directly")
        found = self.load(extends, file.span.source)
        names = [source.name for source in self.open]
        name = found.span.source.name
        if name in names:
            chain = " -> ".join((*names[names.index(name) :], name))
            raise fault("A502", "circular `extends`", span, f"the cycle is {chain}")
        base = self.merged(found)
        if not is_network(base) and not self.diagnostics.failed:  # else it has told why
            title = f"there is no network in `{extends.path.value}` to extend"
            cure = f'blocks are brought in by `use "{extends.path.value}"`'
            raise fault("A506", title, span, cure)
        return base

    def _merge(self, own: syntax.File, base: syntax.File, extends: syntax.Extends) -> syntax.File:
        made = arrange(own, base)
        unused = self._check_names(own, base, made)
        items = [i for i in made.items(own, base) if not isinstance(i, syntax.Section)]
        sections = [*_merged_sections(own, base)]
        damage = Damage()
        damage.merge(base.damage)
        damage.merge(own.damage)
        changes = tuple(_phrases(own, base, made))
        variation = syntax.Variation(
            extends, own, base, _name_of(base), changes, alters(own), tuple(unused)
        )
        whole = replace(own, items=(*items, *sections), damage=damage, variation=variation)
        self._check_references(own, whole)
        return whole

    # --- changes that change nothing

    def _check_names(
        self, own: syntax.File, base: syntax.File, made: Arrangement
    ) -> list[syntax.Block]:
        """Reports changes of nothing; the new blocks that nothing calls, which files that the base
        uses may have.
        """
        self._check_taken_out(own, base)
        for place, at in made.instead.items():
            if own.items[at] == base.items[place] and not isinstance(own.items[at], syntax.Network):
                self._warn_of_same(own.items[at].span, base.items[place].span)
        for kind in ("meta", "train"):
            before = {entry_key(entry): entry for entry in entries_of(base, kind)}
            for entry in entries_of(own, kind):
                same = before.get(entry_key(entry))
                if entry.key.id == "init" or entry != same:
                    continue
                if kind == "train" or _is_inherited(same, own):  # else it is what keeps it
                    self._warn_of_same(entry.span, same.span)
        words = Counter(word for item in own.items for word in words_of(item.span))
        unused: list[syntax.Block] = []
        for at in made.new():
            item = own.items[at]
            if isinstance(item, syntax.Block):
                is_known = words[item.name.id] > 1 or item.name.id in base.damage.names
                unused += [] if is_known else [item]
            else:
                self._check_new(item, base, words)
        return unused

    def _warn_of_same(self, span: Span, before: Span) -> None:
        self.diagnostics.add(
            Diagnostic(
                "W122",
                "this changes nothing: the base says the same",
                (SpanLabel(span), SpanLabel(before, "here")),
                fixes=(Fix("leave it out", span, ""),),
                severity=Severity.WARNING,
            )
        )

    def _check_taken_out(self, own: syntax.File, base: syntax.File) -> None:
        places = {key for item in base.items if (key := key_of(item)) is not None}
        seen: dict[str, Span] = {}
        for label in taken_out(own):
            keys = keys_of(label)
            try:
                if not keys:
                    cure = "`without` takes a label as it stands, and no number in it"
                    raise fault("A110", "this is no name of one statement", label.span, cure)
                earlier = seen.setdefault(keys[0][1], label.span)
                if earlier is not label.span:
                    other = SpanLabel(earlier, "the other is here")
                    title = f"`{keys[0][1]}` is taken out twice"
                    raise fault("A304", title, label.span, "keep one of them", also=(other,))
                if not places.intersection(keys) and keys[0][1] not in base.damage.names:
                    raise _no_label(label, base)
            except Fault as mistake:
                self._add(mistake)

    def _check_new(self, item: syntax.Item, base: syntax.File, words: Mapping[str, int]) -> None:
        """A name that the base does not have: a new one, or a slip."""
        key = key_of(item)
        if key is None:
            return
        kind, name = key
        if name in base.damage.names:  # it may be what a mistake there has taken out
            return
        known = [k[1] for i in base.items if (k := key_of(i)) is not None and k[0] == kind]
        if kind in ("param", "let") and words[name] < 2:
            span = item.term.name.span if kind == "let" else item.name.span  # type: ignore[union-attr]
            self._add(nothing_to_change("`let`" if kind == "let" else kind, name, span, known))
        elif kind in ("label", "input", "output") and name:
            self._warn_of_slip(item, name, known, base)

    def _warn_of_slip(
        self, item: syntax.Item, name: str, known: list[str], base: syntax.File
    ) -> None:
        """`fcc: fc 10` behind an `fc:`, but not `conv6` behind a `conv5`; `fc:` behind an `fc 10`
        that has no label.
        """
        label = item.label if isinstance(item, syntax.Statement) else None
        unlabelled = without_label(base, name) if label is not None else []
        if len(unlabelled) > 1 and is_called_after(item, name):
            unlabelled = []  # another of that kind
        hint = label_it(unlabelled, name) if unlabelled else did_you_mean(name, known)
        meant = hint.split("`")[1] if hint else name
        if not unlabelled and re.sub(r"\d+", "", meant) == re.sub(r"\d+", "", name):
            return
        span = name_span(label) if label is not None else item.span
        title = f"`{name}` is new, and stands behind the last statement"
        fix = Fix(hint, span, meant) if label is not None and not unlabelled else None
        self.diagnostics.add(
            Diagnostic(
                "W121",
                title,
                (SpanLabel(span),),
                helps=(hint,),
                fixes=(fix,) if fix is not None else (),
                severity=Severity.WARNING,
            )
        )

    def _check_references(self, own: syntax.File, whole: syntax.File) -> None:
        """What is taken out must not be asked for."""
        statements = tuple(i for i in whole.items if isinstance(i, syntax.Statement))
        left = syntax.Sequence(statements, whole.span)
        known = labels_in(left) | aliases_in(left)
        known |= {k[1] for i in statements if (k := key_of(i)) is not None and k[0] == "input"}
        for label in taken_out(own):
            name = label.fixed
            if name is None or name in known:
                continue
            asked = next((r for r in _references(statements) if name in _called(r)), None)
            if asked is not None:
                self.diagnostics.damage.names |= {name, name.partition(".")[0]}
                used = SpanLabel(asked.span, "here")
                title = f"`{name}` is taken out, and something asks for it"
                cure = "take that out as well, or write it anew: a label says what is replaced"
                self._add(fault("A111", title, label.span, cure, also=(used,)))


def _references(statements: Iterable[syntax.Statement]) -> Iterator[syntax.Reference]:
    for statement in statements:
        yield from (node for node in walk(statement) if isinstance(node, syntax.Reference))


def _called(reference: syntax.Reference) -> set[str]:
    """The labels that a reference may name: `convs` and `convs.0` of `@convs.0`."""
    names = [syntax.fixed(part) for part in (reference.parts, *reference.members)]
    known = [*names, None][: [*names, None].index(None)]
    return {".".join(str(name) for name in known[:count]) for count in range(1, len(known) + 1)}


def _no_label(label: syntax.Label, base: syntax.File) -> Fault:
    """`without x`, and the base has no `x`."""
    name = str(label.fixed)
    statements = [item for item in base.items if isinstance(item, syntax.Statement)]
    keys = [key for item in statements if (key := key_of(item)) is not None]
    known = [key[1] for key in keys if key[0] in ("label", "input", "output") and key[1]]
    title = f"there is no `{name}` to take out"
    for statement in statements:
        inside = (n for n in walk(statement.term) if isinstance(n, syntax.Statement))
        if any(n.label is not None and n.label.fixed == name for n in inside):
            around = key_of(statement)
            cure = "it is inside of another statement, which can be replaced as a whole"
            cure += f": `{around[1]}: ...`" if around is not None and around[1] else ""
            return fault("A110", title, label.span, cure, also=(SpanLabel(statement.span),))
    if unlabelled := without_label(base, name):
        return fault("A110", title, label.span, label_it(unlabelled, name))
    listed = f"there are {', '.join(f'`{each}`' for each in known[:12])}" if known else ""
    return fault("A110", title, label.span, spelling(name, known, label.span) or listed)


def _plain(file: syntax.File) -> syntax.File:
    """Without lines about a base."""
    kinds = syntax.Extends | syntax.Without
    if not any(isinstance(item, kinds) for item in file.items):
        return file
    return replace(file, items=tuple(i for i in file.items if not isinstance(i, kinds)))


def _without_network(file: syntax.File) -> syntax.File:
    """What can be looked at of a file whose base is not there."""
    damage = Damage(blocks=True, params=True)
    damage.merge(file.damage)
    kinds = syntax.Use | syntax.Block
    return replace(file, items=tuple(i for i in file.items if isinstance(i, kinds)), damage=damage)


# --- words -------------------------------------------------------------------------------


def _name_of(file: syntax.File) -> str:
    named = (item.name.id for item in file.items if isinstance(item, syntax.Network))
    return next(named, None) or class_name(file)


def _phrases(own: syntax.File, base: syntax.File, made: Arrangement) -> Iterator[str]:
    """What is changed, in few words each."""
    new = {*made.new()}
    for at, item in enumerate(own.items):
        key = key_of(item)
        match item:
            case syntax.Param():
                yield f"{item.name.id} = {_short(item.default.span)}"
            case syntax.Block():
                yield f"block {item.name.id}"
            case syntax.Without():
                yield f"without {', '.join(_short(label.span) for label in item.labels)}"
            case syntax.Statement() if key is not None and at not in new:
                yield (
                    _short(item.span)
                    if key[0] in ("let", "input")
                    else f"another {key[1] or key[0]}"
                )
    added = [own.items[at] for at in sorted(new)]
    statements = [i for i in added if isinstance(i, syntax.Statement)]
    if statements:
        yield f"new at the end: {', '.join(map(_called_for, statements[:8]))}" + (
            ", ..." if len(statements) > 8 else ""
        )
    lines = dict.fromkeys(entry.key.id for entry in entries_of(own, "train"))
    if lines:
        yield f"train: {', '.join(lines)}"


def _called_for(statement: syntax.Statement) -> str:
    key = key_of(statement)
    if key is not None and key[1]:
        return key[1]
    return _short(statement.span)


def _short(span: Span) -> str:
    """What stands there, in one line and not much of it."""
    text = " ".join(re.sub(r"#[^\n]*", "", span.text).split())
    return text if len(text) <= 40 else f"{text[:37]}..."
