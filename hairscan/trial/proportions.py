"""Two shares compared: difference, odds ratio and number needed to treat, of two groups or of pairs."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
from scipy import stats
from statsmodels.stats.contingency_tables import Table2x2
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint


@dataclass(frozen=True, slots=True)
class Contrast:
    """How a share differs from that of the control; NaN where it cannot be told, the note says why."""

    difference: float = nan
    difference_low: float = nan
    difference_high: float = nan
    odds_ratio: float = nan
    odds_low: float = nan
    odds_high: float = nan
    p: float = nan
    note: str = ""


@dataclass(frozen=True, slots=True)
class NumberNeeded:
    """Number needed to treat; negative is a number needed to harm."""

    nnt: float = nan
    nnt_low: float = nan
    nnt_high: float = nan
    note: str = ""


def contrast_of_groups(k: int, n: int, k_control: int, n_control: int, alpha: float) -> Contrast:
    """Contrast of k among n with k_control among n_control, two separate groups.

    Notes
    -----
    Newcombe's (1998a) hybrid score interval of the difference (his method 10), Woolf's interval of the odds ratio with
    0.5 added to every cell where one is empty, Fisher's exact p.
    """
    if min(n, n_control) == 0:
        return Contrast(note="an arm has no subject")
    cells = np.array([[k, n - k], [k_control, n_control - k_control]])
    low, high = confint_proportions_2indep(k, n, k_control, n_control, method="newcomb", compare="diff", alpha=alpha)
    has_empty = bool((cells == 0).any())
    odds = Table2x2(cells + 0.5 * has_empty, shift_zeros=False)
    odds_low, odds_high = odds.oddsratio_confint(alpha)
    return Contrast(
        difference=k / n - k_control / n_control,
        difference_low=float(low),
        difference_high=float(high),
        odds_ratio=float(odds.oddsratio),
        odds_low=float(odds_low),
        odds_high=float(odds_high),
        p=float(stats.fisher_exact(cells).pvalue),
        note="0.5 added to each cell for the odds ratio" if has_empty else "",
    )


def contrast_of_pairs(both: int, treated_only: int, control_only: int, neither: int, alpha: float) -> Contrast:
    """Contrast of the treated with the control side of the same subjects, from the four kinds of pairs.

    Notes
    -----
    Newcombe's (1998b) interval of the difference of paired shares (his method 10), the ratio of the two kinds of
    discordant pairs with its exact interval from that of Clopper and Pearson (1934), McNemar's exact p. Where one kind
    is absent 0.5 is added to both for the ratio, not for its interval.
    """
    n, discordant = both + treated_only + control_only + neither, treated_only + control_only
    if n == 0:
        return Contrast(note="no pair")
    low, high = _newcombe_of_pairs(both, treated_only, control_only, neither, alpha)
    difference = (treated_only - control_only) / n
    if discordant == 0:
        return Contrast(difference, low, high, p=1.0, note="no discordant pair, no odds ratio")
    share_low, share_high = proportion_confint(treated_only, discordant, alpha, method="beta")
    added, notes = 0.0, []
    if 0 in (treated_only, control_only):
        added, notes = 0.5, ["0.5 added to both kinds of discordant pairs for the odds ratio"]
    if control_only == 0:
        notes.append("no upper bound of the odds ratio")
    return Contrast(
        difference=difference,
        difference_low=low,
        difference_high=high,
        odds_ratio=(treated_only + added) / (control_only + added),
        odds_low=float(share_low / (1 - share_low)),
        odds_high=float(share_high / (1 - share_high)) if control_only else nan,
        p=float(stats.binomtest(treated_only, discordant).pvalue),
        note="; ".join(notes),
    )


def number_needed(difference: float, low: float, high: float) -> NumberNeeded:
    """Number needed to treat from the difference of two shares and its interval.

    Notes
    -----
    Where the interval of the difference holds 0 that of the number runs through infinity (Altman 1998): it has no two
    limits, and the note gives both its ends.
    """
    if low > 0 or high < 0:
        return NumberNeeded(1 / difference, 1 / high, 1 / low, "" if low > 0 else "negative: number needed to harm")
    if not low <= 0 <= high:
        return NumberNeeded()
    benefit, harm = (f"{1 / limit:.1f}" if limit > 0 else "infinity" for limit in (high, -low))
    note = f"number needed to treat not bounded: from {benefit} to benefit through infinity to {harm} to harm"
    return NumberNeeded(1 / difference if difference else nan, note=note)


def _newcombe_of_pairs(
    both: int, treated_only: int, control_only: int, neither: int, alpha: float
) -> tuple[float, float]:
    """Limits of the difference of paired shares, from Wilson's limits of each and their correlation phi."""
    n = both + treated_only + control_only + neither
    treated, control = both + treated_only, both + control_only
    low, high = (float(limit) for limit in proportion_confint(treated, n, alpha, method="wilson"))
    low_control, high_control = (float(limit) for limit in proportion_confint(control, n, alpha, method="wilson"))
    margins = treated * (n - treated) * control * (n - control)
    agreement = float(both * neither - treated_only * control_only)
    if agreement > 0:
        # Newcombe's continuity correction: a positive correlation may not be overstated
        agreement = max(agreement - n / 2, 0.0)
    phi = agreement / sqrt(margins) if margins else 0.0
    below, above_control = treated / n - low, high_control - control / n
    above, below_control = high - treated / n, control / n - low_control
    difference = (treated - control) / n
    # the sums are squares at heart: rounding alone can take them below zero
    down = sqrt(max(below**2 - 2 * phi * below * above_control + above_control**2, 0.0))
    up = sqrt(max(above**2 - 2 * phi * above * below_control + below_control**2, 0.0))
    return difference - down, difference + up
