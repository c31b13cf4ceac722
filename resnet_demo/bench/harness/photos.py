"""Photos to measure with, made from those that come with the app: large ones, groups of people, folders full."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance

from resnet_demo.images import overlay

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
FLOWERS = ("dahlia", "marigold", "yellow-daisy")
CAMERA = (4000, 3000)  # 12 megapixels
QUALITY = 90
GROUP = 1000  # pixels, the width of the group photo
# Square parts of the example photos that show one person each: left, top and side as shares of the width.
PEOPLE = (
    ("astronaut", (0.1, 0.0, 0.7)),
    ("president", (0.2, 0.1, 0.65)),
    ("two-people", (0.0, 0.05, 0.45)),
    ("two-people", (0.5, 0.05, 0.45)),
    ("astronaut", (0.2, 0.0, 0.5)),
)
COLUMNS = 3


def example(name: str) -> Image.Image:
    """A photo that comes with the app, RGB."""
    with Image.open(EXAMPLES / f"{name}.jpg") as image:
        return image.convert("RGB")


def camera_photo(size: tuple[int, int] = CAMERA) -> bytes:
    """The JPEG file of a photo as cameras make it: an example photo, scaled up, with seeded grain."""
    width, height = size
    large = example("marigold").resize(size, Image.Resampling.BICUBIC)
    grain = np.random.default_rng(0).normal(0, 4, (height, width, 1)).astype(np.float32)
    return overlay.encode_jpeg(Image.fromarray((np.asarray(large) + grain).clip(0, 255).astype(np.uint8)), QUALITY)


def group_photo(width: int = GROUP) -> Image.Image:
    """Five people in two rows, and a flower in the sixth place, RGB of 3 to 2."""
    side = width // COLUMNS
    photo = Image.new("RGB", (width, 2 * side))
    for index, (name, (left, top, share)) in enumerate((*PEOPLE, ("dahlia", (0.2, 0.0, 0.6)))):
        part = example(name)
        x, y, length = (part.width * value for value in (left, top, share))
        box = (x, y, x + length, y + length)
        row, column = divmod(index, COLUMNS)
        # The last one of a row fills what is left of it.
        size = (width - column * side if column == COLUMNS - 1 else side, side)
        photo.paste(
            part.resize(size, Image.Resampling.LANCZOS, box=box),
            (column * side, row * side),
        )
    return photo


def folder_of_photos(folder: Path, count: int, width: int = 1024) -> Sequence[Path]:
    """``count`` different JPEG files: the example flowers, cut and lit in seeded ways, ``width`` × ¾ of it."""
    random = np.random.default_rng(0)
    paths = [folder / f"{index:04}.jpg" for index in range(count)]
    for index, path in enumerate(paths):
        photo = example(FLOWERS[index % len(FLOWERS)])
        side = random.uniform(0.7, 1.0)
        left, top = random.uniform(0, 1 - side, 2) * photo.size
        box = (left, top, left + side * photo.width, top + side * photo.height)
        photo = photo.resize((width, width * 3 // 4), box=box)
        photo = ImageEnhance.Brightness(photo).enhance(random.uniform(0.7, 1.3))
        path.write_bytes(overlay.encode_jpeg(photo, QUALITY))
    return paths
