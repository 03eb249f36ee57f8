"""What the columns of a trial's tables mean, and their units.

A heading that means the same in several tables stands once; `_OF_TABLE` holds what means something else in one of them.
"""

from __future__ import annotations

from hairscan.endpoints.columns import Column, column_of
from hairscan.trial.adam import LABELS, NAME

OF_ENDPOINT = "of the endpoint"
"""Unit of what is measured in the unit of the endpoint that the row names."""

_PLAIN = {
    "set": "Analysis set: full, or per protocol.",
    "endpoint": "Column of images.csv that is analysed.",
    "visit": "Visit, as the design names it.",
    "arm": "Treatment that the row is about.",
    "control": "Treatment that the arm is compared with.",
    "method": "Statistical method.",
    "kind": "What was repeated: same visit, operators or duplicates; hairscan visits has unmatched and matched.",
    "layout": "parallel: arms of different subjects, or split-scalp: arms of the two sides of a subject.",
    "note": "What else a reader must know of the row.",
    "reason": "Why it is not analysed.",
    "n": "Subjects.",
    "n_change": "Subjects with a change from baseline.",
    "n_arm": "Subjects of the arm.",
    "n_control": "Subjects of the control.",
    "n_pairs": "Subjects with both sides.",
    "n_photos": "Photographs.",
    "n_subjects": "Subjects.",
    "n_targets": "Places at a visit, or photographs, that were measured more than once.",
    "n_unmatched": "Subjects with a change of the photographs each by itself.",
    "n_per_arm": "Subjects needed in each arm, or pairs of a split-scalp trial; drop-outs are not provided for.",
    "is_baseline": "1 where the visit is the baseline, else 0.",
    "analysed": "1 where the row is of the full analysis set, else 0.",
    "correlation": "Pearson's correlation between the baseline and the visit.",
    "df": "Degrees of freedom of the estimate.",
    "p": "Two-sided p value of no difference.",
    "p_adjusted": "The p value of a primary hypothesis, adjusted for the others.",
    "significant": "yes or no for a primary hypothesis.",
    "hedges_g": "Standardised difference of the mean changes, corrected for small samples.",
    "cliffs_delta": "Chance that a treated change is the larger less that it is the smaller, -1 to 1.",
    "dominance_of_pairs": "Share of the pairs whose treated side gained more, less that of those whose treated side "
    "gained less, -1 to 1.",
    "missing": "Subjects without a figure at the visit: counted as no response, or left out.",
    "difference": "Share of responders in the arm less that in the control.",
    "responders_arm": "Responders of the arm.",
    "responders_control": "Responders of the control.",
    "share_arm": "Share of responders in the arm.",
    "share_control": "Share of responders in the control.",
    "odds_ratio": "Odds of a response in the arm over those in the control.",
    "nnt": "Subjects to be treated for one more responder.",
    "icc21": "Intraclass correlation (2,1): absolute agreement of single measurements.",
    "icc31": "Intraclass correlation (3,1): consistency of single measurements.",
    "slope": "Slope of the difference on the mean of both measurements.",
    "slope_p": "Two-sided p value of no slope.",
    "power": "Chance that the next trial shows the difference.",
    "sd_ratio": "Standard deviation of the matched changes over that of the unmatched.",
    "subjects_share_if_same_effect": "Share of the subjects that gives the same power with the matched change, if both "
    "changes show the same effect.",
    "undecided_share": "Mean share of the hairs of the common area of which nobody can tell what became of them.",
    "level": "What is left out: a photograph, a visit, a subject, or a subject of the per-protocol set.",
    "photo_variance": "Variance of the error of the change, in multiples of that of one photograph.",
    "operator_variance": "Variance of the error of the change, in multiples of that of one operator.",
    "item": "Step on the way to the analysis.",
    "warning": "What a reader must be warned of.",
    "words": "The flags in words.",
    "used": "Whether the photograph is analysed, yes or no.",
    "fact": "What is told: a version, a hash, a count.",
    "study": "Published trial.",
    "year": "Year of the publication.",
    "design": "Design of the published trial.",
    "comparison": "change from baseline of the arm, or its difference against control.",
    "unit": "Unit of the effect, as published.",
    "not_comparable": "What sets the published number apart from this trial.",
    "verified": "Where the number was read.",
    "source_url": "Link to the source.",
}
_MEASURED = {
    "value": "Mean of the photographs of the visit.",
    "base": "Value at the baseline.",
    "change": "Value less that at the baseline.",
    "estimate": "Effect of the arm against the control: difference of the changes from baseline.",
    "se": "Standard error of the estimate.",
    "least_gain_low": "Least gain that any subject was held to.",
    "least_gain_high": "Largest gain that any subject was held to.",
    "sem": "Standard error of measurement: standard deviation of the repeats of one target.",
    "mdc95": "Minimal detectable change (95 %) of one subject: 1.96 sqrt(2) sem.",
    "bias": "Mean of the later measurement less the earlier.",
    "loa_low": "Lower 95 % limit of agreement.",
    "loa_high": "Upper 95 % limit of agreement.",
}
_COLUMNS = {
    **{name: Column(meaning) for name, meaning in _PLAIN.items()},
    **{name: Column(meaning, OF_ENDPOINT) for name, meaning in _MEASURED.items()},
    "week": Column("Time of the visit in the plan of the design.", "weeks"),
    "percent_change": Column("Change over the value at the baseline.", "%"),
    "within_cv_percent": Column("Coefficient of variation of the repeats of one target.", "%"),
    "area_cm2_mean": Column("Mean judged area of a photograph.", "cm2"),
    "effect": Column("The published number.", "of the column unit"),
}
"""Headings of ``tables/*.csv``, whatever the table."""

