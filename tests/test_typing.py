"""What a type checker makes of a script that uses archc: no `Any`, and slips are told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import archc

TOP = Path(__file__).parent.parent
# Every expression has a type: mypy's --disallow-any-expr says where one has none.
SCRIPT = """\
from pathlib import Path
from typing import assert_type

import archc
from archc.comparison import Comparison
from archc.explain import Explanation
from archc.report.summary import Summary

width: archc.Param | None = None
depths: list[archc.Param] = [2, 2]
net = archc.load("resnet18", num_classes=10, depths=depths, norm="bn", deep=True)
assert_type(net, archc.Net)
assert_type(archc.loads("network N", project=Path(), width=0.5), archc.Net)
assert_type(net.name, str)
assert_type(net.params, int)
assert_type(net.macs, int)
assert_type(net.output, tuple[int, ...] | None)
assert_type(net.meta, dict[str, archc.Param])
assert_type(net.diagnostics, tuple[archc.Diagnostic, ...])
assert_type(net.summary(2, batch=8, dtype="fp16", columns=["name", "macs"]), Summary)
assert_type(net.draw("png", view="paper", theme="dark", hidden=["title"]), bytes)
assert_type(net.explain("conv1"), Explanation)
assert_type(net.source(), str)
assert_type(archc.compare([net, "vgg16", Path("a.arch")], params={"width": [1, 2]}), Comparison)
assert_type(archc.compare("vgg16"), Comparison)
found = archc.analyze(archc.Source("a.arch", "network N"), params={"width": 16})
assert_type(found, archc.Analysis)
assert_type(found.meta, dict[str, archc.Param])

archc.load("resnet18", width=object())  # type: ignore[arg-type]
net.summary(bach=8)  # type: ignore[call-arg]
net.draw(vew="paper")  # type: ignore[call-arg]
net.draw(depth="2")  # type: ignore[arg-type]
archc.analyze("network N")  # type: ignore[arg-type]
archc.loads(5)  # type: ignore[arg-type]
"""


def test_a_script_has_types(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--disallow-any-expr", str(script),
         f"--cache-dir={tmp_path}",
         f"--config-file={TOP / 'pyproject.toml'}", "--follow-imports=silent"],
        capture_output=True, text=True, check=False, cwd=TOP,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    annotations = {"archc": archc, "wide": 2}
    exec("width: archc.Param | None = wide", annotations)  # read at run time, too
