"""The command ``publish``."""

from __future__ import annotations

import argparse

from resnet_demo.cli.options import Commands, Parser, add_command
from resnet_demo.models.architecture import DEPTHS


def add_publish(commands: Commands) -> Parser:
    parser = add_command(
        commands,
        "publish",
        "put the weights, or the page as a Space, on the Hugging Face Hub",
        "--repo-id you/resnet-demo-weights --space you/resnet-demo --dry-run",
        run_publish,
    )
    parser.add_argument("--repo-id", metavar="YOU/NAME", help="repository for the weights; made where it is missing")
    parser.add_argument("--space", metavar="YOU/NAME", help="Space for the page; made where it is missing")
    parser.add_argument(
        "--weights-repo",
        metavar="YOU/NAME",
        help="where the Space takes the weights from (default: --repo-id; without either they are put into the Space)",
    )
    parser.add_argument(
        "--tasks",
        nargs="+",
        default=[],
        metavar="TASK",
        help="only these (default: all but those of your own pictures)",
    )
    parser.add_argument("--depths", nargs="+", type=int, default=[], choices=DEPTHS, help="only these (default: all)")
    parser.add_argument("--all-tasks", action="store_true", help="those of your own pictures too")
    parser.add_argument(
        "--endpoint",
        action="store_true",
        help="with the weights send the code and handler.py, so that Inference Endpoints run them",
    )
    parser.add_argument("--private", action="store_true", help="what is made can be seen by you alone")
    parser.add_argument(
        "--hardware", help="the Space's, such as cpu-basic or zero-gpu (default: as it is; a new one: cpu-basic)"
    )
    parser.add_argument(
        "--secret",
        action="append",
        default=[],
        metavar="NAME[=VALUE]",
        dest="secrets",
        help="for the Space, may be repeated; without a value that of the environment variable",
    )
    parser.add_argument("--token", help="default: HF_TOKEN, or that of `hf auth login`")
    parser.add_argument("--dry-run", action="store_true", help="list the files and their sizes, and send nothing")
    return parser


def run_publish(options: argparse.Namespace) -> int:
    from resnet_demo.publish.run import PublishOptions, publish

    wanted = PublishOptions(
        repo=options.repo_id,
        space=options.space,
        weights_repo=options.weights_repo,
        tasks=options.tasks,
        all_tasks=options.all_tasks,
        depths=options.depths,
        private=options.private,
        hardware=options.hardware,
        secrets=options.secrets,
        endpoint=options.endpoint,
        token=options.token,
    )
    publish(wanted, options.dry_run)
    return 0
