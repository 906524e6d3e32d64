"""Pictures of VS Code: docs/images/vscode_light.png and vscode_dark.png.

    python docs/vscode_screenshots.py

Needs what `make vscode-test` makes: code-server, and the extension.
"""

from __future__ import annotations

import base64
import io
import os
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent / "tests"))

from browser import Browser  # noqa: E402
from code_server import CodeServer, Window  # noqa: E402

WIDTH, HEIGHT = 1360, 760
NETWORK = """\
# ResNet-18, for ImageNet: He, Zhang, Ren and Sun, 2015.

network ResNet18
param num_classes = 1000
input 224x224 x3

# Two 3x3 convolutions, and a projection where the shape changes.
block basic(width, stride=1) {
  residual<
    conv 3x3/(stride) p1 x(width) nobias; bn; relu
    conv 3x3 p1 x(width) nobias; bn
  | if stride > 1 { conv 1x1/(stride) x(width) nobias; bn }
  >
  relu
}

conv 7x7/2 p3 x64 nobias; bn; relu
pool 3x3/2 p1
layer1: basic(64) * 2
layer2: { basic(128, stride=2); basic(128) }
layer3: { basic(256, stride=2); basic(256) }
layer4: { basic(512, stride=2); basic(512) }
gap; flatten
fc (num_classes)

train {
  optimizer sgd lr=0.1 momentum=0.9 weight_decay=1e-4
  batch 256; epochs 90
  schedule cosine
  augment flip crop resize=[256, 480]
}
"""
STEM = 17  # its line
SETTINGS = {
    "archc.gpu": "RTX 3090",
    "archc.amp": True,
    "workbench.activityBar.location": "hidden",
    "workbench.layoutControl.enabled": False,
    "window.commandCenter": False,
    "breadcrumbs.enabled": False,
    "editor.stickyScroll.enabled": False,
    "editor.occurrencesHighlight": "off",
}


def main() -> None:
    for scheme in ("light", "dark"):
        theme = {"workbench.colorTheme": f"Default {scheme.title()} Modern"}
        with (
            tempfile.TemporaryDirectory() as home,
            CodeServer(Path(home), os.environ["PATH"], {**SETTINGS, **theme}) as server,
            Browser(WIDTH, HEIGHT) as browser,
        ):
            file = Path(home, "work", "resnet18.arch")
            file.parent.mkdir()
            file.write_text(NETWORK, encoding="utf-8")
            size = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
            browser.command("Emulation.setDeviceMetricsOverride", **size)
            browser.open(server.address(file))
            _arrange(Window(browser), scheme)
            shot = browser.command("Page.captureScreenshot", format="png")["data"]
            save(base64.b64decode(shot), DOCS / "images" / f"vscode_{scheme}.png")


def _arrange(window: Window, scheme: str) -> None:
    """The diagram beside the text; in the dark its PyTorch, and what hover says."""
    window.sees(".codelens-decoration", "RTX 3090")
    window.focus_text()
    window.do("View: Toggle Primary Side Bar Visibility")
    window.focus_text()
    if scheme == "light":
        window.do("archc: Show the diagram")
        drawn = "return document.querySelectorAll('.node').length > 15"
        window.until("the diagram", lambda: window.diagram(drawn))
        window.press_line("layer1: basic")
    else:
        window.do("archc: Show the generated PyTorch")
        window.reads("class Basic", group=2)
        window.go(STEM, 3)
        window.reads("self.conv1 = nn.Conv2d(3, 64", group=2)
        window.do("Show or Focus Hover")
        window.sees(".monaco-hover", "224x224 x3")
    time.sleep(3)


def save(png: bytes, path: Path) -> None:
    """In 256 colours, which nobody sees and which makes a third of it."""
    Image.open(io.BytesIO(png)).convert("RGB").quantize(256).save(path, optimize=True)


if __name__ == "__main__":
    main()
