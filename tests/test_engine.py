"""Every engine computes what the plain float32 network computes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
import tiny
import torch
from conftest import ROOT, data_folder
from PIL import Image

from resnet_demo import checkpoints, tasks
from resnet_demo.backends import (
    base,
    cpu_instead,
    cuda_graphs,
    devices,
    factory,
    openvino_graph,
    openvino_int8,
    torch_fused,
)
from resnet_demo.backends import openvino as backend_openvino
from resnet_demo.backends.openvino import OpenVinoEngine
from resnet_demo.backends.openvino_runtime import core
from resnet_demo.backends.torch import TorchEngine
from resnet_demo.backends.torch_network import build_network
from resnet_demo.errors import UserError
from resnet_demo.faces.detector import Detector
from resnet_demo.inference.classifier import Classifier
from resnet_demo.inference.landmarks import LandmarkPredictor
from resnet_demo.models import state
from resnet_demo.models.architecture import DEPTHS
from resnet_demo.models.resnet import ResNet, load_strictly
from resnet_demo.training.evaluation.activation_ranges import RangeFinder
from resnet_demo.utils import cpu

pytestmark = pytest.mark.usefixtures("narrow")

# An input that is no square of two, with a normalisation of its own.
ODD = replace(tiny.FLOWERS, size=72, mean=(0.4, 0.5, 0.6), std=(0.3, 0.2, 0.25))


def by_hand(checkpoint, pictures: np.ndarray) -> base.Outputs:
    """The network's own forward pass on normalised pictures."""
    network = ResNet(checkpoint.depth, checkpoint.spec.outputs, checkpoint.variant).eval()
    load_strictly(network, {key: torch.from_numpy(value) for key, value in checkpoint.state.items()})
    with torch.inference_mode():
        x = torch.from_numpy(tasks.normalise(checkpoint.spec, pictures))
        return base.Outputs(network(x).numpy(), network.features(x).numpy())


def assert_close(actual: base.Outputs, expected: base.Outputs, tolerance: float) -> None:
    """Within ``tolerance`` of the largest value, in the right shapes and types."""
    for one, other in ((actual.logits, expected.logits), (actual.features, expected.features)):
        assert one.dtype == np.float32 and one.shape == other.shape and one.flags.c_contiguous
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance * np.abs(other).max())


def assert_same(actual: np.ndarray, expected: np.ndarray, built: base.Engine) -> None:
    """Equal but for rounding; with other threads bf16 may round the other way."""
    tolerance = 0.01 * np.abs(expected).max() if "bf16" in built.backend else 1e-4
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize(("depth", "variant"), [*((depth, "v1.5") for depth in DEPTHS), (50, "v1")])
def test_openvino_float32_equals_the_network(depth, variant):
    checkpoint = tiny.random_checkpoint(ODD, depth, variant)
    pictures = tiny.pictures(2, 72)
    expected = by_hand(checkpoint, pictures)
    assert expected.logits.std() > 0.1
    built = OpenVinoEngine(checkpoint, "f32")
    assert built.backend == "OpenVINO float32 on CPU"
    assert_close(built.run(pictures), expected, 1e-4)


@pytest.mark.parametrize("depth", [18, 50])
@pytest.mark.usefixtures("whole")
def test_openvino_at_this_cpus_precision_is_close_to_the_network(depth):
    checkpoint = tiny.random_checkpoint(ODD, depth, "v1")
    pictures = tiny.pictures(4, 72)
    built = factory.make_engine(checkpoint, "cpu")
    assert built.device == "cpu" and built.backend in ("OpenVINO bf16 on CPU", "OpenVINO float32 on CPU")
    assert built.precision == backend_openvino.float_precision()  # Random weights have no ranges.
    assert_close(built.run(pictures), by_hand(checkpoint, pictures), 0.02)


def test_openvino_runs_in_bf16_where_the_cpu_can():
    capable = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    built = factory.make_engine(tiny.random_checkpoint(), "cpu")
    assert ("bf16" in built.backend) == capable


@pytest.mark.parametrize("variant", ["v1", "v1.5"])
def test_the_reference_is_the_network(variant):
    checkpoint = tiny.random_checkpoint(ODD, 50, variant)
    pictures = tiny.pictures(2, 72)
    built = factory.make_engine(checkpoint, "reference")
    assert (built.device, built.backend) == ("cpu", "PyTorch float32 on CPU")
    assert_close(built.run(pictures), by_hand(checkpoint, pictures), 1e-5)


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float16])
def test_pytorch_in_half_precision_is_close_to_the_network(precision):
    """What CUDA runs, on the CPU: half-precision convolutions, float32 batch norms."""
    checkpoint = tiny.random_checkpoint(ODD, 18)
    pictures = tiny.pictures(2, 72)
    built = TorchEngine(checkpoint, "reference", precision)
    outputs = built.run(pictures)
    assert_close(outputs, by_hand(checkpoint, pictures), 0.02)
    # The features come down in the network's precision, which loses nothing, and the head is one of float32.
    assert torch.equal(torch.from_numpy(outputs.features).to(precision).float(), torch.from_numpy(outputs.features))
    np.testing.assert_allclose(outputs.logits, built.logits(outputs.features), rtol=0, atol=1e-5)


