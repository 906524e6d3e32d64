"""A headless Chromium, driven over WebDriver's own protocol: it needs chromedriver alone."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Sequence
from types import TracebackType
from typing import Any

_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the key that the protocol gives elements
# It runs as root in CI, and has nobody to talk to but the test.
_FLAGS = (
    "--headless=new --no-sandbox --disable-dev-shm-usage --disable-gpu --no-first-run "
    "--disable-sync --disable-quic --disable-background-networking --disable-component-update"
)


def missing() -> str:
    """What a test needs and does not find: `chromium, chromedriver`."""
    return ", ".join(name for name in ("chromium", "chromedriver") if not shutil.which(name))


class Browser:
    """One window. A context manager: it ends what it started."""

    def __init__(self, width: int = 1280, height: int = 1000, *flags: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.process = subprocess.Popen(
            ["chromedriver", f"--port={port}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.root = f"http://127.0.0.1:{port}"
        self._wait_for_driver()
        options = {
            "binary": shutil.which("chromium"),
            "args": [*_FLAGS.split(), *flags, f"--window-size={width},{height}"],
        }
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        session = self._call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self.root += f"/session/{session['sessionId']}"

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._call("DELETE", "")
        finally:
            self.process.terminate()
            self.process.wait(10)

    # --- the protocol ---------------------------------------------------------------------

    def _wait_for_driver(self) -> None:
        for _ in range(100):
            try:
                self._call("GET", "/status")
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError("chromedriver did not start")

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        data = json.dumps(body or {}).encode() if method == "POST" else None
        request = urllib.request.Request(self.root + path, data, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(json.load(error)["value"]["message"]) from None

    # --- the page -------------------------------------------------------------------------

    def open(self, address: str) -> None:
        self._call("POST", "/url", {"url": address})

    def reload(self) -> None:
        self._call("POST", "/refresh")

    def value(self, expression: str) -> Any:
        """What a JavaScript expression is worth."""
        return self.run(f"return {expression}")

    def run(self, script: str) -> Any:
        return self._call("POST", "/execute/sync", {"script": script, "args": []})

    def errors(self) -> list[str]:
        """What the console says, since the last call."""
        found = self._call("POST", "/se/log", {"type": "browser"})
        return [entry["message"] for entry in found]

    def download_to(self, folder: str) -> None:
        behaviour = {"behavior": "allow", "downloadPath": folder}
        self.command("Browser.setDownloadBehavior", **behaviour)

    def command(self, name: str, **parameters: Any) -> Any:
        """What a command of Chromium's own protocol answers."""
        return self._call("POST", "/goog/cdp/execute", {"cmd": name, "params": parameters})

    # --- hands ----------------------------------------------------------------------------

    def click(self, selector: str) -> None:
        press, release = ({"type": kind, "button": 0} for kind in ("pointerDown", "pointerUp"))
        self._act(_mouse(self._move(selector), press, release))

    def press(self, keys: str) -> None:
        steps = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self._act({"type": "key", "id": "keys", "actions": steps})

    def chord(self, keys: Sequence[str]) -> None:
        """Press keys together, and let them go from the last."""
        steps = [{"type": "keyDown", "value": key} for key in keys]
        steps += [{"type": "keyUp", "value": key} for key in reversed(keys)]
        self._act({"type": "key", "id": "keys", "actions": steps})

    def point_at(self, selector: str) -> None:
        self._act(_mouse(self._move(selector)))

    def drag(self, selector: str, right: int, down: int) -> None:
        """From the middle of an element."""
        press, release = ({"type": kind, "button": 0} for kind in ("pointerDown", "pointerUp"))
        by = {"type": "pointerMove", "origin": "pointer", "x": right, "y": down, "duration": 50}
        self._act(_mouse(self._move(selector), press, by, release))

    def wheel(self, selector: str, down: int) -> None:
        turn = {"type": "scroll", "x": 0, "y": 0, "deltaX": 0, "deltaY": down}
        turn["origin"] = {_ELEMENT: self._find(selector)}
        self._act({"type": "wheel", "id": "wheel", "actions": [turn]})

    def _find(self, selector: str) -> str:
        found = self._call("POST", "/element", {"using": "css selector", "value": selector})
        return str(found[_ELEMENT])

    def _move(self, selector: str) -> dict[str, Any]:
        origin = {_ELEMENT: self._find(selector)}
        return {"type": "pointerMove", "origin": origin, "x": 0, "y": 0}

    def _act(self, *actions: dict[str, Any]) -> None:
        self._call("POST", "/actions", {"actions": actions})


def _mouse(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"type": "pointer", "id": "mouse", "actions": list(steps)}
