"""Each test walks into a trap of training that raises no error by itself, and is told so."""

from __future__ import annotations

import json
import math
import re
import warnings

import pytest
import tiny
import torch
from torch import nn

from resnet_demo.errors import UserError
from resnet_demo.models.architecture import ARCHITECTURES
from resnet_demo.models.resnet import ResNet
from resnet_demo.tasks import TaskSpec
from resnet_demo.training.data.datasets import Pictures
from resnet_demo.training.optim import traps
from resnet_demo.training.recipe import Recipe
from resnet_demo.training.trainer import Trainer

SPEC = TaskSpec("two", "classification", labels=("a", "b"), size=32, resize=32)


def network(name: str = "resnet20") -> ResNet:
    torch.manual_seed(0)
    return ResNet(ARCHITECTURES[name], 2)


def trainer(tmp_path, net: ResNet | None = None, **settings) -> Trainer:
    settings = {"epochs": 1, "warmup": 0.0, "fold_norms": False} | settings
    recipe = Recipe(task="two", batch=8, sizes=((0, 32),), **settings)
    pictures = Pictures("two", [None] * 16, torch.arange(16).numpy() % 2, ("a", "b"))
    pictures.cache = dict(enumerate(tiny.pictures(16, 32)))
    return Trainer(net or network(), SPEC, recipe, pictures, tmp_path, workers=0)


# --- eval() is forgotten ----------------------------------------------------------------------------------------------


def test_a_prediction_in_training_mode_warns():
    net, x = network(), torch.randn(1, 3, 32, 32)
    with torch.no_grad(), pytest.warns(UserWarning, match="The network predicts in training mode.*Call eval"):
        alone = net(x)[0]
    with torch.no_grad(), pytest.warns(UserWarning):
        among_others = net(torch.cat([x, 3 * torch.randn(7, 3, 32, 32)]))[0]
    assert (alone - among_others).abs().max() > 0.1 * alone.abs().max()  # the trap: the others in its batch count
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("error")
        net.eval()(x)
    net.train()(x).sum().backward()  # training itself is no trap


# --- Shapes that broadcast --------------------------------------------------------------------------------------------


def test_a_shortcut_of_another_shape_is_refused():
    net = network("resnet18_cifar").eval()
    net.layer2[0].downsample[0].stride = (32, 32)  # one cell, which would be added to all
    assert (torch.zeros(1, 128, 16, 16) + torch.zeros(1, 128, 1, 1)).shape == (1, 128, 16, 16)
    with (
        torch.no_grad(),
        pytest.raises(ValueError, match=r"layer2.0 has the shape \(1, 128, 16, 16\).*\(1, 128, 1, 1\)"),
    ):
        net(torch.zeros(1, 3, 32, 32))


# --- Dead ReLUs -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rate", "dies"), [(1e-3, False), (2.0, True)])
def test_a_far_too_high_learning_rate_kills_relus_and_is_told(tmp_path, monkeypatch, capsys, rate, dies):
    """Ten steps of a plain network. How many of a stage die is chance: above half it is said, at all it ends."""
    tiny.in_float32(monkeypatch)
    said = ""
    try:
        trainer(tmp_path, network("plain20"), epochs=5, decay="constant", learning_rate=rate).run()
    except UserError as error:
        said = str(error)
    said += capsys.readouterr().err
    dead = [json.loads(line)["dead"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert dead[0] < 0.1  # It began alive.
    found = re.findall(r"(\d+)% of the channels of layer\d are zero for every picture .dead ReLUs.*learning_rate", said)
    assert bool(found) == dies and all(int(share) >= 50 for share in found)
    assert (len(dead) < 5 or max(dead) >= 0.5) == dies


def test_a_learning_rate_that_kills_all_relus_ends_the_training(tmp_path):
    net = network()
    for block in net.layer3:
        nn.init.constant_(block.bn2.bias, -1e4)  # what one step of far too large a rate leaves behind
    with pytest.raises(
        UserError, match="100% of the channels of layer3 are zero for every picture.*lower learning_rate"
    ):
        trainer(tmp_path, net).run()


def test_many_dead_relus_are_said_and_logged(tmp_path, capsys):
    net = network()
    with torch.no_grad():
        net.layer3[-1].bn2.bias[:40] = -1e4  # of 64
    trainer(tmp_path, net, optimizer="sgd", learning_rate=1e-3).run()
    assert "62% of the channels of layer3 are zero" in capsys.readouterr().err
    assert json.loads((tmp_path / "log.jsonl").read_text())["dead"] == 40 / 64
    assert traps.dead_sentence({"layer1": 0.2, "layer4": 0.4}, 0.1) is None
    assert traps.dead_sentence({}, 0.1) is None


# --- Frozen layers ----------------------------------------------------------------------------------------------------


def test_a_head_that_was_made_after_the_optimizer_is_found(tmp_path):
    run = trainer(tmp_path)
    run.network.fc = nn.Linear(64, 2)
    with pytest.raises(UserError, match="fc.weight, fc.bias should train, but nothing moves them: make the optimizer"):
        run.run()


def test_a_layer_whose_way_to_the_loss_is_cut_is_found(tmp_path):
    run = trainer(tmp_path)
    stage = run.network.stage
    run.network.stage = lambda name, x, *rest: stage(name, x.detach() if name == "layer2" else x, *rest)
    with pytest.raises(UserError, match="conv1.weight, bn1.weight, bn1.bias and 18 more should train"):
        run.run()


def test_layers_that_would_thaw_after_the_end_are_said(tmp_path, capsys):
    trainer(tmp_path, frozen=((0, 5), (3, 0))).run()
    assert "what is frozen would change in epoch 4, and the recipe ends after 1" in capsys.readouterr().err


# --- Batch norms that learn while frozen ------------------------------------------------------------------------------


def test_the_trainer_keeps_the_statistics_of_frozen_parts(tmp_path):
    net = network()
    net.train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    run = trainer(tmp_path, net, frozen=((0, 2),))
    run.run()
    after = run.network.state_dict()
    still = {name for name, value in before.items() if torch.equal(value, after[name])}
    assert {name for name in before if name.startswith(("bn1", "conv1", "layer1"))} <= still
    assert not any("running_mean" in name for name in still if name.startswith(("layer2", "layer3")))


def test_frozen_batch_norms_in_training_mode_warn():
    net = network().requires_grad_(False)
    net.fc.requires_grad_(True)
    before = net.bn1.running_mean.clone()
    with pytest.warns(UserWarning, match="19 batch norms do not require a gradient .bn1 first.*call eval"):
        net.train()
    net(torch.randn(8, 3, 32, 32) + 5).sum().backward()
    assert not torch.equal(net.bn1.running_mean, before)  # the trap
    assert math.isfinite(float(net.fc.weight.grad.sum()))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net.eval()
        network().train()
