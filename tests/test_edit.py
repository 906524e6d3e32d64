"""What the page of an editor is answered, in process; and the file that it saves."""

from __future__ import annotations

import ast
import json
import os
import re
import threading
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from editing import FORWARD

from archc import api, data
from archc.editor.document import Document
from archc.page.edited_file import NEW, ChangedOnDisk, EditedFile, FileText, NotSaved
from archc.page.one_file import read_bundled
from archc.page.origins import origins
from archc.page.units import PageOffsets
from archc.page.workbench import ANSWERS, NoSuchAnswer, Workbench
from archc.source import Limits, Source

ROOT = Path(__file__).parents[1]
START = (data.TEMPLATES / "new.arch").read_text(encoding="utf-8")
NETWORK = """\
network Small
input 32x32 x3
block unit(c) { residual< conv 3x3 p1 x(c); bn; relu | conv 1x1 x(c) >; relu }
stem: conv 3x3/2 p1 x8   # 𝔘: a letter of two units
body: unit(16) * 3
gap; flatten; head: fc 10
"""


def bench(path: Path = data.ARCHS / "page.arch", **more: Any) -> Workbench:
    return Workbench(Document("", path), **more)


def applied(text: str, changes: list[dict[str, Any]]) -> str:
    """As the page applies changes, in units of UTF-16."""
    units = text.encode("utf-16-le")
    for change in sorted(changes, key=lambda c: -c["start"]):
        new = change["text"].encode("utf-16-le")
        units = units[: 2 * change["start"]] + new + units[2 * change["end"] :]
    return units.decode("utf-16-le")


def piece(text: str, place: list[int]) -> str:
    return text.encode("utf-16-le")[2 * place[0] : 2 * place[1]].decode("utf-16-le")


# --- the page's own files ----------------------------------------------------------------


def test_the_bundle_is_of_these_sources() -> None:
    """`make page` writes it; a change in web/ without that is seen here."""
    web = ROOT / "web"
    names = sorted(f"src/{path.name}" for path in (web / "src").iterdir())
    found = sha256()
    for name in (*names, "build.mjs", "package-lock.json", "../editors/codemirror/arch.js"):
        found.update((web / name).read_bytes().replace(b"\r\n", b"\n") + b"\0")
    page = data.TEMPLATES / "page"
    for name in ("edit.js", "edit.css", "layout.js"):
        head = (page / name).read_text(encoding="utf-8").partition("\n")[0]
        assert f"of web/, sha256:{found.hexdigest()[:16]}" in head, "make page"
    html = (web / "src" / "page.html").read_text(encoding="utf-8")
    assert (page / "edit.html").read_text(encoding="utf-8") == html


def test_the_lock_names_no_registry() -> None:
    lock = (ROOT / "web" / "package-lock.json").read_text(encoding="utf-8")
    assert "resolved" not in lock
    assert "://" not in lock
    packages = json.loads(lock)["packages"]
    assert all("integrity" in found for name, found in packages.items() if name)


# --- answers -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["lenet5", "resnet50", "googlenet", "unet"])
def test_every_answer_is_plain_and_holds_for_bundled_networks(name: str) -> None:
    desk = bench()
    text = desk.ask("example", "", name=name)["text"]
    look = desk.ask("look", text)
    assert (look["ok"], look["network"], look["findings"]) == (True, True, [])
    parameters = api.analyze(Source(str(data.ARCHS / f"{name}.arch"), text)).params
    assert look["totals"].startswith(f"{parameters:,} parameters")
    more: dict[str, dict[str, Any]] = {
        "diagram": {"theme": "dark"},
        "example": {"name": name},
        **{
            place: {"at": len(text) // 2}
            for place in ("hover", "complete", "signature", "definition")
        },
    }
    for question in ANSWERS:
        answer = desk.ask(question, text, **more.get(question, {}))
        assert json.loads(json.dumps(answer)) == answer
        assert "why" not in answer


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("ask", {}),
        ("document", {}),
        ("__class__", {}),
        ("hover", {}),
        ("hover", {"at": "1"}),
        ("hover", {"at": True}),
        ("hover", {"at": 1, "to": 2}),
        ("look", {"self": 1}),
        ("diagram", {"theme": "pink"}),
        ("diagram", {"theme": None}),
        ("example", {"name": ["a"]}),
    ],
)
def test_other_questions_are_none(name: str, more: dict[str, Any]) -> None:
    with pytest.raises(NoSuchAnswer):
        bench().ask(name, NETWORK, **more)


