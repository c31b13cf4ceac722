"""Measuring a checkpoint, and fitting what is measured."""
