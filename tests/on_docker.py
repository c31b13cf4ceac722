"""The image of the ``Dockerfile``, built and asked: ``make test-docker``; the name keeps it out of ``make test``.

Docker runs it, or what the environment variable ``BUILDER`` names: ``podman``, or ``buildah`` where the machine grants
no containers (with ``BUILDAH_ISOLATION=chroot``).
"""

from __future__ import annotations

import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator

import pytest
from conftest import EXAMPLES, ROOT, free_port
from gradio_client import Client, handle_file

IMAGE = "resnet-demo-test"
MINUTES = 5


def run(*words: str) -> str:
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr[-2000:]}"
    return done.stdout.strip()


@pytest.fixture(scope="module")
def builder() -> str:
    """The name of the program that has built the image."""
    name = os.environ.get("BUILDER", "docker")
    run(name, "build", "-t", IMAGE, ".")
    return name


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def container(builder, port) -> Iterator[list[str]]:
    """The running image; what runs a command inside it."""
    if builder == "buildah":
        name = run(builder, "from", "--pull-never", IMAGE)
        start = [builder, "run", "--env", f"PORT={port}", name, "--", "python", "app.py"]
        inside = [builder, "run", name, "--"]
    else:
        name = f"{IMAGE}-{port}"
        start = [builder, "run", "--rm", "--name", name, "-p", f"127.0.0.1:{port}:7860", IMAGE]
        inside = [builder, "exec", name]
    process = subprocess.Popen(start, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        deadline = time.monotonic() + 60 * MINUTES
        while not answers(port):
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline, f"No page after {MINUTES} minutes."
            time.sleep(0.5)
        yield inside
    finally:
        if builder != "buildah":
            run(builder, "stop", name)
        process.terminate()
        process.wait()
        if builder == "buildah":
            run(builder, "rm", name)


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=60) as page:
            return page.status == 200
    except OSError:
        return False


def test_the_image_answers_without_root_and_without_pytorch(container, port):
    assert run(*container, "id", "-u") == "1000"
    looked = "import importlib.util as found; print(found.find_spec('torch'), found.find_spec('gradio') is not None)"
    assert run(*container, "python", "-c", looked) == "None True"
    client = Client(f"http://127.0.0.1:{port}", verbose=False)
    photo = handle_file(EXAMPLES / "daffodil.jpg")
    for depth in ("18", "152"):
        *_, answer = client.predict(image=photo, depth=depth, api_name="/classify")
        assert answer["top_k"][0]["label"] == "Daffodil" and answer["backend"].startswith("OpenVINO int8")
    *_, answer = client.predict(image=handle_file(EXAMPLES / "two-people.jpg"), api_name="/keypoints")
    assert [len(face["keypoints"]) for face in answer["faces"]] == [68, 68]