def test_a_question_brings_a_text() -> None:
    for text in (None, 1, b"x"):
        with pytest.raises(NoSuchAnswer):
            bench().ask("look", text)  # type: ignore[arg-type]


def test_no_example_is_a_file() -> None:
    for name in ("../archs/resnet50", "/etc/passwd", "blocks/resnet", "resnet50.arch", ""):
        assert "why" in bench().ask("example", "", name=name)


def test_an_example_beside_a_users_file_is_whole(tmp_path: Path) -> None:
    desk = bench(tmp_path / "my.arch", is_whole=True)
    text = desk.ask("example", "", name="resnet50")["text"]
    assert "use " not in text
    assert desk.ask("look", text)["ok"]


def test_places_count_units_of_utf_16() -> None:
    look = bench().ask("look", NETWORK.replace("unit(16)", "unt(16)"))
    (found,) = (f for f in look["findings"] if f["severity"] == "error")
    (cure,) = found["cures"]
    assert applied(NETWORK.replace("unit(16)", "unt(16)"), cure["changes"]) == NETWORK
    offsets = PageOffsets("a𝔘b𝔘")
    assert [offsets.to_page(at) for at in range(5)] == [0, 1, 3, 4, 6]
    assert [offsets.from_page(at) for at in (0, 1, 3, 4, 6, 99, -5)] == [0, 1, 2, 3, 4, 4, 0]
    assert offsets.from_page(2) in (1, 2)  # in the middle of a character


def test_cards_lead_to_their_statements() -> None:
    model = bench().ask("diagram", NETWORK, theme="light")["model"]
    found: dict[str, list[str]] = {}
    items = [*model["items"]]
    while items:
        item = items.pop()
        found[item["id"]] = [piece(NETWORK, place) for place in item["at"]]
        items += item.get("items", [])
    assert found["stem"] == ["conv 3x3/2 p1 x8"]
    assert found["body"] == ["body: unit(16) * 3"]
    assert found["body.1"] == ["unit(16)"]  # body.1 and .2, drawn once
    assert found["head"] == ["fc 10"]
    assert found["body.0.conv1"] == ["conv 3x3 p1 x(c)", "bn", "relu"]
    assert found["input"] == ["input 32x32 x3"]


def test_lines_of_pytorch_lead_to_their_statements() -> None:
    answer = bench().ask("pytorch", NETWORK)
    lines = answer["text"].split("\n")
    ast.parse(answer["text"])
    found = {
        lines[int(line) - 1].strip(): [piece(NETWORK, place) for place in places]
        for line, places in answer["origins"].items()
    }
    assert found["self.stem = nn.Conv2d(3, 8, 3, stride=2, padding=1)"] == ["conv 3x3/2 p1 x8"]
    assert found["self.head = nn.Linear(16, 10)"] == ["fc 10"]
    assert found["self.bn1 = nn.BatchNorm2d(c)"] == ["bn"]
    assert found["self.relu = nn.ReLU(inplace=True)"] == ["relu", "relu"]
    (body,) = (places for line, places in found.items() if line.startswith("self.body = "))
    assert body[0] == "body: unit(16) * 3"


@pytest.mark.parametrize("name", sorted(api.bundled()))
@pytest.mark.slow
def test_origins_are_of_modules_that_are_so_called(name: str) -> None:
    """Of every bundled network: a line's statement is there, and many lines have one."""
    source = Source(str(data.ARCHS / f"{name}.arch"), api.bundled()[name].read_text("utf-8"))
    analysis = api.analyze(source)
    assert analysis.plan is not None
    text = analysis.emit()
    found = origins(text, analysis.plan, source)
    assert found
    assert max(found) <= text.count("\n")
    assert all(span.text for spans in found.values() for span in spans)


def test_numbers_are_those_of_the_summary() -> None:
    answer = bench().ask("numbers", NETWORK)
    summary = api.analyze(Source("small.arch", NETWORK)).summary()
    assert answer["head"] == summary.sheet().head
    assert [row["cells"] for row in answer["rows"]] == [
        summary.sheet().shown(line) for line in summary.sheet().lines
    ]
    rows = {row["cells"][0]: row for row in answer["rows"]}
    assert piece(NETWORK, rows["stem"]["at"][0]) == "conv 3x3/2 p1 x8"
    assert rows["total"]["strong"]


