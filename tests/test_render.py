"""Colour maps, heat over photos, face drawings, sizes and files, by what a person would see."""

from __future__ import annotations

import subprocess
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from resnet_demo.errors import UserError
from resnet_demo.images.colormaps import COLOURS, colour_map
from resnet_demo.images.decode import open_photo
from resnet_demo.images.draw_landmarks import FACE_COLOURS, draw_faces
from resnet_demo.images.overlay import encode_jpeg, fit_within, overlay, signed_overlay
from resnet_demo.tasks import CropBox
from resnet_demo.utils import cpu

EXAMPLES = sorted((Path(__file__).parents[1] / "resnet_demo" / "examples").glob("*.jpg"))


def grey(width: int = 120, height: int = 80, level: int = 128) -> Image.Image:
    return Image.new("RGB", (width, height), (level, level, level))


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image, int)


def face(x: float, y: float, size: float) -> np.ndarray:
    """68 points laid out like a face whose jaw is ``size`` wide, its middle at (x, y)."""

    def arc(count, left, right, middle, depth):
        t = np.linspace(0, 1, count)
        return np.stack([left + (right - left) * t, middle + depth * np.sin(np.pi * t)], axis=1)

    def ring(count, middle_x, middle_y, wide, high):
        t = np.linspace(np.pi, 3 * np.pi, count, endpoint=False)
        return np.stack([middle_x + wide * np.cos(t), middle_y + high * np.sin(t)], axis=1)

    points = np.vstack(
        [
            arc(17, -0.5, 0.5, -0.1, 0.65),
            arc(5, -0.4, -0.1, -0.25, -0.06),
            arc(5, 0.1, 0.4, -0.25, -0.06),
            np.stack([np.zeros(4), np.linspace(-0.15, 0.1, 4)], axis=1),
            arc(5, -0.1, 0.1, 0.14, 0.03),
            ring(6, -0.23, -0.13, 0.09, 0.04),
            ring(6, 0.23, -0.13, 0.09, 0.04),
            ring(12, 0, 0.3, 0.2, 0.08),
            ring(8, 0, 0.3, 0.15, 0.03),
        ]
    )
    return points * size + (x, y)


# --- Colour maps ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "low", "middle", "high"),
    [
        ("turbo", (35, 23, 27), (150, 250, 81), (144, 12, 0)),
        ("viridis", (68, 1, 84), (33, 145, 140), (253, 231, 37)),
        ("inferno", (0, 0, 4), (188, 55, 84), (252, 255, 164)),
        ("diverging", (5, 48, 97), (247, 247, 247), (103, 0, 31)),
    ],
)
def test_colour_maps_match_the_published_ones(name, low, middle, high):
    colours = colour_map(np.array([[0.0, 0.5, 1.0]]), name)
    assert colours.shape == (1, 3, 3) and colours.dtype == np.uint8
    assert np.abs(colours[0].astype(int) - (low, middle, high)).max() <= 8


@pytest.mark.parametrize("name", COLOURS)
def test_colour_maps_run_smoothly(name):
    table = colour_map(np.linspace(0, 1, 256)[None], name)[0].astype(int)
    assert np.abs(np.diff(table, axis=0)).max() <= 14
    assert len(np.unique(table, axis=0)) > 200


def test_odd_values_are_clamped():
    colours = colour_map(np.array([[-5, 0, 1, 5, np.nan, np.inf]]))[0]
    assert (colours[0] == colours[1]).all() and (colours[4] == colours[1]).all()
    assert (colours[3] == colours[2]).all() and (colours[5] == colours[2]).all()


def test_unknown_colour_map_names_the_known_ones():
    with pytest.raises(UserError, match="no colour map 'jet': choose one of turbo, viridis, inferno, diverging"):
        overlay(grey(), np.ones((7, 7)), colours="jet")


def test_no_plotting_library_is_imported():
    code = (
        "import sys, resnet_demo.images.overlay; print([m for m in ('matplotlib', 'torch', 'cv2') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1]
    )
    assert done.stdout.strip() == "[]"


# --- Overlays ---------------------------------------------------------------------------------------------------------


def test_heat_lies_where_the_map_is_hot():
    cam = np.zeros((7, 7))
    cam[1, 5] = 1  # upper right
    result = pixels(overlay(grey(140, 70), cam))
    changed = np.abs(result - 128).sum(axis=2)
    y, x = np.unravel_index(changed.argmax(), changed.shape)
    assert abs(x - 110) <= 12 and abs(y - 15) <= 6
    assert changed[50:, :60].max() == 0  # the cold corner is the photo itself


def test_constant_opacity_colours_cold_places_too():
    result = pixels(overlay(grey(), np.zeros((7, 7)), opacity=0.5, proportional=False))
    assert np.abs(result - (np.array([35, 23, 27]) + 128) / 2).max() <= 2


