"""Pictures a second of fine-tuning: the recipe's way beside torchvision's reference way, in turns."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from resnet_demo.bench.harness.our_training import Phase, averaged, our_batches, our_step, our_trainer, phases
from resnet_demo.bench.harness.training_clock import Clock, Training
from resnet_demo.bench.harness.training_images import flower_pictures
from resnet_demo.bench.peers.torchvision_training import reference_batches, reference_step
from resnet_demo.bench.results import Row
from resnet_demo.bench.settings import Settings
from resnet_demo.bench.turns import summary, take_turns
from resnet_demo.training.data.datasets import Pictures
from resnet_demo.training.distributed import ALONE
from resnet_demo.training.recipe import Recipe, load_recipe
from resnet_demo.utils import markdown

RECIPE = "flowers102"
REFERENCE, DECODED, OURS, BY_RECIPE = "reference", "reference, decoded", "ours", "ours, by the recipe"
COLUMNS = ("depth", "way", "px", "batch", "pictures a second", "lowest to highest", "× reference", "× decoded")
EXPLANATION = """
Fine-tuning to {classes} classes, preparing the pictures included.
Pictures: {count} ({source}), {width} × {height} and alike.
Worker processes: {workers}. Turns of each way: {rounds}, {seconds:g} s or one step at least, after a step to warm up.
- reference: torchvision's network, transforms and defaults (float32, batch norms in training mode, SGD with momentum);
  each picture is read and decoded from its JPEG file every time.
- reference, decoded: the same with pictures that were decoded beforehand.
- ours: the recipe {recipe} as `train` runs it (bf16, channels_last, folded batch norms, {optimizer}, averaged weights);
  pictures are decoded once beforehand. All parts are trainable.
- ours, by the recipe: with its own sizes and frozen parts, averaged over its epochs
  ({phases}).
"""


def measure(settings: Settings) -> list[dict]:
    """Print a table while it grows, and return its rows for JSON.

    Raises:
        UserError: a folder of data sets was named that has no flowers102.
    """
    recipe = load_recipe(RECIPE)
    rows = []
    with tempfile.TemporaryDirectory(prefix="resnet-demo-bench-", ignore_cleanup_errors=True) as folder:
        pictures, source = flower_pictures(Path(folder), settings.data)
        pictures.decode_all()
        print(f"{explanation(settings, recipe, pictures, source)}\n{markdown.head(COLUMNS)}", flush=True)
        turns = (settings.rounds + 1) * (3 + len(phases(recipe)))
        with tqdm(total=len(settings.depths) * turns, unit="turn", mininterval=1) as progress:
            for depth in settings.depths:
                progress.set_description(f"ResNet-{depth}")
                for row in measure_depth(depth, settings, recipe, pictures, Path(folder), progress):
                    rows.append(row | {"pictures": source})
                    tqdm.write(as_line(row))
    return rows


def explanation(settings: Settings, recipe: Recipe, pictures: Pictures, source: str) -> str:
    """What the table shows, in words."""
    return EXPLANATION.format(
        classes=len(pictures.classes),
        count=len(pictures),
        source=source,
        width=pictures.picture(0).width,
        height=pictures.picture(0).height,
        workers=settings.workers,
        rounds=settings.rounds,
        seconds=settings.seconds,
        recipe=RECIPE,
        optimizer=recipe.optimizer,
        phases=", ".join(
            f"{count} epochs at {size} px with {frozen} parts frozen"
            for (size, frozen), count in phases(recipe).items()
        ),
    )


def measure_depth(
    depth: int, settings: Settings, recipe: Recipe, pictures: Pictures, folder: Path, progress: tqdm
) -> list[dict]:
    """The rows of one depth, for JSON."""
    batch = settings.batch or default_batch(depth)
    epochs = phases(recipe)
    trainer = our_trainer(depth, replace(recipe, batch=batch), pictures, folder)
    reference = reference_step(depth, len(pictures.classes), ALONE.device)

    def ours(name: str, phase: Phase) -> Training:
        clock = Clock()
        return Training(name, our_batches(trainer, phase, settings.workers, clock), our_step(trainer, phase), clock)

    def theirs(name: str, decoded: bool) -> Training:
        clock = Clock()
        batches = reference_batches(pictures, settings.size, batch, settings.workers, decoded, clock)
        return Training(name, batches, reference, clock)

    named = {f"{BY_RECIPE}, {size} px, {frozen} frozen": (size, frozen) for size, frozen in epochs}
    ways = [
        ours(OURS, (settings.size, 0)),
        theirs(REFERENCE, decoded=False),
        *(ours(name, phase) for name, phase in named.items()),
        theirs(DECODED, decoded=True),
    ]
    rates = take_turns(ways, settings.rounds, settings.seconds, progress)
    rates[BY_RECIPE] = [
        averaged({phase: rates[name][number] for name, phase in named.items()}, epochs)
        for number in range(settings.rounds)
    ]

    figures = {way: summary(rates[way]) for way in (REFERENCE, DECODED, OURS, BY_RECIPE)}
    return [
        {
            "depth": depth,
            "way": way,
            "sizes": sorted({size for size, _ in epochs}) if way == BY_RECIPE else [settings.size],
            "batch": batch,
            "pictures_per_second": figure,
            "ratio": figure["median"] / figures[REFERENCE]["median"],
            "ratio_decoded": figure["median"] / figures[DECODED]["median"],
        }
        for way, figure in figures.items()
    ]


def as_rows(records: list[dict]) -> list[Row]:
    """What ``measure`` returned in the form of the other measurements; our recipe's own way is the one compared."""
    return [
        Row(
            what=f"training, ResNet-{record['depth']}",
            way={BY_RECIPE: BY_RECIPE, REFERENCE: "torchvision's reference"}.get(record["way"], record["way"]),
            unit="pictures a second",
            lower_is_better=False,
            **{key: record["pictures_per_second"][key] for key in ("median", "lowest", "highest")},
            ours=record["way"] == BY_RECIPE,
            note=f"{' to '.join(map(str, record['sizes']))} px, batch {record['batch']}",
        )
        for record in sorted(records, key=lambda record: (record["depth"], record["way"] != BY_RECIPE))
        if record["way"] != OURS
    ]


def as_line(row: dict) -> str:
    """One row of the table."""
    rate = row["pictures_per_second"]
    return markdown.row(
        [
            row["depth"],
            row["way"],
            " to ".join(map(str, row["sizes"])),
            row["batch"],
            markdown.rate(rate["median"]),
            f"{markdown.rate(rate['lowest'])} to {markdown.rate(rate['highest'])}",
            f"{row['ratio']:.2f}",
            f"{row['ratio_decoded']:.2f}",
        ]
    )


def default_batch(depth: int) -> int:
    """The recipe's 32; half of it where the reference would take many gigabytes and half a minute a step."""
    return 32 if depth <= 50 else 16
