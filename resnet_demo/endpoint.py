"""A published repository as a Hugging Face Inference Endpoint: what its ``handler.py`` offers.

The endpoint's server makes one ``EndpointHandler`` with the repository's folder and calls it with each request's body,
a picture already opened where the request was one (https://github.com/huggingface/huggingface-inference-toolkit,
``utils.py``, ``webservice_starlette.py``); the text of an exception goes to the client with status 400.
"""

from __future__ import annotations

import base64
import binascii
import os
import threading
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from resnet_demo import checkpoints
from resnet_demo.errors import UserError
from resnet_demo.inference.base import Predictor
from resnet_demo.inference.predictor import make_predictor
from resnet_demo.inference.results import FacesPrediction, NumberPrediction, Prediction, Result
from resnet_demo.tasks import CLASSIFICATION, in_order

TASK, DEPTH = "RESNET_DEMO_TASK", "RESNET_DEMO_DEPTH"  # variables of an endpoint: what is answered unless asked
USUAL = 50  # Of several depths the one nearest to it.
MAP_SIDE = 512  # pixels of a map's longer side: the network's own has a few dozen cells
PARAMETERS = {"task": str, "depth": int, "top_k": int, "heat": bool, "target": str, "region": str}
KINDS = {str: "a text", int: "a whole number", bool: "true or false"}


class EndpointHandler:
    """Answers requests with the networks of a folder.

    Args:
        path: the repository's folder, in the layout of ``publish`` or with one checkpoint.

    Raises:
        UserError: it holds no checkpoint, or files that are damaged.
    """

    def __init__(self, path: str = ""):
        self.folders = folders_of(Path(path or "."))
        task = os.environ.get(TASK) or usual_task(self.folders)
        depth = os.environ.get(DEPTH) or str(self._usual(task))
        self._lock = threading.Lock()
        self._predictors: dict[tuple[str, int], Predictor[Any]] = {}
        self.default = (task, int(depth) if depth.isdecimal() else 0)
        self._predictor(*self.default).warm_up()

    def __call__(self, data: Mapping[str, Any]) -> list[Any]:
        """The answer to one request, or a list of them where ``inputs`` is a list.

        Args:
            data: ``inputs``: a photo as bytes, base64, a data URL, or a Pillow image, or a list of such.
                ``parameters``, each may be left out: ``task``, ``depth``, ``top_k`` (5), ``heat`` (false), and what the
                heat is of: ``target``, a class (each its own), or ``region`` of keypoints (``all``).

        Returns:
            Of classes ``{"label", "score"}`` each, as transformers' ``pipeline("image-classification")`` does; of faces
            ``{"label", "score", "box", "keypoints"}``, the box as ``pipeline("object-detection")``, in pixels; of a
            number ``{"label", "value"}``, with the task's name. With ``heat`` each has ``"heat"`` too: a grey PNG in
            base64, 0 to 255, in the photo's proportions.

        Raises:
            UserError: no usable picture or parameter.
        """
        inputs = data.get("inputs")
        wanted = checked(data.get("parameters") or {})
        task = wanted.get("task", self.default[0])
        depth = wanted.get("depth", self.default[1] if task == self.default[0] else self._usual(task))
        photos = [photo_of(one) for one in (inputs if isinstance(inputs, list) else [inputs])]
        results = self._predictor(task, depth).many(photos, wanted.get("top_k", 5))
        answers = [answer(result, wanted) for result in results]
        return answers if isinstance(inputs, list) else answers[0]

    def _usual(self, task: str) -> int:
        depths = [depth for known, depth in self.folders if known == task]
        return min(depths, key=lambda number: abs(number - USUAL), default=USUAL)

    def _predictor(self, task: str, depth: int) -> Predictor[Any]:
        if (task, depth) not in self.folders:
            there = ", ".join(f"{name} {number}" for name, number in self.folders)
            raise UserError(f"There is no network for {task} at depth {depth} here: choose task and depth of {there}.")
        with self._lock:  # Two first requests at once make one network.
            if (task, depth) not in self._predictors:
                checkpoint = checkpoints.load_folder(self.folders[task, depth])
                self._predictors[task, depth] = make_predictor(task, depth, checkpoint=checkpoint)
            return self._predictors[task, depth]