def test_opacity_zero_and_one():
    cam = np.random.default_rng(0).random((7, 7))
    assert (pixels(overlay(grey(), cam, opacity=0)) == 128).all()
    full = pixels(overlay(grey(), np.ones((7, 7)), opacity=1))
    assert (full == pixels(Image.fromarray(colour_map(np.ones((1, 1)))))[0, 0]).all()


def test_a_map_of_the_photos_size_is_taken_pixel_by_pixel():
    cam = np.zeros((80, 120), np.float32)
    cam[10, 20] = 1
    changed = (pixels(overlay(grey(), cam)) != 128).any(axis=2)
    assert np.argwhere(changed).tolist() == [[10, 20]]


def test_window_bounds_the_heat_and_dims_the_rest():
    window = CropBox(20.0, 0.0, 100.0, 80.0)
    cam = np.ones((7, 7), np.float32)
    dimmed = pixels(overlay(grey(), cam, window=window))
    left, inside, right = dimmed[:, :20], dimmed[:, 20:100], dimmed[:, 100:]
    assert (left == left[0, 0]).all() and (right == left[0, 0]).all() and 40 < left[0, 0, 0] < 110
    assert (np.ptp(inside, axis=2) > 30).all()
    untouched = pixels(overlay(grey(), cam, window=window, dim_outside=False))
    assert (untouched[:, :20] == 128).all() and (untouched[:, 20:100] == inside).all()


@pytest.mark.parametrize(
    "window", [CropBox(17.5, 3.5, 90.5, 76.5), CropBox(-10.3, -5.1, 110.2, 60.7), CropBox(0, 0, 120, 80)]
)
def test_heat_lands_on_the_windows_pixels(window):
    """The middle of each hot cell of a 7×7 map is at the matching place of the window, also for odd windows."""
    for row, column in ((3, 3), (2, 4), (4, 2)):
        cam = np.zeros((7, 7))
        cam[row, column] = 1
        changed = np.abs(pixels(overlay(grey(), cam, window=window, dim_outside=False)) - 128).sum(axis=2).astype(float)
        # Clamping at 1 keeps the spot symmetric, so its centre of mass is its middle.
        y, x = (np.array(np.indices(changed.shape)) * changed).sum(axis=(1, 2)) / changed.sum() + 0.5
        assert abs(x - (window.left + (column + 0.5) / 7 * (window.right - window.left))) < 0.6
        assert abs(y - (window.top + (row + 0.5) / 7 * (window.bottom - window.top))) < 0.6


def test_window_outside_the_photo_is_an_error():
    with pytest.raises(ValueError, match="outside a photo"):
        overlay(grey(), np.ones((7, 7)), window=CropBox(200, 0, 300, 80))


def test_signed_map_is_blue_below_red_above_and_clear_at_zero():
    values = np.zeros((80, 120), np.float32)
    values[:, :40], values[:, 80:] = -1, 1
    result = pixels(signed_overlay(grey(), values))
    assert (result[:, 40:80] == 128).all()
    assert (result[:, :40, 2] > result[:, :40, 0] + 40).all()
    assert (result[:, 80:, 0] > result[:, 80:, 2] + 40).all()
    values[:] = np.nan
    assert (pixels(signed_overlay(grey(), values)) == 128).all()


def test_overlays_leave_the_photo_alone():
    photo = grey()
    overlay(photo, np.ones((7, 7)), window=CropBox(20, 0, 100, 80))
    signed_overlay(photo, np.ones((7, 7)))
    draw_faces(photo, [face(60, 40, 50), face(20, 20, 30)])
    assert (pixels(photo) == 128).all()


# --- Faces ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [24, 80, 300, 900])
def test_every_region_is_drawn_in_its_colour(size):
    side = int(size * 1.6)
    points = face(side / 2, side / 2, size)
    result = pixels(draw_faces(grey(side, side), [points]))
    middles = {"jaw": 8, "brows": 19, "nose": 29, "eyes": 36, "mouth": 51}
    for region, index in middles.items():
        x, y = points[index].astype(int)
        near = result[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2].reshape(-1, 3)
        # The smallest faces only tint the pixel.
        allowed = 30 if size >= 300 else 130
        assert np.abs(near - FACE_COLOURS[region]).sum(axis=1).min() < allowed, region


def test_drawing_stays_on_the_face():
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 256, (300, 400, 3), np.uint8))
    result = draw_faces(noise, [face(200, 150, 120)])
    changed = (pixels(result) != pixels(noise)).any(axis=2)
    assert 0.005 < changed.mean() < 0.06
    outside = np.ones_like(changed)
    outside[90:250, 130:270] = False
    assert not changed[outside].any()


