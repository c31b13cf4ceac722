"""Colours that a PNG, AVIF or HEIC gives by code points (CICP, in ISO media files "nclx") instead of a profile → sRGB.

Source of the codes and curves: ITU-T H.273. What is brighter than a screen's white, in PQ and HLG, is darkened as
Chromium does it on such a screen.
"""

from __future__ import annotations

import re
from functools import cache
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageFilter

# In both formats the length stands before the name, which makes a match by chance in other data all but impossible.
_PNG = re.compile(rb"\0\0\0\x04cICP(.)(.)", re.DOTALL)
_AVIF = re.compile(rb"\0\0\0\x13colrnclx\0(.)\0(.)", re.DOTALL)
_HEADER = 65_536  # bytes from the start in which the codes stand

# Code → linear RGB to linear sRGB, rows of a matrix; both have the white D65.
_PRIMARIES = {
    9: (
        (1.660491, -0.587641, -0.072850),
        (-0.124550, 1.132900, -0.008349),
        (-0.018151, -0.100579, 1.118730),
    ),  # BT.2020
    12: ((1.224940, -0.224940, 0.0), (-0.042057, 1.042057, 0.0), (-0.019638, -0.078636, 1.098274)),  # Display P3
}
_PRIMARIES[11] = _PRIMARIES[12]  # P3 with the white of cinemas
_PQ, _HLG = 16, 18
_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0}
_WHITE, _BRIGHTEST = 203, 10_000  # candelas per square metre: of paper in HDR, and what PQ ends at
_STEPS = 65  # of the table, a side: the most that Pillow takes


def codes(image: Image.Image, file: BinaryIO) -> tuple[int, int] | None:
    """Primaries and transfer curve of an opened, not yet loaded picture; None where they are not given, or are those
    of sRGB."""
    found: tuple[int, int] | None
    nclx = image.info.get("nclx_profile")
    if nclx:
        found = nclx["color_primaries"], nclx["transfer_characteristics"]
    elif image.format in ("PNG", "AVIF"):
        position = file.tell()
        file.seek(0)
        header = file.read(_HEADER)
        file.seek(position)  # Pillow goes on reading there.
        match = (_PNG if image.format == "PNG" else _AVIF).search(header)
        found = (match[1][0], match[2][0]) if match else None
    else:
        return None
    # A profile says more than codes; only of PNG the standard says the opposite.
    if found is None or (image.format != "PNG" and "icc_profile" in image.info):
        return None
    primaries, curve = found
    known = primaries in _PRIMARIES or curve in _GAMMAS or curve in (_PQ, _HLG)
    return (primaries, curve) if known else None


def to_srgb(image: Image.Image, primaries: int, curve: int) -> Image.Image:
    """An RGB picture in colours of these codes → sRGB."""
    return image.filter(_table(primaries, curve))


@cache
def _table(primaries: int, curve: int) -> ImageFilter.Color3DLUT:
    steps = np.linspace(0, 1, _STEPS)
    blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")  # Pillow's order: red changes first.
    linear = _light(np.stack([red, green, blue], axis=-1), curve)
    if curve in (_PQ, _HLG):
        linear = _darkened(linear)
    linear = np.clip(linear @ np.array(_PRIMARIES.get(primaries, np.eye(3))).T, 0, 1)
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return ImageFilter.Color3DLUT(_STEPS, srgb.astype(np.float32).ravel())


def _light(values: np.ndarray, curve: int) -> np.ndarray:
    """Values 0..1 → light, 1 is white."""
    if curve in _GAMMAS:
        return values ** _GAMMAS[curve]
    if curve == _PQ:
        root = values ** (1 / 78.84375)
        light = np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)
        return light ** (1 / 0.1593017578125) * (_BRIGHTEST / _WHITE)
    if curve == _HLG:
        scene = np.where(values <= 0.5, values**2 / 3, (np.exp((values - 0.55991073) / 0.17883277) + 0.28466892) / 12)
        luminance = scene @ np.array([0.2627, 0.6780, 0.0593])
        return scene * luminance[..., None] ** 0.2 * (1000 / _WHITE)
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _darkened(light: np.ndarray) -> np.ndarray:
    """Light of HDR → that of a screen which ends at white, by Reinhard's curve of the brightest channel."""
    brightest = light.max(axis=-1, keepdims=True)
    return light * (1 + brightest * (_WHITE / _BRIGHTEST) ** 2) / (1 + brightest)
