"""The command ``batch``."""

from __future__ import annotations

import argparse
from pathlib import Path

from resnet_demo.cli.options import Commands, Parser, add_command, add_depth, add_device, complain


def add_batch(commands: Commands) -> Parser:
    parser = add_command(
        commands,
        "batch",
        "any number of photos to a table; a stopped run goes on where it was",
        "photos/ --output classes.parquet",
        run_batch,
    )
    parser.add_argument(
        "input",
        nargs="+",
        metavar="INPUT",
        help="a folder, with subfolders; a picture; a zip; a .txt with a path a line; or - for such lines",
    )
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help=".parquet, .csv or .jsonl")
    parser.add_argument("--task", default="flowers102", help="default: %(default)s")
    add_depth(parser)
    parser.add_argument("--top-k", type=int, default=5, help="classes of each photo (default: %(default)s)")
    parser.add_argument(
        "--engine", default="local", choices=("local", "ray"), help="ray: all machines of a Ray cluster (RAY_ADDRESS)"
    )
    add_device(parser)
    return parser


def run_batch(options: argparse.Namespace) -> int:
    """A photo that cannot be used has its error in the table, and the status stays 0."""
    from resnet_demo import checkpoints
    from resnet_demo.bulk import engines
    from resnet_demo.bulk.job import Asked, Job, run
    from resnet_demo.cli.predict import bar
    from resnet_demo.inference.predictor import load
    from resnet_demo.tasks import check_top_k

    top_k = check_top_k(options.top_k)
    weights = checkpoints.find(options.task, options.depth).sha256 or ""
    job = Job(Asked(tuple(options.input), options.task, options.depth, weights, top_k), options.output)
    if done := job.finished():
        pictures = f"{done.pictures:,} pictures of its first run"
        print(f"{options.output} is finished: it has all {pictures}; delete it to make it anew.")
        return 0
    spec = checkpoints.spec(options.task)
    if options.engine == "ray":
        work = engines.on_ray(options.task, options.depth, options.device, top_k)
    else:
        network = load(options.task, options.depth, options.device)
        # Another depth of the task may have other classes.
        work, spec = engines.here(network, top_k), network.spec
    with job.opened() as count:
        run(job, count, work, bar("pictures"))
        done = job.finish(spec, count)
    print(f"{done.pictures:,} pictures are in {options.output}.")
    if done.failed:
        complain(f"{done.failed:,} of them could not be used: the column error says why.")
    return 0
