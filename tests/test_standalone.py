"""`archc new` and `archc show`: files that stand alone, and are the network that they came from."""

from __future__ import annotations

from pathlib import Path

import pytest
from nets import varied

import archc
from archc import cli
from archc.api import analyze
from archc.api.standalone import NotStandalone, standalone
from archc.source import Source


def alone(text: str, name: str = "alone.arch") -> archc.Analysis:
    analysis = analyze(Source(name, text))
    assert analysis.ok, [d.title for d in analysis.diagnostics]
    return analysis


@pytest.mark.parametrize("name", varied(archc.bundled()))
def test_a_bundled_network_stands_alone(name: str, tmp_path: Path) -> None:
    """In an empty folder its text builds the very same source."""
    net = archc.load(name)
    text = standalone(net.analysis)
    assert alone(text, str(tmp_path / "x.arch")).emit() == net.analysis.emit()


def test_params_that_are_set_become_defaults() -> None:
    analysis = archc.load("resnet18", num_classes=10).analysis
    text = standalone(analysis, "Mine")
    assert "network Mine " in text
    assert "param num_classes = 10\n" in text
    assert "expect" not in text
    assert alone(text).params == analysis.params


def files(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        (folder / f"{name}.arch").write_text(text, encoding="utf-8")
    return folder / "main.arch"


def test_what_used_files_share_comes_along(tmp_path: Path) -> None:
    """Files that they use, numbers of theirs, comments above; not what is never called."""
    path = files(
        tmp_path,
        main='network Main\nuse "one.arch"   # the units\nuse "two.arch"\n'
        "input 8x8 x3\nouter(4); other()\n",
        one='use "three.arch"\nparam base = 2\n'
        "# The outer\n# one.\nblock outer(w) { inner(base * w) }\nblock unused() { relu }\n",
        two="let slope = 0.1\nblock other() { leaky_relu (slope) }\n",
        three="block inner(w) { conv 1x1 x(w); bn }   # in three\n",
    )
    analysis = archc.load(path).analysis
    text = standalone(analysis)
    assert "use" not in text
    assert "unused" not in text
    assert "# The outer\n# one.\nblock outer(w)" in text
    assert "let base = 2\n" in text
    assert "# in three\n" in text
    assert alone(text).emit() == analysis.emit()


def test_a_name_of_two_things_is_refused(tmp_path: Path) -> None:
    path = files(
        tmp_path,
        main='network Main\nuse "one.arch"\nparam base = 5\n'
        "input 8x8 x3\nunit(); conv 1x1 x(base)\n",
        one="param base = 2\nblock unit() { conv 1x1 x(base) }\n",
    )
    with pytest.raises(NotStandalone, match="`base`"):
        standalone(archc.load(path).analysis)


# --- the commands --------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_new_writes_a_network_without_a_remark(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["new", "nets/my_first-net"]) == 0
    assert capsys.readouterr().err.startswith("wrote nets/my_first-net.arch (MyFirstNet: ")
    analysis = archc.load(folder / "nets/my_first-net.arch").analysis
    assert not analysis.diagnostics
    assert analysis.facts.train
    text = analysis.source.text
    assert cli.main(["new", "nets/my_first-net"]) == 2
    assert "is there already" in capsys.readouterr().err
    assert (folder / "nets/my_first-net.arch").read_text(encoding="utf-8") == text


def test_new_begins_with_another_network(folder: Path) -> None:
    assert cli.main(["new", "2wide", "--from", "resnet50", "-D", "num_classes=7"]) == 0
    net = archc.load(folder / "2wide.arch")
    assert net.name == "Net2wide"
    assert net.output == (7,)


@pytest.mark.parametrize("origin", [(), ("--from", "resnet20")])
def test_new_has_the_shape_and_the_params_that_are_given(
    origin: tuple[str, ...], folder: Path
) -> None:
    assert cli.main(["new", "n", *origin, "-D", "num_classes=7", "--input", "3x64x48"]) == 0
    net = archc.load(folder / "n.arch")
    assert (net.analysis.table.inputs[0][1].dims, net.output) == ((3, 64, 48), (7,))
    assert not net.analysis.diagnostics, "comments say the shapes that are there now"


def test_show_has_the_shapes_that_are_given(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (
        "input left 4x4 x2\ninput right x16\n@left; flatten; fc 16; a: relu\nadd< @a | @right >\n"
    )
    Path("two.arch").write_text(text)
    assert cli.main(["show", "two.arch", "--input", "left=2x8x9"]) == 0
    assert capsys.readouterr().out == text.replace("4x4 x2", "8x9 x2")
    Path("many.arch").write_text("for i in 1..2 { input a{i} 8x8 x3 }\nadd< @a1 | @a2 >\n")
    assert cli.main(["show", "many.arch", "--input", "a1=3x8x8"]) == 1
    assert "its input a1 stands in a loop" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command", [("new", "r", "--from"), ("show", "-D", "num_classes=10", "-o", "r.arch")]
)
def test_another_network_has_no_results(command: tuple[str, ...], folder: Path) -> None:
    """What is left of a network's facts is what `extends` leaves of them."""
    assert cli.main([*command, "resnet18"]) == 0
    (folder / "v.arch").write_text('network V\nextends "resnet18"\nparam num_classes = 10\n')
    found, variant = (archc.load(folder / f"{name}.arch").analysis.facts for name in "rv")
    assert found.meta == variant.meta == {"family": "ResNet", "dataset": "ImageNet"}
    assert not found.expect
    assert found.train.keys() == variant.train.keys() > {"optimizer"}
    assert "ResNet18_Weights" not in archc.load(folder / "r.arch").source()


NAMED = 'network A\nparam name = "x"\ninput 8x8 x3\nif name == "y" { relu }\nbn\n'


@pytest.mark.parametrize(
    "name",
    ['a b"q', "back\\slash", "\\", "a\nb\tc\rd", "\u200b\u2028\x85\x0c\ufeff", "# {x}", "漢", ""],
)
def test_a_text_is_read_back_as_it_was_given(
    name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "a.arch").write_text(NAMED, encoding="utf-8")
    given = ("a.arch", "-D", f"name={name}")
    assert cli.main(["new", "b", "--from", *given]) == 0
    assert cli.main(["show", *given, "-o", "c.arch"]) == 0
    for file in ("b.arch", "c.arch"):
        plan = archc.load(folder / file).analysis.plan
        assert plan is not None
        assert plan.params == {"name": name}


@pytest.mark.parametrize("name", ["\x1b[31m", "\x00", "\udcff"])
def test_a_text_that_no_file_can_hold_is_refused(
    name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "a.arch").write_text(NAMED, encoding="utf-8")
    for argv in (["new", "b", "--from", "a.arch"], ["show", "a.arch", "-o", "b.arch"]):
        assert cli.main([*argv, "-D", f"name={name}"]) == 1
        assert "a.arch cannot be one file: `name` is" in capsys.readouterr().err
    assert not (folder / "b.arch").exists()


@pytest.mark.parametrize(
    ("meta", "left"),
    [
        ('meta { year 2015; family "F" ; top1_error 3 }', 'meta { family "F" ; }'),
        ("meta { year 2015 }\n", ""),
        ("meta {\n  crops 1  # one\n  dataset mnist\n}\n", "meta {\n  dataset mnist\n}"),
    ],
)
def test_facts_go_wherever_they_stand(meta: str, left: str) -> None:
    analysis = alone(f"network A\ninput 8x8 x3\nrelu\n{meta}")
    found = standalone(analysis, "B")
    assert found.partition("relu")[2].strip() == left
    assert alone(found).meta.keys() <= {"family", "dataset"}


@pytest.mark.parametrize("output", ["nets/", "old", "."])
def test_show_into_a_folder(
    output: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Under the network's own name, as `build` and `draw` have it: it was a file called `nets`."""
    monkeypatch.chdir(tmp_path)
    Path("old").mkdir()
    assert cli.main(["show", "lenet", "-o", output]) == 0
    assert cli.main(["show", "lenet"]) == 0
    assert Path(output, "lenet.arch").read_text(encoding="utf-8") == capsys.readouterr().out


def test_show_prints_a_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["show", "vgg11"]) == 0
    assert alone(capsys.readouterr().out).params == archc.load("vgg11").params
    assert cli.main(["show", "resnet18", "-o", "r.arch"]) == 0
    assert cli.main(["show", "resnet34", "-o", "r.arch"]) == 2, "a file of a person's by now"


@pytest.mark.parametrize("name", ["", ".", "..", "nets/", ".hidden"])
def test_new_wants_a_name(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["new", name]) == 2
    assert "names no file" in capsys.readouterr().err
    assert not list(folder.iterdir())


def test_new_begins_with_a_network(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "unit.arch").write_text("block unit() { relu }\n", encoding="utf-8")
    assert cli.main(["new", "x", "--from", "unit.arch"]) == 1
    assert "has no `network` line" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    [
        'use "unit.arch"; network A; input 8x8 x3; unit()',
        'network A\r\nuse "unit.arch"  # of a friend\r\ninput 8x8 x3\r\nunit()\r\n',
        'network A\ninput 8x8 x3\nunit()\nuse "unit.arch"',
        'network A\nuse "unit.arch"\ninput 8x8 x3\nrelu',
    ],
)
def test_use_stands_anywhere(text: str, tmp_path: Path) -> None:
    path = files(tmp_path, unit="block unit() { relu }", main="")
    path.write_bytes(text.encode())
    analysis = archc.load(path).analysis
    found = standalone(analysis)
    assert alone(found).emit() == analysis.emit()
    assert "\r" not in found
    assert found == found.strip("\n") + "\n"
