"""What the linear models of a trial share: the rows used, their design matrix, and the table of effects.

The design has one column per arm and visit (the cell means) and every covariate is centred at its mean over subjects.
A cell's coefficient is then the adjusted mean, and an effect is the difference of two coefficients.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from hairscan.errors import EstimateError
from hairscan.types import FloatArray

EFFECT_COLUMNS = [
    *("visit", "week", "arm", "control", "method", "estimate", "se", "df", "low", "high", "p"),
    *("n_arm", "n_control", "note"),
]
MEAN_COLUMNS = ["visit", "week", "arm", "n", "estimate", "se", "df", "low", "high"]
DEPENDENT = 1e-8
"""Columns of unit length nearer than this to the span of the others are taken as lying in it."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """One estimated number with its standard error, t test against 0 and confidence interval."""

    estimate: float
    se: float
    df: float
    t: float
    p: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ModelRows:
    """The rows that enter a model, in the order of subject and week.

    Attributes
    ----------
    table : DataFrame
        subject, arm, visit, week, change; every change is a number.
    arms : list of str
        The control first, then the others by name.
    visits : list of (str, float)
        Name and week, in time's order.
    base : float array, shape (N,) or (N, 0)
        Baseline less its mean over subjects; no column where every baseline is the same.
    covariates : float array, shape (N, C)
        The other covariates, coded as numbers, less their mean over subjects.
    notes : tuple of str
        What was left out, for the `note` column.
    """

    table: pd.DataFrame
    arms: list[str]
    visits: list[tuple[str, float]]
    base: FloatArray
    covariates: FloatArray
    covariate_names: list[str]
    notes: tuple[str, ...]


def t_estimate(value: float, se: float, df: float, alpha: float) -> Estimate:
    """Test and confidence interval (level 1 - alpha) of an estimate whose error follows Student's t.

    Raises
    ------
    EstimateError
        When there is no error to judge the estimate by.
    """
    if not (np.isfinite(value) and se > 0 and df > 0):
        raise EstimateError("the values do not vary enough to give a standard error")
    t = value / se
    half = float(stats.t.ppf(1 - alpha / 2, df)) * se
    return Estimate(value, se, df, t, 2 * float(stats.t.sf(abs(t), df)), value - half, value + half)


def model_rows(
    data: pd.DataFrame, *, control: str, covariates: Sequence[str] = (), arms: Sequence[str] = ()
) -> ModelRows:
    """Rows after the baseline visit that have a change, a baseline and all covariates.

    Parameters
    ----------
    data : DataFrame
        One endpoint: subject, arm, visit, week, change, base and the covariates. Rows with a true `is_baseline` are
        not used.
    covariates : sequence of str
        Columns of numbers, or of anything else, which is taken as text: one column of 0 and 1 per level but the first
        in alphabetical order. Constant ones are left out, and noted.
    arms : sequence of str
        Arms to be compared even if these rows hold nobody of them.
    """
    table = after_baseline(data)
    others = sorted({*table["arm"], *arms} - {control})
    used, notes = complete_rows(table[np.isfinite(table["change"])], covariates)
    base, _, base_notes = code_covariates(used, ["base"])
    coded, names, coded_notes = code_covariates(used, covariates)
    columns = used[["subject", "arm", "visit", "week", "change"]]
    all_notes = (*notes, *base_notes, *coded_notes)
    return ModelRows(columns, [control, *others], visits_in_order(used), base, coded, names, all_notes)


def after_baseline(data: pd.DataFrame) -> pd.DataFrame:
    """Rows after the baseline visit, by subject and week."""
    later = data[~data["is_baseline"].astype(bool)] if "is_baseline" in data else data
    return later.sort_values(["subject", "week"], kind="stable").reset_index(drop=True)


def visits_in_order(table: pd.DataFrame) -> list[tuple[str, float]]:
    """Name and week of every visit, in time's order."""
    pairs = table[["visit", "week"]].drop_duplicates().sort_values(["week", "visit"])
    return [(str(visit), float(week)) for visit, week in pairs.itertuples(index=False)]


def complete_rows(table: pd.DataFrame, covariates: Sequence[str]) -> tuple[pd.DataFrame, list[str]]:
    """Rows whose baseline and covariates are known, and a note that counts the subjects this leaves out."""
    known = table[["base", *covariates]].notna().all(axis=1)
    n_left_out = table["subject"].nunique() - table.loc[known, "subject"].nunique()
    note = f"{n_left_out} subject(s) without a baseline or covariate left out"
    return table[known].reset_index(drop=True), [note] if n_left_out else []


def code_covariates(table: pd.DataFrame, covariates: Sequence[str]) -> tuple[FloatArray, list[str], list[str]]:
    """Covariates as numbers, less their mean over subjects.

    Returns
    -------
    columns : float array, shape (N, C)
    names : list of str
        ``age`` for numbers, ``site[B]`` for a level of text.
    notes : list of str
        Constant covariates, which have no column.
    """
    columns: dict[str, FloatArray] = {}
    notes = []
    for name in covariates:
        values = table[name]
        if values.nunique() < 2:
            notes.append(f"{name} is constant and was left out")
        elif pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
            columns[name] = np.asarray(values, float)
        else:
            text = values.astype(str)
            for level in sorted(set(text))[1:]:
                columns[f"{name}[{level}]"] = np.asarray(text == level, float)
    coded = pd.DataFrame(columns, index=table.index)
    centred = coded - coded.groupby(table["subject"]).mean().mean()
    return np.asarray(centred.to_numpy(float)), list(columns), notes


