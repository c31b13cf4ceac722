"""The commands for look-alikes: ``index`` and ``search``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from resnet_demo.cli.options import Commands, Parser, add_command, add_depth, add_device, complain
from resnet_demo.errors import UserError


def add_index(commands: Commands) -> Parser:
    parser = add_command(
        commands,
        "index",
        "an index of a folder's photos, to search for look-alikes",
        "photos/ --out photo-index",
        run_index,
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="photos, in subfolders too")
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder of the index; one that is there is brought up to date",
    )
    parser.add_argument("--task", default="flowers102", help="whose network looks at the photos (default: %(default)s)")
    add_depth(parser)
    add_device(parser)
    return parser


def run_index(options: argparse.Namespace) -> int:
    from resnet_demo.cli.predict import bar
    from resnet_demo.inference.classifier import Classifier
    from resnet_demo.inference.predictor import load
    from resnet_demo.search.photo_index import PhotoIndex

    if not options.folder.is_dir():
        raise UserError(f"There is no folder {options.folder}: name one with photos.")
    if options.out.exists() and not options.out.is_dir():
        raise UserError(f"{options.out} is a file: name a folder for the index with --out.")
    predict = load(options.task, options.depth, options.device).as_a(Classifier)
    index, seen = PhotoIndex.of(predict, options.out), bar("photos")
    index.update(predict, options.folder, lambda name, reason: complain(f"Skipped {name}: {reason}"), seen)
    print(f"{len(index)} photos are in {options.out}: search with `resnet-demo search PHOTO --index {options.out}`.")
    return 0


def add_search(commands: Commands) -> Parser:
    parser = add_command(
        commands,
        "search",
        "the photos of an index that look most like one",
        "photo.jpg --index photo-index",
        run_search,
    )
    parser.add_argument("photo", metavar="PHOTO")
    parser.add_argument("--index", type=Path, required=True, metavar="DIR", help="the folder that `index` wrote")
    parser.add_argument("--top-k", type=int, default=10, help="photos to list (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    add_device(parser)
    return parser


def run_search(options: argparse.Namespace) -> int:
    from resnet_demo.inference.classifier import Classifier
    from resnet_demo.inference.predictor import load
    from resnet_demo.search.photo_index import PhotoIndex, network_of
    from resnet_demo.tasks import check_top_k

    check_top_k(options.top_k)
    index = PhotoIndex.load(options.index)
    predict = load(index.network.task, index.network.depth, options.device).as_a(Classifier)
    if network_of(predict) != index.network:
        raise UserError(f"The index in {options.index} is of earlier weights: make it anew with `resnet-demo index`.")
    for match in index.search(predict.embed(options.photo), options.top_k):
        if options.json:
            print(json.dumps({"image": match.image, "similarity": round(match.similarity, 4)}), flush=True)
        else:
            print(f"{match.similarity:.3f} {match.image}", flush=True)
    return 0
