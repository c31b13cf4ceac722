"""What the commands share: their parser, their options, and how they complain."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import NoReturn

from resnet_demo.models.layouts import DEPTHS

BAD_INPUT = 2  # exit status for a bad argument or picture, as argparse has it


class Parser(argparse.ArgumentParser):
    """argparse with one clear line for a bad argument instead of the usage text."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{self.prog}: {message} (see {self.prog} --help)\n")


def add_depth(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--depth", type=int, default=50, choices=DEPTHS, help="default: %(default)s")


def add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps or reference")


def add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data", type=Path, help="folder of the data sets (default: RESNET_DEMO_DATA), or of your own pictures"
    )


def complain(message: str) -> None:
    print(message, file=sys.stderr, flush=True)
