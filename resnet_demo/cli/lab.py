"""The command ``lab``: the paper's experiments on depth and shortcuts, and the traps of training."""

from __future__ import annotations

import argparse
from pathlib import Path

from resnet_demo.cli.options import Commands, Parser, add_command, add_compile, add_data
from resnet_demo.errors import UserError
from resnet_demo.models.architecture import ARCHITECTURES

EXPERIMENTS = ("degradation", "gradients", "traps", "plot")


def add_lab(commands: Commands) -> Parser:
    parser = add_command(
        commands,
        "lab",
        "what depth does without shortcuts, and with them: CSV files and plots",
        "gradients --out runs/lab",
        run_lab,
    )
    parser.add_argument(
        "experiment",
        choices=EXPERIMENTS,
        help="degradation: plain and residual networks on CIFAR-10 (--data), which goes on after a stop; gradients: of "
        "each layer before the first step; traps: what five mistakes of training cost; plot: both as SVG",
    )
    parser.add_argument("--out", type=Path, default=Path("runs/lab"), help="folder (default: %(default)s)")
    add_data(parser)
    parser.add_argument(
        "--networks",
        nargs="+",
        choices=ARCHITECTURES,
        metavar="NAME",
        help="default: plain20 plain56 resnet20 resnet56",
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="default: 0 1 2")
    parser.add_argument("--epochs", type=int, default=164, help="default: %(default)s, as the paper")
    parser.add_argument("--size", type=int, default=32, help="side of the pictures in pixels (default: %(default)s)")
    parser.add_argument("--pictures", type=int, default=50_000, help="at most so many of each part (default: all)")
    parser.add_argument("--batch", type=int, default=128, help="pictures a step (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=0.1, help="learning rate (default: %(default)s)")
    parser.add_argument(
        "--warmup", type=int, default=0, help="steps over which the rate rises to --rate (default: %(default)s)"
    )
    parser.add_argument(
        "--precision",
        choices=("float32", "bf16"),
        help="of feature maps and products in training (default: bf16 where the device computes in it, else float32)",
    )
    add_compile(parser)
    return parser


def run_lab(options: argparse.Namespace) -> int:
    for name, low in (("epochs", 1), ("size", 8), ("pictures", 10), ("batch", 2), ("rate", 1e-6), ("warmup", 0)):
        if getattr(options, name) < low:
            raise UserError(f"--{name} cannot be {getattr(options, name):g}: choose {low:g} or more.")
    if options.experiment == "plot":
        return plot(options.out)
    if options.experiment == "traps":
        return traps(options)
    path = degradation(options) if options.experiment == "degradation" else gradients(options)
    print(f"The figures are in {path}: draw them with `resnet-demo lab plot --out {options.out}`.")
    return 0


def settings_of(options: argparse.Namespace):
    from resnet_demo.lab.degradation import Settings, quickest
    from resnet_demo.training.distributed import ALONE

    precision = options.precision or quickest(ALONE.device.type)
    return Settings(
        options.epochs, options.size, options.pictures, options.batch, options.rate, options.warmup, precision
    )


def degradation(options: argparse.Namespace) -> Path:
    from resnet_demo.lab.degradation import NETWORKS, degradation

    if options.data is None:
        raise UserError("Pass --data with CIFAR-10: its archive, or its folder with train/ and test/.")
    networks = options.networks or NETWORKS
    return degradation(options.data, options.out, settings_of(options), networks, options.seeds, options.compile)


def gradients(options: argparse.Namespace) -> Path:
    from resnet_demo.lab.gradients import CSV, batch_of, measure_all
    from resnet_demo.lab.results import write_rows

    path = options.out / CSV
    write_rows(path, measure_all(*batch_of(options.data, settings_of(options))))
    return path


def traps(options: argparse.Namespace) -> int:
    from resnet_demo.lab.results import write_rows
    from resnet_demo.lab.traps import CSV, measure, sentences

    rows = measure(options.data)
    write_rows(options.out / CSV, rows)
    print("\n\n".join([*sentences(rows), f"The figures are in {options.out / CSV}."]))
    return 0


def plot(folder: Path) -> int:
    from resnet_demo.lab import plots, results

    drawn = 0
    if (path := folder / "degradation.csv").is_file():
        drawn += write(path, plots.degradation_svg(results.read_rows(path, results.Epoch)))
    if (path := folder / "gradients.csv").is_file():
        drawn += write(path, plots.gradients_svg(results.read_rows(path, results.Layer)))
    if not drawn:
        raise UserError(f"{folder} holds no results: make them with `resnet-demo lab gradients --out {folder}`.")
    return 0


def write(path: Path, drawing: str) -> int:
    path.with_suffix(".svg").write_text(drawing, encoding="utf-8")
    print(path.with_suffix(".svg"))
    return 1
