"""A fresh network of the CIFAR family of 6n + 2 layers (He et al. 2015, section 4.2), forwards and backwards in NumPy.

3×3 convolutions of 16, 32 and 64 channels, n blocks of two for each width, average pooling and ten outputs; weights as
He et al. (https://arxiv.org/abs/1502.01852) draw them. Shortcuts are the identity, with every second pixel and zeros as
the further channels where shapes differ (option A), or there are none: a plain network.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from resnet_demo.errors import UserError
from resnet_demo.utils.linalg import in_pieces

DEPTHS = (8, 20, 32, 56, 110)
WIDTHS = (16, 32, 64)
CLASSES = 10
PICTURES, SIDE = 8, 16  # random pictures, half of CIFAR's side: a quarter of the work
EPSILON = 1e-5  # of the batch norms, as in PyTorch


@dataclass(frozen=True)
class Measured:
    """A convolution of a network that has learned nothing.

    Attributes:
        gradient: norm of the loss' gradient by its weights.
        activation: root mean square of what its layer gives, behind the ReLU.
    """

    gradient: float
    activation: float


class Convolution:
    """3×3 with zeros around, without bias; a batch norm over the pictures of now behind it, if wanted.

    Attributes:
        weight: (9 · inputs, outputs), the kernel's rows, then its columns, then the inputs.
        gradient: of the loss by it, after ``backward``.
    """

    def __init__(self, rng: np.random.Generator, inputs: int, outputs: int, stride: int, norm: bool):
        shape = 9 * inputs, outputs
        self.weight = rng.standard_normal(shape) * np.sqrt(2 / shape[0])
        self.stride, self.norm = stride, norm
        self.gradient = np.empty(0)
        self.activation = 0.0

    def forward(self, x: np.ndarray) -> np.ndarray:
        """(b, r, c, inputs) → (b, r / stride, c / stride, outputs)."""
        self._x = x
        y = in_pieces(patches(x, self.stride), self.weight)
        if self.norm:
            y -= y.mean(axis=0)
            self._deviation = np.sqrt(np.square(y).mean(axis=0) + EPSILON)
            y /= self._deviation
            self._normed = y
        batch, rows, columns, _ = x.shape
        return y.reshape(batch, rows // self.stride, columns // self.stride, -1)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """Gradient of the output → that of the input."""
        flat = dy.reshape(-1, dy.shape[-1])
        if self.norm:
            shared = flat.mean(axis=0) + self._normed * (flat * self._normed).mean(axis=0)
            flat = (flat - shared) / self._deviation
        self.gradient = in_pieces(patches(self._x, self.stride).T, flat)
        return scattered(in_pieces(flat, self.weight.T), self._x.shape, self.stride)


class Network:
    """See the module.

    Args:
        depth: one of 6n + 2.
    """

    def __init__(self, depth: int, shortcuts: bool, norm: bool, seed: int = 0):
        rng, blocks = np.random.default_rng(seed), (depth - 2) // 6
        self.shortcuts = shortcuts
        self.convolutions = [Convolution(rng, 3, WIDTHS[0], 1, norm)]
        inputs = WIDTHS[0]
        for width in WIDTHS:
            for _ in range(blocks):
                stride = 1 if width == inputs else 2
                self.convolutions += [Convolution(rng, inputs, width, stride, norm)]
                self.convolutions += [Convolution(rng, width, width, 1, norm)]
                inputs = width
        self.head = rng.standard_normal((inputs, CLASSES)) * np.sqrt(2 / inputs)

    def blocks(self) -> Iterator[tuple[Convolution, Convolution]]:
        return zip(self.convolutions[1::2], self.convolutions[2::2], strict=True)

    def step(self, pictures: np.ndarray, labels: np.ndarray) -> None:
        """The mean cross entropy of pictures (b, r, c, 3) and its gradients, forwards and backwards."""
        first = self.convolutions[0]
        x = rectified(first, first.forward(pictures))
        kept = [x]
        for one, two in self.blocks():
            inner = rectified(one, one.forward(x))
            y = two.forward(inner)
            x = rectified(two, y + shortcut(x, y.shape) if self.shortcuts else y)
            kept += [inner, x]
        pooled = x.mean(axis=(1, 2))
        logits = pooled @ self.head
        spread = np.exp(logits - logits.max(axis=1, keepdims=True))
        spread /= spread.sum(axis=1, keepdims=True)
        spread[np.arange(len(labels)), labels] -= 1
        gradient = (spread / len(labels)) @ self.head.T
        dx = np.broadcast_to(gradient[:, None, None] / (x.shape[1] * x.shape[2]), x.shape)
        for one, two in reversed([*self.blocks()]):
            out, inner = kept.pop(), kept.pop()
            dx = dx * (out > 0)
            inside = one.backward(two.backward(dx) * (inner > 0))
            dx = inside + shortcut_back(dx, inside.shape) if self.shortcuts else inside
        first.backward(dx * (kept.pop() > 0))


def patches(x: np.ndarray, stride: int) -> np.ndarray:
    """(b, r, c, C) → what each position of a 3×3 kernel sees, (positions, 9 · C)."""
    batch, rows, columns, channels = x.shape
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    found = np.empty((batch, rows // stride, columns // stride, 9, channels), x.dtype)
    for place in range(9):
        found[..., place, :] = padded[windows(place, rows, columns, stride)]
    return found.reshape(-1, 9 * channels)


def scattered(seen: np.ndarray, shape: tuple[int, ...], stride: int) -> np.ndarray:
    """The way back: what each position saw, added up at its pixels, (b, r, c, C)."""
    batch, rows, columns, channels = shape
    parts = seen.reshape(batch, rows // stride, columns // stride, 9, channels)
    padded = np.zeros((batch, rows + 2, columns + 2, channels), seen.dtype)
    for place in range(9):
        padded[windows(place, rows, columns, stride)] += parts[..., place, :]
    return padded[:, 1:-1, 1:-1]


def windows(place: int, rows: int, columns: int, stride: int) -> tuple[slice, ...]:
    """Where one of a kernel's nine places meets the padded picture."""
    row, column = divmod(place, 3)
    return slice(None), slice(row, row + rows, stride), slice(column, column + columns, stride)


