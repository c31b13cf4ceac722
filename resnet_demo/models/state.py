"""The arrays of a network's state: their names, their shapes, and whether all are there."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

import numpy as np

from resnet_demo.errors import Text, UserError
from resnet_demo.models.architecture import ARCHITECTURES, DEPTHS, STAGES, Architecture, ConvNorm, architecture_of


def expected_shapes(depth: Architecture | int, outputs: int) -> dict[str, tuple[int, ...]]:
    """Name → shape of every array of a ResNet's state, in the network's order, without building the network."""
    architecture = architecture_of(depth)
    shapes: dict[str, tuple[int, ...]] = {}

    def add_norm(name: str | None, channels: int) -> None:
        if name is not None:
            shapes.update((f"{name}.{part}", (channels,)) for part in ("weight", "bias", "running_mean", "running_var"))

    def add(convolution: ConvNorm | None) -> None:
        if convolution is not None and not convolution.fixed:
            shapes[f"{convolution.name}.weight"] = convolution.shape
            add_norm(convolution.norm, convolution.outputs)

    for convolution in architecture.first_convolutions:
        add(convolution)
    for block in architecture.blocks:
        add_norm(block.first_norm, block.inputs)
        for convolution in block.convolutions:
            add(convolution)
        if block.gate:
            shapes |= block.gate.shapes
        add(block.projection)
    add_norm(architecture.last_norm, architecture.width)
    shapes["fc.weight"] = (outputs, architecture.width)
    shapes["fc.bias"] = (outputs,)
    return shapes


def architecture_in(state: Mapping[str, np.ndarray]) -> Architecture | None:
    """The known network whose arrays these are, with a head of any width; None where they are of none of them.

    The stride of a bottleneck (``variant``) leaves no trace in a state, nor does a shortcut without weights: where two
    networks differ in that alone, as a plain one of CIFAR-10 from the residual one, it is the residual one.
    """
    given = {key: tuple(value.shape) for key, value in state.items() if not key.startswith("fc.")}
    for architecture in ARCHITECTURES.values():
        shapes = expected_shapes(architecture, 1)
        del shapes["fc.weight"], shapes["fc.bias"]
        if shapes == given:
            return architecture
    return None


def depth_of(state: Mapping[str, np.ndarray]) -> int:
    """The depth of a state dict, counted from its blocks.

    Raises:
        UserError: not a ResNet's.
    """
    counts = tuple(len({key.split(".")[1] for key in state if key.startswith(f"{stage}.")}) for stage in STAGES)
    block_type = "bottleneck" if "layer1.0.conv3.weight" in state else "basic"
    for architecture in map(architecture_of, DEPTHS):
        if (architecture.block, architecture.counts) == (block_type, counts):
            return architecture.depth
    raise UserError(
        "These weights are no ResNet's: {kind} blocks in stages of {counts}.", kind=block_type, counts=counts
    )


def rounded_convolutions(depth: Architecture | int) -> list[str]:
    """The names of the convolutions whose inputs 8-bit arithmetic rounds, see ``openvino_int8``."""
    architecture = architecture_of(depth)
    exact: set[ConvNorm | None] = set(architecture.first_convolutions)
    if architecture.block == "bottleneck":
        first = architecture.blocks[0]
        exact |= {first.convolutions[0], first.projection}
    return [convolution.name for convolution in architecture.convolutions if convolution not in exact]


def check_state(
    state: Mapping[str, np.ndarray], depth: Architecture | int, outputs: int, source: str, most: int = 5
) -> None:
    """Every array of the network must be there in its shape, and nothing else; of each fault ``most`` are named.

    Raises:
        UserError: one sentence that names the bad keys.
    """
    expected = expected_shapes(depth, outputs)
    faults = []
    if missing := [key for key in expected if key not in state]:
        faults.append(Text("missing are {keys}", keys=first_few(missing, most)))
    if unexpected := sorted(key for key in state if key not in expected):
        faults.append(Text("unexpected are {keys}", keys=first_few(unexpected, most)))
    if misshapen := [
        f"{key} {tuple(state[key].shape)} instead of {shape}"
        for key, shape in expected.items()
        if key in state and tuple(state[key].shape) != shape
    ]:
        faults.append(Text("wrongly shaped are {keys}", keys=first_few(misshapen, most)))
    if faults:
        raise UserError(
            "{source} does not fit a {title} with {outputs} outputs: {faults}.",
            source=source,
            title=architecture_of(depth).title,
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
