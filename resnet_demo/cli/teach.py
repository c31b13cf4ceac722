"""The command ``teach``: classes of one's own in a moment, without training."""

from __future__ import annotations

import argparse
import re
from functools import partial
from pathlib import Path

from resnet_demo.cli.options import Commands, Parser, add_command, add_depth, add_device, complain
from resnet_demo.errors import UserError


def add_teach(commands: Commands) -> Parser:
    parser = add_command(
        commands,
        "teach",
        "classes of your own in seconds: a new last layer for a bundled network",
        "photos/ --out pets",
        run_teach,
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="one subfolder of photos a class")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the checkpoint")
    parser.add_argument("--name", help="what the task is called (default: as DIR)")
    parser.add_argument(
        "--trunk",
        metavar="TASK",
        help="whose network is taught: imagenet1k for all kinds of things, flowers102 for flowers, or another task "
        "with classes (default: the first of these two that is on this machine)",
    )
    add_depth(parser)
    add_device(parser)
    return parser


def run_teach(options: argparse.Namespace) -> int:
    import numpy as np

    from resnet_demo import checkpoints
    from resnet_demo.cli.predict import bar
    from resnet_demo.images.archives import Source
    from resnet_demo.images.class_folders import class_files
    from resnet_demo.inference.predictor import load
    from resnet_demo.tasks.bundled import check_own_name
    from resnet_demo.teach import features, head, save

    name = options.name or name_of(options.out)
    check_own_name(name)
    check_out(options.out)
    check_place(options.out, name, options.depth)
    classes = class_files(check_folder(options.folder))
    names = tuple(classes)
    check_names(names)
    network = load(options.trunk or head.default_trunk(options.depth), options.depth, options.device)
    head.check_trunk(network)
    files = [(file, label) for label, found in enumerate(classes.values()) for file in found]
    sources = [Source(str(file), partial(str, file)) for file, _ in files]
    show = bar("photos")
    known, labels, reasons = [], [], []
    for done, (photo, (file, label)) in enumerate(zip(features.look(network, sources), files, strict=True), 1):
        if photo.features is None:
            reasons.append(f"Skipped {file}: {photo.reason}")
        else:
            known.append(photo.features)
            labels.append(label)
        show(done, len(files))
    for reason in reasons:
        complain(reason)
    head.check_counts(names, np.array(labels, np.int64))
    taught = head.teach(network, name, names, np.stack(known), np.array(labels, np.int64))
    folder = save.save(taught, options.out, len(reasons))
    if folder.resolve().is_relative_to(checkpoints.weights_folder().resolve()):
        checkpoints.register(folder)
        where = ""
    else:
        where = f"RESNET_DEMO_WEIGHTS={options.out.as_posix()} "
    print(summary(taught))
    print(
        f"The checkpoint is in {folder}. Try `{where}python -m resnet_demo predict PHOTO --task {name} --depth "
        f"{options.depth}`, or `{where}python -m resnet_demo serve`."
    )
    return 0


def name_of(out: Path) -> str:
    """What a task is called after the checkpoint's folder; that of its depth is in one with the task's name."""
    folder = out.resolve()
    called = folder.parent.name if re.fullmatch(r"resnet\d+", folder.name) else folder.name
    return re.sub(r"[^a-z0-9_-]+", "-", called.lower()).strip("-") or "own"


def check_place(out: Path, name: str, depth: int) -> None:
    """Raises UserError where the weights folder has such a task already, in another place."""
    from resnet_demo import checkpoints

    root = checkpoints.weights_folder()
    if not out.resolve().is_relative_to(root.resolve()) or not checkpoints.has_index(root):
        return
    known = [record for record in checkpoints.read_index(root) if record.key == (name, depth) and record.file]
    places = [(root / record.file).resolve().parent for record in known if record.file]
    if places and out.resolve() not in places:
        raise UserError(
            "There is a ResNet-{depth} for {name} already, in {folder}: choose another --name.",
            depth=depth,
            name=name,
            folder=places[0],
        )


def check_names(names: tuple[str, ...]) -> None:
    """Raises UserError where the name of a class cannot be written down."""
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError:
            raise UserError("The folder {name!r} has a name that is not UTF-8: rename it.", name=name) from None


def check_folder(folder: Path) -> Path:
    """Raises UserError where there is no folder to learn from."""
    if not folder.exists():
        raise UserError("There is no {folder}: pass a folder with one subfolder of photos a class.", folder=folder)
    if not folder.is_dir():
        raise UserError("{folder} is no folder: pass the one that holds a subfolder of photos a class.", folder=folder)
    return folder


def check_out(folder: Path) -> None:
    """Raises UserError where a folder holds something that was not taught, which would be overwritten."""
    from resnet_demo import checkpoints

    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    taught = (folder / checkpoints.CONFIG).is_file() and "taught" in checkpoints.read_config(folder).record
    if not taught:
        raise UserError("{folder} is there already and holds other things: choose another --out.", folder=folder)


def summary(taught) -> str:
    """How well the photos are named, in lines for people."""
    names, confusion, accuracy = taught.checkpoint.spec.labels, taught.confusion, taught.accuracy
    right = int(confusion.trace())
    lines = [
        f"Leave-one-out accuracy: {accuracy.value:.1f} % ({right} of {len(taught.labels)} photos, 95 % interval "
        f"{accuracy.low:.1f} to {accuracy.high:.1f} %), ResNet-{taught.checkpoint.depth} of {taught.trunk}"
    ]
    for index, name in enumerate(names):
        row = confusion[index]
        taken = ", ".join(f"{names[k]} ({row[k]})" for k in row.argsort()[::-1] if k != index and row[k])
        lines.append(f"  {name}: {row[index]} of {row.sum()}{f', taken for {taken}' if taken else ''}")
    return "\n".join(lines)
