"""The decoder for untrusted pictures: whatever comes in, an upright 8-bit RGB photo or one clear sentence comes out.

Size and format are checked from the header, before any pixel is decoded. Pillow's global settings stay as they are.
"""

from __future__ import annotations

import os
import struct
import threading
import warnings
import zlib
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from PIL import ImageCms

from resnet_demo.errors import UserError
from resnet_demo.images.pixel_budget import budget

MAX_PIXELS = 50_000_000
MIN_SIDE = 8
READABLE = "JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF or HEIC"

# Only these decoders can be reached: Pillow has some forty more that nobody uploads but attackers.
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF")
_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*")
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

# Pillow warns from 89 megapixels on, which are refused here anyway, and of broken metadata, which nobody at a page can
# mend. On the command line either would stand between the sentences. (A filter for one call is not thread-safe.)
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.(Tiff|Png|Mpo)ImagePlugin")

_heif_lock = threading.Lock()
_heif_registered = False


def open_photo(
    source: str | os.PathLike | bytes | bytearray | memoryview | Image.Image | np.ndarray,
    max_pixels: int = MAX_PIXELS,
    draft_side: int | None = None,
) -> Image.Image:
    """A picture from anywhere → an upright RGB photo, 8 bits a channel, in sRGB, without metadata.

    Animations give their first frame, transparency becomes white, 16-bit and float values are scaled to 0..255.

    Args:
        source: path, file content, Pillow image (not changed) or uint8 array (H, W, 3).
        max_pixels: most pixels (width × height) that are decoded.
        draft_side: lets a JPEG be decoded at 1/2, 1/4 or 1/8 of its size as long as its short side stays at least
            this long (in pixels); the photo returned is then smaller. None: own resolution.

    Raises:
        UserError: a sentence for each kind of trouble; nothing else is raised for what a picture may hold.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source, max_pixels)
    if isinstance(source, Image.Image):
        _check_size(source.size, max_pixels, "The picture")
        try:
            return _to_rgb_upright(source)
        except _DAMAGED as error:
            raise _damaged("The picture") from error
    if isinstance(source, bytes | bytearray | memoryview):
        return _from_file(BytesIO(source), "The file", max_pixels, draft_side)
    if isinstance(source, str | os.PathLike):
        return _from_path(source, max_pixels, draft_side)
    raise UserError(
        f"A picture must be a path, bytes, a Pillow image or a uint8 array (H, W, 3), not {type(source).__name__}."
    )


def _from_path(path: str | os.PathLike, max_pixels: int, draft_side: int | None) -> Image.Image:
    path = os.fspath(path)
    name = os.path.basename(path) or path
    if os.path.isdir(path):
        raise UserError(f"{path!r} is a folder: choose a picture in it.")
    if not os.path.exists(path):
        raise UserError(f"There is no file {path!r}: check its name and folder.")
    # A pipe or a device would block or never end.
    if not os.path.isfile(path):
        raise _not_a_picture(f"The file {name!r}")
    try:
        with open(path, "rb") as file:
            return _from_file(file, f"The file {name!r}", max_pixels, draft_side)
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise UserError(f"The file {name!r} cannot be opened ({reason}): choose another picture.") from error


def _from_file(file, subject: str, max_pixels: int, draft_side: int | None) -> Image.Image:
    """Decode an open binary file; ``subject`` begins each sentence."""
    start = file.read(32)
    file.seek(0)
    if not start:
        raise UserError(f"{subject} is empty: choose another picture.")
    if start[4:8] == b"ftyp":
        _register_heif()
    try:
        image = Image.open(file, formats=_FORMATS)
    except Image.DecompressionBombError as error:
        raise _too_large(subject, None, max_pixels) from error
    except _DAMAGED as error:
        raise (_damaged(subject) if _begins_like_a_picture(start) else _not_a_picture(subject)) from error
    _check_size(image.size, max_pixels, subject)
    try:
        if draft_side is not None:
            short = min(image.size)
            image.draft(None, (image.width * draft_side // short, image.height * draft_side // short))
        with budget.reserved(image.size, subject) as keep:
            return keep(_to_rgb_upright(image))
    except UserError:
        raise
    except Image.DecompressionBombError as error:
        raise _too_large(subject, None, max_pixels) from error
    except _DAMAGED as error:
        raise _damaged(subject) from error


def _from_array(array: np.ndarray, max_pixels: int) -> Image.Image:
    if array.dtype != np.uint8:
        raise UserError(f"A picture array must be of type uint8 with values 0 to 255, not {array.dtype}.")
    if array.ndim != 3 or array.shape[2] != 3:
        raise UserError(f"A picture array must have the shape (height, width, 3), not {tuple(array.shape)}.")
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


def _check_size(size: tuple[int, int], max_pixels: int, subject: str) -> None:
    width, height = size
    if width * height > max_pixels:
        raise _too_large(subject, size, max_pixels)
    if min(size) < MIN_SIDE:
        raise UserError(
            f"{subject} is too small ({width} × {height} pixels): choose one of at least {MIN_SIDE} × {MIN_SIDE}."
        )


def _too_large(subject: str, size: tuple[int, int] | None, max_pixels: int) -> UserError:
    have = f" ({size[0]} × {size[1]} pixels)" if size else ""
    return UserError(f"{subject} is too large{have}: choose one of at most {max_pixels / 1e6:g} megapixels.")


def _damaged(subject: str) -> UserError:
    return UserError(f"{subject} is cut off or damaged: save or download it again, or choose another picture.")


def _not_a_picture(subject: str) -> UserError:
    return UserError(f"{subject} is not a picture this page can read: use {READABLE}.")


def _begins_like_a_picture(start: bytes) -> bool:
    """Whether a file that no decoder takes was a picture once, by its first bytes."""
    if start[:4] == b"RIFF":
        return start[8:12] in (b"WEBP", b"")
    if start[4:8] == b"ftyp":
        return start[8:12] in _HEIF_BRANDS
    return any(start.startswith(signature) for signature in _SIGNATURES) or start == b"\xff\xd8"


def _to_rgb_upright(image: Image.Image) -> Image.Image:
    image.load()
    # Read after load(): PNG may keep its EXIF behind the pixels, and TIFF turns itself while loading.
    turn = _UPRIGHT.get(_orientation(image))
    photo = _to_rgb(image)
    if turn is not None:
        photo = photo.transpose(turn)
    elif photo is image or type(photo) is not Image.Image:
        # A plain image: no closed file behind it, and not the caller's own object.
        photo = photo.copy()
    photo.info = {}
    return photo


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except _DAMAGED:
        # Broken metadata round sound pixels is common, and no reason to refuse the picture.
        return 1


def _to_rgb(image: Image.Image) -> Image.Image:
    """Any mode → RGB (sRGB where a profile says how)."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _scale_to_8_bits(image).convert("RGB")
    if image.mode == "LAB":
        from PIL import ImageCms

        return _from_profile(image, ImageCms.createProfile("LAB"))
    profile = image.info.get("icc_profile")
    if image.mode == "La":
        image = image.convert("LA")
    if image.has_transparency_data:
        transparent = image.convert("RGBA")
        image = Image.new("RGB", image.size, "white")
        image.paste(transparent, mask=transparent.getchannel("A"))
    elif image.mode not in ("RGB", "CMYK"):
        image = image.convert("RGB")
    if profile:
        image = _to_srgb(image, profile)
    return image if image.mode == "RGB" else image.convert("RGB")


def _to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """RGB or CMYK in the embedded profile's colours → sRGB; as it is where the profile is of no use."""
    if len(profile) > _MAX_PROFILE_BYTES:
        return image
    from PIL import ImageCms

    try:
        embedded = ImageCms.ImageCmsProfile(BytesIO(profile))
        fits = embedded.profile.xcolor_space.strip() == image.mode
        if not fits or (embedded.profile.profile_description or "").startswith("sRGB"):
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
    """Grey with 16-bit, 32-bit or float values → 8-bit grey over the values' own range, nothing clipped."""
    values = np.asarray(image)
    if image.mode.startswith("I;16"):
        return Image.fromarray(((values.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8))
    values = np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    # The usual conventions first (0..1, 0..255, 0..65535), so that a dark picture stays dark.
    whole_ranges = (255.0, 65535.0) if image.mode == "I" else (1.0, 255.0, 65535.0)
    top = next((top for top in whole_ranges if high <= top), None)
    if low >= 0 and top is not None:
        low, high = 0.0, top
    return Image.fromarray(np.rint((values - low) * (255.0 / max(high - low, 1e-12))).astype(np.uint8))
