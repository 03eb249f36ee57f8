"""Every comparison with the control that a design asks for, in one analysis set."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from hairscan.trial.ancova import ancova_effects
from hairscan.trial.design import Design
from hairscan.trial.effect_sizes import EFFECT_SIZE_COLUMNS, effect_sizes
from hairscan.trial.linear import EFFECT_COLUMNS, MEAN_COLUMNS, effect_line
from hairscan.trial.missing import paired_sensitivity_effects, sensitivity_effects
from hairscan.trial.mmrm import METHOD as PRIMARY_METHOD
from hairscan.trial.mmrm import mmrm_effects, paired_mmrm_effects
from hairscan.trial.multiplicity import adjust
from hairscan.trial.pairs import make_pairs, pair_effects, started_pairs
from hairscan.trial.responders import RESPONDER_COLUMNS, responders

FULL, PER_PROTOCOL = "full", "per protocol"
SENSITIVITY_SEED = 0

_HEAD = ["set", "endpoint"]
_COLUMNS = {
    "effects": [*_HEAD, *EFFECT_COLUMNS],
    "adjusted_means": [*_HEAD, *MEAN_COLUMNS],
    "effect_sizes": ["set", *EFFECT_SIZE_COLUMNS],
    "responders": [*_HEAD, "visit", *RESPONDER_COLUMNS],
    "sensitivity": [*_HEAD, *EFFECT_COLUMNS],
}


def compare_sets(
    observations: pd.DataFrame, covariates: pd.DataFrame, errors: pd.DataFrame, design: Design
) -> dict[str, pd.DataFrame]:
    """Tables effects, adjusted_means, effect_sizes, responders and sensitivity, each with a leading column `set`.

    Parameters
    ----------
    observations
        The tidy table of the design's endpoints.
    covariates
        subject, and one column per covariate.
    errors
        Of the responder's endpoint, as `hairscan.trial.detectable.errors_of` gives them.

    Returns
    -------
    dict of str to DataFrame
        The per-protocol set is there where the design excludes someone; all tables but the responders are empty
        without a control.
    """
    left_out = [entry.subject for entry in design.exclude]
    sets = {FULL: observations}
    if left_out:
        sets[PER_PROTOCOL] = observations[~observations["subject"].isin(left_out)]
    compared = [_compare(rows, covariates, errors, design, name) for name, rows in sets.items()]
    tables = {name: _joined([one[name] for one in compared], name) for name in _COLUMNS}
    return {**tables, "effects": _with_multiplicity(tables["effects"], design)}


def matched_effects(matched: pd.DataFrame, covariates: pd.DataFrame, design: Design) -> pd.DataFrame:
    """Effects by the primary model on the change of matched hairs, in the columns of `effects`; nothing is adjusted.

    Parameters
    ----------
    matched
        As `hairscan.trial.changes.matched_observations` gives it.
    """
    if design.control is None:
        effects = []
    elif design.layout == "split-scalp":
        effects = _model_of_sides(make_pairs(matched, control=design.control), design)
    else:
        effects, _ = _model_of_groups(_with_covariates(matched, covariates, design), design)
    table = _joined(effects, "effects").assign(set=FULL)[_COLUMNS["effects"]]
    return _in_order(table, design).assign(p_adjusted=np.nan, significant="")


def _compare(
    observations: pd.DataFrame, covariates: pd.DataFrame, errors: pd.DataFrame, design: Design, name: str
) -> dict[str, pd.DataFrame]:
    """All tables of one analysis set."""
    tables = {name: _joined([], name) for name in _COLUMNS}
    if design.control is not None:
        compare = _compare_sides if design.layout == "split-scalp" else _compare_groups
        tables |= compare(observations, covariates, design)
        tables["effects"] = _with_every_hypothesis(tables["effects"], design)
    tables["responders"] = _responders(observations, errors, design)
    return {key: _in_order(table.assign(set=name)[_COLUMNS[key]], design) for key, table in tables.items()}


def _in_order(table: pd.DataFrame, design: Design) -> pd.DataFrame:
    """The rows by method, endpoint, week and arm: endpoints and arms in the order of the design."""
    order: dict[str, list[str]] = {"endpoint": list(design.endpoints), "arm": list(design.arms)}
    if "method" in table:
        order["method"] = list(table["method"].unique())
    keys = [name for name in ("method", "endpoint", "week", "arm") if name in table]
    return table.sort_values(
        keys, key=lambda column: column.map(order[column.name].index) if column.name in order else column
    )


def _compare_groups(observations: pd.DataFrame, covariates: pd.DataFrame, design: Design) -> dict[str, pd.DataFrame]:
    """Tables of a parallel trial."""
    control, alpha, named = str(design.control), design.alpha, design.covariates
    everyone = _with_covariates(observations, covariates, design)
    analysed = everyone[everyone["analysed"] & ~everyone["is_baseline"]]
    effects, means = _model_of_groups(analysed, design)
    ancovas = [
        ancova_effects(rows, control=control, alpha=alpha, covariates=named, arms=design.arms).assign(endpoint=name)
        for name, rows in _by_endpoint(analysed, design)
    ]
    imputed = [
        sensitivity_effects(rows, control=control, alpha=alpha, seed=SENSITIVITY_SEED, covariates=named).assign(
            endpoint=name
        )
        for name, rows in _by_endpoint(everyone[everyone["base"].notna()], design)
    ]
    return {
        "effects": _joined([*effects, *ancovas], "effects"),
        "adjusted_means": _joined(means, "adjusted_means"),
        "effect_sizes": effect_sizes(observations, control=control, alpha=alpha, layout="parallel"),
        "sensitivity": _joined(imputed, "sensitivity"),
    }


def _with_covariates(observations: pd.DataFrame, covariates: pd.DataFrame, design: Design) -> pd.DataFrame:
    """The tidy table with the covariates of every subject."""
    everyone = observations.merge(covariates, on="subject", how="left", suffixes=("", "_of_subject"))
    named = [name for name in design.covariates if f"{name}_of_subject" in everyone]
    return everyone.assign(**{name: everyone[f"{name}_of_subject"] for name in named})


def _model_of_groups(analysed: pd.DataFrame, design: Design) -> tuple[list[pd.DataFrame], list[pd.DataFrame]]:
    """Effects and adjusted means of every endpoint by the primary model of a parallel trial."""
    control, alpha = str(design.control), design.alpha
    models = [
        (name, mmrm_effects(rows, control=control, alpha=alpha, covariates=design.covariates, arms=design.arms))
        for name, rows in _by_endpoint(analysed, design)
    ]
    effects = [model[0].assign(endpoint=name) for name, model in models]
    return effects, [model[1].assign(endpoint=name) for name, model in models]


def _model_of_sides(pairs: pd.DataFrame, design: Design) -> list[pd.DataFrame]:
    """Effects of every endpoint by the primary model of a split-scalp trial."""
    return [
        paired_mmrm_effects(rows, alpha=design.alpha).assign(endpoint=name)
        for name, rows in _by_endpoint(pairs, design)
    ]


def _compare_sides(observations: pd.DataFrame, _: pd.DataFrame, design: Design) -> dict[str, pd.DataFrame]:
    """Tables of a split-scalp trial."""
    control, alpha = str(design.control), design.alpha
    pairs = make_pairs(observations, control=control)
    whole = _complete_pairs(pairs, design)
    complete = pair_effects(whole, alpha=alpha).assign(note="only subjects with every visit")
    started = started_pairs(observations, control=control)
    imputed = [
        paired_sensitivity_effects(rows, alpha=alpha, seed=SENSITIVITY_SEED).assign(endpoint=name)
        for name, rows in _by_endpoint(started, design)
    ]
    return {
        "effects": _joined([*_model_of_sides(pairs, design), pair_effects(pairs, alpha=alpha)], "effects"),
        "adjusted_means": _joined([], "adjusted_means"),
        "effect_sizes": effect_sizes(pairs, control=control, alpha=alpha, layout="split-scalp"),
        "sensitivity": _joined([*imputed, complete], "sensitivity"),
    }


def _complete_pairs(pairs: pd.DataFrame, design: Design) -> pd.DataFrame:
    """Pairs of the subjects that have one at every visit."""
    n_visits = pairs.groupby(["endpoint", "subject"])["visit"].transform("nunique")
    return pairs[n_visits == len(design.later_visits)]


def _by_endpoint(table: pd.DataFrame, design: Design) -> Iterator[tuple[str, pd.DataFrame]]:
    """Each endpoint's rows, in testing order; an endpoint without rows is left out."""
    for endpoint in design.endpoints:
        rows = table[table["endpoint"] == endpoint]
        if len(rows):
            yield endpoint, rows


