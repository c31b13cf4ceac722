"""A published repository as an Inference Endpoint: what is sent, and what its server gets from ``handler.py``."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from io import BytesIO

import numpy as np
import pytest
import tiny
from conftest import EXAMPLES
from PIL import Image

from resnet_demo.checkpoints import load_folder
from resnet_demo.endpoint import EndpointHandler, png
from resnet_demo.errors import UserError
from resnet_demo.inference.classifier import Classifier
from resnet_demo.inference.regressor import Regressor
from resnet_demo.publish.elsewhere import shown
from resnet_demo.publish.endpoint import endpoint_files
from resnet_demo.publish.run import PublishOptions, check
from resnet_demo.tasks import CLASSIFICATION, REGRESSION, TaskSpec

# As huggingface-inference-toolkit does: the folder on the path, the file under a name of its own. What it has not is
# our other requirements of a Space, and perhaps not our huggingface-hub.
SERVER = """
import importlib.util, json, sys
sys.modules.update(dict.fromkeys(("gradio", "torch", "huggingface_hub")))
folder, photo = sys.argv[1:]
spec = importlib.util.spec_from_file_location("handler.EndpointHandler", folder + "/handler.py")
sys.path.insert(0, folder)
module = importlib.util.module_from_spec(spec)
sys.modules["handler.EndpointHandler"] = module
spec.loader.exec_module(module)
handler = module.EndpointHandler(folder)
import resnet_demo
assert resnet_demo.__file__.startswith(folder), resnet_demo.__file__
print(json.dumps(handler({"inputs": open(photo, "rb").read(), "parameters": {"top_k": 2}})))
"""


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A folder as `publish --endpoint` sends it, but for what is there for other programs."""
    root = tiny.weights_folder(tmp_path_factory.mktemp("repository"), (tiny.FACES, 18), (tiny.FLOWERS, 18))
    for file in endpoint_files():
        (root / file.path).parent.mkdir(parents=True, exist_ok=True)
        (root / file.path).write_bytes(file.read())
    return root


@pytest.fixture(scope="module")
def handler(repository):
    return EndpointHandler(str(repository))


@pytest.fixture(scope="module")
def photo() -> bytes:
    return (EXAMPLES / "dahlia.jpg").read_bytes()


@pytest.fixture(scope="module")
def expected(repository, photo):
    """What ``predict`` says of the photo."""
    checkpoint = load_folder(repository / "flowers102" / "resnet18")
    return Classifier("flowers102", 18, "cpu", checkpoint=checkpoint)(photo)


def scores(answer: list[dict]) -> list[tuple[str, float]]:
    return [(one["label"], round(one["score"], 4)) for one in answer]


def test_the_server_imports_what_was_sent_and_gets_the_answers_of_predict(repository, expected):
    command = [sys.executable, "-I", "-c", SERVER, str(repository), str(EXAMPLES / "dahlia.jpg")]
    done = subprocess.run(command, capture_output=True, text=True, cwd="/")
    assert done.returncode == 0, done.stderr[-1500:]
    assert scores(json.loads(done.stdout)) == [(one.label, round(one.probability, 4)) for one in expected.top_k[:2]]
    required = [line.split(">")[0] for line in (repository / "requirements.txt").read_text().splitlines()]
    assert required == ["numpy", "pillow", "pillow-heif", "openvino", "safetensors", "filelock", "tomli"]
    assert not (repository / "resnet_demo" / "page").exists()


def test_bytes_base64_and_pictures_give_the_same(handler, photo, expected):
    encoded = base64.b64encode(photo).decode()
    ways = [photo, encoded, f"data:image/jpeg;base64,{encoded}", Image.open(BytesIO(photo))]
    answers = [handler({"inputs": way, "parameters": None}) for way in ways]
    assert all(scores(answer) == scores(answers[0]) for answer in answers)
    assert [label for label, _ in scores(answers[0])] == [one.label for one in expected.top_k]
    assert sum(one["score"] for one in answers[0]) == pytest.approx(1)  # all four classes
    several = handler({"inputs": [photo, encoded], "parameters": {"top_k": 1}})
    assert [scores(answer) for answer in several] == [scores(answers[0])[:1]] * 2


def test_heat_is_the_map_of_each_class(handler, photo, expected):
    answer = handler({"inputs": photo, "parameters": {"top_k": 2, "heat": True}})
    for one in answer:
        picture = Image.open(BytesIO(base64.b64decode(one["heat"])))
        wanted = expected.cam(one["label"], size=picture.size[::-1])
        assert picture.mode == "L" and max(picture.size) == 512
        np.testing.assert_allclose(np.asarray(picture) / 255, wanted, atol=0.003)
    json.dumps(answer)
    same = handler({"inputs": photo, "parameters": {"top_k": 2, "heat": True, "target": answer[1]["label"]}})
    assert same[0]["heat"] == answer[1]["heat"]


