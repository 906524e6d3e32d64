"""Pictures of the page: docs/images/edit_tinynet.png, edit_light.png and edit_dark.png.

    python docs/screenshots.py

Needs chromium, chromedriver and Pillow. The first shows the README's network, and keeps its text in
the file; the others show the one that `archc new` writes.
"""

from __future__ import annotations

import base64
import re
import sys
import tempfile
import time
from io import BytesIO
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

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
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    (tiny,) = re.findall(r"^```arch\n(.*?)^```$", readme, re.DOTALL | re.MULTILINE)
    new = (data.TEMPLATES / "new.arch").read_text(encoding="utf-8")
    with Browser(WIDTH, HEIGHT) as browser:
        _shoot(browser, tiny, "tinynet", height=520, line=8, share=62)
        _shoot(browser, new, "light", line=19)
        torch = "\ue010\ue007nn.Conv2d(16, 16, kernel_size=3, padding=1)"  # a habit, and its cure
        _shoot(browser, new, "dark", line=19, keys=torch)


def _shoot(
    browser: Browser,
    text: str,
    name: str,
    *,
    line: int,
    height: int = HEIGHT,
    share: int = 50,
    keys: str = "",
) -> None:
    """Take a picture of a text, the cursor at a line, where `keys` are typed.

    `share` is how much of the width is the text's, in percent.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "mynet.arch")
        path.write_text(text, encoding="utf-8")
        server = EditServer(EditedFile(path, Limits()), Workbench(Document(text, path)))
        try:
            size = {"width": WIDTH, "height": height, "deviceScaleFactor": 1, "mobile": False}
            browser.command("Emulation.setDeviceMetricsOverride", **size)
            scheme = "dark" if name == "dark" else "light"
            features = [{"name": "prefers-color-scheme", "value": scheme}]
            browser.command("Emulation.setEmulatedMedia", features=features)
            browser.open("about:blank")
            browser.open(server.address)
            while not browser.value("document.documentElement.dataset.ready === '1'"):
                time.sleep(0.1)
            browser.run(f"document.documentElement.style.setProperty('--share', '{share}%')")
            browser.click(f"#editor .cm-line:nth-child({line})")
            if keys:
                browser.press(keys)
            browser.point_at("h1")
            time.sleep(1.5)
            shot = browser.command("Page.captureScreenshot", format="png")["data"]
        finally:
            server.close()
    about = PngInfo()
    about.add_text("archc", text)
    made = Image.open(BytesIO(base64.b64decode(shot)))
    made.save(DOCS / "images" / f"edit_{name}.png", optimize=True, pnginfo=about)


if __name__ == "__main__":
    main()
