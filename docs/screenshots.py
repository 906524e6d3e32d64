"""Pictures of the page: docs/images/edit_light.png and edit_dark.png.

    python docs/screenshots.py

Needs chromium and chromedriver. The network is the one that `archc new` writes.
"""

from __future__ import annotations

import base64
import sys
import tempfile
import time
from pathlib import Path

from archc import data
from archc.cli.commands.edit_server import EditServer
from archc.editor.document import Document
from archc.page.edited_file import EditedFile
from archc.page.workbench import Workbench
from archc.source import Limits

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent / "tests"))

from browser import Browser  # noqa: E402

WIDTH, HEIGHT = 1280, 760


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, Browser(WIDTH, HEIGHT) as browser:
        path = Path(folder, "mynet.arch")
        text = (data.TEMPLATES / "new.arch").read_text(encoding="utf-8")
        path.write_text(text, encoding="utf-8")
        server = EditServer(EditedFile(path, Limits()), Workbench(Document(text, path)))
        try:
            for scheme in ("light", "dark"):
                _shoot(browser, server.address, scheme)
        finally:
            server.close()


def _shoot(browser: Browser, address: str, scheme: str) -> None:
    """One picture; that in the dark has a habit of torch in it, and its cure."""
    size = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
    browser.command("Emulation.setDeviceMetricsOverride", **size)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.command("Emulation.setEmulatedMedia", features=features)
    browser.open("about:blank")
    browser.open(address)
    while not browser.value("document.documentElement.dataset.ready === '1'"):
        time.sleep(0.1)
    browser.click("#editor .cm-line:nth-child(19)")
    if scheme == "dark":
        browser.press("\ue010\ue007nn.Conv2d(16, 16, kernel_size=3, padding=1)")
    browser.point_at("h1")
    time.sleep(1.5)
    shot = browser.command("Page.captureScreenshot", format="png")["data"]
    (DOCS / "images" / f"edit_{scheme}.png").write_bytes(base64.b64decode(shot))


if __name__ == "__main__":
    main()
