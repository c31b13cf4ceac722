"""Colours for maps: tables of 256, and a bar that explains them."""

from __future__ import annotations

from functools import cache

import numpy as np

from resnet_demo.errors import UserError

# Turbo as the polynomial its authors published (A. Mikhailov and R. Du, Google, 2019, Apache-2.0): powers 0 to 5.
_TURBO = (
    (0.13572138, 4.61539260, -42.66032258, 132.13108234, -152.94239396, 59.28637943),
    (0.09140261, 2.19418839, 4.84296658, -14.18503333, 4.27729857, 2.82956604),
    (0.10667330, 12.64194608, -60.58204836, 110.36276771, -89.90310912, 27.34824973),
)


# Evenly spaced anchors: viridis, inferno (S. van der Walt, N. Smith; CC0) and RdBu reversed (ColorBrewer, Apache-2.0).
_ANCHORS = {
    "viridis": "440154 482878 3e4989 31688e 26828e 1f9e89 35b779 6ece58 b5de2b fde725",
    "inferno": "000004 1b0c41 4a0c6b 781c6d a52c60 cf4446 ed6925 fb9b06 f7d13d fcffa4",
    "diverging": "053061 2166ac 4393c3 92c5de d1e5f0 f7f7f7 fddbc7 f4a582 d6604d b2182b 67001f",
}


COLOURS = ("turbo", *_ANCHORS)


@cache
def colour_table(name: str) -> np.ndarray:
    """A colour map's name → its colours from low to high, uint8 (256, 3), read-only.

    Raises:
        UserError: no such map.
    """
    x = np.linspace(0, 1, 256)
    if name == "turbo":
        table = np.stack([np.polynomial.polynomial.polyval(x, channel) * 255 for channel in _TURBO], axis=1)
    elif name in _ANCHORS:
        anchors = np.array([list(bytes.fromhex(colour)) for colour in _ANCHORS[name].split()], float)  # (anchors, 3)
        places = np.linspace(0, 1, len(anchors))
        table = np.stack([np.interp(x, places, anchors[:, channel]) for channel in range(3)], axis=1)
    else:
        raise UserError("There is no colour map {name!r}: choose one of {known}.", name=name, known=list(COLOURS))
    table = np.rint(table).clip(0, 255).astype(np.uint8)
    table.flags.writeable = False
    return table


def colour_map(values: np.ndarray, name: str = "turbo") -> np.ndarray:
    """Values 0..1 of shape (H, W) → colours, uint8 (H, W, 3). Values outside are clamped, NaN counts as 0."""
    return colour_table(name)[_to_index(values)]


def _to_index(values: np.ndarray) -> np.ndarray:
    values = np.nan_to_num(np.asarray(values, np.float32), nan=0.0, posinf=1.0, neginf=0.0)
    return (values.clip(0, 1) * 255 + 0.5).astype(np.uint8)


def signed_table() -> np.ndarray:
    """Colours of the values -1 (blue) to 1 (red) over a photo, uint8 (256, 3)."""
    signed = np.linspace(-1, 1, 256)
    # The map's pale middle would lie like fog over a dark photo; weak values are faint through alpha alone.
    return colour_map(0.5 + 0.5 * np.sign(signed) * (0.4 + 0.6 * np.abs(signed))[None], "diverging")[0]
