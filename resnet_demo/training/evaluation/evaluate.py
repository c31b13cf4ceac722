"""Accuracy of a checkpoint as a user gets it: the stored file, the fast engine and, for faces, the shipped detector."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from tqdm import tqdm

from resnet_demo import tasks
from resnet_demo.checkpoints.proportion import proportion, rounded
from resnet_demo.checkpoints.records import ClassCounts, Confusion, MeanError, Metric, WorstClass
from resnet_demo.inference.base import Predictor
from resnet_demo.inference.classifier import Classifier
from resnet_demo.inference.landmarks import LandmarkPredictor
from resnet_demo.inference.regressor import Regressor
from resnet_demo.training.data.datasets import Pictures
from resnet_demo.training.evaluation.features import all_features, photos

EYE_CORNERS = (36, 45)  # outer corners of the eyes in the 68 landmarks


@dataclass(frozen=True)
class Evaluation:
    """Metrics by name, each with its sample size and 95 % interval; ``confusions`` for the model card.

    Attributes:
        metrics: by name, in percent; of a regression MAE in the number's unit, and R².
        confusions: the most frequent first.
        worst: the least accurate classes first.
        classes: each of them; empty for other kinds.
    """

    metrics: dict[str, Metric]
    confusions: list[Confusion] = field(default_factory=list)
    worst: list[WorstClass] = field(default_factory=list)
    classes: list[ClassCounts] = field(default_factory=list)


def evaluate(predictor: Predictor, pictures: Pictures, keep: bool = False) -> Evaluation:
    """Run a predictor over a data set's pictures and measure what its kind of task is measured by.

    Args:
        keep: leave the pass for ``calibrate``, see ``features``.
    """
    if predictor.spec.kind == tasks.CLASSIFICATION:
        return evaluate_classes(predictor.as_a(Classifier), pictures, keep)
    if predictor.spec.kind == tasks.REGRESSION:
        return evaluate_numbers(predictor.as_a(Regressor), pictures)
    return evaluate_keypoints(predictor.as_a(LandmarkPredictor), pictures)


def evaluate_classes(predictor: Classifier, pictures: Pictures, keep: bool = False) -> Evaluation:
    """Top-1 and top-5 with Wilson's interval, and what is mistaken for what."""
    ranked = np.argsort(-all_features(predictor, pictures, "classifying", keep).logits, axis=1, kind="stable")[:, :5]
    hits = ranked == pictures.labels[:, None]
    top1, top5 = hits[:, 0], hits.any(axis=1)
    labels = predictor.spec.labels
    pairs = Counter(
        (labels[label], labels[order[0]])
        for label, order in zip(pictures.labels, ranked, strict=True)
        if label != order[0]
    )
    per_class = [
        (labels[k], int(top1[pictures.labels == k].sum()), int((pictures.labels == k).sum()))
        for k in range(len(labels))
    ]
    worst = sorted((row for row in per_class if row[2]), key=lambda row: row[1] / row[2])
    metrics = {"top1": proportion(int(top1.sum()), len(top1))}
    if len(labels) > 5:  # Among five, the first five are always right.
        metrics["top5"] = proportion(int(top5.sum()), len(top5))
    return Evaluation(
        metrics,
        [Confusion(true, found, count) for (true, found), count in pairs.most_common(8)],
        [
            WorstClass(*row, [(found, count) for (true, found), count in pairs.most_common() if true == row[0]])
            for row in worst[:8]
        ],
        class_rows(pictures.labels, ranked[:, 0], len(labels)),
    )


def class_rows(truth: np.ndarray, found: np.ndarray, classes: int) -> list[ClassCounts]:
    """How often each class was named right, and what it was taken for, see ``class_stats``."""
    table = np.zeros((classes, classes), np.int64)  # true × predicted
    np.add.at(table, (truth, found), 1)
    wrong = table.copy()
    np.fill_diagonal(wrong, 0)
    return [
        ClassCounts(
            right=int(table[k, k]),
            shown=int(table[k].sum()),
            taken_for=int(wrong[k].argmax()) if wrong[k].any() else None,
            times=int(wrong[k].max()),
        )
        for k in range(classes)
    ]


