"""The interactive page in a real browser: every action, and no error in its console."""

from __future__ import annotations

import json
import os
import re
import struct
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from browser import Browser, missing

import archc
from archc import api
from archc.source import Source

pytestmark = pytest.mark.slow

TAB, ENTER, ESCAPE, LEFT, UP, RIGHT, DOWN = "\ue004\ue007\ue00c\ue012\ue013\ue014\ue015"
NETWORK = """\
network Small "a <b> & </script> | 한국어"
input 32x32 x3
block unit(c) { residual< conv 3x3 p1 x(c); bn; relu; conv 3x3 p1 x(c) | conv 1x1 x(c) >; relu }
stem: conv 3x3 p1 x8
body: { unit(8); unit(16) }
head: unit(16)
gap; flatten; fc 10
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if lacking := missing():
        # CI sets the variable: there a test that does not run is one that fails.
        stop = pytest.fail if os.environ.get("ARCHC_NEED_BROWSER") else pytest.skip
        stop(f"needs {lacking}")
    with Browser() as made:
        yield made


class Page:
    """A page that is open in the browser."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.browser = browser
        browser.errors()  # those of the page before
        browser.open(address)
        self.ready()

    def __call__(self, expression: str) -> Any:
        return self.browser.value(expression)

    def ready(self) -> None:
        self.wait("document.documentElement.dataset.ready === '1'")

    def reload(self) -> None:
        self.browser.reload()
        self.ready()

    def wait(self, condition: str, seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while not self(condition):
            assert time.monotonic() < end, f"still not: {condition}"
            time.sleep(0.05)

    def press(self, keys: str) -> None:
        self.browser.press(keys)

    def click(self, selector: str) -> None:
        self.browser.click(selector)

    def node(self, id: str) -> str:
        """The selector of the card or header of that id."""
        model = json.loads(self("document.getElementById('model').textContent"))
        waiting = list(model["items"])
        while waiting:
            item = waiting.pop()
            if item["id"] == id:
                return f"#n{item['k']}"
            waiting += item.get("items", [])
        raise KeyError(id)

    def count(self, selector: str) -> int:
        return int(self(f"document.querySelectorAll('{selector}').length"))

    @property
    def place(self) -> tuple[float, float, float]:
        """Where the drawing is, and how large."""
        style = "getComputedStyle(document.querySelector('main > svg')).transform"
        matrix = self(f"(({{e, f, a}}) => [e, f, a])(new DOMMatrix({style}))")
        return matrix[0], matrix[1], matrix[2]

    @property
    def clusters(self) -> int:
        return self.count("main .cluster")

    @property
    def errors(self) -> list[str]:
        return self.browser.errors()


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Callable[[bytes], Page]:
    def open_page(content: bytes) -> Page:
        path = tmp_path / "page.html"
        path.write_bytes(content)
        return Page(browser, path.as_uri())

    return open_page


@pytest.fixture
def page(show: Callable[[bytes], Page]) -> Iterator[Page]:
    analysis = api.analyze(Source("small.arch", NETWORK))
    assert analysis.ok
    made = show(analysis.sheet("html"))
    yield made
    assert made.errors == []


def test_without_its_title(show: Callable[[bytes], Page]) -> None:
    """The window keeps its name, and the drawing is the same."""
    analysis = api.analyze(Source("small.arch", NETWORK))
    heading = "['h1', '#totals'].map((s) => document.querySelector(s).offsetWidth > 0)"
    for hidden, shown in (((), True), ("legend", True), (("title", "costs"), False)):
        made = show(analysis.sheet("html", hidden=hidden))
        assert made(heading) == [shown, shown]
        assert made("document.title") == "Small"
        assert made.count("main .node") > 5
        assert made.errors == []


def test_it_opens(page: Page) -> None:
    assert page("document.title") == "Small"
    assert page("document.querySelector('#totals').textContent").endswith("input 32×32×3")
    assert page("document.querySelector('main > svg').getAttribute('role')") == "img"
    assert page.clusters == 4, "a small network starts open"
    assert page.count("script") == 3, "nothing broke out"


def test_click_closes_and_opens(page: Page) -> None:
    head = page.node("head")
    top = page(f"document.querySelector('{head}').getBoundingClientRect().top")
    page.click(head)
    assert page.clusters == 3
    assert page(f"document.querySelector('{head}').getAttribute('aria-expanded')") == "false"
    after = page(f"document.querySelector('{head}').getBoundingClientRect().top")
    assert abs(after - top) < 3, "what was clicked stays where it was"
    page.click(head)
    assert page.clusters == 4


def test_collapse_and_expand_all(page: Page) -> None:
    page.click("#collapse")
    assert page.clusters == 0
    page.click("#expand")
    assert page.clusters == 4
    page.click("main")
    page.press("c")
    assert page.clusters == 0
    page.press("e")
    assert page.clusters == 4


def test_zoom_pan_and_fit(page: Page) -> None:
    page.click("#fit")
    fitted = page.place
    page.click("#in")
    assert page.place[2] == pytest.approx(1.25 * fitted[2], rel=1e-3)
    page.click("#out")
    assert page.place == pytest.approx(fitted, abs=0.01)
    page.browser.wheel("main", -300)
    page.wait(
        f"new DOMMatrix(document.querySelector('main > svg').style.transform).a > {fitted[2]}"
    )
    before, clusters = page.place, page.clusters
    page.browser.drag("main", 70, 40)
    x, y, scale = page.place
    assert (x - before[0], y - before[1], scale) == pytest.approx((70, 40, before[2]), abs=0.01)
    assert page.clusters == clusters, "a drag is no click"
    page.press("f")
    assert page.place == pytest.approx(fitted, abs=0.01)
    for key, moved in ((RIGHT, (-60, 0)), (DOWN, (0, -60)), (LEFT, (60, 0)), (UP, (0, 60))):
        before = page.place
        page.press(key)
        now = page.place
        assert (now[0] - before[0], now[1] - before[1]) == pytest.approx(moved, abs=0.01)
    page.press("+")
    assert page.place[2] > fitted[2]


def test_hover_tells_all(page: Page) -> None:
    page.browser.point_at(page.node("stem"))
    page.wait("!document.getElementById('about').hidden")
    text = page("document.getElementById('about').innerText")
    for part in (
        "stem: conv 3x3 p1 x8",
        "(line 4)",
        "32×32×3 → 32×32×8",
        "224 parameters, 221,184 MACs",
        "sees 3×3 of the input",
        "% of all MACs",
    ):
        assert part in text
    page.browser.point_at("#name")
    page.wait("document.getElementById('about').hidden")


def test_search_opens_marks_and_goes_on(page: Page) -> None:
    page.click("#collapse")
    page.click("main")
    page.press("/")
    page.press("1x1")
    assert page.clusters == 4
    assert page.count("main .hit") == 6, "three convolutions, and the sums that they go into"
    assert page("document.getElementById('found').textContent") == "1/6"
    page.press(ENTER)
    assert page("document.getElementById('found').textContent") == "2/6"
    page.press(ESCAPE)
    assert page.count("main .hit") == 0
    page.press("/")
    page.press("nowhere")
    assert page("document.getElementById('found').textContent") == "nothing"


def test_keyboard_alone(page: Page) -> None:
    head = page.node("head")
    page.browser.run(f"document.querySelector('{head}').focus()")
    page.press(ENTER)
    assert page.clusters == 3
    assert page("document.activeElement.id") == head[1:], "the focus stays"
    page.press(" ")
    assert page.clusters == 4
    page.browser.run("document.getElementById('view').focus()")
    page.press(TAB)
    assert page("document.activeElement.classList.contains('node')"), "every card can be reached"
    assert page("document.getElementById('about').innerText").startswith("input")


def test_reload_keeps_what_is_open_and_where(page: Page) -> None:
    page.click(page.node("head"))
    page.click("#in")
    before = page.place
    page.reload()
    assert page.clusters == 3
    assert page.place == pytest.approx(before, abs=0.01)
    page.browser.run(
        "Object.keys(localStorage).forEach((key) => localStorage.setItem(key, '{broken'))"
    )
    page.reload()
    assert page.clusters == 4, "what was kept is broken: as at first"


def test_it_saves_pictures(page: Page, tmp_path: Path) -> None:
    page.browser.download_to(str(tmp_path))
    for ending, magic in (("svg", b"<svg"), ("png", b"\x89PNG")):
        page.click(f"#{ending}")
        saved, end = tmp_path / f"Small.{ending}", time.monotonic() + 20
        while not saved.exists():
            assert time.monotonic() < end
            time.sleep(0.1)
        assert saved.read_bytes().startswith(magic)
    drawing = ElementTree.parse(tmp_path / "Small.svg").getroot()
    kinds = [group.get("class") for group in drawing.iter("{http://www.w3.org/2000/svg}g")]
    assert len([kind for kind in kinds if (kind or "").startswith("node")]) == page.count(
        "main .node"
    )
    sides = struct.unpack(">II", (tmp_path / "Small.png").read_bytes()[16:24])
    on_page = page("[...document.querySelectorAll('main > svg')].map((s) => s.width.baseVal.value)")
    assert sides[0] == pytest.approx(2 * on_page[0], abs=1), "sharp on today's screens"


@pytest.mark.parametrize("name", ["googlenet", "preact_resnet1001", "fractalnet"])
def test_large_networks(show: Callable[[bytes], Page], name: str) -> None:
    made = show(archc.load(name).draw("html", theme="dark"))
    cards = made.count("main .node")
    assert made.clusters == 0 or cards <= 60, "a large network starts closed"
    assert cards < 60
    begin = time.monotonic()
    made.click("#expand")
    assert time.monotonic() - begin < 10
    assert made.clusters
    made.click("#collapse")
    assert made.clusters == 0
    assert made.errors == []


def test_only_what_is_seen_is_found(show: Callable[[bytes], Page]) -> None:
    """Points that keep the trunk straight are no cards."""
    made = show(archc.load("googlenet").draw("html"))
    assert made.clusters == 0
    made.click("#expand")
    centres = "(n) => { const at = n.getBoundingClientRect(); return at.left + at.width / 2; }"
    concats = (
        "[...document.querySelectorAll('main .node')].filter((n) => /concat/.test(n.textContent))"
    )
    straight = made(f"{concats}.map({centres})")
    assert len(straight) == 9
    assert max(straight) - min(straight) < 2
    made.press("/")
    made.press("middle")
    assert made("document.getElementById('found').textContent") == "nothing"
    assert made.errors == []


def test_every_network_is_drawn(show: Callable[[bytes], Page]) -> None:
    for name in archc.bundled():
        made = show(archc.load(name).draw("html"))
        made.click("#expand")
        assert made("document.querySelectorAll('main .node').length") > 5, name
        assert made.errors == [], name


def test_a_window_of_another_size(page: Page) -> None:
    """What fits fits again; what somebody moved keeps its middle; reopened, too."""

    def size(width: int, height: int) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        page.browser.command("Emulation.setDeviceMetricsOverride", **metrics)
        page.wait(f"innerWidth === {width} && innerHeight === {height}")
        page("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50)))")

    def inside() -> bool:
        frame, drawing = "view.getBoundingClientRect()", "view.firstChild.getBoundingClientRect()"
        sides = "a.left >= b.left - 1 && a.right <= b.right + 1 && a.bottom <= b.bottom + 1"
        return bool(page(f"((a, b) => {sides})({drawing}, {frame})"))

    def middle() -> list[float]:
        """The point of the drawing in the middle of what is seen."""
        x, y, scale = page.place
        width, height = page("[view.clientWidth, view.clientHeight]")
        return [(width / 2 - x) / scale, (height / 2 - y) / scale]

    size(1280, 900)
    page.click("#fit")
    for sides in ((500, 400), (1500, 1000)):
        size(*sides)
        assert inside()
    page.click("#in")
    page.click("#in")
    before = middle()
    size(700, 600)
    assert middle() == pytest.approx(before, abs=0.5)
    size(900, 500)
    page.reload()
    assert middle() == pytest.approx(before, abs=0.5)
    page.click("#fit")
    size(600, 700)
    page.reload()
    assert inside()
    page.browser.command("Emulation.clearDeviceMetricsOverride")


_CARDS_ON_SHEETS = """
const sheets = [...document.querySelectorAll('#sheets svg')];
const cards = [...document.querySelectorAll('main .node')].map((node) => node.getBBox());
const { e, f } = document.querySelector('main .graph').transform.baseVal.consolidate().matrix;
return cards.map((card) => sheets.filter((sheet) => {
  const { x, y, width, height } = sheet.viewBox.baseVal;
  return card.x + e >= x && card.x + e + card.width <= x + width
    && card.y + f >= y && card.y + f + card.height <= y + height;
}).length);
"""


@pytest.mark.parametrize(
    ("name", "theme"), [("lenet5", "light"), ("resnet18", "dark"), ("densenet_40_12", "light")]
)
def test_it_prints_whole(show: Callable[[bytes], Page], name: str, theme: str) -> None:
    """Every card whole on one sheet, on white, and no more sheets than those; no buttons."""
    made = show(archc.load(name).draw("html", theme=theme))
    made.click("#expand")
    made.browser.run("window.dispatchEvent(new Event('beforeprint'))")
    on_sheets = made.browser.run(_CARDS_ON_SHEETS)
    assert len(on_sheets) == made.count("main .node")
    assert set(on_sheets) == {1}
    sheets = made.count("#sheets svg")
    assert made.count("#sheets .node") >= len(on_sheets), "and it is there"
    ground = "document.querySelector('#sheets .graph > polygon').getAttribute('fill')"
    assert made(ground) in ("white", "#ffffff")
    made.browser.command("Emulation.setEmulatedMedia", media="print")
    shown = "(s) => document.querySelector(s).getBoundingClientRect().height > 0"
    seen = {s: made(f"({shown})('{s}')") for s in ("h1", ".tools", "main", "#sheets")}
    assert seen == {"h1": True, ".tools": False, "main": False, "#sheets": True}
    made.browser.command("Emulation.setEmulatedMedia", media="")
    for sides in ((8.27, 11.69), (8.5, 11), (11.69, 8.27)):
        paper = dict(zip(("paperWidth", "paperHeight"), sides, strict=True))
        printed = b64decode(made.browser.command("Page.printToPDF", **paper)["data"])
        assert len(re.findall(rb"/Type /Page\b", printed)) == sheets
    assert made.count("#sheets svg") == 0, "the page is as before"
    assert made.errors == []
