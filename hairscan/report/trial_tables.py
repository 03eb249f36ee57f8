"""Tables of a trial as text for a person: rounded, with units, and with a dash where there is no number.

Where intervals stand in them, `ci` is what these are called: ``95 % CI``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import nan
from typing import Any

import pandas as pd

from hairscan.report.trial_words import MISSING, capital, interval, number, p_text, percent, words_of

Row = Mapping[Any, Any]
Columns = dict[str, Callable[[Row], str]]


@dataclass(frozen=True, slots=True)
class PageTable:
    """A table of text; the first cell of a row is its heading.

    Attributes
    ----------
    note : str
        Stands below the table.
    links : tuple of str
        Address for the heading of each row; empty where rows have none.
    """

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    links: tuple[str, ...] = field(default=())


def in_order(table: pd.DataFrame, endpoints: Sequence[str], arms: Sequence[str]) -> pd.DataFrame:
    """The rows by set and method as they come, then in the order of the design, and in time."""
    ranks = {"endpoint": list(endpoints), "arm": list(arms)}
    keys = [name for name in ("set", "method", "endpoint", "arm", "week") if name in table]
    return table.sort_values(
        keys,
        kind="stable",
        ignore_index=True,
        key=lambda column: column if column.name == "week" else _rank(column, ranks.get(str(column.name), ())),
    )


def describe_table(described: pd.DataFrame, endpoint: str, ci: str) -> PageTable:
    """Values and changes of every arm at every visit."""
    words = words_of(endpoint)
    columns: Columns = {
        "arm": lambda row: row["arm"],
        "week": _week,
        "n": lambda row: number(row["n"], 0),
        "mean (SD)": lambda row: _mean(row, "", words.decimals),
        ci: lambda row: interval(row["low"], row["high"], words.decimals),
        "median (quartiles)": lambda row: _median(row, words.decimals),
        "change: n": lambda row: number(row["n_change"], 0) if row["n_change"] else MISSING,
        "mean change (SD)": lambda row: _mean(row, "change_", words.decimals),
        f"{ci} of it": lambda row: interval(row["change_low"], row["change_high"], words.decimals),
        "mean percent change": lambda row: number(row["percent_change_mean"], 1, signed=True),
        "correlation with baseline": lambda row: number(row["correlation"], 2),
        "area, cm²": lambda row: number(row["area_cm2_mean"], 2),
    }
    return _table(f"{capital(words.label)} by arm and visit", columns, described[described["endpoint"] == endpoint])


def pairs_table(pairs: pd.DataFrame, ci: str) -> PageTable:
    """Differences between the sides."""
    columns: Columns = {
        "endpoint": _endpoint,
        "week": _week,
        "sides": _comparison,
        "pairs": lambda row: number(row["n_pairs"], 0),
        "mean difference (SD)": lambda row: _mean(row, "difference_", _decimals(row)),
        ci: lambda row: interval(row["difference_low"], row["difference_high"], _decimals(row)),
        "correlation of the changes": lambda row: number(row["correlation"], 2),
    }
    return _table("Difference of the changes of the two sides of a subject", columns, pairs)


def effects_table(effects: pd.DataFrame, caption: str, ci: str, *, with_method: bool) -> PageTable:
    """Effects with their intervals; the analysis set and the method where rows of several stand together."""
    columns: Columns = {"endpoint": _endpoint, "week": _week, "comparison": _comparison}
    if with_method:
        columns |= {"set": lambda row: row["set"], "method": lambda row: row["method"]}
    columns |= {
        "n": _sizes,
        "difference": lambda row: number(row["estimate"], _decimals(row), signed=True),
        ci: lambda row: interval(row["low"], row["high"], _decimals(row)),
        "p": lambda row: p_text(row["p"]),
    }
    if not with_method and "p_adjusted" in effects:
        columns["adjusted p"] = lambda row: p_text(row["p_adjusted"])
    return _table(caption, columns | _note_column(effects), effects)


def effect_sizes_table(sizes: pd.DataFrame, ci: str, *, of_pairs: bool) -> PageTable:
    """Effects without unit: of two arms, or of the pairs of a split-scalp trial."""
    g, ahead = "Hedges g", ("Cliff's delta", ("cliffs_delta", "delta_low", "delta_high"))
    if of_pairs:
        g, ahead = (
            "Hedges g of pairs",
            ("dominance of pairs", ("dominance_of_pairs", "dominance_low", "dominance_high")),
        )
    columns: Columns = {
        "endpoint": _endpoint,
        "week": _week,
        "comparison": _comparison,
        "n": _sizes,
        g: lambda row: _with_interval(row, ("hedges_g", "g_low", "g_high"), 2),
        ahead[0]: lambda row: _with_interval(row, ahead[1], 2),
    }
    return _table(f"Effect sizes of the changes, with {ci}", columns, sizes)


def responders_table(responders: pd.DataFrame, rule: str, ci: str) -> PageTable:
    """Responders of each treatment beside those of the control; alone where there is none."""
    arm: Columns = {
        "arm": lambda row: row["arm"],
        "without a figure": lambda row: row["missing"],
        "responders": lambda row: _of(row, "arm"),
    }
    against: Columns = {
        "control": lambda row: row["control"],
        "of the control": lambda row: _of(row, "control"),
        "difference, percentage points": _points,
        "odds ratio": lambda row: _with_interval(row, ("odds_ratio", "odds_low", "odds_high"), 1),
        "number needed to treat": lambda row: _with_interval(row, ("nnt", "nnt_low", "nnt_high"), 1),
        "p": lambda row: p_text(row["p"]),
    }
    has_control = bool((responders["control"] != "").any())
    return _table(
        f"Subjects with {rule}, with {ci}",
        arm | (against if has_control else {}) | _note_column(responders),
        responders,
    )


def reliability_table(reliability: pd.DataFrame, ci: str) -> PageTable:
    """How well a measurement made again agrees."""
    columns: Columns = {
        "endpoint": _endpoint,
        "repeats": lambda row: row["kind"],
        "subjects": lambda row: number(row["n_subjects"], 0),
        "targets": lambda row: number(row["n_targets"], 0),
        "photographs": lambda row: number(row["n_photos"], 0),
        "ICC(2,1)": lambda row: _with_interval(row, ("icc21", "icc21_low", "icc21_high"), 2),
        "ICC(3,1)": lambda row: _with_interval(row, ("icc31", "icc31_low", "icc31_high"), 2),
        "standard error of measurement": lambda row: _with_interval(
            row, ("sem", "sem_low", "sem_high"), _decimals(row)
        ),
        "degrees of freedom": lambda row: number(row["df"], 0),
        "minimal detectable change of one": lambda row: number(row["mdc95"], _decimals(row)),
        "variation within a target, %": lambda row: number(row["within_cv_percent"], 1),
    }
    return _table(f"Agreement of repeated measurements, with {ci}", columns | _note_column(reliability), reliability)


def agreement_table(agreement: pd.DataFrame, ci: str) -> PageTable:
    """Bland and Altman's figures."""
    columns: Columns = {
        "endpoint": _endpoint,
        "repeats": lambda row: row["kind"],
        "subjects": lambda row: number(row["n_subjects"], 0),
        "pairs": lambda row: number(row["n_pairs"], 0),
        "bias": lambda row: _with_interval(row, ("bias", "bias_low", "bias_high"), _decimals(row)),
        "lower limit": lambda row: _with_interval(row, ("loa_low", "loa_low_low", "loa_low_high"), _decimals(row)),
        "upper limit": lambda row: _with_interval(row, ("loa_high", "loa_high_low", "loa_high_high"), _decimals(row)),
        "p of a bias that grows with the value": lambda row: p_text(row["slope_p"]),
    }
    caption = f"Bland–Altman: bias and 95 % limits of agreement, with {ci}"
    return _table(caption, columns | _note_column(agreement), agreement)


