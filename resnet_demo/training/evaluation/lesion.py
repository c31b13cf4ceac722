"""The command ``lesion``: what each block of a trained network does, found by leaving it out.

The residual branch of one block is set to zero, so that only its shortcut remains (Veit, Wilber and Belongie 2016,
"Residual Networks Behave Like Ensembles of Relatively Shallow Networks", https://arxiv.org/abs/1605.06431, section
4.1). A block whose absence changes nothing adds depth in name only.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from resnet_demo import checkpoints
from resnet_demo.backends.base import Engine
from resnet_demo.backends.openvino_lesion import check_shortcuts
from resnet_demo.backends.torch_network import build_network, scaling
from resnet_demo.checkpoints.lesions import Lesions
from resnet_demo.errors import UserError
from resnet_demo.inference.base import BATCH
from resnet_demo.inference.predictor import make_predictor
from resnet_demo.models.architecture import STAGES
from resnet_demo.training.cards.card import model_card
from resnet_demo.training.data import imagenet
from resnet_demo.training.data.datasets import unlabelled_pictures
from resnet_demo.training.data.seeds import sampled_rows
from resnet_demo.training.data.splits import split_pictures
from resnet_demo.training.evaluation.features import photos

MAX_PICTURES = 200  # pictures: a share below one percent is told from one above with far fewer


def measure_lesions(folder: Path, sources: list[str], data: Path | None, command: str) -> Lesions:
    """Leave out each block of a checkpoint in turn and write what changes into its ``config.json`` and its card.

    Args:
        folder: the checkpoint's.
        sources: folders of pictures, and names of data sets, whose val parts are taken; none: the checkpoint's own val
            pictures. Nothing is tuned on them, so it does not matter whether it was trained on them.
        command: for the record.

    Raises:
        UserError: no sound checkpoint, or no pictures that show something of its task.
    """
    checkpoint, config = checkpoints.load_folder(folder), checkpoints.read_config(folder)
    check_shortcuts(checkpoint.architecture)
    if sources:
        pictures = unlabelled_pictures(sources, ("val",), data)
    elif checkpoint.spec.name == imagenet.TASK:
        raise UserError(f"{imagenet.TASK} has no val pictures here: pass others with --pictures.")
    else:
        pictures = split_pictures(config, "val", data)
    rows = sampled_rows("lesion", len(pictures), MAX_PICTURES)
    predictor = make_predictor(checkpoint.spec.name, checkpoint.depth, "cpu", checkpoint=checkpoint, ends=False)
    predictor.engine = finder = LesionFinder(checkpoint)
    chosen, shown = photos(pictures, rows), 0
    with tqdm(desc="leaving out", total=len(rows), unit="picture") as progress:
        while portion := list(islice(chosen, BATCH)):
            shown += sum(answer.count != 0 for answer in predictor.many(portion))  # No face, and nothing to leave out.
            progress.update(len(portion))
    found = replace(finder.found(), pictures=shown, command=command)
    card = model_card(config.changed(lesions=found)) if config.steps else None
    checkpoints.copy(folder, folder, config.record.get("metrics") or {}, card, {"lesions": found})
    return found


class LesionFinder(Engine):
    """The float32 network in PyTorch, which computes each picture once whole and once without each block."""

    device, backend = "cpu", "PyTorch float32 on CPU"

    def __init__(self, checkpoint: checkpoints.Checkpoint):
        self._net = build_network(checkpoint).to(memory_format=torch.channels_last)  # a third faster than the usual one
        super().__init__(checkpoint, (self._net.fc.weight.numpy(), self._net.fc.bias.numpy()))
        self._mean, self._std = scaling(checkpoint.spec)
        self._blocks = [
            (f"{stage}.{index}", block) for stage in STAGES for index, block in enumerate(getattr(self._net, stage))
        ]
        self._whole: list[Tensor] = []
        self._without: dict[str, list[Tensor]] = {name: [] for name, _ in self._blocks}

    @torch.inference_mode()
    def last_features(self, pictures: np.ndarray) -> np.ndarray:
        # (b, S, S, 3) → (b, 3, S, S)
        x = (torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float() - self._mean) / self._std
        x = self._net.stem(x.contiguous(memory_format=torch.channels_last))
        for number, (name, block) in enumerate(self._blocks):
            left_out = block.without_branch(x)
            for _, later in self._blocks[number + 1 :]:
                left_out = later(left_out)
            self._without[name].append(self._net.head(self._net.after_blocks(left_out)))
            x = block(x)
        x = self._net.after_blocks(x)
        self._whole.append(self._net.head(x))
        return x.numpy()

    def found(self) -> Lesions:
        """What was found on all pictures so far.

        Raises:
            UserError: fewer than two, so that there is no spread.
        """
        outputs = torch.cat(self._whole) if self._whole else torch.empty(0)
        if len(outputs) < 2:
            raise UserError("At least two pictures that show something of the task are needed: pass others.")
        spread = rms(outputs - outputs.mean(dim=0))
        changes = {name: 100 * rms(torch.cat(parts) - outputs) / spread for name, parts in self._without.items()}
        return Lesions(pictures=len(outputs), changes=changes)


def rms(values: Tensor) -> float:
    return float(values.square().mean().sqrt())
