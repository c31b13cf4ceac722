"""The command ``calibrate``: a temperature for the probabilities, and what known pictures look like; both measured.

Nothing is fitted on test pictures, nor on those that show none of the classes: for telling these, only what is known
is needed, the means of each class among the training pictures, and how near to one of them known pictures come. (What
share of known pictures passes, ``--kept``, was chosen for the bundled networks with photos of other things at hand.)

Where the checkpoint was trained on val too, its val pictures look too well known. Then hard views of them stand in:
small, enlarged again and oddly coloured crops that training never showed. Where it was not, val itself serves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from torchvision.transforms import v2

from resnet_demo import checkpoints
from resnet_demo.checkpoints import Metric
from resnet_demo.checkpoints.calibration_record import CalibrationRecord, ComparedScore, Fitted
from resnet_demo.checkpoints.proportion import proportion
from resnet_demo.errors import UserError
from resnet_demo.inference.classifier import Classifier
from resnet_demo.tasks import CLASSIFICATION
from resnet_demo.tasks.calibration import Calibration, ClassMeans, class_means
from resnet_demo.training.cards.card import model_card
from resnet_demo.training.data import imagenet
from resnet_demo.training.data.datasets import Pictures, labelled_pictures
from resnet_demo.training.data.ood_images import ood_pictures
from resnet_demo.training.data.seeds import seed_of
from resnet_demo.training.data.splits import own_pictures, split_pictures
from resnet_demo.training.evaluation.evaluate import class_rows
from resnet_demo.training.evaluation.features import Features, cached_features, features_of, photos
from resnet_demo.training.evaluation.ood_scores import Score, directions, scores
from resnet_demo.training.evaluation.temperature import calibration_metrics, fit_temperature, reliability

if TYPE_CHECKING:
    from resnet_demo.training.data.own_images import OwnPictures

# Pictures to fit on, of each set: minutes also for the deepest network on two cores.
MOST_MEANS, MOST_VIEWS = 2040, 600
# Pictures of a class for each of two means, where further photos are known. That there are two was chosen on 442 photos
# of flowers held back: with a threshold that flags nine in ten ImageNet samples, one mean of all flags 11.5 % of them,
# two 8 %, up to six no fewer; means of Oxford's pictures alone 34 %.
PER_MEAN = 12
LEAST = 30  # pictures without which a temperature means nothing
# Share of hard views, or of unseen val pictures, that pass as known. With 0.90 of the hard views more than every third
# photo of a known flower from another source was flagged. 0.97 was chosen on such photos and on faces, of which nine in
# ten are flagged still.
KEPT_VIEWS, KEPT_UNSEEN = 0.96, 0.98
SMALLEST, LEAST_AREA, JITTER = 64, 0.08, 0.4  # hard views: pixels of the side, share of the picture, colours


def calibrate(
    folder: Path,
    others: list[str],
    data: Path | None,
    command: str,
    own: OwnPictures | None = None,
    kept: float | None = None,
    labelled: Sequence[Path] = (),
) -> CalibrationRecord:
    """Calibrate a checkpoint, and write it into its ``config.json`` and card.

    Args:
        folder: the checkpoint's.
        others: folders and data sets of pictures that show none of the classes, to measure on; nothing is fitted to
            them.
        command: for the card.
        own: the user's own pictures that it was trained with, where they are in memory still.
        kept: share of the pictures it is fitted on that pass as known; None takes ``KEPT_VIEWS`` or ``KEPT_UNSEEN``.
        labelled: further known pictures, in subfolders that are named as the classes: such as those of
            ``train --labelled``.

    Returns:
        The record in its ``config.json``.

    Raises:
        UserError: a checkpoint that is not here, no classifier, or without pictures to fit on.
    """
    checkpoint = checkpoints.load_folder(folder)
    config, spec = checkpoints.read_config(folder), checkpoint.spec
    if kept is not None and not 0.5 <= kept < 1:
        raise UserError(f"{kept:g} of the pictures cannot pass as known: pass --kept a share from 0.5 up to 1.")
    if spec.kind != CLASSIFICATION:
        raise UserError(f"{spec.name} has no classes: only classifiers can be calibrated.")
    if spec.name == imagenet.TASK:
        raise UserError(f"{imagenet.TASK} has no val pictures here to fit on: it stays as it is.")
    ood = {shown_name(source): ood_pictures(spec.name, source, data) for source in others}
    own = own or (own_pictures(config, data) if config.is_own else None)
    train, val, test = (split_pictures(config, split, data, own) for split in ("train", "val", "test"))
    further = [labelled_pictures(folder, spec.labels) for folder in labelled]
    if len(val) < LEAST:
        raise UserError(f"{spec.name} has {len(val)} val pictures: calibrating needs {LEAST}, so add some and train.")
    seen = "val" in config.train_splits
    checkpoint = replace(checkpoint, calibration=Calibration())
    predictor = Classifier(spec.name, checkpoint.depth, "cpu", checkpoint=checkpoint, ends=False)

    known, labels = known_features(predictor, [train, *further])
    fit = means_of_classes if further else class_means
    empty = np.flatnonzero(np.bincount(labels, minlength=len(spec.labels)) == 0)
    if len(empty):
        names = ", ".join(spec.labels[index] for index in empty[:5])
        raise UserError(f"There are no pictures of {names}: pass --labelled with folders that have such subfolders.")
    means = ClassMeans.of(fit(known.pooled, labels, len(spec.labels)))
    rows = spread_over(val, MOST_VIEWS)
    pictures = (hard_view(photo, spec.size, row) for photo, row in zip(photos(val, rows), rows, strict=True))
    held = features_of(predictor, pictures if seen else photos(val, rows), len(rows), "val pictures")
    temperature = fit_temperature(held.logits, val.labels[rows])
    kept = kept or (KEPT_VIEWS if seen else KEPT_UNSEEN)
    nearest = means.nearest(held.pooled)
    means = replace(means, threshold=float(np.quantile(nearest, 1 - kept)), spread=float(max(nearest.std(), 1e-6)))

    shown = cached_features(predictor, test, "test pictures")
    ood_features = {
        name: features_of(predictor, photos(part, range(len(part))), len(part), name) for name, part in ood.items()
    }
    compared = scores(known.pooled, labels, means.nearest)
    record = CalibrationRecord(
        temperature=temperature,
        means=means.to_json(),
        command=command,
        fitted=Fitted(len(labels), len(rows), seen, kept),
        measured=measure(shown, test.labels, ood_features, temperature, means),
        compared=compare(compared, held, kept, shown, ood_features),
        reliability={
            "before": reliability(shown.logits, test.labels, 1.0),
            "after": reliability(shown.logits, test.labels, temperature),
        },
    )
    extra = {"calibration": record, "classes": class_rows(test.labels, shown.logits.argmax(axis=1), len(spec.labels))}
    card = model_card(config.changed(**extra)) if config.steps else None
    checkpoints.copy(folder, folder, config.record["metrics"], card, extra)
    return record


def known_features(predictor: Classifier, parts: Sequence[Pictures]) -> tuple[Features, np.ndarray]:
    """Features of known pictures, of each of ``parts`` at most ``MOST_MEANS``, and their labels (n,)."""
    found, labels = [], []
    for part in parts:
        chosen = spread_over(part, MOST_MEANS)
        found.append(features_of(predictor, photos(part, chosen), len(chosen), "class means"))
        labels.append(part.labels[chosen])
    pooled, logits = (np.concatenate([getattr(each, name) for each in found]) for name in ("pooled", "logits"))
    return Features(pooled, logits), np.concatenate(labels)


def means_of_classes(pooled: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """The mean direction of each class's pooled features (n, C), and two of a class with many pictures: (rows, C).

    A flower in a book and one in a garden are two groups, and their mean lies near to neither. 2-means, from the halves
    on both sides of the first principal component, so that every machine finds the same ones.
    """
    from scipy.cluster.vq import kmeans2

    rows = class_means(pooled, labels, classes)
    further = []
    for k in np.flatnonzero(np.bincount(labels, minlength=classes) >= 2 * PER_MEAN).tolist():
        own = directions(pooled[labels == k]).astype(np.float64)
        side = np.linalg.svd(own - own.mean(axis=0), full_matrices=False)[0][:, 0] > 0
        if 0 < side.sum() < len(own):  # Not all alike.
            means, which = kmeans2(own, np.stack([own[side].mean(axis=0), own[~side].mean(axis=0)]), 20, minit="matrix")
            if np.bincount(which, minlength=2).min() >= PER_MEAN // 2:  # A few odd pictures are no group.
                rows[k] = means[0]
                further.append(means[1])
    return np.concatenate([rows, np.array(further, np.float32).reshape(-1, rows.shape[1])])


def shown_name(source: str) -> str:
    """What a source of pictures is called where others read it: no folders of this machine."""
    path = Path(source)
    return "/".join(path.parts[-2:] if path.parent.name.startswith("tiny") else path.parts[-1:])


def spread_over(pictures: Pictures, most: int) -> list[int]:
    """At most so many pictures, as evenly from all classes as can be, in order; the same ones each time."""
    order = np.random.default_rng(seed_of("calibrate", len(pictures))).permutation(len(pictures))
    turn = np.empty(len(pictures), np.int64)  # the how-manieth of its class
    for k in np.unique(pictures.labels):
        own = order[pictures.labels[order] == k]
        turn[own] = np.arange(len(own))
    return sorted(sorted(order.tolist(), key=lambda index: turn[index])[:most])


def hard_view(photo: Image.Image, size: int, number: int) -> np.ndarray:
    """A view of a photo that is harder than those in training, uint8 (size, size, 3): a crop from 8 % of its area on,
    scaled down to as little as 64 pixels and up again, in other colours."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of("hard view", number))
        least = min(SMALLEST, size)
        side = round(least * (size / least) ** torch.rand(()).item())
        steps = [
            v2.RandomResizedCrop(side, scale=(LEAST_AREA, 1.0), antialias=True),
            v2.Resize((size, size), antialias=True),
            v2.RandomHorizontalFlip(),
            v2.ColorJitter(JITTER, JITTER, JITTER),
        ]
        return np.asarray(v2.Compose(steps)(photo))


def measure(
    shown: Features, labels: np.ndarray, ood_features: dict[str, Features], temperature: float, means: ClassMeans
) -> dict[str, Metric]:
    """Calibration error and NLL before and after, and the shares that are said to be unknown, on test pictures."""

    def flagged(part: Features) -> Metric:
        return proportion(int((means.nearest(part.pooled) < means.threshold).sum()), len(part.pooled))

    metrics = calibration_metrics(shown.logits, labels, temperature)
    metrics["flagged_known"] = flagged(shown)
    return metrics | {f"flagged_{name}": flagged(part) for name, part in ood_features.items()}


def compare(
    candidates: dict[str, Score], held: Features, kept: float, shown: Features, ood_features: dict[str, Features]
) -> list[ComparedScore]:
    """For each score, in percent, what is flagged when ``kept`` of the val pictures pass: of test, and of others."""
    rows = []
    for name, score in candidates.items():
        threshold = np.quantile(score(held.pooled, held.logits), 1 - kept)
        parts = {"test": shown, **ood_features}
        shares = {key: float((score(part.pooled, part.logits) < threshold).mean() * 100) for key, part in parts.items()}
        rows.append(ComparedScore(name, {key: round(share, 2) for key, share in shares.items()}))
    return rows
