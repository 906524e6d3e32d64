"""Makes the playground: a folder of static files that any web server can serve.

python web/playground.py build/playground    # after `npm ci --ignore-scripts` in web/
python -m http.server -d build/playground    # and open its address in a browser

It holds the page of `templates/page`, Pyodide as npm has it, and one archive with archc and what
it imports there, as byte code of that very Python. Nothing is fetched from elsewhere.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from archc import data
from archc.editor.document import Document
from archc.page.workbench import Workbench

WEB = Path(__file__).resolve().parent
PAGE = data.TEMPLATES / "page"
PACKAGES = ("archc", "jinja2", "lark", "markupsafe")  # what an answer imports
UNASKED = (
    "cli comparison export highlight notebook reference runs server verify".split()
)  # of archc
PYODIDE = (
    "pyodide.mjs",
    "pyodide.asm.mjs",
    "pyodide.asm.wasm",
    "pyodide-lock.json",
    "python_stdlib.zip",
)
_DATA = {"grammar": data.GRAMMAR, "templates": data.TEMPLATES, "archs": data.ARCHS}
_UNSERVED = """\
<div id="unserved" role="alert" hidden>
<p>A browser runs this page from a web server only, not from a file. Serve this folder:</p>
<pre>python3 -m http.server</pre>
<p>then open <a href="http://localhost:8000">http://localhost:8000</a></p>
</div>
"""
_UNSERVED_SCRIPT = (
    "if (location.protocol === 'file:') document.getElementById('unserved').hidden = false"
)
_NOTICE = """\
This folder holds archc (MIT License) with its page, and

- Pyodide {pyodide}, unchanged, as the npm package `pyodide` has it: Mozilla Public License 2.0;
  source: <https://github.com/pyodide/pyodide>. In it CPython, PSF License Version 2.
- Lark {lark}: MIT License. Jinja {jinja2}, MarkupSafe {markupsafe}: BSD 3-Clause License. Their
  texts follow those of the page.

"""


def main(out: Path) -> None:
    """Write the folder anew."""
    shutil.rmtree(out, ignore_errors=True)
    (out / "pyodide").mkdir(parents=True)
    html = (PAGE / "edit.html").read_text(encoding="utf-8")
    made = _standing_alone(html)
    (out / "index.html").write_text(made, encoding="utf-8")
    for name in ("edit.js", "edit.css", "layout.js", "viz-global.js"):
        shutil.copy(PAGE / name, out)
    for name in ("worker.js", "python.js"):
        shutil.copy(WEB / "src" / name, out)
    for name in PYODIDE:
        shutil.copy(WEB / "node_modules" / "pyodide" / name, out / "pyodide")
    (out / "bundled.json").write_text(json.dumps(_bundled()), encoding="utf-8")
    (out / "NOTICE.md").write_text(_notice(), encoding="utf-8")
    _archive(out / "sources.zip")
    sources, compiled = (str(out.resolve() / name) for name in ("sources.zip", "archc.zip"))
    subprocess.run(["node", "compile.mjs", sources, compiled], cwd=WEB, check=True)
    Path(sources).unlink()


def _standing_alone(html: str) -> str:
    """The page that no archc serves; opened as a file, where no module is loaded, it says so."""
    digest = base64.b64encode(hashlib.sha256(_UNSERVED_SCRIPT.encode()).digest()).decode()
    for old, new in (
        ('data-served="yes"', 'data-served="no"'),
        ("script-src 'self'", f"script-src 'self' 'sha256-{digest}'"),
        ("<main>", f"{_UNSERVED}<script>{_UNSERVED_SCRIPT}</script>\n<main>"),
    ):
        assert html.count(old) == 1, old
        html = html.replace(old, new)
    return html


def _bundled() -> dict[str, object]:
    """What the page shows before Python runs: the texts of all networks, and one to begin with."""
    bench = Workbench(Document("", data.ARCHS / "playground.arch"))
    families = bench.ask("examples", "")["families"]
    names = [name for family in families for name in family["names"]]
    texts = {name: bench.ask("example", "", name=name)["text"] for name in names}
    start = (data.TEMPLATES / "new.arch").read_text(encoding="utf-8")
    return {"start": start, "families": families, "texts": texts}


def _archive(path: Path) -> None:
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for name, file in sorted(_files()):
            archive.writestr(ZipInfo(name), file.read_bytes(), ZIP_DEFLATED)


def _files() -> Iterator[tuple[str, Path]]:
    """As a wheel has them; of packages their Python alone, of templates what answers read."""
    for package in PACKAGES:
        spec = importlib.util.find_spec(package)
        assert spec is not None
        assert spec.origin is not None
        folder = Path(spec.origin).parent
        for file in folder.rglob("*"):
            inside = file.relative_to(folder)
            unasked = inside.parts[0].removesuffix(".py") in (*UNASKED, "__pyinstaller")
            if file.suffix in (".py", ".lark", ".json") and not unasked:
                yield f"{package}/{inside.as_posix()}", file
    for name, folder in _DATA.items():
        for file in folder.rglob("*"):
            inside = file.relative_to(folder)
            unasked = inside.parts[0] in ("page", "fonts") or "__pycache__" in inside.parts
            if file.is_file() and not unasked:
                yield f"archc/{name}/{inside.as_posix()}", file
    yield "archc/docs/errors.md", data.ERRORS


def _notice() -> str:
    lock = json.loads((WEB / "package-lock.json").read_text(encoding="utf-8"))
    versions = {name: metadata.version(name) for name in ("jinja2", "lark", "markupsafe")}
    versions["pyodide"] = lock["packages"]["node_modules/pyodide"]["version"]
    texts = [_NOTICE.format(**versions), (PAGE / "NOTICE.md").read_text(encoding="utf-8")]
    for name in ("lark", "jinja2", "markupsafe"):
        files = metadata.files(name) or []
        licences = [file for file in files if file.name.upper().startswith("LICENSE")]
        texts += [f"\n## {name}\n\n{file.read_text(encoding='utf-8')}" for file in licences]
    return "".join(texts)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
