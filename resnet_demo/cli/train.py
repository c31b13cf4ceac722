"""The commands that make checkpoints: ``train``, ``distill``, ``evaluate``, ``bundle`` and what they start from."""

from __future__ import annotations

import argparse
import json
import shlex
from pathlib import Path

from resnet_demo.cli.options import add_data, add_depth, complain
from resnet_demo.errors import UserError


def add_training(parser: argparse.ArgumentParser, init: str | None) -> None:
    """The arguments of ``train``, where ``init`` is None, and ``distill``."""
    parser.add_argument(
        "recipe",
        nargs=None if init else "?",
        help="name of a bundled recipe (flowers102, faces68) or a .toml file",
    )
    add_depth(parser)
    parser.add_argument(
        "--init",
        default=init,
        help="imagenet, scratch, a checkpoint folder or a .safetensors file (default: "
        + (init or "imagenet, for your own pictures the bundled flowers102 network")
        + ")",
    )
    parser.add_argument(
        "--out", type=Path, required=bool(init), help="folder for the run" + ("" if init else " (runs/NAME-DEPTH)")
    )
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", dest="overrides", help="change settings")
    parser.add_argument(
        "--labelled",
        type=Path,
        metavar="FOLDER",
        help="further pictures for a recipe's task, in subfolders named as its classes, such as gather makes",
    )
    parser.add_argument(
        "--evaluate-every",
        type=int,
        default=1,
        metavar="EPOCHS",
        help="how often to measure on val (default: %(default)s)",
    )
    parser.add_argument("--workers", type=int, default=1, help="processes that prepare pictures (default: %(default)s)")
    parser.add_argument("--stop-after", type=int, metavar="EPOCHS", help="stop when this many epochs are done")
    add_data(parser)


def run_train(options: argparse.Namespace) -> int:
    from resnet_demo.training.recipe import load_recipe
    from resnet_demo.training.train import train

    if options.name is not None:
        return run_train_own(options)
    if not options.recipe or not options.out:
        raise UserError(
            "To train by a recipe, name it and pass --out FOLDER; to train on pictures of your own, pass --data FOLDER "
            "--name NAME."
        )
    recipe = load_recipe(options.recipe, options.overrides)
    options.init = options.init or "imagenet"
    words = [
        options.command,
        options.recipe,
        "--depth",
        str(options.depth),
        "--init",
        options.init,
        "--out",
        options.out.as_posix(),
    ]
    words += ["--teacher", options.teacher] if options.teacher else []
    words += ["--pictures", *options.pictures] if options.pictures else []
    words += ["--labelled", options.labelled.as_posix()] if options.labelled else []
    words += ["--set", *options.overrides] if options.overrides else []
    words += ["--stop-after", str(options.stop_after)] if options.stop_after is not None else []
    command = f"python -m resnet_demo {shlex.join(words)}"
    folder = train(
        recipe,
        options.depth,
        options.init,
        options.out,
        data=options.data,
        command=command,
        workers=options.workers,
        stop_after=options.stop_after,
        evaluate_every=options.evaluate_every,
        teacher=options.teacher,
        extra=options.pictures,
        labelled=options.labelled,
    )
    print(f"The checkpoint is in {folder}: measure and bundle it with `python -m resnet_demo bundle {folder}`.")
    return 0


def run_train_own(options: argparse.Namespace) -> int:
    from resnet_demo.training import train_own

    train_own.check_name(options.name)
    if options.labelled:
        raise UserError("--labelled goes with a recipe: put all pictures of your own into --data.")
    if options.data is None:
        raise UserError("Pass --data FOLDER, with one subfolder of pictures a class, or a CSV of keypoints.")
    recipe = train_own.own_recipe(options.recipe, options.overrides, options.data, options.name)
    init = options.init or train_own.default_start(options.depth)
    out = options.out or Path("runs") / f"{options.name}-{options.depth}"
    words = ["train", *([options.recipe] if options.recipe else []), "--data", options.data.as_posix()]
    words += ["--depth", str(options.depth), "--name", options.name, "--init", init]
    words += ["--set", *options.overrides] if options.overrides else []
    folder = train_own.train_own(
        recipe,
        options.name,
        options.data,
        options.depth,
        init,
        out,
        command=f"python -m resnet_demo {shlex.join(words)}",
        workers=options.workers,
        stop_after=options.stop_after,
        evaluate_every=options.evaluate_every,
        batch_chosen=any(override.startswith("batch=") for override in options.overrides),
    )
    if folder is None:
        print("Stopped before the end: run the same command without --stop-after to go on.")
        return 0
    print(
        f"The checkpoint and its accuracy are in {folder}. The page offers it at its next start; or try "
        f"`python -m resnet_demo predict PHOTO --task {options.name} --depth {options.depth}`."
    )
    return 0


