"""The command ``ranges``, and what a checkpoint with ranges is worth."""

from __future__ import annotations

import json
import shutil

import pytest
import tiny
from conftest import ROOT

from resnet_demo import checkpoints
from resnet_demo.cli.main import main
from resnet_demo.errors import UserError
from resnet_demo.models import state
from resnet_demo.training.cards.card import model_card

pytestmark = pytest.mark.usefixtures("narrow")

EXAMPLES = ROOT / "resnet_demo" / "examples"


@pytest.fixture(scope="module")
def folder(tmp_path_factory, narrow):
    """A tiny checkpoint, not in any index."""
    folder = tmp_path_factory.mktemp("ranges") / "tiny"
    checkpoints.save(folder, tiny.random_state(50, 4), tiny.FLOWERS, 50, "v1.5", {}, card="# Tiny\n")
    return folder


def test_ranges_are_measured_on_any_pictures_and_kept_beside_the_weights(folder, capsys):
    before = (folder / checkpoints.MODEL).read_bytes()
    assert main(["ranges", "--weights", str(folder), "--pictures", str(EXAMPLES)]) == 0
    assert capsys.readouterr().out == f"50 ranges on 8 pictures, written to {folder / 'config.json'}.\n"
    assert (folder / checkpoints.MODEL).read_bytes() == before
    assert (folder / checkpoints.CARD).read_text() == "# Tiny\n"
    ranges = checkpoints.load_folder(folder).ranges
    assert list(ranges) == state.rounded_convolutions(50)
    # The stem's output stays as it is, and so do the shortcuts: they have no convolution but the projections.
    assert "layer1.0.conv1" not in ranges and {"layer1.0.conv2", "layer2.0.downsample.0", "layer4.2.conv3"} <= set(
        ranges
    )
    record = checkpoints.read_config(folder).ranges
    assert record.command.endswith("ranges --weights " + folder.as_posix() + " --pictures examples")
    config = checkpoints.read_config(folder).changed(commands=["python -m resnet_demo train flowers102 --depth 50"])
    assert "## 8-bit arithmetic" in model_card(config) and record.command in model_card(config)


def test_keypoints_get_the_ranges_of_cut_out_faces(tmp_path):
    checkpoints.save(tmp_path / "faces", tiny.random_state(18, 136), tiny.FACES, 18, "v1.5", {})
    (tmp_path / "photos").mkdir()
    shutil.copy(EXAMPLES / "two-people.jpg", tmp_path / "photos")
    assert main(["ranges", "--weights", str(tmp_path / "faces"), "--pictures", str(tmp_path / "photos")]) == 0
    assert list(checkpoints.load_folder(tmp_path / "faces").ranges) == state.rounded_convolutions(18)


def test_pictures_without_a_face_give_no_ranges(tmp_path, capsys):
    checkpoints.save(tmp_path / "faces", tiny.random_state(18, 136), tiny.FACES, 18, "v1.5", {})
    (tmp_path / "plain").mkdir()
    tiny.photo().save(tmp_path / "plain" / "1.png")
    assert main(["ranges", "--weights", str(tmp_path / "faces"), "--pictures", str(tmp_path / "plain")]) == 2
    assert "None of 1 pictures shows anything of faces68: pass others." in capsys.readouterr().err
    assert checkpoints.read_config(tmp_path / "faces").ranges is None


@pytest.mark.parametrize(
    "change",
    [
        lambda inputs: inputs.pop("layer1.0.conv2"),
        lambda inputs: inputs.update({"layer5.0.conv1": 1.0}),
        lambda inputs: inputs.update({"layer1.0.conv2": 0.0}),
        lambda inputs: inputs.update({"layer1.0.conv2": "much"}),
    ],
)
def test_damaged_ranges_are_named(folder, tmp_path, change):
    damaged = shutil.copytree(folder, tmp_path / "damaged")
    config = json.loads((damaged / checkpoints.CONFIG).read_text())
    inputs = dict.fromkeys(state.rounded_convolutions(50), 1.0)
    change(inputs)
    config["ranges"] = {"inputs": inputs}
    (damaged / checkpoints.CONFIG).write_text(json.dumps(config))
    with pytest.raises(UserError, match=r"is damaged \(its ranges are not those of a ResNet-50\)"):
        checkpoints.load_folder(damaged)


@pytest.mark.usefixtures("whole")
def test_imagenet_wants_other_pictures(capsys):
    assert main(["ranges", "imagenet1k", "--depth", "50"]) == 2
    assert "pass others with --pictures" in capsys.readouterr().err


@pytest.mark.usefixtures("whole")
def test_every_bundled_checkpoint_has_ranges():
    for entry in checkpoints.bundled():
        assert checkpoints.load_entry(entry).ranges, entry.path
