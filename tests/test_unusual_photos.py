"""Photos that are larger, shorter or coloured otherwise than most: as browsers show them, or one sentence."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageCms
from test_images import assert_alike, encode, noise, png, scene, sentence

from resnet_demo.images import decode
from resnet_demo.images.decode import open_photo

TURNED = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
)
RAW = "The file is a camera's raw photo, which cannot be read here: export a JPEG of it."
UNREADABLE = "The file is a kind of TIFF that cannot be read here: save it as JPEG or PNG."
LONG = 4  # type of a tag's values


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def with_chunk(data: bytes, name: bytes, body: bytes) -> bytes:
    """A PNG with a chunk behind its header."""
    return data[:33] + chunk(name, body) + data[33:]


def tiff(pixels: np.ndarray, **tags: int | tuple[int, ...]) -> bytes:
    """An uncompressed TIFF; ``tags`` are t254 and so on."""
    high, wide = pixels.shape[:2]
    channels = pixels.size // (high * wide)
    whole: dict[int, int | tuple[int, ...]] = {256: wide, 257: high, 258: (pixels.itemsize * 8,) * channels, 259: 1}
    whole |= {262: 2 if channels == 3 else 1, 273: 0, 277: channels, 278: high, 279: pixels.nbytes}
    whole |= {int(name[1:]): value for name, value in tags.items()}
    entries, further = b"", b""
    behind = 8 + 2 + 12 * len(whole) + 4
    for tag, value in sorted(whole.items()):
        values = value if isinstance(value, tuple) else (value,)
        packed = struct.pack(f"<{len(values)}I", *values)
        if tag == 273:
            place = len(entries)
        if len(values) > 1:
            packed, further = struct.pack("<I", behind + len(further)), further + packed
        entries += struct.pack("<HHI", tag, LONG, len(values)) + packed
    entries = entries[: place + 8] + struct.pack("<I", behind + len(further)) + entries[place + 12 :]
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(whole)) + entries + bytes(4) + further + pixels.tobytes()


@pytest.mark.parametrize(("kind", "value"), [(np.uint16, 60000), (np.float32, 0.75)])
def test_a_scan_whose_zero_is_white_is_no_negative(kind, value):
    pixels, more = np.full((16, 16), value, kind), {"t339": 3} if kind == np.float32 else {}
    black, white = (np.asarray(open_photo(tiff(pixels, t262=meaning, **more)), int)[8, 8, 0] for meaning in (1, 0))
    assert black > 180 and white == 255 - black


# --- Large ------------------------------------------------------------------------------------------------------------


def stretched(width: int, height: int, data: bytes) -> bytes:
    """A JPEG whose header promises another size."""
    place = max(data.find(b"\xff\xc0"), data.find(b"\xff\xc2"))
    return data[: place + 5] + struct.pack(">HH", height, width) + data[place + 9 :]


@pytest.mark.parametrize("draft_side", [None, 960])
def test_a_jpeg_beyond_the_limit_is_read_at_a_part_of_its_size(draft_side, monkeypatch):
    """What 8160×6144 is to 50 megapixels, 640×480 is here to 0.3."""
    monkeypatch.setattr(decode, "MAX_PIXELS", 300_000)
    monkeypatch.setattr(decode, "MAX_JPEG_PIXELS", 1_200_000)
    photo = open_photo(encode(scene(640, 480), "JPEG", quality=95), draft_side=draft_side)
    assert_alike(photo, scene(320, 240))
    assert photo.info == {"reduced": 2}
    assert open_photo(photo).info == {"reduced": 2}
    assert open_photo(encode(scene(1280, 800), "JPEG"), draft_side=100).size == (160, 100)
    exif = Image.Exif()
    exif[0x0112] = 6
    assert open_photo(encode(scene(640, 480), "JPEG", exif=exif)).size == (240, 320)
    assert "too large (1600 × 1200 pixels): choose one of at most 1.2" in sentence(encode(scene(1600, 1200), "JPEG"))
    # Decoding these at a part would take the whole one's memory.
    for data in (encode(scene(640, 480), "JPEG", progressive=True), encode(scene(640, 480), "PNG")):
        assert "too large (640 × 480 pixels): choose one of at most 0.3 megapixels" in sentence(data)
    assert "too large" in sentence(scene(640, 480))


@pytest.mark.parametrize(
    ("size", "result"),
    [((8160, 6144), (2040, 1536)), ((8192, 6144), (2048, 1536)), ((20000, 10000), (2500, 1250))],
)
def test_two_hundred_megapixels_of_jpeg_are_let_in(size, result):
    photo = open_photo(stretched(*size, encode(scene(), "JPEG")), draft_side=960)
    assert photo.size == result and photo.info == {"reduced": size[0] // result[0]}
    for large in ((20000, 10001), (60000, 60000)):
        text = f"too large ({large[0]} × {large[1]} pixels): choose one of at most 200 megapixels"
        assert text in sentence(stretched(*large, encode(scene(), "JPEG")))


# --- Without an end ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("draft_side", [None, 100])
def test_a_jpeg_without_its_end_marker_is_whole(mode, progressive, draft_side):
    data = encode(scene(640, 480).convert(mode), "JPEG", quality=90, progressive=progressive)
    whole = open_photo(data, draft_side=draft_side)
    for cut in (1, 2):
        photo = open_photo(data[:-cut], draft_side=draft_side)
        assert_alike(photo, whole, within=0)
        assert photo.info == {}


def test_a_few_missing_rows_are_said_and_many_refused():
    data = encode(noise(640, 640), "JPEG", quality=90)
    whole = open_photo(data)
    photo = open_photo(data[: round(len(data) * 0.98)])
    missing = photo.info["missing_rows"]
    assert 0.02 <= missing <= 0.05
    there = (0, 0, 640, round(640 * (1 - missing)) - 16)
    assert_alike(photo.crop(there), whole.crop(there), within=0)
    assert "is cut off or damaged" in sentence(data[: round(len(data) * 0.93)])
    coarse = encode(noise(640, 480), "JPEG", quality=90, progressive=True)  # so its first scans show the whole picture
    assert "is cut off or damaged" in sentence(coarse[: len(coarse) // 2])
    assert "is cut off or damaged" in sentence(encode(scene().convert("CMYK"), "JPEG")[:-40])


# --- Orientation ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "PNG behind", "WEBP", "AVIF", "TIFF"])
def test_an_orientation_that_only_xmp_has_is_no_browsers(kind):
    if kind.startswith("PNG"):
        data, text = encode(scene(), "PNG"), chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + TURNED)
        place = len(data) - 12 if "behind" in kind else 33
        data = data[:place] + text + data[place:]
    elif kind == "TIFF":
        data = encode(scene(), kind, tiffinfo={700: TURNED})
    else:
        data = encode(scene(), kind, xmp=TURNED)
    assert_alike(open_photo(data), scene())
    assert_alike(open_photo(Image.open(BytesIO(data))), scene()) if kind != "TIFF" else None


def test_exif_counts_where_xmp_says_something_else():
    exif = Image.Exif()
    exif[0x0112] = 3
    data = encode(scene().transpose(Image.Transpose.ROTATE_180), "JPEG", exif=exif, xmp=TURNED)
    assert_alike(open_photo(data), scene())
    assert_alike(open_photo(Image.open(BytesIO(data))), scene())


# --- Kinds of TIFF ----------------------------------------------------------------------------------------------------


def test_the_tests_own_tiff_is_one():
    pixels = np.asarray(scene())
    assert_alike(open_photo(tiff(pixels)), scene(), within=0)
    assert_alike(open_photo(tiff(pixels.astype(np.uint16) * 257)), scene(), within=0)


@pytest.mark.parametrize(
    ("pixels", "tags"),
    [
        (np.zeros((16, 16, 3), np.float32), {"t339": (3, 3, 3)}),
        (np.zeros((16, 16, 3), np.uint16), {"t284": 2}),
        (np.zeros((16, 16, 3), np.uint8), {"t259": 50001}),  # WebP
        (np.zeros((16, 16, 3), np.uint8), {"t259": 50002}),  # JPEG XL
    ],
)
def test_kinds_that_cannot_be_read_are_not_called_damaged(pixels, tags):
    assert sentence(tiff(pixels, **tags)) == UNREADABLE


@pytest.mark.parametrize("tags", [{"t50706": (1, 4, 0, 0)}, {"t254": 1, "t330": 1000}, {"t259": 34713}])
def test_raw_photos_are_refused_with_advice(tags):
    """Their first picture is a thumbnail, or what Pillow cannot decode."""
    assert sentence(tiff(np.zeros((16, 16, 3), np.uint8), **tags)) == RAW


def test_unsigned_32_bit_grey():
    pixels = np.full((16, 16), 72 << 24, np.uint32)
    pixels[8:] = 200 << 24
    photo = open_photo(tiff(pixels, t339=1))
    assert photo.getpixel((0, 0)) == (72, 72, 72) and photo.getpixel((0, 15)) == (199, 199, 199)
    small = np.full((16, 16), 72, np.uint32)
    assert open_photo(tiff(small, t339=1)).getpixel((0, 0)) == (72, 72, 72)


# --- Colours ----------------------------------------------------------------------------------------------------------


def flat(colour: tuple[int, int, int]) -> Image.Image:
    return Image.new("RGB", (32, 32), colour)


def assert_colour(data: bytes, expected: tuple[int, int, int], within: int = 3) -> None:
    found = open_photo(data).getpixel((16, 16))
    assert np.abs(np.subtract(found, expected)).max() <= within, found


# Colour, primaries, curve → what Chromium 156 draws into an sRGB canvas.
DRAWN = [
    ((184, 56, 49), 12, 13, (200, 40, 40)),  # Display P3
    ((184, 56, 49), 1, 4, (185, 53, 45)),  # gamma 2.2
    ((184, 56, 49), 1, 8, (221, 129, 121)),  # linear
    ((148, 120, 90), 9, 16, (221, 100, 45)),  # PQ
    ((148, 148, 148), 9, 16, (187, 187, 187)),
    ((191, 191, 191), 9, 18, (187, 187, 187)),  # HLG
    ((184, 56, 49), 1, 13, (184, 56, 49)),
    ((184, 56, 49), 2, 2, (184, 56, 49)),  # unknown
]


@pytest.mark.parametrize(("colour", "primaries", "curve", "drawn"), DRAWN)
def test_colours_by_code_points(colour, primaries, curve, drawn):
    codes = with_chunk(encode(flat(colour), "PNG"), b"cICP", bytes([primaries, curve, 0, 1]))
    assert_colour(codes, drawn)
    avif = bytearray(encode(flat(colour), "AVIF", quality=100, subsampling="4:4:4"))
    place = avif.find(b"colrnclx") + 8
    avif[place : place + 4] = struct.pack(">HH", primaries, curve)
    assert_colour(bytes(avif), drawn)
    heic = encode(
        flat(colour), "HEIF", quality=100, color_primaries=primaries, transfer_characteristics=curve, chroma=444
    )
    assert_colour(heic, drawn, within=5)


def test_a_profile_says_more_than_codes_but_not_in_a_png():
    from test_images import wide_profile

    swapped = (250, 10, 10)
    data = encode(flat(swapped), "PNG", icc_profile=wide_profile())
    red, green, _ = open_photo(with_chunk(data, b"cICP", bytes([12, 13, 0, 1]))).getpixel((9, 9))
    assert red > 200 > green
    avif = encode(flat(swapped), "AVIF", icc_profile=wide_profile())
    red, green, _ = open_photo(avif).getpixel((9, 9))
    assert green > 200 > red


def grey_profile(gamma: float) -> bytes:
    """A profile of grey with another gamma than screens have."""
    curve = b"curv" + bytes(4) + struct.pack(">IH2x", 1, round(gamma * 256))
    white = b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)
    text = "grey".encode("utf-16-be")
    name = b"mluc" + bytes(4) + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(text), 28) + text
    tags, body, place = b"", b"", 128 + 4 + 12 * 4
    for tag, part in ((b"desc", name), (b"cprt", name), (b"wtpt", white), (b"kTRC", curve)):
        tags += tag + struct.pack(">II", place + len(body), len(part))
        body += part + bytes(-len(part) % 4)
    head = struct.pack(">I4sI4s4s4s", place + len(body), b"lcms", 0x04300000, b"mntr", b"GRAY", b"XYZ ")
    head += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp") + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + struct.pack(">I", 4) + tags + body


@pytest.mark.parametrize("mode", ["L", "LA", "I;16"])
def test_a_profile_of_grey_is_converted(mode):
    profile = grey_profile(1.0)
    assert ImageCms.ImageCmsProfile(BytesIO(profile)).profile.xcolor_space.strip() == "GRAY"
    grey = Image.fromarray(np.full((32, 32), 55, np.uint8))
    if mode == "I;16":
        grey = Image.fromarray(np.full((32, 32), 55 * 257, np.uint16))
    elif mode == "LA":
        grey.putalpha(255)
    # Linear 55/255 is 0.502 on a screen.
    assert_colour(encode(grey, "PNG", icc_profile=profile), (128, 128, 128))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_transparent_value_of_16_bits_is_white(channels):
    left, right = (0x4000, 0x2000, 0x1000)[:channels], (0x4100, 0x0900, 0x0900)[:channels]
    row = b"\0" + struct.pack(f">{channels}H", *left) * 8 + struct.pack(f">{channels}H", *right) * 8
    header = struct.pack(">IIBBBBB", 16, 16, 16, 0 if channels == 1 else 2, 0, 0, 0)
    data = with_chunk(png(header, zlib.compress(row * 16)), b"tRNS", struct.pack(f">{channels}H", *left))
    photo = open_photo(data)
    assert photo.getpixel((2, 2)) == (255, 255, 255)
    assert photo.getpixel((12, 2)) == ((65, 65, 65) if channels == 1 else (65, 9, 9))
