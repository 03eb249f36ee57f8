"""The strip under an overlay: the numbers, what the colours mean, a scale bar, and what measured it."""

from __future__ import annotations

from dataclasses import dataclass
from unicodedata import combining, normalize

import cv2
import numpy as np

from hairscan.endpoints.flags import flag_in_words
from hairscan.endpoints.result import PhotoResult
from hairscan.report.marks import HALO, MARKS, marks_with_counts
from hairscan.types import Photo, RgbImage

_PAPER = (245, 245, 245)
_TEXT = (20, 20, 20)
_FAINT = (90, 90, 90)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_LEAST_WIDTH_PX = 900
_LEAST_SIZE = 0.2
_BAR_LENGTHS_UM = (100, 200, 500, 1000, 2000, 5000, 10000)


@dataclass(frozen=True, slots=True)
class Pen:
    """Where and how large to write on a strip."""

    strip: RgbImage
    size: float

    @property
    def line_px(self) -> int:
        """Thickness of a normal stroke."""
        return max(1, round(1.4 * self.size))

    def width_px(self, text: str, bold: bool = False, size: float | None = None) -> int:
        """Give the room a text takes, at the pen's size or another."""
        return int(cv2.getTextSize(text, _FONT, size or self.size, self._stroke_px(bold))[0][0])

    def write(
        self, text: str, x_px: float, y_px: float, colour: tuple[int, int, int] = _TEXT, bold: bool = False
    ) -> None:
        """Write a text whose base line starts at that place, smaller where it would leave the strip."""
        at, size = (round(x_px), round(y_px)), self.size
        # Strokes and gaps are whole pixels: half the size is not half the width.
        while size > _LEAST_SIZE and self.width_px(text, bold, size) > self.strip.shape[1] - x_px:
            size *= 0.95
        cv2.putText(self.strip, text, at, _FONT, size, colour, self._stroke_px(bold), cv2.LINE_AA)

    def _stroke_px(self, bold: bool) -> int:
        return self.line_px + (self.line_px if bold else 0)


def add_legend(picture: RgbImage, zoom: float, photo: Photo, result: PhotoResult) -> RgbImage:
    """Put the strip under the picture.

    Parameters
    ----------
    zoom : float
        Pixels of the picture per pixel of the photograph.
    """
    height_px, width_px = picture.shape[0], max(picture.shape[1], _LEAST_WIDTH_PX)
    paper = np.full((height_px, width_px, 3), _PAPER, np.uint8)
    paper[:, : picture.shape[1]] = picture
    size = width_px / 2400
    row_px = round(34 * size) + 6
    left_px = round(20 * size) + 4
    notes = _note_lines(result, Pen(paper, size), width_px - 2 * left_px)
    strip = np.full((round((4.9 + len(notes)) * row_px), width_px, 3), _PAPER, np.uint8)
    pen = Pen(strip, size)
    pen.write(_headline(result), left_px, 1.1 * row_px, bold=True)
    _write_keys(pen, result, left_px, 2.2 * row_px, row_px)
    pen.write(_judged(result), left_px, 3.3 * row_px)
    for number, line in enumerate(notes):
        pen.write(line, left_px, (4.3 + number) * row_px)
    run = result.run
    network = f"network {run.model_name} {run.model_sha256[:8]}, {run.device}"
    source = f"{photo.name}   hairscan {run.hairscan_version}   {network}"
    pen.write(ascii_text(source), left_px, (4.3 + len(notes)) * row_px, _FAINT)
    _draw_scale_bar(pen, zoom, result, 1.1 * row_px)
    return np.concatenate([paper, strip])


def _note_lines(result: PhotoResult, pen: Pen, room_px: float) -> list[str]:
    """The flags in words, as many in a line as there is room for."""
    lines: list[str] = []
    for flag in result.photo.flags:
        words = ascii_text(flag_in_words(flag))
        if lines and pen.width_px(longer := f"{lines[-1]}; {words}") <= room_px:
            lines[-1] = longer
        else:
            lines.append(words if lines else f"note: {words}")
    return lines


