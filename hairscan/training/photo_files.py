"""Files of photographs before they are decoded: a broken one is told before the network runs for minutes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from hairscan.errors import DataError
from hairscan.files import cannot_read
from hairscan.photo import read_rgb
from hairscan.photo.headers import UnreadableHeaderError, read_header
from hairscan.photo.read import check_size
from hairscan.training.vectors import Sample

_OUTSIDE_SHARE = 0.05
"""Share of the longer side by which an annotated end may miss the picture."""


def check_photos(samples: Iterable[Sample]) -> None:
    """Make sure that the files of these photographs are whole, as `upright_shape` does for one, and hold their hairs.

    Raises
    ------
    DataError, PhotoError
        Where one is not, or a hair lies outside.
    """
    for sample in samples:
        height_px, width_px = upright_shape(sample.image)
        size = np.array([width_px, height_px])
        beyond = np.maximum(-sample.vectors_px, sample.vectors_px - size)
        if (beyond > _OUTSIDE_SHARE * max(height_px, width_px)).any():
            raise DataError(
                f"{sample.image} is {width_px} x {height_px} px, and hairs of it lie outside: put the photograph that "
                "was annotated there"
            )


def check_apart(samples: Iterable[Sample]) -> None:
    """Make sure that no photograph lies in two parts, under two names: what was learnt would be judged with it.

    Raises
    ------
    DataError
        Where one does, or a file cannot be read.
    """
    seen: dict[bytes, Sample] = {}
    for sample in samples:
        try:
            key = hashlib.sha256(sample.image.read_bytes()).digest()
        except OSError as error:
            raise DataError(cannot_read(sample.image, error)) from error
        first = seen.setdefault(key, sample)
        if first.part != sample.part:
            raise DataError(
                f"{first.image.name} ({first.part}) and {sample.image.name} ({sample.part}) in {sample.image.parent} "
                "are the same photograph in two parts: give both one part, or remove one"
            )


def upright_shape(path: Path) -> tuple[int, int]:
    """Height and width of a photograph, upright, px.

    Raises
    ------
    DataError
        Where the file is no photograph, or a part of it is missing.
    PhotoError
        Where it is too small or too large, or a TIFF that cannot be decoded.
    """
    try:
        header = read_header(path.read_bytes())
    except (UnreadableHeaderError, OSError):
        header = None
    if header is None or not header.complete:
        raise DataError(f"{path} is not a readable photograph: replace or remove it")
    check_size(header.width_px, header.height_px, path.name)
    if header.kind == "TIFF":
        # Its decoder turns the picture, and the header does not say how.
        height_px, width_px = read_rgb(path)[0].shape[:2]
        return height_px, width_px
    turned = header.orientation >= 5
    return (header.width_px, header.height_px) if turned else (header.height_px, header.width_px)