@pytest.fixture(scope="module", params=["cpu", "reference"])
def built(narrow, request) -> base.Engine:
    return factory.make_engine(tiny.random_checkpoint(), request.param)


def test_a_batch_equals_its_pictures_one_by_one(built):
    pictures = tiny.pictures(5, 64)
    whole = built.run(pictures)
    for number in range(5):
        single = built.run(pictures[number : number + 1])
        np.testing.assert_allclose(single.logits[0], whole.logits[number], atol=0.02 * np.abs(whole.logits).max())


def test_the_head_of_the_features_is_the_output(built):
    outputs = built.run(tiny.pictures(3, 64))
    assert built.head_weights.shape == (4, 128) and built.head_weights.dtype == np.float32
    bias = built.checkpoint.state["fc.bias"]
    np.testing.assert_allclose(
        outputs.features.mean(axis=(2, 3)) @ built.head_weights.T + bias, outputs.logits, atol=1e-5
    )


def test_six_threads_get_the_outputs_of_one(built):
    pictures = tiny.pictures(24, 64)
    batches = [pictures[number : number + 1 + number % 3] for number in range(21)]
    expected = [built.run(batch) for batch in batches]
    with ThreadPoolExecutor(6) as pool:
        actual = list(pool.map(built.run, batches))
    for one, other in zip(actual, expected, strict=True):
        assert_same(one.logits, other.logits, built)
        assert_same(one.features, other.features, built)


def test_people_who_ask_at_once_get_a_network_of_several_streams(monkeypatch):
    """With the outputs of the one that answers a lone visitor, who goes on using that one."""
    crowds = backend_openvino.ThroughputNetworks(most=2)
    monkeypatch.setattr(backend_openvino, "crowds", crowds)
    pictures = tiny.pictures(9, 64)
    asked, *others = (factory.make_engine(tiny.random_checkpoint(), "cpu") for _ in range(3))
    # One by one, as several at once would ask for that network already.
    alone = [asked.run(pictures[number : number + 1]) for number in range(len(pictures))]
    expected = base.Outputs(np.concatenate([o.logits for o in alone]), np.concatenate([o.features for o in alone]))
    assert crowds.network(asked, asked._for_crowds) is None  # Nobody waits for it.
    deadline = time.monotonic() + 60
    while (network := crowds.network(asked, asked._for_crowds)) is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert_same(network.run(pictures), expected.features, asked)
    with ThreadPoolExecutor(6) as pool:
        for outputs in pool.map(lambda _: asked.run(pictures), range(12)):
            assert_same(outputs.logits, expected.logits, asked)
    for other in others:  # The one that was used least lately makes room.
        crowds.network(other, other._for_crowds)
    assert crowds.network(asked, asked._for_crowds) is None


def test_a_second_network_that_does_not_compile_is_tried_again():
    crowds, engine = backend_openvino.ThroughputNetworks(), object()

    def broken():
        raise RuntimeError("no memory")

    crowds._networks[engine] = None
    with pytest.raises(RuntimeError):
        crowds._compile(engine, broken)
    assert engine not in crowds._networks


def test_a_program_may_end_while_the_second_network_is_compiled():
    code = (
        "import numpy as np; from resnet_demo import checkpoints; from resnet_demo.backends import factory;"
        "built = factory.make_engine(checkpoints.load('flowers102', 50), 'cpu'); size = built.checkpoint.spec.size;"
        "built.run(np.zeros((5, size, size, 3), np.uint8))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")


def test_later_runs_leave_earlier_outputs_alone(built):
    pictures = tiny.pictures(2, 64)
    first = built.run(pictures[:1])
    kept = first.features.copy()
    built.run(pictures[1:])
    np.testing.assert_array_equal(first.features, kept)


@pytest.mark.parametrize(
    "pictures",
    [
        np.zeros((64, 64, 3), np.uint8),
        np.zeros((1, 3, 64, 64), np.uint8),
        np.zeros((1, 32, 32, 3), np.uint8),
        np.zeros((1, 64, 64, 3), np.float32),
    ],
)
def test_wrong_pictures_are_named(built, pictures):
    with pytest.raises(ValueError, match=r"uint8 of the shape \(batch, 64, 64, 3\), these are " + str(pictures.dtype)):
        built.run(pictures)


def test_any_memory_layout_will_do(built):
    picture = tiny.pictures(1, 64)
    flipped = picture[:, :, ::-1]
    np.testing.assert_array_equal(built.run(flipped).logits, built.run(flipped.copy()).logits)


