"""A GPU that is lent by the call: what is decorated, what is sent, and that nothing changes without it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
import spaces_stub
import tiny
from conftest import ROOT

from resnet_demo.backends import zerogpu_lease
from resnet_demo.inference import predictor

# As app.py and then its visitors: the page is built, the networks are placed, requests come in other threads. There is
# no GPU here, so the float32 reference stands in for it; the stub forks, as ZeroGPU does.
SCRIPT = """
import json, sys, threading
from resnet_demo import checkpoints
from resnet_demo.backends import devices, zerogpu_lease
from resnet_demo.inference import predictor
from resnet_demo.page import build
from resnet_demo.page.server import place
import tiny
zerogpu_lease.DEVICE, devices.cuda_devices = "reference", lambda: 1
build()
place()
tiny.weights_folder(checkpoints.weights_folder(), (tiny.FLOWERS, 34))  # After the start, as if it had been pulled.
answers = {}
def visit(depth):
    network = predictor.load("flowers102", depth)
    answer = network(tiny.photo(seed=3))
    answers[depth] = {"device": network.device, "backend": network.backend, "p": answer.probabilities.tolist(),
                      "cam": float(answer.low_resolution_cam().sum())}
def face():
    answers["faces"] = predictor.load("faces68", 18).device
for task in (lambda: visit(18), lambda: visit(34), lambda: visit(34), face):
    thread = threading.Thread(target=task)
    thread.start()
    thread.join()
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def zero(tmp_path_factory):
    """What the script printed, the stub's log and the folder of weights."""
    root = tmp_path_factory.mktemp("zero")
    weights = root / "weights"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RESNET_DEMO_WEIGHTS", str(weights))
        tiny.weights_folder(weights, (tiny.FLOWERS, 18), (tiny.FACES, 18))
    path = os.pathsep.join([str(spaces_stub.write(root / "packages")), str(ROOT), str(ROOT / "tests")])
    environment = os.environ | {
        "PYTHONPATH": path,
        "SPACES_STUB_LOG": str(root / "log"),
        "SPACES_ZERO_GPU": "true",
        "SYSTEM": "spaces",
        "RESNET_DEMO_WEIGHTS": str(weights),
        "OMP_NUM_THREADS": "1",  # No thread of OpenMP's survives a fork, and the stand-in computes on the CPU.
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, cwd=root, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]), root / "log", weights


def test_on_zerogpu_the_lent_gpu_computes_what_the_reference_does(zero, monkeypatch):
    answers, _, weights = zero
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(weights))
    for depth in (18, 34):
        expected = predictor.load("flowers102", depth, "reference")(tiny.photo(seed=3))
        assert answers[str(depth)]["device"] == "cuda"
        assert answers[str(depth)]["backend"] == "PyTorch on ZeroGPU"
        np.testing.assert_allclose(answers[str(depth)]["p"], expected.probabilities, atol=1e-5)
        assert answers[str(depth)]["cam"] == pytest.approx(float(expected.low_resolution_cam().sum()), rel=1e-3)
    assert answers["faces"] == "cuda"


def test_on_zerogpu_spaces_comes_before_torch_and_placed_networks_are_not_sent(zero):
    _, log, _ = zero
    (imported,) = spaces_stub.read(log, "imported")
    assert not imported["torch"]
    (decorated,) = spaces_stub.read(log, "decorated")
    assert 1 <= decorated["duration"] <= 60
    placed, late, again = spaces_stub.read(log, "called")
    assert placed["bytes"] < 100_000  # a picture of 64 × 64 pixels
    assert (
        late["bytes"] > 1_000_000 and again["bytes"] > 1_000_000
    )  # It goes with each call, which finds the process new.


@pytest.mark.parametrize(
    ("error", "note"),
    [
        ("CUDA out of memory. Tried to …", "The GPU's memory is full, so the CPU answered."),
        ("CUDA error: an illegal memory access was encountered", "The GPU failed, so the CPU answered."),
    ],
)
def test_where_a_lent_gpu_does_not_answer_the_cpu_does_and_says_so(error, note, monkeypatch):
    from resnet_demo.backends import cpu_instead, zerogpu

    monkeypatch.setattr(cpu_instead, "_lost", threading.Event())

    tiny.narrow(monkeypatch)
    checkpoint = tiny.random_checkpoint()
    alone = predictor.make_predictor("flowers102", 18, "cpu", checkpoint=checkpoint)
    network = predictor.make_predictor("flowers102", 18, "cpu", checkpoint=checkpoint)
    network.engine = zerogpu.ZeroGpuEngine(checkpoint)  # Nothing is lent here: it is sent along, to this process.

    def place(*_):
        raise RuntimeError(error)

    monkeypatch.setattr(zerogpu_lease, "DEVICE", "mps")
    monkeypatch.setattr(zerogpu.TorchEngine, "_placed", place)
    for _ in range(2):
        answer = network(tiny.photo())
        assert np.array_equal(answer.probabilities, alone(tiny.photo()).probabilities)
        assert answer.notes == (note,)


def test_without_the_package_nothing_is_decorated(monkeypatch):
    monkeypatch.setattr(zerogpu_lease, "find_spec", lambda name: None)
    assert not zerogpu_lease.prepare()
    assert zerogpu_lease._lent is None
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    assert not zerogpu_lease.is_lent()


def test_a_folder_called_spaces_is_not_the_package(tmp_path, monkeypatch):
    (tmp_path / "spaces").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "spaces", raising=False)
    assert not zerogpu_lease.prepare()
    assert zerogpu_lease._lent is None
    monkeypatch.delitem(sys.modules, "spaces", raising=False)
