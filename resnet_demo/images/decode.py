"""The decoder for untrusted pictures: whatever comes in, an upright 8-bit RGB photo or one clear sentence comes out.

Size and format are checked from the header, before any pixel is decoded. Pillow's global settings stay as they are.
"""

from __future__ import annotations

import os
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from PIL import Image, JpegImagePlugin

if TYPE_CHECKING:
    from PIL import ImageCms

from resnet_demo.errors import Text, UserError
from resnet_demo.images import cicp, jpeg, tiff
from resnet_demo.images.pixel_budget import budget

MAX_PIXELS = 50_000_000
# Of a JPEG that is decoded at 1/2, 1/4 or 1/8 of its size, so that it takes no more memory than other photos.
MAX_JPEG_PIXELS = 200_000_000
MAX_MISSING = 0.05  # of a JPEG's rows, where its end did not come
MIN_SIDE = 8
STRIP = 1_000_000  # pixels of a picture with many bits that are scaled at a time
READABLE = Text("{first} or {last}", first=["JPEG", "PNG", "WebP", "GIF", "BMP", "TIFF", "AVIF"], last="HEIC")

# Only these decoders can be reached: Pillow has some forty more that nobody uploads but attackers.
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF")
_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF87a", b"GIF89a", *tiff.SIGNATURES)
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis")

# What Pillow's decoders and pillow-heif raise on bytes that break the format's rules.
_DAMAGED = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    EOFError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
)
# A profile beyond this size costs more than the colours it corrects; CMYK profiles have up to about 2 MB.
_MAX_PROFILE_BYTES = 4_000_000

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ORIENTATION = 0x0112
_XMP = ("xmp", "XML:com.adobe.xmp")
_MAX_UINT32 = 4_294_967_295.0
_RANGES_OF_16_BITS = (4095, 65535)  # Cameras and scanners with 12 bits keep their values as they are.

# Pillow warns from 89 megapixels on, which are refused here anyway, and of broken metadata, which nobody at a page can
# mend. On the command line either would stand between the sentences. (A filter for one call is not thread-safe.)
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.(Tiff|Png|Mpo|Jpeg)ImagePlugin")

_heif_lock = threading.Lock()
_heif_registered = False


