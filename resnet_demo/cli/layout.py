"""The command ``layout``: a published data set as picture files in folders."""

from __future__ import annotations

import argparse
from pathlib import Path

from resnet_demo.cli.options import Commands, Parser, add_command, program


def add_layout(commands: Commands) -> Parser:
    parser = add_command(
        commands,
        "layout",
        "CIFAR-10's archive as picture files, in folders for each part and class",
        "cifar-10-python.tar.gz --out cifar10",
        run_layout,
    )
    parser.add_argument(
        "data",
        type=Path,
        metavar="FILE",
        help="cifar-10-python.tar.gz or cifar-10-binary.tar.gz, or the folder of another published set of classes",
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="new folder: train/CLASS/NAME.png and test/CLASS/NAME.png",
    )
    return parser


def run_layout(options: argparse.Namespace) -> int:
    from resnet_demo.training.layout import lay_out

    parts, classes = lay_out(options.data, options.out)
    counts = ", ".join(f"{count:,} in {part}" for part, count in parts.items())
    print(
        f"{parts.total():,} pictures of {len(classes)} classes are in {options.out} ({counts}). Train on them by "
        f"`{program()} train --data {options.out} --depth 18 --name NAME`."
    )
    return 0
