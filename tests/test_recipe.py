"""The lines of `train`: each owes a page, an example and a script that holds what it asks for."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from archc.api import analyze
from archc.recipe import LINES, Init, Line, Note
from archc.recipe._line import Form, number, register
from archc.source import Source

ROOT = Path(__file__).parents[1]
CLASSES = [cls for kinds in LINES.values() for cls in kinds.values()]
NETWORK = """
network Net
input 32x32 x3
conv 3x3 x4 nobias; bn; relu; gap; flatten; fc 10
train {{ {recipe} }}
"""
NEEDED = {
    "optimizer": "optimizer sgd lr=0.1",
    "batch": "batch 8",
    "epochs": "epochs 3",
}


def recipe_with(text: str) -> str:
    """A recipe with a line, and whatever else a script needs."""
    key = text.partition(" ")[0]
    others = {**NEEDED, key: text}
    if key == "steps":
        del others["epochs"]
    return "; ".join(others.values())


def script(text: str) -> str:
    analysis = analyze(Source("net.arch", NETWORK.format(recipe=recipe_with(text))))
    assert not analysis.diagnostics, [d.title for d in analysis.diagnostics]
    return analysis.emit_training()


def bases_docs(cls: type[Line]) -> set[str | None]:
    return {base.__doc__ for base in cls.__mro__[1:]}


def debts(cls: type[Line]) -> list[str]:
    """What a line owes and has not, each as what to do."""
    found = []
    own = cls.__doc__ or ""
    if not own or own.startswith(f"{cls.__name__}(") or own in bases_docs(cls):  # ( dataclass's
        found.append(f"give {cls.__name__} a docstring: it is its entry in docs/recipes.md")
    if not cls.example.startswith(cls.name) or not cls.example:
        found.append(f"give {cls.__name__} an `example`: a line that begins with `{cls.name}`")
    for name, spec in cls.fields().items():
        if not spec.doc:
            found.append(f"give {cls.__name__}.{name} a `doc`, which the reference shows")
        if spec.form is Form.NUMBER and spec.kind is bool:
            found.append(f"{cls.__name__}.{name} is a word: use `flag`")
    return found


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.name)
def test_owes_nothing(cls: type[Line]) -> None:
    assert not debts(cls)


def test_what_a_bare_line_owes() -> None:
    class Bare(Line):
        name = "bare"
        part: float = number(float)

    assert debts(Bare) == [
        "give Bare a docstring: it is its entry in docs/recipes.md",
        "give Bare an `example`: a line that begins with `bare`",
        "give Bare.part a `doc`, which the reference shows",
    ]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.name)
def test_its_example_is_in_the_script(cls: type[Line]) -> None:
    """Its flags are there, and the statements that it asks for; the script is Python."""
    source = script(cls.example)
    compile(source, "train.py", "exec", dont_inherit=True)
    analysis = analyze(Source("net.arch", NETWORK.format(recipe=recipe_with(cls.example))))
    (found,) = (each for each in analysis.facts.train[cls.name.partition(" ")[0]])
    assert type(found) is cls
    for each in found.flags():
        assert f'"--{each.name}"' in source
    for statement in (*found.on_batch(), *found.on_gradients(), *found.on_epoch()):
        assert statement.strip() in source
    for name, value in found.loss_arguments().items():
        assert f"{name}={value:g}" in source


def test_names_are_taken_once() -> None:
    with pytest.raises(TypeError, match="taken"):
        register(type("Twice", (Line,), {"name": "mixup"}))
    with pytest.raises(TypeError, match="taken"):
        register(type("Bare", (Line,), {"name": "optimizer"}))
    with pytest.raises(TypeError, match="taken"):
        register(type("None_", (Line,), {}))


def test_notes_change_nothing() -> None:
    notes = [cls for cls in CLASSES if issubclass(cls, Note) and cls.name != "dataset"]
    plain = script("batch 8")
    assert len(notes) == 6
    for cls in notes:
        assert body(script(cls.example)) == body(plain), cls.name


def body(source: str) -> str:
    """A script without its last line, which has a hash of the source."""
    return source.rpartition("\n# archc")[0]


# --- the worked example ------------------------------------------------------------------


@pytest.fixture
def worked() -> Any:
    """The line that CONTRIBUTING.md adds, for as long as a test needs it."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (code,) = (c for c in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "(Line)" in c)
    names: dict[str, Any] = {}
    head = "from archc.recipe._line import Flag, Line, Script, number, register\n"
    exec(head + code, names)
    cls = names["CutMix"]
    yield cls
    del LINES[cls.name]


