"""`python -m archc.highlight [FOLDER]` writes the files for editors, into `editors/` by default."""

from __future__ import annotations

import sys
from pathlib import Path

from archc.highlight.files import editor_files


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "editors")
    for name, text in editor_files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
        print(path)


if __name__ == "__main__":
    main()
