"""The residual networks: their architectures, their layers, their state and their cost."""