def open_photo(
    source: str | os.PathLike | bytes | bytearray | memoryview | Image.Image | np.ndarray,
    max_pixels: int | None = None,
    draft_side: int | None = None,
) -> Image.Image:
    """A picture from anywhere → an upright RGB photo, 8 bits a channel, in sRGB, without metadata.

    Animations give their first frame, transparency becomes white, 16-bit and float values are scaled to 0..255 (grey of
    16 bits that ends at 4095 is taken for 12-bit), and what is brighter than white in HDR is darkened. As in browsers,
    orientation counts that EXIF or the format gives, not XMP. The photo's ``info`` is empty, but for ``reduced``
    (2, 4 or 8) where a JPEG of more than ``MAX_PIXELS`` was decoded at that part of its size, and ``missing_rows``
    (0..``MAX_MISSING``) where the end of one did not come.

    Args:
        source: path, file content, Pillow image (not changed) or uint8 array (H, W, 3).
        max_pixels: most pixels (width × height) of the picture. None: ``MAX_PIXELS``, and for a JPEG that can be
            decoded at a part of its size ``MAX_JPEG_PIXELS``.
        draft_side: lets a JPEG be decoded at 1/2, 1/4 or 1/8 of its size as long as its short side stays at least
            this long (in pixels); the photo returned is then smaller. None: own resolution.

    Raises:
        UserError: a sentence for each kind of trouble; nothing else is raised for what a picture may hold.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source, max_pixels or MAX_PIXELS)
    if isinstance(source, Image.Image):
        _check_size(source.size, max_pixels or MAX_PIXELS, "The picture")
        try:
            photo = _to_rgb_upright(source)
            # One of ours still says what it lacks.
            photo.info = {key: source.info[key] for key in ("reduced", "missing_rows") if key in source.info}
            return photo
        except _DAMAGED as error:
            raise _damaged("The picture") from error
    if isinstance(source, bytes | bytearray | memoryview):
        return _from_file(BytesIO(source), "The file", max_pixels, draft_side)
    if isinstance(source, str | os.PathLike):
        return _from_path(source, max_pixels, draft_side)
    raise UserError(
        "A picture must be a path, bytes, a Pillow image or a uint8 array (H, W, 3), not {kind}.",
        kind=type(source).__name__,
    )


def _from_path(path: str | os.PathLike, max_pixels: int | None, draft_side: int | None) -> Image.Image:
    path = os.fspath(path)
    name = os.path.basename(path) or path
    subject = Text("The file {name!r}", name=name)
    if os.path.isdir(path):
        raise UserError("{path!r} is a folder: choose a picture in it.", path=path)
    if not os.path.exists(path):
        raise UserError("There is no file {path!r}: check its name and folder.", path=path)
    # A pipe or a device would block or never end.
    if not os.path.isfile(path):
        raise _not_a_picture(subject)
    try:
        with open(path, "rb") as file:
            return _from_file(file, subject, max_pixels, draft_side)
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise UserError(
            "The file {name!r} cannot be opened ({reason}): choose another picture.", name=name, reason=reason
        ) from error


def _from_file(file: BinaryIO, subject: str | Text, max_pixels: int | None, draft_side: int | None) -> Image.Image:
    """Decode an open binary file; ``subject`` begins each sentence."""
    image = _opened(file, subject, max_pixels)
    size, most = image.size, max_pixels or MAX_PIXELS
    large = size[0] * size[1] > most and max_pixels is None and _can_be_reduced(image, file)
    _check_size(size, MAX_JPEG_PIXELS if large else most, subject)
    short = min(size)
    wanted = min(draft_side or short, short // 2 if large else short)
    part = (size[0] * wanted // short, size[1] * wanted // short) if wanted < short else None
    try:
        if part:
            image.draft(None, part)
        if large and image.size == size:
            raise _too_large(subject, size, most)
        info: dict[str, float] = {"reduced": round(size[0] / image.size[0])} if large else {}
        codes = cicp.codes(image, file)
        with budget.reserved(image.size, subject) as keep:
            content = _loaded(image, file)
            if content:
                # As browsers do: the rows that came are as good as in a whole file.
                image = _opened(BytesIO(content), subject, max_pixels)
                if part:
                    image.draft(None, part)
                _load(image)
                if (missing := jpeg.missing_rows(image)) > MAX_MISSING:
                    raise _damaged(subject)
                info |= {"missing_rows": missing} if missing else {}
            photo = _to_rgb_upright(image, codes)
            photo.info.update(info)
            return keep(photo)
    except UserError:
        raise
    except Image.DecompressionBombError as error:
        raise _too_large(subject, None, most) from error
    except _DAMAGED as error:
        raise _damaged(subject) from error


def _loaded(image: Image.Image, file: BinaryIO) -> bytes:
    """Decode a picture → nothing, or where its end did not come the content of its file with an end put to it.

    Raises:
        anything of ``_DAMAGED``
    """
    try:
        _load(image)
        return b""
    except _DAMAGED as error:
        if not (_is_jpeg(image) and "truncated" in str(error)):
            raise
        file.seek(0)
        content = file.read()
        if not jpeg.has_all_scans(content):
            raise
        return content + jpeg.END


def _opened(file: BinaryIO, subject: str | Text, max_pixels: int | None) -> Image.Image:
    """An open binary file as a Pillow image, of which only the headers were read."""
    start = file.read(32)
    file.seek(0)
    if not start:
        raise UserError("{subject} is empty: choose another picture.", subject=subject)
    if start[4:8] == b"ftyp":
        _register_heif()
    is_tiff = start.startswith(tiff.SIGNATURES)
    if is_tiff:
        tiff.check(file, subject)
        file.seek(0)
    try:
        return Image.open(file, formats=_FORMATS)
    except Image.DecompressionBombError as error:
        if start.startswith(_SIGNATURES[0]) and max_pixels is None:
            file.seek(0)
            return JpegImagePlugin.JpegImageFile(file)  # Read as far already; its size is checked next.
        raise _too_large(subject, None, max_pixels or MAX_PIXELS) from error
    except _DAMAGED as error:
        if is_tiff and tiff.is_whole(file):
            raise tiff.unreadable(subject) from error
        raise (_damaged(subject) if _begins_like_a_picture(start) else _not_a_picture(subject)) from error


def _is_jpeg(image: Image.Image) -> bool:
    return image.format in ("JPEG", "MPO")


def _can_be_reduced(image: Image.Image, file: BinaryIO) -> bool:
    file.seek(0)
    return _is_jpeg(image) and jpeg.needs_little_memory(file.read(jpeg.HEADERS))


def _from_array(array: np.ndarray, max_pixels: int) -> Image.Image:
    if array.dtype != np.uint8:
        raise UserError("A picture array must be of type uint8 with values 0 to 255, not {kind}.", kind=array.dtype)
    if array.ndim != 3 or array.shape[2] != 3:
        raise UserError(
            "A picture array must have the shape (height, width, 3), not {shape}.", shape=tuple(array.shape)
        )
    _check_size((array.shape[1], array.shape[0]), max_pixels, "The picture")
    # fromarray shares memory with the array; a photo must not change when the caller's buffer does.
    return Image.fromarray(np.ascontiguousarray(array)).copy()


def _register_heif() -> None:
    """Make Pillow able to open HEIC, once; only files that need it pay for the import."""
    global _heif_registered
    with _heif_lock:
        if not _heif_registered:
            import pillow_heif

            pillow_heif.register_heif_opener()
            _heif_registered = True


def _check_size(size: tuple[int, int], max_pixels: int, subject: str | Text) -> None:
    width, height = size
    if width * height > max_pixels:
        raise _too_large(subject, size, max_pixels)
    if min(size) < MIN_SIDE:
        raise UserError(
            "{subject} is too small ({width} × {height} pixels): choose one of at least {side} × {side}.",
            subject=subject,
            width=width,
            height=height,
            side=MIN_SIDE,
        )


def _too_large(subject: str | Text, size: tuple[int, int] | None, max_pixels: int) -> UserError:
    have = Text(" ({width} × {height} pixels)", width=size[0], height=size[1]) if size else ""
    return UserError(
        "{subject} is too large{have}: choose one of at most {most:g} megapixels.",
        subject=subject,
        have=have,
        most=max_pixels / 1e6,
    )


def _damaged(subject: str | Text) -> UserError:
    return UserError(
        "{subject} is cut off or damaged: save or download it again, or choose another picture.", subject=subject
    )


def _not_a_picture(subject: str | Text) -> UserError:
    return UserError("{subject} is not a picture this page can read: use {formats}.", subject=subject, formats=READABLE)


def _begins_like_a_picture(start: bytes) -> bool:
    """Whether a file that no decoder takes was a picture once, by its first bytes."""
    if start[:4] == b"RIFF":
        return start[8:12] in (b"WEBP", b"")
    if start[4:8] == b"ftyp":
        return start[8:12] in _HEIF_BRANDS
    return any(start.startswith(signature) for signature in _SIGNATURES) or start == b"\xff\xd8"


def _load(image: Image.Image) -> None:
    """Decode a file's picture; it is ours, and what XMP says of its orientation is left out, as in browsers."""
    for key in _XMP:
        image.info.pop(key, None)
    transparent = image.info.get("transparency")
    if isinstance(transparent, tuple) and any(";16" in str(tile) for tile in getattr(image, "tile", ())):
        image.info["transparency"] = tuple(value >> 8 for value in transparent)  # as the pixels will be
    raw = [tile[3] for tile in getattr(image, "tile", ()) if len(tile) > 3]
    times = {"L;2": 85, "L;4": 17}.get(str(raw[0])) if raw else None
    if isinstance(transparent, int) and times:
        image.info["transparency"] = times * transparent  # Likewise of grey with 2 or 4 bits.
    image.load()  # TIFF turns itself here, and PNG may keep its XMP behind the pixels.
    for key in _XMP:
        image.info.pop(key, None)


