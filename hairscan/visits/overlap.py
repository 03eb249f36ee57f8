"""The area that both photographs show and both can judge."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from hairscan.endpoints.area import UM2_PER_CM2
from hairscan.errors import VisitError
from hairscan.lines import arc_lengths
from hairscan.types import FloatArray, Hair, MapArray, Scale
from hairscan.visits.visit import Visit

LEAST_SHARE = 0.2
"""Least share of the smaller photograph that both must show."""
BORDER_UM = 60.0
"""Hairs that emerge nearer than this to the border of the common area are not judged."""
_BODY_UM = 150.0
"""So much of a hair, from its root on, must lie in the common area."""
_STEP_PX = 4


@dataclass(frozen=True, slots=True)
class Overlap:
    """The common area, on a grid of every fourth pixel of the baseline.

    Attributes
    ----------
    depth_px : float32 array
        Distance of each grid point from the border of the common area, baseline px; 0 outside.
    share : float
        Common area as a share of the smaller photograph.
    area_cm2 : float or None
        None without a scale.
    """

    depth_px: MapArray
    um_per_px: float
    share: float
    area_cm2: float | None

    def judges(self, hair: Hair, path_xy: FloatArray) -> bool:
        """Whether a hair, its path in px of the baseline, emerges inside and shows enough of itself there."""
        along = arc_lengths(path_xy)
        body = path_xy[along * self.um_per_px <= _BODY_UM]
        border_px = BORDER_UM / self.um_per_px
        return bool(hair.counted and self.depth_at(path_xy[:1])[0] > border_px and (self.depth_at(body) > 0).all())

    def depth_at(self, points_xy: FloatArray) -> FloatArray:
        """Distance of points, baseline px, from the border of the common area, px; 0 outside."""
        column, row = np.rint(points_xy / _STEP_PX).astype(np.intp).T
        height, width = self.depth_px.shape
        inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        return np.where(inside, self.depth_px[row.clip(0, height - 1), column.clip(0, width - 1)], 0.0)


def find_overlap(baseline: Visit, followup: Visit, matrix: FloatArray, scale: Scale | None) -> Overlap:
    """The common area of two registered photographs.

    Parameters
    ----------
    matrix : float array, shape (3, 3)
        Homography from px of the baseline to px of the follow-up.
    scale : Scale or None
        Of the baseline.

    Raises
    ------
    VisitError
        Where it is less than a fifth of the smaller photograph.
    """
    own = baseline.photo.ignored[::_STEP_PX, ::_STEP_PX] == 0
    size = (own.shape[1], own.shape[0])
    to_followup = matrix @ np.diag([_STEP_PX, _STEP_PX, 1.0])
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    judged = (followup.photo.ignored == 0).astype(np.uint8)
    other = cv2.warpPerspective(judged, to_followup, size, flags=flags, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    common = (own & (other > 0)).astype(np.uint8)
    area_px = float(common.sum()) * _STEP_PX**2
    share = area_px / _smaller_px(baseline, followup, matrix)
    if share < LEAST_SHARE:
        raise VisitError(
            f"{baseline.photo.name} and {followup.photo.name} have only {share:.0%} of the skin in common that both "
            f"can judge: take the site again so that at least {LEAST_SHARE:.0%} overlaps"
        )
    depth = cv2.distanceTransform(np.pad(common, 1), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    area_cm2 = None if scale is None else area_px * scale.um_per_px**2 / UM2_PER_CM2
    return Overlap(np.asarray(depth * _STEP_PX, np.float32), baseline.um_per_px, share, area_cm2)


def _smaller_px(baseline: Visit, followup: Visit, matrix: FloatArray) -> float:
    """Extent of the smaller photograph, px of the baseline."""
    middle = np.array([*(side / 2 for side in baseline.photo.ignored.shape[::-1]), 1.0])
    depth = float(matrix[2] @ middle)
    growth = abs(float(np.linalg.det(matrix))) / abs(depth) ** 3
    return min(baseline.photo.ignored.size, followup.photo.ignored.size / max(growth, 1e-9))
