"""From a picture to an answer."""
