"""Finding faces and cutting them out as in training."""
