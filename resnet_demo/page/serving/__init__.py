"""What stands between the network and the page: limits, visitors' files, stopping, and what the operator sees."""
