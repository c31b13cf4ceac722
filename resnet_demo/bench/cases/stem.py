"""A network in 8 bits whose first convolution multiplies the photo's bytes, beside the same with it in float32."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from resnet_demo import tasks
from resnet_demo.backends import openvino_int8
from resnet_demo.backends.openvino import Compiled, OpenVinoEngine, best_precision
from resnet_demo.backends.openvino_graph import build_model
from resnet_demo.backends.openvino_runtime import core, hints
from resnet_demo.bench import results
from resnet_demo.bench.comparison import Entry, compare
from resnet_demo.bench.harness import photos
from resnet_demo.bench.peers import networks
from resnet_demo.bench.settings import Settings
from resnet_demo.checkpoints import Checkpoint

DEPTHS, BATCHES = (18, 50), (1, 4)
WHAT = "first convolution of ResNet-{depth}, pictures at a time: {count}"
EXPLANATION = """
The forward pass of flowers102's networks in 8 bits, from bytes to the last feature map, on the CPU: with the first
convolution in 8 bits, as the app does it, and in float32.
Turns of each way: {rounds}, {seconds:g} s or one call at least, after a call of each to warm up.
"""


def measure(settings: Settings) -> list[dict]:
    """Print a table and return its rows for JSON; a sentence and no rows where nothing is computed in 8 bits.

    Raises:
        UserError: there are no checkpoints of flowers102 here.
    """
    depths = [depth for depth in DEPTHS if depth in settings.depths] or settings.depths
    chosen = [networks.checkpoint_of("flowers102", depth) for depth in depths]
    if any(best_precision(checkpoint) != "int8" for checkpoint in chosen):
        print("\nThe first convolution was not measured: here these networks are not computed in 8 bits.", flush=True)
        return []
    print(EXPLANATION.format(rounds=settings.rounds, seconds=settings.seconds), flush=True)
    table = []
    for checkpoint in chosen:
        for count in BATCHES:
            picture, _ = tasks.preprocess(checkpoint.spec, photos.example("dahlia"))
            pictures = np.stack([picture] * count)
            entries = [
                Entry("ours", partial(ours, checkpoint, pictures), ours=True),
                Entry("with it in float32", partial(in_float32, checkpoint, pictures)),
            ]
            table += compare(
                WHAT.format(depth=checkpoint.depth, count=count), entries, settings.rounds, settings.seconds
            )
    print(results.table(table), flush=True)
    return results.to_dicts(table)


def ours(checkpoint: Checkpoint, pictures: np.ndarray) -> Callable[[], object]:
    engine = OpenVinoEngine(checkpoint, "int8")
    return lambda: engine.last_features(pictures)


def in_float32(checkpoint: Checkpoint, pictures: np.ndarray) -> Callable[[], object]:
    layer = openvino_int8.rounding(checkpoint.ranges, openvino_int8.steps_here())
    graph = build_model(checkpoint.arrays, checkpoint.spec, checkpoint.architecture, layer)
    network = Compiled(core.compile_model(graph, "CPU", hints("int8")))
    return lambda: network.run(pictures)
