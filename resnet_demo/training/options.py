"""What a training run is asked to do; no torch is needed to say it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from resnet_demo.checkpoints.steps import Step
from resnet_demo.models.architecture import Architecture
from resnet_demo.training.data.own_images import OwnPictures
from resnet_demo.training.recipe import Recipe


@dataclass(frozen=True)
class TrainOptions:
    """One run of ``train`` or ``distill``.

    Attributes:
        depth: the network, as ``architecture_of`` takes it.
        init: what the network starts from, see ``networks.init.read_state``.
        out: the run's folder.
        step: how it was called, for the checkpoint's history.
        data: the data set's folder, or that of the user's own pictures; None is where data sets lie by default.
        workers: processes that prepare pictures.
        stop_after: end when so many epochs are done.
        evaluate_every: epochs between evaluations.
        teacher: distil from this network, given as ``init`` is.
        extra: distilling: further pictures, see ``data.datasets.unlabelled_pictures``.
        labelled: folders of further pictures with labels, see ``data.datasets.labelled_pictures``.
        own: the user's own pictures, in the place of a data set.
        compile: see ``Trainer``.
    """

    recipe: Recipe
    depth: Architecture | int
    init: str
    out: Path
    step: Step
    data: Path | None = None
    workers: int = 1
    stop_after: int | None = None
    evaluate_every: int = 1
    teacher: str | None = None
    extra: Sequence[str] = ()
    labelled: Sequence[Path] = ()
    own: OwnPictures | None = None
    compile: bool = False
