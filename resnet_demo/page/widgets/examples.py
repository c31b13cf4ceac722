"""The example photographs and who took them (``resnet_demo/examples/CREDITS.md`` has it in full)."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "examples"

# Every depth names the daffodil rightly; the dahlia is a hard one.
THINGS = ("daffodil", "dahlia", "cat")
FACES = ("two-people", "astronaut", "president")
BOTH = ("daffodil", "dahlia", "two-people")

# What the classes of bundled tasks are called that an example shows; of tasks that are left out it shows none.
SHOWN: dict[str, dict[str, tuple[str, ...]]] = {
    "daffodil": dict.fromkeys(("garden", "flowers102"), ("Daffodil",)),
    "dahlia": dict.fromkeys(("garden", "flowers102"), ("Orange Dahlia", "Pink-Yellow Dahlia")),
    "cat": {"imagenet1k": ("tabby", "tiger cat", "Egyptian cat"), "cifar10": ("cat",)},
}


def names() -> set[str]:
    return {*THINGS, *FACES, *BOTH}


def example(name: str) -> str:
    """An example's name → its path."""
    return str(FOLDER / f"{name}.jpg")
