"""Each export, loaded in its own runtime, computes what our network does."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
import timm
import tiny
import torch
import torchvision
from hub_uploads import WRITE, UploadServer
from safetensors import safe_open
from safetensors.torch import load, load_file

import resnet_demo
from resnet_demo import checkpoints, tasks
from resnet_demo.backends.openvino_runtime import core
from resnet_demo.backends.torch_network import build_network
from resnet_demo.checkpoints import Checkpoint
from resnet_demo.checkpoints.state_file import read_state_file
from resnet_demo.cli import main
from resnet_demo.errors import UserError
from resnet_demo.export.formats import V1_STRIDES, caution, describe, export, side_of
from resnet_demo.export.transformers import export_transformers
from resnet_demo.models.architecture import architecture_of
from resnet_demo.publish.elsewhere import root_config

NETWORKS = {"18": (18, "v1.5"), "50-v1": (50, "v1")}
GRAPHS = {"onnx": "n.onnx", "openvino": "n.xml", "torchscript": "n.pt"}


@pytest.fixture(scope="module", params=NETWORKS.values(), ids=NETWORKS)
def checkpoint(request):
    depth, variant = request.param
    return tiny.random_checkpoint(tiny.FLOWERS, depth, variant, seed=depth)


@pytest.fixture(scope="module")
def pictures(real_flowers):
    """uint8 (3, 64, 64, 3)."""
    return np.stack([tasks.preprocess(tiny.FLOWERS, real.photo)[0] for real in real_flowers(3)])


def computed(checkpoint: Checkpoint, pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logits (3, 4) and last feature map (3, C, 2, 2) of our own float32 network."""
    network = build_network(checkpoint)
    features = network.features(torch.from_numpy(tasks.normalise(checkpoint.spec, pictures)))
    logits = network.head(features)
    assert logits.std(dim=0).min() > 1e-2  # The pictures must tell networks apart.
    return logits.numpy(), features.numpy()


@pytest.fixture(scope="module")
def expected(checkpoint, pictures):
    return computed(checkpoint, pictures)


@pytest.fixture(scope="module", params=NETWORKS.values(), ids=NETWORKS)
def few_channels(request):
    """Where no other library builds the network."""
    depth, variant = request.param
    with pytest.MonkeyPatch.context() as patch:
        tiny.narrow(patch)
        return tiny.random_checkpoint(tiny.FLOWERS, depth, variant, seed=depth)


