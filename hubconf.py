"""The networks for ``torch.hub``: ``torch.hub.load(FOLDER, "resnet50", task="flowers102", source="local")``.

Each gives a ``torch.nn.Module``, float32 on the CPU in evaluation mode, see ``resnet_demo.ResNet``. ``network.spec``
says what its outputs mean and how pictures are prepared (``resnet_demo.tasks.preprocess`` and ``normalise``).
"""

dependencies = ["torch", "numpy", "PIL", "safetensors", "filelock"]


def _network(depth, pretrained, task, outputs):
    from resnet_demo import ResNet, checkpoints
    from resnet_demo.hub_mixin import network_of

    if pretrained:
        return network_of(checkpoints.load(task, depth))
    return ResNet(depth, outputs).eval()


def resnet18(pretrained=True, task="flowers102", outputs=1000):
    """ResNet-18. task: flowers102, faces68, imagenet1k …; outputs: of a network without weights, pretrained=False."""
    return _network(18, pretrained, task, outputs)


def resnet34(pretrained=True, task="flowers102", outputs=1000):
    """ResNet-34. task: flowers102, faces68, imagenet1k …; outputs: of a network without weights, pretrained=False."""
    return _network(34, pretrained, task, outputs)


def resnet50(pretrained=True, task="flowers102", outputs=1000):
    """ResNet-50. task: flowers102, faces68, imagenet1k …; outputs: of a network without weights, pretrained=False."""
    return _network(50, pretrained, task, outputs)


def resnet101(pretrained=True, task="flowers102", outputs=1000):
    """ResNet-101. task: flowers102, faces68, imagenet1k …; outputs: of a network without weights, pretrained=False."""
    return _network(101, pretrained, task, outputs)


def resnet152(pretrained=True, task="flowers102", outputs=1000):
    """ResNet-152. task: flowers102, faces68, imagenet1k …; outputs: of a network without weights, pretrained=False."""
    return _network(152, pretrained, task, outputs)
