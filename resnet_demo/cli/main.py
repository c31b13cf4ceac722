"""The command line: which commands there are, by purpose, and what becomes of their errors."""

from __future__ import annotations

import argparse
import errno
import io
import sys
from collections.abc import Sequence

from resnet_demo.cli import (
    batch,
    bench,
    calibrate,
    import_file,
    lab,
    layout,
    predict,
    publish,
    search,
    tasks,
    teach,
    train,
)
from resnet_demo.cli.bring import bring, start_again
from resnet_demo.cli.options import BAD_INPUT, Parser, complain, program
from resnet_demo.errors import UserError
from resnet_demo.utils.packages import advice
from resnet_demo.version import __version__

COMMANDS = {
    "Photos": (
        predict.add_predict,
        batch.add_batch,
        search.add_index,
        search.add_search,
        predict.add_serve,
        predict.add_export,
    ),
    "Training": (
        teach.add_teach,
        train.add_train,
        train.add_distill,
        train.add_grow,
        layout.add_layout,
        train.add_gather,
        train.add_faces,
        train.add_relabel,
        train.add_convert,
    ),
    "Measuring": (
        train.add_evaluate,
        train.add_detection,
        train.add_poses,
        calibrate.add_calibrate,
        calibrate.add_lesion,
        calibrate.add_curves,
        bench.add_bench,
        lab.add_lab,
    ),
    "Checkpoints": (
        tasks.add_tasks,
        import_file.add_import,
        train.add_bundle,
        calibrate.add_ranges,
        calibrate.add_report,
        publish.add_publish,
    ),
}

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # of a disk, a person's share of it, a file


def make_parser() -> Parser:
    """The parser of all commands; its help lists them by purpose, each with an example."""
    parser = Parser(
        prog=program(),
        description="ResNet on photographs: classes, face keypoints, and where the network looked.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", parser_class=Parser, help="see below, and COMMAND --help"
    )
    lines = []
    for purpose, adders in COMMANDS.items():
        lines.append(f"{purpose}:")
        for add in adders:
            added = add(commands)
            lines += [f"  {added.prog.split()[-1]:<10}{added.summary}", f"{'':12}{program()} {added.example}"]
        lines.append("")
    parser.epilog = "\n".join(lines)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status: 0, or 2 after one clear line on standard error."""
    options = make_parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # Names of files may have letters that a terminal does not know.
            stream.reconfigure(errors="backslashreplace")
    try:
        return options.run(options)
    except UserError as error:
        complain(str(error))
        return BAD_INPUT
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        sentence = advice(package)
        if sentence is None:
            raise
        if arguments is None and bring(package):
            start_again()
        complain(sentence)
        return BAD_INPUT
    except KeyboardInterrupt:
        complain("Stopped.")
        return 130
    except BrokenPipeError:
        # Whoever read our output has seen enough; the interpreter must not complain when it flushes.
        sys.stdout = None
        return 0
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        if error.filename is not None:
            complain(f"Cannot use {str(error.filename)!r} ({reason}): name another file or folder.")
        elif error.errno in FULL:
            complain(f"Nothing more can be written ({reason}): make room, and run the same command again.")
        else:
            raise
        return BAD_INPUT
