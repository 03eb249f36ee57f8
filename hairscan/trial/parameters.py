"""The endpoints a trial can name: columns of images.csv, with their code and name in an ADaM dataset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Parameter:
    """One endpoint in an ADaM dataset: PARAMCD, PARAM, and whether it needs a scale.

    Attributes
    ----------
    per_area : bool
        A number per cm2: the mean of several photographs is weighted by their areas.
    """

    code: str
    label: str
    needs_scale: bool = True
    per_area: bool = False


PARAMETERS = {
    "density_per_cm2": Parameter("TAHD", "Total area hair density (/cm2)", per_area=True),
    # of the counted area of one photograph, which stands beside it: its mean is a plain one
    "hair_count": Parameter("TAHC", "Total area hair count", needs_scale=False),
    "terminal_30um_per_cm2": Parameter("NVTAH30", "Hairs of at least 30 um (/cm2)", per_area=True),
    "terminal_40um_per_cm2": Parameter("NVTAH40", "Hairs of at least 40 um (/cm2)", per_area=True),
    "vellus_30um_per_cm2": Parameter("VELL30", "Hairs thinner than 30 um (/cm2)", per_area=True),
    "vellus_40um_per_cm2": Parameter("VELL40", "Hairs thinner than 40 um (/cm2)", per_area=True),
    "terminal_fraction": Parameter("TERMFR", "Share of hairs of at least 40 um"),
    "mean_width_um": Parameter("MHD", "Mean hair diameter (um)"),
    "median_width_um": Parameter("MEDHD", "Median hair diameter (um)"),
    "cumulative_width_mm_per_cm2": Parameter("CHT", "Cumulative hair thickness (mm/cm2)", per_area=True),
    "unit_density_per_cm2": Parameter("FUD", "Follicular unit density (/cm2)", per_area=True),
    "hairs_per_unit": Parameter("HPFU", "Hairs per follicular unit", needs_scale=False),
    "single_hair_unit_fraction": Parameter("SHUFR", "Share of units with one hair", needs_scale=False),
    "nearest_unit_mm": Parameter("IFD", "Distance to the nearest unit (mm)"),
    "mean_length_um": Parameter("MHL", "Mean hair length (um)"),
}
"""Endpoints by column of images.csv; every label fits the 40 characters of a SAS transport file."""


def check_endpoints(endpoints: Iterable[str]) -> tuple[str, ...]:
    """The endpoints, where each is one and stands once.

    Raises
    ------
    ValueError
        Where one does not.
    """
    names = tuple(endpoints)
    unknown = [name for name in names if name not in PARAMETERS]
    if unknown:
        raise ValueError(f"{', '.join(unknown)} is no endpoint: choose among {', '.join(PARAMETERS)}")
    check_distinct(names)
    return names


def check_distinct(names: Iterable[str]) -> None:
    """Raise ValueError where a name stands twice."""
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise ValueError(f"{', '.join(twice)} stands twice")
