"""Writes docs/from_torch.md and docs/from_keras.md: archc for those who know another tool.

    python docs/translations.py

`make translations` runs it. The lines are those of tests/corpus/habits.txt, where a test takes each
hint of archc for the left one and must come to the right one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).parent
CORPUS = FOLDER.parent / "tests" / "corpus" / "habits.txt"

_TORCH = """\
# archc for people who know torch

A file says what `__init__` and `forward` say together, once:

```python
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 16, 3, padding=1)
        self.fc = nn.Linear(16, 10)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x) + x)
        return self.fc(x.mean((2, 3)))
```

```arch
network Net
input 32x32 x3
conv1: conv 3x3 p1 x16; relu
residual< conv2: conv 3x3 p1 x16 >; relu
gap; flatten; fc: fc 10
```

- A statement takes the tensor of the one before it, so what comes in is never written: no
  `in_channels`, no `x = layer(x)`.
- Sizes are height first and channels last, `32x32 x3`; the tensors are torch's, (N, 3, 32, 32).
- A label names the module: `conv1:` is `conv1.weight` in the state_dict. Without labels, `conv1`,
  `conv2`, `bn1` ... are counted.
- A file of torch may be pasted as it is: `archc check` and editors have a cure that writes its
  classes as blocks and a network, where `forward` is layers, sums, products and `torch.cat` in a
  row; what it cannot say is named. `input` is what its linears ask for, or yours to write.
- `+`, `torch.cat` and `*` are combinators: `residual< body | shortcut >`, `add< a | b >`,
  `concat< a | b >`, `mul< | gate >`; `@label`
  is the tensor of an earlier statement, as a variable of `forward` would be.
- `nn.Sequential` is `{ ... }` with a label, a class is `block name(arguments) { ... }`, a loop
  over layers `for ... { }` or `* 3`.
- Shapes are worked out and checked by `archc check`; `archc build` writes the class.
- Losses, data and optimizers are no layers: [`train { }`](training.md) has them.
"""
_KERAS = """\
# archc for people who know Keras

A file is a `Sequential` or functional model, once:

```python
inputs = keras.Input((32, 32, 3))
x = layers.Conv2D(16, 3, padding="same", activation="relu")(inputs)
y = layers.Conv2D(16, 3, padding="same")(x)
x = layers.ReLU()(layers.Add()([x, y]))
x = layers.GlobalAveragePooling2D()(x)
outputs = layers.Dense(10)(x)
```

```arch
network Net
input 32x32 x3
conv 3x3 same x16; relu
residual< conv 3x3 same x16 >; relu
gap; flatten; fc 10
```

- A statement takes the tensor of the one before it; where the model branches, the branches stand
  in `<...>`: `add< a | b >`,
  `concat< a | b >`, `residual< body | shortcut >`. `@label` is the tensor of an earlier statement.
- Shapes are written as Keras has them, `32x32 x3`; the tensors are torch's, channels first: (N,
  3, 32, 32).
- An activation is a statement of its own: `relu`, not `activation="relu"`.
- `padding="valid"` is the default. `padding="same"` is `same` at stride 1 and `tfsame` at a
  larger one: torch code pads otherwise there.
- `Dense` is `fc`, behind `flatten`; on a map `fc 64 each` is a `Dense` at every position.
- `BatchNormalization` is `bn eps=1e-3 momentum=0.01`: Keras' momentum of 0.99 is torch's 0.01.
- `compile` and `fit` are [`train { }`](training.md), which writes a training script.
"""
_PAGES = {
    "from_torch.md": (_TORCH, r"torch\.nn|torch\.nn\.functional.*", r"nn\.\w+\("),
    "from_keras.md": (_KERAS, r"keras\.layers|TensorFlow", r"(layers\.)?(Dense|Conv\dD|\w+\dD)\("),
}
_INPUTS = {"vector": "Feature vectors", "a signal": "Signals", "a volume": "Volumes"}
_LINES = "\n## {}\n\n| {} | archc |\n| --- | --- |\n"
_LACKS = "\n## What archc has not\n\n"


def page(name: str) -> str:
    """One of the two pages. What comes to the same line of archc is there once."""
    head, families, layers = _PAGES[name]
    tool = "torch" if "torch" in name else "Keras"
    text, lacks, known = head, list[str](), set[str]()
    for title, lines in _sections():
        family, _, topic = title.partition(": ")
        if title in _INPUTS:
            topic = _INPUTS[title]
            lines = [line for line in lines if re.match(layers, line[0])]
        elif not re.fullmatch(families, family):
            continue
        rows = []
        for wrong, right in lines:
            if right[0] == "!":
                lacks.append(f"- {_code(wrong)}: {right[1:]}")
            elif right not in known and right != "-" and "\\n" not in wrong:
                rows.append(f"| {_code(wrong)} | {_code(right)} |")
                known.add(right)
        if rows:
            topic = topic or family
            text += _LINES.format(topic[0].upper() + topic[1:], tool) + "\n".join(rows) + "\n"
    text += _LACKS + "\n".join(lacks) + "\n"
    return f"{text}\nThis page is made by `make translations`.\n"


def _sections() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The headings of the corpus, with the lines below each."""
    title, lines = "", list[tuple[str, str]]()
    for line in CORPUS.read_text("utf-8").splitlines():
        wrong, arrow, right = (part.strip() for part in line.rpartition(" => "))
        if arrow and right[0] != "?":
            lines.append((wrong, right))
        elif line.startswith(("#", "[")) and not arrow:
            yield title, lines
            title, lines = line.strip("#[] "), []
    yield title, lines


def _code(text: str) -> str:
    """Code in a cell of a table."""
    return f"`{text.replace('|', chr(92) + '|')}`"


if __name__ == "__main__":
    for each in _PAGES:
        (FOLDER / each).write_text(page(each), encoding="utf-8")