def run_graph(kind: str, path, pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(logits, features) of an exported graph in its own runtime."""
    if kind == "onnx":
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        return tuple(session.run(["logits", "features"], {"pictures": pictures}))
    if kind == "openvino":
        model = core.compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1})
        results = model({"pictures": pictures})
        return results["logits"], results["features"]
    with tiny.torchscript_is_deprecated():
        network = torch.jit.load(path)
    return tuple(output.numpy() for output in network(torch.from_numpy(pictures)))


@pytest.mark.parametrize("kind", GRAPHS)
def test_a_graph_gives_our_logits_and_features(kind, few_channels, pictures, tmp_path):
    expected = computed(few_channels, pictures)
    given = "uint8" if few_channels.depth == 18 else "normalised"
    path, *_ = export(few_channels, kind, tmp_path / GRAPHS[kind], given)
    batch = pictures if given == "uint8" else tasks.normalise(few_channels.spec, pictures)
    for size in (3, 1):  # Any batch size, not the one it was made with.
        logits, features = run_graph(kind, path, batch[:size])
        np.testing.assert_allclose(logits, expected[0][:size], atol=1e-4)
        np.testing.assert_allclose(features, expected[1][:size], atol=1e-4, rtol=1e-4)


def adopt(library: str, depth: int, path) -> torch.nn.Module:
    """Another library's network with the exported weights, loaded strictly."""
    if library == "timm":
        network = timm.create_model(f"resnet{depth}", num_classes=4)
    else:
        network = getattr(torchvision.models, f"resnet{depth}")(num_classes=4)
    network.load_state_dict(load_file(path), strict=True)
    return network.eval().requires_grad_(False)


@pytest.mark.parametrize("library", ["torchvision", "timm"])
def test_other_libraries_load_the_weights_strictly(library, checkpoint, expected, pictures, tmp_path):
    path, *_ = export(checkpoint, "safetensors", tmp_path / "n.safetensors")
    model = adopt(library, checkpoint.depth, path)
    assert load_file(path).keys() == model.state_dict().keys()
    batch = torch.from_numpy(tasks.normalise(checkpoint.spec, pictures))
    warning = caution(checkpoint, "safetensors")
    if checkpoint.variant == "v1":
        # What the warning says is so, and the line that it gives is the cure.
        assert np.abs(model(batch).numpy() - expected[0]).max() > 1e-2
        assert V1_STRIDES in warning and "torchvision and timm only build v1.5" in warning
        exec(V1_STRIDES, {"model": model})
    else:
        assert warning is None
    np.testing.assert_allclose(model(batch).numpy(), expected[0], atol=1e-4)


def test_the_usual_variant_and_shallow_networks_need_no_warning():
    def warning(depth: int, variant: str, kind: str) -> str | None:
        return caution(Checkpoint(tiny.FLOWERS, architecture_of(depth, variant), {}), kind)

    assert "is v1" in warning(50, "v1", "safetensors")
    assert warning(50, "v1.5", "safetensors") is None and warning(34, "v1", "safetensors") is None
    assert warning(50, "v1", "onnx") is None  # A graph says itself where its strides are.


def test_a_task_of_two_looks_is_exported_as_one_and_says_so(tmp_path):
    checkpoint = tiny.random_checkpoint()
    mirrored = replace(checkpoint, spec=replace(checkpoint.spec, mirrored=True))
    assert "its mirror image; what is exported sees one picture" in caution(mirrored, "onnx")
    assert len(caution(mirrored, "torchscript").splitlines()) == 2
    assert describe(mirrored, "onnx")["task"] == checkpoint.spec.to_json()


def test_timm_makes_a_network_and_its_preprocessing_of_the_exported_folder(tmp_path, pictures):
    checkpoint = tiny.random_checkpoint()
    files = export(checkpoint, "safetensors", tmp_path / "model.safetensors")
    assert [file.name for file in files] == ["model.safetensors", "config.json"]
    model = timm.create_model(f"local-dir:{tmp_path}", pretrained=True).eval()
    batch = torch.from_numpy(tasks.normalise(checkpoint.spec, pictures))
    with torch.no_grad():
        np.testing.assert_allclose(model(batch).numpy(), build_network(checkpoint)(batch).numpy(), atol=1e-4)
    settings = timm.data.resolve_data_config({}, model=model)
    assert tuple(settings["input_size"]) == (3, 64, 64) and settings["crop_pct"] == 1.0
    assert (tuple(settings["mean"]), tuple(settings["std"])) == (checkpoint.spec.mean, checkpoint.spec.std)
    assert tuple(model.pretrained_cfg["label_names"]) == checkpoint.spec.labels


def test_other_programs_take_a_published_repository_as_it_is(tmp_path, monkeypatch):
    """timm for real, and what transformers reads; `.ci/transformers` loads it with that package, which is not here."""
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(tmp_path / "weights"))
    tiny.weights_folder(tmp_path / "weights", (tiny.FLOWERS, 18), (tiny.FACES, 18), channels=64)
    with UploadServer(tmp_path / "hub") as hub:
        hub.patch(monkeypatch)
        monkeypatch.setenv("HF_TOKEN", WRITE)
        assert main.main(["publish", "--repo-id", "you/weights"]) == 0
        ours = resnet_demo.ResNet.from_pretrained("you/weights", task="flowers102")  # the 8-bit file
        model = timm.create_model("hf-hub:you/weights", pretrained=True).eval()
        # Without a task ours says that there are two, and does not take the file of the others.
        with pytest.raises(UserError, match="several checkpoints"):
            resnet_demo.ResNet.from_pretrained("you/weights")
        files = hub.head("you/weights")
    batch = torch.from_numpy(tasks.normalise(tiny.FLOWERS, tiny.pictures(2, 64)))
    with torch.no_grad():
        torch.testing.assert_close(model(batch), ours(batch), atol=5e-3, rtol=0)
    assert tuple(model.pretrained_cfg["label_names"]) == tiny.FLOWERS.labels
    config = json.loads(files["config.json"])
    assert (config["model_type"], config["depths"], config["torch_dtype"]) == ("resnet", [2, 2, 2, 2], "float32")
    assert config["id2label"] == {"0": "Rose", "1": "Daisy", "2": "Tulip", "3": "Iris"}
    assert json.loads(files["preprocessor_config.json"])["crop_size"] == {"height": 64, "width": 64}
    state = load(files["model.safetensors"])
    assert state["resnet.embedder.embedder.convolution.weight"].dtype == torch.float16
    assert state["resnet.encoder.stages.3.layers.1.layer.1.normalization.running_var"].dtype == torch.float32
    assert b'pipeline("image-classification", "you/weights")' in files["README.md"]
    # Weights in 8 bits are refused, and say so.
    with pytest.raises(RuntimeError, match="resnet18 in 8 bits, which `resnet-demo export` makes float32"):
        timm.create_model(f"local-dir:{tmp_path / 'weights' / 'flowers102' / 'resnet18'}")


