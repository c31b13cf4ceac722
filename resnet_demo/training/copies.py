"""Whether one photo was made from another: cropped, mirrored, squeezed, scaled or compressed anew.

Pooled features of the ImageNet ResNet-50 stay alike then (Babenko et al. 2014, https://arxiv.org/abs/1404.1777), but
those of two photos of one kind of flower are as much alike. So of the photos with the nearest features the middle
of one is laid upon the other, mirrored and not, at several widths and heights, and their detail compared by normalised
cross-correlation (Lewis 1995, Fast Normalized Cross-Correlation).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image, ImageFilter
from tqdm import tqdm

from resnet_demo import checkpoints
from resnet_demo.inference.classifier import Classifier
from resnet_demo.training.data import imagenet
from resnet_demo.training.evaluation.features import features_of

NETWORK: dict[str, Any] = {"size": 160, "resize": 184}  # at half the cost of the network's own 224 pixels

# Chosen on train pictures of flowers5 and copies made of them. The NEAREST photos are laid upon one another where their
# features have a cosine of ALIKE; from ALMOST_EQUAL on they count as copies whatever their detail, as of turned ones.
ALIKE, ALMOST_EQUAL, NEAREST = 0.7, 0.93, 4
SAME = 0.6  # correlation from which on one photo was made from another: of two photos of a kind, two pairs in a hundred

SIDE = 64  # pixels; photos are laid upon one another as squares, so that one squeezed into a square is known again
MIDDLE = 0.7  # of a photo's sides, what is laid upon the other one
SCALES = tuple(
    0.62 * 1.1**step for step in range(8)
)  # its widths and heights there: of a part of a photo, or the whole
COARSE = 3.0  # pixels; detail is what a blur of this radius takes away


@dataclass(frozen=True, eq=False)
class Looks:
    """What photos are compared by: features of length 1, float32 (n, 2048), and grey squares, uint8 (n, 64, 64)."""

    features: np.ndarray
    squares: np.ndarray

    def __add__(self, other: Looks) -> Looks:
        return Looks(np.concatenate([self.features, other.features]), np.concatenate([self.squares, other.squares]))


def comparer() -> Classifier:
    """The bundled ImageNet ResNet-50, at the size of ``NETWORK``."""
    checkpoint = checkpoints.load(imagenet.TASK, 50)
    checkpoint = replace(checkpoint, spec=replace(checkpoint.spec, **NETWORK))
    return Classifier(imagenet.TASK, 50, "cpu", checkpoint=checkpoint, ends=False)


def looks_of(network: Classifier, photos: Iterable[Image.Image], count: int, what: str) -> Looks:
    """The looks of ``count`` photos; ``what`` stands before the progress."""
    squares = []

    def squared() -> Iterator[Image.Image]:
        for photo in photos:
            squares.append(np.asarray(photo.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)))
            yield photo

    pooled = features_of(network, squared(), count, what).pooled
    return Looks(pooled / np.linalg.norm(pooled, axis=1, keepdims=True).clip(1e-9), np.stack(squares))


def copies_of(looks: Looks, known: Looks) -> np.ndarray:
    """Which of the photos are copies of any of the known ones, or these of them: bool (n,)."""

    def is_one(row: int) -> bool:
        return is_copy(looks, row, known, known.features @ looks.features[row])

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(is_one, range(len(looks.features)))
        return np.fromiter(tqdm(found, desc="copies", total=len(looks.features), unit="picture"), bool)


def copies_within(looks: Looks, usable: np.ndarray) -> np.ndarray:
    """Which of the usable photos (n,) are copies of an earlier one that stays: bool (n,)."""
    stays = np.zeros(len(usable), bool)
    for row in tqdm(np.flatnonzero(usable).tolist(), desc="copies of one another", unit="picture"):
        cosines = np.where(stays, looks.features @ looks.features[row], -1.0)
        stays[row] = not is_copy(looks, row, looks, cosines)
    return usable & ~stays


def is_copy(looks: Looks, row: int, known: Looks, cosines: np.ndarray) -> bool:
    """Whether a photo is a copy of a known one, given the cosines of their features (n,)."""
    nearest = np.argsort(-cosines)[:NEAREST]
    if cosines[nearest[0]] >= ALMOST_EQUAL:
        return True
    alike = nearest[cosines[nearest] >= ALIKE]
    return any(correlation(looks.squares[row], known.squares[each]) >= SAME for each in alike)


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """How well the detail of two grey squares (64, 64) agrees, in -1 to 1, whichever photo was cut from the other."""
    return max(_laid_upon(one, other), _laid_upon(other, one))


def _laid_upon(piece: np.ndarray, ground: np.ndarray) -> float:
    """The largest correlation of the piece's middle, in any size, with any part of the ground or its mirror image."""
    detail, whole = Image.fromarray(_detail(piece)), _detail(ground)
    edge = (1 - MIDDLE) / 2 * SIDE
    lengths = [round(MIDDLE * SIDE * scale) for scale in SCALES]
    sizes = [(height, width) for width in lengths for height in lengths]
    templates = np.zeros((len(sizes), SIDE, SIDE), np.float32)
    for template, (height, width) in zip(templates, sizes, strict=True):
        middle = (edge, edge, SIDE - edge, SIDE - edge)
        part = np.asarray(detail.resize((width, height), Image.Resampling.BILINEAR, middle))
        part = part - part.mean()
        template[:height, :width] = part / max(float(np.linalg.norm(part)), 1e-6)
    spectra = np.fft.rfft2(templates).conj()
    found = -1.0
    for upon in (whole, whole[:, ::-1]):
        products = np.fft.irfft2(np.fft.rfft2(upon) * spectra, s=(SIDE, SIDE))
        total, squares = (np.pad(values, ((1, 0), (1, 0))).cumsum(0).cumsum(1) for values in (upon, upon**2))
        for product, (height, width) in zip(products, sizes, strict=True):
            variation = _windows(squares, height, width) - _windows(total, height, width) ** 2 / (height * width)
            inside = product[: SIDE - height + 1, : SIDE - width + 1]
            found = max(found, float((inside / np.sqrt(variation.clip(1.0))).max()))
    return found


def _detail(square: np.ndarray) -> np.ndarray:
    coarse = Image.fromarray(square).filter(ImageFilter.GaussianBlur(COARSE))
    return square.astype(np.float32) - np.asarray(coarse, np.float32)


def _windows(sums: np.ndarray, height: int, width: int) -> np.ndarray:
    """Sums over all windows of a size, from the sums over what lies above and left of each place (65, 65)."""
    return sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]
