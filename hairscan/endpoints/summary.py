"""Counted hairs become the rows of hairs.csv and images.csv."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from hairscan.endpoints.area import UM2_PER_CM2, CountingArea
from hairscan.endpoints.density import CUT_OFFS_UM, cumulative_width_mm_per_cm2, hair_density, terminal_share
from hairscan.endpoints.flags import photo_flags
from hairscan.endpoints.rows import HairRow, PhotoRow, finite_or_none
from hairscan.endpoints.units import Unit, nearest_unit_px, units_inside
from hairscan.types import FloatArray, Hair, Photo, Scale

KIND_CUT_OFF_UM = CUT_OFFS_UM[1]
"""Cut-off of `kind` and of `terminal_fraction`."""


def hair_row(hair: Hair, photo: Photo) -> HairRow:
    """Row of one hair; lengths need both ends, micrometres need the scale.

    Where the flag `root-hidden` or `tip-hidden` is set, that position is the outermost visible point.
    """
    um_per_px = photo.scale.um_per_px if photo.scale else float("nan")
    width_um = finite_or_none(hair.width_px * um_per_px)
    return HairRow(
        image=photo.name,
        hair_id=hair.hair_id,
        root_x_px=float(hair.root_xy[0]),
        root_y_px=float(hair.root_xy[1]),
        tip_x_px=float(hair.tip_xy[0]),
        tip_y_px=float(hair.tip_xy[1]),
        width_px=finite_or_none(hair.width_px),
        width_um=width_um,
        width_se_um=finite_or_none(hair.width_se_px * um_per_px),
        length_um=finite_or_none(_length_px(hair) * um_per_px),
        kind=None if width_um is None else _kind(width_um),
        unit_id=None if hair.unit_id < 0 else hair.unit_id,
        counted=hair.counted,
        confidence=hair.confidence,
        flags=hair.flags,
    )


def photo_row(
    photo: Photo, hairs: Sequence[Hair], units: Sequence[Unit], area: CountingArea, judged_px: int
) -> PhotoRow:
    """Endpoints of one photograph.

    Parameters
    ----------
    hairs
        All traced hairs, counted and grouped.
    units
        All follicular units of these hairs.
    judged_px : int
        Number of pixels of the counting area that can be judged.
    """
    counted = [hair for hair in hairs if hair.counted]
    inside = units_inside(units, hairs, area)
    height_px, width_px = photo.ignored.shape
    values: dict[str, float | None] = {
        **dict.fromkeys(_SCALED_COLUMNS),
        **(_scaled_values(photo, photo.scale, counted, inside, area, judged_px) if photo.scale else {}),
        **_unit_shares(inside),
    }
    row = PhotoRow(
        image=photo.name,
        sha256=photo.sha256,
        width_px=width_px,
        height_px=height_px,
        scale_source=photo.scale.source if photo.scale else None,
        hair_count=len(counted),
        flags=(),
        **values,
    )
    return row.model_copy(update={"flags": photo_flags(photo, hairs, row)})


_SCALED_COLUMNS = (
    "um_per_px",
    "um_per_px_sd",
    "area_cm2",
    "density_per_cm2",
    "density_low_per_cm2",
    "density_high_per_cm2",
    "terminal_30um_per_cm2",
    "vellus_30um_per_cm2",
    "terminal_40um_per_cm2",
    "vellus_40um_per_cm2",
    "terminal_fraction",
    "mean_width_um",
    "median_width_um",
    "sd_width_um",
    "cumulative_width_mm_per_cm2",
    "unit_density_per_cm2",
    "nearest_unit_mm",
    "mean_length_um",
    "focus_um",
)


def _scaled_values(
    photo: Photo, scale: Scale, counted: Sequence[Hair], units: Sequence[Unit], area: CountingArea, judged_px: int
) -> dict[str, float | None]:
    """Everything that needs the scale, by column."""
    um_per_px = scale.um_per_px
    area_cm2 = judged_px * um_per_px**2 / UM2_PER_CM2
    widths_um = np.array([hair.width_px for hair in counted], dtype=np.float64) * um_per_px
    lengths_um = np.array([_length_px(hair) for hair in counted], dtype=np.float64) * um_per_px
    density = hair_density(len(counted), area_cm2, um_per_px, scale.sd)
    values = {
        "um_per_px": um_per_px,
        "um_per_px_sd": scale.sd,
        "area_cm2": area_cm2,
        "density_per_cm2": density.per_cm2,
        "density_low_per_cm2": density.low_per_cm2,
        "density_high_per_cm2": density.high_per_cm2,
        "terminal_fraction": terminal_share(widths_um, KIND_CUT_OFF_UM),
        "cumulative_width_mm_per_cm2": cumulative_width_mm_per_cm2(widths_um, area_cm2),
        "unit_density_per_cm2": len(units) / area_cm2,
        "nearest_unit_mm": nearest_unit_px(units, area, photo.ignored) * um_per_px / 1000,
        "mean_length_um": _mean(lengths_um),
        "focus_um": photo.psf_sigma_px * um_per_px,
        **_width_values(widths_um),
    }
    for cut_off_um in CUT_OFFS_UM:
        share = terminal_share(widths_um, cut_off_um) if counted else 0.0
        values[f"terminal_{cut_off_um:.0f}um_per_cm2"] = density.per_cm2 * share
        values[f"vellus_{cut_off_um:.0f}um_per_cm2"] = density.per_cm2 * (1 - share)
    return {name: finite_or_none(value) for name, value in values.items()}


def _width_values(widths_um: FloatArray) -> dict[str, float]:
    """Mean, median and standard deviation of the measured widths, um; NaN where too few were measured."""
    known_um = widths_um[np.isfinite(widths_um)]
    return {
        "mean_width_um": _mean(known_um),
        "median_width_um": float(np.median(known_um)) if known_um.size else float("nan"),
        "sd_width_um": float(np.std(known_um, ddof=1)) if known_um.size > 1 else float("nan"),
    }


def _unit_shares(units: Sequence[Unit]) -> dict[str, float | None]:
    """Hairs per unit and share of units with one hair; None without units."""
    sizes = [unit.n_hairs for unit in units]
    return {
        "hairs_per_unit": float(np.mean(sizes)) if sizes else None,
        "single_hair_unit_fraction": sizes.count(1) / len(sizes) if sizes else None,
    }


def _kind(width_um: float) -> Literal["terminal", "vellus"]:
    """Class of a hair of that width."""
    return "terminal" if width_um >= KIND_CUT_OFF_UM else "vellus"


def _length_px(hair: Hair) -> float:
    """Length, px; NaN where an end was not seen."""
    return hair.length_px if hair.root_seen and hair.tip_seen else float("nan")


def _mean(values: FloatArray) -> float:
    """Mean of the finite values; NaN when there is none."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")
