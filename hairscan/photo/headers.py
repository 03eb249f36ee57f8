"""What the bytes of a JPEG, PNG or TIFF say before they are decoded: size, orientation, completeness."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TIFF_MARKS = {b"II*\0": ("<", False), b"MM\0*": (">", False), b"II+\0": ("<", True), b"MM\0+": (">", True)}
_TIFF_TYPES = {1: "B", 3: "H", 4: "I", 16: "Q"}
_JPEG_SIZE_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_NEXT_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_SUBFILE, _WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC, _ORIENTATION, _SAMPLES, _PLANAR = 254, 256, 257, 258, 262, 274, 277, 284
_PREVIEW_OR_MASK = 1 | 4
_MOST_PAGES = 100
_DATA_TAGS = ((273, 279), (324, 325))
_WHITE_IS_ZERO, _CMYK, _SEPARATE_PLANES, _GREY_AND_ALPHA = 0, 5, 2, 2


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says about its picture.

    Attributes
    ----------
    kind : str
        JPEG, PNG or TIFF.
    width_px, height_px : int
        Size as stored, before the orientation is applied.
    orientation : int
        EXIF orientation that the decoder leaves to us, 1 to 8 (always 1 for TIFF: its decoder turns the picture).
    complete : bool
        False where the end of the picture is missing or damaged.
    """

    kind: str
    width_px: int
    height_px: int
    orientation: int
    complete: bool


class UnreadableHeaderError(Exception):
    """The bytes start like a picture and then say nothing that can be followed."""


def read_header(data: bytes) -> Header | None:
    """Size, orientation and completeness of a JPEG, PNG or TIFF file; None where it is none of the three.

    Raises
    ------
    UnreadableHeaderError
        The file is one of the three and ends or breaks before its size, or is a kind of TIFF that is not read.
    """
    try:
        if data.startswith(_PNG_SIGNATURE):
            return _png(data)
        if data.startswith(b"\xff\xd8\xff"):
            return _jpeg(data)
        if data[:4] in _TIFF_MARKS:
            return _tiff(data)
    except (struct.error, IndexError, KeyError, OverflowError) as error:
        raise UnreadableHeaderError("its header is damaged or cut off") from error
    return None


def _png(data: bytes) -> Header:
    if data[12:16] != b"IHDR":
        raise UnreadableHeaderError("its header is damaged or cut off")
    width_px, height_px = struct.unpack_from(">II", data, 16)
    orientation, complete, at = 1, False, len(_PNG_SIGNATURE)
    while at + 12 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data) or zlib.crc32(data[at + 4 : end - 4]) != struct.unpack_from(">I", data, end - 4)[0]:
            break
        if name == b"eXIf":
            orientation = _exif_orientation(data[at + 8 : end - 4])
        if name == b"IEND":
            complete = True
            break
        at = end
    return Header("PNG", width_px, height_px, orientation, complete)


def _jpeg(data: bytes) -> Header:
    size: tuple[int, int] | None = None
    orientation, at = 1, 2
    while True:
        found = _JPEG_NEXT_MARKER.search(data, at)
        if found is None or data[found.start() + 1] == 0xD9:
            break
        at = found.start()
        marker, length = data[at + 1], struct.unpack_from(">H", data, at + 2)[0]
        if marker in _JPEG_SIZE_MARKERS:
            height_px, width_px = struct.unpack_from(">HH", data, at + 5)
            size = (width_px, height_px)
        elif marker == 0xE1 and data[at + 4 : at + 10] == b"Exif\0\0":
            orientation = _exif_orientation(data[at + 10 : at + 2 + length])
        at += 2 + length
    if size is None:
        raise UnreadableHeaderError("it ends before its picture")
    return Header("JPEG", *size, orientation, complete=found is not None)


def _tiff(data: bytes) -> Header:
    tags = next(_ifds(data))
    if _has_further_picture(data):
        raise UnreadableHeaderError("it holds several pictures (pages), and only one can be scored")
    photometric = tags.get(_PHOTOMETRIC, [1])[0]
    if photometric == _CMYK:
        raise UnreadableHeaderError("it holds printing colours (CMYK)")
    # The decoder drops the second channel and says nothing of it.
    if tags.get(_SAMPLES, [1])[0] == _GREY_AND_ALPHA:
        raise UnreadableHeaderError("it is grey with a second channel (transparency)")
    # The decoder brings both kinds in order for eight bits only, and says nothing of the others.
    if max(tags.get(_BITS, [1])) > 8:
        if photometric == _WHITE_IS_ZERO:
            raise UnreadableHeaderError("it is a negative (white is stored as 0) of more than 8 bits")
        if tags.get(_PLANAR, [1])[0] == _SEPARATE_PLANES:
            raise UnreadableHeaderError("it holds its colours one after another (separate planes) in more than 8 bits")
    complete = all(
        start + length <= len(data)
        for starts, lengths in _DATA_TAGS
        for start, length in zip(tags.get(starts, []), tags.get(lengths, []), strict=False)
    )
    return Header("TIFF", tags[_WIDTH][0], tags[_HEIGHT][0], 1, complete)


def _exif_orientation(exif: bytes) -> int:
    """Orientation of an EXIF block; 1 where it has none or cannot be followed."""
    try:
        orientation = next(_ifds(exif)).get(_ORIENTATION, [1])[0]
    except (struct.error, KeyError, IndexError, OverflowError):
        return 1
    return orientation if 1 <= orientation <= 8 else 1


def _has_further_picture(data: bytes) -> bool:
    """True for a TIFF with a page after the first that is no preview and no mask."""
    try:
        further = islice(_ifds(data), 1, _MOST_PAGES)
        return any(not tags.get(_SUBFILE, [0])[0] & _PREVIEW_OR_MASK for tags in further)
    except (struct.error, KeyError, IndexError, OverflowError):
        return False  # the decoder, too, reads the first and never asks what follows


def _ifds(data: bytes) -> Iterator[dict[int, list[int]]]:
    """Whole-number tags of every TIFF directory; the first is there always."""
    order, big = _TIFF_MARKS[data[:4]]
    entry, count_code, offset_code = (20, "Q", "Q") if big else (12, "H", "I")
    start = struct.unpack_from(order + offset_code, data, 8 if big else 4)[0]
    while True:
        count = struct.unpack_from(order + count_code, data, start)[0]
        first = start + struct.calcsize(order + count_code)
        tags: dict[int, list[int]] = {}
        for at in range(first, first + entry * count, entry):
            tag, kind, n = struct.unpack_from(order + "HH" + offset_code, data, at)
            if kind not in _TIFF_TYPES:
                continue
            values = order + f"{n}{_TIFF_TYPES[kind]}"
            inline = at + entry - struct.calcsize(offset_code)
            fits = struct.calcsize(values) <= struct.calcsize(offset_code)
            where = inline if fits else struct.unpack_from(order + offset_code, data, inline)[0]
            tags[tag] = list(struct.unpack_from(values, data, where))
        yield tags
        start = struct.unpack_from(order + offset_code, data, first + entry * count)[0]
        if start == 0:
            return
