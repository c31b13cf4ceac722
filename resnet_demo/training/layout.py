"""The command ``layout``: a published set of classes as picture files, one folder a class, which any program reads."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

from PIL import Image
from tqdm import tqdm

from resnet_demo.errors import UserError
from resnet_demo.tasks import CLASSIFICATION
from resnet_demo.training.data.formats.registry import recognise
from resnet_demo.training.data.own_items import Found, Item


def lay_out(data: Path, out: Path) -> tuple[Counter[str], tuple[str, ...]]:
    """Write the pictures of a published set to ``out``/part/class/name, such as ``train/airplane/data_batch_1-29.png``.

    Pictures of an archive become PNG, which loses nothing, named by batch and row: so they have the order that they
    have in the archive, and training chooses the same ones for val. Files are copied as they are. ``out`` is whole or
    not there: where something goes wrong, what was written until then is removed.

    Args:
        data: what the set was downloaded as; which sets: see ``data.formats``.

    Returns:
        How many pictures each part has, and the classes.

    Raises:
        UserError: no such set, one of keypoints, one that is laid out already, or ``out`` is in use.
    """
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise UserError(f"{out} is there already: choose a new folder for the pictures.")
    found = read(data)
    out.parent.mkdir(parents=True, exist_ok=True)
    # Beside it, so that it need only be renamed.
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as beside:
        whole = Path(beside) / out.name
        for item in tqdm(found.items, "writing", unit="picture", mininterval=1):
            folder = whole / item.part / found.classes[int(item.label)]
            folder.mkdir(parents=True, exist_ok=True)
            write(item, folder)
        if out.exists():
            out.rmdir()
        whole.rename(out)
    return Counter(item.part for item in found.items), found.classes


def read(data: Path) -> Found:
    """The pictures of a set that can be laid out."""
    if not data.exists():
        raise UserError(f"There is no {data}: pass the set as it was downloaded, such as cifar-10-python.tar.gz.")
    known = recognise(data)
    if known is None:
        raise UserError(
            f"{data} is no published set that is known here: pass cifar-10-python.tar.gz, cifar-10-binary.tar.gz or "
            "the folder of Oxford 102 Flowers."
        )
    form, source = known
    if form.kind != CLASSIFICATION:
        raise UserError(f"{data} holds {form.title}, and only classes become folders: train on it as it is.")
    found = form.read(source)
    if all(item.path.parent.name == found.classes[int(item.label)] for item in found.items):
        raise UserError(f"{data} has a folder for each class already: train on it as it is.")
    return found


def write(item: Item, folder: Path) -> None:
    """A picture into the folder of its class."""
    if item.pixels is None:
        (folder / item.path.name).write_bytes(item.path.read_bytes())
    else:
        Image.fromarray(item.pixels).save(folder / f"{item.name.replace('/', '-')}.png")
