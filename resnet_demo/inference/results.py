"""What a prediction is: frozen records that make their maps when asked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from resnet_demo import tasks
from resnet_demo.backends import base
from resnet_demo.explain import curves, maps, registry, targets
from resnet_demo.explain.case import Case, Progress
from resnet_demo.explain.targets import DIRECTIONS as DIRECTIONS
from resnet_demo.faces.pose import Pose, pose_of
from resnet_demo.faces.spread import spread_of
from resnet_demo.inference.mirror import outputs_of
from resnet_demo.models.architecture import STAGES

if TYPE_CHECKING:
    from resnet_demo.backends.openvino_lesion import WithoutBlocks


@dataclass(frozen=True)
class Score:
    """A class and its probability, 0..1."""

    label: str
    probability: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Result(ABC):
    """What every answer says.

    Attributes:
        task, depth: the network.
        spec: what the task is.
        backend, device: what it ran on, see ``Engine``.
        image: the picture's path as it was given, or None.
        photo: the decoded picture, RGB and upright; smaller than the file says where ``open_photo`` reduced it.
        milliseconds: time of each step by name, and ``total``. In a batch, a picture's share of the network's time.
        gpu_full, gpu_failed: the CPU answered, as the GPU's memory was full, or the GPU failed; ``backend`` and
            ``device`` are the CPU's.
        network_title: what the network is called, such as ResNet-50.
    """

    task: str
    depth: int
    spec: tasks.TaskSpec = field(repr=False)
    backend: str
    device: str
    image: str | None
    photo: Image.Image = field(repr=False)
    milliseconds: dict[str, float]
    gpu_full: bool = False
    gpu_failed: bool = False
    network_title: str = ""

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be said of the photo and of the way it took, a sentence each."""
        missing, found = self.missing_rows, []
        if missing:
            found.append(f"The file ends too early: {missing:.1%} of the photo's rows are missing.")
        if self.gpu_full:
            found.append("The GPU's memory is full, so the CPU answered.")
        if self.gpu_failed:
            found.append("The GPU failed, so the CPU answered.")
        return tuple(found)

    @property
    def missing_rows(self) -> float:
        """The share of the photo's rows that its file lacks, 0..1."""
        return self.photo.info.get("missing_rows", 0.0)

    @property
    def unknown(self) -> bool:
        """It is probably none of the classes; False where that is not known, or there are none."""
        return False

    @property
    def scores(self) -> tuple[Score, ...]:
        """The most probable classes, best first; none for keypoints."""
        return ()

    @property
    def embedding(self) -> np.ndarray | None:
        """float32 (C,) of length 1, to compare photos by: the means of the last feature map; None for keypoints."""
        return None

    @property
    def number(self) -> float | None:
        """What a regression says of the photo; None for other kinds."""
        return None

    @property
    def keypoints(self) -> list[np.ndarray]:
        """float32 (points, 2) of each face, in the photo's pixels; none for classes."""
        return []

    @property
    def count(self) -> int | None:
        """How many faces there are, or points where the task looks for no faces; None for classes."""
        return None

    @abstractmethod
    def summary(self) -> str:
        """What came out, in half a line for people."""

    @abstractmethod
    def heat(
        self, target: str | None, method: str, against: str | None, progress: Progress | None = None
    ) -> tuple[np.ndarray, str | None]:
        """The map of a class or region, see ``cam``, and what to call it where it is zero everywhere.

        Args:
            target: None: the most probable class, or all keypoints.
        """

    def is_signed(self, method: str) -> bool:
        """Whether ``heat`` by a method has negative values that say something, so that it is drawn in two colours."""
        return registry.explanations()[method].signed

    @abstractmethod
    def to_json(self) -> dict[str, object]:
        """The record that the command line prints."""

    def _json(self, answer: Mapping[str, object]) -> dict[str, object]:
        return {
            "image": self.image,
            "task": self.task,
            "depth": self.depth,
            "backend": self.backend,
            **answer,
            **({"notes": list(self.notes)} if self.notes else {}),
            "milliseconds": {step: round(value, 2) for step, value in self.milliseconds.items()},
        }


def embedding_of(features: np.ndarray) -> np.ndarray:
    """The last feature map (C, r, c) → its means, float32 (C,), of length 1."""
    pooled = features.mean(axis=(1, 2))
    return pooled / max(float(np.linalg.norm(pooled)), 1e-12)


