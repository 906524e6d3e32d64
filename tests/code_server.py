"""VS Code itself as a page: code-server with the extension, and the Chromium that shows it."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from browser import Browser

ROOT = Path(__file__).parents[1]
SERVER = (
    ROOT / "build" / "code-server" / "node_modules" / "code-server" / "out" / "node" / "entry.js"
)
FAILED = ROOT / "build" / "vscode-test.png"
VSIX = ROOT / "editors" / "vscode" / "archc.vsix"

CTRL, SHIFT, ALT = "\ue009", "\ue008", "\ue00a"
ENTER, ESCAPE, HOME, END, F1, F2, F12 = (
    "\ue007",
    "\ue00c",
    "\ue011",
    "\ue010",
    "\ue031",
    "\ue032",
    "\ue03c",
)

_SETTINGS = {
    "security.workspace.trust.enabled": False,
    "workbench.startupEditor": "none",
    "workbench.tips.enabled": False,
    "workbench.welcomePage.walkthroughs.openOnInstall": False,
    "chat.commandCenter.enabled": False,
    "editor.minimap.enabled": False,
    "editor.accessibilitySupport": "off",
    "files.autoSave": "off",
    "telemetry.telemetryLevel": "off",
}
_NO_GALLERY = json.dumps({"serviceUrl": "http://127.0.0.1:9", "itemUrl": "http://127.0.0.1:9"})


class CodeServer:
    """A context manager: VS Code with the extension, over a folder of its own.

    `path` is where it looks for programs, `settings` are the user's.
    """

    def __init__(self, home: Path, path: str, settings: dict[str, Any] | None = None) -> None:
        user = home / "data" / "User"
        user.mkdir(parents=True)
        text = json.dumps({**_SETTINGS, **(settings or {})})
        (user / "settings.json").write_text(text, encoding="utf-8")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        gone = ("VSCODE_", "PYTHONPATH", "VIRTUAL_ENV")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(gone)}
        self.env = {**kept, "HOME": str(home), "PATH": path, "EXTENSIONS_GALLERY": _NO_GALLERY}
        self.env["VSCODE_CLI"] = "1"  # the PATH is this one, not that of a login shell
        folders = f"--user-data-dir={home / 'data'}", f"--extensions-dir={home / 'extensions'}"
        node = shutil.which("node") or "node"
        self.command = [node, str(SERVER), *folders]
        self._run("--install-extension", str(VSIX))

    def _run(self, *arguments: str) -> None:
        done = subprocess.run(
            [*self.command, *arguments], env=self.env, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def __enter__(self) -> CodeServer:
        quiet = "--auth=none --disable-telemetry --disable-update-check"
        bind = f"--bind-addr=127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [*self.command, *quiet.split(), bind],
            env=self.env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        until("code-server answers", self._answers)
        return self

    def _answers(self) -> bool:
        with socket.socket() as tried:
            return tried.connect_ex(("127.0.0.1", self.port)) == 0

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.killpg(self.process.pid, signal.SIGTERM)  # and what it has started
        self.process.wait(30)

    def address(self, file: Path) -> str:
        """Return where a file is open, in its folder."""
        remote = f"vscode-remote://127.0.0.1:{self.port}{file}"
        return (
            f"http://127.0.0.1:{self.port}/?folder={file.parent}"
            f"&payload={json.dumps([['openFile', remote]], separators=(',', ':'))}"
        ).replace('"', "%22")


class Window:
    """What a person sees of VS Code, and does."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser

    # --- eyes

    def until(self, what: str, seen: Callable[[], Any]) -> Any:
        """Wait until something is seen, and return it; else leave a picture of what is."""
        try:
            return until(what, seen)
        except AssertionError as error:
            shot = self.browser.command("Page.captureScreenshot", format="png")["data"]
            FAILED.write_bytes(base64.b64decode(shot))
            raise AssertionError(f"{error}: {FAILED}") from None

    def texts(self, selector: str) -> list[str]:
        """Return what elements say, those that are seen."""
        found: list[str] = self.browser.run(
            f"return [...document.querySelectorAll({json.dumps(selector)})]"
            ".filter(e => e.checkVisibility()).map(e => e.textContent.replace(/\\s/g, ' '))"
        )
        return found

    def sees(self, selector: str, text: str = "") -> str:
        """Wait until an element says something; return all that it says."""
        what = f"{selector} says {text!r}"
        found: list[str] = self.until(what, lambda: [t for t in self.texts(selector) if text in t])
        return found[0]

    def lines(self, group: int = 1) -> list[str]:
        """Return the lines that are seen in an editor group, hints among them, from the top."""
        return list(
            self.browser.run(
                f"const e = document.querySelectorAll('.editor-group-container')[{group - 1}];"
                "if (!e) return [];"
                "return [...e.querySelectorAll('.monaco-editor .view-line')]"
                ".sort((a, b) => parseFloat(a.style.top) - parseFloat(b.style.top))"
                ".map(l => l.textContent.replace(/\\s/g, ' '))"
            )
        )

    def reads(self, text: str, group: int = 1) -> str:
        """Wait until a line in an editor group has a text; return the line."""
        what = f"a line of group {group} with {text!r}"
        found: list[str] = self.until(what, lambda: [x for x in self.lines(group) if text in x])
        return found[0]

    def types_into(self, selector: str) -> None:
        """Wait until what is typed goes into an element."""
        focused = f"document.activeElement.closest({json.dumps(selector)}) !== null"
        self.until(f"{selector} has the focus", lambda: self.browser.value(focused))

    def diagram(self, script: str) -> Any:
        """What a script is worth inside the panel of the diagram; None where there is none."""
        return self.browser.run(
            "const outer = document.querySelector('iframe.webview')?.contentDocument;"
            "const document_ = outer?.querySelector('iframe#active-frame')?.contentDocument;"
            f"if (!document_) return null; return (document => {{ {script} }})(document_)"
        )

    # --- hands

    def focus_text(self) -> None:
        """Give the text the focus."""
        self.chord(CTRL, "1")
        self.types_into(".editor-group-container .monaco-editor")

    def press_line(self, text: str, group: int = 1) -> None:
        """Click on a line that is seen."""
        self.browser.run(
            f"const e = document.querySelectorAll('.editor-group-container')[{group - 1}];"
            "const l = [...e.querySelectorAll('.view-line')]"
            f".find(l => l.textContent.replace(/\\s/g, ' ').includes({json.dumps(text)}));"
            "document.querySelector('#pressed')?.removeAttribute('id');"
            "l.firstElementChild.id = 'pressed'"
        )
        self.browser.click("#pressed")

    def keys(self, keys: str) -> None:
        self.browser.press(keys)

    def chord(self, *keys: str) -> None:
        """Keys held down together."""
        self.browser.chord(keys)

    def do(self, command: str) -> None:
        """Run a command of the palette."""
        self.keys(F1)
        self.types_into(".quick-input-widget")
        self.keys(command)
        self.sees(".quick-input-list .monaco-list-row.focused", command)
        self.keys(ENTER)

    def go(self, line: int, column: int = 1) -> None:
        """Put the cursor somewhere in the editor that has the focus."""
        self.chord(CTRL, "g")
        self.types_into(".quick-input-widget")
        self.keys(f"{line}:{column}{ENTER}")
        self.sees("#status\\.editor\\.selection", f"Ln {line}, Col {column}")


def until(what: str, seen: Callable[[], Any], seconds: float = 30) -> Any:
    """Wait until something is seen, and return it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = seen()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"not seen: {what}")
