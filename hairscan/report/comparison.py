"""Two visits in one frame: every hair of the common area in the colour of what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hairscan.report.canvas import SHIFT, Canvas
from hairscan.report.legend import Pen, ascii_text
from hairscan.report.marks import HALO, Mark
from hairscan.types import FloatArray, RgbImage
from hairscan.visits.changes import is_sure_change
from hairscan.visits.compare import Comparison
from hairscan.visits.matching import Status
from hairscan.visits.plane import inverse, transform

MARKS = {
    Status.MATCHED: Mark((0, 158, 255), "matched"),
    Status.LOST: Mark((255, 70, 30), "lost"),
    Status.GAINED: Mark((0, 200, 120), "gained"),
    Status.UNDECIDED: Mark((225, 225, 225), "undecided"),
}
"""Colours as in the overlay of one photograph: they differ in brightness too; lost and gained carry a sign as well."""
_PANEL_PX = 1200
_BLINK_MS = 700
_OUTSIDE_BRIGHTNESS = 0.5


@dataclass(frozen=True, slots=True)
class Panel(Canvas):
    """One visit in the frame of the baseline, and the way from its own px to the baseline's."""

    to_baseline: FloatArray

    def fixed(self, points_xy: FloatArray) -> NDArray[np.int32]:
        """Positions of the visit as OpenCV's fixed-point positions on the panel, shape (N, 1, 2)."""
        # A class with slots is made anew by its decorator, and `super` would look for the one before.
        return Canvas.fixed(self, transform(self.to_baseline, points_xy))


def draw_comparison(comparison: Comparison) -> RgbImage:
    """Draw the baseline and, beside it in the same frame, the follow-up, with a legend below.

    Skin that only one of them shows or can judge is dimmed. Every hair of the common area has the colour of its
    status; a lost hair carries a minus, a gained one a plus; a triangle up or down marks a hair that became thicker
    or thinner by more than the measurement's noise.
    """
    panels = panels_of(comparison)
    for panel, name in zip(panels, ("baseline", "followup"), strict=True):
        _draw_hairs(panel, comparison, name)
    marks = [(mark, comparison.number(status)) for status, mark in MARKS.items()]
    note = "triangle up / down: thicker / thinner beyond the noise"
    return side_by_side(panels, _headline(comparison), marks, note, comparison)


def blink_frames(comparison: Comparison) -> tuple[RgbImage, RgbImage]:
    """The baseline and the follow-up in the baseline's frame, nothing drawn on them."""
    before, after = panels_of(comparison)
    return before.rgb, after.rgb


def encode_blink(frames: tuple[RgbImage, RgbImage]) -> bytes:
    """The frames as an animated PNG that goes on blinking."""
    animation = cv2.Animation()
    animation.frames = [cv2.cvtColor(frame, cv2.COLOR_RGB2BGR) for frame in frames]
    animation.durations = [_BLINK_MS] * len(frames)
    _, data = cv2.imencodeanimation(".png", animation)
    return bytes(np.asarray(data, np.uint8).tobytes())


def side_by_side(
    panels: tuple[Panel, Panel], headline: str, marks: Sequence[tuple[Mark, int]], note: str, comparison: Comparison
) -> RgbImage:
    """Both panels, and below them a headline, every mark with the number of its hairs, a note, and the photographs."""
    gap = np.full((panels[0].rgb.shape[0], 8, 3), 255, np.uint8)
    picture = np.hstack([panels[0].rgb, gap, panels[1].rgb])
    row_px = 34
    strip = np.full((4 * row_px, picture.shape[1], 3), 245, np.uint8)
    pen = Pen(strip, 0.8)
    pen.write(ascii_text(headline), 16, 1.0 * row_px, bold=True)
    x_px = 16.0
    for mark, number in marks:
        cv2.rectangle(strip, (round(x_px), 2 * row_px - 18), (round(x_px) + 30, 2 * row_px), mark.rgb, -1)
        cv2.rectangle(strip, (round(x_px), 2 * row_px - 18), (round(x_px) + 30, 2 * row_px), HALO, 1)
        text = f"{mark.meaning}: {number}"
        pen.write(text, x_px + 38, 2.0 * row_px)
        x_px += 70 + pen.width_px(text)
    pen.write(note, x_px, 2.0 * row_px)
    names = f"left {comparison.baseline.photo.name}, right {comparison.followup.photo.name} in its frame"
    pen.write(ascii_text(names), 16, 3.2 * row_px, (90, 90, 90))
    return np.concatenate([picture, strip])