def test_timm_refuses_by_name_what_it_would_compute_wrongly():
    config = root_config(tiny.random_checkpoint(tiny.FLOWERS, 50, "v1"))
    assert config["architecture"] == "resnet50 of v1, which timm does not build: load it with transformers"
    assert config["downsample_in_bottleneck"] and "hf_hub_filename" not in config["pretrained_cfg"]


def embedded(kind: str, path) -> dict:
    """The record inside a file, its values as the format has them."""
    if kind == "safetensors":
        with safe_open(path, framework="numpy") as file:
            return file.metadata()
    if kind == "onnx":
        return {pair.key: pair.value for pair in onnx.load(path).metadata_props}
    if kind == "openvino":
        model = core.read_model(path)
        return {key: model.get_rt_info(["resnet_demo", key]).astype(str) for key in ("variant", "label_names", "task")}
    files = {"config.json": ""}
    with tiny.torchscript_is_deprecated():
        torch.jit.load(path, _extra_files=files)
    record = json.loads(files["config.json"])
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in record.items()}


@pytest.mark.parametrize("kind", ["safetensors", *GRAPHS])
def test_the_record_lies_in_the_file_and_beside_it(kind, tmp_path):
    checkpoint = tiny.random_checkpoint(tiny.FLOWERS, 18, "v1")
    path, *_, side = export(checkpoint, kind, tmp_path / GRAPHS.get(kind, "n.safetensors"))
    record = json.loads(side.read_text(encoding="utf-8"))
    assert side.name == "n.json" and record["variant"] == "v1"
    assert path.stat().st_mode == side.stat().st_mode  # Who may read the one may read the other.
    assert tasks.TaskSpec.from_json(record["task"]) == checkpoint.spec
    assert record["label_names"] == ["Rose", "Daisy", "Tulip", "Iris"]
    assert record["pretrained_cfg"]["mean"] == list(tasks.IMAGENET_MEAN)
    assert record["pretrained_cfg"]["input_size"] == [3, 64, 64]
    inside = embedded(kind, path)
    assert inside["variant"] == "v1" and json.loads(inside["label_names"]) == record["label_names"]
    assert tasks.TaskSpec.from_json(json.loads(inside["task"])) == checkpoint.spec


