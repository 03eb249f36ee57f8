"""The numbers among the options."""

from __future__ import annotations

from hairscan.errors import OptionError
from hairscan.numbers import read_number


def number(text: str | float) -> float:
    """Value of what a person wrote for an option, or of its default.

    Raises
    ------
    OptionError
        Where it is no decimal number.
    """
    value = read_number(text) if isinstance(text, str) else text
    if value is None:
        raise OptionError(f"{text!r} is not a number: write it with a point, such as 2.78")
    return value
