"""The residual networks: their layouts, their layers, their state and their cost."""
