"""What the commands share: their parser, their options, and how they complain."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from resnet_demo.models.architecture import ALL_DEPTHS

BAD_INPUT = 2  # exit status for a bad argument or picture, as argparse has it
SCRIPT = "resnet-demo"  # see pyproject.toml


class Parser(argparse.ArgumentParser):
    """argparse with one clear line for a bad argument instead of the usage text.

    Attributes:
        summary, example: of a command, see ``add_command``.
    """

    summary = example = ""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{self.prog}: {message} (see {self.prog} --help)\n")


Commands = argparse._SubParsersAction  # what ``add_subparsers`` gives; argparse has no public name for it


def program() -> str:
    """How the command line was called."""
    return SCRIPT if Path(sys.argv[0]).stem == SCRIPT else "python -m resnet_demo"


def add_command(
    commands: Commands, name: str, summary: str, example: str, run: Callable[[argparse.Namespace], int]
) -> Parser:
    """A command with its help.

    Args:
        summary: half a sentence for the list of all commands too.
        example: its arguments, as somebody would type them.
        run: what it does: options → exit status.
    """
    parser = commands.add_parser(
        name,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=f"example:\n  {program()} {name} {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    parser.summary, parser.example = summary, f"{name} {example}"
    return parser


def add_depth(parser: argparse.ArgumentParser, depths: tuple[int, ...] = ALL_DEPTHS) -> None:
    parser.add_argument("--depth", type=int, default=50, choices=depths, help="default: %(default)s")


def add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps or reference")


def add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data", type=Path, help="folder of the data sets (default: RESNET_DEMO_DATA), or of your own pictures"
    )


def add_compile(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--compile",
        action="store_true",
        help="compile the network for training first (half a minute to a few, needs a C++ compiler): quicker steps "
        "where batch norms learn, as from scratch",
    )


def complain(message: str) -> None:
    print(message, file=sys.stderr, flush=True)
