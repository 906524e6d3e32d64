"""What a drawing can be asked for by name: one source for the functions and for the flags.

It imports nothing of archc: `archc --help` reads it.
"""

from __future__ import annotations

from collections.abc import Mapping

VIEWS = ("engineer", "paper", "graph", "volumes")
ROWS = ("paper", "volumes")  # views of rows
FORMATS = ("svg", "png", "pdf", "dot", "html", "mermaid", "tikz", "drawio")
_NOT_ON_SHEETS = ("html", "mermaid", "tikz", "drawio")
DIRECTIONS = ("down", "right")  # in which a drawing goes on
THEMES = ("light", "dark")
HIDEABLE = ("title", "legend", "costs")  # what can be left out
SHEETS = {"a4": (595, 842), "letter": (612, 792), "slide": (960, 540)}  # points
_KNOWN = {
    "view": VIEWS,
    "theme": THEMES,
    "direction": DIRECTIONS,
    "hidden": HIDEABLE,
    "format": FORMATS,
    "paper": tuple(SHEETS),
}


def unknown(how: Mapping[str, object]) -> str:
    """Return which name in how a drawing is asked for there is not; "" where there are all.

    `how` has some fields of `DrawStyle` by name, and maybe the `format` and the `paper`.
    """
    for field in filter(how.__contains__, _KNOWN):
        given = how[field]
        for value in sorted(given) if isinstance(given, frozenset) else [given]:
            if value not in _KNOWN[field]:
                return f"{value!r} is none of {', '.join(_KNOWN[field])}"
    return ""


def misfit(how: Mapping[str, object], flag: str = "") -> str:
    """Return what does not go together in how a drawing is asked for; "" where all does.

    `how` has the fields of `DrawStyle` by name, and maybe the `format` and the `paper`; what to
    write otherwise is named with `flag` before it. Rows have no boxes to close, and go their own
    way; so do a page and a chart.
    """
    view, format = how["view"], how.get("format")
    is_down, is_no_sheet = how["direction"] == "down", format in _NOT_ON_SHEETS
    asked = how["expand"] or how["columns"] or how["depth"] is not None
    if view in ROWS and (asked or not is_down):
        own = [f"{flag}{name}" for name in ("depth", "expand", "direction", "columns")]
        return f"{', '.join(own[:-1])} and {own[-1]} go with the views engineer and graph"
    if format == "html" and not is_down:
        return f"a page goes down; {flag}direction is for pictures"
    if format in ("html", "mermaid") and how["columns"]:
        return f"a drawing as {format} has one column"
    if is_no_sheet and format != "html" and how["theme"] != "light":
        return f"a drawing as {format} has light colours alone; {flag}theme is for pictures, pages"
    if is_no_sheet and how.get("paper"):
        return f"a drawing as {format} has no pages; {flag}paper is for svg, png, pdf"
    if is_no_sheet and view in ROWS:
        return f"the view {view} is no {format}; take {flag}view engineer or graph"
    return ""
