"""Endpoints and numbers in words, rounded for a person; the CSV tables hold every digit."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite


@dataclass(frozen=True, slots=True)
class EndpointWords:
    """What a column of images.csv is called, its unit (empty where it has none) and its decimals."""

    name: str
    unit: str
    decimals: int

    @property
    def label(self) -> str:
        """Name and unit, as an axis or a heading says it."""
        return self.name + (f" ({self.unit})" if self.unit else "")


_WORDS = {
    "density_per_cm2": EndpointWords("hair density", "hairs/cm²", 1),
    "hair_count": EndpointWords("hair count", "hairs", 1),
    "terminal_30um_per_cm2": EndpointWords("hairs of 30 µm and more", "hairs/cm²", 1),
    "terminal_40um_per_cm2": EndpointWords("hairs of 40 µm and more", "hairs/cm²", 1),
    "terminal_per_cm2": EndpointWords("terminal hairs", "hairs/cm²", 1),
    "vellus_30um_per_cm2": EndpointWords("hairs under 30 µm", "hairs/cm²", 1),
    "vellus_40um_per_cm2": EndpointWords("hairs under 40 µm", "hairs/cm²", 1),
    "terminal_fraction": EndpointWords("share of hairs of 40 µm and more", "", 3),
    "mean_width_um": EndpointWords("mean hair width", "µm", 1),
    "median_width_um": EndpointWords("median hair width", "µm", 1),
    "cumulative_width_mm_per_cm2": EndpointWords("cumulative hair width", "mm/cm²", 2),
    "unit_density_per_cm2": EndpointWords("follicular unit density", "units/cm²", 1),
    "hairs_per_unit": EndpointWords("hairs per follicular unit", "", 2),
    "single_hair_unit_fraction": EndpointWords("share of units with one hair", "", 3),
    "nearest_unit_mm": EndpointWords("distance to the nearest unit", "mm", 2),
    "mean_length_um": EndpointWords("mean hair length", "µm", 0),
}
MISSING = "–"
"""Stands where there is no number."""


def words_of(endpoint: str) -> EndpointWords:
    """Words for an endpoint."""
    return _WORDS.get(endpoint, EndpointWords(endpoint, "", 2))


def number(value: float, decimals: int, *, signed: bool = False) -> str:
    """A number with a true minus, and a plus where asked for; a dash where it is missing."""
    if not isfinite(value):
        return MISSING
    text = f"{value:{'+' if signed else ''}.{decimals}f}"
    unsigned = text.lstrip("+-")
    return unsigned if float(unsigned) == 0 else text.replace("-", "\u2212")


def interval(low: float, high: float, decimals: int) -> str:
    """Both ends of an interval, kept on one line; a dash where there is none."""
    if not (isfinite(low) and isfinite(high)):
        return MISSING
    return f"{number(low, decimals)}\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}{number(high, decimals)}"


def p_text(p: float) -> str:
    """A p value, with three decimals below 0.1 and two above; a dash where there is none."""
    if not isfinite(p):
        return MISSING
    return "<0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def percent(share: float) -> str:
    """A share as percent; a dash where there is none."""
    return f"{100 * share:.0f}\N{NO-BREAK SPACE}%" if isfinite(share) else MISSING


def capital(text: str) -> str:
    """The text with its first letter large; the rest as it is."""
    return text[:1].upper() + text[1:]


def plural(n: int, noun: str) -> str:
    """How many of a thing there are: no, 1 or more."""
    return f"{n or 'no'} {noun}{'' if n == 1 else 's'}"
