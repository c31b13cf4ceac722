"""The engine for CPUs: OpenVINO, without importing torch."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

import numpy as np

from resnet_demo.backends import openvino_int8
from resnet_demo.backends.base import Engine
from resnet_demo.backends.openvino_bytes import first_features_of_bytes
from resnet_demo.backends.openvino_graph import First, Layer, build_model, convolution, first_features
from resnet_demo.backends.openvino_runtime import core, hints, ov
from resnet_demo.checkpoints import Checkpoint
from resnet_demo.utils import memory
from resnet_demo.utils.cpu import cpu_count

# Pictures a pass: a ResNet-50 does more a second in fours than in sixteens (25.2 and 22.8 at 192 px on two cores).
PIECE = 4
MOST_IDLE = 4  # requests that are kept: as many as a listener answers at a time
NAMES = {"int8": "int8", "bf16": "bf16", "f32": "float32"}


class OpenVinoEngine(Engine):
    """A checkpoint compiled for the CPU, in the quickest precision that suits both.

    Args:
        checkpoint: weights and task.
        precision: ``int8`` (see ``openvino_int8``), ``bf16`` or ``f32``; None takes ``best_precision``.

    Raises:
        ValueError: ``int8`` for a checkpoint without ranges.
    """

    device = "cpu"

    def __init__(self, checkpoint: Checkpoint, precision: str | None = None):
        state = checkpoint.arrays
        super().__init__(checkpoint, (state["fc.weight"], state["fc.bias"]))
        self.precision = precision or best_precision(checkpoint)
        self._alone = self._compiled()
        memory.release()
        self._inside, self._inside_lock = 0, threading.Lock()
        self.backend = f"OpenVINO {NAMES[self.precision]} on CPU"

    def last_features(self, pictures: np.ndarray) -> np.ndarray:
        with self._inside_lock:
            self._inside += 1
            crowded = self._inside > 1 or len(pictures) > PIECE
        try:
            network = crowds.network(self, self._for_crowds) if crowded and cpu_count() > 1 else None
            return (network or self._alone).run(pictures)
        finally:
            with self._inside_lock:
                self._inside -= 1

    def unload(self) -> None:
        super().unload()
        crowds.forget(self)

    def _for_crowds(self) -> Compiled:
        """The same network with one thread for each of several pictures that come at once."""
        return self._compiled(streams=cpu_count())

    def _compiled(self, streams: int = 1) -> Compiled:
        one = self.checkpoint
        layer, first = parts(one, self.precision)
        model = build_model(one.arrays, one.spec, one.architecture, layer, first)
        return Compiled(core.compile_model(model, "CPU", hints(self.precision, streams)))


class Compiled:
    """A compiled network that threads may share."""

    def __init__(self, compiled: ov.CompiledModel):
        self._compiled = compiled
        # A request serves one call at a time: each takes an idle one, or makes one.
        self._idle: list[ov.InferRequest] = []
        self._lock = threading.Lock()

    def run(self, pictures: np.ndarray) -> np.ndarray:
        """uint8 (b, S, S, 3) → last feature map (b, C, r, c); large batches in pieces whose maps stay in the cache."""
        pieces = np.array_split(pictures, -(-len(pictures) // PIECE)) if len(pictures) > PIECE else [pictures]
        inputs = [np.ascontiguousarray(piece) for piece in pieces]
        with self._lock:
            requests = [self._idle.pop() if self._idle else self._compiled.create_infer_request() for _ in inputs]
        for request, piece in zip(requests, inputs, strict=True):
            request.start_async([piece], share_inputs=True)
        for request in requests:
            request.wait()
        # The requests' memory is overwritten by the next calls, so what leaves here is a copy.
        parts = [request.get_output_tensor().data for request in requests]
        features = np.concatenate(parts) if len(parts) > 1 else parts[0].copy()
        with self._lock:
            self._idle += requests
            del self._idle[MOST_IDLE:]  # Each has memory for all its layers' outputs.
        return features


class ThroughputNetworks:
    """The networks that are asked for several pictures at once, compiled a second time for that: a thread each.

    Where threads share a picture, they wait for each other at each layer, and for whatever else runs on their CPUs.
    That is the quickest way for one picture, and a waste where there are as many pictures as CPUs.

    Args:
        most: networks that are kept; each one's weights are in memory twice.
    """

    def __init__(self, most: int = 2):
        self.most = most
        self._lock = threading.Lock()
        self._networks: OrderedDict[OpenVinoEngine, Compiled | None] = OrderedDict()  # None: being compiled

    def network(self, engine: OpenVinoEngine, make: Callable[[], Compiled]) -> Compiled | None:
        """The second network of an engine; None until it is there: nobody waits for it."""
        with self._lock:
            if engine in self._networks:
                self._networks.move_to_end(engine)
                return self._networks[engine]
            self._networks[engine] = None
            while len(self._networks) > self.most:
                self._networks.popitem(last=False)
        # No daemon: a program that ends while OpenVINO compiles in one is aborted.
        threading.Thread(target=self._compile, args=(engine, make), name="streams").start()
        return None

    def forget(self, engine: OpenVinoEngine) -> None:
        """Let go of an engine's second network."""
        with self._lock:
            self._networks.pop(engine, None)

    def _compile(self, engine: OpenVinoEngine, make: Callable[[], Compiled]) -> None:
        try:
            compiled = make()
        except BaseException:
            self.forget(engine)  # The next crowd tries again.
            raise
        memory.release()
        with self._lock:
            if engine in self._networks:
                self._networks[engine] = compiled


crowds = ThroughputNetworks()


def best_precision(checkpoint: Checkpoint) -> str:
    """``int8`` where the CPU has instructions for it and the checkpoint its ranges, else ``float_precision``."""
    return "int8" if checkpoint.ranges and openvino_int8.exact_steps() else float_precision()


def parts(checkpoint: Checkpoint, precision: str) -> tuple[Layer, First]:
    """What makes a network's convolutions and its first features in a precision, see ``build_model``."""
    if precision != "int8":
        return convolution, first_features
    return openvino_int8.rounding(checkpoint.ranges, openvino_int8.steps_here()), first_features_of_bytes


def float_precision() -> str:
    """``bf16`` where the CPU has instructions for it (AMX, AVX512-BF16), else ``f32``."""
    return "bf16" if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"
