"""Muon: SGD whose steps turn all directions of a convolution alike (Jordan et al. 2024,
https://kellerjordan.github.io/posts/muon).

A gradient of a convolution, as a matrix of filters by their inputs, is nearly of low rank, so that SGD moves a few
directions over and over. Muon replaces the momentum by the nearest matrix with orthonormal rows or columns. Here a step
moves a layer by a share of its norm, ``lr``, and then gives it the norm back that it had: where a batch norm follows,
the norm means nothing but how far a step of a given size turns the filters (van Laarhoven 2017,
https://arxiv.org/abs/1706.05350; You et al. 2017, https://arxiv.org/abs/1708.03888), so no weight decay is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

# Of the quintic iteration that takes all singular values near 1 at once; from Jordan et al. 2024.
QUINTIC = (3.4445, -4.7750, 2.0315)
ITERATIONS = 5


def orthogonal(matrix: Tensor) -> Tensor:
    """The matrix (r, c) with all its singular values at 0.7 to 1.2: nearly U·Vᵀ, by Newton and Schulz's iteration."""
    a, b, c = QUINTIC
    x = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    x = x / x.norm().clamp_min(1e-12)
    for _ in range(ITERATIONS):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if matrix.shape[0] > matrix.shape[1] else x


class Muon(Optimizer):
    """Muon for the groups with ``orthogonal`` (convolutions, (outputs, inputs, r, c)), SGD with Nesterov's momentum
    for the others.

    Args:
        groups: as of any optimizer, ``weight_decay`` for those of SGD.
        lr: of Muon the share of a layer's norm that a step moves it by.
        momentum: of both.
    """

    def __init__(self, groups: Iterable[dict[str, Any]], lr: float, momentum: float = 0.9):
        super().__init__(groups, {"lr": lr, "momentum": momentum, "weight_decay": 0.0, "orthogonal": False})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        loss = closure() if closure else None
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._move(parameter, parameter.grad, group)
        return loss

    def _move(self, parameter: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        momentum = group["momentum"]
        if not group["orthogonal"]:
            gradient = gradient.add(parameter, alpha=group["weight_decay"])
        state = self.state[parameter]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(parameter)
        buffer = state["momentum_buffer"]
        buffer.mul_(momentum).add_(gradient)
        step = gradient.add(buffer, alpha=momentum)
        if not group["orthogonal"]:
            parameter.sub_(step, alpha=group["lr"])
            return
        rows = step.flatten(1)
        turned = orthogonal(rows).view_as(step)
        norm = parameter.norm()
        parameter.sub_(turned * (group["lr"] * norm / min(rows.shape) ** 0.5))
        parameter.mul_(norm / parameter.norm())
