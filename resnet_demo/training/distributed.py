"""Training in several processes, which ``torchrun`` starts, on one machine or many: each does its share of every batch.

``torch.nn.parallel.DistributedDataParallel`` averages their gradients. Shares are weighted by what counts in them, so
that losses and steps are those of one process with the whole batch; batch norms that learn see their share alone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from resnet_demo.errors import UserError
from resnet_demo.models.resnet import ResNet
from resnet_demo.training.optim import folded_norms, traps

PATIENCE = timedelta(hours=6)  # The others wait while the first one measures.
T = TypeVar("T")


@dataclass(frozen=True)
class Team:
    """The processes of a run: which one this is, and how many there are.

    Attributes:
        rank: from 0; that one measures and writes.
        size: 1: this process alone.
        local_rank: on this machine.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0

    @property
    def leads(self) -> bool:
        return self.rank == 0

    @property
    def device(self) -> torch.device:
        if not torch.cuda.is_available():
            return torch.device("cpu")
        return torch.device("cuda", self.local_rank) if self.size > 1 else torch.device("cuda")

    def share(self, batch: list[T]) -> list[T]:
        """What of a batch is this process's."""
        return batch[self.rank :: self.size]

    def check(self, batch: int) -> None:
        """Raises UserError where a batch has too few pictures."""
        if batch < self.size:
            raise UserError(
                f"A batch of {batch} pictures is too small for {self.size} processes: start fewer, or --set batch="
                f"{self.size}."
            )

    def sum(self, value: float) -> float:
        """Of all processes."""
        if self.size == 1:
            return value
        total = torch.tensor(float(value), dtype=torch.float64, device=self.device)
        distributed.all_reduce(total)
        return total.item()

    def weight(self, count: int) -> float:
        """What the mean over this process's ``count`` values counts: the processes' mean is that over all values; 0
        where nobody has any."""
        total = self.sum(count)
        return count * self.size / total if total else 0.0

    def largest(self, values: Tensor) -> Tensor:
        """Of all processes, value by value."""
        if self.size > 1:
            distributed.all_reduce(values, distributed.ReduceOp.MAX)
        return values

    def whole(self, share: Tensor) -> Tensor:
        """The batch (b, …) of which ``share`` is this process's."""
        total = round(self.sum(len(share)))
        most = -(-total // self.size)
        padded = share.new_zeros(most, *share.shape[1:])
        padded[: len(share)] = share
        shares = [torch.empty_like(padded) for _ in range(self.size)]
        distributed.all_gather(shares, padded)
        return torch.stack(shares, 1).flatten(0, 1)[:total]

    def wait(self) -> None:
        """Until all are here."""
        if self.size > 1:
            distributed.barrier()


ALONE = Team()


def join() -> Team:
    """The processes that ``torchrun`` started, with which this one is connected then; else this one alone."""
    size = int(os.environ.get("WORLD_SIZE", 1))
    if "RANK" not in os.environ or size == 1:
        return ALONE
    team = Team(int(os.environ["RANK"]), size, int(os.environ.get("LOCAL_RANK", 0)))
    if team.device.type == "cuda":
        torch.cuda.set_device(team.device)
    distributed.init_process_group("nccl" if team.device.type == "cuda" else "gloo", timeout=PATIENCE)
    return team


def leave(team: Team) -> None:
    """End the connection."""
    if team.size > 1:
        distributed.destroy_process_group()


class TrainingPass(nn.Module):
    """A network's pass in training, as a module that can be shared: the feature maps by stage, and the logits.

    Args:
        frozen: parts without gradients, see ``folded_norms.stages``.
        fold_norms: see ``Recipe``; without it each process normalises by its own share of the batch.
    """

    def __init__(self, network: ResNet, frozen: int, fold_norms: bool):
        super().__init__()
        self.network, self.frozen, self.fold_norms = network, frozen, fold_norms

    def forward(self, x: Tensor) -> tuple[Mapping[str, Tensor], Tensor]:
        maps: Mapping[str, Tensor]
        if self.fold_norms:
            maps = folded_norms.stages(self.network.eval(), x, self.frozen)
        else:
            traps.train_mode(self.network, self.frozen)
            maps = self.network.stages(x)
        return maps, self.network.head(maps["layer4"])


def shared(network: ResNet, frozen: int, fold_norms: bool) -> DistributedDataParallel:
    """A network whose gradients are the processes' mean; made anew when other parts are frozen."""
    return DistributedDataParallel(TrainingPass(network, frozen, fold_norms), forward_sync_buffers=not fold_norms)