def panels_of(comparison: Comparison) -> tuple[Panel, Panel]:
    """Both visits in the frame of the baseline, what is not common dimmed."""
    baseline, followup = comparison.baseline.photo, comparison.followup.photo
    height, width = baseline.ignored.shape
    zoom = min(_PANEL_PX / max(height, width), 2.0)
    size = (max(1, round(width * zoom)), max(1, round(height * zoom)))
    back = inverse(comparison.registration.matrix)
    common = cv2.resize(comparison.overlap.depth_px, size, interpolation=cv2.INTER_LINEAR) > 0
    grow = np.array([[zoom, 0.0, (zoom - 1) / 2], [0.0, zoom, (zoom - 1) / 2], [0.0, 0.0, 1.0]])
    pictures = (
        cv2.resize(baseline.rgb, size, interpolation=cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC),
        cv2.warpPerspective(followup.rgb, grow @ back, size, flags=cv2.INTER_LINEAR),
    )
    dimmed = [np.where(common[..., None], rgb, rgb * _OUTSIDE_BRIGHTNESS).astype(np.uint8) for rgb in pictures]
    return Panel(dimmed[0], zoom, np.eye(3)), Panel(dimmed[1], zoom, back)


def _draw_hairs(panel: Panel, comparison: Comparison, name: str) -> None:
    """Draw the hairs that one visit shows, and where those stood or will stand that it does not."""
    for hair, widths in zip(comparison.hairs, comparison.widths, strict=True):
        shown, other = (hair.baseline, hair.followup) if name == "baseline" else (hair.followup, hair.baseline)
        if shown is not None:
            path_xy = shown.path_xy
        elif other is not None and hair.status is not Status.UNDECIDED:
            path_xy = _carried(comparison, other.path_xy, name)
        else:
            continue
        colour = MARKS[hair.status].rgb
        _draw_path(panel, path_xy, colour, dashed=shown is None)
        if hair.status in (Status.LOST, Status.GAINED):
            _draw_sign(panel, path_xy, colour, plus=hair.status is Status.GAINED)
        elif is_sure_change(widths.change_um, widths.change_se_um):
            _draw_triangle(panel, path_xy, up=widths.change_um > 0)


def _carried(comparison: Comparison, path_xy: FloatArray, name: str) -> FloatArray:
    """A path of the other visit in px of this one."""
    matrix = comparison.registration.matrix
    return transform(inverse(matrix) if name == "baseline" else matrix, path_xy)


def _draw_path(panel: Panel, path_xy: FloatArray, colour: tuple[int, int, int], *, dashed: bool) -> None:
    """Draw a centre-line and its root; of a hair that is not there, dashes and a ring."""
    parts = np.array_split(path_xy, max(len(path_xy) // 6, 1))[::2] if dashed else [path_xy]
    for paint, thickness_px in ((HALO, 4), (colour, 2)):
        for part in parts:
            panel.line(part, paint, thickness_px)
    panel.circle(path_xy[0], 6, HALO, 4 if dashed else -1)
    panel.circle(path_xy[0], 5, colour, 2 if dashed else -1)


def _draw_sign(panel: Panel, path_xy: FloatArray, colour: tuple[int, int, int], *, plus: bool) -> None:
    """Draw a plus or a minus behind the root."""
    x, y = (int(v) >> SHIFT for v in panel.fixed(path_xy)[0, 0])
    for paint, thickness in ((HALO, 7), (colour, 3)):
        cv2.line(panel.rgb, (x - 10, y - 20), (x + 10, y - 20), paint, thickness, cv2.LINE_AA)
        if plus:
            cv2.line(panel.rgb, (x, y - 30), (x, y - 10), paint, thickness, cv2.LINE_AA)


def _draw_triangle(panel: Panel, path_xy: FloatArray, *, up: bool) -> None:
    """Draw a triangle on the middle of a hair, up for thicker and down for thinner."""
    x, y = (int(v) >> SHIFT for v in panel.fixed(path_xy)[len(path_xy) // 2, 0])
    tip = -9 if up else 9
    corners = np.array([[x, y + tip], [x - 8, y - tip // 2], [x + 8, y - tip // 2]], np.int32)
    cv2.fillPoly(panel.rgb, [corners], (255, 255, 255), cv2.LINE_AA)
    cv2.polylines(panel.rgb, [corners], True, HALO, 2, cv2.LINE_AA)


def _headline(comparison: Comparison) -> str:
    """Put the change into one line."""
    count, density, width = comparison.count_change, comparison.density_change_per_cm2, comparison.width_change
    parts = [f"{count.value:+.0f} hairs"]
    if density.value is not None:
        parts.append(f"{density.value:+.0f} per cm2 (95 %: {density.low:+.0f} to {density.high:+.0f})")
    if width.mean_um is not None and width.se_um is not None:
        parts.append(f"width {width.mean_um:+.1f} +- {width.se_um:.1f} um over {width.hairs} hairs")
    return "    ".join(parts)
