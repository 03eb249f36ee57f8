"""How well a photograph measured again gives the same figure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from math import nan, sqrt

import numpy as np
import pandas as pd
from scipy import stats

from hairscan.trial.groups import has_spread, mean_of, table_of
from hairscan.trial.icc import Icc, absolute_agreement, consistency, over_subjects
from hairscan.trial.jackknife import BoolArray, IntArray, Interval, few_subjects_words, jackknife
from hairscan.types import FloatArray

RELIABILITY_COLUMNS = (
    *("endpoint", "kind", "n_subjects", "n_targets", "n_photos"),
    *("icc21", "icc21_low", "icc21_high", "icc31", "icc31_low", "icc31_high"),
    *("sem", "df", "sem_low", "sem_high", "mdc95", "within_cv_percent", "note"),
)
BLAND_ALTMAN_COLUMNS = (
    *("endpoint", "kind", "n_subjects", "n_pairs", "bias", "bias_low", "bias_high", "sd"),
    *("loa_low", "loa_low_low", "loa_low_high", "loa_high", "loa_high_low", "loa_high_high"),
    *("slope", "slope_p", "note"),
)
OF_95 = 1.96
"""The factor of the minimal detectable change and of the limits of agreement, whose name says 95 %."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Bland and Altman's figures of two measurements; NaN where they cannot be told."""

    n_subjects: int
    n_pairs: int
    bias: float
    bias_low: float
    bias_high: float
    sd: float
    loa_low: float
    loa_low_low: float
    loa_low_high: float
    loa_high: float
    loa_high_low: float
    loa_high_high: float
    slope: float
    slope_p: float
    note: str = ""


def reliability(repeats: pd.DataFrame, *, alpha: float) -> pd.DataFrame:
    """Intraclass correlations, measurement error and minimal detectable change, one row per endpoint and kind.

    Parameters
    ----------
    repeats : DataFrame
        ``endpoint, kind, subject, target, repeat, value``; a target is what was photographed again (a subject's site at
        a visit), a repeat the number of the photograph or of the operator. A target counts when it has two values.

    Returns
    -------
    DataFrame
        `RELIABILITY_COLUMNS`; ``n_targets`` counts what was photographed again: a subject at three visits is three
        targets. Then the intervals of the correlations are those of a jackknife over subjects.

    Notes
    -----
    ``sem`` is the SD within a target, pooled by degrees of freedom over all its repeats however many there are (so it
    holds the differences between operators, too), with ``df`` degrees of freedom and the chi-square interval of an SD.
    ``mdc95 = 1.96 sqrt(2) sem`` is that of one photograph, or operator, at each of two visits; the mean of several has
    a smaller one (`hairscan.trial.detectable`). ``within_cv_percent`` is the root mean square of SD / mean of the
    targets (Quan and Shih 1996), pooled likewise. The correlations need the same repeats of every target: those repeats
    are taken that keep most degrees of freedom, and the note says how many targets have all of them.
    """
    rows = []
    for names, group in _kinds(repeats):
        wide = _wide(group)
        n = int(wide.notna().sum().sum())
        complete = _complete(wide, range(2, wide.shape[1] + 1))
        sem, cv_percent = _error_within(wide)
        df = n - len(wide)
        sem_low, sem_high = _interval_of_sd(sem, df, alpha)
        icc21, icc31 = (Icc(), Icc())
        if len(complete) > 1:
            icc21, icc31 = (_correlation(icc, complete, alpha) for icc in (absolute_agreement, consistency))
        rows.append(
            names
            | {"n_subjects": np.unique(_subjects(wide)).size, "n_targets": len(wide), "n_photos": n}
            | {"sem": sem, "df": df, "sem_low": sem_low, "sem_high": sem_high, "mdc95": OF_95 * sqrt(2) * sem}
            | {"icc21": icc21.estimate, "icc21_low": icc21.low, "icc21_high": icc21.high}
            | {"icc31": icc31.estimate, "icc31_low": icc31.low, "icc31_high": icc31.high}
            | {"within_cv_percent": cv_percent, "note": _note(complete, n, sem, cv_percent)}
        )
    return table_of(rows, RELIABILITY_COLUMNS)


