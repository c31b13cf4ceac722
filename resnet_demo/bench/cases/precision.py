"""How near the quick arithmetic of this CPU comes to float32: the same class, the same maps, the same keypoints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from resnet_demo import checkpoints, tasks
from resnet_demo.backends.openvino import OpenVinoEngine, best_precision, float_precision
from resnet_demo.bench import results
from resnet_demo.bench.results import Row
from resnet_demo.bench.settings import Settings
from resnet_demo.checkpoints import Checkpoint
from resnet_demo.errors import UserError
from resnet_demo.explain import gradcam
from resnet_demo.images.decode import open_photo
from resnet_demo.inference.landmarks import LandmarkPredictor
from resnet_demo.training.data.datasets import load_pictures

MAX_PICTURES = 500  # pictures, spread evenly over the test split
PIECE = 20  # pictures at a time
FLOWERS, FACES = "flowers102", "faces68"
SAME_CLASS, LIKENESS, DISTANCE = 99.4, 0.99, 0.3  # goals
EXPLANATION = """
{count} pictures of the test split through the networks in each precision that this CPU is quick in, beside float32:
- the class is the same;
- the Grad-CAM map of float32's class: the correlation of the two on the worst picture;
- keypoints: their mean distance from float32's in percent of the face's size, of all faces and of the farthest.
"""


def measure(settings: Settings) -> list[dict]:
    """Print a table, and return its rows for JSON; a sentence and no rows where there are no data sets."""
    try:
        pictures = {task: some(load_pictures(task, ("test",), settings.data).paths) for task in (FLOWERS, FACES)}
    except UserError as error:
        print(f"\nNothing was measured beside float32: {error}", flush=True)
        return []
    print(EXPLANATION.format(count=MAX_PICTURES), flush=True)
    rows: list[Row] = []
    for depth in settings.depths:
        for task, way in ((FLOWERS, classes), (FACES, keypoints)):
            try:
                checkpoint = checkpoints.load(task, depth)
            except UserError:
                continue
            for precision in dict.fromkeys((best_precision(checkpoint), float_precision())):
                if precision != "f32":
                    rows += way(checkpoint, precision, pictures[task])
    print(results.table(rows), flush=True)
    return results.to_dicts(rows)


def some(paths: Sequence[Path]) -> Sequence[Path]:
    """Evenly spread pictures of a split, ``MAX_PICTURES`` at most."""
    return paths[:: max(1, len(paths) // MAX_PICTURES)][:MAX_PICTURES]


def row(checkpoint: Checkpoint, engine: OpenVinoEngine, way: str, value: float, unit: str, goal: float | None) -> Row:
    what = f"{checkpoint.spec.name}, {checkpoint.architecture.title}, {engine.backend}"
    lower = unit.startswith("% of")
    return Row(
        what=what,
        way=way,
        unit=unit,
        lower_is_better=lower,
        median=value,
        lowest=value,
        highest=value,
        ours=True,
        target_ratio=goal,
    )


def classes(checkpoint: Checkpoint, precision: str, paths: Sequence[Path]) -> Iterator[Row]:
    quick, plain = OpenVinoEngine(checkpoint, precision), OpenVinoEngine(checkpoint, "f32")
    same: list[bool] = []
    likeness: list[float] = []
    for first in tqdm(range(0, len(paths), PIECE), desc=f"{quick.backend}, {checkpoint.architecture.title}"):
        photos = map(open_photo, paths[first : first + PIECE])
        batch = np.stack([tasks.preprocess(checkpoint.spec, photo)[0] for photo in photos])
        ours, expected = quick.run(batch), plain.run(batch)
        best = expected.logits.argmax(axis=1)
        same += list(ours.logits.argmax(axis=1) == best)
        for index, label in enumerate(best):
            weights = plain.head_weights[label : label + 1]
            maps = [gradcam.last_stage(one.features[index], weights).ravel() for one in (ours, expected)]
            likeness.append(float(np.corrcoef(maps)[0, 1]))
    yield row(checkpoint, quick, "the same class", 100 * float(np.mean(same)), "%", SAME_CLASS)
    yield row(checkpoint, quick, "maps, the worst correlation", min(likeness), "", LIKENESS)


def keypoints(checkpoint: Checkpoint, precision: str, paths: Sequence[Path]) -> Iterator[Row]:
    task, depth = checkpoint.spec.name, checkpoint.depth
    quick, plain = (LandmarkPredictor(task, depth, "cpu", checkpoint=checkpoint) for _ in range(2))
    quick.engine, plain.engine = OpenVinoEngine(checkpoint, precision), OpenVinoEngine(checkpoint, "f32")
    distances: list[float] = []
    for path in tqdm(paths, desc=f"{quick.engine.backend}, {checkpoint.architecture.title}"):
        photo = open_photo(path)
        for ours, expected in zip(quick(photo).faces, plain(photo).faces, strict=True):
            size = np.ptp(expected.keypoints, axis=0).max()
            distances.append(100 * float(np.linalg.norm(ours.keypoints - expected.keypoints, axis=1).mean() / size))
    yield row(checkpoint, quick.engine, "keypoints, all faces", float(np.mean(distances)), "% of the face", DISTANCE)
    yield row(checkpoint, quick.engine, "keypoints, the farthest face", max(distances), "% of the face", None)
