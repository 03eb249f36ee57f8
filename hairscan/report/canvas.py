"""A photograph, enlarged or reduced, to draw on."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hairscan.types import FloatArray, RgbImage

SHIFT = 4
"""Binary digits of a pixel that OpenCV draws with."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """The picture being drawn on, and its pixels per pixel of the photograph."""

    rgb: RgbImage
    zoom: float

    @property
    def line_px(self) -> int:
        """Thickness of a thin line that can still be seen on the whole picture."""
        return max(1, round(float(max(self.rgb.shape[:2])) / 1600))

    def fixed(self, points_xy: FloatArray) -> NDArray[np.int32]:
        """Photograph positions as OpenCV's fixed-point positions on the canvas, shape (N, 1, 2)."""
        on_canvas = (points_xy + 0.5) * self.zoom - 0.5
        return np.asarray(np.rint(on_canvas * 2**SHIFT), np.int32).reshape(-1, 1, 2)

    def line(
        self, points_xy: FloatArray, colour: tuple[int, int, int], thickness_px: int, *, closed: bool = False
    ) -> None:
        """Draw a smooth line through photograph positions."""
        cv2.polylines(self.rgb, [self.fixed(points_xy)], closed, colour, thickness_px, cv2.LINE_AA, SHIFT)

    def circle(
        self, middle_xy: FloatArray, radius_px: float, colour: tuple[int, int, int], thickness_px: int = -1
    ) -> None:
        """Draw a dot on a photograph position, or a ring where a thickness is given; px of the canvas."""
        x, y = self.fixed(middle_xy)[0, 0].tolist()
        cv2.circle(self.rgb, (x, y), round(radius_px * 2**SHIFT), colour, thickness_px, cv2.LINE_AA, SHIFT)