def test_a_text_with_mistakes_has_its_reasons() -> None:
    broken = NETWORK.replace("gap;", "gapp;")
    desk = bench()
    desk.ask("look", NETWORK)
    look = desk.ask("look", broken)
    assert (look["ok"], look["totals"]) == (False, "")
    assert [h["text"] for h in look["hints"]], "the last good ones stay"
    for question in ("numbers", "pytorch"):
        assert desk.ask(question, broken) == {"why": "The text has mistakes."}
    library = "block b(c) { conv 3x3 x(c) }\n"
    assert desk.ask("look", library)["network"] is False
    assert "library" in desk.ask("diagram", library, theme="light")["why"]
    habit = NETWORK.replace("; relu }", "; Relu }")
    assert desk.ask("look", habit)["sure"] == 1
    assert applied(habit, desk.ask("mend", habit)["changes"]) == NETWORK


def test_sure_cures_change_their_own_lines_alone() -> None:
    """A caret between them stays where it is."""
    text = "import torch\n" + NETWORK.replace("; relu }", "; Relu }")
    changes = bench().ask("mend", text)["changes"]
    assert applied(text, changes) == NETWORK
    assert [text[c["start"] : c["end"]].count("\n") for c in changes] == [1, 1]


def test_an_empty_text_has_a_way_to_begin() -> None:
    desk = bench()
    for text in ("", "\n\n", "# mine", "# mine\n", "# 𝔘\n\n  "):
        look = desk.ask("look", text)
        begun = applied(text, look["beginning"]["changes"])
        assert begun.startswith(text)
        assert begun.endswith("network Net\ninput 224x224 x3\n")
        now = desk.ask("look", begun)
        assert (now["ok"], now["network"], now["findings"]) == (True, True, [])
        assert "why" not in now
        assert "beginning" not in now
        assert desk.ask("numbers", text) == {"why": look["why"]}
    library = "block a() { relu }\nblock b(c, s=1) { conv 3x3/(s) x(c) }"
    look = desk.ask("look", library)
    assert "library" in look["why"]
    begun = applied(library, look["beginning"]["changes"])
    assert begun == f"{library}\nnetwork Net\ninput 32x32 x3\nb(64)\n"
    assert desk.ask("look", begun)["ok"]
    assert "beginning" not in desk.ask("look", "block b(@skip) { add< | @skip > }\n")
    assert "beginning" not in desk.ask("look", "relu {")


def test_the_page_says_no_words_of_the_command_line() -> None:
    desk = bench()
    text = desk.ask("example", "", name="resnet50")["text"]
    summary = api.analyze(Source(str(data.ARCHS / "resnet50.arch"), text)).summary()
    assert "--depth" in str(summary)
    assert "archc fit" in str(summary)
    answer = desk.ask("numbers", text)
    assert not re.search("--|`|archc", " ".join((answer["head"], *answer["foot"])))
    assert len(answer["foot"]) == len(summary.sheet().foot) - 1


def test_a_block_of_a_used_file_is_shown_with_its_file() -> None:
    desk = bench(data.ARCHS / "playground.arch")
    text = desk.ask("example", "", name="resnet18")["text"]
    source = (data.ARCHS / "blocks" / "resnet.arch").read_text(encoding="utf-8")
    found = desk.ask("definition", text, at=text.index("basic(") + 2)
    assert (found["name"], found["text"]) == ("blocks/resnet.arch", source)
    assert source[found["start"] : found["end"]] == "basic"
    found = desk.ask("definition", text, at=text.index("blocks/resnet.arch") + 2)
    assert (found["name"], found["start"], found["end"]) == ("blocks/resnet.arch", 0, 0)


def test_mistakes_in_a_used_file_are_shown_there(tmp_path: Path) -> None:
    used = tmp_path / "lib.arch"
    used.write_text("block b(c) {\n  relu\n  conv 3x3 x(c)\n}\n", encoding="utf-8")
    text = 'network N\nuse "lib.arch"\ninput 8x8 x3\nb(8)\nflatten\nb(8)\n'
    (found,) = (
        f
        for f in bench(tmp_path / "my.arch").ask("look", text)["findings"]
        if f["severity"] == "error"
    )
    assert str(tmp_path) not in json.dumps(found)
    shown = [place["used"] for place in found["related"] if "path" in place]
    assert shown, found
    assert {place["text"] for place in shown} == {used.read_text(encoding="utf-8")}
    assert "conv 3x3 x(c)" in {p["text"][p["start"] : p["end"]] for p in shown}
    assert {place["path"] for place in found["related"] if "path" in place} == {"lib.arch"}


