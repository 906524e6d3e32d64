"""`[tool.archc]` in pyproject.toml: where `use` may go, and how much there may be of a text."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import archc
from archc import cli
from archc.configuration import Configuration, ConfigurationError, find_configuration
from archc.source import Limits

NET = 'use "{used}"\nnetwork Net\ninput 8x8 x3\nunit(4)\n'
UNIT = "block unit(c) { conv 3x3 p1 x(c); relu }\n"


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def check(capsys: pytest.CaptureFixture[str], *argv: object) -> tuple[int, str]:
    code = cli.main(["check", *map(str, argv)])
    found = capsys.readouterr()
    return code, found.out + found.err


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A project with a network in `nets` and blocks in `blocks`; what else is not its own."""
    write(tmp_path / "home" / "nets" / "net.arch", NET.format(used="../blocks/unit.arch"))
    write(tmp_path / "home" / "blocks" / "unit.arch", UNIT)
    write(tmp_path / "shared" / "far.arch", UNIT)
    return tmp_path / "home"


def configure(home: Path, text: str) -> Path:
    return write(home / "pyproject.toml", f'[project]\nname = "x"\n[tool.archc]\n{text}\n')


# --- where `use` may go ------------------------------------------------------------------


def test_without_it_the_own_folder_is_the_project(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = check(capsys, home / "nets" / "net.arch")
    assert code == 1
    assert "leaves the project's folder, `nets`" in said
    assert "or `[tool.archc]` in pyproject.toml" in said
    configure(home, "")
    assert check(capsys, home / "nets" / "net.arch")[0] == 1, "the table alone opens nothing"


def test_the_project(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure(home, 'project = "."')
    assert check(capsys, home / "nets" / "net.arch")[0] == 0
    assert check(capsys, home / "nets")[0] == 0, "of a folder, too"
    assert archc.load(home / "nets" / "net.arch").params == 3 * 9 * 4 + 4
    assert check(capsys, "--project", home / "nets", home / "nets" / "net.arch")[0] == 1


def test_a_file_outside_of_the_project_has_its_own_folder(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(home, 'project = "nets"')
    write(home / "blocks" / "net.arch", NET.format(used="unit.arch"))
    assert check(capsys, home / "blocks" / "net.arch")[0] == 0


def test_libraries(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure(home, 'libraries = ["blocks", "../shared"]')
    for used in ("unit.arch", "far.arch", "../blocks/unit.arch"):
        write(home / "nets" / "net.arch", NET.format(used=used))
        assert check(capsys, home / "nets" / "net.arch") == (0, "1 file checked: no errors\n"), used
        assert archc.load(home / "nets" / "net.arch").params == 3 * 9 * 4 + 4
    write(home / "nets" / "far.arch", UNIT.replace("3x3 p1", "1x1"))
    write(home / "nets" / "net.arch", NET.format(used="far.arch"))
    assert archc.load(home / "nets" / "net.arch").params == 3 * 4 + 4, "what lies beside goes first"
    write(home / "nets" / "net.arch", NET.format(used="nothing.arch"))
    code, said = check(capsys, home / "nets" / "net.arch")
    assert code == 1
    assert "A501" in said
    assert "in none of the project's libraries, either" in said


def test_a_library_uses_its_own_files_and_no_others(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(home, 'libraries = ["../shared"]')
    write(home / "nets" / "net.arch", NET.format(used="far.arch"))
    write(home.parent / "shared" / "near.arch", UNIT)
    write(home.parent / "shared" / "far.arch", 'use "near.arch"\nblock far(c) { unit(c) }\n')
    write(home / "nets" / "net.arch", NET.format(used="far.arch").replace("unit(4)", "far(4)"))
    assert check(capsys, home / "nets" / "net.arch") == (0, "1 file checked: no errors\n")
    write(home.parent / "secret.arch", UNIT)
    write(home.parent / "shared" / "far.arch", 'use "../secret.arch"\n' + UNIT)
    code, said = check(capsys, home / "nets" / "net.arch")
    assert code == 1
    assert "leaves the project's folder" in said


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_links_out_of_a_library_are_refused(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure(home, 'libraries = ["../shared"]')
    secret = write(home.parent / "secret.arch", "network MySecret\n")
    (home.parent / "shared" / "link.arch").symlink_to(secret)
    write(home / "nets" / "net.arch", NET.format(used="link.arch"))
    code, said = check(capsys, home / "nets" / "net.arch")
    assert code == 1
    assert "MySecret" not in said
    (home.parent / "shared" / "folder").symlink_to(home.parent, target_is_directory=True)
    write(home / "nets" / "net.arch", NET.format(used="folder/secret.arch"))
    code, said = check(capsys, home / "nets" / "net.arch")
    assert code == 1
    assert "MySecret" not in said


def test_a_pyproject_inside_of_a_folder_has_no_say(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder from the web must not open the folders around it."""
    write(home.parent / "pyproject.toml", "[tool.archc]\n")
    configure(home, 'project = ".."\nlibraries = ["../shared"]')
    write(home / "nets" / "net.arch", NET.format(used="far.arch"))
    assert check(capsys, home.parent)[0] == 1
    assert check(capsys, home)[0] == 0, "named itself, it is the user's own"


def test_a_package(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    package = home.parent / "site" / "netblocks_for_tests"
    write(package / "__init__.py", "raise SystemExit('imported')\n")
    write(package / "arch" / "unit.arch", UNIT)
    monkeypatch.syspath_prepend(str(home.parent / "site"))
    write(home / "nets" / "net.arch", NET.format(used="unit.arch"))
    configure(home, 'libraries = ["package:netblocks_for_tests/arch"]')
    assert check(capsys, home / "nets" / "net.arch") == (0, "1 file checked: no errors\n")
    assert "netblocks_for_tests" not in sys.modules
    for name, says in {
        "package:netblocks_for_tests/none": "has no folder 'none'",
        "package:netblocks_for_tests/../..": "has no folder '../..'",
        "package:no_such_package_here": "no package `no_such_package_here` is installed",
        "package:os": '`os` is a module, no package with folders: write a package, `"package:',
        "package:os/path": "`os` is a module",
        "package:sys": "`sys` is a module",
        "package:a.b": "names no package",
        "package:": "names no package",
    }.items():
        configure(home, f'libraries = ["{name}"]')
        code, said = check(capsys, home / "nets" / "net.arch")
        assert code == 2
        assert says in said


def test_bundled_networks_are_nobodys(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    configure(home, "wrong = 1")
    assert check(capsys, "resnet18")[0] == 0
    assert archc.load("resnet18").params == 11_689_512


# --- limits ------------------------------------------------------------------------------


def test_limits(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure(home, 'project = "."\nmax-steps = 1')
    code, said = check(capsys, home / "nets" / "net.arch")
    assert code == 1
    assert "A4" in said
    assert check(capsys, "--max-steps", 100, home / "nets" / "net.arch")[0] == 0, (
        "a flag goes first"
    )
    with pytest.raises(archc.ArchError):
        archc.load(home / "nets" / "net.arch")
    assert archc.load(home / "nets" / "net.arch", limits=Limits()).params


# --- mistakes ----------------------------------------------------------------------------

MISTAKES = {
    "projct = '.'": "has no `projct`; did you mean `project`?",
    "max_steps = 3": "has no `max_steps`; did you mean `max-steps`?",
    "zebra = 1": "has no `zebra` (there are project, libraries, max-source-bytes,",
    "project = 3": '`project` is a folder: write `project = "nets"`',
    "project = 'nothing'": "`project` names 'nothing', and there is no such folder",
    "project = ''": "`project` names '', and there is no such folder",
    "libraries = ['']": "`libraries` names '', and there is no such folder",
    "project = 'pyproject.toml'": "there is no such folder",
    'project = "a\\u0000b"': "there is no such folder",
    "project = 'package:json'": "there is no such folder",
    "libraries = 'blocks'": '`libraries` is a list of folders: write `libraries = ["blocks"]`',
    "libraries = ['blocks', 1]": "`libraries` is a list of folders",
    "libraries = ['none']": "`libraries` names 'none', and there is no such folder",
    "max-steps = 'many'": "`max-steps` is a whole number of at least 1: write `max-steps = 200000`",
    "max-steps = true": "`max-steps` is a whole number",
    "max-depth = 0": "`max-depth` is a whole number of at least 1: write `max-depth = 100`",
    "max-steps = ": "is no TOML: Invalid value (at line 4, column 13)",
    "x = " + "[" * 5000: "is no TOML",
}


@pytest.mark.parametrize("line", MISTAKES, ids=lambda line: line[:20])
def test_what_is_wrong_is_said(line: str, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = configure(home, line)
    code = cli.main(["check", str(home / "nets" / "net.arch")])
    out, said = capsys.readouterr()
    assert (code, out) == (2, ""), "nothing was checked"
    assert f"archc: {path}" in said
    assert MISTAKES[line] in said
    with pytest.raises(ValueError, match=r"pyproject\.toml"):
        archc.load(home / "nets" / "net.arch")


def test_what_is_no_table_or_no_text(home: Path) -> None:
    path = write(home / "pyproject.toml", "[tool]\narchc = 3\n")
    with pytest.raises(ConfigurationError, match=r"write `\[tool.archc\]`"):
        find_configuration(home)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="UTF-8"):
        find_configuration(home)
    path.write_text("\ufeff[tool.archc]\r\nmax-depth = 6\r\n", encoding="utf-8")
    assert find_configuration(home).limits == {"depth": 6}, "as editors on Windows write it"
    path.write_text("tool = 3\n", encoding="utf-8")
    write(home.parent / "pyproject.toml", "[tool.archc]\nmax-depth = 7\n")
    assert find_configuration(home) == Configuration(limits={"depth": 7}), "the next one above"


def test_a_fifo_or_a_folder_is_no_pyproject(home: Path) -> None:
    (home / "pyproject.toml").mkdir()
    assert find_configuration(home / "nets") == Configuration()


def test_an_editor_reads_it(home: Path) -> None:
    from archc.server.documents import OpenTexts

    path = home / "nets" / "net.arch"
    text = NET.format(used="far.arch")
    configure(home, 'libraries = ["../shared"]')
    for folders in ([], [home]):
        opened = OpenTexts(folders=folders).open("file:///net.arch", path, text)
        assert opened.document.analyse().analysis.ok
    typed = text.replace("far.arch", "f")
    opened = OpenTexts().open("file:///net.arch", path, typed)
    proposals = opened.document.complete(typed.index("f") + 1)
    assert "far.arch" in [proposal.text for proposal in proposals]
    configure(home, 'libraries = ["../shared"]\nmax-steps = 1')
    opened = OpenTexts().open("file:///net.arch", path, text)
    assert [d.code for d in opened.document.analyse().analysis.diagnostics if d.is_error] == [
        "A402"
    ]
    configure(home, "wrong = 1")
    opened = OpenTexts().open("file:///net.arch", path, text)
    assert not opened.document.analyse().analysis.ok, "and no traceback"
