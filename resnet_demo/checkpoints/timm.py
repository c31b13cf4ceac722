"""timm's ResNets with ImageNet heads: the ``config.json`` of their repositories in the words of our own."""

from __future__ import annotations

import math

from resnet_demo.checkpoints.architecture_record import architecture_to_json
from resnet_demo.checkpoints.config import Config
from resnet_demo.errors import UserError
from resnet_demo.models.architecture import ARCHITECTURES, Architecture
from resnet_demo.tasks import CLASSIFICATION, TaskSpec


def convert_config(config: Config) -> Config:
    """timm's record → ``depth``, ``variant``, ``metrics`` and ``task`` as in our ``config.json``.

    Source: https://github.com/huggingface/pytorch-image-models, ``timm/models/_hub.py`` (what is written) and
    ``timm/data/transforms_factory.py`` (how it is read): the short side becomes size / crop_pct, then a centre crop.

    Args:
        config: ``config.json`` of such a repository; older ones have the keys of ``pretrained_cfg`` at the top level.

    Raises:
        UserError: it is no plain ResNet with the 1,000 classes of ImageNet, or prepares pictures in another way.
    """
    from resnet_demo.tasks.imagenet_names import names

    where = config.where
    try:
        cfg = {**config.record, **(config.record.get("pretrained_cfg") or {})}
        architecture = known(str(cfg["architecture"]))
        channels, rows, columns = cfg["input_size"]
        crop = float(cfg["crop_pct"])
        mean, std = (tuple(float(value) for value in cfg[key]) for key in ("mean", "std"))
        interpolation = cfg.get("interpolation", "bilinear")
        fits = (
            architecture is not None
            and cfg["num_classes"] == 1000
            and channels == 3
            and rows == columns
            and rows >= 32
            and 0 < crop <= 1
            and len(mean) == len(std) == 3
            and all(math.isfinite(value) for value in mean)
            and all(value > 0 for value in std)
            and cfg.get("crop_mode", "center") == "center"
            and interpolation in ("bilinear", "bicubic")
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(
            "{where} is no configuration of timm's ({error!r}): use another source.", where=where, error=error
        ) from error
    if not fits or architecture is None:
        raise UserError(
            "{where} is of another network or task than ImageNet's ResNets: use another source.", where=where
        )
    spec = TaskSpec(
        "imagenet1k",
        CLASSIFICATION,
        labels=names(),
        size=rows,
        resize=int(rows / crop),  # timm rounds down.
        mean=(mean[0], mean[1], mean[2]),
        std=(std[0], std[1], std[2]),
        interpolation=interpolation,
    )
    # torchvision's bottleneck has its stride in the 3×3 convolution; at depths 18 and 34 there is no difference.
    network = {"depth": architecture.depth} if architecture.source is None else architecture_to_json(architecture)
    return Config({**network, "variant": "v1.5", "metrics": {}, "task": spec.to_json()}, where)


def known(name: str) -> Architecture | None:
    """The network that timm calls so, where it is one that is built here with ImageNet's stem."""
    found = ARCHITECTURES.get(name)
    return found if found and (found.source or found.family == "ResNet") else None