def test_onnx_names_its_inputs_and_leaves_the_batch_open(tmp_path):
    path, *_ = export(tiny.random_checkpoint(tiny.FACES), "onnx", tmp_path / "n.onnx")
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert model.opset_import[0].version >= 17
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (pictures,) = session.get_inputs()
    assert (pictures.name, pictures.type, pictures.shape) == ("pictures", "tensor(float)", ["batch", 3, 64, 64])
    shapes = {output.name: output.shape for output in session.get_outputs()}
    assert shapes == {"logits": ["batch", 136], "features": ["batch", 512, 2, 2]}


@pytest.fixture
def weights(tmp_path, monkeypatch):
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(tmp_path / "weights"))
    return tiny.weights_folder(tmp_path / "weights", (tiny.FLOWERS, 18))


def test_the_command_writes_the_bundled_checkpoint(weights, tmp_path, pictures, capsys):
    out = tmp_path / "new" / "n.onnx"
    out.parent.mkdir()
    words = ["export", "--task", "flowers102", "--depth", "18", "--format", "onnx", "--input", "uint8"]
    assert main.main([*words, "--out", str(out)]) == 0
    printed = capsys.readouterr()
    assert printed.out.split() == [str(out), str(out.with_suffix(".json"))] and printed.err == ""
    assert sorted(path.name for path in out.parent.iterdir()) == ["n.json", "n.onnx"]
    network = build_network(checkpoints.load("flowers102", 18))
    logits = network(torch.from_numpy(tasks.normalise(tiny.FLOWERS, pictures)))
    np.testing.assert_allclose(run_graph("onnx", out, pictures)[0], logits.numpy(), atol=1e-4)


def test_the_command_warns_of_v1_where_the_file_is_loaded_elsewhere(tmp_path, capsys):
    folder = tmp_path / "own"
    checkpoints.save(folder, tiny.random_state(50, 4), tiny.FLOWERS, 50, "v1", {})
    words = ["export", "--weights", str(folder), "--format", "safetensors", "--out", str(tmp_path / "n.safetensors")]
    assert main.main(words) == 0
    assert "is v1" in capsys.readouterr().err
    assert json.loads((tmp_path / "n.json").read_text(encoding="utf-8"))["after_loading"] == V1_STRIDES


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--format", "onnx", "--out", "n.pt"], "name it n.onnx."),
        (["--format", "safetensors", "--input", "uint8", "--out", "n.safetensors"], "leave out the input"),
        (["--format", "transformers", "--input", "uint8", "--out", "n"], "takes no pictures: leave out --input"),
        (["--format", "onnx", "--depth", "34", "--out", "n.onnx"], "There is no ResNet-34 for flowers102 yet"),
        (["--format", "openvino", "--out", "file/n.xml"], "file/n.xml cannot be written (Not a directory)"),
        (["--format", "onnx", "--out", "nowhere/n.onnx"], "There is no folder nowhere: make it first"),
        (["--format", "transformers", "--out", "nowhere/n"], "There is no folder nowhere: make it first"),
        (["--format", "safetensors", "--out", "weights/flowers102/resnet18/model.safetensors"], "is the checkpoint"),
        (["--format", "openvino", "--precision", "int8", "--out", "n.xml"], "Only onnx is written in int8"),
        (["--format", "transformers", "--precision", "fp16", "--out", "n"], "Only onnx is written in fp16"),
        (["--format", "onnx", "--precision", "int8", "--out", "n.onnx"], "has no ranges of its convolutions' inputs"),
        (["--format", "tflite", "--out", "n.tflite"], "invalid choice: 'tflite'"),
    ],
)
def test_what_cannot_be_exported(words, sentence, weights, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    try:
        status = main.main(["export", "--task", "flowers102", "--depth", "18", *words])
    except SystemExit as end:
        status = end.code
    errors = capsys.readouterr().err
    assert status == 2 and sentence in errors and errors.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "weights"]


def test_an_old_file_survives_a_failed_export(tmp_path, monkeypatch):
    path = tmp_path / "n.onnx"
    path.write_text("old")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(UserError, match="install it with `pip install onnx`"):
        export(tiny.random_checkpoint(), "onnx", path)
    assert path.read_text() == "old" and [file.name for file in tmp_path.iterdir()] == ["n.onnx"]


