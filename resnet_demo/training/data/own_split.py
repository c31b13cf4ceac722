"""Which of somebody's pictures are for training, for choosing and for testing: as the data set says, else by a seed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from resnet_demo.training.data.own_items import Item
from resnet_demo.training.data.own_labels import PARTS
from resnet_demo.training.data.seeds import seed_of

SHARE = 0.15  # of the pictures in val, and in test
SPLIT_SEED = 0
BY_SEED = f"by the fixed seed {SPLIT_SEED}"


def complete(items: list[Item], classes: tuple[str, ...], who: str, share: float = SHARE) -> tuple[list[Item], str]:
    """The items of a data set that is split already, with what is missing of train, val and test, and how it was made:
    without test that is val, and without val a share of train becomes it. What is in no part is learnt from.

    Args:
        who: says how it is split, such as "its folders say".
        share: of train that becomes val.
    """
    if any(item.part for item in items):
        items = [item if item.part else replace(item, part="train") for item in items]
    given = {item.part for item in items}
    if "train" not in given or given == {"train"}:
        return split([replace(item, part="") for item in items], classes), BY_SEED
    items = with_test(items)
    if given == set(PARTS):
        return items, f"as {who}"
    chosen = set()
    for label in range(len(classes)) if classes else [None]:
        learnt = [item for item in items if item.part == "train" and (label is None or item.label == label)]
        groups = sorted({group_of(item) for item in learnt})
        np.random.default_rng(seed_of(SPLIT_SEED, "val", label)).shuffle(groups)
        chosen |= set(groups[: min(int(share * len(groups) + 0.5), len(groups) - 1)])
    items = [replace(item, part="val") if item.part == "train" and group_of(item) in chosen else item for item in items]
    return items, f"as {who}, val from train {BY_SEED}"


def with_test(items: list[Item]) -> list[Item]:
    """The items, those of val as test where there is no test."""
    if any(item.part == "test" for item in items):
        return items
    return [replace(item, part="test" if item.part == "val" else item.part) for item in items]


def group_of(item: Item) -> str:
    """What stays together with it."""
    return f"identity {item.group}" if item.group else item.name


def split(items: list[Item], classes: tuple[str, ...]) -> list[Item]:
    """Every item with its part: of each class about 70, 15 and 15 % in train, val and test, always the same."""
    parts: dict[str, str] = {}
    for label in range(len(classes)) if classes else [None]:
        own = [item for item in items if label is None or item.label == label]
        groups: dict[str, list[Item]] = {}
        for item in own:
            groups.setdefault(group_of(item), []).append(item)
        sizes = {group: len(members) for group, members in groups.items()}
        for group, part in assign(sizes, label, least=1 if classes or len(own) < 4 else 2).items():
            parts |= {item.name: part for item in groups[group]}
    return [replace(item, part=parts[item.name]) for item in items]


def assign(sizes: dict[str, int], key: object, least: int) -> dict[str, str]:
    """Group → part, for groups of so many pictures; one in train and, if the groups allow it, ``least`` in test."""
    count = sum(sizes.values())
    test = max(least, int(SHARE * count + 0.5))
    val = min(int(SHARE * count + 0.5), count - test - 1)
    wanted = dict(zip(PARTS, (count - val - test, val, test), strict=True))
    order = sorted(sizes)
    np.random.default_rng(seed_of(SPLIT_SEED, "split", key)).shuffle(order)
    found = {}
    for group in order:
        found[group] = max(PARTS, key=lambda part: wanted[part])
        wanted[found[group]] -= sizes[group]
    if "test" not in found.values() and len(order) > 1:  # Few and large groups.
        found[min(order[1:], key=lambda group: sizes[group])] = "test"
    return found
