"""Experiments on depth and shortcuts; those on fresh networks in NumPy, so that the page needs no PyTorch for them."""
