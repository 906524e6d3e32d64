"""A drawing in words, and SVG that carries them: for those who cannot see it."""

from __future__ import annotations

import re
from html import escape

from archc.draw.boxes import title
from archc.draw.collapse import cards
from archc.draw.legend import Heading
from archc.draw.scene import Card, Scene
from archc.draw.style import plain
from archc.report.spelling.numbers import human

_MOST = 40  # parts that are named


def describe(head: Heading, scene: Scene) -> str:
    """`ResNet50: 25.6M parameters, 4.09G MACs, input 224×224×3. In order: conv1, maxpool, ...`."""
    counts = f"{human(head.cost.params)} parameters, {human(head.cost.macs)} MACs"
    inputs = f", {head.takes}" if head.takes else ""
    parts = []
    for item in scene.root.items:
        if isinstance(item, Card):
            parts.append(item.name or "".join(text for text, _ in item.title))
        else:
            text = item.above or title(item.name, item.block) or "run"
            parts.append(f"{item.count} times {text}" if item.count > 1 else text)
    rest = f" and {len(parts) - _MOST} more" if len(parts) > _MOST else ""
    count = sum(1 for _ in cards(scene.root))
    return plain(
        f"{head.name}: {counts}{inputs}. {count} cards. In order: {', '.join(parts[:_MOST])}{rest}."
    )


def labelled(svg: bytes, name: str, description: str) -> bytes:
    """SVG that says what it shows: its role, its name and a description."""
    text = svg.decode("utf-8")
    label = f'"Diagram of {escape(name)}"'
    inside = f"<desc>{escape(description, quote=False)}</desc>"
    text = re.sub(
        r"<svg\b([^>]*)>",
        lambda found: f'<svg role="img" aria-label={label}{found[1]}>\n{inside}',
        text,
        count=1,
    )
    return text.encode("utf-8")
