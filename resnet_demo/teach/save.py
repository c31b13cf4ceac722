"""What was taught as files: a checkpoint as all others, with an index of its own and a card."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from resnet_demo import checkpoints
from resnet_demo.checkpoints.calibration_record import Fitted
from resnet_demo.checkpoints.records import OwnData, Ranges
from resnet_demo.tasks import BUNDLED
from resnet_demo.teach import confidence
from resnet_demo.teach.head import Taught
from resnet_demo.utils.markdown import head as table_head
from resnet_demo.utils.markdown import row

NAMED = 20  # classes and mistakes that a card lists


def save(taught: Taught, folder: str | Path, skipped: int = 0) -> Path:
    """Write a checkpoint folder that ``RESNET_DEMO_WEIGHTS`` can name and ``from_pretrained`` reads.

    Args:
        folder: made where it is missing.
        skipped: files that could not be used, for the card.

    Returns:
        The folder.

    Raises:
        OSError: it cannot be written.
    """
    folder = Path(folder)
    checkpoints.save_stored(folder, taught.checkpoint, card(taught, skipped), record_of(taught, skipped))
    checkpoints.write_index(folder, [checkpoints.index_record(folder, folder)])
    return folder


def pack(folder: Path, path: Path) -> Path:
    """A checkpoint folder as a zip with that folder in it, not compressed: weights hardly get smaller."""
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, f"{folder.name}/{file.name}")
    return path


def record_of(taught: Taught, skipped: int) -> dict[str, object]:
    """The parts of ``config.json`` beyond weights and task; ``own`` keeps it from being published by mistake."""
    made, photos = taught.checkpoint, len(taught.labels)
    names = made.spec.labels
    counts = np.bincount(taught.labels, minlength=len(names)).tolist()
    own = OwnData(
        counts={"train": photos, "val": 0, "test": 0},
        classes={name: [count, 0, 0] for name, count in zip(names, counts, strict=True)},
        split="not at all: each was left out in turn",
        skipped=skipped,
    )
    return {
        "own": own,
        "taught": {"trunk": taught.trunk, "penalty": taught.penalty, "confusion": taught.confusion.tolist()},
        "calibration": {
            **made.calibration.to_json(),
            "command": "",
            "fitted": Fitted(photos, photos, seen=False, kept=confidence.KEPT),
            "measured": {},
            "compared": [],
        },
        **({"ranges": Ranges(inputs=made.ranges)} if made.ranges else {}),
    }


def card(taught: Taught, skipped: int = 0) -> str:
    """The model card."""
    from huggingface_hub.utils import yaml_dump

    made, accuracy = taught.checkpoint, taught.accuracy
    name, names, depth, network = made.spec.name, made.spec.labels, made.depth, made.architecture
    head = {
        "license": "other",
        "library_name": "resnet-demo",
        "pipeline_tag": made.spec.pipeline,
        "tags": ["resnet", f"resnet{depth}", "grad-cam"],
        "metrics": ["accuracy"],
    }
    photos_of = np.bincount(taught.labels, minlength=len(names)).tolist()
    counts = [row((cell(label), count)) for label, count in [*zip(names, photos_of, strict=True)][:NAMED]]
    rest = f"\n\nAnd {len(names) - NAMED} more classes." if len(names) > NAMED else ""
    photos = "\n".join([table_head(("class", "photos")), *counts]) + rest
    confusion = taught.confusion
    mistakes = [
        (int(confusion[true, found]), names[true], names[found])
        for true, found in zip(*np.nonzero(confusion), strict=True)
        if true != found
    ]
    lines = [row((cell(true), cell(found), times)) for times, true, found in sorted(mistakes, reverse=True)[:NAMED]]
    table = "\n".join([table_head(("is", "taken for", "times")), *lines])
    wrong = f"\n\nMistakes:\n\n{table}" if lines else ""
    left = f" {skipped} more {'file' if skipped == 1 else 'files'} could not be used." if skipped else ""
    return f"""\
---
{yaml_dump(head, sort_keys=False)}---

# {network.title}: {name}

{len(names)} classes, taught with {len(taught.labels):,} photos.{left} Input {made.spec.size} × {made.spec.size} pixels,
stored as 8-bit integers per output channel.

The network is the {network.title} of `{taught.trunk}` as it is. Only its last layer is new: ridge regression on the
pooled features, with a penalty of {taught.penalty:.3g} times the number of photos, chosen by leave-one-out.

{photos}

## Accuracy

Each photo was named by a layer that was solved without it (leave-one-out): **{accuracy.value:.1f} %** of
{len(taught.labels):,} right, 95 % interval {accuracy.low:.1f} to {accuracy.high:.1f} %. Photos that are nearly
alike, such as frames of one film, make this figure too good; no other photos were used to measure it.{wrong}

## Calibration

The last layer is scaled so that its probabilities come true for the photos left out. A photo is said to be probably
none of the classes where its features come less near to a class's mean than those of {100 * confidence.KEPT:.0f} % of
the photos did when they were left out.

## Use

```sh
RESNET_DEMO_WEIGHTS=FOLDER resnet-demo predict PHOTO --task {name} --depth {depth}
RESNET_DEMO_WEIGHTS=FOLDER resnet-demo serve
```

```python
network = resnet_demo.ResNet.from_pretrained("FOLDER")
```

FOLDER is the one with this file. To train all layers on the same photos:
`resnet-demo train --data PHOTOS {network.train_option} --name {name}`.

## Limits

It knows these {len(names)} classes and nothing else. {licence_of(taught.trunk)}
"""


def cell(name: str) -> str:
    """A class's name, which anybody may have chosen, in a table."""
    return " ".join(name.split()).replace("|", "\\|")


def licence_of(trunk: str) -> str:
    """What is known of the weights below the last layer."""
    said = f"The weights below the last layer are those of `{trunk}`"
    return f"{said}: {BUNDLED[trunk].data.licence}" if trunk in BUNDLED else f"{said}."
