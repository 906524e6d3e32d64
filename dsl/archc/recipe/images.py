"""Images: whose statistics normalise them, and what is done to them at random."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

from archc.recipe._line import (
    Field,
    Flag,
    Form,
    Line,
    Note,
    RecipeError,
    Script,
    convert,
    flag,
    number,
    option,
    register,
)


@dataclass(frozen=True, slots=True)
class Statistics:
    """Mean and standard deviation of the training images of a data set, by channel."""

    owner: str
    mean: tuple[float, ...]
    std: tuple[float, ...]


DATASETS = {
    "imagenet": Statistics("ImageNet's", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "cifar10": Statistics("CIFAR-10's", (0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616)),
    "cifar100": Statistics("CIFAR-100's", (0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)),
    "mnist": Statistics("MNIST's", (0.1307,), (0.3081,)),
    "digits": Statistics("the digits'", (0.3053,), (0.376,)),
}


@register
class Dataset(Note):
    """The data set whose mean and deviation normalise the images.

    There are `imagenet`, `cifar10`, `cifar100`, `mnist` and `digits`; another name is a note.
    """

    name = "dataset"
    example = "dataset cifar10"

    @property
    def known(self) -> str:
        """The name of a data set that archc knows, or ""."""
        name = str(self.words[0]).lower().replace("-", "") if self.words else ""
        return name if name in DATASETS else ""


_SIDE = Field(Form.OPTION, int, "a side", minimum=1)


def usual_resize(size: tuple[int, ...]) -> int:
    """Return the shorter side that images have before a crop: 256 for 224x224, as for ImageNet."""
    return round(max(size) / 0.875)


def sides(value: Any) -> tuple[int, int]:
    """Read one side, or the least and the most."""
    pair = value if isinstance(value, tuple | list) else (value, value)
    if len(pair) != 2:
        raise RecipeError("`resize` is one side, or the least and the most", "`resize=[256, 480]`")
    least, most = (convert("`resize`", _SIDE, side) for side in pair)
    if least > most:
        raise RecipeError("`resize` has the least side first", f"`resize=[{most}, {least}]`")
    return least, most


@register
class Augment(Line):
    """What is done to training images at random, before they have the network's size."""

    name = "augment"
    example = "augment flip crop pad=4 reflect"
    flip: bool = flag("mirrors half of the images", flip=True)
    crop: bool = flag("cuts the network's size out of the padded or resized image", crop=True)
    resized_crop: bool = flag(
        "resizes a part of any size and shape: Szegedy et al. 2014", resized_crop=True
    )
    reflect: bool = flag("pads with the image's reflection", reflect=True)
    pad: int = option(int, 0, doc="the margin that is added before `crop`")
    resize: tuple[int, int] | None = option(
        sides, None, doc="the shorter side before `crop`: one, or `[least, most]`"
    )
    jitter: float = option(
        float, 0, doc="brightness, contrast and saturation change by up to this part", maximum=1
    )
    lighting: float = option(
        float,
        0,
        doc="a shift along the principal components of ImageNet's colours: its deviation, in "
        "units of each component's own (Krizhevsky et al. 2012)",
    )

    def check(self) -> None:
        if (self.pad or self.resize) and not self.crop:
            title = "an image padded or resized is to be cropped"
            raise RecipeError(title, "as in `augment crop pad=4`")
        if self.crop and bool(self.pad) == bool(self.resize):
            title = "`crop` needs something to cut from"
            raise RecipeError(title, "`crop pad=4`, or `crop resize=256`")
        if self.crop and self.resized_crop:
            raise RecipeError("`crop` and `resized_crop` exclude each other", "keep one of them")
        if self.reflect and not self.pad:
            raise RecipeError("`reflect` says how to pad", "as in `crop pad=4 reflect`")

    @property
    def is_of_colours(self) -> bool:
        return bool(self.jitter or self.lighting)

    def is_too_small(self, size: tuple[int, ...]) -> bool:
        """Whether an image that was resized may have no room for what `crop` cuts out."""
        return self.resize is not None and self.resize[0] < min(size)

    def share(self, size: tuple[int, ...]) -> float:
        """Return the most of a resized image that a crop sees."""
        return prod(size) / self.resize[0] ** 2 if self.resize is not None else 1

    def resized(self, shape: tuple[int, ...]) -> int:
        """Return the shorter side of an image whose centre is cut out for validation."""
        side = max(shape[1:])
        if self.resize is not None and self.resize[0] == self.resize[1]:
            return self.resize[0]
        return usual_resize(shape[1:]) if self.resized_crop or self.resize else side

    def transforms(self, shape: tuple[int, ...]) -> list[str]:
        """Return what is done to training images, in order, as expressions; none for nothing."""
        steps = self._cut(shape)
        if self.flip:
            steps.append("v2.RandomHorizontalFlip()")
        if self.jitter:
            steps.append(f"v2.ColorJitter({', '.join(3 * [f'{self.jitter:g}'])})")
        if self.lighting:
            steps.append(f"Lighting({self.lighting:g})")
        return steps

    def _cut(self, shape: tuple[int, ...]) -> list[str]:
        if self.resized_crop:
            return ["v2.RandomResizedCrop(SHAPE[1:])"]
        if self.resize is not None:
            least, most = self.resize
            sides = f"v2.RandomShortestSize(list(range({least}, {most + 1})))"
            resize = sides if least < most else f"v2.Resize({least})"
            return [resize, "v2.RandomCrop(SHAPE[1:])"]
        if self.crop:
            mode = ', padding_mode="reflect"' if self.reflect else ""
            crop = f"v2.RandomCrop(SHAPE[1:], padding={self.pad}{mode})"
            return [f"v2.Resize({max(shape[1:])})", crop]
        if self.flip or self.is_of_colours:
            return [f"v2.Resize({self.resized(shape)})", "v2.CenterCrop(SHAPE[1:])"]
        return []


@register
class MixUp(Line):
    """Mixes images of a batch in pairs, and their labels. Zhang et al. 2017, arXiv:1710.09412."""

    name = "mixup"
    example = "mixup 0.2"
    alpha: float = number(float, doc="of the Beta distribution of the shares")

    def flags(self) -> list[Flag]:
        return [Flag("mixup", "float", float(self.alpha), "its alpha")] if self.alpha else []

    def setup(self, script: Script) -> list[str]:
        if not self.alpha:
            return []
        mixup = f"v2.MixUp(alpha=args.mixup or 1.0, num_classes={script.classes})"
        return [f"self.mixup = {mixup}"]

    def on_batch(self) -> list[str]:
        if not self.alpha:
            return []
        return ["if args.mixup:", "    x, labels = self.mixup(x, labels)"]
