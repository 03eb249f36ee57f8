"""A picture file becomes upright 8-bit RGB, or one clear reason why not."""

from __future__ import annotations

import hashlib
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from hairscan.errors import PhotoError
from hairscan.photo.codec import decode_picture
from hairscan.photo.headers import Header, UnreadableHeaderError, read_header
from hairscan.types import RgbImage

MIN_SIDE_PX = 64
MAX_PX = 120_000_000
MAX_BYTES = 1_000_000_000
"""The largest photo allowed, without any compression."""
_BLACK_LEVEL, _WHITE_LEVEL, _MIN_CONTRAST = 16, 239, 6
_FOURTEEN_BITS = 16384
"""Levels below which 16 bits hold a picture of 14 bits or less: to eight bits it would be dark or black."""
# EXIF orientation -> (transpose, flip rows, flip columns), applied in this order.
_TURNS = {
    1: (False, False, False),
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}


def read_rgb(path: Path) -> tuple[RgbImage, str]:
    """Upright 8-bit RGB picture of a JPEG, PNG or TIFF file, and the sha256 of its bytes.

    Sixteen bits are brought to eight by full range (never by the picture's own maximum), transparency is laid
    over white (of a TIFF it is refused unless it is all or nothing), and the EXIF orientation is applied.

    Returns
    -------
    rgb : uint8 array, shape (H, W, 3)
    sha256 : str
        Of the file's bytes, hexadecimal.

    Raises
    ------
    PhotoError
        The file is missing, empty, cut off, no picture, too small, too large, or shows nothing.
    """
    data = read_bytes(path)
    return decode_rgb(data, path.name), hashlib.sha256(data).hexdigest()


def decode_rgb(data: bytes, name: str) -> RgbImage:
    """Upright 8-bit RGB picture of the bytes of a JPEG, PNG or TIFF file, as `read_rgb` gives it.

    Raises
    ------
    PhotoError
        The bytes are cut off, no picture, too small, too large, or show nothing; the message names the photo.
    """
    if not data:
        raise PhotoError(f"{name} is empty (0 bytes); copy it again from the camera.")
    rgb = to_rgb8(_decode(data, name, _checked_header(data, name)), name)
    check_shows_something(rgb, name)
    return rgb


def to_rgb8(image: NDArray[np.generic], name: str) -> RgbImage:
    """8-bit RGB of a grey, RGB or RGBA array.

    Parameters
    ----------
    image : uint8, uint16 or float array, shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4)
        Floats lie in 0 to 1.

    Raises
    ------
    PhotoError
        Another shape or type, floats outside 0 to 1, or a size outside the limits.
    """
    if image.ndim == 2:
        image = image[..., None]
    if image.ndim != 3 or image.shape[2] not in (1, 3, 4):
        raise PhotoError(f"{name}: expected a grey, RGB or RGBA picture, got an array of shape {image.shape}.")
    check_size(image.shape[1], image.shape[0], name)
    levels = _to_uint8(image, name)
    if levels.shape[2] == 4:
        return _over_white(levels)
    return np.ascontiguousarray(np.broadcast_to(levels, (*levels.shape[:2], 3)))


def check_size(width_px: int, height_px: int, name: str) -> None:
    """Raise PhotoError for a picture too small to hold a hair or too large to hold in memory."""
    if min(width_px, height_px) < MIN_SIDE_PX:
        raise PhotoError(
            f"{name} is {width_px} x {height_px} px; a photo needs at least {MIN_SIDE_PX} px on each side."
        )
    if width_px * height_px > MAX_PX:
        raise PhotoError(
            f"{name} is {width_px} x {height_px} px, above the limit of {MAX_PX // 1_000_000} megapixels; "
            "crop or reduce it."
        )


def check_shows_something(rgb: RgbImage, name: str) -> None:
    """Raise PhotoError for a picture that is black, white or one flat colour all over."""
    step = max(1, int(np.sqrt(rgb.shape[0] * rgb.shape[1] / 250_000)))
    sample = cv2.resize(rgb, None, fx=1 / step, fy=1 / step, interpolation=cv2.INTER_NEAREST)
    counts = np.column_stack([cv2.calcHist([sample], [channel], None, [256], [0, 256]) for channel in range(3)])
    low, high = np.searchsorted(np.cumsum(counts.sum(axis=1)) / sample.size, (0.005, 0.995))
    if high <= _BLACK_LEVEL:
        raise PhotoError(f"{name}: nothing to judge: the photo is black. Check the light and take it again.")
    if low >= _WHITE_LEVEL:
        raise PhotoError(f"{name}: nothing to judge: the photo is white. Lower the exposure and take it again.")
    if max(np.ptp(np.flatnonzero(channel)) for channel in counts.T) < _MIN_CONTRAST:
        raise PhotoError(f"{name}: nothing to judge: the photo is one flat colour. Check the file.")


