"""Which of the traced hairs are counted.

The rule. A hair belongs to the place where it emerges, its root, and is counted when that place is part of the area
that the count is divided by:

1. Root seen: counted when the root lies in the counting area and on a judged pixel.
2. Root not seen, and within three hair widths (its own or the photograph's median, whichever is larger) behind the
   first visible point the hair meets the edge of the picture or an ignored zone (glare, ink, ...): it came in from
   there, its root lies where nothing is judged and where the area is not part of the denominator. Not counted. A hair
   that passes under a glare is so counted once, by the piece that has the root.
3. Root not seen for another reason (under a crossing hair, in the shadow of its neighbour): the first visible point
   stands for the root, as in 1.

A rectangle owns its left and top side and not its right and bottom one (two sides include, two exclude), so that each
root belongs to exactly one of the areas that tile a picture. The expected count per judged area is then the density
of roots whatever the length of the hairs; no hair is counted because it merely touches the area.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hairscan.endpoints.area import CountingArea
from hairscan.lines import arc_lengths, unit
from hairscan.types import FloatArray, Hair, LabelImage

ROOT_OUTSIDE = "root-outside"
"""The root lies outside the counting area or outside the picture."""
ROOT_NOT_JUDGED = "root-not-judged"
"""The root lies in an ignored zone."""
ROOT_HIDDEN = "root-hidden"
"""The root was not seen; the root position is the first visible point."""
TIP_HIDDEN = "tip-hidden"
"""The tip was not seen; the tip position is the last visible point."""

REACH_WIDTHS = 3.0
"""The trace of a hair that comes in is lost up to so many hair widths before the edge."""
_LEAST_WIDTH_PX = 4.0


def count_hairs(hairs: Sequence[Hair], area: CountingArea, ignored: LabelImage) -> list[Hair]:
    """Hairs, in the order given, each marked as counted or flagged with the reason why not.

    Parameters
    ----------
    ignored : uint8 array, shape (H, W)
        `Ignored` code of every pixel of the photograph.
    """
    widths_px = np.array([hair.width_px for hair in hairs], dtype=np.float64)
    known_px = widths_px[np.isfinite(widths_px)]
    usual_px = float(np.median(known_px)) if known_px.size else _LEAST_WIDTH_PX
    return [_count_hair(hair, area, ignored, usual_px) for hair in hairs]


def _count_hair(hair: Hair, area: CountingArea, ignored: LabelImage, usual_width_px: float) -> Hair:
    """Hair marked as counted or flagged with the reason why not."""
    points_xy = hair.root_xy[None, :]
    if not hair.root_seen:
        width_px = float(np.fmax(hair.width_px, max(usual_width_px, _LEAST_WIDTH_PX)))
        points_xy = _behind_first_point_xy(hair, REACH_WIDTHS * width_px)
    reason = _reason_not_counted(points_xy, area, ignored)
    flags = [*hair.flags, *([] if hair.root_seen else [ROOT_HIDDEN]), *([] if hair.tip_seen else [TIP_HIDDEN])]
    if reason is not None:
        flags.append(reason)
    return replace(hair, counted=reason is None, flags=tuple(dict.fromkeys(flags)))


def _behind_first_point_xy(hair: Hair, reach_px: float) -> FloatArray:
    """Points one px apart from the first visible point backwards along the hair, shape (K, 2); the first is itself.

    The direction is that of the first stretch of the hair as long as the reach.
    """
    along_px = arc_lengths(hair.path_xy)
    ahead_xy = hair.path_xy[min(int(np.searchsorted(along_px, reach_px)), len(along_px) - 1)]
    step_xy = unit(hair.root_xy - ahead_xy)
    return np.asarray(hair.root_xy + np.arange(int(reach_px) + 1)[:, None] * step_xy)


def _reason_not_counted(points_xy: FloatArray, area: CountingArea, ignored: LabelImage) -> str | None:
    """Flag that says why a hair whose root is at, or hidden along, these points is not counted; None when it is."""
    height_px, width_px = ignored.shape
    columns, rows = np.rint(points_xy).astype(np.int64).T
    if ((columns < 0) | (columns >= width_px) | (rows < 0) | (rows >= height_px)).any():
        return ROOT_OUTSIDE
    if not area.contains(points_xy[:1, 0], points_xy[:1, 1])[0]:
        return ROOT_OUTSIDE
    return ROOT_NOT_JUDGED if ignored[rows, columns].any() else None
