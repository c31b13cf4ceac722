"""The package is layered: each folder imports only from those below it, there are no circles, and one knows Gradio."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

import pytest
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
# Programs that are started beside ours to be measured, and imported by nothing.
PEER_APPS = {f"{PACKAGE}.bench.peers.nothing_app", f"{PACKAGE}.bench.peers.path_app"}


def layer(module: str) -> str:
    """The folder, or file, of the package that a module lies in."""
    return module.split(".")[1]


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
    try:
        TopologicalSorter(arrows()).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def test_only_the_page_imports_gradio():
    those = {
        module
        for module, path in modules().items()
        if any(target.split(".")[0] == "gradio" for target in imported(path))
    }
    assert {module for module in those - PEER_APPS if layer(module) != "page"} == set()
    assert those & PEER_APPS and not any(targets & PEER_APPS for targets in arrows().values())


def test_a_circle_and_an_arrow_upwards_would_be_seen(tmp_path):
    """Also those inside functions and behind TYPE_CHECKING."""
    source = tmp_path / "source.py"
    source.write_text(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from resnet_demo.page import catalog\n"
        "def late():\n    import gradio as gr\n    from resnet_demo.models.resnet import ResNet\n"
    )
    assert {"resnet_demo.page.catalog", "gradio", "resnet_demo.models.resnet.ResNet"} <= imported(source)