def check_bytes(n_bytes: int, name: str) -> None:
    """Raise PhotoError for a file larger than any photo."""
    if n_bytes > MAX_BYTES:
        raise PhotoError(f"{name} is larger than {MAX_BYTES // 10**9} GB; give a photo (JPEG, PNG or TIFF).")


def read_bytes(path: Path) -> bytes:
    """Bytes of a photo's file.

    Raises
    ------
    PhotoError
        The file is missing, cannot be read, or is larger than any photo.
    """
    try:
        if path.is_dir():
            raise PhotoError(f"{path} is a folder; give a photo (JPEG, PNG or TIFF).")
        check_bytes(path.stat().st_size, path.name)
        return path.read_bytes()
    except FileNotFoundError as error:
        raise PhotoError(f"{path} does not exist; check the path.") from error
    except ValueError as error:
        raise PhotoError(f"{str(path)!r} is no path: {error}.") from error
    except OSError as error:
        raise PhotoError(f"{path} cannot be read: {error.strerror or error}.") from error


def _checked_header(data: bytes, name: str) -> Header:
    try:
        header = read_header(data)
    except UnreadableHeaderError as error:
        raise PhotoError(f"{name} cannot be read: {error}. Copy or export it again as RGB JPEG or PNG.") from error
    if header is None:
        raise PhotoError(f"{name} is not a JPEG, PNG or TIFF picture; export it as one of these.")
    check_size(header.width_px, header.height_px, name)
    if not header.complete:
        raise PhotoError(f"{name} is cut off or damaged: part of the {header.kind} is missing. Copy it again.")
    return header


def _decode(data: bytes, name: str, header: Header) -> NDArray[np.generic]:
    """Array as stored, RGB(A) or grey, upright; any depth."""
    image = decode_picture(data)
    if image is None:
        raise PhotoError(f"{name} is damaged or of an unusual kind of {header.kind}: copy it again, or export it anew.")
    if header.kind == "TIFF" and image.ndim == 3 and image.shape[2] == 4:
        _check_all_or_nothing(image[..., 3], name)
    if image.ndim == 3 and image.shape[2] >= 3:
        image = image[..., [2, 1, 0, 3][: image.shape[2]]]
    transpose, flip_rows, flip_columns = _TURNS[header.orientation]
    if transpose:
        image = image.swapaxes(0, 1)
    return image[:: -1 if flip_rows else 1, :: -1 if flip_columns else 1]


def _check_all_or_nothing(alpha: NDArray[np.generic], name: str) -> None:
    """Raise PhotoError for half transparent pixels of a TIFF: the decoder has darkened some kinds of them by it."""
    opaque = 1 if alpha.dtype.kind == "f" else 2 ** (8 * alpha.itemsize) - 1
    if not np.isin(alpha, (0, opaque)).all():
        raise PhotoError(f"{name} is half transparent in places, which is not read from TIFF: export it without.")


def _to_uint8(image: NDArray[np.generic], name: str) -> NDArray[np.uint8]:
    if image.dtype == np.uint8:
        return np.ascontiguousarray(image, dtype=np.uint8)
    if image.dtype == np.uint16:
        if image.max() < _FOURTEEN_BITS:
            raise PhotoError(
                f"{name}: its 16-bit levels end at {image.max()}, too dark: scale 10, 12 or 14 bits to the full range "
                "of 16, or take it again with more light."
            )
        return ((image.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if np.issubdtype(image.dtype, np.floating):
        values = image.astype(np.float32)
        if not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1):
            raise PhotoError(f"{name}: floating-point pixels must lie between 0 and 1; divide by the full range.")
        return np.rint(values * 255).astype(np.uint8)
    raise PhotoError(f"{name}: pixels of type {image.dtype} are not read; use 8 or 16 bit, or floats from 0 to 1.")


def _over_white(rgba: NDArray[np.uint8]) -> RgbImage:
    alpha = rgba[..., 3:].astype(np.uint32)
    colour = rgba[..., :3] * alpha + 255 * (255 - alpha)
    return ((colour + 127) // 255).astype(np.uint8)
