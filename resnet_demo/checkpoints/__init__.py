"""Weights: find, verify, load and save them. Numpy and safetensors only, so that loading never imports torch.

A checkpoint is a folder with ``model.safetensors``, ``config.json`` and, if it was described, a model card
``README.md``. ``weights/index.json`` lists those that come with the repository and those on the Hugging Face Hub,
``weights/own.json`` the user's own; a bundled file is preferred, then the Hub's cache on this machine, then the Hub.
``RESNET_DEMO_HUB_REPO`` (and ``RESNET_DEMO_HUB_REVISION``) name another repository with the same layout, whose index is
used instead.
"""

from resnet_demo.checkpoints.checkpoint import (
    Checkpoint,
    build,
    copy,
    load_folder,
    same_arrays,
    same_trunk,
    save,
    save_stored,
    share_trunk,
    whole_again,
)
from resnet_demo.checkpoints.config import Config, read_config
from resnet_demo.checkpoints.files import CARD, CONFIG, INDEX, LFS_POINTER, MODEL, OWN_INDEX, read_verified
from resnet_demo.checkpoints.index import (
    Entry,
    available,
    bundled,
    check_one_network,
    check_writable,
    entries,
    find,
    hub_config,
    index_record,
    load,
    load_entry,
    network_of,
    own_tasks,
    register,
    spec,
    spec_of,
    weights_folder,
)
from resnet_demo.checkpoints.index_file import (
    edit,
    has_index,
    index_bytes,
    index_version,
    locked,
    put,
    read_index,
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
    "OWN_INDEX",
    "Checkpoint",
    "Config",
    "Entry",
    "IndexRecord",
    "Metric",
    "available",
    "build",
    "bundled",
    "check_one_network",
    "check_writable",
    "copy",
    "edit",
    "entries",
    "find",
    "has_index",
    "hub_config",
    "index_bytes",
    "index_record",
    "index_version",
    "load",
    "load_entry",
    "load_folder",
    "locked",
    "network_of",
    "own_tasks",
    "put",
    "read_config",
    "read_index",
    "read_verified",
    "register",
    "same_arrays",
    "same_trunk",
    "save",
    "save_stored",
    "share_trunk",
    "spec",
    "spec_of",
    "weights_folder",
    "whole_again",
    "write_index",
]
