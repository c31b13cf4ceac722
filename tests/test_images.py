"""The decoder for pictures: every format and mode comes out upright and RGB; each kind of trouble has its sentence."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import threading
import tracemalloc
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageFile

from resnet_demo.errors import UserError
from resnet_demo.images.decode import open_photo

BROKEN_EXIF = b"Exif\0\0MM\0*\xff\xff\xff\xff\0\1\2"
RED, GREEN, BLUE, YELLOW = (220, 40, 30), (30, 180, 60), (40, 60, 200), (240, 220, 60)


def scene(width: int = 64, height: int = 48) -> Image.Image:
    """Four quarters of different colours: any wrong turn or swapped channel shows."""
    pixels = np.empty((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2] = RED
    pixels[: height // 2, width // 2 :] = GREEN
    pixels[height // 2 :, : width // 2] = BLUE
    pixels[height // 2 :, width // 2 :] = YELLOW
    return Image.fromarray(pixels)


def noise(width: int = 160, height: int = 120, seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8))


def encode(image: Image.Image, kind: str, **options) -> bytes:
    if kind == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener()
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def assert_alike(photo: Image.Image, expected: Image.Image, within: float = 12) -> None:
    assert photo.mode == "RGB"
    assert photo.size == expected.size
    difference = np.abs(np.asarray(photo, float) - np.asarray(expected.convert("RGB"), float))
    assert difference.mean() <= within


def sentence(source, **options) -> str:
    with pytest.raises(UserError) as caught:
        open_photo(source, **options)
    text = str(caught.value)
    assert text.endswith(".") and "\n" not in text
    return text


# --- What it opens ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF"])
def test_formats_from_bytes_and_path(kind, tmp_path):
    data = encode(scene(), kind)
    path = tmp_path / "picture.any"
    path.write_bytes(data)
    for source in (data, bytearray(data), memoryview(data), path, str(path)):
        assert_alike(open_photo(source), scene())


def test_first_frame_of_animations():
    frames = [Image.new("RGB", (40, 30), colour) for colour in (RED, GREEN, BLUE)]
    for kind in ("GIF", "WEBP", "PNG", "TIFF", "MPO", "AVIF", "HEIF"):
        data = encode(frames[0], kind, save_all=True, append_images=frames[1:])
        assert_alike(open_photo(data), frames[0], within=4)


def test_result_carries_no_metadata():
    exif = Image.Exif()
    exif[0x010F] = "Camera"
    photo = open_photo(encode(scene(), "JPEG", exif=exif, comment=b"private"))
    assert photo.info == {}
    assert b"Camera" not in encode(photo, "JPEG")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(kind, orientation):
    upright = scene()
    # How a camera stores the upright scene under each value: the inverse of the turn that shows it.
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(turns[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(stored, kind, exif=exif.tobytes() if kind == "HEIF" else exif)
    assert_alike(open_photo(data), upright)


def test_exif_orientation_of_a_pillow_image_that_stays_as_it_was():
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.open(BytesIO(encode(scene().transpose(Image.Transpose.ROTATE_90), "PNG", exif=exif)))
    assert_alike(open_photo(image), scene(), within=0)
    assert image.size == (48, 64) and image.getexif()[0x0112] == 6


def test_broken_exif_is_no_reason_to_refuse():
    assert_alike(open_photo(encode(scene(), "JPEG", exif=BROKEN_EXIF)), scene())


def test_cmyk_jpeg():
    assert_alike(open_photo(encode(scene().convert("CMYK"), "JPEG", quality=95)), scene())


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "La", "RGBa", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV"])
def test_pillow_modes(mode):
    grey = mode in ("1", "L", "LA", "La")
    start = Image.new("L", (40, 30), 255) if grey else scene()
    if mode in ("P", "PA"):
        start = start.quantize(8)
    via = {"La": "LA", "RGBa": "RGBA"}.get(mode)
    image = (start.convert(via) if via else start).convert(mode)
    assert image.mode == mode
    assert_alike(open_photo(image), start, within=4)


def test_lab_tiff():
    lab = ImageCms.profileToProfile(
        scene(), ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    assert_alike(open_photo(encode(lab, "TIFF")), scene(), within=4)


def test_palette_with_transparency_becomes_white():
    palette = Image.new("P", (40, 30), 1)
    palette.putpalette([255, 0, 0, *BLUE])
    palette.paste(0, (0, 0, 20, 30))
    pixels = np.asarray(open_photo(encode(palette, "PNG", transparency=0)))
    assert (pixels[:, :20] == 255).all()
    assert (pixels[:, 20:] == BLUE).all()


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_half_transparent_is_laid_on_white(kind):
    image = Image.new("RGBA", (32, 32), (200, 0, 0, 128))
    image.paste((0, 0, 200, 0), (16, 0, 32, 32))
    pixels = np.asarray(open_photo(encode(image, kind)), int)
    assert np.abs(pixels[4:28, 3:12] - (227, 127, 127)).max() <= 8
    assert pixels[4:28, 20:].min() >= 247


def test_16_bit_grey_is_scaled_not_clipped():
    ramp = np.tile(np.linspace(0, 65535, 256).astype(np.uint16), (16, 1))
    for kind in ("PNG", "TIFF"):
        pixels = np.asarray(open_photo(encode(Image.fromarray(ramp), kind)))
        assert np.array_equal(pixels[0, :, 0], np.arange(256))


def test_12_bits_in_16_bit_grey_are_scaled_by_what_is_there():
    ramp = np.tile(np.linspace(0, 4095, 256).astype(np.uint16), (16, 1))
    for kind in ("PNG", "TIFF"):
        pixels = np.asarray(open_photo(encode(Image.fromarray(ramp), kind)))
        assert np.array_equal(pixels[0, :, 0], np.arange(256))


def test_16_bit_colour_png():
    row = b"\0" + struct.pack(">3H", 0xFFFF, 0x8000, 0x0000) * 16
    header = struct.pack(">IIBBBBB", 16, 16, 16, 2, 0, 0, 0)
    pixels = np.asarray(open_photo(png(header, zlib.compress(row * 16))))
    assert np.array_equal(pixels[3, 3], (255, 128, 0))


@pytest.mark.parametrize(
    ("values", "middle"),
    [
        (np.linspace(0, 1, 101), 128),  # the 0..1 convention
        (np.linspace(0, 0.5, 101), 64),  # a dark one of it stays dark
        (np.linspace(0, 255, 101), 128),
        (np.linspace(-3, 5, 101), 128),  # no convention: its own range
    ],
)
def test_float_tiff(values, middle):
    image = Image.fromarray(np.tile(values.astype(np.float32), (16, 1)))
    assert image.mode == "F"
    pixels = np.asarray(open_photo(encode(image, "TIFF")))
    assert abs(int(pixels[8, 50, 0]) - middle) <= 1


def test_many_bits_are_scaled_in_little_memory():
    """Beside the picture itself, a few bytes a pixel and not thirty."""
    image = Image.new("F", (2000, 3000), 0.5)
    tracemalloc.start()
    try:
        photo = open_photo(image)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert np.asarray(photo)[1500, 1000, 0] == 128
    assert peak < 10 * 2000 * 3000


def test_float_with_nan_and_infinity():
    values = np.full((16, 16), 0.5, np.float32)
    values[0, 0], values[0, 1] = np.nan, np.inf
    assert np.asarray(open_photo(Image.fromarray(values)))[8, 8, 0] == 128


def test_32_bit_whole_numbers():
    for top in (255, 65535, 2_000_000):
        image = Image.fromarray(np.tile(np.linspace(0, top, 64).astype(np.int32), (16, 1)))
        pixels = np.asarray(open_photo(image))
        assert pixels[0, 0, 0] == 0 and pixels[0, -1, 0] == 255


def wide_profile() -> bytes:
    """An RGB profile with swapped red and green primaries: a picture in it must change visibly."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack(">I", profile[128:132])[0]
    tags = {bytes(profile[132 + 12 * i : 136 + 12 * i]): 132 + 12 * i for i in range(count)}
    red, green = tags[b"rXYZ"], tags[b"gXYZ"]
    profile[red + 4 : red + 12], profile[green + 4 : green + 12] = (
        profile[green + 4 : green + 12],
        profile[red + 4 : red + 12],
    )
    where, length = struct.unpack(">II", profile[tags[b"desc"] + 4 : tags[b"desc"] + 12])
    text = bytes(profile[where : where + length])
    profile[where : where + length] = text.replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be"))
    return bytes(profile)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "HEIF"])
