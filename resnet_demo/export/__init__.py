"""A checkpoint for other programs."""
