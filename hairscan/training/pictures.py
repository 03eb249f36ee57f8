"""Labels and results drawn on a photograph, so that errors can be read."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from hairscan.training.metrics import Verdict
from hairscan.types import FloatArray, RgbImage

COLOURS = {
    Verdict.NOT_JUDGED: (190, 190, 190),
    Verdict.MATCHED: (0, 230, 130),
    Verdict.ALONE: (255, 40, 60),
}
"""Green and red of different brightness; a cross says the same as the red."""
_PANEL_PX = 800
_SHIFT = 4
"""Binary digits of a pixel that OpenCV draws with."""
_HALO = (20, 20, 20)


def draw_panel(rgb: RgbImage, paths_xy: Sequence[FloatArray], hair_verdicts: NDArray[np.uint8]) -> RgbImage:
    """The photograph, its longer side at most 800 px, with the centre-line of every hair in the colour of its verdict.

    A dot marks the root; a cross lies on the middle of a hair that stands alone.

    Parameters
    ----------
    paths_xy : sequence of float arrays, shape (P, 2)
        Root to tip, px of the photograph.
    hair_verdicts : uint8 array
        `Verdict` of every hair.
    """
    zoom = min(1.0, _PANEL_PX / max(rgb.shape[:2]))
    size = (max(1, round(rgb.shape[1] * zoom)), max(1, round(rgb.shape[0] * zoom)))
    panel = np.array(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA))
    # What is wrong is drawn last, on top.
    for index in np.argsort(hair_verdicts, kind="stable"):
        verdict = Verdict(int(hair_verdicts[index]))
        _draw_hair(panel, (paths_xy[index] + 0.5) * zoom - 0.5, COLOURS[verdict], crossed=verdict == Verdict.ALONE)
    return panel


def _draw_hair(panel: RgbImage, path_xy: FloatArray, colour: tuple[int, int, int], *, crossed: bool) -> None:
    """Draw a centre-line, its root and, where asked for, a cross on its middle."""
    root, middle = path_xy[0], _middle(path_xy)
    arm = np.array([5.0, 5.0])
    strokes = [path_xy]
    if crossed:
        strokes += [np.array([middle - turned, middle + turned]) for turned in (arm, arm * (1, -1))]
    for paint, thickness_px, radius_px in ((_HALO, 4, 5.0), (colour, 2, 4.0)):
        for stroke in strokes:
            cv2.polylines(panel, [_fixed(stroke).reshape(-1, 1, 2)], False, paint, thickness_px, cv2.LINE_AA, _SHIFT)
        x, y = (int(v) for v in _fixed(root))
        cv2.circle(panel, (x, y), round(radius_px * 2**_SHIFT), paint, -1, cv2.LINE_AA, _SHIFT)


def _middle(path_xy: FloatArray) -> FloatArray:
    """Point half-way between the path's ends, on the path where it has one there."""
    return path_xy[len(path_xy) // 2] if len(path_xy) > 2 else path_xy.mean(axis=0)


def _fixed(points_xy: FloatArray) -> NDArray[np.int32]:
    """Positions in OpenCV's fixed point."""
    return np.asarray(np.rint(points_xy * 2**_SHIFT), np.int32)