def test_faces_have_boxes_and_keypoints_in_pixels(handler):
    picture = Image.open(EXAMPLES / "two-people.jpg")
    faces = handler({"inputs": picture, "parameters": {"task": "faces68", "heat": True, "region": "mouth"}})
    assert [face["label"] for face in faces] == ["face", "face"]
    for face in faces:
        box = face["box"]
        assert 0 <= box["xmin"] < box["xmax"] <= picture.width and 0 <= box["ymin"] < box["ymax"] <= picture.height
        assert np.shape(face["keypoints"]) == (68, 2) and 0.5 < face["score"] <= 1
    json.dumps(faces)


@pytest.mark.parametrize(
    ("inputs", "parameters", "sentence"),
    [
        ("/etc/hostname", {}, "`inputs` must be a photo in base64"),
        (None, {}, "`inputs` must be a photo in base64"),
        (b"no photo", {}, "is not a picture"),
        ("photo", {"topk": 5}, "no parameter 'topk': choose of task, depth, top_k"),
        ("photo", {"heat": "yes"}, "heat must be true or false, not 'yes'"),
        ("photo", {"task": "pets"}, "no network for pets .* choose task and depth of faces68 18, flowers102 18"),
        ("photo", {"depth": 50}, "no network for flowers102 at depth 50"),
        ("photo", [5], "must be an object of task"),
    ],
)
def test_bad_requests_get_one_sentence(handler, photo, inputs, parameters, sentence):
    with pytest.raises(UserError, match=sentence):
        handler({"inputs": photo if inputs == "photo" else inputs, "parameters": parameters})


def test_a_single_checkpoint_and_what_the_variables_say(repository, tmp_path, monkeypatch):
    single = repository / "faces68" / "resnet18"
    assert EndpointHandler(str(single)).default == ("faces68", 18)
    monkeypatch.setenv("RESNET_DEMO_TASK", "faces68")
    assert EndpointHandler(str(repository)).default == ("faces68", 18)
    monkeypatch.setenv("RESNET_DEMO_DEPTH", "34")
    with pytest.raises(UserError, match="no network for faces68 at depth 34"):
        EndpointHandler(str(repository))
    (tmp_path / "index.json").write_text('{"checkpoints": []}')
    with pytest.raises(UserError, match="holds no weights"):
        EndpointHandler(str(tmp_path))


def test_what_the_page_shows_first_is_answered_and_shown_to_other_programs(tmp_path):
    """The folders are in alphabetical order, and there is a task of somebody's own."""
    small, own = (TaskSpec(name, CLASSIFICATION, labels=("cat",), size=32, resize=36) for name in ("cifar10", "a"))
    root = tiny.weights_folder(tmp_path, (small, 18), (own, 18), (tiny.FACES, 18), (tiny.FLOWERS, 18))
    assert EndpointHandler(str(root)).default[0] == "flowers102"
    found = shown([path.parent for path in sorted(root.glob("*/*/config.json"))])
    assert found is not None and found.spec.name == "flowers102"


def test_an_endpoint_needs_a_repository():
    with pytest.raises(UserError, match="--endpoint belongs to a repository of weights"):
        check(PublishOptions(space="you/demo", endpoint=True))


def test_classes_that_are_numbers_have_the_heat_of_their_own(tmp_path, photo):
    spec = TaskSpec("coins", CLASSIFICATION, labels=("10", "1", "2", "5"), size=64, resize=64)
    handler = EndpointHandler(str(tiny.weights_folder(tmp_path, (spec, 18))))
    answers = handler({"inputs": photo, "parameters": {"heat": True}})
    checkpoint = load_folder(tmp_path / "coins" / "resnet18")
    result = Classifier("coins", 18, "cpu", checkpoint=checkpoint)(photo)
    for each in answers:
        size = Image.open(BytesIO(base64.b64decode(each["heat"]))).size
        own = result.cam(spec.labels.index(each["label"]), size=size[::-1])
        assert each["heat"] == png(own)


def test_a_number_is_answered_too(tmp_path, photo):
    spec = TaskSpec("diameter", REGRESSION, size=64, resize=64)
    handler = EndpointHandler(str(tiny.weights_folder(tmp_path, (spec, 18))))
    (answer,) = handler({"inputs": photo, "parameters": {"heat": True}})
    checkpoint = load_folder(tmp_path / "diameter" / "resnet18")
    expected = Regressor("diameter", 18, "cpu", checkpoint=checkpoint)(photo)
    assert (answer["label"], answer["value"]) == ("diameter", pytest.approx(expected.value, rel=1e-3))
    assert max(Image.open(BytesIO(base64.b64decode(answer["heat"]))).size) == 512