def _to_rgb_upright(image: Image.Image, codes: tuple[int, int] | None = None) -> Image.Image:
    image.load()
    # Read after load(): PNG may keep its EXIF behind the pixels.
    turn = _UPRIGHT.get(_orientation(image))
    photo = _to_rgb(image, codes)
    if turn is not None:
        photo = photo.transpose(turn)
    elif photo is image or type(photo) is not Image.Image:
        # A plain image: no closed file behind it, and not the caller's own object.
        photo = photo.copy()
    photo.info = {}
    return photo


def _orientation(image: Image.Image) -> int:
    try:
        if not any(key in image.info for key in _XMP):
            return int(image.getexif().get(_ORIENTATION, 1))
        exif = Image.Exif()
        exif.load(image.info.get("exif") or b"")
        return int(exif.get(_ORIENTATION, 1))
    except _DAMAGED:
        # Broken metadata round sound pixels is common, and no reason to refuse the picture.
        return 1


def _to_rgb(image: Image.Image, codes: tuple[int, int] | None) -> Image.Image:
    """Any mode → RGB (sRGB where a profile, or codes of ``cicp``, say how)."""
    profile = image.info.get("icc_profile")
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        scaled = _scale_to_8_bits(image)
        return (_to_srgb(scaled, profile) if profile else scaled).convert("RGB")
    if image.mode == "LAB":
        from PIL import ImageCms

        return _from_profile(image, ImageCms.createProfile("LAB"))
    if image.mode == "La":
        image = image.convert("LA")
    if image.has_transparency_data:
        grey = image.mode in ("L", "LA")
        transparent = image.convert("LA" if grey else "RGBA")
        image = Image.new("L" if grey else "RGB", image.size, "white")
        image.paste(transparent.convert(image.mode), mask=transparent.getchannel("A"))
    elif image.mode not in ("L", "RGB", "CMYK"):
        image = image.convert("RGB")
    if codes:
        image = cicp.to_srgb(image.convert("RGB"), *codes)
    elif profile:
        image = _to_srgb(image, profile)
    return image if image.mode == "RGB" else image.convert("RGB")


