"""What a drawing can be asked for by name: one source for the functions and for the flags.

It imports nothing: `archc --help` reads it.
"""

from __future__ import annotations

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
