"""Look-alikes: an index of a folder's photos by what a network makes of them."""
