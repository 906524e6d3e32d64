"""What is shipped, and what the README promises about installing it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import urllib.request
import venv
from collections.abc import Callable
from email.parser import HeaderParser
from pathlib import Path
from zipfile import ZipFile

import pytest

import archc
from archc import api
from archc.cli import main
from archc.files import stamp
from archc.report import diagnostics
from archc.source import Source

ROOT = Path(__file__).parents[1]
DATA = {"grammar": "grammar", "templates": "templates", "archs": "archs"}  # folder: in archc/
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (path,) = folder.glob("*.whl")
    return path


def contents(wheel: Path) -> set[str]:
    with ZipFile(wheel) as file:
        return set(file.namelist())


def shipped() -> set[str]:
    """Every file of the package and its data, as the wheel should name it."""
    folders = {"dsl/archc": "archc"} | {name: f"archc/{inside}" for name, inside in DATA.items()}
    names = {"archc/docs/errors.md"}
    for folder, inside in folders.items():
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                names.add(f"{inside}/{path.relative_to(ROOT / folder).as_posix()}")
    return names


def test_the_wheel_holds_the_package_and_its_data_and_nothing_else(wheel: Path) -> None:
    names = {name for name in contents(wheel) if ".dist-info/" not in name}
    assert names == shipped()
    assert {"archc/py.typed", "archc/grammar/arch.table", "archc/archs/resnet50.arch"} <= names


def test_the_metadata(wheel: Path) -> None:
    with ZipFile(wheel) as file:
        (info,) = {name.partition("/")[0] for name in file.namelist() if ".dist-info/" in name}
        meta = HeaderParser().parsestr(file.read(f"{info}/METADATA").decode())
        entry = file.read(f"{info}/entry_points.txt").decode()
        assert f"{info}/licenses/LICENSE" in file.namelist()
    assert (meta["Name"], meta["Version"]) == ("archc-lang", archc.__version__)
    assert "archc = archc.__main__:main" in entry
    assert "[pygments.lexers]\narch = archc.highlight.pygments_lexer:ArchLexer" in entry
    needs = meta.get_all("Requires-Dist") or []
    always = {re.split(r"[^\w-]", need)[0] for need in needs if "extra ==" not in need}
    assert always == {"graphviz-pure", "jinja2", "lark", "networkx", "pygls", "rich"}
    assert not [need for need in needs if "==" in need.partition(";")[0]], "ranges, not pins"


def asked_for() -> set[str]:
    """The packages that pyproject.toml names, in extras too."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    return {
        re.split(r"[^\w-]", need)[0].lower()
        for need in (
            *project["dependencies"],
            *(need for extra in extras.values() for need in extra),
        )
    } - {project["name"]}


