"""The command ``tasks``: which tasks there are; one's own are renamed and removed."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from resnet_demo.cli.options import Commands, Parser, add_command


def add_tasks(commands: Commands) -> Parser:
    parser = add_command(
        commands,
        "tasks",
        "which tasks there are; your own can be renamed and removed",
        "rename pets animals",
        run_tasks,
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", help="none lists all tasks")
    renaming = actions.add_parser("rename", help="give a task of your own another name")
    renaming.add_argument("old", metavar="OLD")
    renaming.add_argument("new", metavar="NEW")
    removing = actions.add_parser("remove", help="delete a task of your own with its files")
    removing.add_argument("name", metavar="NAME")
    return parser


def run_tasks(options: argparse.Namespace) -> int:
    from resnet_demo.checkpoints import own

    if options.action == "rename":
        own.rename(options.old, options.new)
        print(f"The task {options.old} is called {options.new} now.")
    elif options.action == "remove":
        files = own.own_files(options.name)
        print("\n".join(["These files are deleted:", *(f"  {file}" for file in files)]))
        own.remove(options.name)
        print(f"The task {options.name} is removed.")
    else:
        print("\n".join(table()))
    return 0


def table() -> list[str]:
    """A line a task, in columns: the project's own first."""
    from resnet_demo import checkpoints
    from resnet_demo.tasks import BUNDLED

    listed = checkpoints.hub.chosen_repo() or checkpoints.has_index(checkpoints.weights_folder())
    of: dict[str, list[checkpoints.Entry]] = {}
    for entry in checkpoints.entries() if listed else []:
        of.setdefault(entry.task, []).append(entry)
    names = sorted(of, key=lambda name: (name not in BUNDLED, name))
    rows = [("task", "kind", "depths", "best test figure", "origin")]
    for name in names:
        depths = ", ".join(str(entry.depth) for entry in of[name])
        rows.append((name, kind(name), depths, figure(of[name]), "bundled" if name in BUNDLED else "own"))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def kind(task: str) -> str:
    """``classification``, ``keypoints`` or ``regression``; a task that cannot be read must not hide the others."""
    from resnet_demo import checkpoints
    from resnet_demo.errors import UserError

    try:
        return checkpoints.spec(task).kind
    except UserError:
        return "?"


def figure(entries: Sequence) -> str:
    """The main figure of a task's best checkpoint: top-1 accuracy, or NME or a number's mean error, to be small."""
    accuracies = [entry.metrics["top1"].value for entry in entries if "top1" in entry.metrics]
    if accuracies:
        return f"top-1 {max(accuracies):.1f} %"
    if numbers := [entry.metrics["mae"].value for entry in entries if "mae" in entry.metrics]:
        return f"mean error {min(numbers):g}"
    errors = sorted(
        (metric.value, name)
        for entry in entries
        # By source, of which the first is enough.
        for name, metric in sorted(entry.metrics.items())[:1]
        if name.startswith("nme")
    )
    if not errors:
        return "-"
    least, name = errors[0]
    return f"{name.replace('nme', 'NME').replace('_', ' ')} {least:.2f} %"
