"""Stores the parse table in what is built: `archc build` then starts without grammar analysis.

The table fits the Python and the lark of the build; with others archc analyses the grammar.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class TableHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs before a wheel is built, an editable one too."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        sys.path.insert(0, str(Path(self.root, "dsl")))
        from archc.parser import write_table

        write_table()
        build_data["artifacts"].append("/dsl/archc/arch.table")
