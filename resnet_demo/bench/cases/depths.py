"""One photo through the networks of all depths, beside what their forward passes alone cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from PIL import Image

from resnet_demo.bench import results
from resnet_demo.bench.cases.photo import overlay
from resnet_demo.bench.comparison import Entry, compare
from resnet_demo.bench.harness import photos
from resnet_demo.bench.peers import networks
from resnet_demo.bench.settings import Settings
from resnet_demo.checkpoints import Checkpoint
from resnet_demo.inference.classifier import Classifier

ANSWERS, PICTURES = "{count} depths compared", "{count} depths compared, with their pictures"
EXPLANATION = """
One photo of {width} × {height} pixels through ResNet-{depths} of flowers102 ({sizes}), on the CPU.
- compared: preparing the photo, forward pass, classes and Grad-CAM map for each depth.
- with their pictures: from the photo's JPEG file, and with a finished JPEG overlay of each depth, as the tab Compare.
- OpenVINO: the forward passes of the same networks alone, the same precision, one after the other.
{random}Turns of each way: {rounds}, {seconds:g} s or one photo at least, after a photo of each to warm up.
"""


def measure(settings: Settings) -> list[dict]:
    """Print a table and return its rows for JSON.

    Raises:
        UserError: there are no checkpoints of flowers102 here.
    """
    chosen = [networks.checkpoint_of("flowers102", depth) for depth in sorted(set(settings.depths))]
    photo = photos.example("dahlia")
    made = ", ".join(f"ResNet-{checkpoint.depth}" for checkpoint in chosen if checkpoint.path is None)
    print(
        EXPLANATION.format(
            width=photo.width,
            height=photo.height,
            depths=", ".join(str(checkpoint.depth) for checkpoint in chosen),
            sizes=", ".join(f"{checkpoint.spec.size} px" for checkpoint in chosen),
            random=f"No weights are bundled for {made}: random ones stand in, whose speed is the same.\n" * bool(made),
            rounds=settings.rounds,
            seconds=settings.seconds,
        ),
        flush=True,
    )
    file = (photos.EXAMPLES / "dahlia.jpg").read_bytes()
    predictors = [Classifier("flowers102", one.depth, "cpu", checkpoint=one) for one in chosen]
    passes = [networks.bare_pass(one) for one in chosen]
    table = []
    for what, make in ((ANSWERS, partial(answers, predictors, photo)), (PICTURES, partial(pictures, predictors, file))):
        entries = [
            Entry("ours", make, ours=True),
            Entry(
                "OpenVINO, the forward passes alone",
                lambda: bare(passes, chosen, photo),
                limit_ratio=1.3,
                note="no maps",
            ),
        ]
        table += compare(what.format(count=len(chosen)), entries, settings.rounds, settings.seconds)
    print(results.table(table), flush=True)
    return results.to_dicts(table)


def answers(predictors: Sequence[Classifier], photo: Image.Image) -> Callable[[], object]:
    """The classes and the map of each depth."""

    def run() -> list[np.ndarray]:
        return [predict(photo).low_resolution_cam() for predict in predictors]

    return run


def pictures(predictors: Sequence[Classifier], file: bytes) -> Callable[[], object]:
    """The finished picture of each depth; the file is decoded once."""
    from resnet_demo.images.decode import open_photo

    def run() -> list[bytes]:
        photo = open_photo(file)
        return [overlay(predict(photo)) for predict in predictors]

    return run


def bare(passes: Sequence[Callable], chosen: Sequence[Checkpoint], photo: Image.Image) -> Callable[[], object]:
    inputs = [networks.normalised(checkpoint, photo).numpy() for checkpoint in chosen]
    return lambda: [forward(picture) for forward, picture in zip(passes, inputs, strict=True)]
