"""``hairscan calibrate``: the scale of a photo from a scale bar, a ruler or two points."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hairscan.cli.number import number
from hairscan.errors import OutputError, ScaleError
from hairscan.numbers import read_number

if TYPE_CHECKING:
    from hairscan.photo.calibrate import Calibration
    from hairscan.types import RgbImage

_MARK_RGB = (0, 200, 80)
_MOST_DRAWN = 0.2
"""Share of a picture, at most, that the marks take: they take the most of the smallest photographs."""


def calibrate(
    photo: Annotated[Path, typer.Argument(help="Photograph: JPEG, PNG or TIFF.")],
    bar_mm: Annotated[float | None, typer.Option(parser=number, help="Length of the burnt-in scale bar, mm.")] = None,
    tick_mm: Annotated[
        float | None, typer.Option(parser=number, help="Distance of a ruler's neighbouring ticks, mm.")
    ] = None,
    point: Annotated[list[str] | None, typer.Option(help="One of two points X,Y in px; give it twice.")] = None,
    distance_mm: Annotated[float | None, typer.Option(parser=number, help="Distance of the two points, mm.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the picture of what was found (default: here).")] = None,
) -> None:
    """Find the scale of a photo, print it, and draw what it was found from."""
    from rich.console import Console

    from hairscan.photo.read import read_rgb

    rgb, _ = read_rgb(photo)
    found = _measure(rgb, bar_mm, tick_mm, point or [], distance_mm)
    picture = (out or Path()) / f"{photo.stem}-calibration.png"
    if picture.is_file() and not _is_drawn_on(rgb, picture):
        raise OutputError(f"{picture} is of no calibration of {photo.name} and would be replaced: name another folder")
    _write_picture(picture, rgb, found)
    what = {
        "scale-bar": f"scale bar, {found.length_px:.1f} px",
        "ruler": f"ruler, {len(found.points)} ticks over {found.length_px:.1f} px",
        "points": f"two points, {found.length_px:.1f} px apart",
    }[found.kind]
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"{found.um_per_px:.4g} um/px ± {found.sd:.2g} ({what})", markup=False)
    how = f"--um-per-px {found.um_per_px:.5g} --um-per-px-sd {found.sd:.2g}"
    console.print(f"drawn in {picture}; score with: {how}", markup=False)


def _measure(
    rgb: RgbImage, bar_mm: float | None, tick_mm: float | None, point: list[str], distance_mm: float | None
) -> Calibration:
    """Calibration by the one way that was asked for."""
    from hairscan.photo.calibrate import scale_from_bar, scale_from_points, scale_from_ruler

    by_points = bool(point) or distance_mm is not None
    if (bar_mm is not None) + (tick_mm is not None) + by_points != 1:
        raise ScaleError("Say what to look for: --bar-mm L, or --tick-mm L, or --point X,Y twice with --distance-mm L.")
    if bar_mm is not None:
        return scale_from_bar(rgb, bar_mm)
    if tick_mm is not None:
        return scale_from_ruler(rgb, tick_mm)
    if len(point) != 2 or distance_mm is None:
        raise ScaleError("Two points and their distance are needed: --point X,Y --point X,Y --distance-mm L.")
    first_xy, second_xy = (_point(text, rgb) for text in point)
    return scale_from_points(first_xy, second_xy, distance_mm)


def _point(text: str, rgb: RgbImage) -> tuple[float, float]:
    """Point of a text ``X,Y`` that lies in the picture."""
    match [read_number(part.strip()) for part in text.split(",")]:
        case [float(x), float(y)]:
            pass
        case _:
            raise ScaleError(f"--point must be X,Y in pixels, such as 120,873, not {text!r}.")
    height, width = rgb.shape[:2]
    if not (0 <= x <= width - 1 and 0 <= y <= height - 1):
        raise ScaleError(f"The point {text} lies outside the picture of {width} x {height} px.")
    return x, y


def _is_drawn_on(rgb: RgbImage, path: Path) -> bool:
    """Tell whether a picture shows the photo but for the marks, as one that was drawn before does."""
    import numpy as np

    from hairscan.photo.codec import decode_picture
    from hairscan.photo.read import read_bytes

    drawn = decode_picture(read_bytes(path))
    if drawn is None or drawn.shape != rgb.shape:
        return False
    return bool(np.mean(drawn[..., ::-1] != rgb) < _MOST_DRAWN)


def _write_picture(path: Path, rgb: RgbImage, found: Calibration) -> None:
    """Write the photo with both ends, or every tick, marked beside the line that was measured."""
    import cv2
    import numpy as np

    from hairscan.files import write_files, writing_to
    from hairscan.photo.codec import encode_png

    picture = rgb.copy()
    size = max(5, min(rgb.shape[:2]) // 60)
    places = [(round(x), round(y)) for x, y in found.points]
    for place in places:
        cv2.circle(picture, place, size if len(places) == 2 else 3, _MARK_RGB, 1, cv2.LINE_AA)
    first, last = np.array(places[0]), np.array(places[-1])
    along = (last - first) / max(float(np.hypot(*(last - first))), 1.0)
    aside = np.rint(2 * size * np.array([along[1], -along[0]])).astype(int)
    cv2.line(picture, tuple(int(v) for v in first + aside), tuple(int(v) for v in last + aside), _MARK_RGB, 2)
    label = f"{found.length_px:.1f} px  {found.um_per_px:.4g} um/px"
    corner = (int(min(first[0], last[0])) + size, max(int(min(first[1], last[1]) - 3 * size), 4 * size))
    cv2.putText(picture, label, corner, cv2.FONT_HERSHEY_SIMPLEX, size / 22, _MARK_RGB, max(1, size // 10), cv2.LINE_AA)
    with writing_to(path):
        write_files({path: encode_png(picture)})
