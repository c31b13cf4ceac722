"""Weights: find, verify, load and save them. Numpy and safetensors only, so that loading never imports torch.

A checkpoint is a folder with ``model.safetensors``, ``config.json`` and, if it was described, a model card
``README.md``. ``weights/index.json`` lists those that come with the repository and those on the Hugging Face Hub; a
bundled file is preferred, then the Hub's cache on this machine, then the Hub. ``RESNET_DEMO_HUB_REPO`` (and
``RESNET_DEMO_HUB_REVISION``) name another repository with the same layout, whose index is used instead.
"""

from resnet_demo.checkpoints.checkpoint import Checkpoint, build, copy, load_folder, save, save_stored
from resnet_demo.checkpoints.config import Config, read_config
from resnet_demo.checkpoints.files import CARD, CONFIG, INDEX, LFS_POINTER, MODEL, read_verified
from resnet_demo.checkpoints.index import (
    Entry,
    available,
    bundled,
    check_writable,
    entries,
    find,
    index_bytes,
    index_record,
    load,
    load_entry,
    own_tasks,
    read_index,
    register,
    spec,
    weights_folder,
    write_index,
)
from resnet_demo.checkpoints.index_record import IndexRecord
from resnet_demo.checkpoints.records import Metric

__all__ = [
    "CARD",
    "CONFIG",
    "INDEX",
    "LFS_POINTER",
    "MODEL",
    "Checkpoint",
    "Config",
    "Entry",
    "IndexRecord",
    "Metric",
    "available",
    "build",
    "bundled",
    "check_writable",
    "copy",
    "entries",
    "find",
    "index_bytes",
    "index_record",
    "load",
    "load_entry",
    "load_folder",
    "own_tasks",
    "read_config",
    "read_index",
    "read_verified",
    "register",
    "save",
    "save_stored",
    "spec",
    "weights_folder",
    "write_index",
]
