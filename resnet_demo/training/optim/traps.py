"""What goes wrong in training without an error, and is found here before it costs hours."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from resnet_demo.errors import UserError
from resnet_demo.models.resnet import ResNet
from resnet_demo.training.optim.schedule import part_of
from resnet_demo.training.recipe import Recipe

WATCHED = 10  # steps at the end of an epoch
MANY = 0.5  # of a stage's channels


def train_mode(network: ResNet, frozen: int) -> None:
    """Training mode, but for the first ``frozen`` parts: their batch norms would go on learning statistics.

    Gradients do not move these, so ``requires_grad_(False)`` does not stop them.
    """
    network.training = True
    for name, part in network.named_children():
        part.train(part_of(name) >= frozen)


def check_learns(network: nn.Module, optimizer: torch.optim.Optimizer, gradients: bool = True) -> None:
    """After a backward pass: what is not frozen must have a gradient and an optimizer that moves it.

    Args:
        gradients: whether each of them must have one; where hints alone are followed, the head has none.

    Raises:
        UserError: a layer that was meant to train would stay as it is, such as a head made after the optimizer.
    """
    moved = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    still = [
        name
        for name, parameter in network.named_parameters()
        if parameter.requires_grad and (id(parameter) not in moved or (gradients and parameter.grad is None))
    ]
    if still:
        more = f" and {len(still) - 3} more" if len(still) > 3 else ""
        raise UserError(
            f"{', '.join(still[:3])}{more} should train, but nothing moves them: make the optimizer after the last "
            "change of the network, or freeze them by the recipe's `frozen`."
        )


def late_thaw(recipe: Recipe) -> str | None:
    """A sentence where layers were meant to train later than the recipe ends."""
    late = [start for start, _ in recipe.frozen if start >= recipe.epochs]
    if not late:
        return None
    return (
        f"Mind: what is frozen would change in epoch {late[0] + 1}, and the recipe ends after {recipe.epochs}, so "
        "these layers never train: raise epochs, or set frozen."
    )


class DeadChannels:
    """Which channels of each stage were zero for every picture of an epoch's last steps.

    A ReLU that gives zero for all pictures passes no gradient, so that nothing below it brings it back.
    """

    def __init__(self) -> None:
        self._largest: dict[str, Tensor] = {}

    @torch.no_grad()
    def see(self, maps: Mapping[str, Tensor]) -> None:
        """Take note of a step's feature maps (b, C, r, c) by stage."""
        for name, found in maps.items():
            largest = found.detach().abs().amax((0, 2, 3)).float()
            before = self._largest.get(name)
            self._largest[name] = largest if before is None else torch.maximum(before, largest)

    def shares(self, over_all: Callable[[Tensor], Tensor] = lambda largest: largest) -> dict[str, float]:
        """Share of dead channels by stage; then it forgets them.

        Args:
            over_all: the largest values (C,) that this process saw → those of all processes: each sees its share of
                a batch, and a channel that is zero there may live for the others' pictures.
        """
        shares = {name: float((over_all(largest) == 0).float().mean()) for name, largest in self._largest.items()}
        self._largest = {}
        return shares


def dead_sentence(shares: Mapping[str, float], rate: float) -> str | None:
    """A warning where many channels are dead.

    Raises:
        UserError: all of a stage's are, so that what lies below can learn nothing any more.
    """
    stage = max(shares, key=lambda name: shares[name], default="")
    if not stage or shares[stage] < MANY:
        return None
    said = f"{shares[stage]:.0%} of the channels of {stage} are zero for every picture (dead ReLUs)"
    if shares[stage] == 1:
        raise UserError(f"{said}, so that nothing below learns any more: lower learning_rate, it is {rate:g}.")
    return f"Mind: {said}: a lower learning_rate than {rate:g} may do better."