def _joined(tables: list[pd.DataFrame], name: str) -> pd.DataFrame:
    """The tables below each other; one without rows where there is none."""
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=_COLUMNS[name])


def _responders(observations: pd.DataFrame, errors: pd.DataFrame, design: Design) -> pd.DataFrame:
    """Responders at the primary visit, at the threshold of the design."""
    rule = design.responder
    if rule is None:
        return _joined([], "responders")
    table = responders(
        observations,
        rule,
        errors,
        control=design.control,
        alpha=design.alpha,
        visit=design.primary_visit,
        layout=design.layout,
    )
    return table.assign(endpoint=rule.endpoint, visit=design.primary_visit)


def _with_multiplicity(effects: pd.DataFrame, design: Design) -> pd.DataFrame:
    """The effects with `p_adjusted` and `significant` (yes or no) of the primary analysis; empty in all other rows.

    The hypotheses are tested endpoint by endpoint, and in each treatment by treatment, in the order of the design. The
    note says where a fixed sequence ended before a hypothesis because one could not be tested.
    """
    effects = effects.assign(p_adjusted=np.nan, significant="")
    primary = effects[
        (effects["set"] == FULL) & (effects["method"] == PRIMARY_METHOD) & (effects["visit"] == design.primary_visit)
    ]
    row_of = {(row.endpoint, row.arm): row.Index for row in primary.itertuples()}
    tested = [row_of[key] for key in _hypotheses(design) if key in row_of]
    adjusted, rejected = adjust(effects.loc[tested, "p"], method=design.multiplicity, alpha=design.alpha)
    for row, p_adjusted, reject in zip(tested, adjusted, rejected, strict=True):
        effects.loc[row, ["p_adjusted", "significant"]] = [p_adjusted, "yes" if reject else "no"]
        if np.isnan(p_adjusted) and np.isfinite(effects.loc[row, "p"]):
            notes = [effects.loc[row, "note"], "not tested: one before it in the fixed sequence is not estimable"]
            effects.loc[row, "note"] = "; ".join(filter(None, notes))
    return effects


def _with_every_hypothesis(effects: pd.DataFrame, design: Design) -> pd.DataFrame:
    """The effects with a row of the primary model for every hypothesis, without numbers where nobody has a value."""
    visit = design.primary_visit
    primary = effects[(effects["method"] == PRIMARY_METHOD) & (effects["visit"] == visit)]
    told = set(zip(primary["endpoint"], primary["arm"], strict=True))
    head = {"visit": visit, "week": design.visits[visit], "control": design.control, "method": PRIMARY_METHOD}
    note = "not estimable: no value of this endpoint at this visit has a baseline"
    missing = [
        effect_line({"endpoint": endpoint, "arm": arm, **head}, {"n_arm": 0, "n_control": 0}, None, (note,))
        for endpoint, arm in _hypotheses(design)
        if (endpoint, arm) not in told
    ]
    return _joined([pd.DataFrame(missing), effects], "effects")


def _hypotheses(design: Design) -> list[tuple[str, str]]:
    """Endpoint and treatment of every hypothesis, in the order of testing."""
    return [(endpoint, arm) for endpoint in design.endpoints for arm in design.treatments]
