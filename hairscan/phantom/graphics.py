"""Overlays that the microscope's software burns into a picture: read-outs, circle, scale bar, ruler."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from hairscan.types import Ignored, LabelImage, RgbImage

OVERLAYS = ("header", "footer", "scale_bar", "circle", "text_box", "ruler")

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_RED = (236, 28, 36)
_BLUE = (20, 16, 220)


def burn_graphics(
    rgb: RgbImage, ignored: LabelImage, um_per_px: float, names: tuple[str, ...], rng: np.random.Generator
) -> None:
    """Burn overlays into a picture, in place, and mark every pixel that they change as graphics.

    Parameters
    ----------
    names : tuple of str
        Any of `OVERLAYS`; drawn in that order, so that boxes cover lines as the software draws them.
    """
    before = rgb.copy()
    painters = {
        "circle": _circle,
        "scale_bar": _scale_bar,
        "ruler": _ruler,
        "text_box": _text_box,
        "header": _header,
        "footer": _footer,
    }
    for name, painter in painters.items():
        if name in names:
            painter(rgb, um_per_px, rng)
    changed = (rgb != before).any(axis=2).astype(np.uint8)
    ignored[cv2.dilate(changed, np.ones((3, 3), np.uint8)) > 0] = Ignored.GRAPHICS


def _circle(rgb: RgbImage, um_per_px: float, rng: np.random.Generator) -> None:
    """Draw a red counting circle with its radius, mostly larger than the picture."""
    height, width = rgb.shape[:2]
    centre = rng.uniform(-0.3, 1.3, 2) * np.array([width, height])
    radius = rng.choice([2520.0, rng.uniform(400, 3000)]) / um_per_px
    thickness = int(rng.integers(1, 3))
    cv2.ellipse(rgb, _fixed(centre), _fixed(np.array([radius, radius])), 0, 0, 360, _RED, thickness, cv2.LINE_AA, 4)
    angle = rng.uniform(0, 2 * np.pi)
    end = centre + radius * np.array([np.cos(angle), np.sin(angle)])
    cv2.line(rgb, _fixed(centre), _fixed(end), _RED, thickness, cv2.LINE_AA, 4)


def _scale_bar(rgb: RgbImage, um_per_px: float, rng: np.random.Generator) -> None:
    """Draw a thin dark L at the lower left whose foot measures 1 mm, with its label in a dark box."""
    height = rgb.shape[0]
    arm = 1000.0 / um_per_px
    corner = np.array([rng.uniform(15, 60), height - rng.uniform(30, 110)])
    tone = (48, 46, 44) if rng.random() < 0.8 else (236, 236, 236)
    thickness = int(rng.integers(1, 3))
    for end in (corner + np.array([arm, 0]), corner - np.array([0, arm])):
        cv2.line(rgb, _fixed(np.rint(corner)), _fixed(np.rint(end)), tone, thickness, cv2.LINE_AA, 4)
    _label(rgb, "1.0 mm", corner + np.array([arm + 12, 10]), 0.9, (255, 255, 255), (44, 44, 46), 0.8)


def _ruler(rgb: RgbImage, um_per_px: float, rng: np.random.Generator) -> None:
    """Draw a ruler along one edge: a tick every 0.1 mm, longer every 0.5 and 1 mm."""
    height, width = rgb.shape[:2]
    tone = (20, 20, 20) if rng.random() < 0.6 else (245, 245, 245)
    step = 100.0 / um_per_px
    y = height - rng.uniform(8, 50)
    start = rng.uniform(0, 40)
    for k in range(int((width - start) / step)):
        reach = 26 if k % 10 == 0 else 17 if k % 5 == 0 else 9
        foot = np.array([start + k * step, y])
        cv2.line(rgb, _fixed(foot), _fixed(foot - np.array([0, reach])), tone, 1, cv2.LINE_AA, 4)
    cv2.line(rgb, _fixed(np.array([start, y])), _fixed(np.array([float(width), y])), tone, 1, cv2.LINE_AA, 4)


def _text_box(rgb: RgbImage, um_per_px: float, rng: np.random.Generator) -> None:
    """Draw blue measurements of a circle on a translucent white box."""
    height, width = rgb.shape[:2]
    radius_mm = rng.uniform(2.3, 2.7)
    rows = (
        f"{'RD'[int(rng.integers(2))]}C{int(rng.integers(3))}",
        f"C={2 * np.pi * radius_mm:.3f} mm",
        f"A={np.pi * radius_mm**2:.3f} mm^2",
        f"r={radius_mm:.3f} mm",
    )
    size = float(rng.uniform(1.3, 1.7)) * min(1.0, width / 900)
    line_px = int(38 * size)
    box = np.array([int(255 * size), 4 * line_px + 14])
    corner = np.rint(rng.uniform(0, 1, 2) * np.maximum(np.array([width, height]) - box, 0)).astype(int)
    patch = rgb[corner[1] : corner[1] + box[1], corner[0] : corner[0] + box[0]]
    patch[:] = np.rint(0.72 * patch + 0.28 * 255.0).astype(np.uint8)
    for k, row in enumerate(rows):
        foot = (int(corner[0]) + 10, int(corner[1]) + (k + 1) * line_px - 2)
        cv2.putText(rgb, row, foot, _FONT, size * 0.85, _BLUE, max(int(1.4 * size), 1), cv2.LINE_AA)


def _header(rgb: RgbImage, um_per_px: float, rng: np.random.Generator) -> None:
    """Draw a row of dark boxes with the device's read-outs along the top edge."""
    width = rgb.shape[1]
    name = f"{'AB'[int(rng.integers(2))]}{int(rng.integers(1000)):03d}"
    date = f"20{int(rng.integers(20, 26))}/{int(rng.integers(1, 13)):02d}/{int(rng.integers(1, 29)):02d} 09:18:52"
    texts = (name, "1280x1024", date, "unit: mm", "70x", "not calibrated")
    size = 0.8 * float(np.clip(width / 1280, 0.45, 1.2))
    x = 4.0
    for k, text in enumerate(texts):
        tone = (70, 226, 226) if k == 0 else (250, 250, 250)
        x = _label(rgb, text, np.array([x, 26 * size / 0.8]), size, tone, (60, 60, 66), 0.75) + 5


