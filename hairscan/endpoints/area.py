"""The counting area: what part of the photograph is counted, and how much of it can be judged."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from math import pi, sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hairscan.errors import AreaError, ScaleError
from hairscan.types import FloatArray, Ignored, LabelImage, Photo

UM2_PER_CM2 = 1e8
_NUMBER = r"(\d+(?:\.\d*)?|\.\d+)"
_FORM = re.compile(
    rf"(?:circle:{_NUMBER}\s*cm2|rect:{_NUMBER}\s*x\s*{_NUMBER}\s*mm)(?:@{_NUMBER}\s*,\s*{_NUMBER})?", re.IGNORECASE
)
_HOW = "write whole, circle:1.0cm2, rect:10x8mm, or either with a centre in px, as in circle:0.5cm2@640,512"


@dataclass(frozen=True, slots=True)
class CountingArea:
    """A circle or an upright rectangle on the photograph, px.

    Attributes
    ----------
    centre_x_px, centre_y_px : float
        Middle of the area.
    width_px, height_px : float
        Full extent; both are the diameter of a circle.
    """

    kind: Literal["whole", "circle", "rect"]
    centre_x_px: float
    centre_y_px: float
    width_px: float
    height_px: float

    def contains(self, x_px: NDArray[np.float64], y_px: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether each point lies in the area.

        A rectangle owns its left and top side and not its right and bottom one, so that areas laid side by side
        share no point and leave none out.
        """
        if self.kind == "circle":
            from_middle2_px2 = (x_px - self.centre_x_px) ** 2 + (y_px - self.centre_y_px) ** 2
            return np.asarray(from_middle2_px2 <= (self.width_px / 2) ** 2)
        # compared with the sides themselves: a difference from the middle would round a near miss onto a side
        in_x = (x_px >= self.centre_x_px - self.width_px / 2) & (x_px < self.centre_x_px + self.width_px / 2)
        in_y = (y_px >= self.centre_y_px - self.height_px / 2) & (y_px < self.centre_y_px + self.height_px / 2)
        return np.asarray(in_x & in_y)

    def to_border_px(self, x_px: FloatArray, y_px: FloatArray) -> FloatArray:
        """Distance of each point of the area to its border."""
        from_middle_x_px, from_middle_y_px = np.abs(x_px - self.centre_x_px), np.abs(y_px - self.centre_y_px)
        if self.kind == "circle":
            return np.asarray(self.width_px / 2 - np.hypot(from_middle_x_px, from_middle_y_px))
        return np.minimum(self.width_px / 2 - from_middle_x_px, self.height_px / 2 - from_middle_y_px)


@dataclass(frozen=True, slots=True)
class JudgedPixels:
    """How many pixels of the counting area can be judged, and why the others cannot, px (a number of pixels)."""

    judged: int
    lens: int
    glare: int
    graphics: int
    ink: int
    blur: int

    @property
    def total(self) -> int:
        """All pixels of the counting area."""
        return sum(self.by_reason().values())

    def by_reason(self) -> dict[str, int]:
        """Give the number of pixels by `Ignored` name in small letters, `judged` first."""
        return asdict(self)

    def left_out(self) -> str:
        """Why pixels cannot be judged, each reason with its share of all; empty where all can be."""
        shares = {name: n / self.total for name, n in self.by_reason().items() if n and name != "judged"}
        return ", ".join(f"{name} {share:.1%}" for name, share in shares.items())


