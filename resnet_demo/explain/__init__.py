"""Where a network looked: maps from features and weights."""
