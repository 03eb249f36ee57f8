"""Labels and results drawn on a photograph, so that errors can be read."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from hairscan.report.canvas import Canvas
from hairscan.training.metrics import Verdict
from hairscan.types import FloatArray, RgbImage

COLOURS = {
    Verdict.NOT_JUDGED: (190, 190, 190),
    Verdict.MATCHED: (0, 230, 130),
    Verdict.ALONE: (255, 40, 60),
}
"""Green and red of different brightness; a cross says the same as the red."""
_PANEL_PX = 800
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
    panel = Canvas(np.array(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)), zoom)
    # What is wrong is drawn last, on top.
    for index in np.argsort(hair_verdicts, kind="stable"):
        verdict = Verdict(int(hair_verdicts[index]))
        _draw_hair(panel, paths_xy[index], COLOURS[verdict], crossed=verdict == Verdict.ALONE)
    return panel.rgb


def _draw_hair(panel: Canvas, path_xy: FloatArray, colour: tuple[int, int, int], *, crossed: bool) -> None:
    """Draw a centre-line, its root and, where asked for, a cross on its middle."""
    strokes = [path_xy]
    if crossed:
        middle, arm = _middle(path_xy), np.array([5.0, 5.0]) / panel.zoom
        strokes += [np.array([middle - turned, middle + turned]) for turned in (arm, arm * (1, -1))]
    for paint, thickness_px, radius_px in ((_HALO, 4, 5.0), (colour, 2, 4.0)):
        for stroke in strokes:
            panel.line(stroke, paint, thickness_px)
        panel.circle(path_xy[0], radius_px, paint)


def _middle(path_xy: FloatArray) -> FloatArray:
    """Point half-way between the path's ends, on the path where it has one there."""
    return path_xy[len(path_xy) // 2] if len(path_xy) > 2 else path_xy.mean(axis=0)
