"""The command ``bench``."""

from __future__ import annotations

import argparse

from resnet_demo.errors import UserError


def run_bench(options: argparse.Namespace) -> int:
    if options.readme is not None:
        from resnet_demo.bench import readme

        if options.measurements or options.json:
            raise UserError("--readme writes what was measured before: run the measurements first, without it.")
        for path in readme.write(options.readme or [readme.FILE]):
            print(path)
        return 0
    from resnet_demo.bench.runner import Settings, run

    settings = Settings(
        depths=tuple(options.depths),
        rounds=options.rounds,
        seconds=options.seconds,
        batch=options.batch,
        size=options.size,
        workers=options.workers,
        pictures=options.pictures,
        data=options.data,
    )
    run(options.measurements, settings, options.json)
    return 0
