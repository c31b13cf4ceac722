"""Grad-CAM of the earlier stages on the CPU, beside PyTorch's autograd and a forward pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

import numpy as np
import torch

from resnet_demo import tasks
from resnet_demo.backends import factory
from resnet_demo.backends.base import Engine
from resnet_demo.backends.openvino import OpenVinoEngine
from resnet_demo.backends.openvino_gradient import EARLIER, GradientNetwork
from resnet_demo.backends.torch_network import build_network
from resnet_demo.bench import results
from resnet_demo.bench.comparison import Entry, compare
from resnet_demo.bench.harness import photos
from resnet_demo.bench.peers import networks
from resnet_demo.bench.settings import Settings
from resnet_demo.checkpoints import Checkpoint
from resnet_demo.explain import autograd
from resnet_demo.utils.cpu import cpu_count

DEPTHS = (18, 50)
ALL, COARSEST = "heat of layer1 to layer3, ResNet-{depth}", "heat of layer3, ResNet-{depth}"
FIRST = "first heat of an earlier stage, ResNet-{depth}"
EXPLANATION = """
Grad-CAM of a class at the earlier stages from a prepared picture, in float32 on the CPU, another class each time:
at all three stages, and at layer3 alone, where ours computes the other two as well. The first class: with making the
network that differentiates, of all three stages. PyTorch's autograd is what did this before, eager.
Turns of each way: {rounds}, {seconds:g} s or one call at least, after a call of each to warm up.
Threads: PyTorch {threads}, OpenVINO {cpus}.
"""


def measure(settings: Settings) -> list[dict]:
    """Print a table and return its rows for JSON.

    Raises:
        UserError: there are no checkpoints of flowers102 here.
    """
    print(
        EXPLANATION.format(
            rounds=settings.rounds, seconds=settings.seconds, threads=torch.get_num_threads(), cpus=cpu_count()
        ),
        flush=True,
    )
    table = []
    for depth in [depth for depth in DEPTHS if depth in settings.depths] or settings.depths:
        ways = Ways(networks.checkpoint_of("flowers102", depth))
        for what, entries in (
            (ALL, [*ways.both(EARLIER, target_ratio=1 / 0.3), *ways.passes(limit_ratio=3.0)]),
            (COARSEST, [*ways.both(EARLIER[-1:]), *ways.passes(limit_ratio=3.0)]),
            (FIRST, ways.first()),
        ):
            table += compare(what.format(depth=depth), entries, settings.rounds, settings.seconds)
    print(results.table(table), flush=True)
    return results.to_dicts(table)


class Ways:
    """Ours and the others with one network and one picture."""

    def __init__(self, checkpoint: Checkpoint):
        self.checkpoint = checkpoint
        self.engine = factory.make_engine(checkpoint, "cpu")
        picture, _ = tasks.preprocess(checkpoint.spec, photos.example("dahlia"))
        self.picture = np.ascontiguousarray(picture)
        self.normalised = torch.from_numpy(tasks.normalise(checkpoint.spec, picture[None]))

    def both(self, layers: tuple[str, ...], target_ratio: float | None = None) -> list[Entry]:
        """Maps of the given stages: ours, and one backward pass of autograd for each."""
        ours, theirs = self.classes(), self.classes()

        def explain() -> list[np.ndarray]:
            outputs = [next(ours)]  # A class that was asked about just now would be answered from memory.
            return [self.engine.stage_maps(self.picture, outputs, layer) for layer in layers]

        def differentiate() -> list[np.ndarray]:
            outputs = [next(theirs)]
            return [autograd.stage_maps(self.engine.network(), self.normalised, outputs, layer) for layer in layers]

        return [
            Entry("ours", lambda: explain, ours=True),
            Entry("PyTorch, autograd", lambda: differentiate, target_ratio=target_ratio, note="eager float32"),
        ]

    def passes(self, limit_ratio: float) -> list[Entry]:
        """Forward passes alone: in float32, and as photos are answered here."""

        def forward(engine: Engine) -> Callable[[], object]:
            return lambda: engine.run(self.picture[None])

        return [
            Entry(
                "the forward pass, float32",
                lambda: forward(OpenVinoEngine(self.checkpoint, "f32")),
                limit_ratio=limit_ratio,
                note="no maps",
            ),
            Entry("the answer's forward pass", lambda: forward(self.engine), note=self.engine.backend),
        ]

    def first(self) -> list[Entry]:
        """The first question about a network: it is made first."""
        rows = self.engine.head_weights[:1]
        layer = EARLIER[0]
        return [
            Entry("ours", lambda: lambda: GradientNetwork(self.checkpoint).maps(self.picture, rows), ours=True),
            Entry(
                "PyTorch, autograd",
                lambda: lambda: autograd.stage_maps(build_network(self.checkpoint), self.normalised, [0], layer),
                note="layer1 alone; PyTorch is imported already",
            ),
        ]

    def classes(self) -> Iterator[int]:
        """One class after the other, from the start again at the end."""
        return (number % self.checkpoint.spec.outputs for number in count())
