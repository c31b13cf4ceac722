"""A network for one's own classes: the command ``train`` beside a short script with torchvision, to the end."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean

import numpy as np
from tqdm import tqdm

from resnet_demo import checkpoints
from resnet_demo.bench import results
from resnet_demo.bench.harness.programs import output_of
from resnet_demo.bench.settings import Settings
from resnet_demo.bench.turns import take_turns
from resnet_demo.errors import UserError
from resnet_demo.training.data.own_items import SUFFIXES

START, DEPTH, NAME = "flowers102", 18, "benched"
CLASSES, TRAIN, VAL, TEST = 6, 32, 8, 50  # classes, and photos of each
OURS, QUICK, SCRIPT = "ours", "ours, one epoch", "torchvision script"
SPLITS = {"train": TRAIN, "val": VAL, "test": TEST}
WHOLE, SOON = "own classes, by the recipe", "own classes, more right than the script"
PEER = Path(__file__).resolve().parents[1] / "peers" / "torchvision_own.py"
REACH = 0.6  # of the script's time
EXPLANATION = """
A ResNet-{depth} for {classes} classes of {photos}: {train} photos of each to train on, {val} to watch it by,
{test} to test it. Drawn anew in each of {rounds} turns. From the start of a process to the accuracy on the test photos.
- {ours}: `train --data FOLDER --name NAME --depth {depth}`, all defaults: all parts learn, the stored 8-bit network is
  measured, calibrated and bundled.
- {quick}: with `--set epochs=1`.
- {script}: the same start, its body frozen, RandomResizedCrop to 224 pixels, Adam, ten epochs.
"""


@dataclass
class Way:
    """What takes turns: a program that learns the turn's photos → its seconds; its accuracies are kept.

    Attributes:
        rights: shares of the test photos that were named right, one a turn.
    """

    name: str
    program: Program
    folders: list[Path]
    rights: list[float] = field(default_factory=list)

    def measure(self, seconds: float) -> float:
        folder = self.folders[len(self.rights)]
        start = time.perf_counter()
        right = self.program.learn(folder)
        took = time.perf_counter() - start
        self.rights.append(right)
        return took


class Ours:
    """The command of this package, with a weights folder of its own.

    Args:
        settings: of the recipe.
    """

    def __init__(self, *settings: str):
        self.settings = settings

    def learn(self, folder: Path) -> float:
        start = checkpoints.find(START, DEPTH).path.parent
        command = [sys.executable, "-m", "resnet_demo", "train", "--data", str(folder), "--name", NAME]
        command += ["--depth", str(DEPTH), "--init", str(start), "--out", str(folder / "run")]
        command += ["--set", *self.settings] if self.settings else []
        weights = folder / "weights"
        weights.mkdir()
        output_of(command, os.environ | {"RESNET_DEMO_WEIGHTS": str(weights)})
        config = json.loads((weights / NAME / f"resnet{DEPTH}" / checkpoints.CONFIG).read_text("utf-8"))
        return float(config["metrics"]["top1"]["value"]) / 100


class Script:
    """The script of ``peers/torchvision_own.py``, with the same start."""

    def __init__(self, weights: Path):
        import torch

        self.weights = weights
        state = checkpoints.load(START, DEPTH).state
        body = {name: torch.from_numpy(np.array(values)) for name, values in state.items() if name[:3] != "fc."}
        torch.save(body, weights)

    def learn(self, folder: Path) -> float:
        return float(output_of([sys.executable, "-I", str(PEER), str(folder), str(self.weights)]))


Program = Ours | Script


def measure(settings: Settings) -> list[dict]:
    """Print a table and return its rows for JSON; none where no photos are named.

    Raises:
        UserError: the photos named are too few, or a program failed.
    """
    if settings.photos is None:
        print("\nown is left out: pass --photos with a folder of them, a subfolder a class.", flush=True)
        return []
    classes = photos_of(settings.photos)
    print(explanation(settings), flush=True)
    with tempfile.TemporaryDirectory(prefix="resnet-demo-bench-", ignore_cleanup_errors=True) as temporary:
        root = Path(temporary)

        def drawn(name: str) -> list[Path]:
            return [draw(classes, root / f"{name}-{turn}", seed=turn) for turn in range(settings.rounds + 1)]

        ways = [
            Way(OURS, Ours(), drawn("whole")),
            Way(QUICK, Ours("epochs=1"), drawn("quick")),
            Way(SCRIPT, Script(root / "start.pth"), drawn("script")),
        ]
        with tqdm(total=len(ways) * (settings.rounds + 1), unit="run", mininterval=1) as progress:
            figures = take_turns(ways, settings.rounds, 0, progress)
    found = []
    for what, ours in ((WHOLE, OURS), (SOON, QUICK)):
        for way in ways:
            if way.name in (ours, SCRIPT):
                note = f"{mean(way.rights[1:]):.1%} right"
                limit = REACH if way.name == SCRIPT else None
                row = {"what": what, "way": way.name, "note": note, "limit_ratio": limit, "ours": way.name == ours}
                found.append(results.measured(figures[way.name], unit="s", lower_is_better=True, **row))
    print(results.table(found), flush=True)
    return results.to_dicts(found)


def explanation(settings: Settings) -> str:
    """What the table shows, in words."""
    assert settings.photos is not None
    return EXPLANATION.format(
        depth=DEPTH,
        classes=CLASSES,
        photos=settings.photos.name,
        train=TRAIN,
        val=VAL,
        test=TEST,
        rounds=settings.rounds,
        ours=OURS,
        quick=QUICK,
        script=SCRIPT,
    )


def photos_of(folder: Path) -> dict[str, list[Path]]:
    """The classes with most photos, and these; splits of the folder are put together.

    Raises:
        UserError: there are too few.
    """
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in SUFFIXES:
            found.setdefault(path.parent.name, []).append(path)
    most = sorted(found, key=lambda name: -len(found[name]))[:CLASSES]
    needed = sum(SPLITS.values())
    if len(most) < CLASSES or len(found[most[-1]]) < needed:
        raise UserError(f"{folder} needs {CLASSES} subfolders of {needed} photos or more: name another with --photos.")
    return {name: found[name] for name in most}


def draw(classes: dict[str, list[Path]], folder: Path, seed: int) -> Path:
    """The folder with train/, val/ and test/, each with subfolders of photos, drawn by ``seed``."""
    random = np.random.default_rng(seed)
    for name, paths in classes.items():
        rows = iter(random.permutation(len(paths)))
        for split, count in SPLITS.items():
            place = folder / split / name
            place.mkdir(parents=True)
            for _ in range(count):
                shutil.copy(paths[next(rows)], place)
    return folder
