"""What leaving out each block of a checkpoint changed, as ``training/evaluation/lesion`` measures it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from resnet_demo.checkpoints.steps import Step
from resnet_demo.utils.json_record import JsonRecord

LEAST = 1.0  # percent of the outputs' spread that a block must be worth to count as one that works


@dataclass(frozen=True)
class Lesions(JsonRecord):
    """What leaving out each block changes.

    Attributes:
        command: what measured it.
        pictures: how many were looked at.
        changes: block, such as ``layer3.5``, → root mean square of the change of the outputs, in percent of their
            spread over the pictures (the root mean square of what is left when each output's mean is taken off).
    """

    command: str = ""
    pictures: int = 0
    changes: Mapping[str, float] = field(default_factory=dict)

    @property
    def idle(self) -> list[str]:
        """The blocks that change the outputs by less than ``LEAST`` percent of their spread."""
        return [block for block, change in self.changes.items() if change < LEAST]

    @property
    def sources(self) -> Sequence[str]:
        """The pictures that were looked at, as the command names them; none: the checkpoint's own val pictures."""
        try:
            return Step.from_json(self.command).values("--pictures")
        except ValueError:  # written by hand, or by nothing that is known
            return ()

    @property
    def working(self) -> int:
        """How many blocks change them by more."""
        return len(self.changes) - len(self.idle)

    def table(self) -> str:
        """Block by block, with a bar of one sign for each two percent, at most 50."""
        width = max(map(len, self.changes))
        lines = [
            f"{name:{width}} {change:8.2f} % {'█' * min(50, round(change / 2))}".rstrip()
            for name, change in self.changes.items()
        ]
        return "\n".join(lines)

    def to_json(self) -> dict[str, object]:
        return {**super().to_json(), "changes": {name: float(f"{change:.3g}") for name, change in self.changes.items()}}
