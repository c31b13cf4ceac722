"""Exponential moving average of the weights (Polyak averaging), the weights that are kept in the end."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ModelEma:
    """Averages every floating tensor of a network's state; the first steps count evenly, so that it starts unbiased."""

    def __init__(self, network: nn.Module, decay: float):
        self.decay, self.steps = decay, 0
        self.state: dict[str, Tensor] = {
            key: value.detach().clone() for key, value in network.state_dict().items() if value.is_floating_point()
        }

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        current = network.state_dict()
        keys = list(self.state)
        torch._foreach_lerp_([self.state[key] for key in keys], [current[key] for key in keys], 1 - decay)