def bland_altman(repeats: pd.DataFrame, *, alpha: float) -> pd.DataFrame:
    """Bias and limits of agreement of two repeats, one row per endpoint and kind.

    Parameters
    ----------
    repeats : DataFrame
        As in `reliability`. Of more than two repeats the two are taken that most targets have; the difference is the
        later minus the earlier (of two operators, the later by name).

    Returns
    -------
    DataFrame
        `BLAND_ALTMAN_COLUMNS`, of `agreement`. The note says where too few subjects leave the intervals empty.
    """
    rows = []
    for names, group in _kinds(repeats):
        two = _most_used_two(group)
        first, second = two.to_numpy(np.float64).T
        rows.append(names | asdict(agreement(first, second, alpha, _subjects(two))))
    return table_of(rows, BLAND_ALTMAN_COLUMNS)


def paired_repeats(repeats: pd.DataFrame) -> FloatArray:
    """The two repeats that most targets have, of targets with both, shape (N, 2).

    Parameters
    ----------
    repeats : DataFrame
        ``subject, target, repeat, value`` of one endpoint and kind.
    """
    two: FloatArray = _most_used_two(repeats).to_numpy(np.float64)
    return two


def _most_used_two(repeats: pd.DataFrame) -> pd.DataFrame:
    """Targets with both of the two repeats that most targets have, those as columns."""
    return _complete(_wide(repeats), range(2, 3))


def agreement(first: FloatArray, second: FloatArray, alpha: float, subjects: IntArray | None = None) -> Agreement:
    """Bias of the second measurement, shape (N,), its 95 % limits of agreement, and whether it grows with the value.

    Parameters
    ----------
    subjects : array, shape (N,), optional
        Whose each target is; each is of its own subject where nothing is said.

    Notes
    -----
    Limits ``bias -+ 1.96 sd`` with the variance ``sd^2 (1 / n + 1.96^2 / (2 (n - 1)))`` and t intervals (Bland and
    Altman 1999, section 2.1); ``slope`` is that of the difference on the mean of both, ``slope_p`` its t test. Where a
    subject has several targets, the intervals and the test are those of a jackknife over subjects.
    """
    differences, means = second - first, (first + second) / 2
    whose = np.arange(differences.size) if subjects is None else subjects
    n, n_subjects = differences.size, np.unique(whose).size
    bias, line = mean_of(differences, alpha), _line(means, differences)
    low, high = bias.mean - OF_95 * bias.sd, bias.mean + OF_95 * bias.sd
    if n_subjects < n:

        def limit(kept: BoolArray, times: float) -> float:
            return float(differences[kept].mean() + times * differences[kept].std(ddof=1))

        of_bias, of_low, of_high = (
            jackknife(partial(limit, times=times), whose, alpha) for times in (0.0, -OF_95, OF_95)
        )
        of_slope = jackknife(lambda kept: _line(means[kept], differences[kept])[0], whose, alpha)
        note = few_subjects_words(n_subjects)
    else:
        half = nan
        if n > 1:
            half = float(stats.t.ppf(1 - alpha / 2, n - 1)) * bias.sd * sqrt(1 / n + OF_95**2 / (2 * (n - 1)))
        of_bias, of_slope, note = Interval(bias.low, bias.high), Interval(p=line[1]), ""
        of_low, of_high = (Interval(at - half, at + half) for at in (low, high))
    return Agreement(
        n_subjects=n_subjects,
        n_pairs=n,
        bias=bias.mean,
        bias_low=of_bias.low,
        bias_high=of_bias.high,
        sd=bias.sd,
        loa_low=low,
        loa_low_low=of_low.low,
        loa_low_high=of_low.high,
        loa_high=high,
        loa_high_low=of_high.low,
        loa_high_high=of_high.high,
        slope=line[0],
        slope_p=of_slope.p,
        note=note,
    )


