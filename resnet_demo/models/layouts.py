"""Depths and their blocks (He et al. 2015, Table 1), readable without importing torch."""

# depth: kind of block, blocks in each of the four stages
LAYOUTS: dict[int, tuple[str, tuple[int, int, int, int]]] = {
    18: ("basic", (2, 2, 2, 2)),
    34: ("basic", (3, 4, 6, 3)),
    50: ("bottleneck", (3, 4, 6, 3)),
    101: ("bottleneck", (3, 4, 23, 3)),
    152: ("bottleneck", (3, 8, 36, 3)),
}
DEPTHS = tuple(LAYOUTS)
STAGES = ("layer1", "layer2", "layer3", "layer4")
VARIANTS = ("v1", "v1.5")
