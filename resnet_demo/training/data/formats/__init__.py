"""Data sets as they are distributed, a file each; ``registry`` knows them all."""