def sample_size_table(sizes: pd.DataFrame, noun: str) -> PageTable:
    """Subjects that the next trial needs."""
    columns: Columns = {
        "endpoint": _endpoint,
        "visit": lambda row: str(row["visit"]),
        "SD": lambda row: number(row["sd"], _decimals(row)),
        "difference to show": lambda row: number(row["difference"], _decimals(row)),
        "power": lambda row: percent(row["power"]),
        noun: lambda row: number(row["n_per_arm"], 0),
    }
    return _table("Size of the next trial, from the spread measured in this one", columns, sizes)


def literature_page_table(literature: pd.DataFrame) -> PageTable:
    """Published numbers, each with what sets it apart and a link to its source."""
    shown = literature[literature["effect"].notna()]
    columns: Columns = {
        "study": lambda row: f"{row['study']} {number(row['year'], 0) if row['year'] == row['year'] else ''}".strip(),
        "arm": lambda row: row["arm"],
        "comparison": lambda row: f"against {row['control']}" if row["control"] else row["comparison"],
        "endpoint": lambda row: words_of(row["endpoint"]).name,
        "effect": _published_effect,
        "week": _week,
        "n": lambda row: number(row["n"], 0),
        "what cannot be compared": lambda row: row["not_comparable"],
        "read in": lambda row: row["verified"].partition(":")[0],
    }
    n_hidden = len(literature) - len(shown)
    note = "Derived: the arithmetic is in datasets/published_trials.csv of hairscan."
    if n_hidden:
        note += f" {n_hidden} published results without a number are in tables/literature.csv."
    return _table("Published numbers", columns, shown, note=note, links=tuple(shown["source_url"]))