def test_strokes_are_smooth_and_grow_with_the_face():
    small = pixels(draw_faces(grey(400, 400), [face(200, 200, 100)]))
    large = pixels(draw_faces(grey(1600, 1600), [face(800, 800, 400)]))
    share_small, share_large = (small != 128).any(axis=2).mean(), (large != 128).any(axis=2).mean()
    assert 0.5 < share_large / share_small < 1.5
    # Smoothing gives many tones where bare strokes would have a dozen.
    assert len(np.unique(large @ np.array([65536, 256, 1]))) > 60


def test_faces_partly_or_wholly_outside_the_photo():
    result = pixels(draw_faces(grey(), [face(0, 40, 100)]))
    assert (result[:, :40] != 128).any() and (result[:, 90:] == 128).all()
    assert (pixels(draw_faces(grey(), [face(500, 500, 50)])) == 128).all()
    draw_faces(grey(), [face(60, 40, 1e7)])
    draw_faces(grey(), [np.full((68, 2), 40.0)])


def test_no_face_gives_the_photo():
    photo = grey()
    result = draw_faces(photo, [])
    assert result is not photo and (pixels(result) == 128).all()


def test_several_faces_are_numbered_and_one_is_not():
    one = face(100, 150, 80)
    others = [face(260, 150, 80), face(400, 150, 80)]
    alone = pixels(draw_faces(grey(500, 300), [one]))
    together = pixels(draw_faces(grey(500, 300), [one, *others]))
    above = (slice(90, 120), slice(50, 150))
    assert (alone[above] == 128).all()
    assert (together[above].min(axis=2) < 40).any() and (together[above].min(axis=2) > 220).any()


def test_boxes_and_scores_are_drawn():
    points = face(100, 150, 80)
    plain = pixels(draw_faces(grey(200, 300), [points]))
    framed = pixels(draw_faces(grey(200, 300), [points], boxes=[(50, 90, 150, 220)], scores=[0.98]))
    assert (plain[90, 60:140] == 128).all()
    assert (framed[89:92, 120:140] > 200).all(axis=2).any()
    assert (framed[60:88, 50:110].min(axis=2) < 40).any()  # the score's plate


def test_another_number_of_points_gives_dots():
    result = pixels(draw_faces(grey(), [np.array([(20.0, 20), (100, 20), (60, 70)])]))
    assert (result[20, 20] != 128).any() and (result[70, 60] != 128).any() and (result[20, 50:70] == 128).all()


# --- Sizes, bars, files -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "side", "expected"),
    [((400, 300), 100, (100, 75)), ((30, 3000), 300, (3, 300)), ((2, 3000), 300, (1, 300))],
)
def test_fit_within(size, side, expected):
    assert fit_within(grey(*size), side).size == expected


def test_fit_within_never_enlarges():
    photo = grey(40, 30)
    assert fit_within(photo, 40) is photo


@pytest.mark.parametrize("cpus", [1, 2, 5])
@pytest.mark.parametrize("path", EXAMPLES[:3], ids=lambda path: path.stem)
def test_a_photo_that_is_scaled_in_strips_has_no_seams(path, cpus, monkeypatch):
    monkeypatch.setattr(cpu, "cpu_count", lambda: cpus)
    photo = Image.open(path)
    long = max(photo.size)
    for side in (long - 1, long * 2 // 3, long // 3):
        scaled = fit_within(photo, side)
        apart = pixels(scaled) - pixels(photo.resize(scaled.size, Image.Resampling.HAMMING, reducing_gap=2.0))
        assert abs(apart).max() <= 1 and np.mean(apart != 0) < 0.01


def test_encode_jpeg():
    for photo in (grey(), grey().convert("RGBA"), grey().convert("L")):
        decoded = Image.open(BytesIO(encode_jpeg(photo)))
        assert decoded.format == "JPEG" and decoded.mode == "RGB" and decoded.size == (120, 80)
        assert np.abs(pixels(decoded) - 128).max() <= 2
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 256, (80, 120, 3), np.uint8))
    assert len(encode_jpeg(noise, quality=40)) < len(encode_jpeg(noise, quality=95))


# --- The shipped examples ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_small_clean_and_credited(path):
    assert path.stat().st_size < 200_000
    photo = open_photo(path)
    assert max(photo.size) <= 1024
    with Image.open(path) as raw:
        assert not raw.getexif() and "icc_profile" not in raw.info
    assert f"`{path.name}`" in (path.parent / "CREDITS.md").read_text(encoding="utf-8")


def test_there_are_examples_for_both_tasks():
    assert {"dahlia", "marigold", "astronaut", "two-people"} <= {path.stem for path in EXAMPLES}
