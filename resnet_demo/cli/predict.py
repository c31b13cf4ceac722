"""The commands for people with photos: ``predict``, ``serve`` and ``export``."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from resnet_demo.cli.options import BAD_INPUT, Commands, Parser, add_command, add_depth, add_device, complain
from resnet_demo.errors import UserError

if TYPE_CHECKING:
    from resnet_demo.inference.results import Result
    from resnet_demo.tasks import TaskSpec


def pictures_in(arguments: Sequence[str]) -> Iterator[str]:
    """The photos as given, folders replaced by the files in them and below them (hidden ones left out), in order of
    name: those of a folder before those of its subfolders."""
    for argument in arguments:
        if not argument.strip():
            raise UserError("A photo has no name: name a photo or a folder of photos.")
        path = Path(argument)
        if path.is_dir():
            yield from map(str, files_in(path))
        else:
            yield argument


def files_in(folder: Path) -> Iterator[Path]:
    """The files in a folder, then those of each subfolder; no folder is entered through a link."""
    found = sorted(path for path in folder.iterdir() if path.name[0] != ".")
    yield from (path for path in found if path.is_file())
    for path in found:
        if path.is_dir() and not path.is_symlink():
            yield from files_in(path)


def add_predict(commands: Commands) -> Parser:
    parser = add_command(
        commands,
        "predict",
        "classes, keypoints or the number of photos",
        "photo.jpg folder/ --task flowers102 --depth 50 --json",
        run_predict,
    )
    parser.add_argument(
        "photos", nargs="+", metavar="PHOTO", help="a picture, or a folder of pictures, with subfolders"
    )
    parser.add_argument("--task", default="flowers102", help="default: %(default)s")
    add_depth(parser)
    parser.add_argument("--top-k", type=int, default=5, help="classes to list (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.add_argument(
        "--overlays", type=Path, metavar="FOLDER", help="also write each photo with its heatmap or points"
    )
    parser.add_argument("--method", help="the heatmap's: grad-cam, contrast, occlusion, score-cam, or one of your own")
    parser.add_argument("--target", help="its class or region (default: the most likely class, or all points)")
    parser.add_argument("--against", help="the class or region that contrast compares with")
    parser.add_argument(
        "--without",
        metavar="BLOCKS",
        help="leave out the residual branches of these blocks, such as layer3.4,layer3.5, to see what they do",
    )
    add_device(parser)
    return parser


def run_predict(options: argparse.Namespace) -> int:
    """One answer for each photo; a bad one gives a line on standard error, and the others still come out."""
    from resnet_demo.inference.predictor import load
    from resnet_demo.tasks import check_top_k

    check_top_k(options.top_k)
    predict = load(options.task, options.depth, options.device)
    if options.without:
        predict = predict.without(*options.without.split(","))
    check_heat(options, predict.spec)
    if options.overlays:
        make_folder(options.overlays)
    photos = list(pictures_in(options.photos))
    if not photos:
        raise UserError(f"There are no pictures in {', '.join(options.photos)}: name a photo or a folder of photos.")
    status, taken = 0, names_in(photos, options.overlays) if options.overlays else set[str]()
    for photo in photos:
        try:
            answer = predict(photo, top_k=options.top_k)
        except UserError as error:
            complain(f"{photo}: {error}")
            status = BAD_INPUT
            continue
        print(json.dumps(answer.to_json()) if options.json else answer_line(answer), flush=True)
        for note in answer.notes:
            complain(f"{photo}: {note}")
        if options.overlays:
            try:
                note = write_overlay(answer, options.overlays / free_name(Path(photo).stem, taken), options)
            except OSError as error:
                if error.errno is not None:
                    raise
                note, status = f"Its overlay cannot be a JPEG ({error}).", BAD_INPUT  # Such as one of 70,000 pixels.
            if note:
                complain(f"{photo}: {note}")
    return status


def asks_for_heat(options: argparse.Namespace) -> bool:
    """Whether the overlays' maps are not left to the default."""
    return any(asked is not None for asked in (options.method, options.target, options.against))


def check_heat(options: argparse.Namespace, spec: TaskSpec) -> None:
    """Check what is asked of the overlays' maps before the first photo.

    Raises:
        UserError: no such method, class or region, or the method does not do this.
    """
    if not asks_for_heat(options):
        return
    from resnet_demo.explain import registry, targets

    registry.check(options.method or registry.DEFAULT, spec.kind, compared=bool(options.against))
    for name in (options.target, options.against):
        targets.named(spec, name)
    if not options.overlays:
        complain("No heatmap is drawn: name a folder for it with --overlays.")