_ENDS_OF_MEAN = {
    "low": Column("Lower end of the interval of the mean.", OF_ENDPOINT),
    "high": Column("Upper end of the interval of the mean.", OF_ENDPOINT),
}
_OF_TABLE = {
    "flow": {
        "n": Column("Subjects or photographs, as the item says."),
        "visit": Column("Visit that the item is about; empty for all."),
    },
    "describe": _ENDS_OF_MEAN,
    "pairs": {
        **{f"difference_{end}": column for end, column in _ENDS_OF_MEAN.items()},
        "correlation": Column("Pearson's correlation between the changes of the two sides."),
    },
    "adjusted_means": {"estimate": Column("Adjusted mean change from baseline of the arm.", OF_ENDPOINT)},
    "sensitivity": {
        "n_arm": Column("Subjects of the arm, the imputed as well."),
        "n_control": Column("Subjects of the control, the imputed as well."),
    },
    "bland_altman": {
        "n_pairs": Column("Targets with both measurements."),
        "sd": Column("Standard deviation of the differences between the two measurements.", OF_ENDPOINT),
    },
    "sample_size": {
        "sd": Column("Standard deviation of the change within the arms, or between the sides.", OF_ENDPOINT),
        "difference": Column("Difference worth showing.", OF_ENDPOINT),
    },
    "literature": {
        "arm": Column("Treatment, as published."),
        "kind": Column("Group of treatments that the arm belongs to."),
        "control": Column("Control of the published trial."),
        "week": Column("Time of the measurement.", "weeks"),
        "n": Column("Subjects of the arm, or of both for a difference against control."),
    },
    "matched_change": {
        "arm": Column("Treatment, or the spread that the comparison rests on: within the arms or between the sides."),
    },
    "facts": {"value": Column("What is told of it.")},
    NAME: {
        **{name: Column(label) for name, label in LABELS.items()},
        **{name: Column(LABELS[name], "of the parameter") for name in ("AVAL", "BASE", "CHG")},
        "AVISITN": Column(LABELS["AVISITN"], "weeks"),
        "PCHG": Column(LABELS["PCHG"], "%"),
        "AREACM2": Column(LABELS["AREACM2"], "cm2"),
    },
}
"""Headings that mean something else in one table; those of the ADaM dataset, whose labels tell them."""

_STATISTICS = {
    "mean": "Mean",
    "sd": "Standard deviation",
    "median": "Median",
    "q1": "First quartile",
    "q3": "Third quartile",
}
_QUANTITIES = {
    "": Column("the values of the visit", OF_ENDPOINT),
    "change": Column("the changes from baseline", OF_ENDPOINT),
    "percent_change": Column("the percentage changes from baseline", "%"),
    "difference": Column("the differences between the sides", OF_ENDPOINT),
    "matched": Column("the changes of matched hairs", OF_ENDPOINT),
    "unmatched": Column("the changes of the photographs each by itself", OF_ENDPOINT),
}
"""``change_sd`` is a statistic of a quantity."""
_ENDS = {"low": "Lower", "high": "Upper"}
_MIDDLES = {
    "": "estimate",
    "change": "change_mean",
    "g": "hedges_g",
    "delta": "cliffs_delta",
    "dominance": "dominance_of_pairs",
    "odds": "odds_ratio",
}
"""What an interval is of, where ``g_low`` to ``g_high`` do not say it in full."""


def trial_column(table: str, name: str) -> Column:
    """What a column of a table means, and its unit; both empty where nobody has said it.

    Examples
    --------
    >>> trial_column("describe", "change_q1")
    Column(meaning='First quartile of the changes from baseline.', unit='of the endpoint')
    >>> trial_column("responders", "odds_low")
    Column(meaning='Lower end of the interval of odds_ratio.', unit='')
    """
    of_table = _OF_TABLE.get(table, {})
    return of_table.get(name) or _COLUMNS.get(name) or _by_rule(table, name) or column_of(name)


def _by_rule(table: str, name: str) -> Column | None:
    """A statistic of a quantity, or one end of an interval; None where the heading is neither."""
    stem, _, last = name.rpartition("_")
    if last in _STATISTICS and stem in _QUANTITIES:
        quantity = _QUANTITIES[stem]
        return Column(f"{_STATISTICS[last]} of {quantity.meaning}.", quantity.unit)
    middle = _MIDDLES.get(stem, stem)
    if last in _ENDS and (told := trial_column(table, middle)).meaning:
        return Column(f"{_ENDS[last]} end of the interval of {middle}.", told.unit)
    return None