def evaluate_keypoints(predictor: LandmarkPredictor, pictures: Pictures) -> Evaluation:
    """NME by source, end to end: detect, crop, predict; a picture without the annotated face counts as missed."""
    from resnet_demo.training.data.face_frames import matching

    errors: dict[str, list[float]] = {}
    missed: Counter[str] = Counter()
    for index in tqdm(range(len(pictures)), desc="finding keypoints", unit="picture"):
        source, truth = pictures.sources[index], pictures.labels[index]
        answer = predictor(pictures.picture(index))
        face = matching(answer.faces, truth) if predictor.spec.detector else answer.faces[0]
        if face is None:
            missed[source] += 1
        else:
            errors.setdefault(source, []).append(nme(face.keypoints, truth, max(answer.photo.size)))
    metrics: dict[str, Metric] = {}
    for source in sorted(set(pictures.sources)):
        metrics[f"nme_{source}" if source else "nme"] = mean_error(
            errors.get(source, []), missed[source] if predictor.spec.detector else None
        )
    return Evaluation(metrics)


def mean_error(errors: Sequence[float], missed: int | None) -> MeanError:
    """The mean of the pictures' errors, with its 95 % interval where there are several.

    Args:
        missed: pictures whose face was not found; None where none is looked for.
    """
    own = np.array(errors)
    mean = float(own.mean()) if len(own) else float("nan")
    margin = None
    if len(own) > 1:  # One picture says nothing about the next one.
        margin = 1.96 * own.std(ddof=1) / math.sqrt(len(own))
    return MeanError(
        value=rounded(mean),
        n=float(len(own)),
        low=None if margin is None else rounded(mean - margin),
        high=None if margin is None else rounded(mean + margin),
        missed=None if missed is None else float(missed),
    )


def evaluate_numbers(predictor: Regressor, pictures: Pictures) -> Evaluation:
    """The mean absolute error, and R²: the share of the numbers' variance that is explained, 1 at best; the mean of
    the test pictures alone has 0. Its interval is that of 1,000 bootstrap samples."""
    found = np.empty(len(pictures))
    for index, photo in enumerate(tqdm(photos(pictures, range(len(pictures))), "numbers", len(pictures))):
        found[index] = predictor(photo).value
    truth = pictures.labels.astype(float)
    errors = np.abs(found - truth)
    margin = 1.96 * errors.std(ddof=1) / math.sqrt(len(errors)) if len(errors) > 1 else None
    mean, count = float(errors.mean()), float(len(errors))
    mae = Metric(digits(mean), n=count)
    if margin is not None:
        mae = Metric(digits(mean), digits(max(mean - margin, 0.0)), digits(mean + margin), count)
    metrics = {"mae": mae}
    if truth.std() > 0:
        rows = np.random.default_rng(0).integers(len(truth), size=(1000, len(truth)))
        drawn = [explained(truth[row], found[row]) for row in rows if truth[row].std() > 0]
        low, high = np.quantile(drawn, (0.025, 0.975))
        metrics["r2"] = Metric(digits(explained(truth, found)), digits(low), digits(high), count)
    return Evaluation(metrics)


def explained(truth: np.ndarray, found: np.ndarray) -> float:
    """R² of numbers (n,) that are not all the same."""
    return float(1 - ((found - truth) ** 2).sum() / ((truth - truth.mean()) ** 2).sum())


def digits(value: float) -> float:
    """Four digits that count."""
    return float(f"{value:.4g}")


def nme(points: np.ndarray, truth: np.ndarray, side: float = math.nan) -> float:
    """Normalised mean error in percent of keypoints (68, 2): mean distance over the distance of the outer eye corners
    (Sagonas et al. 2013, "300 Faces in-the-Wild Challenge"). Other numbers of points: over the truth's larger extent;
    a single point: over ``side``. Points whose truth is NaN do not count.
    """
    known = ~np.isnan(truth).any(axis=1)
    if len(truth) == 68 and known[list(EYE_CORNERS)].all():
        scale = np.linalg.norm(truth[EYE_CORNERS[0]] - truth[EYE_CORNERS[1]])
    else:
        scale = np.ptp(truth[known], axis=0).max()
    return float(np.linalg.norm(points - truth, axis=1)[known].mean() / (scale or side) * 100)
