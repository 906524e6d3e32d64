"""What a drawing can be asked for by name: one source for the functions and for the flags.

It imports nothing of archc: `archc --help` reads it.
"""

from __future__ import annotations

from collections.abc import Mapping

VIEWS = ("engineer", "paper", "graph", "volumes")
ROWS = (
    "paper",
    "volumes",
)  # views of rows: depth, columns, direction and parts do not go with them
FORMATS = ("svg", "png", "pdf", "dot", "html", "mermaid", "tikz", "drawio")
DIRECTIONS = ("down", "right")  # in which a drawing goes on
THEMES = ("light", "dark")
HIDEABLE = ("title", "legend", "costs")  # what can be left out
SHEETS = {"a4": (595, 842), "letter": (612, 792), "slide": (960, 540)}  # points


def fits_view(view: str, how: Mapping[str, object]) -> bool:
    """Whether a view takes how it is to be drawn: `depth`, `columns` and the like by name.

    Rows have no boxes to close, and go their own way.
    """
    asked = any(how[name] for name in ("expand", "columns", "only"))
    asked = asked or how["depth"] is not None or how["direction"] != "down"
    return view not in ROWS or not asked


def misfit(format: str, how: Mapping[str, object]) -> str:
    """Tell what a format does not show of how it is to be drawn; empty where it shows all.

    `how` has `view`, `columns` and the like by name, as far as they are given, and `paper`.
    """
    if format in ("svg", "png", "pdf", "dot"):
        return ""
    if format == "html" and how.get("direction", "down") != "down":
        return "a page goes down; direction is for pictures"
    if format in ("html", "mermaid") and how.get("columns"):
        return f"a drawing as {format} has one column"
    if format != "html" and how.get("theme", "light") != "light":
        return f"a drawing as {format} has light colours alone; theme is for pictures and pages"
    if how.get("paper"):
        return f"a drawing as {format} has no pages; paper is for svg, png, pdf"
    if (view := how.get("view")) in ROWS:
        return f"the view {view} is no {format}; take the view engineer or graph"
    return ""
