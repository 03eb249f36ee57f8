"""The short table of one result for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import hypot, sqrt
from pathlib import Path

from rich.console import Console
from rich.table import Table

from hairscan.endpoints.count import ROOT_NOT_JUDGED, ROOT_OUTSIDE
from hairscan.endpoints.density import CUT_OFFS_UM
from hairscan.endpoints.flags import flag_in_words
from hairscan.endpoints.result import PhotoResult
from hairscan.endpoints.rows import PhotoRow

_HOW_TO_SCALE = "give --um-per-px, or find it from a bar in the picture: hairscan calibrate PHOTO --bar-mm 1"
_WHY_NOT_COUNTED = {ROOT_OUTSIDE: "root outside the picture or area", ROOT_NOT_JUDGED: "root in an ignored zone"}


def print_result(result: PhotoResult, overlay: Path | None) -> None:
    """Print the result on stdout.

    Parameters
    ----------
    overlay
        Where the overlay was written; None when nothing was.
    """
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True, style="bold")
    grid.add_column()
    for name, value in _lines(result):
        grid.add_row(name, value)
    grid.add_row("overlay", "add --out DIR for the overlay picture and the tables" if overlay is None else str(overlay))
    console = Console(highlight=False, markup=False)
    console.print(result.photo.image, style="bold cyan")
    console.print(grid)


def print_comparison(lines: Sequence[tuple[str, float | None, float, str]]) -> None:
    """Print measured and true values side by side on stdout.

    Parameters
    ----------
    lines
        Name, measured value (None where it was not measured), true value, and number format of each line.
    """
    table = Table(show_edge=False)
    table.add_column("")
    for heading in ("measured", "true", "difference"):
        table.add_column(heading, justify="right")
    for name, measured, true, form in lines:
        if measured is None:
            table.add_row(name, "", format(true, form), "")
        else:
            table.add_row(name, format(measured, form), format(true, form), format(measured - true, "+" + form))
    console = Console(highlight=False, markup=False)
    console.print()
    console.print(table)


def _lines(result: PhotoResult) -> list[tuple[str, str]]:
    """Name and value of each line of the table."""
    photo = result.photo
    widths = _scaled_lines(result) if photo.um_per_px is not None else [("width", _width_px_words(result))]
    scale = (
        _HOW_TO_SCALE
        if photo.um_per_px is None
        else f"{photo.um_per_px:.4g} ± {photo.um_per_px_sd or 0:.2g} µm/px ({photo.scale_source})"
    )
    notes = [("note", flag_in_words(flag)) for flag in photo.flags]
    return [
        ("hairs counted", _count_words(result)),
        *widths,
        ("follicular units", _unit_words(photo)),
        ("area judged", _area_words(result)),
        ("scale", scale),
        *notes,
    ]


def _count_words(result: PhotoResult) -> str:
    """How many hairs are counted, and why others are not."""
    reasons = Counter(flag for row in result.hairs if not row.counted for flag in row.flags if flag in _WHY_NOT_COUNTED)
    others = "; ".join(f"{n} {_WHY_NOT_COUNTED[flag]}" for flag, n in sorted(reasons.items()))
    return f"{result.photo.hair_count}" + (f"  (traced but not counted: {others})" if others else "")


def _scaled_lines(result: PhotoResult) -> list[tuple[str, str]]:
    """Lines that need a scale."""
    photo = result.photo
    classes = [
        f"{getattr(photo, f'terminal_{cut:.0f}um_per_cm2'):.0f} / {getattr(photo, f'vellus_{cut:.0f}um_per_cm2'):.0f}"
        f" per cm² at {cut:.0f} µm"
        for cut in CUT_OFFS_UM
        if getattr(photo, f"terminal_{cut:.0f}um_per_cm2") is not None
    ]
    lines = [
        (
            "density",
            f"{photo.density_per_cm2 or 0:.0f} per cm²"
            f"  (95 %: {photo.density_low_per_cm2 or 0:.0f} to {photo.density_high_per_cm2 or 0:.0f})",
        )
    ]
    if photo.mean_width_um is not None:
        spread = "" if photo.sd_width_um is None else f", sd {photo.sd_width_um:.1f}"
        mean = f"mean {photo.mean_width_um:.1f}{_mean_interval_words(result)} µm"
        lines.append(("width", f"{mean}, median {photo.median_width_um:.1f}{spread}"))
    if classes:
        lines.append(("terminal / vellus", ";  ".join(classes)))
    if photo.cumulative_width_mm_per_cm2 is not None:
        lines.append(("cumulative thickness", f"{photo.cumulative_width_mm_per_cm2:.2f} mm per cm²"))
    return lines


def _mean_interval_words(result: PhotoResult) -> str:
    """Half of the 95 % interval of the mean width: chance among the measured hairs, and the scale's sd."""
    photo = result.photo
    measured = sum(row.counted and row.width_um is not None for row in result.hairs)
    if photo.sd_width_um is None or photo.mean_width_um is None or not photo.um_per_px:
        return ""
    chance_um = photo.sd_width_um / sqrt(measured)
    scale_um = photo.mean_width_um * (photo.um_per_px_sd or 0.0) / photo.um_per_px
    return f" ± {1.96 * hypot(chance_um, scale_um):.1f}"


def _width_px_words(result: PhotoResult) -> str:
    """Mean width of the counted hairs, px."""
    widths_px = [row.width_px for row in result.hairs if row.counted and row.width_px is not None]
    return f"mean {sum(widths_px) / len(widths_px):.2f} px" if widths_px else "no width could be measured"


def _unit_words(photo: PhotoRow) -> str:
    """Follicular units in a line."""
    if photo.hairs_per_unit is None:
        return "none"
    density = "" if photo.unit_density_per_cm2 is None else f"{photo.unit_density_per_cm2:.0f} per cm², "
    return f"{density}{photo.hairs_per_unit:.2f} hairs each, {photo.single_hair_unit_fraction or 0:.0%} with one hair"


def _area_words(result: PhotoResult) -> str:
    """How much was judged, what was left out, and why."""
    judged = result.judged
    area = "" if result.photo.area_cm2 is None else f"{result.photo.area_cm2:.4f} cm², "
    reasons = judged.left_out()
    where = "picture" if result.area.kind == "whole" else result.area.kind
    left_out = f"  (left out: {reasons})" if reasons else ""
    return f"{area}{judged.judged / judged.total:.1%} of the {where}{left_out}"
