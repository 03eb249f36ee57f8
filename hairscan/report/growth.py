"""Two photographs of one growth in one frame: every hair in the colour of its phase."""

from __future__ import annotations

import numpy as np

from hairscan.lines import arc_lengths
from hairscan.report.comparison import Panel, panels_of, side_by_side
from hairscan.report.marks import HALO, Mark
from hairscan.types import FloatArray, RgbImage
from hairscan.visits.growth import Growth, Phase
from hairscan.visits.plane import transform

MARKS = {
    Phase.ANAGEN: Mark((0, 200, 120), "anagen"),
    Phase.TELOGEN: Mark((255, 140, 0), "telogen"),
    Phase.UNDECIDED: Mark((225, 225, 225), "undecided"),
}
_THIN_PX, _THICK_PX = 2, 5


def draw_growth(growth: Growth) -> RgbImage:
    """Draw the first photograph and, beside it in the same frame, the second, with a legend below.

    Every hair has the colour of its phase. At the second photograph the stretch by which it is longer is drawn thick;
    the hair grew at its root, and that stretch is where its tip was pushed to.
    """
    comparison = growth.comparison
    before, after = panels = panels_of(comparison)
    scale = comparison.scale
    for hair, grown in zip(comparison.hairs, growth.hairs, strict=True):
        if grown.phase is None:
            continue
        colour = MARKS[grown.phase].rgb
        if hair.baseline is not None:
            _draw(before, hair.baseline.path_xy, colour, 0.0)
        if hair.followup is not None:
            longer_px = np.nan_to_num(grown.elongation.elongation_um) / (scale.um_per_px if scale else 1.0)
            _draw(after, hair.followup.path_xy, colour, float(longer_px))
    marks = [(mark, growth.number(phase)) for phase, mark in MARKS.items()]
    return side_by_side(panels, _headline(growth), marks, "thick: by so much longer", comparison)


def _draw(panel: Panel, path_xy: FloatArray, colour: tuple[int, int, int], longer_px: float) -> None:
    """Draw a hair, its root, and thick the last stretch of so many px of the baseline."""
    in_frame = transform(panel.to_baseline, path_xy)
    to_tip = arc_lengths(in_frame[::-1])[::-1]
    for paint, more_px in ((HALO, 2), (colour, 0)):
        panel.line(path_xy, paint, _THIN_PX + more_px)
        if longer_px > 0:
            panel.line(path_xy[to_tip <= longer_px], paint, _THICK_PX + more_px)
    panel.circle(path_xy[0], 6, HALO)
    panel.circle(path_xy[0], 5, colour)


def _headline(growth: Growth) -> str:
    """Put the phases and the rate into one line."""
    share, mean = growth.anagen_share, growth.mean_um_per_day
    parts = []
    if share.value is not None:
        parts.append(f"anagen {share.value:.0%} of the decided (95 %: {share.low:.0%} to {share.high:.0%})")
    if mean.um_per_day is not None:
        parts.append(f"anagen hairs grow {mean.um_per_day:.0f} um/day ({mean.hairs} hairs)")
    parts.append(f"telogen: below {growth.telogen_um_per_day:g} um/day, {growth.hours:g} h")
    return "    ".join(parts)
