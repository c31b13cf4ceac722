"""The command ``import``: weights of another program as a checkpoint."""

from __future__ import annotations

import argparse
from pathlib import Path

from resnet_demo.cli.options import Commands, Parser, add_command
from resnet_demo.models.architecture import DEPTHS, VARIANTS


def add_import(commands: Commands) -> Parser:
    parser = add_command(
        commands,
        "import",
        "a classifier's weights from torchvision, timm, transformers, Lightning or Keras",
        "model.pth --task pets --labels cat,dog --out pets",
        run_import,
    )
    parser.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help=".safetensors, .pth, .pt or .ckpt (a state dict), or Keras' .keras or .h5",
    )
    parser.add_argument("--task", required=True, metavar="NAME", help="what the task is called here")
    parser.add_argument(
        "--labels", required=True, metavar="FILE|a,b,c", help="the classes in the order of the outputs, one a line"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the checkpoint")
    parser.add_argument("--depth", type=int, choices=DEPTHS, help="default: found from the names")
    parser.add_argument(
        "--variant", choices=VARIANTS, help="where a bottleneck has its stride (default: found, else v1.5)"
    )
    return parser


def run_import(options: argparse.Namespace) -> int:
    from resnet_demo import checkpoints
    from resnet_demo.checkpoints.foreign import import_file, scaling_of
    from resnet_demo.tasks.bundled import check_own_name

    check_own_name(options.task)
    folder = import_file(options.file, options.task, options.labels, options.out, options.depth, options.variant)
    made = checkpoints.load_folder(folder)
    spec, where = made.spec, f"RESNET_DEMO_WEIGHTS={folder.as_posix()}"
    print(
        f"Imported a {made.architecture.title} {made.variant} with {spec.outputs} classes; pictures: {spec.size} × "
        f"{spec.size} pixels, {scaling_of(spec)}."
    )
    print(
        f"The checkpoint is in {folder}. Try `{where} python -m resnet_demo predict PHOTO --task {spec.name} --depth "
        f"{made.depth}`, or `{where} python -m resnet_demo serve`."
    )
    return 0
