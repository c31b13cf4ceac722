"""Engines: a network on a device, one forward pass at a time."""
