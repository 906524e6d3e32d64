"""Runs docs/notebook.ipynb and keeps what its cells show.

    python docs/run_notebook.py

`make notebook` runs it, after a cell was edited; a test holds what is shown against a run of now.
"""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).with_name("notebook.ipynb")


def executed(path: Path = NOTEBOOK) -> nbformat.NotebookNode:
    """Return the notebook, run anew; without what hangs on the machine.

    Raises nbclient's CellExecutionError for a cell that fails and has no tag to say that it does.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=120, kernel_name="python3", record_timing=False)
    client.execute(cwd=str(path.parent))
    python = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata = {"kernelspec": python, "language_info": {"name": "python"}}
    return notebook


def main() -> None:
    nbformat.write(executed(), NOTEBOOK)


if __name__ == "__main__":
    main()
