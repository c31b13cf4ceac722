"""The commands that measure a checkpoint once more: ``ranges``, ``calibrate``, ``lesion``, ``curves``, ``report``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from resnet_demo.cli.options import Commands, Parser, add_command, add_data, add_depth
from resnet_demo.models.architecture import DEPTHS, STAGES


def add_measured(parser: argparse.ArgumentParser, pictures: str, help: str) -> None:
    """The arguments of ``ranges`` and ``calibrate``: a checkpoint, and further pictures under the name ``pictures``."""
    parser.add_argument("task", nargs="?", help="a bundled task")
    add_depth(parser)
    parser.add_argument("--weights", type=Path, metavar="FOLDER", help="a checkpoint folder instead of a bundled one")
    parser.add_argument(pictures, nargs="+", default=[], metavar="FOLDER", help=help)
    add_data(parser)


def measured(
    options: argparse.Namespace,
    name: str,
    pictures: str,
    folders: Sequence[str],
    kept: float | None = None,
    labelled: Sequence[Path] = (),
) -> tuple[Path, str]:
    """The checkpoint folder that ``ranges`` or ``calibrate`` is for, and the command as records and cards have it."""
    from resnet_demo.checkpoints.steps import Step, shown_path
    from resnet_demo.training.evaluation.calibrate import shown_name
    from resnet_demo.training.evaluation.run import bundled_folder

    given = {
        "--depth": [str(options.depth)] if options.task else [],
        "--weights": [options.weights.as_posix()] if options.weights else [],
        "--labelled": [*map(shown_path, labelled)],
        "--kept": [f"{kept:g}"] if kept else [],
        pictures: [shown_name(folder) for folder in folders],
    }
    given = {option: values for option, values in given.items() if values}
    folder = options.weights or bundled_folder(options.task, options.depth)
    return folder, Step(name, (options.task,) if options.task else (), given).line


def add_ranges(commands: Commands) -> Parser:
    parser = add_command(
        commands,
        "ranges",
        "the largest inputs of the convolutions, for 8-bit arithmetic; bundle does it too",
        "--weights runs/flowers102/checkpoint",
        run_ranges,
    )
    add_measured(
        parser,
        "--pictures",
        "other pictures than those it was trained on: folders, or names of data sets, whose train parts are taken",
    )
    return parser


def run_ranges(options: argparse.Namespace) -> int:
    from resnet_demo.training.evaluation.activation_ranges import measure_ranges

    folder, command = measured(options, "ranges", "--pictures", options.pictures)
    record = measure_ranges(folder, options.pictures, options.data, command)
    print(f"{len(record.inputs)} ranges on {record.pictures} pictures, written to {folder / 'config.json'}.")
    return 0


def add_calibrate(commands: Commands) -> Parser:
    parser = add_command(
        commands,
        "calibrate",
        "true probabilities, and a flag for pictures of something else; run it after bundle",
        "flowers102 --depth 50 --others imagenet-sample-images",
        run_calibrate,
    )
    add_measured(
        parser,
        "--others",
        "pictures that show none of the classes, folders or names of data sets: how many of them are flagged",
    )
    parser.add_argument(
        "--kept",
        type=float,
        metavar="SHARE",
        help="how many of the pictures it is fitted on pass as known, such as 0.9; less flags more of both kinds",
    )
    parser.add_argument(
        "--labelled",
        nargs="+",
        type=Path,
        default=[],
        metavar="FOLDER",
        help="further known photos, in subfolders named as the classes, such as those of train --labelled",
    )
    return parser


def run_calibrate(options: argparse.Namespace) -> int:
    from resnet_demo.training.evaluation.calibrate import calibrate

    folder, command = measured(options, "calibrate", "--others", options.others, options.kept, options.labelled)
    record = calibrate(folder, options.others, options.data, command, kept=options.kept, labelled=options.labelled)
    for name, value in record.measured.items():
        unit = "" if name.startswith("nll") else " %"
        print(f"{name}: {value.value:.2f}{unit} ({value.low:.2f} to {value.high:.2f}), n = {value.n or 0:,.0f}")
    print(f"Temperature {record.temperature:.3f}; written to {folder / 'config.json'} and its card.")
    return 0


def add_lesion(commands: Commands) -> Parser:
    parser = add_command(
        commands,
        "lesion",
        "what each block of a network does: the outputs without it",
        "flowers102 --depth 50",
        run_lesion,
    )
    add_measured(
        parser,
        "--pictures",
        "other pictures than its val ones: folders, or names of data sets, whose val parts are taken",
    )
    return parser


def run_lesion(options: argparse.Namespace) -> int:
    from resnet_demo.training.evaluation.lesion import measure_lesions

    folder, command = measured(options, "lesion", "--pictures", options.pictures)
    found = measure_lesions(folder, options.pictures, options.data, command)
    print(
        f"Change of the outputs without each block, in percent of their spread over {found.pictures} pictures:\n\n"
        f"{found.table()}\n\n"
        f"{found.working} of {len(found.changes)} blocks change them by 1 % or more. "
        f"Written to {folder / 'config.json'} and its card."
    )
    return 0


def add_curves(commands: Commands) -> Parser:
    parser = add_command(
        commands,
        "curves",
        "whether the heat is true: deletion and insertion curves beside a random order",
        "flowers102 --depths 18 50 --pictures 500",
        run_curves,
    )
    parser.add_argument("task", help="a bundled task of classes")
    parser.add_argument("--depths", type=int, nargs="+", default=DEPTHS, choices=DEPTHS, help="default: all")
    parser.add_argument("--pictures", type=int, default=100, help="photos of the test split (default: %(default)s)")
    parser.add_argument("--layer", default=STAGES[-1], choices=STAGES, help="whose heat (default: %(default)s)")
    add_data(parser)
    return parser


def run_curves(options: argparse.Namespace) -> int:
    from resnet_demo.training.evaluation import curves

    print(curves.HEAD, flush=True)
    for depth in dict.fromkeys(options.depths):
        print(curves.measure(options.task, depth, options.pictures, options.layer, options.data), flush=True)
    return 0


def add_report(commands: Commands) -> Parser:
    parser = add_command(
        commands,
        "report",
        "table and plots of all bundled checkpoints, and their cards, anew",
        "--no-timing",
        run_report,
    )
    parser.add_argument("--no-timing", action="store_true", help="keep the milliseconds that were measured before")
    return parser


def run_report(options: argparse.Namespace) -> int:
    from resnet_demo.training.cards.report import write_report

    for path in write_report(measure=not options.no_timing):
        print(path)
    return 0