def test_embedded_profile_is_converted(kind):
    image = Image.new("RGB", (32, 32), (250, 10, 10))
    red, green, _ = np.asarray(open_photo(encode(image, kind, icc_profile=wide_profile())), int)[16, 16]
    assert green > 200 and red < 60


def test_a_profile_that_is_only_called_srgb_is_converted_too():
    """Such as the linear one that Krita saves 16 bits with, sRGB-elle-V2-g10.icc."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack(">I", profile[128:132])[0]
    for index in range(count):
        at = 132 + 12 * index
        name, (where, length) = bytes(profile[at : at + 4]), struct.unpack(">II", profile[at + 4 : at + 12])
        if name in (b"rTRC", b"gTRC", b"bTRC"):
            profile[where : where + 12] = b"curv" + bytes(4) + struct.pack(">I", 0)  # the identity
            profile[at + 8 : at + 12] = struct.pack(">I", 12)
        if name == b"desc":
            text = bytes(profile[where : where + length])
            profile[where : where + length] = text.replace("built".encode("utf-16-be"), "elle-".encode("utf-16-be"))
    image = Image.new("RGB", (32, 32), (55, 55, 55))
    assert abs(int(np.asarray(open_photo(encode(image, "PNG", icc_profile=bytes(profile))))[16, 16, 0]) - 128) < 4


@pytest.mark.parametrize(("bits", "value"), [(2, 2), (4, 8), (8, 8)])
def test_a_transparent_grey_is_white_however_few_bits_it_has(bits, value):
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packed = sum(value << (shift * bits) for shift in range(8 // bits))
    rows = (b"\0" + bytes([packed]) * (16 * bits // 8)) * 16
    head = struct.pack(">IIBBBBB", 16, 16, bits, 0, 0, 0, 0)
    parts = (b"IHDR", head), (b"tRNS", struct.pack(">H", value)), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    photo = open_photo(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts))
    assert (np.asarray(photo) == 255).all()


def test_broken_or_foreign_profile_is_ignored():
    for profile in (b"rubbish", wide_profile()[:200], bytes(300)):
        assert_alike(open_photo(encode(scene(), "PNG", icc_profile=profile)), scene(), within=0)
    # An RGB profile in a CMYK file says nothing about its colours.
    cmyk = encode(scene().convert("CMYK"), "JPEG", icc_profile=wide_profile(), quality=95)
    assert_alike(open_photo(cmyk), scene())


def test_array_is_copied():
    array = np.asarray(scene()).copy()
    photo = open_photo(array)
    array[:] = 0
    assert_alike(photo, scene(), within=0)
    assert_alike(open_photo(np.asarray(scene())[:, ::-1]), scene().transpose(Image.Transpose.FLIP_LEFT_RIGHT), 0)


def test_result_is_a_picture_of_its_own():
    image = scene()
    photo = open_photo(image)
    photo.paste("black", (0, 0, *photo.size))
    assert_alike(image, scene(), within=0)
    assert type(open_photo(encode(scene(), "JPEG"))) is Image.Image


@pytest.mark.parametrize(
    ("side", "size"), [(None, (1600, 1200)), (700, (1600, 1200)), (500, (800, 600)), (100, (200, 150))]
)
def test_draft_keeps_the_short_side(side, size):
    big = scene(1600, 1200)
    photo = open_photo(encode(big, "JPEG"), draft_side=side)
    assert photo.size == size
    assert_alike(photo, scene(*size), within=6)
    if side:
        assert min(photo.size) >= side


def test_draft_uses_the_smallest_size_that_is_large_enough():
    assert open_photo(encode(scene(1601, 1200), "JPEG"), draft_side=150).size == (201, 150)
    assert open_photo(encode(scene(1200, 1601), "JPEG"), draft_side=151).size == (300, 401)


def test_draft_changes_nothing_else():
    assert open_photo(encode(scene(1600, 1200), "PNG"), draft_side=100).size == (1600, 1200)
    assert open_photo(encode(scene(), "JPEG"), draft_side=400).size == (64, 48)
    grey = encode(scene(1600, 1200).convert("L"), "JPEG")
    assert open_photo(grey, draft_side=100).mode == "RGB"


def test_many_threads_open_heic_at_once():
    data = encode(scene(), "HEIF")
    results: list[Image.Image | Exception] = []

    def work() -> None:
        try:
            results.append(open_photo(data))
        except Exception as error:  # Whatever it is, the assertion below shows it
            results.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 6
    for result in results:
        assert_alike(result, scene())


# --- What it refuses --------------------------------------------------------------------------------------------------


def png(header: bytes, pixels: bytes) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def rgb_16_bits(image: Image.Image) -> bytes:
    """An RGB photo as a PNG of 16 bits a channel."""
    rows = np.asarray(image.convert("RGB")).astype(">u2") * 257
    lines = np.concatenate([np.zeros((len(rows), 1), np.uint8), rows.reshape(len(rows), -1).view(np.uint8)], axis=1)
    return png(struct.pack(">IIBBBBB", *image.size, 16, 2, 0, 0, 0), zlib.compress(lines.tobytes()))


def test_empty(tmp_path):
    assert sentence(b"") == "The file is empty: choose another picture."
    path = tmp_path / "nothing.jpg"
    path.touch()
    assert sentence(path) == "The file 'nothing.jpg' is empty: choose another picture."


@pytest.mark.parametrize(
    "content",
    [
        b"hello",
        b"x",
        b"%PDF-1.7 ...",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"\0\0\0\x20ftypisom a film",
        b"RIFF\x24\0\0\0WAVEfmt ",
        b"BM and a text after it",
        bytes(5000),
    ],
)
def test_not_a_picture(content, tmp_path):
    path = tmp_path / "x.txt"
    path.write_bytes(content)
    readable = "use JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF or HEIC."
    assert sentence(path) == f"The file 'x.txt' is not a picture this page can read: {readable}"
    assert sentence(content) == f"The file is not a picture this page can read: {readable}"


@pytest.mark.parametrize("kind", ["PPM", "TGA", "ICO", "PCX", "EPS", "JPEG2000"])
def test_exotic_decoders_are_out_of_reach(kind):
    assert "is not a picture this page can read" in sentence(encode(scene(), kind))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF"])
@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 0.9])
def test_cut_off(kind, share, tmp_path):
    data = encode(noise(), kind)
    path = tmp_path / "half.bin"
    path.write_bytes(data[: max(24, int(len(data) * share))])
    assert sentence(path).startswith("The file 'half.bin' is cut off or damaged: ")


def test_cut_off_pillow_image():
    data = encode(noise(), "JPEG")
    assert sentence(Image.open(BytesIO(data[: len(data) // 2]))).startswith("The picture is cut off or damaged: ")


def test_truncated_pictures_stay_an_error_after_one_was_seen():
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


def test_random_damage_never_escapes_as_another_error():
    random = np.random.default_rng(7)
    for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF"):
        data = np.frombuffer(encode(noise(48, 40), kind), np.uint8)
        for _ in range(40):
            broken = data.copy()
            where = random.integers(0, min(len(data), 400), 6)
            broken[where] = random.integers(0, 256, 6)
            try:
                assert open_photo(broken.tobytes(), max_pixels=1_000_000).mode == "RGB"
            except UserError as error:
                assert str(error).endswith(".")


def test_too_small():
    text = "The picture is too small (1 × 1 pixels): choose one of at least 8 × 8."
    assert sentence(Image.new("RGB", (1, 1))) == text
    assert sentence(np.zeros((1, 1, 3), np.uint8)) == text
    assert "too small (1 × 1 pixels)" in sentence(encode(Image.new("RGB", (1, 1)), "PNG"))
    assert "too small (500 × 7 pixels)" in sentence(Image.new("RGB", (500, 7)))
    assert open_photo(Image.new("RGB", (8, 8))).size == (8, 8)


@pytest.mark.parametrize("side", [60_000, 12_000, 7_072])
def test_too_large_by_the_header_alone(side):
    # No pixels follow the header, so the sentence can only come from reading it.
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    assert sentence(png(header, b"")).endswith(": choose one of at most 50 megapixels.")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF"])
def test_limit_is_exact(kind):
    data = encode(scene(100, 50), kind)
    assert open_photo(data, max_pixels=5000).size == (100, 50)
    assert "is too large (100 × 50 pixels): choose one of at most 0.004999 megapixels." in sentence(
        data, max_pixels=4999
    )


def test_limit_holds_for_images_and_arrays_too():
    assert "too large" in sentence(scene(100, 50), max_pixels=4999)
    assert "too large" in sentence(np.zeros((50, 100, 3), np.uint8), max_pixels=4999)
    assert "too large" in sentence(encode(scene(1600, 1200), "JPEG"), max_pixels=1_000_000, draft_side=100)


def test_nothing_but_the_sentence_is_printed(tmp_path):
    (tmp_path / "large.png").write_bytes(png(struct.pack(">IIBBBBB", 12_000, 12_000, 8, 2, 0, 0, 0), b""))
    (tmp_path / "broken exif.jpg").write_bytes(encode(scene(), "JPEG", exif=BROKEN_EXIF))
    code = """
