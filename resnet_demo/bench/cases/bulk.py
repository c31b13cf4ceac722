"""A folder of photos → a table of their classes, in pictures a second."""

from __future__ import annotations

import csv
import io
import itertools
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from resnet_demo import tasks
from resnet_demo.bench import results
from resnet_demo.bench.comparison import RATE, Entry, compare
from resnet_demo.bench.harness import photos
from resnet_demo.bench.peers import networks
from resnet_demo.bench.settings import Settings
from resnet_demo.checkpoints import Checkpoint
from resnet_demo.images.archives import Source
from resnet_demo.inference import batch
from resnet_demo.inference.base import BATCH
from resnet_demo.inference.classifier import Classifier
from resnet_demo.inference.mirror import outputs_of

UNIQUE = 64  # different files; more would only take disk space, as each one is read and decoded anew every time
WARM = 2 * BATCH  # pictures of the turn to warm up
EXPLANATION = """
A folder of {count} JPEG photos of 1024 × 768 pixels ({unique} different ones, read and decoded anew each time) to a CSV
file of their classes, ResNet-{depth} at {size} px on the CPU, in batches of {batch}. Each way does all {count}, in
{rounds} turns, after {warm} to warm up. Below: as many through the network alone.
"""


def measure(settings: Settings, depth: int = 50) -> list[dict]:
    """Print a table and return its rows for JSON.

    Raises:
        UserError: there is no checkpoint of an ImageNet ResNet-50 here.
    """
    checkpoint = networks.checkpoint_of("imagenet1k", depth)
    each = -(-settings.pictures // settings.rounds)
    with tempfile.TemporaryDirectory(prefix="resnet-demo-bench-", ignore_cleanup_errors=True) as folder:
        files = photos.folder_of_photos(Path(folder), min(UNIQUE, settings.pictures))
        print(
            EXPLANATION.format(
                count=each * settings.rounds,
                unique=len(files),
                depth=depth,
                size=checkpoint.spec.size,
                batch=BATCH,
                rounds=settings.rounds,
                warm=min(WARM, each),
            ),
            flush=True,
        )
        entries = [
            Entry("ours", lambda: turns(ours(checkpoint), files, each), RATE, ours=True),
            Entry(
                "transformers' pipeline",
                lambda: turns(piped(checkpoint), files, each),
                RATE,
                target_ratio=8,
                note="eager float32",
            ),
        ]
        # A turn is its share of the folder, however long that takes.
        what = f"folder to CSV, ResNet-{depth}"
        table = compare(what, entries, settings.rounds, 0)
        table += compare(f"{what}: its parts", [network_alone(checkpoint, each)], settings.rounds, 0)
    print(results.table(table), flush=True)
    return results.to_dicts(table)


def turns(way: Callable[[Sequence[Path]], bytes], files: Sequence[Path], each: int) -> Callable[[], int]:
    """A function that does the next ``each`` pictures and returns their number; the first two calls do fewer."""
    endless = itertools.cycle(files)
    # One call tries the way and one warms it up, see beside.compare.
    sizes: Iterator[int] = itertools.chain([min(WARM, each)] * 2, itertools.repeat(each))

    def turn() -> int:
        portion = list(itertools.islice(endless, next(sizes)))
        way(portion)
        return len(portion)

    return turn


def ours(checkpoint: Checkpoint) -> Callable[[Sequence[Path]], bytes]:
    """As the page's tab for many pictures: in portions, with a small copy of each picture to look at."""
    network = Classifier(checkpoint.spec.name, checkpoint.depth, "cpu", checkpoint=checkpoint)

    def way(files: Sequence[Path]) -> bytes:
        sources = [Source(file.name, partial(str, file)) for file in files]
        answers = [row for portion in batch.rows(network, sources) for row in portion]
        return batch.to_csv(answers, tasks.CLASSIFICATION)

    return way


def network_alone(checkpoint: Checkpoint, each: int) -> Entry:
    """One batch again and again: as many pictures as a turn has, which is what bounds ours."""
    network = Classifier(checkpoint.spec.name, checkpoint.depth, "cpu", checkpoint=checkpoint)
    picture, _ = tasks.preprocess(checkpoint.spec, photos.example("dahlia"))
    pictures = np.stack([picture] * BATCH)

    def passes() -> int:
        count = -(-each // BATCH)
        for _ in range(count):
            outputs_of(network.engine, pictures)
        return count * BATCH

    return Entry("the network", lambda: passes, RATE, note=f"batches of {BATCH}")


def piped(checkpoint: Checkpoint) -> Callable[[Sequence[Path]], bytes]:
    """transformers' pipeline, given the files' paths in one call.

    Raises:
        Missing: it cannot be installed.
    """
    classify = networks.pipeline(checkpoint, BATCH)

    def way(files: Sequence[Path]) -> bytes:
        text = io.StringIO(newline="")
        table = csv.writer(text)
        for file, answer in zip(files, classify([str(file) for file in files]), strict=True):
            table.writerow([file.name, *(cell for best in answer[:2] for cell in (best["label"], best["score"]))])
        return text.getvalue().encode()

    return way
