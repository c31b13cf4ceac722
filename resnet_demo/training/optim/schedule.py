"""Learning rates: groups by depth in the network, warm-up, half cosine."""

from __future__ import annotations

import math

import torch
from torch import nn

from resnet_demo.errors import UserError
from resnet_demo.models.architecture import STAGES
from resnet_demo.models.resnet import ResNet
from resnet_demo.training.optim.muon import Muon
from resnet_demo.training.recipe import Recipe

PARTS = ("stem", *STAGES, "head")


# Parts of the network that are no stage by their names.
BESIDE = {"conv1": "stem", "bn1": "stem", "maxpool": "stem", "norm": "layer4", "fc": "head"}


def part_of(name: str) -> int:
    """Index in ``PARTS`` of a parameter's name."""
    first = name.split(".")[0]
    return PARTS.index(BESIDE.get(first, first))


def parameter_groups(network: ResNet, recipe: Recipe) -> list[dict]:
    """One group per part and kind of weight; ``factor`` is the group's share of the recipe's learning rate."""
    groups: dict[tuple[int, bool], dict] = {}
    for name, parameter in network.named_parameters():
        part, decays = part_of(name), parameter.ndim > 1
        if part == len(PARTS) - 1:
            factor = recipe.head_factor
        else:
            factor = recipe.layer_decay ** (len(PARTS) - 2 - part)
        group = groups.setdefault(
            (part, decays),
            {"params": [], "part": part, "factor": factor, "weight_decay": recipe.weight_decay if decays else 0.0},
        )
        group["params"].append(parameter)
    return list(groups.values())


def make_optimizer(network: ResNet, recipe: Recipe, adaptors: nn.Module | None = None) -> torch.optim.Optimizer:
    """An optimizer of the network and, where one distils, of the adaptors, which learn at the peak rate.

    Raises:
        UserError: no such optimizer.
    """
    groups = parameter_groups(network, recipe)
    if adaptors and (own := list(adaptors.parameters())):
        groups.append({"params": own, "part": len(PARTS) - 1, "factor": 1.0, "weight_decay": 0.0})
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=recipe.learning_rate, fused=True)
    if recipe.optimizer == "adam":
        return torch.optim.Adam(groups, lr=recipe.learning_rate, fused=True)
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=recipe.learning_rate, momentum=0.9, nesterov=True, fused=True)
    if recipe.optimizer == "muon":
        for group in groups:  # Of the adaptors' convolutions the size counts.
            group["orthogonal"] = group["part"] < len(PARTS) - 1 and all(each.ndim == 4 for each in group["params"])
        return Muon(groups, lr=recipe.learning_rate)
    raise UserError(f"There is no optimizer {recipe.optimizer!r}: choose adamw, adam, sgd or muon.")


def rate_at(recipe: Recipe, epoch: float) -> float:
    """Share of the peak learning rate after ``epoch`` epochs (a fraction counts): linear warm-up, then ``decay``."""
    if epoch < recipe.warmup:
        return epoch / recipe.warmup
    if recipe.decay == "constant":
        return 1.0
    done = (epoch - recipe.warmup) / max(recipe.epochs - recipe.warmup, 1e-9)
    return 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))


def set_rates(optimizer: torch.optim.Optimizer, recipe: Recipe, epoch: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = recipe.learning_rate * group["factor"] * rate_at(recipe, epoch)


def freeze(network: nn.Module, parts: int, norms_only: bool = False) -> None:
    """Parameters of the first ``parts`` of ``PARTS`` get no gradient, nor convolutions where ``norms_only``."""
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(part_of(name) >= parts and not (norms_only and parameter.ndim == 4))
