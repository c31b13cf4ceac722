"""What knows nothing of networks."""
