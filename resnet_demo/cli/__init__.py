"""The commands of ``python -m resnet_demo``, a file for each purpose."""
