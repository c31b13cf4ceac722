"""Muon: how far and in which direction a step moves a layer."""

from __future__ import annotations

import pytest
import torch

from resnet_demo.models.architecture import ARCHITECTURES
from resnet_demo.models.resnet import ResNet
from resnet_demo.training.optim.muon import Muon, orthogonal
from resnet_demo.training.optim.schedule import make_optimizer
from resnet_demo.training.recipe import Recipe


@pytest.mark.parametrize("shape", [(16, 144), (64, 27), (32, 32)])
def test_all_directions_of_a_gradient_count_alike_however_weak(shape):
    torch.manual_seed(0)
    u, _, v = torch.linalg.svd(torch.randn(shape), full_matrices=False)
    weak = torch.logspace(0, -2, min(shape))  # singular values from 1 to 0.01
    found = orthogonal(u @ torch.diag(weak) @ v)
    along = torch.diag(u.T @ found @ v.T)
    assert 0.5 < along.min() and along.max() < 1.3
    assert (found - u @ torch.diag(along) @ v).norm() < 1e-3 * found.norm()
    assert not orthogonal(torch.zeros(shape)).any()


def test_a_step_turns_a_convolution_by_a_share_of_its_norm_and_keeps_the_norm():
    torch.manual_seed(0)
    weight = torch.nn.Parameter(3 * torch.randn(8, 4, 3, 3))
    before = weight.detach().clone()
    optimizer = Muon([{"params": [weight], "orthogonal": True}], lr=0.1)
    weight.grad = 1e-6 * torch.randn_like(weight)  # Its size does not count.
    optimizer.step()
    assert weight.norm().item() == pytest.approx(before.norm().item(), rel=1e-5)
    assert 0.07 < (weight - before).norm() / before.norm() < 0.12


def test_the_head_and_the_batch_norms_move_as_by_sgd_with_nesterovs_momentum():
    torch.manual_seed(0)
    ours, theirs = (torch.nn.Parameter(torch.arange(12.0).view(3, 4)) for _ in range(2))
    optimizers = (
        Muon([{"params": [ours], "weight_decay": 0.01}], lr=0.1),
        torch.optim.SGD([theirs], lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    )
    for _ in range(3):
        gradient = torch.randn(3, 4)
        for parameter, optimizer in zip((ours, theirs), optimizers, strict=True):
            parameter.grad = gradient.clone()
            optimizer.step()
    assert torch.allclose(ours, theirs, atol=1e-6)


def test_of_a_network_the_convolutions_alone_are_orthogonal():
    network = ResNet(ARCHITECTURES["resnet20"], 10)
    optimizer = make_optimizer(network, Recipe("cifar10", optimizer="muon"))
    turned = {id(each) for group in optimizer.param_groups if group["orthogonal"] for each in group["params"]}
    assert turned == {id(each) for each in network.parameters() if each.ndim == 4}
