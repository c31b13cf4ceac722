"""``docs/browser.html`` with exported networks and ONNX Runtime Web in Chromium: ``make test-web``; the name keeps it
out of ``make test``."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from conftest import EXAMPLES
from playwright.sync_api import sync_playwright

from resnet_demo import checkpoints, tasks
from resnet_demo.bench.harness import chromium
from resnet_demo.export import formats
from resnet_demo.images.decode import open_photo
from resnet_demo.inference.predictor import make_predictor

PACKAGE = "onnxruntime-web@1.30.0"
NETWORKS = [
    ("flowers102", 18, "float32"),
    ("flowers102", 50, "fp16"),
    ("flowers102", 18, "int8"),
    ("imagenet1k", 50, "int8"),
]
CLOSE = {"float32": 1e-3, "fp16": 0.02, "int8": 0.02}  # of a probability, on the same pixels


@pytest.fixture(scope="module")
def runtime(tmp_path_factory) -> Path:
    """The files of the npm package that the page needs."""
    folder = tmp_path_factory.mktemp("ort")
    subprocess.run(["npm", "pack", PACKAGE, "--silent"], cwd=folder, check=True, capture_output=True)
    with tarfile.open(next(folder.glob("*.tgz"))) as tar:
        for name in ("ort.wasm.min.js", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"):
            member = tar.extractfile(f"package/dist/{name}")
            assert member is not None
            (folder / name).write_bytes(member.read())
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator:
    path = shutil.which("chromium-headless-shell") or chromium.path()
    assert path, "There is no Chromium: `make test` installs it."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*chromium.SWITCHES])
        yield browser
        browser.close()


@pytest.fixture
def site(tmp_path, runtime) -> Iterator[tuple[Path, str]]:
    """A folder as docs/hub.md says, and its address."""
    shutil.copy("docs/browser.html", tmp_path / "index.html")
    shutil.copytree(runtime, tmp_path / "ort")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield tmp_path, f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()


@pytest.mark.parametrize(("task", "depth", "precision"), NETWORKS)
def test_a_photo_is_named_in_the_browser_as_it_is_here(site, browser, task, depth, precision):
    folder, address = site
    checkpoint = checkpoints.load(task, depth)
    formats.export(checkpoint, "onnx", folder / "network.onnx", "uint8", precision)
    photo = EXAMPLES / ("dahlia.jpg" if task == "flowers102" else "cat.jpg")
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address)
    page.wait_for_selector("input:enabled", timeout=120_000)

    picture, _ = tasks.preprocess(checkpoint.spec, open_photo(photo))
    here = onnxruntime.InferenceSession(folder / "network.onnx", providers=["CPUExecutionProvider"])
    logits = here.run(["logits"], {"pictures": picture[None]})[0][0]
    wanted = dict(zip(checkpoint.spec.labels, tasks.softmax(logits).tolist(), strict=True))
    found = page.evaluate(
        "(bytes) => resnet.classify(new resnet.ort.Tensor('uint8', Uint8Array.from(bytes), "
        f"[1, {checkpoint.spec.size}, {checkpoint.spec.size}, 3]))",
        picture.ravel().tolist(),
    )
    assert found[0][0] == max(wanted, key=lambda name: wanted[name])
    for name, share in found:
        assert share == pytest.approx(wanted[name], abs=CLOSE[precision])

    page.set_input_files("input", photo)
    page.wait_for_selector("li", timeout=120_000)
    top = make_predictor(task, depth, "reference")(photo).top_k[0]
    assert page.inner_text("li").startswith(f"{top.label} ")
    share = float(page.inner_text("li").split()[-2])
    # The browser resizes in its own way.
    assert share == pytest.approx(100 * top.probability, abs=6)
    assert not errors and np.isfinite(share)
    page.close()
