"""The overlay: the photograph with every hair that was traced, what it was taken for, and what was left out."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from hairscan.endpoints.area import CountingArea
from hairscan.endpoints.result import PhotoResult
from hairscan.endpoints.rows import HairRow
from hairscan.lines import normals
from hairscan.report.canvas import SHIFT, Canvas
from hairscan.report.legend import add_legend
from hairscan.report.marks import HALO, MARKS, mark_of
from hairscan.types import FloatArray, Hair, LabelImage, Photo, RgbImage

_LONG_SIDE_PX = (1400, 2800)
"""Smaller photographs are enlarged and larger ones reduced to this range, so that lines and letters can be read."""
_FILL_OPACITY = 0.25
_OUTSIDE_BRIGHTNESS = 0.55


def draw_overlay(photo: Photo, result: PhotoResult) -> RgbImage:
    """Draw the result on its photograph, with a legend below.

    Each hair shows its two edges at the measured width and a translucent body in the colour of its class; a hair
    without a width shows its centre-line; a hair that is not counted is thin and grey. A dot marks a root that was
    seen, a ring one that was not. Zones that could not be judged are hatched, what lies outside the counting area is
    dimmed.

    Returns
    -------
    uint8 array, shape (H', W', 3)
        Photographs are enlarged or reduced to a long side of 1400 to 2800 px.
    """
    height_px, width_px = photo.ignored.shape
    long_px = max(height_px, width_px)
    zoom = float(np.clip(long_px, *_LONG_SIDE_PX)) / long_px
    size = (max(1, round(width_px * zoom)), max(1, round(height_px * zoom)))
    rgb = np.asarray(cv2.resize(photo.rgb, size, interpolation=cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC))
    canvas = Canvas(rgb, zoom)
    _hatch_ignored(canvas, photo.ignored)
    _show_area(canvas, result.area)
    pairs = sorted(zip(result.traced, result.hairs, strict=True), key=lambda pair: pair[1].counted)
    _fill_bodies(canvas, pairs)
    for hair, row in pairs:
        _draw_hair(canvas, hair, row)
    return add_legend(canvas.rgb, zoom, photo, result)


def _hatch_ignored(canvas: Canvas, ignored: LabelImage) -> None:
    """Hatch and outline the zones that could not be judged."""
    height_px, width_px = canvas.rgb.shape[:2]
    zone = np.asarray(
        cv2.resize((ignored > 0).astype(np.uint8), (width_px, height_px), interpolation=cv2.INTER_NEAREST)
    )
    step_px = 9 * canvas.line_px
    stripe = (np.arange(height_px)[:, None] + np.arange(width_px)[None, :]) % step_px < 1.6 * canvas.line_px
    canvas.rgb[(zone > 0) & stripe] = HALO
    outlines, _ = cv2.findContours(zone, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    cv2.drawContours(canvas.rgb, outlines, -1, HALO, canvas.line_px)


def _show_area(canvas: Canvas, area: CountingArea) -> None:
    """Dim what lies outside a circle or rectangle, and outline it in white on black."""
    if area.kind == "whole":
        return
    outline_xy = _outline_xy(area)
    inside = np.zeros(canvas.rgb.shape[:2], np.uint8)
    cv2.fillPoly(inside, [canvas.fixed(outline_xy)], 1, cv2.LINE_8, SHIFT)
    outside = inside == 0
    canvas.rgb[outside] = (canvas.rgb[outside] * _OUTSIDE_BRIGHTNESS).astype(np.uint8)
    for colour, extra_px in (((0, 0, 0), 2), ((255, 255, 255), 0)):
        canvas.line(outline_xy, colour, canvas.line_px + extra_px, closed=True)


def _outline_xy(area: CountingArea) -> FloatArray:
    """Corners of the area's outline, photograph px, shape (N, 2)."""
    middle_xy = np.array([area.centre_x_px, area.centre_y_px])
    if area.kind == "circle":
        turn_rad = np.linspace(0, 2 * np.pi, 360, endpoint=False)
        return np.asarray(middle_xy + area.width_px / 2 * np.column_stack([np.cos(turn_rad), np.sin(turn_rad)]))
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
    return np.asarray(middle_xy + corners * np.array([area.width_px, area.height_px]) / 2)


def _fill_bodies(canvas: Canvas, pairs: Sequence[tuple[Hair, HairRow]]) -> None:
    """Lay the colour of its class over each counted hair, translucent, at its measured width."""
    body = canvas.rgb.copy()
    for hair, row in pairs:
        if row.counted and row.width_px is not None:
            left_xy, right_xy = _edges_xy(hair.path_xy, row.width_px)
            outline = canvas.fixed(np.concatenate([left_xy, right_xy[::-1]]))
            cv2.fillPoly(body, [outline], MARKS[mark_of(row)].rgb, cv2.LINE_AA, SHIFT)
    cv2.addWeighted(body, _FILL_OPACITY, canvas.rgb, 1 - _FILL_OPACITY, 0, dst=canvas.rgb)


def _draw_hair(canvas: Canvas, hair: Hair, row: HairRow) -> None:
    """Draw a hair's edges, or its centre-line where it has no width, and its root."""
    colour = MARKS[mark_of(row)].rgb
    if row.width_px is None or not row.counted:
        canvas.line(hair.path_xy, HALO, canvas.line_px + 2)
        canvas.line(hair.path_xy, colour, canvas.line_px)
    else:
        for edge_xy in _edges_xy(hair.path_xy, row.width_px):
            canvas.line(edge_xy, colour, canvas.line_px)
    radius_px = 4.5 * canvas.line_px
    canvas.circle(hair.root_xy, radius_px + canvas.line_px, HALO)
    canvas.circle(hair.root_xy, radius_px, colour, -1 if hair.root_seen else canvas.line_px)


def _edges_xy(path_xy: FloatArray, width_px: float) -> tuple[FloatArray, FloatArray]:
    """Left and right edge of a shaft of that width, photograph px, each shape (P, 2)."""
    half_xy = normals(path_xy) * width_px / 2
    return path_xy + half_xy, path_xy - half_xy
