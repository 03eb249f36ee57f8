"""What is known of every shaft that can be seen in a phantom."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hairscan.lines import arc_lengths, points_at
from hairscan.phantom.growth import PhantomHair
from hairscan.types import FloatArray

HIDDEN_FRACTION = 0.3
"""A hair of which less than this is uncovered by other hairs is hidden: nobody can count what cannot be seen."""
_PLACES = 101
"""Even places along a stretch at which its width is looked up."""


@dataclass(frozen=True, slots=True)
class TrueHair:
    """One stretch of shaft inside the picture. A hair that leaves the picture and returns has several.

    Attributes
    ----------
    path_xy : float array, shape (P, 2)
        Centre-line root to tip, px, cut at the picture's edge.
    width_px, width_um, length_um : float
        Median width along this stretch, which is that of its middle: the taper of an uncut tip is none of it. Length.
    root_seen, tip_seen : bool
        False where the path was cut at the picture's edge.
    unit_id : int
        Follicular unit; -1 for a loose fragment.
    uid : int
        Identity over the visits of its scene; -1 for a loose fragment.
    loose : bool
        A cut fragment, which is no hair of this scalp.
    visible_fraction : float
        Share of the shaft that no other shaft covers.
    """

    path_xy: FloatArray
    width_px: float
    width_um: float
    length_um: float
    root_seen: bool
    tip_seen: bool
    unit_id: int
    loose: bool
    visible_fraction: float = 1.0
    flags: tuple[str, ...] = ()
    uid: int = -1

    @property
    def counted(self) -> bool:
        """True where the hair emerges inside the picture and is not hidden below others."""
        return self.root_seen and not self.loose and self.visible_fraction >= HIDDEN_FRACTION


def true_hairs(
    hair: PhantomHair, um_per_px: float, width_px: int, height_px: int, *, visible_fraction: float = 1.0
) -> list[TrueHair]:
    """Return the stretches of one hair that lie in the picture, root side first."""
    path = hair.path_um / um_per_px - 0.5
    # The counted stretch ends where the shaft itself leaves the picture: half a pixel beyond the last centres.
    size = np.array([width_px, height_px])
    inside_spans = [_inside_span(path[k], path[k + 1], size) for k in range(len(path) - 1)]
    runs: list[list[float]] = []
    for k, span in enumerate(inside_spans):
        if span is None:
            continue
        start, end = k + span[0], k + span[1]
        if runs and abs(runs[-1][1] - start) < 1e-9:
            runs[-1][1] = end
        else:
            runs.append([start, end])
    stretches = [_stretch(hair, path, start, end, um_per_px, visible_fraction) for start, end in runs]
    return [stretch for stretch in stretches if stretch.length_um > 0]


def _stretch(
    hair: PhantomHair, path: FloatArray, start: float, end: float, um_per_px: float, visible_fraction: float
) -> TrueHair:
    last = len(path) - 1
    knots = np.concatenate([[start], np.arange(np.floor(start) + 1, np.ceil(end)), [end]])
    index = np.arange(last + 1.0)
    points = points_at(path, index, knots)
    widths = np.interp(knots, index, hair.width_um)
    along_px = arc_lengths(points)
    length_px = float(along_px[-1])
    width_um = float(np.median(np.interp(np.linspace(0.0, length_px, _PLACES), along_px, widths)))
    root_seen, tip_seen = start == 0.0, end == float(last)
    flags = [] if root_seen else ["root-outside"]
    flags += [] if tip_seen else ["tip-outside"]
    flags += ["end-on"] if length_px * um_per_px < width_um and root_seen and tip_seen else []
    flags += ["hidden"] if visible_fraction < HIDDEN_FRACTION else []
    return TrueHair(
        path_xy=points,
        width_px=width_um / um_per_px,
        width_um=width_um,
        length_um=length_px * um_per_px,
        root_seen=root_seen,
        tip_seen=tip_seen,
        unit_id=hair.unit_id,
        loose=hair.loose,
        visible_fraction=visible_fraction,
        flags=tuple(flags),
        uid=hair.uid,
    )


def _inside_span(start_xy: FloatArray, end_xy: FloatArray, size: FloatArray) -> tuple[float, float] | None:
    """Part of a segment inside the picture, as positions 0 to 1 along it; None where it stays outside."""
    low, high = 0.0, 1.0
    for axis in (0, 1):
        move = end_xy[axis] - start_xy[axis]
        limits = (-0.5 - start_xy[axis], size[axis] - 0.5 - start_xy[axis])
        if move == 0:
            if not limits[0] <= 0 <= limits[1]:
                return None
            continue
        first, second = sorted((limits[0] / move, limits[1] / move))
        low, high = max(low, float(first)), min(high, float(second))
    return (low, high) if high > low else None