def test_weights_are_exported_without_torch_and_without_onnx(weights, tmp_path):
    code = (
        "import sys; from resnet_demo.cli.main import main; "
        f"main(['export', '--depth', '18', '--format', 'safetensors', '--out', {str(tmp_path / 'n.safetensors')!r}]); "
        "print({'torch', 'onnx', 'openvino'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"


def transformers_forward(state: dict, config: dict, batch: torch.Tensor) -> torch.Tensor:
    """What ``ResNetForImageClassification`` computes (modeling_resnet.py), for where that package is not installed."""
    functional = torch.nn.functional

    def layer(x, name, stride):
        weight = state[f"{name}.convolution.weight"]
        x = functional.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2)
        norm = [state[f"{name}.normalization.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
        return functional.batch_norm(x, *norm)

    x = functional.max_pool2d(layer(batch, "resnet.embedder.embedder", 2).relu(), 3, 2, 1)
    for stage, depth in enumerate(config["depths"]):
        for block in range(depth):
            name, stride = f"resnet.encoder.stages.{stage}.layers.{block}", 2 if stage > 0 and block == 0 else 1
            if config["layer_type"] == "basic":
                strides = [stride, 1]
            else:
                strides = [stride, 1, 1] if config["downsample_in_bottleneck"] else [1, stride, 1]
            shortcut = f"{name}.shortcut"
            kept = layer(x, shortcut, stride) if f"{shortcut}.convolution.weight" in state else x
            for number, step in enumerate(strides):
                x = layer(x if number == 0 else x.relu(), f"{name}.layer.{number}", step)
            x = (x + kept).relu()
    return x.mean((2, 3)) @ state["classifier.1.weight"].T + state["classifier.1.bias"]


def test_a_folder_for_transformers_computes_the_same(checkpoint, expected, pictures, tmp_path):
    files = export_transformers(checkpoint, tmp_path / "out")
    assert [file.name for file in files] == ["model.safetensors", "config.json", "preprocessor_config.json"]
    config, processor = (json.loads(file.read_text(encoding="utf-8")) for file in files[1:])
    batch = torch.from_numpy(tasks.normalise(checkpoint.spec, pictures))
    state = load_file(files[0])
    # Each norm has its counter: without it transformers reports missing keys.
    norms = {name.rsplit(".", 1)[0] for name in state if ".normalization." in name}
    assert {f"{norm}.num_batches_tracked" for norm in norms} <= state.keys()
    logits = transformers_forward(state, config, batch)
    np.testing.assert_allclose(logits, expected[0], atol=1e-4)
    labels = checkpoint.spec.labels
    assert [config["id2label"][str(index)] for index in range(len(labels))] == list(labels)
    assert all(config["label2id"][label] == index for index, label in enumerate(labels))
    assert (processor["size"], processor["crop_size"]) == ({"shortest_edge": 64}, {"height": 64, "width": 64})
    assert found_in_file(files[0], checkpoint)
    with pytest.raises(UserError, match="is there already"):
        export_transformers(checkpoint, tmp_path / "out")
    with pytest.raises(UserError, match="transformers has no network for faces68"):
        export_transformers(tiny.random_checkpoint(tiny.FACES), tmp_path / "faces")


def found_in_file(path, checkpoint: Checkpoint) -> bool:
    """Whether our own reader gets the same network back, its stride too."""
    found = read_state_file(path)
    np.testing.assert_array_equal(found.state["layer4.0.conv1.weight"], checkpoint.state["layer4.0.conv1.weight"])
    return found.variant == checkpoint.variant


def test_the_record_of_an_export_keeps_its_name(tmp_path):
    """Exported as ONNX, then for OpenVINO under the same name, then as ONNX once more."""
    first, second = tmp_path / "n.onnx", tmp_path / "n.xml"
    for out, side in 2 * ((first, "n.json"), (second, "n.xml.json")):
        assert side_of(out) == side
        out.touch()
        out.with_name(side).touch()