def rectified(layer: Convolution, y: np.ndarray) -> np.ndarray:
    """The layer's ReLU; notes how large its output is."""
    x = np.maximum(y, 0)
    layer.activation = float(np.sqrt(np.square(x).mean()))
    return x


def shortcut(x: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Option A: the identity, or every second pixel with zeros as the further channels."""
    if x.shape == shape:
        return x
    return np.pad(x[:, ::2, ::2], ((0, 0), (0, 0), (0, 0), (0, shape[-1] - x.shape[-1])))


def shortcut_back(gradient: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Gradient of the shortcut's output → that of its input."""
    if gradient.shape == shape:
        return gradient
    found = np.zeros(shape, gradient.dtype)
    found[:, ::2, ::2] = gradient[..., : shape[-1]]
    return found


_one = threading.Lock()  # Whoever asks for the same waits for it, and all else for the machine.


def measure(depth: int, shortcuts: bool, norm: bool) -> tuple[Measured, ...]:
    """The convolutions of a fresh network, from the input on; the same seed, and so the same numbers, each time.

    Raises:
        UserError: a depth that is none of ``DEPTHS``.
    """
    if depth not in DEPTHS:
        raise UserError("Choose among the depths {depths}.", depths=", ".join(map(str, DEPTHS)))
    with _one:
        return _measured(depth, shortcuts, norm)


@lru_cache(maxsize=4 * len(DEPTHS))
def _measured(depth: int, shortcuts: bool, norm: bool) -> tuple[Measured, ...]:
    network = Network(depth, shortcuts, norm)
    network.step(*batch())
    return tuple(Measured(float(np.linalg.norm(one.gradient)), one.activation) for one in network.convolutions)


def batch() -> tuple[np.ndarray, np.ndarray]:
    """Random pictures (b, r, c, 3) of mean 0 and variance 1, and random labels (b,)."""
    rng = np.random.default_rng(1)
    return rng.standard_normal((PICTURES, SIDE, SIDE, 3)), rng.integers(0, CLASSES, PICTURES)