def _line(means: FloatArray, differences: FloatArray) -> tuple[float, float]:
    """Slope of the differences on the means and the p of its t test; NaN where there is none."""
    if differences.size < 3 or not (has_spread(means) and has_spread(differences)):
        return nan, nan
    line = stats.linregress(means, differences)
    return float(line.slope), float(line.pvalue)


def _correlation(icc: Callable[[FloatArray, float], Icc], complete: pd.DataFrame, alpha: float) -> Icc:
    """An intraclass correlation with its interval, over subjects where one has several targets."""
    table, subjects = complete.to_numpy(np.float64), _subjects(complete)
    if np.unique(subjects).size == len(table):
        return icc(table, alpha)
    return over_subjects(icc, table, subjects, alpha)


def _subjects(wide: pd.DataFrame) -> IntArray:
    """Number of the subject of every row, from 0."""
    return np.unique(wide.index.get_level_values("subject"), return_inverse=True)[1]


def _kinds(repeats: pd.DataFrame) -> Iterator[tuple[dict[str, object], pd.DataFrame]]:
    """Each endpoint and kind of repeat with its values, in the order of the table."""
    measured = repeats[np.isfinite(repeats["value"].astype(float))]
    for (endpoint, kind), group in measured.groupby(["endpoint", "kind"], sort=False):
        yield {"endpoint": endpoint, "kind": kind}, group


def _wide(group: pd.DataFrame) -> pd.DataFrame:
    """Targets with at least two values as rows, repeats as columns."""
    wide = group.astype({"value": float}).pivot_table(index=["subject", "target"], columns="repeat", values="value")
    return wide[wide.notna().sum(axis=1) > 1]


def _complete(wide: pd.DataFrame, numbers: range) -> pd.DataFrame:
    """Complete table, shape (N, K), of as many repeats as keep most degrees of freedom ``(n - 1) (k - 1)``.

    Parameters
    ----------
    numbers : range
        Numbers of repeats to choose among; those that most targets have come first.
    """
    by_use = wide.notna().sum().sort_values(ascending=False, kind="stable").index
    tables = [wide[sorted(by_use[:k])].dropna() for k in numbers if k <= len(by_use)]
    return max(
        tables,
        key=lambda table: (table.shape[0] - 1) * (table.shape[1] - 1),
        default=wide.iloc[:0].reindex(columns=range(2)),
    )


def _error_within(wide: pd.DataFrame) -> tuple[float, float]:
    """SD within a target, and the coefficient of variation within it in percent; NaN unless all means are above 0."""
    df = wide.notna().sum(axis=1) - 1
    if not len(df):
        return nan, nan
    variances, means = wide.var(axis=1), wide.mean(axis=1)
    cv2 = (variances / means.where(means > 0) ** 2 * df).sum(skipna=False) / df.sum()
    return sqrt(float((variances * df).sum() / df.sum())), 100 * sqrt(float(cv2))


def _interval_of_sd(sd: float, df: int, alpha: float) -> tuple[float, float]:
    """Chi-square interval of an SD; NaN without a degree of freedom."""
    if df < 1:
        return nan, nan
    low, high = (sd * sqrt(df / float(stats.chi2.ppf(tail, df))) for tail in (1 - alpha / 2, alpha / 2))
    return low, high


def _note(complete: pd.DataFrame, n_photos: int, sem: float, cv_percent: float) -> str:
    """What a reader must know of one row."""
    n, k = complete.shape
    notes = []
    if n < 2:
        notes.append("fewer than two targets with the same two repeats, no correlation")
    elif complete.size < n_photos:
        notes.append(f"correlations from {k} repeats of {n} targets")
    n_subjects = np.unique(_subjects(complete)).size
    if n > 1 and n_subjects < n:
        notes.append(few_subjects_words(n_subjects))
    if sem == 0:
        notes.append("repeats are identical")
    elif np.isnan(cv_percent) and n_photos:
        notes.append("a mean is not positive, no coefficient of variation")
    return "; ".join(filter(None, notes))
