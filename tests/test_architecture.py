"""Our network is torchvision's, number for number, and its sizes are the paper's."""

from __future__ import annotations

from functools import cache

import pytest
import tiny
import torch
import torchvision
from torch import nn

from resnet_demo.models import cost
from resnet_demo.models.architecture import DEPTHS, STAGES, architecture_of
from resnet_demo.models.resnet import ResidualBlock, ResNet, count_gflops, count_parameters, load_strictly


def state_of(depth: int, outputs: int = 10) -> dict[str, torch.Tensor]:
    return {key: torch.from_numpy(value) for key, value in tiny.random_state(depth, outputs).items()}


@cache
def on_meta(depth: int, variant: str = "v1.5") -> ResNet:
    """A network of shapes only."""
    with torch.device("meta"):
        return ResNet(depth, variant=variant)


def randomise_norms(module: nn.Module) -> None:
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm2d):
            for tensor in (norm.weight.data, norm.bias.data, norm.running_mean):
                tensor.normal_()
            norm.running_var.uniform_(0.5, 2)


@pytest.mark.parametrize("depth", [18, 34, 50])
def test_same_output_as_torchvision_on_the_same_weights(depth):
    """Those of 101 and 152 layers have more blocks of ResNet-50's, as the test of their names and shapes shows."""
    state = state_of(depth)
    ours = ResNet(depth, 10).eval()
    load_strictly(ours, state)
    with torch.device("meta"):
        theirs = getattr(torchvision.models, f"resnet{depth}")(num_classes=10)
    # assign: the state's own tensors take the place of the meta device's empty ones.
    missing = theirs.load_state_dict(state, strict=False, assign=True)
    assert not missing.unexpected_keys
    assert all(key.endswith("num_batches_tracked") for key in missing.missing_keys)
    theirs.eval()
    x = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected, actual = theirs(x), ours(x)
    assert expected.std() > 0.1  # A network that always says the same would pass otherwise.
    torch.testing.assert_close(actual, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("depth", DEPTHS)
def test_names_and_shapes_of_the_state_are_torchvisions(depth):
    with torch.device("meta"):
        theirs = getattr(torchvision.models, f"resnet{depth}")()
    shapes = {key: value.shape for key, value in on_meta(depth).state_dict().items()}
    assert shapes == {key: value.shape for key, value in theirs.state_dict().items()}


@pytest.mark.parametrize(("depth", "millions"), list(zip(DEPTHS, (11.7, 21.8, 25.6, 44.5, 60.2), strict=True)))
def test_parameter_counts_of_the_paper(depth, millions):
    assert round(count_parameters(on_meta(depth)) / 1e6, 1) == millions


@pytest.mark.parametrize(
    ("depth", "variant", "gflops"),
    [
        (18, "v1", 1.8),  # Table 1 of the paper
        (34, "v1", 3.7),
        (50, "v1", 3.9),
        (101, "v1", 7.6),
        (152, "v1", 11.3),
        (50, "v1.5", 4.1),  # torchvision's documentation
        (101, "v1.5", 7.8),
        (152, "v1.5", 11.5),
    ],
)
def test_multiply_adds_of_the_paper(depth, variant, gflops):
    """By the table of blocks. That a network's own count is the same, ``test_page`` and ``test_families`` show."""
    assert cost.count_gflops(depth, 1000, variant, 224) == pytest.approx(gflops, abs=0.06)


def test_multiply_adds_leave_the_network_untouched_and_grow_with_the_picture():
    network = ResNet(18, 5)
    assert count_gflops(network, 448, 448) == pytest.approx(4 * count_gflops(network), rel=0.01)
    assert not any(module._forward_hooks for module in network.modules())
    assert network.training and network.fc.weight.device.type == "cpu"


def convolution_weights(block: nn.Module) -> int:
    return sum(module.weight.numel() for module in block.modules() if isinstance(module, nn.Conv2d))


def test_block_sizes():
    basic, bottleneck = architecture_of(18).stages["layer3"][1], architecture_of(50).stages["layer1"][1]
    assert convolution_weights(ResidualBlock(basic)) == 1_179_648  # 256 channels
    assert convolution_weights(ResidualBlock(bottleneck)) == 69_632


def test_variants_put_the_stride_of_a_stage_into_different_convolutions():
    def strides(variant: str) -> list[int]:
        block = on_meta(50, variant=variant).layer2[0]
        return [convolution.stride[0] for convolution in (block.conv1, block.conv2, block.conv3, block.downsample[0])]

    assert strides("v1") == [2, 1, 1, 2]
    assert strides("v1.5") == [1, 2, 1, 2]


def test_variants_differ_in_what_they_compute_not_in_their_weights(monkeypatch):
    tiny.narrow(monkeypatch)
    state = state_of(50)
    x = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    outputs = []
    for variant in ("v1", "v1.5"):
        network = ResNet(50, 10, variant).eval()
        load_strictly(network, state)
        with torch.inference_mode():
            outputs.append(network(x))
    assert (outputs[0] - outputs[1]).abs().max() > 1e-2


@pytest.mark.parametrize(("depth", "variant"), [(18, "v1.5"), (50, "v1.5"), (50, "v1")])
def test_a_zero_last_norm_makes_a_block_the_identity(depth, variant):
    record = architecture_of(depth, variant).stages["layer1"][1]
    block = ResidualBlock(record)
    randomise_norms(block)
    nn.init.zeros_(block.last_norm.weight)
    nn.init.zeros_(block.last_norm.bias)
    x = torch.rand(1, record.inputs, 8, 8)
    with torch.inference_mode():
        torch.testing.assert_close(block.eval()(x), x, rtol=0, atol=0)


def test_zero_last_norm_is_an_option_of_the_network():
    def norms(network: ResNet) -> list[float]:
        return [block.last_norm.weight.abs().max().item() for name in STAGES for block in getattr(network, name)]

    assert set(norms(ResNet(18, 3, zero_last_norm=True))) == {0.0}
    assert set(norms(ResNet(18, 3))) == {1.0}


def test_convolutions_start_as_in_he_et_al():
    weight = ResNet(18, 3).layer3[0].conv2.weight  # fan-out 256 · 9
    assert weight.std().item() == pytest.approx((2 / (256 * 9)) ** 0.5, rel=0.02)


def test_feature_maps_of_a_picture_of_any_size():
    network = ResNet(18, 3).eval()
    with torch.inference_mode():
        maps = network.stages(torch.zeros(2, 3, 65, 100))
    assert {name: tuple(value.shape) for name, value in maps.items()} == {
        "layer1": (2, 64, 17, 25),
        "layer2": (2, 128, 9, 13),
        "layer3": (2, 256, 5, 7),
        "layer4": (2, 512, 3, 4),
    }


def test_head_of_features_is_the_output():
    network = ResNet(18, 7).eval()
    x = torch.randn(2, 3, 64, 96)
    with torch.inference_mode():
        torch.testing.assert_close(network.head(network.features(x)), network(x), rtol=0, atol=0)
    assert network(x).shape == (2, 7)


def test_wrong_shapes_are_named():
    network = ResNet(18, 3).eval()
    with pytest.raises(ValueError, match=r"\(batch, 3, rows, columns\).*\(1, 64, 64, 3\)"):
        network(torch.zeros(1, 64, 64, 3))
    with pytest.raises(ValueError, match=r"\(3, 64, 64\)"):
        network.features(torch.zeros(3, 64, 64))
    with pytest.raises(ValueError, match=r"\(batch, 512, rows, columns\).*\(1, 2048, 2, 2\)"):
        network.head(torch.zeros(1, 2048, 2, 2))


def test_depths_and_variants_that_do_not_exist():
    with pytest.raises(ValueError, match="There is no ResNet-42: choose a depth of 18, 34, 50, 101, 152"):
        ResNet(42)
    with pytest.raises(ValueError, match="There is no variant 'v2': choose v1 or v1.5"):
        ResNet(18, variant="v2")


def test_strict_loading_lists_every_bad_key_and_changes_nothing():
    network = ResNet(18, 4)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    state = state_of(18, 4)
    del state["conv1.weight"], state["layer2.0.downsample.1.running_var"]
    state["fc.weight"] = torch.zeros(5, 512)
    state["bn1.bias"] = torch.zeros(1)
    state["layer5.0.conv1.weight"] = torch.zeros(1)
    with pytest.raises(ValueError) as caught:
        load_strictly(network, state, "my.safetensors")
    message = str(caught.value)
    assert message.startswith("my.safetensors does not fit a ResNet-18: ")
    for part in (
        "missing: conv1.weight, layer2.0.downsample.1.running_var",
        "unexpected: layer5.0.conv1.weight",
        "bn1.bias is (1,) and should be (64,), fc.weight is (5, 512) and should be (4, 512)",
    ):
        assert part in message
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


def test_strict_loading_copies_everything():
    network, state = ResNet(18, 4), state_of(18, 4)
    load_strictly(network, state)
    for key, value in network.state_dict().items():
        assert key.endswith("num_batches_tracked") or torch.equal(value, state[key])
