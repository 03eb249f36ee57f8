"""The table of matched change beside unmatched change, as text for a person."""

from __future__ import annotations

import pandas as pd

from hairscan.report.trial_tables import PageTable, Row
from hairscan.report.trial_words import MISSING, interval, number, percent, words_of


def matched_change_table(matched: pd.DataFrame, ci: str) -> PageTable:
    """Means and spreads of both changes in the same subjects, and what the ratio of the spreads can be worth."""
    headings = (
        "endpoint",
        "week",
        "arm",
        "subjects",
        "matched: mean change (SD)",
        "unmatched: mean change (SD)",
        f"ratio of the SDs ({ci})",
        f"subjects for the same power if both show the same effect ({ci})",
        "undecided hairs",
    )
    rows = tuple(_cells(row) for row in matched.to_dict("records"))
    return PageTable("Change of matched hairs beside that of the photographs, same subjects and visits", headings, rows)


def _cells(row: Row) -> tuple[str, ...]:
    numbers = {name: value for name, value in row.items() if isinstance(value, int | float)}
    words = words_of(str(row["endpoint"]))

    def mean(kind: str) -> str:
        spread = number(numbers[f"{kind}_sd"], words.decimals)
        middle = number(numbers[f"{kind}_mean"], words.decimals, signed=True)
        return f"{middle} ({spread})" if middle != MISSING else f"({spread})"

    of = numbers["n_unmatched"]
    ratio, ratio_ends = numbers["sd_ratio"], (numbers["sd_ratio_low"], numbers["sd_ratio_high"])
    share, *share_ends = (numbers[f"subjects_share_if_same_effect{end}"] for end in ("", "_low", "_high"))
    shares = f" ({percent(share_ends[0])} to {percent(share_ends[1])})" if share_ends[0] == share_ends[0] else ""
    return (
        words.label,
        f"{numbers['week']:g}",
        str(row["arm"]),
        number(numbers["n"], 0) + (f" of {number(of, 0)}" if of == of else ""),
        mean("matched"),
        mean("unmatched"),
        number(ratio, 2) + (f" ({interval(*ratio_ends, 2)})" if ratio_ends[0] == ratio_ends[0] else ""),
        percent(share) + shares,
        percent(numbers["undecided_share"]),
    )