def test_the_float32_network_for_differentiating(built):
    pictures = tiny.pictures(1, 64)
    with ThreadPoolExecutor(4) as pool:
        networks = list(pool.map(lambda _: built.network(), range(4)))
    assert len({id(network) for network in networks}) == 1
    with torch.inference_mode():
        logits = networks[0](torch.from_numpy(tasks.normalise(tiny.FLOWERS, pictures))).numpy()
    np.testing.assert_allclose(logits, by_hand(built.checkpoint, pictures).logits, atol=1e-5)
    assert not networks[0].training


@pytest.mark.usefixtures("whole")
def test_a_checkpoint_with_ranges_runs_in_8_bits_where_the_cpu_can():
    checkpoint = checkpoints.load("flowers102", 18)
    assert checkpoint.ranges
    built = factory.make_engine(checkpoint, "cpu")
    expected = "int8" if openvino_int8.exact_steps() else backend_openvino.float_precision()
    assert built.precision == expected and built.backend == f"OpenVINO {backend_openvino.NAMES[expected]} on CPU"
    without = factory.make_engine(replace(checkpoint, ranges={}), "cpu")
    assert without.precision == backend_openvino.float_precision()


@pytest.mark.parametrize("depth", [18, 50])
def test_8_bits_are_close_to_the_network(depth):
    """With ranges of the pictures' own; on a CPU without the instructions, as that CPU's own precision."""
    checkpoint = tiny.random_checkpoint(ODD, depth, "v1.5")
    pictures = tiny.pictures(4, 72)
    finder = RangeFinder(checkpoint)
    assert_close(finder.run(pictures), by_hand(checkpoint, pictures), 1e-4)
    measured = replace(checkpoint, ranges=finder.ranges)
    built = factory.make_engine(measured, "cpu")
    assert built.precision == backend_openvino.best_precision(measured)
    assert_close(built.run(pictures), by_hand(checkpoint, pictures), 0.05)


@pytest.mark.usefixtures("whole")
def test_ranges_are_the_largest_inputs_of_all_pictures():
    """Found in the plain network by hand; dim pictures after bright ones change nothing."""
    checkpoint = tiny.random_checkpoint(tiny.FLOWERS, 18)
    pictures = tiny.pictures(3, 64)
    network = ResNet(18, checkpoint.spec.outputs, checkpoint.variant).eval()
    load_strictly(network, {key: torch.from_numpy(value) for key, value in checkpoint.state.items()})
    seen = {}

    def keep(name):
        return lambda module, inputs: seen.__setitem__(name, inputs[0].max().item())

    for name in state.rounded_convolutions(18):
        network.get_submodule(name).register_forward_pre_hook(keep(name))
    with torch.inference_mode():
        network(torch.from_numpy(tasks.normalise(tiny.FLOWERS, pictures)))
    finder = RangeFinder(checkpoint)
    finder.run(pictures)
    found = dict(finder.ranges)
    assert found == pytest.approx(seen, rel=1e-4) and len(found) == 19
    finder.run(np.zeros((1, 64, 64, 3), np.uint8) + 124)
    assert all(finder.ranges[name] >= value for name, value in found.items())


def test_cpus_with_and_without_8_bit_instructions(tmp_path, monkeypatch):
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor : 0\nflags\t\t: fpu avx2 avx512_vnni amx_tile\n")
    assert openvino_int8.exact_steps(str(cpuinfo)) == 255
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "avx2")  # OpenVINO leaves out what is newer.
    assert openvino_int8.exact_steps(str(cpuinfo)) == 129
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "SSE41")
    assert openvino_int8.exact_steps(str(cpuinfo)) is None
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA")
    cpuinfo.write_text("processor : 0\nflags\t\t: fpu avx2\nmodel name : avx_vnni\n")
    assert openvino_int8.exact_steps(str(cpuinfo)) == 129
    cpuinfo.write_text("processor : 0\nflags\t\t: fpu sse4_1 avx\n")
    assert openvino_int8.exact_steps(str(cpuinfo)) is None
    assert openvino_int8.exact_steps(str(tmp_path / "none")) is None


LARGEST_SUMS = """
import numpy as np
from openvino import opset13 as ops
from resnet_demo.backends import openvino_int8
from resnet_demo.backends.openvino import hints
from resnet_demo.backends.openvino_runtime import core, ov
from resnet_demo.models.architecture import ConvNorm

x = ops.parameter([1, 64, 8, 8], np.float32)
steps = openvino_int8.exact_steps()
one, zero = np.ones(64, np.float32), np.zeros(64, np.float32)
state = {"c.weight": np.ones((64, 64, 1, 1), np.float32), "n.weight": one, "n.bias": zero, "n.running_mean": zero}
state["n.running_var"] = one - np.float32(1e-5)  # to which a batch norm adds as much
layer = openvino_int8.rounding({"c": 2.0}, steps)
product = layer(x.output(0), state, ConvNorm("c", "n", 64, 64, 1))
compiled = core.compile_model(ov.Model([product], [x], "sums"), "CPU", hints("int8"))
for value in (2.0, 9.0):  # The largest input, and one beyond the range, which counts as the largest.
    print(steps, *np.unique(compiled([np.full((1, 64, 8, 8), value, np.float32)])[0]))
"""


