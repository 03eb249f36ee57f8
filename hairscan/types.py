"""The values that cross folders: Scale, Photo, HairMaps and Hair.

Points are ``(x, y)`` pixels, x right, y down, pixel centres at integers.
Point arrays are named ``*_xy``; pixel arrays are indexed ``[y, x]``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from math import nan

import numpy as np
from numpy.typing import NDArray

from hairscan.lines import length

FloatArray = NDArray[np.float64]
MapArray = NDArray[np.float32]
RgbImage = NDArray[np.uint8]
LabelImage = NDArray[np.uint8]

N_DIRECTIONS = 12
"""Directed centre-line layers: layer k holds shafts that run, root to tip, towards ``2 pi k / N_DIRECTIONS``."""


class Ignored(IntEnum):
    """Why a pixel cannot be judged; 0 where it can.

    Whole pictures are compared with ``int`` of a member: NumPy takes the member itself for a number of 64 bits, and
    brings every pixel to as many.
    """

    JUDGED = 0
    LENS = 1
    GLARE = 2
    GRAPHICS = 3
    INK = 4
    BLUR = 5


@dataclass(frozen=True, slots=True)
class Scale:
    """How large a pixel is on the scalp, how sure that is, and where it came from."""

    um_per_px: float
    sd: float
    source: str
    """One of user, sidecar, manifest, points, scale-bar, ruler."""


@dataclass(frozen=True, slots=True)
class Photo:
    """One photograph, ready to be scored.

    Attributes
    ----------
    rgb : uint8 array, shape (H, W, 3)
        Upright (EXIF orientation applied), 8 bit, no alpha.
    ignored : uint8 array, shape (H, W)
        `Ignored` code of every pixel; 0 is the judged field.
    psf_sigma_px : float
        Gaussian blur of the sharpest edges, px; NaN where there is no edge to tell.
    """

    name: str
    rgb: RgbImage
    ignored: LabelImage
    scale: Scale | None
    sha256: str
    psf_sigma_px: float
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HairMaps:
    """What the network saw, on a grid coarser than the photograph.

    Attributes
    ----------
    coverage : float32 array, shape (h, w)
        Share of the cell that is hair shaft, 0 to 1.
    centreline : float32 array, shape (N_DIRECTIONS, h, w)
        Evidence of a centre-line that runs, root to tip, in each direction, 0 to 1.
    root, tip : float32 array, shape (h, w)
        Evidence of a root or a cut end, 0 to 1, 1 at its centre.
    px_per_cell : float
        Photograph pixels per cell: ``x_px = (x_cell + 0.5) * px_per_cell - 0.5``.
    um_per_cell : float
        Scale at which the network saw the photograph (assumed, where the photo has none).
    confidence_weights : tuple of float
        How readings along a shaft become the probability that it is a hair; fitted together with the network.
    hair_threshold : float
        Least probability of a hair, chosen together with the network.
    device : str
        The device that really ran.
    """

    coverage: MapArray
    centreline: MapArray
    root: MapArray
    tip: MapArray
    px_per_cell: float
    um_per_cell: float
    confidence_weights: tuple[float, ...]
    hair_threshold: float
    device: str


@dataclass(frozen=True, slots=True)
class Hair:
    """One hair shaft, root first.

    Attributes
    ----------
    path_xy : float array, shape (P, 2)
        Centre-line root to tip, photograph px, about one point per map cell or denser.
    root_seen, tip_seen : bool
        False where that end is hidden or outside the picture (the end of the path is then no root or tip).
    confidence : float
        Evidence that this is one hair, 0 to 1.
    width_px, width_se_px : float
        Shaft width and its standard error; NaN until measured or where not measurable.
    unit_id : int
        Follicular unit, from 0; -1 until grouped.
    """

    hair_id: int
    path_xy: FloatArray
    root_seen: bool
    tip_seen: bool
    confidence: float
    width_px: float = nan
    width_se_px: float = nan
    unit_id: int = -1
    counted: bool = False
    flags: tuple[str, ...] = field(default=())

    @property
    def root_xy(self) -> FloatArray:
        """First point of the path, px."""
        root: FloatArray = self.path_xy[0]
        return root

    @property
    def tip_xy(self) -> FloatArray:
        """Last point of the path, px."""
        tip: FloatArray = self.path_xy[-1]
        return tip

    @property
    def length_px(self) -> float:
        """Length along the path, px."""
        return length(self.path_xy)