def test_a_page_of_one_text_says_which_files_there_are() -> None:
    path = data.ARCHS / "playground.arch"
    desk = Workbench(Document("", path, read_bundled))
    text = 'network N\nuse "{}"\ninput 8x8 x3\nconv 3x3 x8\n'
    assert desk.ask("look", text.format("blocks/resnet.arch"))["ok"]
    for name in ("mine.arch", "blocks/mine.arch"):
        (error,) = (
            found
            for found in desk.ask("look", text.format(name))["findings"]
            if found["severity"] == "error"
        )
        assert f"there is no `{name}` here: the playground holds one file" in error["title"]
        assert str(data.ARCHS) not in json.dumps(error)


def test_the_habits_of_torch_lead_to_the_right_block() -> None:
    """A newcomer's unit: every cure is taken, and it is right."""
    text = FORWARD.replace("basic(32)\n", "").replace("Linear(32", "Linear(16")
    desk = bench()
    for _ in range(30):
        findings = [f for f in desk.ask("look", text)["findings"] if f["severity"] == "error"]
        if not findings:
            break
        cures = [cure for found in findings for cure in found["cures"]]
        assert cures, findings
        text = applied(text, cures[0]["changes"])
    assert desk.ask("look", text)["ok"]
    right = """\
network Mine
input 32x32 x3
block basic(planes) {
  residual< conv 3x3 p1 x(planes) nobias; bn; relu; conv 3x3 p1 x(planes) nobias; bn >
  relu
}
conv1: conv 3x3 p1 x16 nobias
basic(16)
gap; flatten; fc 10
"""
    assert (
        desk.ask("pytorch", text)["text"].splitlines()[:-1]
        == (desk.ask("pytorch", right)["text"].splitlines()[:-1])
    )  # all but its stamp


def test_what_is_expected_counts_once_the_text_is_saved() -> None:
    text = NETWORK + "expect { params 5 }\n"
    desk = bench()
    look = desk.ask("look", text)
    assert (look["ok"], look["findings"][-1]["severity"]) == (True, "info")
    assert look["totals"]
    assert "class Small" in desk.ask("pytorch", text)["text"]
    assert "model" in desk.ask("diagram", text, theme="dark")
    desk.document.save()
    look = desk.ask("look", text)
    assert (look["ok"], look["findings"][-1]["severity"]) == (False, "error")
    assert desk.ask("pytorch", text) == {"why": "The text has mistakes."}


def test_what_a_text_says_is_only_ever_data() -> None:
    hostile = 'network X "</script><img src=x onerror=alert(1)>"\ninput 8x8 x3\nconv 3x3 x8\n'
    model = bench().ask("diagram", hostile, theme="light")["model"]
    assert "<img" not in json.dumps(model["items"])


def test_hopeless_texts_raise_nothing() -> None:
    desk = bench()
    for text in (
        "",
        "\0",
        "\ud800",
        "}" * 50,
        "{" * 300,
        "network",
        "a\u2028b\fc\vd",
        "\ufeff" + NETWORK,
    ):
        for question in ("look", "numbers", "pytorch", "mend", "format"):
            desk.ask(question, text)
        for question in ("hover", "complete", "signature", "definition"):
            desk.ask(question, text, at=len(text))
        desk.ask("diagram", text, theme="light")


# --- the file ----------------------------------------------------------------------------


def edited(path: Path) -> EditedFile:
    return EditedFile(path, Limits(), "start\n")


def test_it_saves_over_what_it_has_seen_alone(tmp_path: Path) -> None:
    path = tmp_path / "my.arch"
    path.write_text("one\n", encoding="utf-8")
    file = edited(path)
    seen = file.read()
    assert seen.text == "one\n"
    saved = file.save("two\n", seen.digest)
    assert path.read_text(encoding="utf-8") == "two\n"
    path.write_text("theirs\n", encoding="utf-8")
    with pytest.raises(ChangedOnDisk) as changed:
        file.save("mine\n", saved.digest)
    assert changed.value.now.text == "theirs\n"
    assert path.read_text(encoding="utf-8") == "theirs\n"
    file.save("mine\n", changed.value.now.digest)
    assert path.read_text(encoding="utf-8") == "mine\n"
    path.unlink()
    with pytest.raises(ChangedOnDisk):
        file.save("again\n", sha256(b"mine\n").hexdigest())
    assert not path.exists()
    assert [*tmp_path.iterdir()] == []


