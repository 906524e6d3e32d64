"""`%%arch` in a real IPython: what a cell defines and shows, and what it says of mistakes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import archc

DOCS = Path(__file__).parents[1] / "docs"
pytest.importorskip("IPython", reason="IPython is not installed: `pip install '.[dev]'`")

CELL = """\
# Two layers.
network Tiny "a title"
param width = 8
input 16x16 x3
conv1: conv 3x3 x(width); relu
gap; flatten; fc 10
"""


class Notebook:
    """An IPython that keeps what its cells show."""

    def __init__(self, shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
        self.shell, self.capsys = shell, capsys

    def run(self, line: str, cell: str = CELL) -> tuple[list[dict[str, Any]], str, str]:
        """Run `%%arch` with that line; what it displays, prints and complains of."""
        from IPython.utils.capture import RichOutput, capture_output

        with capture_output() as captured:
            self.result = self.shell.run_cell(f"%%arch {line}\n{cell}")
        shown = [output.data for output in captured.outputs if isinstance(output, RichOutput)]
        return shown, captured.stdout, captured.stderr

    def names(self) -> dict[str, Any]:
        return dict(self.shell.user_ns)


@pytest.fixture(scope="module")
def shell() -> Iterator[Any]:
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    made = InteractiveShell.instance(config=config)
    made.run_line_magic("load_ext", "archc")
    yield made
    InteractiveShell.clear_instance()


@pytest.fixture
def notebook(shell: Any, capsys: pytest.CaptureFixture[str]) -> Notebook:
    for name in ("Net", "Tiny"):
        shell.user_ns.pop(name, None)
    return Notebook(shell, capsys)


def test_a_cell_defines_a_network_and_shows_it(notebook: Notebook) -> None:
    (diagram, numbers), out, errors = notebook.run("Net")
    net = notebook.names()["Net"]
    assert isinstance(net, archc.Net)
    assert (net.name, net.params) == ("Tiny", 8 * 27 + 8 + 90)
    assert diagram["image/svg+xml"].count("<svg") == 1
    assert f"{net.params:,} parameters" in diagram["text/plain"]
    assert "conv1" in numbers["text/html"]
    assert numbers["text/plain"] == str(net.summary(1))
    assert (out, errors) == ("", "")


def test_without_a_name_it_has_its_own(notebook: Notebook) -> None:
    notebook.run("--quiet")
    assert notebook.names()["Tiny"].name == "Tiny"


def test_takes_the_arguments_of_the_command_line(notebook: Notebook) -> None:
    shown, *_ = notebook.run("Net -D width=32 --input 3x32x32 --quiet")
    net = notebook.names()["Net"]
    assert shown == []
    assert net.params == 32 * 27 + 32 + 330
    assert net.macs == 30 * 30 * 32 * 27 + 320
    plain, dark = (
        notebook.run(f"Net {how}")[0][0]["image/svg+xml"] for how in ("", "--theme dark")
    )
    paper = notebook.run("Net --view paper")[0][0]["image/svg+xml"]
    assert len({plain, dark, paper}) == 3


def test_a_value_of_python_is_handed_over(notebook: Notebook) -> None:
    notebook.shell.user_ns["wide"] = 24
    notebook.run("Net -D width={wide} -q")
    assert notebook.names()["Net"].params == 24 * 27 + 24 + 250


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("Net --view modern", "invalid choice: 'modern'"),
        ("Net -D width", "'width' is not NAME=VALUE"),
        ("Net -D width=1 -D width=2", "-D width is given twice"),
        ("Net other", "unrecognized arguments: other"),
        ("Net --nonsense", "unrecognized arguments: --nonsense"),
        ("2net", "'2net' is no name for a network"),
        ("a.b", "'a.b' is no name"),
        ("__import__('os').system('true')", "is no name"),
        ("class", "`class` is a word of Python's"),
        ("print", "`print` is a built-in of Python's: give another name, `%%arch Net`"),
        ("get_ipython", "`get_ipython` is a built-in"),
        ("__builtins__", "`__builtins__` begins with an underscore"),
        ("_", "`_` begins with an underscore"),
        ("self", "`self` is a name that Python or IPython uses"),
        ("Out", "`Out` is a name that Python or IPython uses"),
        ("Net 'a", "No closing quotation"),
        ("Net --view paper --depth 1", "--direction and --columns go with the views"),
        ("Net --only conv1 --only gap", "argument --only: it is given twice"),
        ("Net --expand nothing", "nothing"),
        ("Net --project /nowhere/at/all", "no such folder: /nowhere/at/all"),
    ],
)
def test_a_wrong_line_is_said_in_one(notebook: Notebook, line: str, said: str) -> None:
    before = notebook.names().get(line)
    _, out, errors = notebook.run(line)
    assert not notebook.result.success
    assert notebook.names().get(line) is before
    assert re.match(r"UsageError: [^\n]*\n$", errors), errors
    assert said in errors
    assert "Traceback" not in out + errors


def test_a_network_called_as_a_built_in_needs_a_name(notebook: Notebook) -> None:
    cell = CELL.replace("Tiny", "print")
    _, _, errors = notebook.run("", cell)
    assert errors.startswith("UsageError: `print` is a built-in of Python's")
    assert "print" not in notebook.names()
    notebook.run("Net -q", cell)
    assert notebook.names()["Net"].name == "print"


def test_help_is_shown_and_nothing_run(notebook: Notebook) -> None:
    _, out, _ = notebook.run("--help")
    assert "usage: %%arch" in out
    assert "--view" in out
    assert notebook.result.success
    assert "Tiny" not in notebook.names()


def test_mistakes_are_shown_as_in_a_terminal(notebook: Notebook) -> None:
    from archc.report import diagnostics as render

    notebook.shell.user_ns["Net"] = "as it was"
    _, out, _ = notebook.run("Net", "network N\ninput 8x8 x3\nconv 3x3\n")
    error = notebook.result.error_in_exec
    assert isinstance(error, archc.ArchError)
    assert render.text(error.diagnostics, color=True).splitlines()[0] in out
    assert "<Net>:4:1" in out, "lines count as in the cell, whose first is `%%arch`"
    assert "more: archc explain A302" in out
    assert "Traceback" not in out
    assert ".py" not in out
    assert notebook.names()["Net"] == "as it was"


def test_a_cell_of_blocks_alone_is_no_network(notebook: Notebook) -> None:
    _, out, _ = notebook.run("Net", "block b() { relu }\n")
    assert "there is no `network` line" in out
    assert "Net" not in notebook.names()


def test_warnings_are_shown_and_the_network_too(notebook: Notebook) -> None:
    cell = "network N\ninput 8x8 x3\nconv 3x3 x4   # 5x5 x4\ngap; flatten; fc 10; softmax\n"
    shown, _, errors = notebook.run("Net", cell)
    assert "W108" in errors
    assert len(shown) == 2


def test_blocks_are_used_from_the_folder(
    notebook: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own.arch").write_text("block own() { conv 3x3 x4 }\n", encoding="utf-8")
    cell = 'network N\nuse "own.arch"\ninput 8x8 x3\nown\n'
    notebook.run(f"Net --project {tmp_path} -q", cell)
    assert notebook.names()["Net"].params == 112
    monkeypatch.chdir(tmp_path)
    notebook.run("Net -q", cell)
    assert notebook.result.success
    notebook.run("Net -q", cell.replace("own.arch", "../own.arch"))
    assert isinstance(notebook.result.error_in_exec, archc.ArchError)


def test_without_graphviz_the_numbers_are_shown(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    from archc.draw.graphviz import EngineError

    def missing(engine: str = "auto") -> None:
        raise EngineError("no Graphviz")

    monkeypatch.setattr("archc.draw.graphviz.find", missing)
    (numbers,), _, errors = notebook.run("Net")
    assert "<table>" in numbers["text/html"]
    assert errors == "no diagram: no Graphviz\n"
    net = notebook.names()["Net"]
    assert net._repr_svg_() is None
    assert "| conv1" in net._repr_markdown_()


def test_a_network_shows_itself(notebook: Notebook) -> None:
    notebook.run("Net -q")
    data, _ = notebook.shell.display_formatter.format(notebook.names()["Net"])
    assert set(data) == {"image/svg+xml", "text/plain"}


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '\\"><svg onload=alert(1)>',
    "]]><script>x</script>",
    "{__import__('os')}",
    "$(touch pwned) `touch pwned`",
    "&lt;script&gt;",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_becomes_html_or_code(notebook: Notebook, text: str, tmp_path: Path) -> None:
    cell = (
        f'# {text}\nnetwork N "{text}"\ninput 8x8 x3\n# {text}\nblock b() {{ conv 3x3 x4 }}\n'
        f'a: b   # {text}\nmeta {{ display "{text}"; note "{text}" }}\n'
    )
    shown, out, _ = notebook.run("Net", cell)
    assert notebook.result.success, out
    assert len(shown) == 2
    for data in [*shown, {"text/html": str(notebook.names()["Net"].explain()._repr_html_())}]:
        for kind in ("text/html", "image/svg+xml"):
            page = data.get(kind, "")
            tags = re.findall(r"<[^>]*>", page)
            assert not [tag for tag in tags if re.search(r"<script|<img|\son\w+=", tag)], page
    assert not [*tmp_path.iterdir()]


def test_a_hostile_mistake_is_shown_as_text(notebook: Notebook) -> None:
    _, out, _ = notebook.run("Net", "network N\ninput 8x8 x3\n\x1b[2J<script>: conv\n")
    assert isinstance(notebook.result.error_in_exec, archc.ArchError)
    assert "\x1b[2J" not in out


def test_it_is_loaded_and_forgotten(notebook: Notebook) -> None:
    shell = notebook.shell
    shell.run_line_magic("unload_ext", "archc")
    assert "arch" not in shell.magics_manager.magics["cell"]
    shell.run_line_magic("reload_ext", "archc")
    notebook.run("Net -q")
    assert notebook.result.success
    assert "--view" in shell.magics_manager.magics["cell"]["arch"].__doc__


def test_ipython_is_asked_for_by_nothing_else() -> None:
    code = "import sys, archc; print(archc.load('lenet5').summary() and 'IPython' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def outputs(path: Path) -> list[tuple[str, list[Any]]]:
    """What each cell shows; of a picture, which another Graphviz may draw otherwise, that it is."""
    found = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        shown = cell.get("outputs", [])
        for output in shown:
            if "image/svg+xml" in output.get("data", {}):
                assert "<svg" in "".join(output["data"].pop("image/svg+xml"))
        found.append((cell["id"], shown))
    return found


@pytest.mark.slow
def test_the_notebook_of_the_docs_shows_what_it_says(tmp_path: Path) -> None:
    for name in ("nbclient", "ipykernel", "torch"):
        pytest.importorskip(name, reason=f"{name} is not installed: `pip install '.[dev]'`")
    run = "import nbformat, run_notebook, sys\nnbformat.write(run_notebook.executed(), sys.argv[1])"
    made = tmp_path / "made.ipynb"
    command = [sys.executable, "-c", run, str(made)]
    subprocess.run(command, check=True, timeout=300, cwd=DOCS, capture_output=True)
    assert outputs(made) == outputs(DOCS / "notebook.ipynb"), "run `make notebook`"