@pytest.mark.parametrize("most", ["", "AVX2"])
def test_the_largest_sums_of_8_bit_products_are_exact(most):
    """Without VNNI, OpenVINO's kernel would come to half of 128 with 255 steps. ONEDNN_MAX_CPU_ISA makes it leave out
    newer instructions, so that this is seen on every CPU that has AVX2."""
    environment = {**os.environ, "ONEDNN_MAX_CPU_ISA": most, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", LARGEST_SUMS]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    for line in run.stdout.splitlines():
        steps, *sums = line.split()
        assert int(steps) == (129 if most else openvino_int8.exact_steps())
        assert [float(value) for value in sums] == [pytest.approx(128, rel=1e-5)]


@pytest.mark.usefixtures("whole")
def test_stored_integers_are_used_without_making_them_floats_first(tmp_path):
    """The same to the last bit as by way of float32, with negative scales of a batch norm and channels of zeros too."""
    state = tiny.random_state(18, 4)
    state["layer2.0.bn1.weight"] = -state["layer2.0.bn1.weight"]
    state["layer3.0.conv1.weight"][3] = 0
    state["layer4.0.bn2.weight"][:2] = 0
    checkpoints.save(tmp_path, state, tiny.FLOWERS, 18, "v1.5", {})
    for checkpoint in (checkpoints.load_folder(tmp_path), checkpoints.load("flowers102", 50)):
        for record in checkpoint.architecture.convolutions[1:]:
            weight, bias = openvino_graph.folded(checkpoint.arrays, record)
            expected = *openvino_int8.as_integers(weight), bias
            for one, other in zip(openvino_int8.folded_integers(checkpoint.arrays, record), expected, strict=True):
                assert one.dtype == other.dtype and np.array_equal(one, other), record.name


@pytest.mark.usefixtures("whole")
def test_trained_networks_keep_all_steps_where_sums_stop_early():
    """Only weights of which many are as large as the largest could lose much, and get inputs of fewer steps."""
    for task, depth in (("flowers102", 18), ("faces68", 50)):
        checkpoint = checkpoints.load(task, depth)
        for record in checkpoint.architecture.convolutions:
            if record.name in checkpoint.ranges:
                numbers, _ = openvino_int8.as_integers(openvino_graph.folded(checkpoint.arrays, record)[0])
                assert openvino_int8.most_lost(numbers) < openvino_int8.MOST_LOST
    # 255 · 254 of each pair, of which 32,767 are left; an odd channel has nothing beside it.
    most = 1 - 32_767 / (255 * 254)
    for sign in (127, -127):
        assert openvino_int8.most_lost(np.full((2, 4, 3, 3), sign, np.int8)) == pytest.approx(most)
        assert openvino_int8.most_lost(np.full((2, 5, 1, 1), sign, np.int8)) == pytest.approx(most * 4 / 5)
    assert openvino_int8.most_lost(np.array([[127, -127], [64, 64]], np.int8)[:, :, None, None]) == 0


def test_8_bits_without_ranges_are_refused():
    with pytest.raises(ValueError, match="need the ranges"):
        OpenVinoEngine(tiny.random_checkpoint(), "int8")


def both(checkpoint, pictures: list[np.ndarray]) -> tuple[base.Outputs, base.Outputs]:
    """What the engine for this machine's CPU and the float32 one, which equals the network at half its time,
    make of pictures, in batches of 20."""
    results = []
    for built in (factory.make_engine(checkpoint, "cpu"), OpenVinoEngine(checkpoint, "f32")):
        parts = [built.run(np.stack(pictures[first : first + 20])) for first in range(0, len(pictures), 20)]
        logits, features = ([getattr(part, name) for part in parts] for name in ("logits", "features"))
        results.append(base.Outputs(np.concatenate(logits), np.concatenate(features)))
    return results[0], results[1]


@pytest.mark.usefixtures("whole")
def test_real_flowers_are_classified_as_by_the_reference(real_flowers):
    """The shipped weights on 60 real pictures: the same class first, near probabilities, the same maps. Of all depths
    ``bench precision`` takes 500."""
    checkpoint = checkpoints.load("flowers102", 50)
    pictures = [tasks.preprocess(checkpoint.spec, real.photo)[0] for real in real_flowers(60)]
    actual, expected = both(checkpoint, pictures)
    chances, expected_chances = tasks.softmax(actual.logits), tasks.softmax(expected.logits)
    best = expected_chances.argmax(axis=1)
    same = chances.argmax(axis=1) == best
    # Where the two best are as good as equal, rounding may swap them. The shipped photographs' augmented views, which
    # stand in where there is no test split, are often so.
    assert np.sum(~same) <= (1 if data_folder() else 2)
    ordered = np.sort(expected_chances, axis=1)
    clear = ordered[:, -1] - ordered[:, -2] > 0.02
    assert same[clear].all() and clear.mean() > (0.8 if data_folder() else 0.6)
    differences = np.abs(chances - expected_chances)
    assert np.mean(differences < 0.02) > 0.9998 and differences.max() < 0.035
    weights = checkpoint.state["fc.weight"][best]
    maps = [np.maximum(np.einsum("bc,bcij->bij", weights, one.features), 0) for one in (actual, expected)]
    likeness = [np.corrcoef(one.ravel(), other.ravel())[0, 1] for one, other in zip(*maps, strict=True)]
    assert min(likeness) > 0.99


@pytest.fixture(scope="module")
def twenty_faces(real_faces) -> tuple[list[Image.Image], Detector]:
    """Photos of 20 real faces, and a detector that searches each of them once."""
    photos = [real.photo for real in real_faces(20)]

    class Once(Detector):
        found: ClassVar[dict] = {}

        def detect(self, photo):
            content = photo.tobytes()
            if content not in self.found:
                self.found[content] = super().detect(photo)
            return self.found[content]

    return photos, Once()


@pytest.mark.parametrize("depth", [18, 50])
@pytest.mark.usefixtures("whole")
def test_real_faces_have_the_keypoints_of_the_reference(twenty_faces, depth):
    """The shipped weights on 20 real faces, cut out as the app does: keypoints within 0.3 % of the face's size."""
    photos, detector = twenty_faces
    ours, plain = (LandmarkPredictor("faces68", depth, "cpu", detector=detector) for _ in range(2))
    plain.engine = OpenVinoEngine(plain.checkpoint, "f32")  # As in ``both``.
    for one, other in zip(ours.many(photos), plain.many(photos), strict=True):
        face, expected = one.faces[0], other.faces[0]
        size = np.ptp(expected.keypoints, axis=0).max()
        assert np.linalg.norm(face.keypoints - expected.keypoints, axis=1).mean() < 0.003 * size


def test_a_stored_checkpoint_runs_as_its_dequantised_state(tmp_path):
    """The engine sees the integers through their scales."""
    checkpoints.save(tmp_path, tiny.random_state(18, 4), tiny.FLOWERS, 18, "v1.5", {})
    checkpoint = checkpoints.load_folder(tmp_path)
    pictures = tiny.pictures(2, 64)
    assert_close(OpenVinoEngine(checkpoint, "f32").run(pictures), by_hand(checkpoint, pictures), 1e-4)


@pytest.fixture
def machine(monkeypatch):
    """Pretend to be a machine with so many CUDA devices and, or not, MPS."""

    def pretend(cuda: int = 0, mps: bool = False) -> None:
        monkeypatch.setattr(devices, "may_have_cuda", lambda: cuda > 0)
        monkeypatch.setattr(devices, "cuda_devices", lambda: cuda)
        monkeypatch.setattr(devices, "has_mps", lambda: mps)

    return pretend


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"), [(0, False, "cpu"), (0, True, "mps"), (1, False, "cuda"), (2, True, "cuda")]
)
def test_auto_picks_cuda_then_mps_then_the_cpu(machine, cuda, mps, expected):
    machine(cuda, mps)
    assert devices.resolve_device("auto") == expected


