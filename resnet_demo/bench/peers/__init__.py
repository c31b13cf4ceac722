"""The packages that are measured beside ours."""
