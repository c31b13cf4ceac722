"""The least-squares start: what can be solved for exactly is, and a fitted student already follows its teacher."""

from __future__ import annotations

from dataclasses import replace

import pytest
import tiny
import torch
from torch.nn import functional as F

from resnet_demo.errors import UserError
from resnet_demo.models.architecture import ARCHITECTURES, architecture_of
from resnet_demo.models.resnet import ResidualBlock, ResNet
from resnet_demo.tasks import normalise
from resnet_demo.training.networks import layerwise_fit
from resnet_demo.training.networks.distillation import share_stem
from resnet_demo.training.optim import folded_norms


def test_a_regression_finds_the_linear_map_and_says_what_it_leaves():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(4000, 6, generator=generator) + 3
    true = torch.randn(2, 6, generator=generator)
    noise = torch.randn(4000, generator=generator)
    y = x @ true.T + 5
    y[:, 1] += noise
    regression = layerwise_fit.Regression()
    for part in range(0, 4000, 500):
        regression.add(x[part : part + 500], y[part : part + 500])
    weights, bias, covariance, missed = regression.solve()
    assert torch.allclose(weights, true, atol=0.1)
    assert torch.allclose(weights[0] @ x.mean(0) + bias[0], y[:, 0].mean(), atol=1e-3)
    assert covariance.shape == (6, 6)
    assert missed[0] < 1e-3
    assert missed[1] == pytest.approx(1, abs=0.1)


def test_picked_channels_stand_for_those_that_are_copies():
    generator = torch.Generator().manual_seed(0)
    own = torch.randn(2000, 3, generator=generator)
    x = torch.cat([own, own * 2, own + 1, torch.zeros(2000, 1)], dim=1)
    picked = layerwise_fit.pick_channels(torch.cov(x.T), torch.eye(10), 3)
    assert sorted(channel % 3 for channel in picked) == [0, 1, 2]
    assert 9 not in picked


def test_channels_are_paired_with_what_their_shortcut_brings():
    stem = torch.rand(500, 4)
    order = [2, 0, 3, 1]
    channels = stem[:, order] + 0.01 * torch.rand(500, 4)
    assert [order[i] for i in layerwise_fit.pair_up(stem, channels)] == [0, 1, 2, 3]


@pytest.mark.parametrize("stage", ["layer1", "layer2"], ids=["identity shortcut", "projection shortcut"])
def test_a_block_is_found_again_from_what_it_computes(stage):
    torch.manual_seed(0)
    true = getattr(tiny.network(18).eval(), stage)[0]
    x = torch.rand(60, 64, 12, 12)
    with torch.no_grad():
        hidden = folded_norms.convolve(x, true.conv1, true.bn1)
        shortcut = x if true.downsample is None else folded_norms.convolve(x, *true.downsample)
        wanted = folded_norms.convolve(torch.relu(hidden), true.conv2, true.bn2) + shortcut
        block = ResidualBlock(architecture_of(18).stages[stage][0]).eval()
        solved = layerwise_fit.fit_block(block, x, hidden, wanted)
        layerwise_fit.store_block(block, solved)
        found = block(x)
    assert solved[-1] < 0.05
    assert ((found - torch.relu(wanted)) ** 2).mean() < 0.05 * torch.relu(wanted).var()


def test_a_fitted_network_follows_its_teacher_without_any_training(monkeypatch):
    """With fewer blocks than a ResNet-50 and an 18 have, as each in a later stage takes seconds."""
    monkeypatch.setattr(layerwise_fit, "PICTURES", dict.fromkeys(layerwise_fit.PICTURES, 40))
    teacher = tiny.network(replace(architecture_of(50), counts=(3, 2, 2, 2)), seed=1).eval()
    student = tiny.network(replace(architecture_of(18), counts=(2, 1, 1, 1))).eval()
    share_stem(teacher, student)
    spec = tiny.FLOWERS
    pictures = torch.from_numpy(normalise(spec, tiny.pictures(40, 32)))
    with torch.inference_mode():
        wanted = teacher(pictures)
    before = student(pictures).detach()
    left = layerwise_fit.fit(teacher, student, lambda count: pictures[:count].split(20))
    with torch.inference_mode():
        found = student(pictures)
    scale = (wanted - wanted.mean(0)).square().mean()
    assert (found - wanted).square().mean() < 0.3 * scale < (before - wanted).square().mean()
    assert left["layer1.1"] < 0.5
    assert {"layer4.0", "head"} <= left.keys()


def test_the_teacher_of_a_network_for_small_pictures_sees_them_enlarged():
    teacher = tiny.network(50, seed=1).eval()
    student = ResNet(ARCHITECTURES["resnet18_cifar"], tiny.FLOWERS.outputs).eval()
    share_stem(teacher, student)
    assert student.conv1.weight.shape == (64, 3, 3, 3)
    torch.testing.assert_close(student.bn1.state_dict(), teacher.bn1.state_dict())
    assert layerwise_fit.can_fit(teacher.architecture, student.architecture)
    small = torch.from_numpy(normalise(tiny.FLOWERS, tiny.pictures(3, 8)))
    inputs, hidden, outputs = layerwise_fit.stage_maps(teacher, student, 1, [small])
    assert inputs.shape == (3, 64, 8, 8)
    assert {tuple(each.shape) for each in hidden} == {(3, 128, 4, 4)}
    with torch.inference_mode():
        wanted = teacher.stages(F.interpolate(small, scale_factor=4, mode="bilinear"))["layer2"]
    torch.testing.assert_close(torch.relu(outputs[-1]).float(), wanted, rtol=0, atol=0.01 * wanted.abs().max().item())


def test_only_a_small_network_is_fitted_to_a_large_one(monkeypatch):
    tiny.narrow(monkeypatch)
    with pytest.raises(UserError, match="ResNet-18 or 34 and a deeper teacher"):
        layerwise_fit.fit(tiny.network(50, seed=1).eval(), tiny.network(50).eval(), lambda count: [])