def place_area(text: str | None, photo: Photo) -> CountingArea:
    """Lay the counting area that `text` describes on the photograph.

    Parameters
    ----------
    text : str or None
        ``whole`` (also None), ``circle:1.0cm2``, ``rect:10x8mm``; the last two take a centre in px, ``@x,y``, and lie
        in the middle of the picture without one.

    Raises
    ------
    AreaError
        When the text is malformed or the area does not lie in the picture.
    ScaleError
        When the area is given in cm2 or mm and the photograph has no scale.
    """
    height_px, width_px = photo.ignored.shape
    middle = ((width_px - 1) / 2, (height_px - 1) / 2)
    if text is None or text.strip().lower() == "whole":
        return CountingArea("whole", *middle, float(width_px), float(height_px))
    match = _read_form(text)
    circle_cm2, rect_w_mm, rect_h_mm, x_px, y_px = (None if g is None else float(g) for g in match.groups())
    if photo.scale is None:
        raise ScaleError(f"the area {text!r} needs a scale: give --um-per-px, or count the whole picture")
    um_per_px = photo.scale.um_per_px
    centre_x_px, centre_y_px = middle if x_px is None or y_px is None else (x_px, y_px)
    if circle_cm2 is not None:
        diameter_px = 2 * sqrt(circle_cm2 * UM2_PER_CM2 / pi) / um_per_px
        area = CountingArea("circle", centre_x_px, centre_y_px, diameter_px, diameter_px)
    else:
        side_x_px, side_y_px = ((side_mm or 0) * 1000 / um_per_px for side_mm in (rect_w_mm, rect_h_mm))
        area = CountingArea("rect", centre_x_px, centre_y_px, side_x_px, side_y_px)
    if min(area.width_px, area.height_px) < 1:
        raise AreaError(f"the area {text!r} is smaller than a pixel: {_HOW}")
    _check_inside(text, area, width_px, height_px, um_per_px)
    return area


def check_area(text: str | None) -> None:
    """Raise AreaError where the text describes no area of any photograph."""
    if text is not None and text.strip().lower() != "whole":
        _read_form(text)


def judge_pixels(area: CountingArea, ignored: LabelImage) -> JudgedPixels:
    """Count the pixels of the area that can be judged and, by reason, that cannot.

    Parameters
    ----------
    ignored : uint8 array, shape (H, W)
        `Ignored` code of every pixel. A pixel belongs to the area when its centre does.
    """
    height_px, width_px = ignored.shape
    x_px = np.arange(width_px, dtype=np.float64)[None, :]
    y_px = np.arange(height_px, dtype=np.float64)[:, None]
    inside = area.contains(x_px, y_px)
    return JudgedPixels(*(int(np.count_nonzero(inside & (ignored == int(code)))) for code in Ignored))


def _read_form(text: str) -> re.Match[str]:
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise AreaError(f"the area {text!r} cannot be read: {_HOW}")
    return match


def _check_inside(text: str, area: CountingArea, width_px: int, height_px: int, um_per_px: float) -> None:
    """Raise AreaError, naming the largest area of that shape and centre that fits, unless all of it is in the picture.

    Half a pixel of rounding is let pass.
    """
    half_x_px = min(area.centre_x_px + 0.5, width_px - 0.5 - area.centre_x_px)
    half_y_px = min(area.centre_y_px + 0.5, height_px - 0.5 - area.centre_y_px)
    if half_x_px <= 0 or half_y_px <= 0:
        raise AreaError(f"the middle of the area {text!r} is outside the picture of {width_px} x {height_px} px")
    if area.width_px / 2 <= half_x_px + 0.5 and area.height_px / 2 <= half_y_px + 0.5:
        return
    if area.kind == "circle":
        largest_cm2 = pi * (min(half_x_px, half_y_px) * um_per_px) ** 2 / UM2_PER_CM2
        fits = f"circle:{_rounded_down(largest_cm2)}cm2"
    else:
        sides_mm = (2 * half_x_px * um_per_px / 1000, 2 * half_y_px * um_per_px / 1000)
        fits = f"rect:{_rounded_down(sides_mm[0])}x{_rounded_down(sides_mm[1])}mm"
    raise AreaError(f"the area {text!r} is larger than the picture around its middle: the largest that fits is {fits}")


def _rounded_down(value: float) -> str:
    """Value with three significant digits or fewer, never above the value."""
    digits = 2 - int(np.floor(np.log10(value)))
    return f"{np.floor(value * 10.0**digits) / 10.0**digits:.{max(digits, 0)}f}"