def test_without_a_gpus_driver_auto_looks_for_no_packages(monkeypatch):
    """Each answer of the page asks for the device."""
    monkeypatch.setattr(devices, "has_torch", lambda: pytest.fail("looked for PyTorch"))
    monkeypatch.setattr(devices, "may_have_cuda", lambda: False)
    monkeypatch.setattr(devices, "sys", SimpleNamespace(platform="linux"))
    assert devices.resolve_device("auto") == "cpu"


@pytest.mark.parametrize("driver", [False, True])
def test_auto_is_the_cpu_without_pytorch(driver, monkeypatch):
    """On a machine with CUDA's driver, and on a Mac."""
    monkeypatch.setattr(devices, "has_torch", lambda: False)
    monkeypatch.setattr(devices, "may_have_cuda", lambda: driver)
    monkeypatch.setattr(devices, "cuda_devices", lambda: pytest.fail("needs PyTorch"))
    monkeypatch.setattr(devices, "sys", SimpleNamespace(platform="darwin"))
    monkeypatch.setattr(devices, "platform", SimpleNamespace(machine=lambda: "arm64"))
    assert devices.resolve_device("auto") == "cpu"


def test_named_devices_that_exist(machine):
    machine(cuda=2, mps=True)
    for device in ("cpu", "reference", "cuda", "cuda:0", "cuda:1", "mps"):
        assert devices.resolve_device(device) == device