def test_ci_pins_what_the_project_asks_for() -> None:
    lines = (ROOT / ".ci" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {line.partition("==")[0] for line in lines if line and not line.startswith("#")}
    assert pinned == asked_for()


# --- hints of what is to be installed ----------------------------------------------------


def test_no_text_installs_archc_from_the_index() -> None:
    """It is not there: hints name packages that are, or a clone."""
    folders = ("dsl", "docs", "editors", "templates", "web", "benchmarks", ".github")
    texts = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
    for folder in folders:
        texts += [
            path
            for path in (ROOT / folder).rglob("*")
            if path.suffix in (".py", ".md", ".js", ".mjs", ".json", ".ipynb", ".yml", ".html")
            and "node_modules" not in path.parts
        ]
    assert len(texts) > 500
    named = [
        str(path.relative_to(ROOT))
        for path in texts
        if path.is_file() and "archc-lang" in path.read_text(encoding="utf-8")
    ]
    assert named == []


@pytest.mark.parametrize(
    ("absent", "action"),
    [
        ("torch", lambda: archc.load("lenet5").module()),
        ("pandas", lambda: archc.load("lenet5").summary().frame()),
        ("pandas", lambda: archc.compare(["lenet5"]).frame()),
        ("matplotlib", lambda: archc.compare(["resnet18"]).plot()),
    ],
)
def test_a_hint_installs_what_is_missing(
    absent: str, action: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, absent, None)
    with pytest.raises(ImportError, match=rf"needs {absent}: `pip install {absent}`") as caught:
        action()
    assert caught.value.name == absent
    assert absent in asked_for()


@pytest.mark.parametrize(
    ("absent", "words"),
    [
        ("torch", "verify lenet5"),
        ("torch", "compare lenet5 --time"),
        ("torch", "export lenet5 --to pt2"),
        ("onnxscript", "export lenet5 --to onnx"),
        ("matplotlib", "compare resnet18 --plot x.svg"),
        ("matplotlib", "runs . --plot x.svg"),
        ("reportlab", "draw lenet5 -o x.pdf --engine graphviz-pure"),
    ],
)
def test_a_command_says_what_it_lacks(
    absent: str, words: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, absent, None)
    # What has imported it before would still have it.
    cached = (f"{absent}.", "svglib", "archc.draw.pdf_pages")
    for name in [name for name in sys.modules if name.startswith(cached)]:
        monkeypatch.delitem(sys.modules, name)
    assert main(words.split()) in (1, 2)
    (line,) = capsys.readouterr().err.splitlines()
    command = re.search(r"`pip install ([\w -]+)`", line)
    assert command is not None
    assert {absent} <= set(command[1].split()) <= asked_for()
    assert not list(tmp_path.iterdir())


# --- README.md ---------------------------------------------------------------------------


def test_ci_runs_the_readmes_test_command() -> None:
    marked = re.search(r"<!-- test command -->\n```sh\n(.*)\n```\n", README)
    assert marked, "README.md marks one command line as its test command"
    command = marked[1]
    assert ".venv/bin/pytest" in command
    # The very lines of .ci/run that find it.
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    (find,) = re.findall(r"^test_command=\$\((.*)\)$", script, re.MULTILINE)
    done = subprocess.run(
        ["bash", "-c", find], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == command
    assert 'bash -c "$test_command"' in script


def blocks(language: str) -> list[str]:
    """The README's code blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def test_the_readmes_network_becomes_the_readmes_source() -> None:
    (network,), (source,) = blocks("arch"), blocks("python")
    assert network.count("\n") == 10, "the language in ten lines"
    analysis = api.analyze(Source("tiny.arch", network))
    assert analysis.diagnostics == ()
    assert source in analysis.emit()


def test_the_readmes_picture_is_of_the_readmes_network() -> None:
    image = pytest.importorskip("PIL.Image")
    (network,) = blocks("arch")
    shown = re.findall(r'src="([^"]+)"', README)
    assert shown == ["docs/images/edit_tinynet.png"], "one picture"
    assert image.open(ROOT / shown[0]).text["archc"] == network, "python docs/screenshots.py"


def test_the_sites_picture_is_of_the_readmes_network() -> None:
    picture = (ROOT / "docs" / "tinynet.svg").read_text(encoding="utf-8")
    (network,) = blocks("arch")
    of_source = stamp("", network, ".svg").split("·")[1][: len(" sha256:") + 6]
    assert of_source in picture, "make picture"


def test_the_readmes_mistake_gives_the_readmes_message() -> None:
    (network,), (message,) = blocks("arch broken"), blocks("text")
    analysis = api.analyze(Source("tiny.arch", network))
    assert diagnostics.text(analysis.diagnostics) == message


def test_the_readmes_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)|src=\"([^\"]+)\"", README):
        path = next(filter(None, target))
        assert (ROOT / path).exists(), path


@pytest.mark.slow
def test_a_fresh_install_builds_and_draws(wheel: Path, tmp_path: Path) -> None:
    """In an empty environment, an empty home, and with no `dot` on the PATH."""
    venv.create(tmp_path / "venv", with_pip=True)
    binaries = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin")
    home = tmp_path / "home"
    home.mkdir()
    env = {key: value for key, value in os.environ.items() if key.startswith("PIP_")}
    env |= {"HOME": str(home), "PATH": str(tmp_path)}

    def call(program: str, *arguments: str) -> str:
        return subprocess.run(
            [binaries / program, *arguments],
            cwd=home,
            env=env,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout

    call("python", "-m", "pip", "install", "--quiet", str(wheel))
    assert "torch" not in call("python", "-m", "pip", "list")
    assert call("archc", "--version") == f"archc {archc.__version__}\n"
    call("archc", "build", "resnet50")
    compile((home / "resnet50.py").read_text(encoding="utf-8"), "resnet50.py", "exec")
    for ending, magic in (("svg", b"<?xml"), ("png", b"\x89PNG")):
        call("archc", "draw", "googlenet", "-o", f"googlenet.{ending}")
        assert (home / f"googlenet.{ending}").read_bytes().startswith(magic)
    assert call("archc", "list").count("\n") > 50
    assert call("archc", "explain", "A501").startswith("A501")
    command = [str(binaries / "archc"), "edit", "new.arch", "--no-browser"]
    with subprocess.Popen(command, cwd=home, env=env, stderr=subprocess.PIPE, text=True) as edit:
        assert edit.stderr is not None
        address = edit.stderr.readline().split()[1]
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        for name in ("", "edit.js", "viz-global.js"):
            with opener.open(f"{address.partition('#')[0]}{name}", timeout=30) as page:
                assert page.status == 200
        edit.terminate()
    assert not (home / "new.arch").exists()


def test_the_changelog_begins_with_this_version_and_its_date() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    first = re.search(r"^## (\S+) \((\d{4}-\d\d-\d\d)\)$", text, re.M)
    assert first is not None
    assert first[1] == archc.__version__
    counted = re.search(r"- (\d+) bundled networks", text)
    assert counted is not None
    assert int(counted[1]) == len(archc.bundled())
