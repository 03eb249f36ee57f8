"""The endpoints a trial can name: columns of images.csv, in words and with their names in an ADaM dataset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EndpointWords:
    """What an endpoint is called, its unit (empty where it has none) and its decimals, for a person."""

    name: str
    unit: str
    decimals: int

    @property
    def label(self) -> str:
        """Name and unit, as an axis or a heading says it."""
        return self.name + (f" ({self.unit})" if self.unit else "")


@dataclass(frozen=True, slots=True)
class Parameter(EndpointWords):
    """One endpoint with its names in an ADaM dataset.

    Attributes
    ----------
    code, param : str
        PARAMCD and PARAM; the second fits the 40 characters of a SAS transport file.
    """

    code: str
    param: str
    needs_scale: bool = True

    @property
    def per_area(self) -> bool:
        """Whether it is a number per cm2: the mean of several photographs is weighted by their areas."""
        return self.unit.endswith("/cm²")


PARAMETERS = {
    "density_per_cm2": Parameter("hair density", "hairs/cm²", 1, "TAHD", "Total area hair density (/cm2)"),
    # of the counted area of one photograph, which stands beside it: its mean is a plain one
    "hair_count": Parameter("hair count", "hairs", 1, "TAHC", "Total area hair count", needs_scale=False),
    "terminal_30um_per_cm2": Parameter(
        "hairs of 30 µm and more", "hairs/cm²", 1, "NVTAH30", "Hairs of at least 30 um (/cm2)"
    ),
    "terminal_40um_per_cm2": Parameter(
        "hairs of 40 µm and more", "hairs/cm²", 1, "NVTAH40", "Hairs of at least 40 um (/cm2)"
    ),
    "vellus_30um_per_cm2": Parameter("hairs under 30 µm", "hairs/cm²", 1, "VELL30", "Hairs thinner than 30 um (/cm2)"),
    "vellus_40um_per_cm2": Parameter("hairs under 40 µm", "hairs/cm²", 1, "VELL40", "Hairs thinner than 40 um (/cm2)"),
    "terminal_fraction": Parameter(
        "share of hairs of 40 µm and more", "", 3, "TERMFR", "Share of hairs of at least 40 um"
    ),
    "mean_width_um": Parameter("mean hair width", "µm", 1, "MHD", "Mean hair diameter (um)"),
    "median_width_um": Parameter("median hair width", "µm", 1, "MEDHD", "Median hair diameter (um)"),
    "cumulative_width_mm_per_cm2": Parameter(
        "cumulative hair width", "mm/cm²", 2, "CHT", "Cumulative hair thickness (mm/cm2)"
    ),
    "unit_density_per_cm2": Parameter(
        "follicular unit density", "units/cm²", 1, "FUD", "Follicular unit density (/cm2)"
    ),
    "hairs_per_unit": Parameter(
        "hairs per follicular unit", "", 2, "HPFU", "Hairs per follicular unit", needs_scale=False
    ),
    "single_hair_unit_fraction": Parameter(
        "share of units with one hair", "", 3, "SHUFR", "Share of units with one hair", needs_scale=False
    ),
    "nearest_unit_mm": Parameter("distance to the nearest unit", "mm", 2, "IFD", "Distance to the nearest unit (mm)"),
    "mean_length_um": Parameter("mean hair length", "µm", 0, "MHL", "Mean hair length (um)"),
}
"""Endpoints by column of images.csv."""


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
