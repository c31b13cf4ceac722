"""The arrays of a network's state: their names, their shapes, and whether all are there."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

import numpy as np

from resnet_demo.errors import Text, UserError
from resnet_demo.models.layouts import LAYOUTS, STAGES


def expected_shapes(depth: int, outputs: int) -> dict[str, tuple[int, ...]]:
    """Name → shape of every array of a ResNet's state, in the network's order, without building the network."""
    shapes: dict[str, tuple[int, ...]] = {}

    def add(convolution: str, norm: str, channels_out: int, channels_in: int, kernel: int) -> None:
        shapes[f"{convolution}.weight"] = (channels_out, channels_in, kernel, kernel)
        for part in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{norm}.{part}"] = (channels_out,)

    add("conv1", "bn1", 64, 3, 7)
    inputs = 64
    block_type, counts = LAYOUTS[depth]
    for index, (stage, count) in enumerate(zip(STAGES, counts, strict=True)):
        width = 64 * 2**index
        # (outputs, kernel) of each convolution of a block
        layers = ((width, 3), (width, 3)) if block_type == "basic" else ((width, 1), (width, 3), (4 * width, 1))
        for block in range(count):
            name, channels = f"{stage}.{block}", inputs
            for number, (channels_out, kernel) in enumerate(layers, start=1):
                add(f"{name}.conv{number}", f"{name}.bn{number}", channels_out, channels, kernel)
                channels = channels_out
            if block == 0 and (index > 0 or inputs != channels):
                add(f"{name}.downsample.0", f"{name}.downsample.1", channels, inputs, 1)
            inputs = channels
    shapes["fc.weight"] = (outputs, inputs)
    shapes["fc.bias"] = (outputs,)
    return shapes


def rounded_convolutions(depth: int) -> list[str]:
    """The names of the convolutions whose inputs 8-bit arithmetic rounds, see ``openvino_int8``."""
    exact = {"conv1", "layer1.0.conv1", "layer1.0.downsample.0"} if LAYOUTS[depth][0] == "bottleneck" else {"conv1"}
    names = [key.removesuffix(".weight") for key, shape in expected_shapes(depth, 1).items() if len(shape) == 4]
    return [name for name in names if name not in exact]


def check_state(state: Mapping[str, np.ndarray], depth: int, outputs: int, source: str) -> None:
    """Every array of the network must be there in its shape, and nothing else.

    Raises:
        UserError: one sentence that names the bad keys.
    """
    expected = expected_shapes(depth, outputs)
    faults = []
    if missing := [key for key in expected if key not in state]:
        faults.append(Text("missing are {keys}", keys=first_few(missing)))
    if unexpected := sorted(key for key in state if key not in expected):
        faults.append(Text("unexpected are {keys}", keys=first_few(unexpected)))
    if misshapen := [
        f"{key} {tuple(state[key].shape)} instead of {shape}"
        for key, shape in expected.items()
        if key in state and tuple(state[key].shape) != shape
    ]:
        faults.append(Text("wrongly shaped are {keys}", keys=first_few(misshapen)))
    if faults:
        raise UserError(
            "{source} does not fit a ResNet-{depth} with {outputs} outputs: {faults}.",
            source=source,
            depth=depth,
            outputs=outputs,
            faults=reduce(both, faults),
        )


def both(faults: Text, others: Text) -> Text:
    return Text("{faults}; {others}", faults=faults, others=others)


def first_few(names: list[str], most: int = 5) -> list[str] | Text:
    """The first few names and how many more there are."""
    if len(names) <= most:
        return names
    return Text("{first} and {count} more", first=names[:most], count=len(names) - most)
