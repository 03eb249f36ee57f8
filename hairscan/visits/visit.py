"""One visit: a scored photograph, and its hairs and skin in micrometres, ready to be compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hairscan.endpoints.result import PhotoResult
from hairscan.lines import arc_lengths, unit
from hairscan.score import score_and_see
from hairscan.segment import Segmenter
from hairscan.types import FloatArray, Hair, HairMaps, Photo

_HEADING_UM = 150.0


@dataclass(frozen=True, slots=True)
class Visit:
    """A photograph, what the network saw in it, and its result."""

    photo: Photo
    maps: HairMaps
    result: PhotoResult

    @property
    def um_per_px(self) -> float:
        """Scale; where the photograph has none, the one at which its shafts are of usual width: for searching only."""
        if self.photo.scale is not None:
            return self.photo.scale.um_per_px
        return self.maps.um_per_cell / self.maps.px_per_cell


@dataclass(frozen=True, slots=True)
class Roots:
    """Where hairs leave the skin, and which way.

    Attributes
    ----------
    xy : float array, shape (N, 2)
        Roots, in the unit of their frame.
    heading : float array, shape (N, 2)
        Unit vectors, root to tip.
    """

    xy: FloatArray
    heading: FloatArray

    def __len__(self) -> int:
        """Count the roots."""
        return len(self.xy)


def read_visit(photo: Photo, segmenter: Segmenter) -> Visit:
    """Visit of a photograph that was read.

    Raises
    ------
    HairscanError
        When nothing can be measured; the message says what to do.
    """
    result, maps = score_and_see(photo, segmenter)
    return Visit(photo, maps, result)


def roots_of(hairs: tuple[Hair, ...] | list[Hair], um_per_px: float) -> Roots:
    """Roots and headings of hairs, um."""
    headings = [heading_of(hair.path_xy, _HEADING_UM / um_per_px) for hair in hairs]
    xy = np.array([hair.root_xy for hair in hairs], np.float64).reshape(-1, 2)
    return Roots(xy * um_per_px, np.array(headings, np.float64).reshape(-1, 2))


def heading_of(path_xy: FloatArray, reach_px: float) -> FloatArray:
    """Unit vector from the first point of a path to the one that is `reach_px` along it, or to its end."""
    along = arc_lengths(path_xy)
    return unit(path_xy[min(int(np.searchsorted(along, reach_px)), len(path_xy) - 1)] - path_xy[0])