@pytest.mark.parametrize(
    ("cuda", "device", "message"),
    [
        (0, "cuda", "There is no CUDA device here: choose the device auto or cpu."),
        (0, "cuda:1", "There is no CUDA device here: choose the device auto or cpu."),
        (2, "cuda:2", "There is no cuda:2 here: choose one of cuda:0 to cuda:1."),
        (1, "cuda:1", "There is no cuda:1 here: choose cuda:0."),
        (0, "mps", "There is no Apple MPS device here: choose the device auto or cpu."),
        (1, "tpu", "There is no device 'tpu': choose auto, cpu, cuda, cuda:<number>, mps or reference."),
        (1, "cuda:x", "There is no device 'cuda:x': choose auto, cpu, cuda, cuda:<number>, mps or reference."),
        (0, None, "There is no device None: choose auto, cpu, cuda, cuda:<number>, mps or reference."),
    ],
)
def test_devices_that_do_not_exist(machine, cuda, device, message):
    machine(cuda)
    with pytest.raises(UserError) as caught:
        devices.resolve_device(device)
    assert str(caught.value) == message


def test_no_more_threads_than_cpus():
    assert 1 <= cpu.cpu_count() <= os.cpu_count()


FIRST_USES = """
import sys, threading
from resnet_demo.backends.openvino_runtime import ov
sys.setswitchinterval(1e-6)
barrier = threading.Barrier(8)
threads = [threading.Thread(target=lambda: (barrier.wait(), ov.Type.u8.to_dtype())) for _ in range(8)]
for thread in threads:
    thread.start()
"""


def test_first_uses_of_openvino_at_the_same_time_come_to_an_end():
    """Without ``openvino_runtime`` this stands still every time."""
    subprocess.run([sys.executable, "-c", FIRST_USES], check=True, timeout=60, cwd=ROOT)


NETWORKS_GO = """
import gc, signal, sys
sys.path.insert(0, "tests")
import tiny
from resnet_demo.backends.openvino import OpenVinoEngine
signal.signal(signal.SIGUSR1, lambda *_: print("heard"))
networks = [OpenVinoEngine(tiny.random_checkpoint(seed=seed)) for seed in range(2)]
while networks:
    networks.pop(0)
    gc.collect()
    signal.raise_signal(signal.SIGUSR1)
"""


def test_a_signal_is_heard_when_networks_were_let_go():
    """With a Core for each network, the second signal ends the process: see ``openvino_runtime``."""
    run = subprocess.run([sys.executable, "-c", NETWORKS_GO], capture_output=True, text=True, cwd=ROOT)
    assert (run.returncode, run.stdout.split()) == (0, ["heard"] * 2), run.stderr


# --- What a GPU runs -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [18, 50])
def test_the_fused_network_computes_what_the_plain_one_does(depth):
    checkpoint = tiny.random_checkpoint(ODD, depth)
    network = build_network(checkpoint)
    x = torch.from_numpy(tasks.normalise(checkpoint.spec, tiny.pictures(2, 72)))
    with torch.inference_mode():
        expected = network.features(x)
        actual = torch_fused.FusedNetwork(network, "cpu", torch.float32).features(x)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-4 * float(expected.max()))


class WrongOperations(torch_fused.Operations):
    """A kernel that leaves out the shortcut."""

    def with_shortcut(self, x, one, shortcut):
        return self.with_relu(x, one)


class MissingOperations(torch_fused.Operations):
    """A cuDNN without this kernel."""

    def with_relu(self, x, one):
        raise RuntimeError("cuDNN error: CUDNN_STATUS_NOT_SUPPORTED")


@pytest.mark.parametrize("operations", [WrongOperations, MissingOperations])
def test_kernels_that_are_wrong_or_missing_are_not_used(operations, monkeypatch):
    network = build_network(tiny.random_checkpoint(ODD, 18))
    tried = []
    monkeypatch.setattr(torch_fused, "Operations", lambda: tried.append(True) or operations())
    plain = network.features
    assert torch_fused.quickest(network, "cpu", torch.float32, plain, 72) is plain and tried
    monkeypatch.undo()
    assert torch_fused.quickest(network, "cpu", torch.float32, plain, 72) is not plain


@pytest.mark.parametrize("count", [1, 2, 5, 12, 40, 130, 300])
def test_any_number_of_pictures_goes_through_recordings_of_some(count):
    class Pretended:
        """A recording: each picture's first and last value, and how many pictures it was made for."""

        def __init__(self, batch):
            self.batch = batch

        def run(self, pictures):
            assert len(pictures) <= self.batch and pictures.flags.c_contiguous
            assert len(pictures) > self.batch // 2  # not much is computed for nothing
            return pictures[:, 0, 0, 0].astype(np.float32), pictures[:, 1, 1, 2].astype(np.float32)

    made = []
    network = cuda_graphs.GraphedNetwork(None, 2, "cuda", lambda batch: made.append(batch) or Pretended(batch))
    pictures = np.random.default_rng(0).integers(0, 255, (count, 2, 2, 3), np.uint8)
    for _ in range(2):
        first, last = network.run(pictures)
        np.testing.assert_array_equal(first, pictures[:, 0, 0, 0])
        np.testing.assert_array_equal(last, pictures[:, 1, 1, 2])
    assert len(made) == len(set(made)) and set(made) <= set(cuda_graphs.BATCHES)