def run_evaluate(options: argparse.Namespace) -> int:
    from resnet_demo import checkpoints
    from resnet_demo.training.cards.card import TABLE_HEAD, table_rows
    from resnet_demo.training.data import imagenet
    from resnet_demo.training.evaluation.run import evaluate_checkpoint

    if options.all and (options.task or options.weights):
        raise UserError("--all measures every bundled checkpoint: leave out the task and --weights, or --all.")
    if options.task or options.weights:
        wanted = [(options.task, options.depth)]
    else:
        known = checkpoints.bundled()
        own = sorted({entry.task for entry in known} & checkpoints.own_tasks())
        wanted = [(entry.task, entry.depth) for entry in known if entry.task not in own]
        for task in own:
            complain(f"Left out {task}, of your own pictures: measure it by name, with --data and their folder.")
        if any(task == imagenet.TASK for task, _ in wanted):
            try:
                imagenet.find_photos(options.data, named=False)
            except UserError as error:
                complain(f"Left out {imagenet.TASK}: {error}")
                wanted = [(task, depth) for task, depth in wanted if task != imagenet.TASK]
    for number, (task, depth) in enumerate(wanted):
        predictor, evaluation = evaluate_checkpoint(
            task, depth, options.weights, options.split, options.device, options.data
        )
        record = {
            "task": predictor.task,
            "depth": predictor.depth,
            "split": options.split,
            "backend": predictor.backend,
        }
        if options.json:
            print(json.dumps(record | {"metrics": evaluation.metrics}), flush=True)
            continue
        if number == 0:
            print(f"Split {options.split}, {predictor.backend}\n\n{TABLE_HEAD}")
        print(table_rows(predictor.task, predictor.depth, evaluation.metrics), flush=True)
    return 0


def run_detection(options: argparse.Namespace) -> int:
    from resnet_demo.training.evaluation.detection import measure_detection

    sources = tuple(options.sources)
    lines = measure_detection(options.depth, options.split, sources, options.faces, options.flowers, options.data)
    for line in lines:
        print(line, flush=True)
    return 0


def run_bundle(options: argparse.Namespace) -> int:
    from resnet_demo.training.bundle import bundle, bundle_imagenet

    if str(options.folder) == "imagenet":
        folder = bundle_imagenet(options.data)
    else:
        folder = bundle(options.folder, options.data)
    print(f"Bundled in {folder}: describe all with `python -m resnet_demo report`.")
    return 0


def run_gather(options: argparse.Namespace) -> int:
    from resnet_demo.training.gather import gather

    record = gather(options.folders, options.out, options.apart, options.classes, options.data)
    print(json.dumps(record, indent=1, ensure_ascii=False))
    return 0


def run_grow(options: argparse.Namespace) -> int:
    from resnet_demo.training.networks.grow import grow

    words = [
        "grow",
        "--from",
        options.source.as_posix(),
        "--depth",
        str(options.depth),
        "--out",
        options.out.as_posix(),
    ]
    folder = grow(options.source, options.depth, options.out, f"python -m resnet_demo {shlex.join(words)}")
    print(f"The grown checkpoint is in {folder}: train it with `python -m resnet_demo train RECIPE --init {folder}`.")
    return 0


def run_convert(options: argparse.Namespace) -> int:
    from resnet_demo.training.networks.init import imagenet_file
    from resnet_demo.training.networks.keras_import import convert_package

    print(f"Written to {convert_package(options.out or imagenet_file(), options.package)}.")
    return 0
