"""The engine for CPUs: the network is built operation by operation in OpenVINO, so torch is never imported."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping

import numpy as np
from openvino import opset13 as ops

from resnet_demo import heap
from resnet_demo.checkpoints import Checkpoint
from resnet_demo.engine import Engine, cpu_count
from resnet_demo.layouts import LAYOUTS, STAGES
from resnet_demo.tasks import TaskSpec
from resnet_demo.vino import ov

# Pictures a pass: a ResNet-50 does more a second in fours than in sixteens (25.2 and 22.8 at 192 px on two cores).
PIECE = 4
BATCH_NORM_EPSILON = 1e-5  # PyTorch's default, with which all weights here were trained.


class OpenVinoEngine(Engine):
    """A checkpoint compiled for the CPU, in bf16 where the CPU computes in it and float32 elsewhere.

    Args:
        checkpoint: weights and task.
        precision: ``bf16`` or ``f32``; None takes what suits the CPU.
    """

    device = "cpu"

    def __init__(self, checkpoint: Checkpoint, precision: str | None = None):
        state = checkpoint.state
        super().__init__(checkpoint, (state["fc.weight"], state["fc.bias"]))
        core = ov.Core()
        self._precision = precision or best_precision(core)
        model = build_model(state, checkpoint.spec, checkpoint.depth, checkpoint.variant)
        self._alone = Compiled(core.compile_model(model, "CPU", hints(self._precision)))
        del state, model
        heap.trim()
        self._inside, self._inside_lock = 0, threading.Lock()
        self.backend = f"OpenVINO {'bf16' if self._precision == 'bf16' else 'float32'} on CPU"

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

    def _for_crowds(self) -> Compiled:
        """The same network with one thread for each of several pictures that come at once."""
        one = self.checkpoint
        model = build_model(one.state, one.spec, one.depth, one.variant)
        return Compiled(ov.Core().compile_model(model, "CPU", hints(self._precision, streams=cpu_count())))


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
        return features


class Crowds:
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
        threading.Thread(target=self._compile, args=(engine, make), name="streams", daemon=True).start()
        return None

    def _compile(self, engine: OpenVinoEngine, make: Callable[[], Compiled]) -> None:
        compiled = make()
        heap.trim()
        with self._lock:
            if engine in self._networks:
                self._networks[engine] = compiled


crowds = Crowds()


def hints(precision: str, streams: int = 1) -> dict[str, object]:
    """How a network is compiled for the CPU, ``precision`` being ``bf16`` or ``f32``.

    Args:
        streams: pictures that are computed at a time; the threads are shared out among them.
    """
    return {
        **({"PERFORMANCE_HINT": "LATENCY"} if streams == 1 else {"NUM_STREAMS": streams}),
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": cpu_count(),
        # The hint alone leaves out the second thread of a core, which are half the CPUs of many containers.
        "ENABLE_HYPER_THREADING": True,
    }


def best_precision(core: ov.Core) -> str:
    """``bf16`` where the CPU has instructions for it (AMX, AVX512-BF16), else ``f32``."""
    return "bf16" if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"


def build_model(state: Mapping[str, np.ndarray], spec: TaskSpec, depth: int, variant: str) -> ov.Model:
    """uint8 pictures (b, S, S, 3) → last feature map (b, C, S/32, S/32), batch norms folded into the convolutions."""
    pictures = ops.parameter([-1, spec.size, spec.size, 3], np.uint8, name="pictures")
    mean = np.asarray(spec.mean, np.float32) * 255
    std = np.asarray(spec.std, np.float32) * 255
    x = ops.divide(ops.subtract(ops.convert(pictures, np.float32), mean), std)
    x = ops.transpose(x, [0, 3, 1, 2])  # (b, 3, S, S)
    x = ops.relu(convolution(x, state, "conv1", "bn1", stride=2))
    x = ops.max_pool(x, [2, 2], [1, 1], [1, 1], [1, 1], [3, 3]).output(0)
    kind, counts = LAYOUTS[depth]
    for stage, count in zip(STAGES, counts, strict=True):
        for block in range(count):
            stride = 2 if block == 0 and stage != STAGES[0] else 1
            x = residual_block(x, state, f"{stage}.{block}", strides(kind, variant, stride))
    x.get_node().set_friendly_name("features")
    return ov.Model([x], [pictures], f"resnet{depth}")


def strides(kind: str, variant: str, stride: int) -> tuple[int, ...]:
    """The stride of each convolution of a block; ``architecture`` says where each variant has it."""
    if kind == "basic":
        return stride, 1
    return (stride, 1, 1) if variant == "v1" else (1, stride, 1)


def residual_block(x: ov.Output, state: Mapping[str, np.ndarray], name: str, steps: tuple[int, ...]) -> ov.Output:
    """Convolutions of the given strides, then the shortcut, projected where the checkpoint has a projection."""
    shortcut = x
    if f"{name}.downsample.0.weight" in state:
        shortcut = convolution(x, state, f"{name}.downsample.0", f"{name}.downsample.1", max(steps))
    for number, stride in enumerate(steps, start=1):
        x = convolution(x, state, f"{name}.conv{number}", f"{name}.bn{number}", stride)
        if number < len(steps):
            x = ops.relu(x).output(0)
    return ops.relu(ops.add(x, shortcut)).output(0)


def convolution(x: ov.Output, state: Mapping[str, np.ndarray], name: str, norm: str, stride: int) -> ov.Output:
    """A convolution and its batch norm as one: w · s and β − μ · s, with s = γ / √(σ² + ε)."""
    weight = state[f"{name}.weight"]
    scale = state[f"{norm}.weight"] / np.sqrt(state[f"{norm}.running_var"] + BATCH_NORM_EPSILON)
    bias = state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale
    padding = [weight.shape[2] // 2] * 2
    x = ops.convolution(x, weight * scale[:, None, None, None], [stride] * 2, padding, padding, [1, 1])
    return ops.add(x, bias.reshape(1, -1, 1, 1)).output(0)