def test_networks_are_recorded_one_at_a_time():
    """CUDA forbids what the start of a recording does while another one is made, of any network."""
    inside = threading.Lock()

    def record(batch):
        assert inside.acquire(blocking=False), "two at once"
        time.sleep(0.02)
        inside.release()
        return SimpleNamespace(run=lambda pictures: (pictures,))

    networks = [cuda_graphs.GraphedNetwork(None, 2, "cuda", record) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda network: network.run(tiny.pictures(5, 2)), networks))


@pytest.fixture
def recordable(monkeypatch):
    """A CPU that takes itself for a CUDA device which records: what is repeated is the pass itself."""

    class Graph:
        def replay(self):
            for kept, made in zip(self.made._outputs, self.run(self.made._input), strict=True):
                kept.copy_(made)

    def anywhere(make):
        return lambda *arguments, pin_memory=False, **options: make(*arguments, **options)

    stream = SimpleNamespace(wait_stream=lambda _: None, synchronize=lambda: None)
    for name, value in {
        "device": lambda _: nullcontext(),
        "current_stream": lambda: stream,
        "Stream": lambda: stream,
        "stream": lambda _: nullcontext(),
        "CUDAGraph": Graph,
        "graph": lambda *_, **__: nullcontext(),
    }.items():
        monkeypatch.setattr(torch.cuda, name, value)
    monkeypatch.setattr(torch, "zeros", anywhere(torch.zeros))
    monkeypatch.setattr(torch, "empty", anywhere(torch.empty))

    def record(run, batch, size):
        made = cuda_graphs.Recording(run, batch, size, "cpu", None)
        made._graph.made, made._graph.run = made, run
        return made

    return record


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_a_recording_says_what_the_network_says(precision, recordable):
    built = TorchEngine(tiny.random_checkpoint(), "reference", precision)
    pictures = tiny.pictures(5, 64)
    plain = [built.run(pictures[:3]), built.run(pictures[3:])]
    recorded = []
    built._graphs = cuda_graphs.GraphedNetwork(None, 64, "cpu", lambda batch: recordable(built._outputs, batch, 64))
    for first, last in ((0, 3), (3, 5)):
        recorded.append(built.run(pictures[first:last]))
    assert set(built._graphs._recordings) == {1, 4}
    tolerance = 1e-4 if precision == torch.float32 else 0.02
    for one, other in zip(recorded, plain, strict=True):
        assert_close(one, other, tolerance)


def test_what_cannot_be_recorded_runs_as_it_is(gpu):
    class Unable:
        def run(self, pictures):
            raise RuntimeError("operation not permitted when stream is capturing")

    gpu.device, gpu._graphs = "cpu", Unable()
    pictures = tiny.pictures(2, 64)
    np.testing.assert_array_equal(
        gpu.run(pictures).features, TorchEngine(gpu.checkpoint, "reference").run(pictures).features
    )


# --- A GPU whose memory is full, or that fails ------------------------------------------------------------------------


@pytest.fixture
def gpu(monkeypatch):
    """An engine that takes itself for one on a GPU."""
    monkeypatch.setattr(cpu_instead, "_lost", threading.Event())
    built = TorchEngine(tiny.random_checkpoint(), "reference")
    built.device, built.backend = "cuda", "PyTorch bf16 on CUDA"
    return built


def failing(error: RuntimeError):
    def forward(pictures):
        raise error

    return forward


# What PyTorch writes below every error of CUDA's.
BELOW = """
CUDA kernel errors might be asynchronously reported at some other API call, so the stacktrace below might be incorrect.
For debugging consider passing CUDA_LAUNCH_BLOCKING=1
Compile with `TORCH_USE_CUDA_DSA` to enable device-side assertions.
"""


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("CUDA out of memory. Tried to allocate 20.00 MiB.", "FULL"),
        ("CUDA error: out of memory", "FULL"),
        ("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`", "FULL"),
        ("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED", "FULL"),
        ("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED", "FAILED"),
        ("CUDA error: invalid argument" + BELOW, "FAILED"),
        ("CUDA error: no kernel image is available for execution on the device" + BELOW, "FAILED"),
        ("GET was unable to find an engine to execute this computation", "FAILED"),
        ("CUDA error: an illegal memory access was encountered" + BELOW, "LOST"),
        ("CUDA error: device-side assert triggered" + BELOW, "LOST"),
        ("CUDA error: unspecified launch failure" + BELOW, "LOST"),
        ("HIP error: unspecified launch failure", "LOST"),
        ("mat1 and mat2 shapes cannot be multiplied (2x128 and 4x512)", None),
        ("Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu!", None),
        ("Input type (torch.cuda.HalfTensor) and weight type (torch.FloatTensor) should be the same", None),
    ],
)
def test_what_an_error_says_of_the_gpu(text, fault):
    found = cpu_instead.fault_of(RuntimeError(text))
    assert (found and found.name) == fault


