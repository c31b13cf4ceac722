"""Closed form and autograd agree, nothing is left behind, and maps land where they belong."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tiny
import torch

from resnet_demo.explain import gradcam, maps
from resnet_demo.models.architecture import STAGES
from resnet_demo.models.resnet import ResNet, load_strictly


@pytest.fixture(scope="module")
def network() -> ResNet:
    """A ResNet-50 whose parameters want gradients, as after training."""
    network = ResNet(50, 6).eval()
    load_strictly(network, {key: torch.from_numpy(value) for key, value in tiny.random_state(50, 6).items()})
    return network


@pytest.fixture
def x() -> torch.Tensor:
    return torch.randn(1, 3, 96, 64, generator=torch.Generator().manual_seed(0))


def closed_form(network: ResNet, x: torch.Tensor, form=gradcam.last_stage) -> np.ndarray:
    with torch.inference_mode():
        return form(network.features(x)[0].numpy(), network.fc.weight.numpy())


def textbook(network: ResNet, x: torch.Tensor, layer: str, output: int) -> np.ndarray:
    """Grad-CAM as most programs do it, with a hook and backward(), on a network of its own."""
    kept = []
    handle = getattr(network, layer).register_forward_hook(lambda _module, _inputs, output: kept.append(output))
    logits = network(x)
    handle.remove()
    (gradient,) = torch.autograd.grad(logits[0, output], kept[0])
    weights = gradient[0].mean(dim=(1, 2))
    return torch.einsum("c,crk->rk", weights, kept[0][0]).relu().detach().numpy()


def test_closed_form_equals_autograd(network, x):
    actual = closed_form(network, x)
    # Random weights leave some outputs without any positive evidence, but not all.
    assert actual.min() == 0 and actual.max() > 1e-3
    for output in range(6):
        expected = gradcam.by_autograd(network, x, lambda logits, k=output: logits[0, k])
        np.testing.assert_allclose(actual[output], expected, rtol=0, atol=1e-5 * actual.max())


def test_signed_closed_form_equals_autograd(network, x):
    actual = closed_form(network, x, gradcam.signed_last_stage)
    assert actual.min() < 0 < actual.max()
    for output in range(6):
        expected = gradcam.by_autograd(network, x, lambda logits, k=output: logits[0, k], signed=True)
        np.testing.assert_allclose(actual[output], expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_a_sigmoid_behind_an_output_only_adds_a_positive_factor(network, x):
    behind = gradcam.by_autograd(network, x, lambda logits: logits.sigmoid()[0, 1], signed=True)
    actual = closed_form(network, x, gradcam.signed_last_stage)[1]
    np.testing.assert_allclose(maps.normalise_signed(actual), maps.normalise_signed(behind), atol=1e-5)


@pytest.mark.parametrize("layer", STAGES)
def test_every_layer_equals_the_textbook(network, x, layer):
    expected = textbook(network, x, layer, 2)
    actual = gradcam.by_autograd(network, x, lambda logits: logits[0, 2], layer)
    assert actual.dtype == np.float32 and expected.max() > 0
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-5 * expected.max())


def traces(network: ResNet) -> list[str]:
    """What Grad-CAM might have left in a network."""
    return [
        *(name for name, parameter in network.named_parameters() if parameter.grad is not None),
        *(name for name, parameter in network.named_parameters() if not parameter.requires_grad),
        *(
            name
            for name, module in network.named_modules()
            if module._forward_hooks or module._forward_pre_hooks or module._backward_hooks or module.training
        ),
    ]


def test_nothing_is_left_behind(network, x):
    before = {key: value.clone() for key, value in network.state_dict().items()}
    for layer in STAGES:
        gradcam.by_autograd(network, x, lambda logits: logits[0, 0], layer)
    assert traces(network) == [] and x.grad is None and not x.requires_grad
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


def test_nothing_is_left_behind_by_an_exception(network, x):
    def fail(_logits):
        raise RuntimeError("no such score")

    with torch.inference_mode():
        with pytest.raises(RuntimeError, match="no such score"):
            gradcam.by_autograd(network, x, fail, "layer2")
        assert torch.is_inference_mode_enabled() and not torch.is_grad_enabled()
    assert traces(network) == []


def test_callers_in_inference_mode_get_the_same_map(network, x):
    expected = gradcam.by_autograd(network, x, lambda logits: logits[0, 3], "layer3")
    with torch.inference_mode():
        actual = gradcam.by_autograd(network, x.clone(), lambda logits: logits[0, 3], "layer3")
    np.testing.assert_array_equal(actual, expected)


def test_six_threads_get_the_maps_of_one(network):
    pictures = torch.randn(6, 1, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    work = [(number, layer) for number in range(6) for layer in STAGES[::2]]

    def cam(job: tuple[int, str]) -> np.ndarray:
        number, layer = job
        return gradcam.by_autograd(network, pictures[number], lambda logits: logits[0, number], layer)

    expected = [cam(job) for job in work]
    with ThreadPoolExecutor(6) as pool:
        actual = list(pool.map(cam, work))
    for one, other in zip(actual, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-6 * other.max())
    assert traces(network) == []


def test_a_network_in_training_mode_is_refused(x):
    with pytest.raises(ValueError, match="evaluation mode"):
        gradcam.by_autograd(ResNet(18, 2), x, lambda logits: logits[0, 0])


def test_a_layer_that_does_not_exist(network, x):
    with pytest.raises(ValueError, match="There is no layer 'layer5': choose one of layer1, layer2, layer3, layer4"):
        gradcam.by_autograd(network, x, lambda logits: logits[0, 0], "layer5")


def test_normalised_maps_reach_from_zero_to_one():
    np.testing.assert_array_equal(maps.normalise01(np.array([[-4.0, 0, 1, 2]])), [[0, 0, 0.5, 1]])
    np.testing.assert_array_equal(maps.normalise_signed(np.array([[-4.0, 0, 1, 2]])), [[-1, 0, 0.25, 0.5]])
    for normalise in (maps.normalise01, maps.normalise_signed):
        np.testing.assert_array_equal(normalise(np.zeros((2, 2))), np.zeros((2, 2)))
    np.testing.assert_array_equal(maps.normalise01(-np.ones((2, 2))), np.zeros((2, 2)))


def test_a_large_map_has_the_small_ones_peak_and_range():
    small = np.zeros((7, 7), np.float32)
    small[1, 5] = 1
    large = maps.resize_map(small, (140, 280))
    assert large.shape == (140, 280) and large.dtype == np.float32
    assert large.min() == 0 and large.max() <= 1
    row, column = np.unravel_index(large.argmax(), large.shape)
    assert abs(row - 29.5) <= 1 and abs(column - 219.5) <= 1


def test_a_map_is_placed_into_its_window():
    whole = maps.place_map(np.ones((7, 7), np.float32), (25.2, 0, 75.4, 50), (50, 100))
    assert whole.shape == (50, 100)
    assert (whole[:, 25:75] == 1).all() and (whole[:, :25] == 0).all() and (whole[:, 75:] == 0).all()
    assert (maps.place_map(np.ones((7, 7), np.float32), (0, 0, 100, 50), (50, 100)) == 1).all()


@pytest.mark.parametrize("box", [(0.4, 0.4, 0.6, 0.6), (-3, -3, 9, 9), (4, 4, 5, 5)])
def test_windows_smaller_than_a_pixel_or_over_the_edge_do_no_harm(box):
    whole = maps.place_map(np.ones((7, 7), np.float32), box, (5, 5))
    assert whole.shape == (5, 5) and whole.max() == 1


def test_a_map_of_a_crop_lands_where_the_crop_was_cut():
    """A crop of 100 px at (40, 60), turned by 30 degrees: each of the map's cells goes back to its own place."""
    angle = np.deg2rad(30)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    matrix = np.hstack([turn, -turn @ [[90], [110]] + 50])  # the photo's (90, 110) is the crop's centre
    to_map = np.diag([0.1, 0.1]) @ matrix  # ten cells a side
    cam = np.zeros((10, 10), np.float32)
    cam[2, 7] = 1  # centre (75, 25) in the crop
    x, y = turn.T @ [75 - 50, 25 - 50] + [90, 110]
    whole = maps.warp_map(cam, to_map, (220, 200))
    row, column = np.unravel_index(whole.argmax(), whole.shape)
    assert abs(column + 0.5 - x) < 1.5 and abs(row + 0.5 - y) < 1.5
    assert whole.min() == 0 and 0.8 < whole.max() <= 1
    covered = maps.warp_map(np.ones((10, 10), np.float32), to_map, (220, 200))
    assert covered.sum() == pytest.approx(100 * 100, rel=0.01)
    assert covered[110, 90] == 1 and covered[62, 42] == 0


def test_signed_maps_keep_their_sign_when_warped():
    cam = np.full((4, 4), -1, np.float32)
    whole = maps.warp_map(cam, np.array([[0.1, 0, 0], [0, 0.1, 0]]), (60, 60))
    assert (whole[:40, :40] == -1).all() and (whole[41:] == 0).all()


def test_a_crop_outside_of_the_photo_leaves_nothing():
    whole = maps.warp_map(np.ones((4, 4), np.float32), np.array([[0.1, 0, -100], [0, 0.1, 0]]), (60, 60))
    assert whole.shape == (60, 60) and not whole.any()
