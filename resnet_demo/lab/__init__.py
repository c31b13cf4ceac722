"""Experiments on fresh networks, in NumPy, so that the page can run them without PyTorch."""
