"""One tab of the page a file."""
