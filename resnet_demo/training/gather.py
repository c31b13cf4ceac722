"""The command ``gather``: photos from anywhere become further training pictures, none a copy of a known one.

Photo collections copy from one another, so what looks new may well lie in a test split. Each photo is therefore
compared with every picture of the data sets, all splits, and with those before it, see ``copies``. How many copies of
known pictures that finds is measured each time.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import chain
from operator import add
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from tqdm import tqdm

from resnet_demo.checkpoints.records import Gathered
from resnet_demo.checkpoints.steps import Step, shown_path
from resnet_demo.errors import UserError
from resnet_demo.images.decode import open_photo
from resnet_demo.inference.classifier import Classifier
from resnet_demo.training import copies
from resnet_demo.training.data.datasets import Pictures, data_set_of, pictures_below, read_rows, unlabelled_pictures
from resnet_demo.training.data.datasets import data_folder as default_data
from resnet_demo.training.data.gather_record import OTHER, RECORD
from resnet_demo.training.data.own_items import SUFFIXES
from resnet_demo.training.evaluation.features import photos
from resnet_demo.training.recipe import load_recipe
from resnet_demo.utils.json_record import as_json

SMALLEST, SIDE, QUALITY = 100, 256, 92  # pixels of a photo's short side, at least and as it is stored; JPEG
CHECKED = 300  # known pictures of which altered copies are made


@dataclass(frozen=True)
class Found:
    """A photo that can be used: where it was, relative to its folder, and its JPEG."""

    source: str
    folder: Path
    path: Path
    data: bytes

    def picture(self) -> Image.Image:
        return Image.open(io.BytesIO(self.data))


def gather(
    folders: Sequence[Path],
    out: Path,
    apart: Sequence[str],
    classes: str | None,
    data: Path | None,
    listed: Sequence[Path] = (),
) -> Gathered:
    """Write the photos below ``folders`` that are new to ``out``, short side 256 pixels, and a record of them.

    Args:
        folders: each one's subfolders are its sources, such as one a public repository.
        apart: data sets that no photo may be near to, in any split, and folders of what was gathered before.
        classes: a data set; photos in a folder named as one of its classes (one or many of them: rose, roses) go into
            a subfolder of that name, which ``train --labelled`` takes; all others into ``other``.
        listed: only the photos that these files list, with the classes that they give them, see ``listed_photos``.

    Returns:
        What ``out``/gathered.json holds: counts, by source and by class, and how the copies were told.

    Raises:
        UserError: no photos that can be used, or ``out`` is in use.
    """
    if out.exists() and any(out.iterdir()):
        raise UserError(f"{out} is not empty: choose a new folder for the pictures.")
    named = listed_photos(folders, listed) if listed else None
    every = ((folder, path) for folder in folders for path in pictures_below(folder))
    files = list(every if named is None else named)
    if not files:
        raise UserError(f"There are no pictures in {', '.join(map(str, folders))}: name folders with photos.")
    names = class_folders(classes, data) if classes else {}
    known = [unlabelled_pictures([each], ("train", "val", "test"), data) for each in apart]
    found, unusable = read(files)
    if not found:
        raise UserError(f"None of the {len(files)} pictures can be read and has {SMALLEST} pixels a side: name others.")
    network = copies.comparer()
    seen = reduce(
        add, (copies.looks_of(network, photos(part, range(len(part))), len(part), part.sources[0]) for part in known)
    )
    checked = copies_found(network, known, seen)
    new = copies.looks_of(network, (each.picture() for each in found), len(found), "photos")
    near = copies.copies_of(new, seen)
    again = copies.copies_within(new, ~near)
    kept = [each for each, drop in zip(found, near | again, strict=True) if not drop]
    out.mkdir(parents=True, exist_ok=True)
    by_source, by_class = Counter(each.source for each in kept), Counter[str]()
    for number, each in enumerate(kept):
        if named:
            name = named[each.folder, each.folder / each.path]
        else:
            parts = (part.lower() for part in reversed(each.path.parts[:-1]))
            name = next((names[part] for part in parts if part in names), OTHER)
        by_class[name] += 1
        (out / name).mkdir(exist_ok=True)
        (out / name / f"{number:05d}.jpg").write_bytes(each.data)
    record = Gathered(
        pictures=len(kept),
        files=len(files),
        unusable=unusable,
        near_known=int(near.sum()),
        near_one_another=int(again.sum()),
        apart=[Path(each).name or each for each in apart],
        listed=[each.name for each in listed],
        command=step_of(folders, out, apart, classes, listed).line,
        copies=checked,
        by_source=dict(sorted(by_source.items())),
        by_class=dict(sorted(by_class.items())),
    )
    (out / RECORD).write_text(json.dumps(as_json(record), indent=1, ensure_ascii=False) + "\n", "utf-8")
    return record


def step_of(
    folders: Sequence[Path], out: Path, apart: Sequence[str], classes: str | None, listed: Sequence[Path]
) -> Step:
    """What makes the same folder again, for cards: without the folders of this machine."""
    options = {"--out": [shown_path(out)], "--apart": [shown_path(Path(each)) for each in apart]}
    if classes:
        options["--classes"] = [classes]
    if listed:
        options["--listed"] = [*map(shown_path, listed)]
    return Step("gather", [*map(shown_path, folders)], options)


def listed_photos(folders: Sequence[Path], listed: Sequence[Path]) -> dict[tuple[Path, Path], str]:
    """(folder, photo) → class, of the photos that CSV files list.

    Their columns are repository, commit, path and class; the repository's files at that commit lie in the subfolder
    ``owner+name`` of one of ``folders``, and a path may hold ``*`` and ``?``. The first row that fits a photo counts.
    """
    found: dict[tuple[Path, Path], str] = {}
    for row in chain.from_iterable(map(read_rows, listed)):
        for folder in folders:
            place = folder / row["repository"].replace("/", "+")
            paths = sorted(place.glob(row["path"])) if set("*?") & set(row["path"]) else [place / row["path"]]
            for path in paths:
                if path.suffix.lower() in SUFFIXES and path.is_file():
                    found.setdefault((folder, path), row["class"])
    return found


def class_folders(task: str, data: Path | None) -> dict[str, str]:
    """Names of folders, in small letters → class of a data set: rose and roses, daisy and daisies."""
    found: dict[str, str] = {}
    names = [row["name"] for row in read_rows((data or default_data()) / data_set_of(task) / "classes.csv")]
    for title in [*names, *(load_recipe(task).classes if data_set_of(task) != task else ())]:
        name = title.lower()
        many = f"{name[:-1]}ies" if name.endswith("y") else f"{name}s"
        found |= {name: title, many: title}
    return found


def read(files: Sequence[tuple[Path, Path]]) -> tuple[list[Found], int]:
    """The photos of (folder, file) that can be read and are large enough, scaled down, and how many are not."""
    found, unusable = [], 0
    for folder, path in tqdm(files, desc="reading", unit="picture"):
        try:
            photo = open_photo(path, draft_side=2 * SIDE)
        except UserError:
            unusable += 1
            continue
        if min(photo.size) < SMALLEST:
            unusable += 1
            continue
        inside = path.relative_to(folder)
        source = inside.parts[0] if len(inside.parts) > 1 else folder.name
        found.append(Found(source, folder, inside, encoded(photo)))
    return found, unusable


def encoded(photo: Image.Image, side: int = SIDE, quality: int = QUALITY) -> bytes:
    """A photo's JPEG, its short side at most ``side`` pixels."""
    scale = min(1.0, side / min(photo.size))
    photo = photo.resize([max(1, round(scale * length)) for length in photo.size], Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    photo.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def copies_found(network: Classifier, known: Sequence[Pictures], seen: copies.Looks) -> dict[str, dict[str, float]]:
    """Of altered copies of known pictures, the share, in percent, that is found."""
    places = [(part, index) for part in known for index in range(len(part))]
    chosen = np.linspace(0, len(places) - 1, min(CHECKED, len(places))).astype(int)

    def altered(change) -> Iterator[Image.Image]:
        for place in chosen:
            part, index = places[place]
            for photo in photos(part, [index]):
                yield change(photo)

    found = {}
    for name, change in ALTERED.items():
        looks = copies.looks_of(network, altered(change), len(chosen), name)
        found[name] = {"found": round(100 * float(copies.copies_of(looks, seen).mean()), 1), "n": len(chosen)}
    return found


def _cut(photo: Image.Image) -> Image.Image:
    width, height = photo.size
    return photo.crop((round(0.08 * width), round(0.08 * height), round(0.92 * width), round(0.92 * height)))


def _small(photo: Image.Image) -> Image.Image:
    return Image.open(io.BytesIO(encoded(photo, min(photo.size) // 2, 60)))


def _squeezed(photo: Image.Image) -> Image.Image:
    return photo.resize((128, 128))


def _turned(photo: Image.Image) -> Image.Image:
    return photo.rotate(7, Image.Resampling.BILINEAR)


ALTERED = {
    "half the size, JPEG of quality 60": _small,
    "mirrored": ImageOps.mirror,
    "a twelfth cut off at each side": _cut,
    "squeezed into 128 × 128 pixels": _squeezed,
    "turned by 7°": _turned,
}