def _footer(rgb: RgbImage, um_per_px: float, rng: np.random.Generator) -> None:
    """Fill the even strip that the software leaves under the picture."""
    rgb[-int(rng.integers(8, 34)) :] = int(rng.integers(200, 226))


def _label(
    rgb: RgbImage,
    text: str,
    foot_xy: NDArray[np.float64],
    size: float,
    tone: tuple[int, int, int],
    box_tone: tuple[int, int, int],
    box_opacity: float,
) -> float:
    """Write text on a box, its lower left corner at `foot_xy`; returns the x of the box's right edge."""
    thickness = max(round(1.4 * size), 1)
    (width, height), base = cv2.getTextSize(text, _FONT, size, thickness)
    x, y = int(foot_xy[0]), int(foot_xy[1])
    patch = rgb[max(y - height - 6, 0) : max(y + base, 0), max(x, 0) : max(x + width + 8, 0)]
    patch[:] = np.rint((1 - box_opacity) * patch + box_opacity * np.array(box_tone)).astype(np.uint8)
    cv2.putText(rgb, text, (x + 4, y - 1), _FONT, size, tone, thickness, cv2.LINE_AA)
    return float(x + width + 8)


def _fixed(point_xy: NDArray[np.float64]) -> tuple[int, int]:
    """Give a point in sixteenths of a pixel, for cv2's ``shift=4``."""
    return round(float(point_xy[0] * 16)), round(float(point_xy[1] * 16))