# What profiles of sRGB itself are called; others whose names begin so may have another curve, such as linear ones.
_SRGB = (
    "sRGB IEC61966-2.1",
    "sRGB IEC61966-2-1",
    "sRGB built-in",
    "sRGB",
    "sRGB2014",
    "sRGB IEC61966-2-1 black scaled",
)


def _to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Grey, RGB or CMYK in the embedded profile's colours → sRGB; as it is where the profile is of no use."""
    if len(profile) > _MAX_PROFILE_BYTES:
        return image
    from PIL import ImageCms

    try:
        embedded = ImageCms.ImageCmsProfile(BytesIO(profile))
        fits = embedded.profile.xcolor_space.strip() == {"L": "GRAY"}.get(image.mode, image.mode)
        if not fits or (embedded.profile.profile_description or "").strip() in _SRGB:
            return image
        return _from_profile(image, embedded)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image


def _from_profile(image: Image.Image, profile: ImageCms.ImageCmsProfile | ImageCms.core.CmsProfile) -> Image.Image:
    """Colours of a profile → sRGB."""
    from PIL import ImageCms

    converted = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    assert converted is not None  # Only a conversion in place gives nothing.
    return converted


def _scale_to_8_bits(image: Image.Image) -> Image.Image:
    """Grey with 16-bit, 32-bit or float values → 8-bit grey over the values' own range, nothing clipped.

    In strips of rows: a whole photo in float64, with what lies between, takes thirty times as much memory as its grey.
    """
    width, height = image.size
    unsigned, negative, rows = tiff.is_unsigned(image), tiff.is_negative(image), max(1, STRIP // width)

    def strips() -> Iterator[tuple[int, np.ndarray]]:
        for start in range(0, height, rows):
            values = np.asarray(image.crop((0, start, width, min(start + rows, height))))
            yield start, values.view(np.uint32) if unsigned else values

    grey = np.empty((height, width), np.uint8)
    if image.mode.startswith("I;16"):
        transparent = image.info.get("transparency")
        largest = max(int(values.max()) for _, values in strips())
        white = next(white for white in _RANGES_OF_16_BITS if largest <= white)
        for start, values in strips():
            part = grey[start : start + len(values)]
            part[:] = (values.astype(np.uint32) * 255 + white // 2) // white
            if isinstance(transparent, int):
                part[values == transparent] = 0 if negative else 255
        return Image.fromarray(255 - grey if negative else grey)
    ends = [(float(values.min()), float(values.max())) for values in (_finite(part) for _, part in strips())]
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    # The usual conventions first (0..1, 0..255, 0..65535), so that a dark picture stays dark.
    whole_ranges = (255.0, 65535.0) if image.mode == "I" else (1.0, 255.0, 65535.0)
    top = next((top for top in whole_ranges if high <= top), _MAX_UINT32 if high > _MAX_UINT32 / 2 else None)
    if low >= 0 and top is not None:
        low, high = 0.0, top
    for start, values in strips():
        grey[start : start + len(values)] = np.rint((_finite(values) - low) * (255.0 / max(high - low, 1e-12)))
    return Image.fromarray(255 - grey if negative else grey)


def _finite(values: np.ndarray) -> np.ndarray:
    return np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