def test_where_a_gpus_memory_is_full_the_cpu_answers_and_says_so(gpu, monkeypatch):
    network = Classifier("flowers102", 18, "cpu", checkpoint=gpu.checkpoint)
    alone = network(tiny.photo())
    assert (alone.notes, alone.gpu_full, alone.gpu_failed) == ((), False, False)
    network.engine, network.backend, network.device = gpu, gpu.backend, gpu.device
    monkeypatch.setattr(gpu, "forward", failing(torch.OutOfMemoryError("CUDA out of memory. Tried to …")))
    answer = network(tiny.photo())
    assert np.array_equal(answer.probabilities, alone.probabilities)
    assert (answer.backend, answer.device, answer.gpu_full) == (alone.backend, "cpu", True)
    assert answer.notes == ("The GPU's memory is full, so the CPU answered.",)
    monkeypatch.delattr(gpu, "forward")
    gpu.device = "cpu"  # where it is in truth
    answer = network(tiny.photo())  # There is memory again.
    assert (answer.backend, answer.gpu_full, answer.notes) == (gpu.backend, False, ())


def test_a_network_that_does_not_fit_on_a_gpu_runs_on_the_cpu(monkeypatch):
    def to(network, *_):
        raise RuntimeError("MPS backend out of memory (MPS allocated: …)")

    monkeypatch.setattr(ResNet, "to", to)
    built = TorchEngine(tiny.random_checkpoint(), "mps")
    instead = built.run(tiny.pictures(1, 64)).instead
    assert instead == base.Fallback(factory.make_engine(tiny.random_checkpoint(), "cpu").backend, gpu_full=True)


def test_where_a_gpu_fails_the_cpu_answers_and_says_so(gpu, monkeypatch, caplog):
    network = Classifier("flowers102", 18, "cpu", checkpoint=gpu.checkpoint)
    alone = network(tiny.photo())
    network.engine, network.backend, network.device = gpu, gpu.backend, gpu.device
    error = torch.AcceleratorError("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling …" + BELOW)
    monkeypatch.setattr(gpu, "forward", failing(error))
    answer = network(tiny.photo())
    assert np.array_equal(answer.probabilities, alone.probabilities)
    assert (answer.backend, answer.device, answer.gpu_full) == (alone.backend, "cpu", False)
    assert answer.notes == ("The GPU failed, so the CPU answered.",)
    assert len(caplog.messages) == 1 and "CUBLAS_STATUS_EXECUTION_FAILED" in caplog.messages[0]
    monkeypatch.delattr(gpu, "forward")
    gpu.device = "cpu"  # where it is in truth
    assert network(tiny.photo()).notes == ()  # The next call succeeds.


def test_a_gpu_that_is_lost_to_the_process_is_asked_no_more(gpu, monkeypatch, caplog):
    """After some errors each later call to CUDA fails, of any network: the log says once what to do."""
    other = TorchEngine(gpu.checkpoint, "reference")
    other.device = "cuda:1"
    asked = []

    def forward(pictures):
        asked.append(len(pictures))
        raise torch.AcceleratorError("CUDA error: an illegal memory access was encountered" + BELOW)

    monkeypatch.setattr(gpu, "forward", forward)
    monkeypatch.setattr(other, "forward", forward)
    for built in (gpu, other, gpu):
        instead = built.run(tiny.pictures(1, 64)).instead
        assert instead is not None and not instead.gpu_full
    assert len(asked) == 1
    (message,) = caplog.messages
    assert "until it is started again: CUDA error: an illegal memory access was encountered" in message
    reference = TorchEngine(gpu.checkpoint, "reference")
    assert reference.run(tiny.pictures(1, 64)).instead is None  # The CPU is none the worse.


def test_errors_of_our_own_are_not_hidden(gpu, monkeypatch):
    monkeypatch.setattr(gpu, "forward", failing(RuntimeError("mat1 and mat2 shapes cannot be multiplied")))
    with pytest.raises(RuntimeError, match="shapes"):
        gpu.run(tiny.pictures(1, 64))
    gpu.device = "cpu"
    monkeypatch.setattr(gpu, "forward", failing(RuntimeError("CUDA out of memory.")))
    with pytest.raises(RuntimeError, match="memory"):  # An engine on the CPU has no GPU to blame.
        gpu.run(tiny.pictures(1, 64))