def make_folder(folder: Path) -> None:
    """Make a folder for pictures.

    Raises:
        UserError: there is a file in its place, or nothing may be written there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = "it is a file" if folder.exists() and not folder.is_dir() else (error.strerror or "").lower()
        raise UserError(f"No pictures can be written to {str(folder)!r} ({reason}): name another folder.") from error


def names_in(photos: Iterable[str], folder: Path) -> set[str]:
    """All names in a folder where any of those photos lies: what is written there must not take their places."""
    there = os.path.realpath(folder)
    inside = any(os.path.realpath(Path(photo).parent) == there for photo in photos)
    return {name.casefold() for name in os.listdir(there)} if inside else set()


def free_name(stem: str, taken: set[str]) -> str:
    """A JPEG's name that no photo before had, and takes it: rose.jpg, rose-2.jpg, and so on."""
    names = (f"{stem}{number}.jpg" for number in ("", *(f"-{count}" for count in range(2, len(taken) + 3))))
    name = next(name for name in names if name.casefold() not in taken)
    taken.add(name.casefold())  # Some file systems know no capitals.
    return name


def answer_line(answer: Result) -> str:
    """An answer for people, one line."""
    return f"{answer.image}: {answer.summary()} ({answer.milliseconds['total']:.0f} ms)"


def write_overlay(answer: Result, path: Path, options: argparse.Namespace) -> str:
    """Write a photo with its heatmap, or points, as a JPEG → what is to be said of it, or nothing."""
    from resnet_demo.explain import registry
    from resnet_demo.images import draw_landmarks, overlay

    note = ""
    if answer.count is not None and not asks_for_heat(options):
        picture = draw_landmarks.draw_faces(answer.photo, answer.keypoints)
    else:
        method = options.method or registry.DEFAULT
        cam, name = answer.heat(options.target, method, options.against, bar(method))
        draw = overlay.signed_overlay if answer.is_signed(method) else overlay.overlay
        picture = draw(answer.photo, cam)
        if name and not cam.any():
            note = f"Nothing in this photo speaks for {name}: its heatmap is empty."
            if method != registry.DEFAULT:
                note = f"The heatmap of {name} by {method} is empty: it is zero everywhere."
    path.write_bytes(overlay.encode_jpeg(picture))
    return note


def bar(title: str) -> Callable[[int, int], None]:
    """What shows on a terminal how far the passes of a heatmap are; elsewhere nothing."""
    shown: list = []

    def show(done: int, count: int) -> None:
        from huggingface_hub.utils import tqdm  # The core has no other.

        if not shown:
            shown.append(tqdm(total=count, desc=title, unit="picture", leave=False, disable=None))
        shown[0].update(done - shown[0].n)
        if done >= count:
            shown.pop().close()

    return show


def add_serve(commands: Commands) -> Parser:
    parser = add_command(commands, "serve", "the page", "--port 8000", run_serve)
    parser.add_argument("--host", help="default: HOST, or 127.0.0.1")
    parser.add_argument("--port", type=int, help="default: PORT, or 7860")
    return parser


def run_serve(options: argparse.Namespace) -> int:
    from resnet_demo.utils.packages import need

    need("gradio")
    if options.host:
        os.environ["HOST"] = options.host
    if options.port is not None:
        os.environ["PORT"] = str(options.port)
    from resnet_demo.page import serve

    try:
        serve()
    except SystemExit as stop:
        if isinstance(stop.code, str):  # A sentence; as an argument of this command it is one like the others'.
            raise UserError(stop.code) from None
        raise
    return 0


def add_export(commands: Commands) -> Parser:
    parser = add_command(
        commands,
        "export",
        "a checkpoint for other programs, float32 or in fewer bits",
        "--task flowers102 --format onnx --out flowers.onnx",
        run_export,
    )
    parser.add_argument("--task", default="flowers102", help="default: %(default)s")
    add_depth(parser)
    parser.add_argument("--weights", type=Path, metavar="FOLDER", help="a checkpoint folder instead of a bundled one")
    parser.add_argument(
        "--format",
        required=True,
        choices=("safetensors", "onnx", "openvino", "torchscript", "torch-export", "transformers"),
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FILE",
        help="a record of the same name goes with it; for transformers a folder",
    )
    parser.add_argument(
        "--input",
        default="normalised",
        choices=("normalised", "uint8"),
        help="what a graph takes: float32 (b, 3, S, S), or RGB as it is, (b, S, S, 3) (default: %(default)s)",
    )
    parser.add_argument(
        "--precision",
        default="float32",
        choices=("float32", "fp16", "int8"),
        help="of an ONNX file; fp16 has half the size, int8 a quarter (default: %(default)s)",
    )
    return parser


def run_export(options: argparse.Namespace) -> int:
    from resnet_demo import checkpoints
    from resnet_demo.export.files import check_precision
    from resnet_demo.export.formats import UINT8, caution, check, export
    from resnet_demo.export.transformers import export_transformers

    if options.format == "transformers":
        check_precision(options.format, options.precision)
        if options.input == UINT8:
            raise UserError("A folder for transformers holds weights and takes no pictures: leave out --input.")
    else:
        check(options.format, options.out, options.input, options.precision)
    if options.weights:
        checkpoint = checkpoints.load_folder(options.weights)
    else:
        checkpoint = checkpoints.load(options.task, options.depth)
    if options.format == "transformers":
        paths = export_transformers(checkpoint, options.out)
    else:
        paths = export(checkpoint, options.format, options.out, options.input, options.precision)
    for path in paths:
        print(path)
    if warning := caution(checkpoint, options.format):
        complain(warning)
    return 0
