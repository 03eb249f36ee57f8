"""What of a photograph may be found again in another one: roots, tattoo dots and the skin."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hairscan.types import FloatArray
from hairscan.visits.dots import Dots, find_dots
from hairscan.visits.texture import Texture, find_texture
from hairscan.visits.visit import Roots, Visit, roots_of


@dataclass(frozen=True, slots=True)
class Marks:
    """What of a photograph may be found again in another one, um.

    Attributes
    ----------
    roots : Roots
        Those that do not lie on a dot.
    frame_um : float array, shape (2,)
        Width and height of the photograph.
    """

    roots: Roots
    dots: Dots
    texture: Texture
    frame_um: FloatArray


def find_marks(visit: Visit, *, mirrored: bool = False) -> Marks:
    """What a photograph shows that may be found again in another one; of its mirror picture where asked for."""
    frame_um = frame_of(visit)
    dots, roots = find_dots(visit), roots_of(visit.result.traced, visit.um_per_px)
    texture = find_texture(visit, dots, mirrored=mirrored)
    if len(dots):
        bare = ~dots.cover(roots.xy, 0.0)
        roots = Roots(roots.xy[bare], roots.heading[bare])
    if mirrored:
        edge = (frame_um[0] - visit.um_per_px, 0.0)
        roots, dots = (
            Roots(roots.xy * (-1, 1) + edge, roots.heading * (-1, 1)),
            replace(dots, xy=dots.xy * (-1, 1) + edge),
        )
    return Marks(roots, dots, texture, frame_um)


def frame_of(visit: Visit) -> FloatArray:
    """Width and height of the photograph, um."""
    return np.array(visit.photo.ignored.shape[::-1], np.float64) * visit.um_per_px
