"""Endpoints and numbers in words, rounded for a person; the CSV tables hold every digit."""

from __future__ import annotations

from math import isfinite

from hairscan.trial.parameters import PARAMETERS, EndpointWords

_PUBLISHED = {"terminal_per_cm2": EndpointWords("terminal hairs", "hairs/cm²", 1)}
"""Endpoints that published trials have and no photograph gives."""
MISSING = "–"
"""Stands where there is no number."""


def words_of(endpoint: str) -> EndpointWords:
    """Words for an endpoint."""
    return PARAMETERS.get(endpoint) or _PUBLISHED.get(endpoint) or EndpointWords(endpoint, "", 2)


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
