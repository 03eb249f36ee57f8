"""Pictures to and from bytes with OpenCV, whose decoders write to standard error and hand back damaged pictures."""

from __future__ import annotations

import os
import re
from pathlib import Path
from tempfile import TemporaryFile
from threading import Lock
from typing import IO

import cv2
import numpy as np
from numpy.typing import NDArray

from hairscan.types import RgbImage

_ONE_AT_A_TIME = Lock()
"""Standard error belongs to the whole process."""
_STDERR = 2
# Not "extraneous bytes before marker": whole pictures of many cameras have some.
_DAMAGE = re.compile(r"premature end|bad Huffman code|instead of RST|progressi|libpng error|TIFF_Error", re.IGNORECASE)


def decode_picture(data: bytes) -> NDArray[np.generic] | None:
    """Picture as stored, BGR(A) or grey, any depth; None where the codec cannot decode it or found it damaged.

    Notes
    -----
    libjpeg answers a lost block with pixels that shift and change colour for the rest of the picture, and says so on
    standard error only. Whatever the codecs write there is caught: it is read for words that mean damage, and the
    user's standard error stays clean.
    """
    with _ONE_AT_A_TIME, _scratch_file() as said:
        kept = os.dup(_STDERR)
        os.dup2(said.fileno(), _STDERR)
        try:
            stored = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        except cv2.error:
            stored = None
        finally:
            os.dup2(kept, _STDERR)
            os.close(kept)
        said.seek(0)
        damaged = _DAMAGE.search(said.read().decode(errors="replace"))
    return None if stored is None or damaged else np.asarray(stored)


def encode_png(rgb: RgbImage) -> bytes:
    """Bytes of a PNG file."""
    return bytes(cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))[1])


def _scratch_file() -> IO[bytes]:
    """File to catch text in; where none can be made (a read-only system), one that forgets it."""
    try:
        return TemporaryFile()
    except OSError:
        return Path(os.devnull).open("w+b")
