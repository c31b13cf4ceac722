"""The file that a Space starts: where it listens, what it says, and that it starts quickly."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from resnet_demo.errors import UserError
from resnet_demo.page.server import address, check_free

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, ("127.0.0.1", 7860)),
        ({"PORT": "8000"}, ("127.0.0.1", 8000)),
        ({"HOST": "0.0.0.0"}, ("0.0.0.0", 7860)),
        ({"SPACE_ID": "someone/resnet"}, ("0.0.0.0", 7860)),
        ({"SPACE_ID": "someone/resnet", "HOST": "127.0.0.1"}, ("127.0.0.1", 7860)),
        ({"HOST": "", "PORT": ""}, ("127.0.0.1", 7860)),
    ],
)
def test_address(environment, expected):
    assert address(environment) == expected


@pytest.mark.parametrize("port", ["no", "0", "65536", "-1", "1.5"])
def test_a_bad_port_is_named(port):
    with pytest.raises(UserError, match=port):
        address({"PORT": port})


def test_a_taken_port_ends_the_program_with_one_sentence():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"Port {port} is taken"):
            check_free("127.0.0.1", port)
        environment = {**os.environ, "HOST": "127.0.0.1", "PORT": str(port)}
        done = subprocess.run(
            [sys.executable, "app.py"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240
        )
    assert done.returncode == 1
    assert done.stderr.strip() == f"Port {port} is taken: stop what uses it, or choose another, such as PORT=7861."


def test_building_the_page_imports_neither_torch_nor_openvino_and_gradio_writes_no_stub_files(tmp_path):
    """A component of one's own is a class for which Gradio would write one beside its module."""
    (tmp_path / "mine.py").write_text("import gradio as gr\n\n\nclass Mine(gr.HTML):\n    EVENTS = []\n")
    code = (
        "import sys; from resnet_demo.page import build; import mine; build();"
        "print([name for name in ('torch', 'openvino', 'matplotlib') if name in sys.modules]);"
        "print(mine.Mine('x').value, hasattr(mine.gr.Image, 'change'))"
    )
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240
    )
    assert done.stdout == "[]\nx True\n", done.stderr
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".pyi"] == []


def test_importing_the_package_imports_no_page():
    code = "import sys, resnet_demo, resnet_demo.page; print('gradio' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert done.stdout.strip() == "False", done.stderr
