"""A file becomes a Photo: pixels, scale, judged field and focus."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hairscan.photo.field import judge_field
from hairscan.photo.focus import is_out_of_focus
from hairscan.photo.read import check_shows_something, decode_rgb, read_rgb, to_rgb8
from hairscan.photo.scale import resolve_scale
from hairscan.types import Photo, RgbImage, Scale

__all__ = ["judge_field", "photo_of_bytes", "read_photo", "read_rgb", "resolve_scale"]


def read_photo(
    photo: str | os.PathLike[str] | NDArray[np.generic],
    *,
    um_per_px: float | None = None,
    um_per_px_sd: float | None = None,
) -> Photo:
    """One photograph, upright and 8 bit, with its scale (where known), judged field and focus.

    Parameters
    ----------
    photo : path or array
        A JPEG, PNG or TIFF file; or a grey, RGB or RGBA array of uint8, uint16 or floats in 0 to 1, which is then
        named ``array``.
    um_per_px, um_per_px_sd : float, optional
        Scale and its standard deviation; without them a sidecar file beside the photo is used, else the photo has
        no scale.

    Raises
    ------
    PhotoError
        The file cannot be read, is no picture, is too small or too large, or shows nothing.
    ScaleError
        The scale is impossible, or the sidecar cannot be read.
    """
    path = None if isinstance(photo, np.ndarray) else Path(photo)
    # A wrong scale is reported before time is spent on the picture.
    scale = resolve_scale(path, um_per_px=um_per_px, um_per_px_sd=um_per_px_sd)
    name = "array" if path is None else _printable(path.name)
    rgb, sha256 = _from_array(photo, name) if isinstance(photo, np.ndarray) else read_rgb(Path(photo))
    return _judged_photo(name, rgb, sha256, scale)


def photo_of_bytes(data: bytes, *, name: str, scale: Scale | None) -> Photo:
    """One photograph from the bytes of its file, as `read_photo` gives it, under a name and with a scale of its own.

    Raises
    ------
    PhotoError
        The bytes are no picture, too small or too large, or show nothing.
    """
    return _judged_photo(name, decode_rgb(data, name), hashlib.sha256(data).hexdigest(), scale)


def _judged_photo(name: str, rgb: RgbImage, sha256: str, scale: Scale | None) -> Photo:
    """Judge the field and the focus of a picture."""
    field = judge_field(rgb)
    blurred = is_out_of_focus(field.psf_sigma_px, None if scale is None else scale.um_per_px)
    return Photo(
        name=name,
        rgb=rgb,
        ignored=field.ignored,
        scale=scale,
        sha256=sha256,
        psf_sigma_px=field.psf_sigma_px,
        flags=(("out-of-focus",) if blurred else ()) + field.flags,
    )


def _from_array(array: NDArray[np.generic], name: str) -> tuple[RgbImage, str]:
    rgb = to_rgb8(array, name)
    check_shows_something(rgb, name)
    return rgb, hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()


def _printable(name: str) -> str:
    """File name as it can be written to any table: undecodable bytes and control characters replaced."""
    return "".join(character if character.isprintable() else "\ufffd" for character in name)
