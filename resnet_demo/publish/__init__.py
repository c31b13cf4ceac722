"""Putting the weights and the page on the Hugging Face Hub: ``python -m resnet_demo publish``."""
