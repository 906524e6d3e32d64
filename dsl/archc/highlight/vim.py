"""The files of Vim and Neovim: a syntax, what a file of archc is, and its language server."""

from __future__ import annotations

from collections.abc import Iterator

from archc.highlight.patterns import pieces
from archc.highlight.rules import CONTEXTS, EXPRESSION, ITEM_LINE, SECTION, STATEMENTS, Rule

_LINKS = {
    "attribute": "Constant",
    "block": "Function",
    "builtin": "Special",
    "comment": "Comment",
    "constant": "Boolean",
    "declaration": "StorageClass",
    "definition": "Type",
    "function": "Function",
    "keyword": "Keyword",
    "label": "Label",
    "name": "",
    "number": "Number",
    "operator": "Statement",
    "option": "Identifier",
    "property": "Identifier",
    "punctuation": "Delimiter",
    "reference": "Tag",
    "sign": "Operator",
    "string": "String",
}
_PREFIX = {STATEMENTS: "arch", EXPRESSION: "archExpr", SECTION: "archSection"}
_BEGINNING = r"%(%(^|[{;|]|[A-Za-z0-9_]\<)[ \t]*|:[ \t]+)@60<="
_SPECIAL = set("()|?=+*{}<>@~%&^$.[]\\`")

_SYNTAX_HEAD = """\
" Vim syntax file
" Language: architectures of neural networks (archc)
" Generated: python -m archc.highlight

if exists("b:current_syntax")
  finish
endif
syntax iskeyword @,48-57,_
syntax sync fromstart

"""
FTDETECT = "autocmd BufNewFile,BufRead *.arch set filetype=arch\n"
FTPLUGIN = """\
" Settings for .arch files. `b:did_ftplugin` also keeps away Vim's own for inventories of GNU Arch.
if exists("b:did_ftplugin")
  finish
endif
let b:did_ftplugin = 1
setlocal comments=:# commentstring=#\\ %s
setlocal expandtab shiftwidth=2 softtabstop=2
setlocal formatoptions-=t formatoptions+=croql
let b:undo_ftplugin = "setlocal comments< commentstring< formatoptions<"
let b:undo_ftplugin .= " expandtab< shiftwidth< softtabstop<"
if executable("archc")
  setlocal formatprg=archc\\ fmt\\ -
  setlocal makeprg=archc\\ check\\ --format\\ concise\\ %:S errorformat=%f:%l:%c:\\ %m
  let b:undo_ftplugin .= " | setlocal formatprg< makeprg< errorformat<"
endif
"""
NEOVIM = """\
-- For Neovim 0.11 and later, which finds this file by itself: vim.lsp.enable("archc")
return { cmd = { "archc", "lsp" }, filetypes = { "arch" }, root_markers = { ".git" } }
"""


def syntax() -> str:
    """Return the file `syntax/arch.vim`."""
    lines = [line for context in CONTEXTS for line in _context(context)]
    return _SYNTAX_HEAD + "\n".join([*lines, "", *_links(), 'let b:current_syntax = "arch"', ""])


def _context(context: str) -> Iterator[str]:
    """The rules of a context, the first last: of those that fit, Vim takes the last."""
    for rule in reversed(CONTEXTS[context]):
        if not rule.closes:
            yield from (line for at in range(len(rule.parts)) if (line := _part(rule, at, context)))


def _part(rule: Rule, at: int, context: str) -> str:
    """A part as a match; what stands before it and behind it is looked at, but not taken.

    The last part of a rule that opens a context is the beginning of a region.
    """
    kind, pattern = rule.parts[at]
    if not kind:
        return ""
    before = "".join(translated(text) for _, text in rule.parts[:at])
    after = "".join(translated(text) for _, text in rule.parts[at + 1 :])
    start, end = ("<", ">") if rule.whole else ("", "")
    behind = f"%({start}{before})@60<=" if before else _before(rule)
    ahead = f"%({after}{translated(rule.follows)})@=" if after or rule.follows else ""
    found = f"`\\v{behind}{start}{translated(pattern)}{end}{ahead}`"
    contained = "" if context == STATEMENTS else " contained"
    if not rule.opens or after:
        return f"syntax match {group(kind, context)} {found}{contained}"
    (close,) = (other for other in CONTEXTS[rule.opens] if other.closes)
    return (
        f"syntax region {_PREFIX[context]}{rule.opens.capitalize()}{contained} "
        f"matchgroup={group(kind, context)} start={found} "
        f"end=`\\v{translated(close.parts[0][1])}` end=`\\v^%({translated(ITEM_LINE)})@=` "
        f"contains=@{_PREFIX[rule.opens]}"
    )


def _before(rule: Rule) -> str:
    return _BEGINNING if rule.begins else "[A-Za-z0-9_}.-]@1<=" if rule.touching else ""


def group(kind: str, context: str) -> str:
    """`operator conv` in a section: archSectionOperatorConv."""
    return _PREFIX[context] + "".join(word.capitalize() for word in kind.split())


def _links() -> Iterator[str]:
    """What is in each context, and the colours: each group's goes by its kind alone."""
    for context, rules in CONTEXTS.items():
        kinds = dict.fromkeys(kind for rule in rules for kind, _ in rule.parts if kind)
        named = [group(kind, context) for kind in kinds]
        if context != STATEMENTS:
            inside = ",".join([*named, *_inner(context)])
            yield f"syntax cluster {_PREFIX[context]} contains={inside}"
        for kind, name in zip(kinds, named, strict=True):
            if colour := _LINKS[kind.partition(" ")[0]]:
                yield f"highlight default link {name} {colour}"


def _inner(context: str) -> list[str]:
    opened = (rule.opens for rule in CONTEXTS[context] if rule.opens)
    return [f"{_PREFIX[context]}{name.capitalize()}" for name in opened]


def translated(pattern: str) -> str:
    r"""Return a pattern in Vim's own language, as it is behind `\v`."""
    made = []
    for kind, text in pieces(pattern):
        match kind:
            case "open":
                made.append("%(")
            case "literal":
                literal = {"\t": "\\t", "\n": "\\n"}.get(text, text)
                made.append(f"\\{text}" if text in _SPECIAL else literal)
            case _:
                made.append(text)
    return "".join(made)
