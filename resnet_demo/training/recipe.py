"""A recipe: every setting of a training run, in one small TOML file that one can read (``recipes/``)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from resnet_demo.errors import UserError
from resnet_demo.tasks import BUNDLED
from resnet_demo.utils import toml

FOLDER = Path(__file__).with_name("recipes")


@dataclass(frozen=True)
class Recipe:
    """Settings of one run. The defaults are the plain ones; a recipe file states what it changes.

    Attributes:
        task: name of the data set and of the task.
        classes: further classes after those of the data set, of which ``train --labelled`` brings the pictures; those
            that the start knows begin with its rows of the head.
        train_splits: splits that are trained on.
        epochs, batch: passes over the training pictures; pictures a step.
        sizes: side of the training pictures in pixels, pairs (from this epoch on, side): small ones first are quicker.
        test_size, test_resize, fit: preprocessing of the finished model, see ``tasks.TaskSpec``. A test size above the
            training size makes up for RandomResizedCrop's zoom (Touvron et al. 2019, https://arxiv.org/abs/1906.06423).
        test_mirror: classification: the finished model answers by the mean of two looks, at a picture and at its mirror
            image, which take twice the time.
        margin: faces: side of the crop relative to the face, see ``alignment.crop_matrix``.
        optimizer: ``adamw``, ``adam``, ``sgd`` (Nesterov momentum 0.9) or ``muon``, see ``optim.muon``.
        learning_rate: peak rate of layer4.
        head_factor: the head's rate, as a multiple.
        fit_head: classes that the start does not know begin with the head that is best on its features as they are,
            see ``train.fit_head``, in the place of zeros.
        layer_decay: each stage nearer to the input learns at this fraction of the next one's rate.
        weight_decay: on convolutions and the head; never on batch norms and biases.
        warmup, decay: epochs of linear warm-up from 0; then ``cosine`` (half of one, down to 0) or ``constant``.
        clip: largest norm of the gradient (0: any).
        frozen: staged unfreezing, pairs (from this epoch on, parts frozen): 5 all but the head, 2 stem and layer1.
        norms_only: of what is not frozen, only the batch norms' scales and shifts and the head learn (Frankle et al.
            2020, https://arxiv.org/abs/2003.00152). The stored integers of the convolutions stay, so a new version of
            a large checkpoint adds little to a repository's history.
        fold_norms: keep the batch norms' statistics and fold them into the convolutions (``folded_norms``).
        ema: decay of the averaged weights, which are those that are kept (0: none).
        label_smoothing, mixup, cutmix: classification; the latter two are Beta parameters (0: off).
        mix_probability: share of the batches that are mixed.
        crop_scale: RandomResizedCrop's smallest area.
        pad: above 0, pictures are no more resized at random, but padded by this share of their side with their own
            reflections and cut out anywhere, as is usual for CIFAR-10 (He et al. 2015, section 4.2).
        cutout: side of a grey square somewhere on the picture, as a share of its own (DeVries and Taylor 2017,
            https://arxiv.org/abs/1708.04552).
        jitter: strength of brightness, contrast and saturation jitter.
        zoom_out, jpeg, grey: shares of the pictures that are shrunk among their own reflections, compressed, without
            colours; see ``augment.py``, for ``blur`` too.
        tint: strength of the jitter of the white balance.
        class_cap: most pictures of a class in an epoch, others in the next one (0: all): the rare classes count too.
        shared: further data sets whose train split is trained on: name → its classes → the task's classes, such as
            ``[shared.flowers5] daisy = "Oxeye Daisy"``; their other classes are left out.
        start_share: share of the starting weights in those that are kept (WiSE-FT, Wortsman et al. 2021,
            https://arxiv.org/abs/2109.01903): general again where the task was learnt too narrowly. Without
            ``fold_norms`` all batch norms are measured anew for what is kept.
        loss_weights: several heads: task → weight of its loss; else 1, for keypoints 0.1, see ``heads``.
        loss: ``cross_entropy``; for keypoints ``wing``, ``smooth_l1``, ``l1`` or ``mse``.
        hints: distilling: weight of the feature maps by stage, and of ``pooled`` features, see ``distillation``.
        soft_weight, temperature: distilling: weight and softening of the teacher's predictions.
        label_weight: distilling: weight of the true labels, where there are some (0: the teacher alone decides).
        teacher_size: distilling: side at which the teacher sees the same crop (0: as the student). A network of
            keypoints is far off at a size that it was not trained at. Small pictures (``pad``) are enlarged to it.
        views: crops of each picture, which come again every so many epochs and are made only once, with what the
            teacher says of them (0: new ones in every epoch), as in fast knowledge distillation (Shen and Xing 2022,
            https://arxiv.org/abs/2112.01528).
        source_weights: passes over each source in an epoch (0.5: every second picture). Weights above 1 show the same
            crops more than once an epoch; more epochs and weights of at most 1 are better.
        turned_factor: faces: how many times as often those are shown that look to the side, see ``face_frames.turned``.
        mirror: share of the pictures that are mirrored.
        mirror_shift: faces: how far to the right of the truth annotators put the points, as a share of the face's
            side, by source (``others``: any that is not named; else 0): a mirrored picture's points lie that far to the
            right of its own truth too.
        rotation, zoom, shift, perspective, yaw, blur, occlusion: faces, see ``augment_faces.py``.
        seed: of everything random.
    """

    task: str
    kind: str = "classification"
    classes: tuple[str, ...] = ()
    train_splits: tuple[str, ...] = ("train",)
    epochs: int = 10
    batch: int = 32
    sizes: tuple[tuple[int, int], ...] = ((0, 224),)
    test_size: int = 224
    test_resize: int = 256
    fit: str = "crop"
    test_mirror: bool = False
    margin: float = 1.0
    optimizer: str = "adamw"
    learning_rate: float = 1e-4
    head_factor: float = 10.0
    fit_head: bool = False
    layer_decay: float = 1.0
    weight_decay: float = 0.05
    warmup: float = 1.0
    decay: str = "cosine"
    clip: float = 0.0
    frozen: tuple[tuple[int, int], ...] = ((0, 0),)
    norms_only: bool = False
    fold_norms: bool = True
    ema: float = 0.0
    label_smoothing: float = 0.0
    mixup: float = 0.0
    cutmix: float = 0.0
    mix_probability: float = 0.5
    crop_scale: float = 0.25
    pad: float = 0.0
    cutout: float = 0.0
    jitter: float = 0.0
    zoom_out: float = 0.0
    tint: float = 0.0
    jpeg: float = 0.0
    grey: float = 0.0
    class_cap: int = 0
    shared: dict[str, dict[str, str]] | None = None
    start_share: float = 0.0
    loss: str = "cross_entropy"
    loss_weights: dict[str, float] | None = None
    hints: dict[str, float] | None = None
    soft_weight: float = 1.0
    temperature: float = 1.0
    label_weight: float = 0.0
    teacher_size: int = 0
    views: int = 0
    source_weights: dict[str, float] | None = None
    turned_factor: float = 1.0
    mirror: float = 0.5
    mirror_shift: dict[str, float] | None = None
    rotation: float = 0.0
    zoom: float = 0.0
    shift: float = 0.0
    perspective: float = 0.0
    yaw: float = 0.0
    blur: float = 0.0
    occlusion: float = 0.0
    seed: int = 0

    def size_at(self, epoch: int) -> int:
        """Side of the training pictures in ``epoch``."""
        return [size for start, size in self.sizes if start <= epoch][-1]

    def crop_at(self, epoch: int) -> int:
        """Side at which the training pictures are cut out in ``epoch``: the larger of the student's and teacher's, but
        of small pictures (``pad``) the student's, who shall see their own pixels."""
        return self.size_at(epoch) if self.pad else max(self.size_at(epoch), self.teacher_size)

    def frozen_parts(self, epoch: int) -> int:
        """How many parts from the input on are frozen in ``epoch``."""
        return [parts for start, parts in self.frozen if start <= epoch][-1]

    def to_json(self) -> dict[str, object]:
        return asdict(self)


def settings_of(name: str) -> dict:
    """What a recipe states, see ``load_recipe``."""
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    try:
        return toml.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        if name in BUNDLED and (recipe := BUNDLED[name].recipe):
            return {"task": name, **recipe}
        names = ", ".join(sorted(file.stem for file in FOLDER.glob("*.toml")))
        raise UserError(f"There is no recipe {name!r}: choose one of {names}, or pass a .toml file.") from None
    except toml.TOMLDecodeError as error:
        raise UserError(f"The recipe {path} is not valid TOML: {error}.") from None


def load_recipe(name: str, overrides: Sequence[str] = ()) -> Recipe:
    """A recipe by its name, with ``key=value`` overrides (TOML values).

    Args:
        name: of a bundled recipe, of a task whose record has one, or the path of a TOML file.

    Raises:
        UserError: no such recipe, not TOML, a key that does not exist or a value of the wrong type.
    """
    values = settings_of(name)
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals or not key.isidentifier():
            raise UserError(f"{override!r} is no setting: write KEY=VALUE, such as epochs=3.")
        try:
            values |= toml.loads(f"{key} = {text}")
        except toml.TOMLDecodeError:
            values[key] = text  # A word without quotation marks, which a shell would have eaten.
    known = {each.name: each for each in fields(Recipe)}
    if unknown := sorted(values.keys() - known.keys()):
        raise UserError(f"The recipe {name} has unknown settings: {', '.join(unknown)}. Known are {', '.join(known)}.")
    defaults = Recipe(task="")
    for key, value in values.items():
        default = getattr(defaults, key)
        if isinstance(value, list):
            values[key] = tuple(tuple(item) if isinstance(item, list) else item for item in value)
        elif isinstance(default, float) and isinstance(value, int):
            values[key] = float(value)
        elif default is None and not isinstance(value, dict):
            raise UserError(f"The setting {key} takes a table like {{{EXAMPLES[key]}}}, not {value!r}.")
        elif default is not None and type(value) is not type(default):
            raise UserError(f"The setting {key} takes a value like {default!r}, not {value!r}.")
    recipe = replace(defaults, **values)
    check_recipe(recipe)
    return recipe


# Of settings that are tables, what one may hold.
EXAMPLES = {
    "shared": 'flowers5 = {daisy = "Oxeye Daisy"}',
    "loss_weights": "age = 0.1",
    "hints": "layer3 = 1.0",
    "source_weights": "udacity = 0.5",
    "mirror_shift": "lfpw = 0.005",
}


def check_crop(recipe: Recipe) -> None:
    """Raise a UserError where the finished model would cut more out of a picture than there is of it."""
    if recipe.fit == "crop" and recipe.test_size > recipe.test_resize:
        raise UserError(
            f"The setting test_size, {recipe.test_size}, is larger than test_resize, {recipe.test_resize}, out of "
            "which it is cut: raise test_resize too."
        )


def check_mirror(recipe: Recipe) -> None:
    """Raise a UserError where the finished model would look at mirror images whose answer is another one."""
    if recipe.test_mirror and recipe.kind != "classification":
        raise UserError(f"The setting test_mirror is for classes, not for {recipe.kind}: leave it out.")
    if recipe.test_mirror and not recipe.mirror:
        raise UserError(
            "With mirror=0 the network learns no mirror images, so it cannot be asked for them: add test_mirror=false."
        )


# The least and the most of settings that are numbers; what is left out may be anything.
BOUNDS: dict[str, tuple[float, float]] = {
    "epochs": (1, 100_000),
    "batch": (1, 65_536),
    "test_size": (8, 4096),
    "test_resize": (8, 4096),
    "margin": (0.1, 10),
    "learning_rate": (0, 100),
    "layer_decay": (0, 1),
    "weight_decay": (0, 100),
    "warmup": (0, 100_000),
    "clip": (0, math.inf),
    "ema": (0, 0.999999),
    "label_smoothing": (0, 1),
    "mixup": (0, math.inf),
    "cutmix": (0, math.inf),
    "class_cap": (0, math.inf),
    "start_share": (0, 1),
    "temperature": (1e-6, math.inf),
    "label_weight": (0, math.inf),
    "soft_weight": (0, math.inf),
    "teacher_size": (0, 4096),
    "views": (0, math.inf),
    "turned_factor": (0, 100),
    "crop_scale": (1e-4, 1),
    "jitter": (0, 1),
    "pad": (0, 0.5),
    "cutout": (0, 1),
    "seed": (0, math.inf),
    **dict.fromkeys(("mix_probability", "zoom_out", "jpeg", "grey", "mirror", "occlusion"), (0, 1)),
}
CHOICES = {
    "kind": ("classification", "keypoints", "heads"),
    "fit": ("crop", "squash"),
    "optimizer": ("adamw", "adam", "sgd", "muon"),
    "decay": ("cosine", "constant"),
}
SMALLEST = 16  # side of training pictures, in pixels


def check_recipe(recipe: Recipe) -> None:
    """Raise a UserError for a setting with which no run can end well."""
    for name, (low, high) in BOUNDS.items():
        if not low <= (value := getattr(recipe, name)) <= high:
            most = "" if math.isinf(high) else f" to {high:,g}"
            raise UserError(f"The setting {name} cannot be {value:g}: choose {low:g}{most or ' or more'}.")
    for name, known in CHOICES.items():
        if (word := getattr(recipe, name)) not in known:
            raise UserError(f"The setting {name} cannot be {word!r}: choose {' or '.join(known)}.")
    for name, low, high, example in (("sizes", SMALLEST, 4096, "[[0, 160]]"), ("frozen", 0, 5, "[[0, 2], [3, 0]]")):
        pairs = getattr(recipe, name)
        whole = all(
            isinstance(pair, tuple) and len(pair) == 2 and all(type(number) is int for number in pair) for pair in pairs
        )
        if not (pairs and whole and pairs[0][0] == 0 and all(low <= number <= high for _, number in pairs)):
            raise UserError(
                f"The setting {name} needs pairs of an epoch, the first of them 0, and a number from {low} to {high}, "
                f"such as {name}={example}."
            )