import sys
from resnet_demo.images.decode import open_photo
for path in sys.argv[1:]:
    try:
        print(open_photo(path).size)
    except ValueError as error:
        print(error)
"""
    command = [sys.executable, "-c", code, tmp_path / "large.png", tmp_path / "broken exif.jpg"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1])
    assert done.stderr == ""
    assert "choose one of at most 50 megapixels" in done.stdout and "(64, 48)" in done.stdout


def test_missing_file_folder_and_special_file(tmp_path):
    assert (
        sentence(tmp_path / "none.jpg")
        == f"There is no file {str(tmp_path / 'none.jpg')!r}: check its name and folder."
    )
    assert "is a folder: choose a picture in it." in sentence(tmp_path)
    assert "There is no file" in sentence("a\0b.jpg")
    assert "There is no file" in sentence("")
    os.mkfifo(tmp_path / "pipe")
    assert "is not a picture this page can read" in sentence(tmp_path / "pipe")


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((32, 32, 3), np.float32), "must be of type uint8 with values 0 to 255, not float32"),
        (np.zeros((32, 32, 3), np.uint16), "not uint16"),
        (np.zeros((32, 32), np.uint8), "must have the shape (height, width, 3), not (32, 32)"),
        (np.zeros((3, 32, 32), np.uint8), "not (3, 32, 32)"),
        (np.zeros((32, 32, 4), np.uint8), "not (32, 32, 4)"),
        (np.zeros((0, 0, 3), np.uint8), "too small"),
    ],
)
def test_wrong_arrays(array, words):
    assert words in sentence(array)


@pytest.mark.parametrize("source", [None, 3, ["a.jpg"], object()])
def test_wrong_types(source):
    assert "must be a path, bytes, a Pillow image or a uint8 array" in sentence(source)