def cell_design(rows: ModelRows) -> tuple[FloatArray, list[str]]:
    """Design matrix of arm x visit, baseline x visit and covariates.

    Returns
    -------
    design : float array, shape (N, P)
        First the cells, visit by visit and in each the arms in order (0 or 1), then the baseline at each visit, then
        the covariates. Columns of cells that nobody is in are 0.
    names : list of str
    """
    arm, visit = rows.table["arm"].to_numpy(), rows.table["visit"].to_numpy()
    visits = [name for name, _ in rows.visits]
    cells = [(visit == v) & (arm == a) for v in visits for a in rows.arms]
    slopes = [rows.base * (visit == v)[:, None] for v in visits] if rows.base.size else []
    names = [f"{a} at {v}" for v in visits for a in rows.arms]
    names += [f"base at {v}" for v in visits if rows.base.size]
    blocks = [np.reshape(cell, (-1, 1)) for cell in cells]
    design = np.hstack([*blocks, *slopes, rows.covariates]).astype(float)
    return design, [*names, *rows.covariate_names]


@dataclass(frozen=True, slots=True)
class Columns:
    """A design whose dependent columns are left out, and which contrasts it still determines.

    Attributes
    ----------
    design : float array, shape (N, P)
        All columns.
    kept : bool array, shape (P,)
        Those that are no combination of the columns before them.
    """

    design: FloatArray
    kept: NDArray[np.bool_]

    @classmethod
    def of(cls, design: FloatArray) -> Columns:
        """Find the independent columns."""
        unit: FloatArray = design / _lengths(design)
        n_columns = design.shape[1]
        if np.linalg.matrix_rank(unit, tol=DEPENDENT) == n_columns:
            return cls(design, np.ones(n_columns, bool))
        kept = np.zeros(n_columns, bool)
        for column in range(n_columns):
            kept[column] = True
            kept[column] = np.linalg.matrix_rank(unit[:, kept], tol=DEPENDENT) == kept.sum()
        return cls(design, kept)

    def reduce(self, contrast: FloatArray) -> FloatArray:
        """Give the contrast of the kept coefficients that equals this one of the first coefficients of all.

        Raises
        ------
        EstimateError
            When the rows do not determine it: it is no combination of them.
        """
        lengths = _lengths(self.design)
        _, sizes, directions = np.linalg.svd(self.design / lengths, full_matrices=False)
        seen = directions[sizes > DEPENDENT]
        full = np.zeros(len(lengths))
        full[: len(contrast)] = contrast
        scaled = full / lengths
        if np.linalg.norm(scaled - seen.T @ (seen @ scaled)) > 1e-6 * np.linalg.norm(scaled):
            raise EstimateError("an arm has no value, or cannot be told from a covariate")
        return full[self.kept]


def refuse(reason: str, _contrast: FloatArray) -> Estimate:
    """Refuse every contrast of a model that could not be fitted."""
    raise EstimateError(reason)


def effects_table(rows: ModelRows, method: str, estimate_of: Callable[[FloatArray], Estimate]) -> pd.DataFrame:
    """Every arm less the control at every visit, NaN with the reason in `note` where not estimable.

    Parameters
    ----------
    estimate_of : callable
        Gives the estimate of a contrast of the cells, the first columns of `cell_design`; raises EstimateError.
    """
    counts = rows.table.groupby(["arm", "visit"]).size()
    control = rows.arms[0]
    lines = []
    for at, (visit, week) in enumerate(rows.visits):
        for which, arm in enumerate(rows.arms[1:], start=1):
            contrast = np.zeros(len(rows.visits) * len(rows.arms))
            contrast[[at * len(rows.arms) + which, at * len(rows.arms)]] = 1, -1
            n_arm, n_control = (int(counts.get((a, visit), 0)) for a in (arm, control))
            head = {"visit": visit, "week": week, "arm": arm, "control": control, "method": method}
            tail = {"n_arm": n_arm, "n_control": n_control}
            estimate, note = attempt(estimate_of, contrast)
            lines.append(effect_line(head, tail, estimate, (note, *rows.notes)))
    return pd.DataFrame(lines, columns=EFFECT_COLUMNS)


def means_table(rows: ModelRows, estimate_of: Callable[[FloatArray], Estimate]) -> pd.DataFrame:
    """Adjusted mean of every arm at every visit: at the mean baseline and covariates of the subjects in the model."""
    counts = rows.table.groupby(["arm", "visit"]).size()
    lines = []
    for at, (visit, week) in enumerate(rows.visits):
        for which, arm in enumerate(rows.arms):
            contrast = np.eye(len(rows.visits) * len(rows.arms))[at * len(rows.arms) + which]
            head = {"visit": visit, "week": week, "arm": arm}
            tail = {"n": int(counts.get((arm, visit), 0))}
            lines.append(effect_line(head, tail, attempt(estimate_of, contrast)[0], ()))
    return pd.DataFrame(lines, columns=MEAN_COLUMNS)


def effect_line(
    head: Mapping[str, object], tail: Mapping[str, object], estimate: Estimate | None, notes: Sequence[str]
) -> dict[str, object]:
    """One row of a table of effects; NaN where there is no estimate."""
    names = ("estimate", "se", "df", "low", "high", "p")
    numbers = {name: nan if estimate is None else getattr(estimate, name) for name in names}
    return {**head, **numbers, **tail, "note": "; ".join(note for note in notes if note)}


def attempt(estimate_of: Callable[[FloatArray], Estimate], contrast: FloatArray) -> tuple[Estimate | None, str]:
    """Give the estimate, or None and the note that says why there is none."""
    try:
        return estimate_of(contrast), ""
    except EstimateError as reason:
        return None, f"not estimable: {reason}"


def _lengths(design: FloatArray) -> FloatArray:
    """Length of every column; 1 where it is all 0."""
    lengths = np.linalg.norm(design, axis=0)
    return np.where(lengths > 0, lengths, 1.0)
