"""What every predictor does with pictures: open them, run them through its network, and say how that went."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypedDict, TypeVar

import numpy as np
from PIL import Image

from resnet_demo import checkpoints, tasks
from resnet_demo.backends import factory
from resnet_demo.backends.base import Fallback
from resnet_demo.errors import UserError
from resnet_demo.images.decode import open_photo
from resnet_demo.inference.mirror import outputs_of
from resnet_demo.inference.results import Result

if TYPE_CHECKING:
    from typing_extensions import Self

Picture = str | os.PathLike | bytes | Image.Image | np.ndarray
BATCH = 16  # Pictures in one pass: enough to keep a GPU busy, and little memory for a CPU.
Answer = TypeVar("Answer", bound=Result)
Wanted = TypeVar("Wanted", bound="Predictor[Any]")


class Predictor(ABC, Generic[Answer]):
    """A network with all around it that a photo needs. Threads may share one; ``predictor.load`` does.

    Args:
        task, depth, device: as in ``resnet_demo.load``.
        checkpoint: another one than the bundled, such as ``checkpoints.load_folder`` gives.

    Raises:
        UserError: there is no such checkpoint or device, its files are damaged, or the task is of another kind.
    """

    kind: ClassVar[str]

    def __init__(
        self,
        task: str,
        depth: int = 50,
        device: str = "auto",
        *,
        checkpoint: checkpoints.Checkpoint | None = None,
    ):
        self.checkpoint = checkpoint or checkpoints.load(task, depth)
        self.spec = self.checkpoint.spec
        if self.spec.kind != self.kind:
            raise self._other_kind(self.kind)
        self.task, self.depth = task, self.checkpoint.depth
        self.engine = factory.make_engine(self.checkpoint, device)
        self.device, self.backend = self.engine.device, self.engine.backend
        self._warm = False

    def __call__(self, picture: Picture, top_k: int = 5, draft_side: int | None = None) -> Answer:
        """The answer for one picture: a path, bytes, a PIL image or a uint8 array (H, W, 3).

        Args:
            top_k: classes to list; of keypoints it says nothing.
            draft_side: see ``decode.open_photo``: a large JPEG is decoded faster, and the answer's photo is smaller.

        Raises:
            UserError: not a usable picture, or no usable ``top_k``.
        """
        return self.many([picture], top_k, draft_side)[0]

    def many(self, pictures: Iterable[Picture], top_k: int = 5, draft_side: int | None = None) -> list[Answer]:
        """The answers for several pictures, run through the network together; equal to those one by one.

        Each answer keeps its photo, so give a folder of large photos in portions.

        Raises:
            UserError: the first picture that is not usable.
        """
        top_k = tasks.check_top_k(top_k)
        return self._answers([open_picture(picture, draft_side) for picture in pictures], top_k)

    @abstractmethod
    def _answers(self, opened: list[Opened], top_k: int) -> list[Answer]:
        """The answers for pictures that are decoded."""

    def as_a(self, wanted: type[Wanted]) -> Wanted:
        """This predictor, where it is a ``Classifier`` or a ``LandmarkPredictor``, as is wanted.

        Raises:
            UserError: its task is of another kind.
        """
        if not isinstance(self, wanted):
            raise self._other_kind(wanted.kind)
        return self

    def _other_kind(self, wanted: str) -> UserError:
        return UserError(
            "{task} is a task of {task_kind}, not of {wanted_kind}: choose another task.",
            task=self.spec.name,
            task_kind=self.spec.kind,
            wanted_kind=wanted,
        )

    def without(self, *blocks: str) -> Self:
        """This predictor on the CPU without the residual branches of some blocks, of which only the shortcuts remain.

        What a block does is what changes then (Veit et al. 2016, https://arxiv.org/abs/1605.06431, section 4.1).

        Args:
            blocks: such as ``layer3.5``, counted from 0.

        Raises:
            UserError: a block that the network does not have.
        """
        from resnet_demo.backends.openvino_lesion import WithoutBlocks

        other = copy(self)
        other.engine = WithoutBlocks(self.engine, blocks)
        other.device, other.backend = other.engine.device, other.engine.backend
        return other

    def warm_up(self) -> None:
        """Run an empty picture, so that the first real one does not pay for compiling; only the first call does."""
        if not self._warm:
            self.engine.run(np.zeros((1, self.spec.size, self.spec.size, 3), np.uint8))
            self._warm = True

    def _network(self, prepared: list[np.ndarray]) -> tuple[list[np.ndarray], list[np.ndarray], Run]:
        """Logits and features of each picture, and how they came about."""
        start = perf_counter()
        logits: list[np.ndarray] = []
        features: list[np.ndarray] = []
        instead = None
        for first in range(0, len(prepared), BATCH):
            outputs = outputs_of(self.engine, np.stack(prepared[first : first + BATCH]))
            instead = instead or outputs.instead
            logits.extend(outputs.logits)
            # Copies, so that an answer that is kept does not keep its whole batch's features.
            features.extend(np.array(part) for part in outputs.features)
        return logits, features, Run(since(start) / max(1, len(prepared)), instead)

    def _common(self, item: Opened, run: Run, crops: int = 1) -> Common:
        milliseconds = {**item.milliseconds, "network": run.milliseconds * crops}
        return {
            "task": self.task,
            "depth": self.depth,
            "spec": self.spec,
            "backend": run.instead.backend if run.instead else self.backend,
            "device": "cpu" if run.instead else self.device,
            "gpu_full": run.instead is not None and run.instead.gpu_full,
            "gpu_failed": run.instead is not None and not run.instead.gpu_full,
            "image": item.image,
            "photo": item.photo,
            "milliseconds": {**milliseconds, "total": sum(milliseconds.values())},
            "network_title": self.checkpoint.architecture.title,
        }


class Common(TypedDict):
    """The fields that the answers of all kinds have, see ``results.Result``."""

    task: str
    depth: int
    spec: tasks.TaskSpec
    backend: str
    device: str
    gpu_full: bool
    gpu_failed: bool
    image: str | None
    photo: Image.Image
    milliseconds: dict[str, float]
    network_title: str


@dataclass(frozen=True)
class Opened:
    """A decoded picture on its way, and the time that its steps took so far."""

    image: str | None
    photo: Image.Image
    milliseconds: dict[str, float]


@dataclass(frozen=True)
class Run:
    """The milliseconds that a picture took, and what computed in the engine's place, if anything did."""

    milliseconds: float
    instead: Fallback | None


def open_picture(picture: Picture, draft_side: int | None) -> Opened:
    start = perf_counter()
    photo = open_photo(picture, draft_side=draft_side)
    image = os.fspath(picture) if isinstance(picture, str | os.PathLike) else None
    return Opened(image, photo, {"decode": since(start)})


def since(start: float) -> float:
    return (perf_counter() - start) * 1000
