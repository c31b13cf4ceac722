"""The command ``publish``."""

from __future__ import annotations

import argparse


def run_publish(options: argparse.Namespace) -> int:
    from resnet_demo.publish.run import PublishOptions, publish

    wanted = PublishOptions(
        repo=options.repo_id,
        space=options.space,
        weights_repo=options.weights_repo,
        tasks=options.tasks,
        all_tasks=options.all_tasks,
        private=options.private,
        hardware=options.hardware,
        secrets=options.secrets,
        token=options.token,
    )
    publish(wanted, options.dry_run)
    return 0
