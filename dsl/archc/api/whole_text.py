"""The text of a file that extends another, with the changes made: what was merged, as one text."""

from __future__ import annotations

from dataclasses import dataclass, field

from archc import syntax
from archc.elaborate.extend import arrange, change_section, entries_of, entry_key
from archc.source import Edit, Source, Span, edited
from archc.syntax.parser import parse


def whole(file: syntax.File) -> syntax.File:
    """Return a file as it would be if it said all itself, but for the blocks that it uses.

    Comments of what is changed go with it, and `use` lines stay as they are in the files that say
    them.
    """
    variation = file.variation
    if variation is None:
        return file
    text = _Rewriting(variation.own, whole(variation.base), variation).text()
    return parse(Source(file.span.source.name, text))[0]


@dataclass(eq=False)
class _Rewriting:
    """The edits of a base's text that make the changes of another file."""

    own: syntax.File
    base: syntax.File
    variation: syntax.Variation
    edits: list[Edit] = field(default_factory=list)
    added: dict[int, list[str]] = field(default_factory=dict)  # lines, by where they go

    def text(self) -> str:
        made = arrange(self.own, self.base)
        for place in made.left_out:
            self._put(line_of(self.base.items[place].span), "")
        for place, at in made.instead.items():
            self._replace(self.base.items[place], self.own.items[at])
        for place, new in sorted(made.before.items()):
            for at in new:
                item = self.own.items[at]
                if not isinstance(item, syntax.Use):
                    gap = "\n" * isinstance(item, syntax.Block)
                    self._insert(self._gap(place), f"{gap}{_written(item)}{gap}")
        for kind in ("meta", "train", "expect"):
            self._rewrite_section(kind)
        source = self.base.span.source
        for at, lines in self.added.items():
            gap = "" if at == 0 or source.text[at - 1] == "\n" else "\n"
            self._put(Span(source, at, at), gap + "".join(f"{line}\n" for line in lines))
        return self._head() + edited(source.text, self.edits)

    def _head(self) -> str:
        """The file's own comment, or else what it is; what the base says of itself stands below."""
        said = [f"# {line}".rstrip() for line in self.own.doc.splitlines() if self.own.doc]
        return "\n".join([*(said or [f"# Extends {self.variation.words}."]), "", ""])

    def _put(self, span: Span, text: str) -> None:
        self.edits.append(Edit(span, text))

    def _replace(self, before: syntax.Item, after: syntax.Item) -> None:
        if isinstance(before, syntax.Block):
            self._put(with_comments(before.span), _written(after))
        else:
            self._put(_with_remark(before.span), _behind(after.span))

    def _insert(self, at: int, text: str) -> None:
        self.added.setdefault(at, []).append(text)

    def _gap(self, place: int) -> int:
        """Where lines go before an item, or behind the last one before it."""
        items, text = self.base.items, self.base.span.source.text
        following = items[place] if place < len(items) else None
        if following is not None and not isinstance(following, syntax.Section):
            start = following.span.start
            begins_line = not text[text.rfind("\n", 0, start) + 1 : start].strip()
            return with_comments(following.span).start if begins_line else start
        end = text.find("\n", items[place - 1].span.end)
        return len(text) if end < 0 else end + 1

    def _rewrite_section(self, kind: str) -> None:
        change = change_section(kind, self.own, self.base)
        told: set[str] = set()
        left = False
        for entry in entries_of(self.base, kind):
            key = entry_key(entry)
            if key in change.instead and key not in told:
                lines = [_behind(new.span) for new in change.instead[key]]
                self._put(_with_remark(entry.span), "\n  ".join(lines))
                told.add(key)
            elif key in change.instead or entry in change.gone:
                self._put(line_of(entry.span), "")
                continue
            left = True
        self._add_entries(kind, [_behind(entry.span) for entry in change.new], left)

    def _add_entries(self, kind: str, lines: list[str], left: bool) -> None:
        """Puts lines at the end of a section, which is made, or taken away, as it is needed."""
        sections = [
            item
            for item in self.base.items
            if isinstance(item, syntax.Section) and item.kind.id == kind
        ]
        inside = "".join(f"  {line}\n" for line in lines)
        if lines and sections and left:
            end = sections[-1].span.end - 1
            source = sections[-1].span.source
            gap = "" if source.text[:end].endswith("\n") else "\n"
            self._put(Span(source, end, end), gap + inside)
        elif not left:
            for section in sections:
                self.edits = [e for e in self.edits if not _is_inside(e.span, section.span)]
                self._put(line_of(section.span), "")
            if lines:
                self._insert(len(self.base.span.source.text), f"\n{kind} {{\n{inside}}}")


def _is_inside(span: Span, around: Span) -> bool:
    return around.start <= span.start and span.end <= around.end


def line_of(span: Span) -> Span:
    """Return a statement with its line, where nothing else but a comment stands there."""
    text = span.source.text
    begin = text.rfind("\n", 0, span.start) + 1
    end = text.find("\n", span.end)
    end = len(text) if end < 0 else end + 1
    rest = text[begin : span.start] + text[span.end : end].partition("#")[0]
    if not rest.strip(" \t;\r\n"):
        return Span(span.source, begin, end)
    behind = text[span.end :]
    return Span(span.source, span.start, len(text) - len(behind.lstrip(" \t;")))


def with_comments(span: Span) -> Span:
    """Return a definition with the comment lines right above it, and the rest of its last line."""
    text = span.source.text
    start = text.rfind("\n", 0, span.start) + 1
    while start:
        above = text.rfind("\n", 0, start - 1) + 1
        if not text[above:start].lstrip().startswith("#"):
            break
        start = above
    end = text.find("\n", span.end)
    return Span(span.source, start, len(text) if end < 0 else end)


def _with_remark(span: Span) -> Span:
    """What stands there, with the comment behind it that ends its line."""
    rest = span.source.line(span.source.position(span.end)[0])[
        span.source.position(span.end)[1] - 1 :
    ]
    is_remark = rest.lstrip().startswith("#")
    return Span(span.source, span.start, span.end + len(rest)) if is_remark else span


def _behind(span: Span) -> str:
    return _with_remark(span).text


def _written(item: syntax.Item) -> str:
    """What an item says, with the comment above it where it stands on lines of its own."""
    if isinstance(item, syntax.Block) or _stands_alone(item.span):
        return with_comments(item.span).text
    return _behind(item.span)


def _stands_alone(span: Span) -> bool:
    text = span.source.text
    line = text.rfind("\n", 0, span.start) + 1
    end = text.find("\n", span.end)
    rest = text[span.end : len(text) if end < 0 else end].strip()
    return not text[line : span.start].strip() and (not rest or rest.startswith("#"))