def test_the_worked_example_works(worked: type[Line]) -> None:
    """One class, and the script has its flag, what prepares it, and what it does to a batch."""
    assert not debts(worked)
    source = script(worked.example)
    assert 'add("--cutmix", type=float, default=1.0' in source
    assert "        self.cutmix = v2.CutMix(" in source
    assert "                x, labels = self.cutmix(x, labels)" in source
    assert "cutmix" not in script("batch 8")


# --- what cannot be meant ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("schedule plateau factor=2", "a drop of the rate has a factor below 1"),
        ("augment crop resize=[480, 256]", "`resize` has the least side first"),
        ("optimizer adam lr=1e-3 betas=[0.9, 1]", "`betas` are less than 1"),
        ("optimizer sgd lr=0.1 0.9", "`optimizer` knows no `0.9`"),
        ("warmup 5 6", "`warmup` needs one number"),
        ("decay weights part=1", "`decay` has no option `part`"),
        ("augment brightness=0.1", "`augment` has no option `brightness`"),
        ("schedule cosine power=2", "`schedule cosine` has no option `power`"),
        ("init he conv bias=x", "`bias` is a number, not `x`"),
        ("init uniform fc a=1", "`init uniform` has nothing between 1 and 1"),
        ("init truncated_normal fc a=3", "`init truncated_normal` has nothing between 3 and 2"),
        ("init orthogonal bn", "`init orthogonal` is for weights of two dimensions or more"),
        ("init xavier gain=-1", "`gain` is a number of at least 0, not `-1`"),
        ("init normal gain=2", "`init normal` has no option `gain`"),
    ],
)
def test_what_torch_would_refuse_or_nobody_would_read(text: str, said: str) -> None:
    analysis = analyze(Source("net.arch", NETWORK.format(recipe=text)))
    assert [(d.code, d.title) for d in analysis.diagnostics] == [("A312", said)]


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("kaiming", "init he"),
        ("kaiming_uniform", "init he uniform"),
        ("xavier_uniform", "init xavier uniform"),
        ("glorot_normal", "init xavier normal"),
        ("trunc_normal", "init truncated_normal"),
    ],
)
def test_what_others_call_a_start(word: str, meant: str) -> None:
    (found,) = analyze(Source("net.arch", NETWORK.format(recipe=f"init {word} conv"))).diagnostics
    assert found.helps == (f"write `{meant}`",)
    assert analyze(Source("net.arch", NETWORK.format(recipe=f"{meant} conv"))).ok


def test_every_mistake_is_reported() -> None:
    text = "optimizer sgd; batch 2.5; clip -1; schedule foo"
    analysis = analyze(Source("net.arch", NETWORK.format(recipe=text)))
    assert len(analysis.diagnostics) == 4


def test_inits_are_torchs() -> None:
    torch = pytest.importorskip("torch")
    for cls in CLASSES:
        made = cls(span=None).torch() if issubclass(cls, Init) else None  # type: ignore[arg-type]
        if made is not None:
            weight = torch.empty(64, 32)
            named = {keyword.name: keyword.value for keyword in made.keyword}
            getattr(torch.nn.init, made.target.rpartition(".")[2])(
                weight, *made.positional, **named
            )
            assert weight.isfinite().all()
            assert inspect.isfunction(getattr(torch.nn.init, made.target.rpartition(".")[2]))
