"""Numbers as people write them."""

from __future__ import annotations

import re

_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?", re.IGNORECASE)


def read_number(text: str) -> float | None:
    """Value of a decimal number; None where it is none.

    Python itself would take 2_7 for 27, and nan and the digits of any script.
    """
    return float(text) if _DECIMAL.fullmatch(text) else None
