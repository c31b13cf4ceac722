"""The package is layered: each folder imports only from those below it, there are no circles, and one knows Gradio."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

import pytest
from conftest import ROOT
from imports import PACKAGE, arrows, imported, modules

# From the top down: a folder, or file, imports only from what stands behind it.
LAYERS = (
    *(
        "__main__",
        "cli",
        "hub_mixin",
        "bench",
        "publish",
        "endpoint",
        "page",
        "lab",
        "training",
        "bulk",
        "search",
        "teach",
        "inference",
        "faces",
        "export",
    ),
    *("backends", "explain", "checkpoints", "images", "tasks", "models", "utils", "errors", "version"),
)
# Folders of the package that have folders with modules themselves.
PARENTS = {path.parents[1] for path in (ROOT / PACKAGE).glob("*/*/__init__.py")}
# Programs that are started beside ours to be measured, and imported by nothing.
PEER_APPS = {f"{PACKAGE}.bench.peers.nothing_app", f"{PACKAGE}.bench.peers.path_app"}


def layer(module: str) -> str:
    """The folder, or file, of the package that a module lies in."""
    return module.split(".")[1]


def check_no_circle(graph: dict[str, set[str]]) -> None:
    """Of what imports what."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def test_every_folder_has_its_layer():
    assert {layer(module) for module in modules() if "." in module} == set(LAYERS)


@pytest.mark.parametrize("folder", LAYERS)
def test_a_folder_imports_only_from_those_below_it(folder):
    # ``resnet_demo`` itself reaches for everything when asked, so no module of it may import that.
    allowed = set(LAYERS[LAYERS.index(folder) :])
    upwards = {
        f"{module} imports {target}"
        for module, targets in arrows().items()
        if "." in module and layer(module) == folder
        for target in targets
        if "." not in target or layer(target) not in allowed
    }
    assert upwards == set()


def test_modules_import_each_other_in_no_circle():
    check_no_circle(arrows())


@pytest.mark.parametrize("folder", sorted(path.name for path in PARENTS))
def test_the_parts_of_a_folder_import_each_other_in_no_circle(folder):
    """Its folders count as one part each, as its files do."""
    inside = f"{PACKAGE}.{folder}."

    def part(module: str) -> str:
        return module.removeprefix(inside).partition(".")[0]

    between: dict[str, set[str]] = {}
    for module, targets in arrows().items():
        if module.startswith(inside):
            others = {part(target) for target in targets if target.startswith(inside)} - {part(module)}
            between.setdefault(part(module), set()).update(others)
    check_no_circle(between)


def test_only_the_page_imports_gradio():
    those = {
        module
        for module, path in modules().items()
        if any(target.split(".")[0] == "gradio" for target in imported(path))
    }
    assert {module for module in those - PEER_APPS if layer(module) != "page"} == set()
    assert those & PEER_APPS and not any(targets & PEER_APPS for targets in arrows().values())


def test_a_circle_and_an_arrow_upwards_would_be_seen(tmp_path):
    """Also those inside functions and behind TYPE_CHECKING, and by a module's name."""
    source = tmp_path / "source.py"
    source.write_text(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from resnet_demo.page import catalog\n"
        "def late():\n    import gradio as gr\n    from resnet_demo.models.resnet import ResNet\n"
        "CASE = 'resnet_demo.bench.cases.classify'\n"
    )
    seen = {
        "resnet_demo.page.catalog",
        "gradio",
        "resnet_demo.models.resnet.ResNet",
        "resnet_demo.bench.cases.classify",
    }
    assert seen <= imported(source)
