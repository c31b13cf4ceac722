"""The command ``relabel``: landmarks of gathered faces, in the mean with those that a trained network finds.

A face mesh and a network go wrong in different ways, so their mean is nearer to what people would have put there than
either, and a network that learns from it can get better than the one that was asked.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

from resnet_demo import checkpoints, tasks
from resnet_demo.checkpoints.records import Gathered
from resnet_demo.checkpoints.steps import Step, shown_path
from resnet_demo.errors import UserError
from resnet_demo.faces import alignment
from resnet_demo.inference.landmarks import LandmarkPredictor
from resnet_demo.tasks.landmarks import MIRROR
from resnet_demo.training.data.datasets import Pictures, labelled_points
from resnet_demo.training.data.face_frames import find_frames
from resnet_demo.training.data.gather_record import RECORD, records
from resnet_demo.training.gather_faces import write
from resnet_demo.utils import cpu
from resnet_demo.utils.json_record import as_json

BATCH = 16


def relabel_faces(folder: Path, network: Path, out: Path, share: float) -> Gathered:
    """Write the faces of ``folder`` to ``out`` with other landmarks: the mean of those there and of the network's.

    Args:
        folder: what the command ``faces`` made.
        network: a checkpoint folder of 68 face landmarks.
        share: of the network's landmarks in the mean, above 0 and at most 1.

    Raises:
        UserError: ``out`` is in use, no such faces, a network of other points, or a share out of its range.
    """
    if not 0 < share <= 1:
        raise UserError(f"--share cannot be {share:g}: choose more than 0 and at most 1.")
    if out.exists() and any(out.iterdir()):
        raise UserError(f"{out} is not empty: choose a new folder for the faces.")
    pictures = labelled_points(folder, len(MIRROR))
    if (record := records([folder]).get(folder.as_posix())) is None or record.mesh is None:
        raise UserError(f"There is no record of the command faces in {folder}: name a folder that it made.")
    checkpoint = checkpoints.load_folder(network)
    if checkpoint.spec.points != len(MIRROR) or not checkpoint.spec.detector:
        raise UserError(f"{network} does not find {len(MIRROR)} face landmarks: name a checkpoint of faces68.")
    predict = LandmarkPredictor(checkpoint.spec.name, checkpoint.depth, "cpu", checkpoint=checkpoint)
    pictures = find_frames(pictures)
    found = points_of(predict, pictures)
    points = share * found + (1 - share) * pictures.labels
    apart = np.linalg.norm(found - pictures.labels, axis=2).mean(axis=1)
    apart /= [frame.side for frame in pictures.frames]
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f"{out.name}-") as part:
        made = Path(part) / "made"
        (made / "images").mkdir(parents=True)
        paths = [made / "images" / path.name for path in pictures.paths]
        for path, copy in zip(pictures.paths, paths, strict=True):
            link(path, copy)
        write(made, pictures.sources, paths, points)
        options = {"--network": [shown_path(network)], "--out": [shown_path(out)], "--share": [f"{share:g}"]}
        step = Step("relabel", [shown_path(folder)], options)
        lines = [record.command, step.line] if record.command else [step.line]
        mesh = replace(record.mesh, network=shown_path(network), share=share, apart=round(100 * float(apart.mean()), 2))
        record = replace(record, command="\n".join(lines), mesh=mesh, stored=None)
        (made / RECORD).write_text(json.dumps(as_json(record), indent=1, ensure_ascii=False) + "\n", "utf-8")
        if out.exists():
            out.rmdir()
        made.rename(out)
    return record


def points_of(predict: LandmarkPredictor, pictures: Pictures) -> np.ndarray:
    """Landmarks (n, points, 2) in the pictures' pixels: the mean of a face's and of its mirror image's.

    Networks put all points to the right, as the annotators did, and to the left in a mirror: how far, as a share of the
    crop, is the same for all faces, so it is measured on these and put back.
    """
    spec = predict.spec
    matrices = [alignment.frame_matrix(frame, spec.margin, spec.size) for frame in pictures.frames]
    plain, mirrored = [], []
    for first in tqdm(range(0, len(pictures), BATCH), desc="landmarks", unit="batch"):
        rows = list(range(first, min(first + BATCH, len(pictures))))
        crops = np.stack(cpu.each(partial(crop_of, pictures, matrices, spec.size), rows))
        logits = predict.engine.run(np.concatenate([crops, crops[:, :, ::-1]])).logits
        points = np.stack([tasks.decode_keypoints(each) for each in logits])  # (2 b, points, 2) in 0..1
        plain.append(points[: len(rows)])
        mirrored.append((points[len(rows) :] * (-1, 1) + (1, 0))[:, MIRROR])
    straight, back = np.concatenate(plain), np.concatenate(mirrored)
    shift = (straight - back)[..., 0].mean()
    both = (straight + back + (shift, 0)) / 2
    return np.stack(
        [alignment.to_photo(points, matrix, spec.size) for points, matrix in zip(both, matrices, strict=True)]
    )


def crop_of(pictures: Pictures, matrices: list[np.ndarray], size: int, row: int) -> np.ndarray:
    """The upright face, uint8 (size, size, 3), whose picture is not kept in memory for it."""
    found = alignment.crop(pictures.picture(row), matrices[row], size)
    pictures.cache.pop(row, None)
    return found


def link(path: Path, copy: Path) -> None:
    """The same file at a second place, which takes no room; a copy where the disk has no links."""
    try:
        os.link(path, copy)
    except OSError:
        shutil.copyfile(path, copy)
