"""The command ``bench``."""

from __future__ import annotations

import argparse
from pathlib import Path

from resnet_demo.cli.options import Commands, Parser, add_command, add_data
from resnet_demo.errors import UserError
from resnet_demo.models.architecture import DEPTHS


def add_bench(commands: Commands) -> Parser:
    parser = add_command(
        commands,
        "bench",
        "speed beside that of others, in turns on this machine",
        "classify photo --depths 18 50",
        run_bench,
    )
    # Their names stand in the package bench, which is no part of a Space.
    names = "such as classify, faces or http; one that is none lists them (default: all)"
    parser.add_argument("measurements", nargs="*", metavar="MEASUREMENT", help=names)
    parser.add_argument("--depths", type=int, nargs="+", default=DEPTHS, choices=DEPTHS, help="default: all")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each way (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=2.0, help="least time of a turn (default: %(default)s)")
    parser.add_argument("--batch", type=int, help="pictures a step (training: 32, or 16 from depth 101 on)")
    parser.add_argument("--size", type=int, default=224, help="side of the pictures (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="processes that prepare pictures (default: %(default)s)")
    parser.add_argument(
        "--pictures", type=int, default=2000, help="photos in the folder of bulk and batch (default: %(default)s)"
    )
    parser.add_argument(
        "--photos",
        type=Path,
        metavar="FOLDER",
        help="for own: photos, a subfolder a class (default: it is left out)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file too")
    parser.add_argument(
        "--readme",
        type=Path,
        nargs="*",
        metavar="FILE",
        help="measure nothing: put the figures of such files (default: bench.json) into the READMEs and docs/",
    )
    parser.add_argument(
        "--page",
        type=Path,
        metavar="FILE",
        help="with --readme: put them into this page alone, such as docs/bench-avx2.md of another kind of CPU",
    )
    add_data(parser)
    return parser


def run_bench(options: argparse.Namespace) -> int:
    if options.readme is not None:
        from resnet_demo.bench import readme

        if options.measurements or options.json:
            raise UserError("--readme writes what was measured before: run the measurements first, without it.")
        for path in readme.write(options.readme or [readme.FILE], options.page and options.page.absolute()):
            print(path)
        return 0
    from resnet_demo.bench.runner import run
    from resnet_demo.bench.settings import Settings

    settings = Settings(
        depths=tuple(options.depths),
        rounds=options.rounds,
        seconds=options.seconds,
        batch=options.batch,
        size=options.size,
        workers=options.workers,
        pictures=options.pictures,
        photos=options.photos,
        data=options.data,
    )
    run(options.measurements, settings, options.json)
    return 0