def _headline(result: PhotoResult) -> str:
    """Put counts, density and thickness in one line."""
    photo = result.photo
    parts = [f"{photo.hair_count} hairs"]
    if photo.density_per_cm2 is not None:
        low, high = photo.density_low_per_cm2 or 0, photo.density_high_per_cm2 or 0
        parts.append(f"{photo.density_per_cm2:.0f} per cm2 (95 %: {low:.0f} to {high:.0f})")
    if photo.mean_width_um is not None:
        parts.append(f"mean width {photo.mean_width_um:.1f} um")
    return "    ".join(parts)


def _judged(result: PhotoResult) -> str:
    """Say how much was judged, and what was not and why."""
    photo, judged = result.photo, result.judged
    area = "" if photo.area_cm2 is None else f" = {photo.area_cm2:.4f} cm2"
    reasons = judged.left_out()
    hatched = f" (hatched: {reasons})" if reasons else ""
    return f"judged {judged.judged / judged.total:.1%}{area}{hatched}"


def _write_keys(pen: Pen, result: PhotoResult, x_px: float, y_px: float, row_px: int) -> None:
    """Write each colour with its meaning and number of hairs, then the signs for roots."""
    high_px = round(0.5 * row_px)
    for name, n in marks_with_counts(result.hairs).items():
        corner = (round(x_px), round(y_px))
        opposite = (round(x_px) + 2 * high_px, round(y_px) - high_px)
        cv2.rectangle(pen.strip, corner, opposite, MARKS[name].rgb, -1)
        cv2.rectangle(pen.strip, corner, opposite, HALO, 1)
        text = f"{MARKS[name].meaning}: {n}"
        pen.write(text, x_px + 2.5 * high_px, y_px)
        x_px += 4.5 * high_px + pen.width_px(text)
    middle = (round(x_px + high_px / 2), round(y_px - high_px / 2))
    cv2.circle(pen.strip, middle, high_px // 2, HALO, -1, cv2.LINE_AA)
    pen.write("root", x_px + 1.5 * high_px, y_px)
    x_px += 3 * high_px + pen.width_px("root")
    cv2.circle(pen.strip, (round(x_px + high_px / 2), middle[1]), high_px // 2, HALO, pen.line_px, cv2.LINE_AA)
    pen.write("root not seen", x_px + 1.5 * high_px, y_px)


def _draw_scale_bar(pen: Pen, zoom: float, result: PhotoResult, y_px: float) -> None:
    """Draw a bar of round length at the right end, and the scale; or say that there is none."""
    right_px = pen.strip.shape[1] - 20 * pen.size - 4
    um_per_px = result.photo.um_per_px
    if um_per_px is None:
        text = "no scale"
        pen.write(text, right_px - pen.width_px(text), y_px)
        return
    widest_um = 0.22 * pen.strip.shape[1] / zoom * um_per_px
    length_um = max((um for um in _BAR_LENGTHS_UM if um <= widest_um), default=_BAR_LENGTHS_UM[0])
    bar_px = length_um / um_per_px * zoom
    length = f"{length_um / 1000:g} mm" if length_um >= 1000 else f"{length_um} um"
    text = f"{length}   ({um_per_px:.3g} um/px, {result.photo.scale_source})"
    pen.write(text, right_px - pen.width_px(text), y_px - 10 * pen.size)
    thick_px = max(3, round(7 * pen.size))
    cv2.rectangle(
        pen.strip, (round(right_px - bar_px), round(y_px)), (round(right_px), round(y_px) + thick_px), _TEXT, -1
    )


def ascii_text(text: str) -> str:
    """Text without accents, and with a question mark for each letter that OpenCV's font still does not have."""
    bare = "".join(letter for letter in normalize("NFKD", text) if not combining(letter))
    return bare.encode("ascii", "replace").decode()
