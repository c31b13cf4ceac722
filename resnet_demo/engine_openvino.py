"""The engine for CPUs: the network is built operation by operation in OpenVINO, so torch is never imported."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from resnet_demo.checkpoints import Checkpoint
from resnet_demo.engine import Engine, cpu_count
from resnet_demo.layouts import LAYOUTS, STAGES
from resnet_demo.tasks import TaskSpec

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
        precision = precision or best_precision(core)
        model = build_model(state, checkpoint.spec, checkpoint.depth, checkpoint.variant)
        self._compiled = core.compile_model(model, "CPU", hints(precision))
        # A request serves one thread at a time: each call takes an idle one, or makes one.
        self._idle: list[ov.InferRequest] = []
        self._idle_lock = threading.Lock()
        self.backend = f"OpenVINO {'bf16' if precision == 'bf16' else 'float32'} on CPU"

    def last_features(self, pictures: np.ndarray) -> np.ndarray:
        with self._idle_lock:
            request = self._idle.pop() if self._idle else self._compiled.create_infer_request()
        results = request.infer([np.ascontiguousarray(pictures)], share_inputs=True, share_outputs=True)
        # The request's memory is overwritten by the next call, so what leaves here is a copy.
        features = results[0].copy()
        with self._idle_lock:
            self._idle.append(request)
        return features


def hints(precision: str) -> dict[str, object]:
    """How a network is compiled for the CPU, ``precision`` being ``bf16`` or ``f32``."""
    return {
        "PERFORMANCE_HINT": "LATENCY",
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