def test_a_new_file_is_made_when_it_is_saved(tmp_path: Path) -> None:
    path = tmp_path / "my.arch"
    file = edited(path)
    assert file.read() == FileText("start\n", NEW)
    assert not path.exists()
    path.write_text("theirs\n", encoding="utf-8")  # somebody else was faster
    with pytest.raises(ChangedOnDisk):
        file.save("mine\n", NEW)
    path.unlink()
    file.save("mine\n", NEW)
    assert path.read_text(encoding="utf-8") == "mine\n"


def test_line_ends_and_the_mark_at_the_start_stay(tmp_path: Path) -> None:
    path = tmp_path / "my.arch"
    path.write_bytes("\ufeffone\r\ntwo\r\n".encode())
    file = edited(path)
    seen = file.read()
    assert seen.text == "one\ntwo\n"
    file.save("one\n2\n", seen.digest)
    assert path.read_bytes() == "\ufeffone\r\n2\r\n".encode()
    file.save("", file.read().digest)
    assert path.read_bytes() == "\ufeff".encode()


def test_a_link_stays_and_permissions_too(tmp_path: Path) -> None:
    path, link = tmp_path / "my.arch", tmp_path / "link.arch"
    path.write_text("one\n", encoding="utf-8")
    path.chmod(0o640)
    link.symlink_to(path)
    file = edited(link)
    file.save("two\n", file.read().digest)
    assert link.is_symlink()
    assert path.read_text(encoding="utf-8") == "two\n"
    assert path.stat().st_mode & 0o777 == 0o640


def test_what_cannot_be_saved_says_why(tmp_path: Path) -> None:
    path = tmp_path / "my.arch"
    with pytest.raises(NotSaved, match="half of a character"):
        edited(path).save("\ud800", NEW)
    with pytest.raises(NotSaved, match="cannot write"):
        edited(tmp_path / "no" / "my.arch").save("x", NEW)
    path.write_bytes(b"\xff")
    with pytest.raises(NotSaved):
        edited(path).save("x", NEW)
    assert path.read_bytes() == b"\xff"


def test_it_hears_of_changes(tmp_path: Path) -> None:
    path, used = tmp_path / "my.arch", tmp_path / "used.arch"
    for each in (path, used):
        each.write_text("one\n", encoding="utf-8")
    file = edited(path)
    seen = file.read()
    assert file.wait(seen.digest, 0.3, list) is False
    assert file.wait("other", 5, list) == seen
    later = threading.Timer(0.3, lambda: path.write_text("two, longer\n", encoding="utf-8"))
    later.start()
    began = time.monotonic()
    found = file.wait(seen.digest, 20, list)
    assert isinstance(found, FileText)
    assert found.text == "two, longer\n"
    assert time.monotonic() - began < 10
    threading.Timer(0.3, lambda: used.write_text("two, longer\n", encoding="utf-8")).start()
    assert file.wait(found.digest, 20, lambda: [used]) is True
    os.utime(path, ns=(1, 1))  # touched: the same text is no news
    assert file.wait(found.digest, 0.5, list) is False


def test_it_hears_of_what_changed_while_nobody_waited(tmp_path: Path) -> None:
    path, used, later = (tmp_path / name for name in ("my.arch", "used.arch", "later.arch"))
    for each in (path, used, later):
        each.write_text("one\n", encoding="utf-8")
    file = edited(path)
    seen = file.read().digest
    file.note([used])
    used.write_text("two, longer\n", encoding="utf-8")
    assert file.wait(seen, 5, lambda: [used]) is True
    assert file.wait(seen, 0, lambda: [used]) is False
    now = [used]  # a `use` that is typed while the page waits
    threading.Timer(0.3, now.append, [later]).start()
    threading.Timer(0.9, lambda: later.write_text("two, longer\n", encoding="utf-8")).start()
    assert file.wait(seen, 20, lambda: now) is True
    used.unlink()
    assert file.wait(seen, 5, lambda: [used]) is True


def test_a_changed_network_loads_no_published_weights() -> None:
    path = api.bundled()["resnet18"]
    desk, text = Workbench(Document("", path)), path.read_text(encoding="utf-8")
    assert "Loads torchvision's" in desk.ask("pytorch", text)["text"]
    wider = text.replace("basic(128)", "basic(128); basic(128)")
    assert "Loads" not in desk.ask("pytorch", wider)["text"]


def test_a_sure_cure_is_made_though_it_brings_a_hidden_mistake_to_light() -> None:
    changes = bench().ask("mend", "import torch\nnetwork Net\nconv 3x3 x8\n")["changes"]
    assert changes == [{"start": 0, "end": len("import torch\n"), "text": ""}]
