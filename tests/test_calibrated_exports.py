"""A temperature is in the head of what leaves the house: other programs give the probabilities that the page does."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import timm
import tiny
import torch
from PIL import Image, ImageOps

import resnet_demo
from resnet_demo import checkpoints, tasks
from resnet_demo.backends.openvino_runtime import core
from resnet_demo.errors import UserError
from resnet_demo.export.formats import export
from resnet_demo.tasks.decode import softmax

PHOTOS = sorted((Path(resnet_demo.__file__).parent / "examples").glob("*a*i*.jpg"))  # dahlia, marigold and others
TEMPERATURE = 0.5944  # of the bundled one, far enough from 1 for every test to see it


@pytest.fixture(scope="module")
def checkpoint():
    bundled = checkpoints.load("flowers102", 18)
    assert bundled.calibration.temperature == pytest.approx(TEMPERATURE, abs=0.2)
    return bundled


@pytest.fixture(scope="module")
def batch(checkpoint):
    """Normalised float32 (n, 3, S, S), as each format's record says."""
    upright = [ImageOps.exif_transpose(Image.open(path)).convert("RGB") for path in PHOTOS]
    return tasks.normalise(
        checkpoint.spec, np.stack([tasks.preprocess(checkpoint.spec, photo)[0] for photo in upright])
    )


@pytest.fixture(scope="module")
def said(checkpoint):
    """What ``predict`` says: (n, classes) in the order of the labels."""
    predict = resnet_demo.load("flowers102", depth=18, device="reference")  # float32 on every CPU
    labels = checkpoint.spec.labels
    rows = []
    for path in PHOTOS:
        scores = {score.label: score.probability for score in predict(path, top_k=len(labels)).top_k}
        rows.append([scores[label] for label in labels])
    return np.array(rows)


def assert_same(logits, said) -> None:
    np.testing.assert_allclose(softmax(np.asarray(logits)), said, atol=0.01)


def test_the_test_would_see_a_lost_temperature(checkpoint, batch, said):
    logits = resnet_demo.ResNet.from_pretrained(checkpoint.path.parent)(torch.from_numpy(batch)).detach().numpy()
    assert_same(logits, said)
    assert np.abs(softmax(logits * checkpoint.calibration.temperature) - said).max() > 0.05
    assert np.abs(softmax(logits / checkpoint.calibration.temperature) - said).max() > 0.05


def test_onnx(checkpoint, batch, said, tmp_path):
    path, *_ = export(checkpoint, "onnx", tmp_path / "n.onnx")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert_same(session.run(["logits"], {"pictures": batch})[0], said)


@pytest.mark.parametrize(("precision", "share", "within"), [("fp16", 0.51, 0.01), ("int8", 0.26, 0.05)])
def test_onnx_in_fewer_bits(precision, share, within, checkpoint, batch, said, tmp_path):
    path, side = export(checkpoint, "onnx", tmp_path / "n.onnx", precision=precision)
    whole = sum(value.nbytes for value in checkpoint.state.values())
    assert path.stat().st_size < share * whole and f'"precision": "{precision}"' in side.read_text(encoding="utf-8")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert [value.type for value in (*session.get_inputs(), *session.get_outputs())] == ["tensor(float)"] * 3
    assert session.get_outputs()[1].shape == ["batch", 512, 6, 6]
    found = softmax(session.run(["logits"], {"pictures": batch})[0])
    np.testing.assert_array_equal(found.argmax(1), said.argmax(1))
    np.testing.assert_allclose(found, said, atol=within)


def test_onnx_holds_the_stored_integers_and_ranges(checkpoint, tmp_path):
    path, _ = export(checkpoint, "onnx", tmp_path / "n.onnx", precision="int8")
    model = onnx.load(path)
    held = {array.name: onnx.numpy_helper.to_array(array) for array in model.graph.initializer}
    name = "layer3.1.conv2"
    # A norm's factor may be negative, and turns the signs of its channel.
    np.testing.assert_array_equal(np.abs(held[f"{name}.weight.int8"]), np.abs(checkpoint.stored[f"{name}.weight"]))
    assert held[f"{name}.step"] * 255 == pytest.approx(checkpoint.ranges[name])
    rounded = sum(node.op_type == "QuantizeLinear" for node in model.graph.node)
    assert rounded == len(checkpoint.ranges) == 19 and model.opset_import[0].version == 17
    with pytest.raises(UserError, match="measure them with `resnet-demo ranges`, or export fp16."):
        export(replace(checkpoint, ranges={}), "onnx", tmp_path / "m.onnx", precision="int8")


def test_openvino(checkpoint, batch, said, tmp_path):
    path, *_ = export(checkpoint, "openvino", tmp_path / "n.xml")
    assert_same(
        core.compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})({"pictures": batch})["logits"], said
    )


def test_timm_and_our_own_reader_of_the_exported_folder(checkpoint, batch, said, tmp_path):
    export(checkpoint, "safetensors", tmp_path / "model.safetensors")
    model = timm.create_model(f"local-dir:{tmp_path}", pretrained=True).eval()
    with torch.no_grad():
        assert_same(model(torch.from_numpy(batch)), said)
        # Not twice: what was divided says so by having no temperature any more.
        ours = resnet_demo.ResNet.from_pretrained(tmp_path)
        assert_same(ours(torch.from_numpy(batch)), said)
        ours.save_pretrained(tmp_path / "again")
        assert_same(resnet_demo.ResNet.from_pretrained(tmp_path / "again")(torch.from_numpy(batch)), said)
    assert checkpoints.load_folder(tmp_path / "again").calibration.temperature == 1


def test_torchscript(checkpoint, batch, said, tmp_path):
    path, *_ = export(checkpoint, "torchscript", tmp_path / "n.pt")
    with tiny.torchscript_is_deprecated(), torch.no_grad():
        assert_same(torch.jit.load(path)(torch.from_numpy(batch))[0], said)


def test_torch_export(checkpoint, batch, said, tmp_path):
    path, *_ = export(checkpoint, "torch-export", tmp_path / "n.pt2")
    files = {"config.json": ""}
    program = torch.export.load(path, extra_files=files).module()
    with torch.no_grad():
        for size in (len(batch), 1):
            logits, features = program(torch.from_numpy(batch[:size]))
            assert_same(logits, said[:size])
    assert features.shape == (1, 512, 6, 6) and json.loads(files["config.json"])["task"]["name"] == "flowers102"


def test_stored_integers_stay_as_they_are(checkpoint):
    divided = checkpoint.calibrated()
    np.testing.assert_array_equal(divided.stored["fc.weight"], checkpoint.stored["fc.weight"])
    np.testing.assert_allclose(
        divided.state["fc.weight"] * checkpoint.calibration.temperature, checkpoint.state["fc.weight"], rtol=1e-5
    )
    assert divided.calibrated() is divided and divided.calibration.means is checkpoint.calibration.means
