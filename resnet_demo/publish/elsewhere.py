"""What transformers and timm look for at the root of a repository: one of its networks, as each of them names it.

``from_pretrained("you/weights")``, ``pipeline()`` and ``create_model("hf-hub:you/weights")`` read weights and a
``config.json`` there. Both get one and the same: each ignores the other's keys, and ours, ``index``, sends our own
reader on to the 8-bit files. Sources: transformers 5.24 (``configuration_utils.py``) and timm 1.0.31
(``models/_hub.py``, ``models/_builder.py``: ``hf_hub_filename`` names another file than ``model.safetensors``).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from resnet_demo.checkpoints import CONFIG, INDEX, MODEL, Checkpoint, load_folder, read_config
from resnet_demo.export.files import half_matrices
from resnet_demo.export.formats import describe, needs_v1_strides, safetensors_bytes
from resnet_demo.export.transformers import PROCESSOR, config_of, has_network, processor_of, text, weights_of
from resnet_demo.publish.files import File
from resnet_demo.tasks import CLASSIFICATION, in_order

TIMM = "timm.safetensors"
USUAL = 50  # Of several depths the one nearest to it is shown.


def shown(folders: Sequence[Path]) -> Checkpoint | None:
    """The network that the root of a repository of these checkpoints gives to other programs, or None.

    It is one of the first task with classes, in the page's order, that they can build: one that timm builds too, if
    there is any, and the nearest to ``USUAL``.
    """
    found = [load_folder(folder) for folder in folders if read_config(folder).task.kind == CLASSIFICATION]
    usable = sorted(filter(has_network, found), key=lambda one: in_order(one.spec.name))
    usable = [one for one in usable if one.spec.name == usable[0].spec.name]
    return min(usable, key=lambda one: (needs_v1_strides(one), abs(one.depth - USUAL)), default=None)


def root_files(checkpoint: Checkpoint) -> list[File]:
    """The files of one network for these libraries, its matrices in float16, which both compute with in float32."""
    files = [
        File(CONFIG, text(root_config(checkpoint))),
        File(PROCESSOR, text(processor_of(checkpoint))),
        File(MODEL, weights_of(checkpoint, half=True)),
    ]
    if not needs_v1_strides(checkpoint):
        # No record inside: safetensors writes several entries in any order, and the file would be another each time.
        files.append(File(TIMM, safetensors_bytes(half_matrices(checkpoint.calibrated().state), {})))
    return files


def howto(checkpoint: Checkpoint, repo: str) -> str:
    """A part of the repository's card: how transformers and timm load what lies at the root."""
    spec = checkpoint.spec
    load = f"""\
from transformers import AutoModelForImageClassification, pipeline

pipeline("image-classification", "{repo}")("photo.jpg")
AutoModelForImageClassification.from_pretrained("{repo}")"""
    if not needs_v1_strides(checkpoint):
        load += f"""

import timm

timm.create_model("hf-hub:{repo}", pretrained=True)"""
    return f"""
## In transformers and timm

At the root of this repository lies the {checkpoint.architecture.title} for {spec.name}, {spec.outputs:,} classes, its
matrices in float16:

```python
{load}
```
"""


def root_config(checkpoint: Checkpoint) -> dict[str, object]:
    """Configuration of transformers and timm in one; timm refuses by name what it would compute wrongly."""
    record = describe(checkpoint, "safetensors")
    whole = {"index": INDEX, **config_of(checkpoint), **record}
    if needs_v1_strides(checkpoint):
        name = checkpoint.architecture.name
        whole["architecture"] = f"{name} of v1, which timm does not build: load it with transformers"
    else:
        whole["pretrained_cfg"] = {**record["pretrained_cfg"], "hf_hub_filename": TIMM}  # type: ignore[dict-item]
    return whole