def flow_table(flow: pd.DataFrame) -> PageTable:
    """The flow as numbers: a row for every step, a column for every arm."""
    steps = [f"{item} {visit}".strip() for item, visit in zip(flow["item"], flow["visit"], strict=True)]
    wide = flow.assign(step=steps).pivot_table(index="step", columns="arm", values="n", sort=False)
    rows = tuple((str(step), *(number(n, 0) for n in counts)) for step, *counts in wide.itertuples())
    return PageTable("Subjects and photographs", ("", *(str(arm) or "arm not known" for arm in wide.columns)), rows)


def plain_table(table: pd.DataFrame, caption: str, *, limit: int, file: str) -> PageTable:
    """Any table as it is, without its empty columns; of a long one the first rows, and where the others are."""
    filled = [str(name) for name in table if table[name].notna().any() and (table[name].astype(str) != "").any()]
    rows = tuple(tuple(_plain(name, row[name]) for name in filled) for row in table.head(limit).to_dict("records"))
    note = f"{len(table) - limit} more are in {file}." if len(table) > limit else ""
    return PageTable(caption, tuple(name.replace("_", " ") for name in filled), rows, note)


def _rank(column: pd.Series, known: Sequence[str]) -> pd.Series:
    """Place of each value in the known order; what is not in it follows as it comes."""
    order = list(dict.fromkeys([*known, *column]))
    return column.map(order.index)


def _table(
    caption: str, columns: Columns, table: pd.DataFrame, *, note: str = "", links: Sequence[str] = ()
) -> PageTable:
    rows = tuple(tuple(cell(row) for cell in columns.values()) for row in table.to_dict("records"))
    return PageTable(caption, tuple(columns), rows, note, tuple(links))


def _note_column(table: pd.DataFrame) -> Columns:
    """A column for the notes, where there is one."""
    has_notes = "note" in table and (table["note"] != "").any()
    return {"note": lambda row: row["note"]} if has_notes else {}


def _plain(name: str, value: object) -> str:
    """A cell of a table that nobody made rules for."""
    if isinstance(value, float):
        return MISSING if value != value else f"{value:.4g}"
    return words_of(str(value)).name if name == "endpoint" else str(value)


def _endpoint(row: Row) -> str:
    return words_of(row["endpoint"]).label


def _decimals(row: Row) -> int:
    return words_of(row["endpoint"]).decimals


def _week(row: Row) -> str:
    return f"{row['week']:g}" if row["week"] == row["week"] else MISSING


def _comparison(row: Row) -> str:
    return f"{row['arm']} against {row['control']}"


def _sizes(row: Row) -> str:
    return f"{number(row['n_arm'], 0)}\N{NO-BREAK SPACE}and\N{NO-BREAK SPACE}{number(row['n_control'], 0)}"


def _with_interval(row: Row, names: tuple[str, str, str], decimals: int) -> str:
    """An estimate and, in brackets, its interval."""
    estimate, low, high = (row[name] for name in names)
    bounds = interval(low, high, decimals)
    return number(estimate, decimals) + (f" ({bounds})" if bounds != MISSING else "")


def _mean(row: Row, prefix: str, decimals: int) -> str:
    mean, sd = row[f"{prefix}mean"], row[f"{prefix}sd"]
    if mean != mean:
        return MISSING
    return f"{number(mean, decimals, signed=bool(prefix))} ({number(sd, decimals)})"


def _median(row: Row, decimals: int) -> str:
    if row["median"] != row["median"]:
        return MISSING
    return f"{number(row['median'], decimals)} ({interval(row['q1'], row['q3'], decimals)})"


def _of(row: Row, side: str) -> str:
    counts = f"{number(row[f'responders_{side}'], 0)} of {number(row[f'n_{side}'], 0)}"
    low, high = (100 * row[f"share_{side}_{end}"] for end in ("low", "high"))
    return f"{counts} ({percent(row[f'share_{side}'])}; {interval(low, high, 0)})"


def _points(row: Row) -> str:
    points = {name: 100 * row[name] for name in ("difference", "difference_low", "difference_high")}
    return _with_interval(points, ("difference", "difference_low", "difference_high"), 0)


def _published_effect(row: Row) -> str:
    """Effect, interval and unit as published."""
    decimals = 0 if float(row["effect"]).is_integer() else 2 if abs(row["effect"]) < 1 else 1
    low, high = row.get("effect_low", nan), row.get("effect_high", nan)
    bounds = interval(low, high, decimals)
    unit = row["unit"].replace("cm2", "cm²").replace("um", "µm")
    return f"{number(row['effect'], decimals, signed=True)}{f' ({bounds})' if bounds != MISSING else ''} {unit}"