def folders_of(root: Path) -> dict[tuple[str, int], Path]:
    """Task and depth → the checkpoint's folder, for those whose weights lie in a repository.

    Raises:
        UserError: there is none.
    """
    if checkpoints.has_index(root):
        records = checkpoints.read_index(root)
        found = {(one.task, one.depth): (root / one.file).parent for one in records if one.file}
    else:
        config = checkpoints.read_config(root)
        found = {(config.task.name, config.depth): root}
    if not found:
        raise UserError(f"{root} holds no weights: publish some with `python -m resnet_demo publish`.")
    return found


def usual_task(folders: Mapping[tuple[str, int], Path]) -> str:
    """The first task with classes, in the page's order, as the Hub shows a repository by them; else the first."""
    kinds = {task: checkpoints.read_config(folder).task.kind for (task, _), folder in folders.items()}
    return min(kinds, key=lambda task: (kinds[task] != CLASSIFICATION, in_order(task)))


def checked(parameters: object) -> dict[str, Any]:
    """The parameters, each of its kind; null is as if it were left out.

    Raises:
        UserError: one that there is not, or of another kind.
    """
    known = ", ".join(PARAMETERS)
    if not isinstance(parameters, Mapping):
        raise UserError(f"The parameters must be an object of {known}.")
    for name, value in parameters.items():
        if name not in PARAMETERS:
            raise UserError(f"There is no parameter {name!r}: choose of {known}.")
        kind = PARAMETERS[name]
        if value is not None and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
            raise UserError(f"The parameter {name} must be {KINDS[kind]}, not {value!r}.")
    return {name: value for name, value in parameters.items() if value is not None}


def photo_of(given: object) -> bytes | Image.Image:
    """Bytes or an image of one of ``inputs``; a text is the picture itself, never a path or an address.

    Raises:
        UserError: neither.
    """
    if isinstance(given, bytes | Image.Image):
        return given
    if isinstance(given, str):
        encoded = given.partition(",")[2] if given.startswith("data:") else given
        try:
            return base64.b64decode("".join(encoded.split()), validate=True)
        except (binascii.Error, ValueError):
            pass
    raise UserError("`inputs` must be a photo in base64, as bytes or as a Pillow image, or a list of such.")


def answer(result: Result, wanted: Mapping[str, Any]) -> list[dict[str, object]]:
    """What the client gets for one photo, see ``EndpointHandler.__call__``."""
    width, height = result.photo.size
    scale = min(1.0, MAP_SIDE / max(width, height))
    size = max(1, round(height * scale)), max(1, round(width * scale))
    heat = wanted.get("heat", False)
    answers: list[dict[str, object]] = []
    if isinstance(result, Prediction):
        for score in result.top_k:
            answers.append({"label": score.label, "score": score.probability})
            if heat:
                own = result.spec.labels.index(score.label)
                answers[-1]["heat"] = png(result.cam(wanted.get("target", own), size=size))
    elif isinstance(result, FacesPrediction):
        for face in result.faces:
            # In the pixels of the file, where the photo was reduced too.
            times = result.photo.info.get("reduced", 1)
            box = dict(zip(("xmin", "ymin", "xmax", "ymax"), (round(edge * times) for edge in face.box), strict=True))
            points = (face.keypoints * times).round(2).tolist()
            label = "face" if result.spec.detector else result.task
            answers.append({"label": label, "score": face.score, "box": box, "keypoints": points})
            if heat:
                answers[-1]["heat"] = png(face.cam(wanted.get("region", "all"), size))
    elif isinstance(result, NumberPrediction):
        answers.append({"label": result.task, "value": result.value})
        if heat:
            answers[-1]["heat"] = png(result.cam(size=size))
    return answers


def png(cam: np.ndarray) -> str:
    """A map of -1..1, by its strength, as a grey PNG in base64."""
    file = BytesIO()
    Image.fromarray((np.abs(cam) * 255).round().astype(np.uint8)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()