@dataclass(frozen=True, eq=False, kw_only=True)
class WindowResult(Result):
    """What the network says of one part of the photo.

    Attributes:
        window: the part of the photo that the network saw.
        features: float32 (C, r, c), the last feature map.
    """

    window: tasks.CropBox = field(repr=False)
    features: np.ndarray = field(repr=False)
    _picture: np.ndarray = field(repr=False)  # uint8 (S, S, 3), what the network saw
    _engine: base.Engine = field(repr=False)

    @property
    def embedding(self) -> np.ndarray:
        return embedding_of(self.features)

    def _place(self, cam: np.ndarray, size: tuple[int, int] | None) -> np.ndarray:
        """A map of the window → of the photo, or of a copy of it of ``size`` (rows, columns)."""
        rows, columns = size or self.photo.size[::-1]
        window = self.window.scaled(columns / self.photo.width, rows / self.photo.height)
        return maps.place_map(cam, window, (rows, columns))


@dataclass(frozen=True, eq=False, kw_only=True)
class Prediction(WindowResult):
    """The classes of a photo, see ``WindowResult``.

    Attributes:
        top_k: the most probable classes, best first.
        probabilities: float32 (classes,), in the order of the task's labels.
        familiarity: how much the photo is like those that the network knows, 0..1; None where that was not calibrated.
        unknown: it is probably none of the classes, as ``familiarity`` is below 0.5; False where it is None.
    """

    top_k: tuple[Score, ...]
    probabilities: np.ndarray = field(repr=False)
    familiarity: float | None = None

    @property
    def unknown(self) -> bool:
        return self.familiarity is not None and self.familiarity < 0.5

    @property
    def scores(self) -> tuple[Score, ...]:
        return self.top_k

    def summary(self) -> str:
        scores = ", ".join(f"{score.label} {score.probability:.1%}" for score in self.top_k)
        return f"{'probably none of these: ' if self.unknown else ''}{scores}"

    def heat(
        self, target: str | None, method: str, against: str | None, progress: Progress | None = None
    ) -> tuple[np.ndarray, str | None]:
        cam = self.cam(target, method=method, against=against, progress=progress)
        return cam, target or self.top_k[0].label

    def cam(
        self,
        target: str | int | None = None,
        layer: str = STAGES[-1],
        size: tuple[int, int] | None = None,
        *,
        method: str = registry.DEFAULT,
        against: str | int | None = None,
        progress: Progress | None = None,
    ) -> np.ndarray:
        """Where the photo speaks for a class.

        Args:
            target: class name or index; None is the most probable one.
            layer: ``layer4`` comes from the prediction's own pass; ``layer1`` to ``layer3`` are finer and need a
                backward pass, one for all three. Only Grad-CAM has those.
            size: (rows, columns) of the map, for a scaled copy of the photo; None is the photo's.
            method: ``grad-cam``, or a name out of ``registry.explanations``: ``contrast`` (for this class, or for the
                one in ``against``; signed), ``occlusion`` (what is lost where a part is hidden; signed),
                ``score-cam`` (which parts alone make the class). The last two run the network again, many times.
            against: class name or index to compare with, for ``contrast``.
            progress: called with the pictures that the network has done for this map, and those there are.

        Returns:
            float32 (rows, columns), 0..1, or -1..1 where the method is signed; zero where the network did not see the
            photo.

        Raises:
            UserError: no such class, layer or method, or one that does not do this.
        """
        return self._place(self.low_resolution_cam(target, layer, method, against, progress), size)

    def low_resolution_cam(
        self,
        target: str | int | None = None,
        layer: str = STAGES[-1],
        method: str = registry.DEFAULT,
        against: str | int | None = None,
        progress: Progress | None = None,
    ) -> np.ndarray:
        """The same map of the ``window`` at the method's own resolution: float32 (r, c)."""
        return registry.explain(method, self.case(target, layer, against, progress))

    def case(
        self,
        target: str | int | None = None,
        layer: str = STAGES[-1],
        against: str | int | None = None,
        progress: Progress | None = None,
    ) -> Case:
        """The question that ``cam`` answers, for the functions of ``explain``."""
        wanted = targets.named(self.spec, target) or targets.ClassTarget(int(self.probabilities.argmax()))
        other = targets.named(self.spec, against)
        return _case(self._engine, self._picture, self.features, wanted, other, layer, progress)

    def without(self, *blocks: str) -> Prediction:
        """What the same network says of the same window without the residual branches of some blocks, on the CPU.

        Args:
            blocks: such as ``layer3.5``, counted from 0.

        Raises:
            UserError: a block that the network does not have.
        """
        engine = self._without(*blocks)
        engine.compile()  # It is no part of the time.
        start = perf_counter()
        outputs, calibration = outputs_of(engine, self._picture[np.newaxis]), engine.checkpoint.calibration
        milliseconds = (perf_counter() - start) * 1000
        scaled = calibration.scaled(outputs.logits[0])
        best = tasks.decode_classes(self.spec, scaled, len(self.top_k))
        return replace(
            self,
            backend=engine.backend,
            device=engine.device,
            gpu_full=False,
            gpu_failed=False,
            milliseconds={"network": milliseconds, "total": milliseconds},
            top_k=tuple(Score(self.spec.labels[number], probability) for number, probability in best),
            probabilities=tasks.softmax(scaled),
            features=outputs.features[0],
            familiarity=calibration.familiarity(outputs.features[0]),
            _engine=engine,
        )

    def stages(self, *left_out: str) -> dict[str, np.ndarray]:
        """What comes out of each stage: float32 (C, r, c) of the window by its name, ``layer1`` first.

        Args:
            left_out: blocks, as for ``without``.
        """
        return self._without(*left_out).stages(self._picture)

    def _without(self, *blocks: str) -> WithoutBlocks:
        from resnet_demo.backends.openvino_lesion import WithoutBlocks

        return WithoutBlocks(self._engine, blocks)

    @property
    def blocks(self) -> dict[str, list[str]]:
        """The names of the network's blocks by their stage; none of a stage without blocks."""
        stages = self._engine.checkpoint.architecture.stages
        return {stage: [block.name for block in found] for stage, found in stages.items() if found}

    def hidden(self, mask: np.ndarray) -> np.ndarray:
        """The classes' probabilities, float32 (classes,), when a part is painted over in the task's mean colour.

        Args:
            mask: bool (r, c) over the ``window``, true where it is hidden.
        """
        picture = curves.hidden(self.spec, self._picture, mask)
        return tasks.softmax(self._calibrated(picture[np.newaxis]))[0]

    def faithfulness(
        self, target: str | int | None = None, layer: str = STAGES[-1]
    ) -> dict[str, tuple[curves.Curve, curves.Curve]]:
        """Whether a class's Grad-CAM is true: ``deletion`` and ``insertion`` → the curve of the calibrated probability
        in the map's order, and that of a random order as coarse, with half of the steps; 64 passes."""
        case = replace(self.case(target, layer), run=self._calibrated)
        cam = self.low_resolution_cam(target, layer)
        other = curves.random_map((cam.shape[0], cam.shape[1]), seed=0)
        ways = {"deletion": curves.deletion, "insertion": curves.insertion}
        return {name: (way(case, cam), way(case, other, curves.STEPS // 2)) for name, way in ways.items()}

    def _calibrated(self, pictures: np.ndarray) -> np.ndarray:
        """uint8 (b, S, S, 3) → logits whose softmax is calibrated, (b, classes)."""
        return self._engine.checkpoint.calibration.scaled(outputs_of(self._engine, pictures).logits)

    def is_blank(self, target: str | int | None = None) -> bool:
        """Whether nothing in the photo speaks for a class, so that its Grad-CAM is zero everywhere."""
        return not self.low_resolution_cam(target).any()

    def to_json(self) -> dict[str, object]:
        top_k = [{"label": score.label, "probability": round(score.probability, 6)} for score in self.top_k]
        flag = {} if self.familiarity is None else {"unknown": self.unknown}
        return self._json({"top_k": top_k, **flag})


@dataclass(frozen=True, eq=False, kw_only=True)
class NumberPrediction(WindowResult):
    """The number of a photo, such as an age, see ``WindowResult``.

    Attributes:
        value: in the unit of the labels that were learnt from.
    """

    value: float

    @property
    def number(self) -> float:
        return self.value

    def summary(self) -> str:
        return f"{self.spec.name} {self.value:.4g}"

    def heat(
        self, target: str | None, method: str, against: str | None, progress: Progress | None = None
    ) -> tuple[np.ndarray, str | None]:
        targets.named(self.spec, target)
        return self.cam(method=method, progress=progress), self.spec.name

    def is_signed(self, method: str) -> bool:
        return True

    def cam(
        self,
        layer: str = STAGES[-1],
        size: tuple[int, int] | None = None,
        *,
        method: str = registry.DEFAULT,
        progress: Progress | None = None,
    ) -> np.ndarray:
        """Where the photo raises the number (positive) and where it lowers it (negative).

        Args:
            layer, size, method, progress: see ``Prediction.cam``; ``grad-cam`` and ``occlusion`` explain a number.

        Returns:
            float32 (rows, columns), -1..1; zero where the network did not see the photo.

        Raises:
            UserError: no such layer or method, or one that does not do this.
        """
        return self._place(self.low_resolution_cam(layer, method, progress), size)

    def low_resolution_cam(
        self, layer: str = STAGES[-1], method: str = registry.DEFAULT, progress: Progress | None = None
    ) -> np.ndarray:
        """The same map of the ``window`` at the method's own resolution: float32 (r, c)."""
        wanted = targets.NumberTarget()
        case = _case(self._engine, self._picture, self.features, wanted, None, layer, progress)
        return registry.explain(method, case)

    def to_json(self) -> dict[str, object]:
        """Six digits that count."""
        return self._json({"value": float(f"{self.value:.6g}")})


@dataclass(frozen=True, eq=False, kw_only=True)
class Face:
    """A face and its keypoints, in the photo's pixels.

    Attributes:
        box: (x0, y0, x1, y1); the whole photo where the task has no detector.
        score: the detector's, 0..1; 1 where there is none.
        keypoints: float32 (points, 2), x before y.
        matrix: 2×3, the photo's pixels → those of the square crop that the network saw.
        features: float32 (C, r, c), the crop's last feature map.
    """

    box: tuple[float, float, float, float]
    score: float
    keypoints: np.ndarray = field(repr=False)
    matrix: np.ndarray = field(repr=False)
    features: np.ndarray = field(repr=False)
    _photo_size: tuple[int, int] = field(repr=False)  # width, height
    _picture: np.ndarray = field(repr=False)  # uint8 (S, S, 3), the crop
    _engine: base.Engine = field(repr=False)

    def cam(
        self,
        region: str = "all",
        size: tuple[int, int] | None = None,
        direction: str = "any",
        *,
        method: str = registry.DEFAULT,
        against: str | None = None,
        layer: str = STAGES[-1],
        progress: Progress | None = None,
    ) -> np.ndarray:
        """Where the photo moves the keypoints of a region.

        Args:
            region: all, jaw, brows, nose, eyes or mouth.
            size: (rows, columns) of the map, for a scaled copy of the photo; None is the photo's.
            direction: ``any``, however they are moved; ``across`` or ``down``: which way along that axis.
            method: ``grad-cam``, or a name out of ``registry.explanations``: ``contrast`` (where this region is moved
                more than the one in ``against``, positive, or less), ``occlusion`` (how far the keypoints move when a
                part is hidden; it runs the network again, many times).
            against: region to compare with, for ``contrast``.
            layer: ``layer1`` to ``layer3`` are finer and need backward passes: one for ``across`` or ``down``, else one
                for each coordinate of the region, at most 32, see ``RegionTarget.directions``. Only Grad-CAM has those.
            progress: called with the pictures that the network has done for this map, and those there are.

        Returns:
            float32 (rows, columns), zero outside of the face's crop: 0..1, or for ``contrast``, ``across`` and
            ``down`` -1..1; of a direction positive where the photo pulls the region right or down as the upright face
            has it, else left or up.

        Raises:
            UserError: no such region, direction, layer or method, or one that does not do this.
        """
        return self._place(self.low_resolution_cam(region, direction, method, against, layer, progress), size)

    def low_resolution_cam(
        self,
        region: str = "all",
        direction: str = "any",
        method: str = registry.DEFAULT,
        against: str | None = None,
        layer: str = STAGES[-1],
        progress: Progress | None = None,
    ) -> np.ndarray:
        """The map of ``cam`` for the crop, at the method's own resolution: float32 (r, c)."""
        spec = self._engine.checkpoint.spec
        wanted = targets.named(spec, region, direction)
        assert wanted is not None
        other = None if against is None else targets.named(spec, against, direction)
        case = _case(self._engine, self._picture, self.features, wanted, other, layer, progress)
        return registry.explain(method, case)

    @property
    def pose(self) -> Pose | None:
        """How the head is turned, in degrees; None where the keypoints are not the 68 of a face."""
        return pose_of(self.keypoints) if self._engine.checkpoint.spec.has_regions else None

    def spread(self) -> np.ndarray:
        """How far apart the network puts each keypoint in eight views of the crop: turned by -9, -3, 3 and 9 degrees,
        and the same mirrored (four views where the keypoints are not the 68 of a face). Eight forward passes.

        It says how steady an answer is, not how right: what the network gets wrong in all views has no spread.

        Returns:
            float32 (points,) in the photo's pixels: root mean square distance from the views' mean.
        """
        to_photo = np.linalg.inv(self.matrix[:, :2])  # Whole photos are squeezed: more one way than the other.
        return spread_of(
            self._picture, len(self.keypoints), lambda pictures: self._engine.run(pictures).logits, to_photo
        )

    def _place(self, cam: np.ndarray, size: tuple[int, int] | None) -> np.ndarray:
        width, height = self._photo_size
        rows, columns = size or (height, width)
        side = self._engine.checkpoint.spec.size
        # The map's cells per pixel of the crop, and the photo's pixels per pixel of the wanted size.
        to_map = np.diag([cam.shape[1] / side, cam.shape[0] / side])
        to_photo = np.diag([width / columns, height / rows, 1])
        return maps.warp_map(cam, to_map @ self.matrix @ to_photo, (rows, columns))

    def to_json(self, scale: float = 1) -> dict[str, object]:
        """Box, score and keypoints with two decimals, a hundredth of a pixel, times a factor; the pose, if any."""
        pose = self.pose
        return {
            "box": [round(float(edge) * scale, 2) for edge in self.box],
            "score": round(float(self.score), 4),
            "keypoints": [[round(float(x) * scale, 2), round(float(y) * scale, 2)] for x, y in self.keypoints],
            **({"pose": pose.to_json()} if pose else {}),
        }


@dataclass(frozen=True, eq=False, kw_only=True)
class FacesPrediction(Result):
    """The faces of a photo, the largest first; none is an answer too.

    Attributes:
        faces: one record a face.
    """

    faces: tuple[Face, ...]

    @property
    def keypoints(self) -> list[np.ndarray]:
        return [face.keypoints for face in self.faces]

    @property
    def count(self) -> int:
        return len(self.faces) if self.spec.detector else self.spec.points

    def summary(self) -> str:
        times = self.photo.info.get("reduced", 1)  # In the pixels of the file, as ``to_json``.
        if not self.spec.detector:
            points = self.faces[0].keypoints * times
            places = "; ".join(f"{x:.0f} {y:.0f}" for x, y in points[:5])
            return f"keypoints at {places}{' …' if len(points) > 5 else ''}"
        count = len(self.faces)
        found = "no face found" if not count else "1 face" if count == 1 else f"{count} faces"
        boxes = "; ".join(" ".join(f"{edge * times:.0f}" for edge in face.box) for face in self.faces)
        return f"{found}{f' at {boxes}' if boxes else ''}"

    def heat(
        self, target: str | None, method: str, against: str | None, progress: Progress | None = None
    ) -> tuple[np.ndarray, str | None]:
        # An empty map of keypoints is no surprise: there may be no faces.
        return self.cam(target or "all", method=method, against=against, progress=progress), None

    def cam(
        self,
        region: str = "all",
        size: tuple[int, int] | None = None,
        direction: str = "any",
        *,
        method: str = registry.DEFAULT,
        against: str | None = None,
        layer: str = STAGES[-1],
        progress: Progress | None = None,
    ) -> np.ndarray:
        """The maps of all faces in one, the stronger value where crops overlap, see ``Face.cam``."""
        whole = np.zeros(size or self.photo.size[::-1], np.float32)
        for face in self.faces:
            cam = face.cam(region, size, direction, method=method, against=against, layer=layer, progress=progress)
            np.copyto(whole, cam, where=np.abs(cam) > np.abs(whole))
        return whole

    def to_json(self) -> dict[str, object]:
        """The record that the command line prints, in the pixels of the file, where the photo was reduced too."""
        scale = self.photo.info.get("reduced", 1)
        return self._json({"faces": [face.to_json(scale) for face in self.faces]})


def _case(
    engine: base.Engine,
    picture: np.ndarray,
    features: np.ndarray,
    target: targets.Target,
    against: targets.Target | None,
    layer: str,
    progress: Progress | None,
) -> Case:
    """A question about what an engine made of a picture; it can be asked about further ones."""
    return Case(
        spec=engine.checkpoint.spec,
        picture=picture,
        features=features,
        weights=engine.head_weights,
        run=lambda pictures: outputs_of(engine, pictures).logits,
        stage_maps=engine.stage_maps,
        network=engine.network,
        target=target,
        against=against,
        layer=layer,
        progress=progress,
    )
