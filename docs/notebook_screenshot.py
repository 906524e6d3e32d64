"""A picture of docs/notebook.ipynb as Jupyter shows it: docs/images/notebook.png.

    pip install nbconvert
    python docs/notebook_screenshot.py

Needs chromium and chromedriver.
"""

from __future__ import annotations

import base64
import subprocess
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent / "tests"))

from browser import Browser  # noqa: E402
from vscode_screenshots import save  # noqa: E402

WIDTH, HEIGHT = 1000, 920  # down to the end of the drawing


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        convert = [sys.executable, "-m", "nbconvert", "--to", "html", "--log-level", "ERROR"]
        notebook = str(DOCS / "notebook.ipynb")
        subprocess.run([*convert, notebook, "--output-dir", folder], check=True)
        alone = "--host-resolver-rules=MAP * ~NOTFOUND"  # it asks for MathJax
        with Browser(WIDTH, HEIGHT, alone) as browser:
            size = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
            browser.command("Emulation.setDeviceMetricsOverride", **size)
            browser.open(f"file://{folder}/notebook.html")
            browser.run("document.body.style.overflow = 'hidden'")  # no scroll bar
            shot = browser.command("Page.captureScreenshot", format="png")["data"]
            save(base64.b64decode(shot), DOCS / "images" / "notebook.png")


if __name__ == "__main__":
    main()
