"""The same photo twice among somebody's pictures: in train and test it makes the accuracy too good, and in two classes
one of them is wrong.

Copies are pictures of the same pixels, and those that were saved or scaled anew. A picture of 16 × 16 grey values, with
its mean and contrast taken away, finds who may be one, as perceptual hashes do; detail in 64 × 64 then decides. Crops
and mirror images are not found: ``copies.py`` does that, with a network.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
from PIL import Image, ImageFilter

from resnet_demo.errors import UserError
from resnet_demo.training.data.own_decode import complain
from resnet_demo.training.data.own_items import Item

COARSE, FINE = 16, 64  # sides of the grey pictures that are compared
BLUR = 3.0  # pixels; detail is what a blur of this radius takes away
# Correlations from which on two pictures are copies. Among 3,000 of Oxford 102 Flowers one pair is taken for copies; of
# copies made of them all are found that are JPEGs of quality 30, of half the size or paled, and 99 % of brighter ones.
ALIKE, SAME = 0.97, 0.9
FLAT = 3.0  # deviation of grey values below which a picture has nothing to be known by
ROWS = 512  # pictures that are compared with all others at a time
LIKEST = 8  # of the photos that may be copies of one, that are compared with it in detail
NAMED = 5  # pairs that a sentence names


def without_copies(
    items: list[Item], photos: list[np.ndarray], classes: Sequence[str]
) -> tuple[list[Item], list[np.ndarray], int]:
    """What stays of items and photos when those of train and val go that copy one of test, and how many go; they are
    listed on standard error, and so are copies in two classes.

    Raises:
        UserError: a class, or a set of keypoints, would have nothing to learn from.
    """
    groups = groups_of_copies(photos)
    say_which_are_in_two_classes(items, groups if classes else [])
    gone: dict[int, int] = {}  # what goes → the test picture
    for group in groups:
        if shown := [index for index in group if items[index].part == "test"]:
            gone |= {index: shown[0] for index in group if items[index].part != "test"}
    for one, other in sorted(gone.items()):
        complain(f"Left out {items[one].name} of {items[one].part}: it copies {items[other].name} of test.")
    stays = [index for index in range(len(items)) if index not in gone]
    left = {item.label if classes else 0 for item in (items[index] for index in stays) if item.part == "train"}
    if empty := [name for label, name in enumerate(classes or ["these keypoints"]) if label not in left]:
        raise UserError(
            f"All pictures of {empty[0]} in train are in test too, so that nothing is left to learn from: put other "
            "pictures into one of them."
        )
    return [items[index] for index in stays], [photos[index] for index in stays], len(gone)


def say_which_are_in_two_classes(items: Sequence[Item], groups: Sequence[Sequence[int]]) -> None:
    twice = []
    for first, *others in groups:
        twice += [(first, other) for other in others if items[first].label != items[other].label][:1]
    if twice:
        shown = ", ".join(f"{items[a].name} and {items[b].name}" for a, b in twice[:NAMED])
        more = f" and {len(twice) - NAMED:,} more" if len(twice) > NAMED else ""
        complain(f"The same photo is in two classes: {shown}{more}: remove the wrong one of each.")


def groups_of_copies(photos: Sequence[np.ndarray]) -> list[list[int]]:
    """Which of the photos, uint8 (rows, columns, 3), are copies of one another: their numbers, in order."""
    leaders = list(range(len(photos)))

    def leader(index: int) -> int:
        while leaders[index] != index:
            leaders[index] = index = leaders[leaders[index]]
        return index

    first: dict[bytes, int] = {}
    for index, photo in enumerate(photos):
        digest = hashlib.blake2b(
            np.ascontiguousarray(photo).data, digest_size=16, person=f"{photo.shape[:2]}".encode()[:16]
        )
        leaders[index] = first.setdefault(digest.digest(), index)
    look = cache(lambda index: detail(photos[index]))
    for one, other in alike([index for index in range(len(photos)) if leaders[index] == index], photos):
        if leader(one) != leader(other) and correlation(look(one), look(other)) >= SAME:
            leaders[max(leader(one), leader(other))] = min(leader(one), leader(other))
    groups = defaultdict(list)
    for index in range(len(photos)):
        groups[leader(index)].append(index)
    return [group for group in groups.values() if len(group) > 1]


def alike(numbers: Sequence[int], photos: Sequence[np.ndarray]) -> Iterator[tuple[int, int]]:
    """Pairs of the photos of these numbers that may be copies: the likest few of each."""
    vectors = np.zeros((len(numbers), COARSE**2), np.float32)
    for row, number in enumerate(numbers):
        grey = np.asarray(small(photos[number], COARSE), np.float32)
        if grey.std() >= FLAT:
            vectors[row] = (grey - grey.mean()).ravel() / (grey.std() * COARSE)
    for start in range(0, len(numbers), ROWS):
        cosines = np.triu(vectors[start : start + ROWS] @ vectors[start:].T, 1)
        for row in np.flatnonzero((cosines >= ALIKE).any(axis=1)).tolist():
            likest = np.argsort(-cosines[row])[:LIKEST]
            yield from ((numbers[start + row], numbers[start + k]) for k in likest if cosines[row, k] >= ALIKE)


def small(photo: np.ndarray, side: int) -> Image.Image:
    """A photo as a grey square, its aspect ratio ignored."""
    return Image.fromarray(photo).convert("L").resize((side, side), Image.Resampling.BOX)


def detail(photo: np.ndarray) -> np.ndarray:
    """What is left of a grey square without its coarse forms: float32 (64, 64) of length 1."""
    grey = small(photo, FINE)
    left = np.asarray(grey, np.float32) - np.asarray(grey.filter(ImageFilter.GaussianBlur(BLUR)), np.float32)
    return left / max(float(np.linalg.norm(left)), 1e-6)


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """How well the detail of two photos agrees, -1 to 1."""
    return float((one * other).sum())
