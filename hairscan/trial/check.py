"""Does the run fit the design? Every problem, one line each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pandas as pd

from hairscan.trial.design import Design
from hairscan.trial.parameters import PARAMETERS

_SHOWN = 8


def run_problems(
    photos: pd.DataFrame, failures: pd.DataFrame, subjects: pd.DataFrame | None, design: Design
) -> list[str]:
    """List what keeps the photographs of images.csv, as text, from being analysed by the design.

    Parameters
    ----------
    failures
        failures.csv, with what the manifest says of these photographs; a cell may be empty.
    subjects
        The subjects file; None where the design names none.
    """
    needed = ["image", "subject", "arm", "visit", "flags", *(["side"] if design.layout == "split-scalp" else [])]
    absent = [name for name in needed if name not in photos]
    if absent:
        return [f"images.csv has no column {', '.join(absent)}: the manifest given to hairscan batch must bring it"]
    named = set(photos["subject"]) | set(failures["subject"])
    return [
        *_empty_cells(photos, [name for name in needed if name not in ("image", "flags")]),
        *_unknown("images.csv", photos, design),
        *_unknown("failures.csv", failures, design),
        *_absent("arm", photos, design.arms),
        *_absent("visit", photos, design.visits),
        *_two_arms(photos, design),
        *_endpoint_problems(photos, design),
        *(f"exclude: no photograph is of subject {e.subject}" for e in design.exclude if e.subject not in named),
        *_subjects_problems(photos, subjects, design),
        *_covariate_problems(photos, subjects, design),
    ]


def _lines(rows: Iterable[int]) -> str:
    """Line numbers of rows in their file, the header being line 1."""
    numbers = [str(row + 2) for row in rows]
    more = f" and {len(numbers) - _SHOWN} more" if len(numbers) > _SHOWN else ""
    return f"line{'s' if numbers[1:] else ''} {', '.join(numbers[:_SHOWN])}{more}"


def _empty_cells(photos: pd.DataFrame, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        empty = photos.index[photos[name].str.strip() == ""]
        if len(empty):
            yield f"images.csv {_lines(empty)}: no {name}"


def _unknown(file: str, photos: pd.DataFrame, design: Design) -> Iterator[str]:
    for arm, rows in photos.groupby("arm").groups.items():
        if arm not in {*design.arms, ""}:
            yield f"{file} {_lines(rows)}: arm {arm} is neither the control nor a treatment of the design"


def _absent(name: str, photos: pd.DataFrame, known: Iterable[str]) -> Iterator[str]:
    found = set(photos[name])
    for value in known:
        if value not in found:
            yield f"{name} {value} of the design is in no measured photograph ({name}s there: {_some(found)})"


def _some(names: Iterable[str]) -> str:
    ordered = sorted(names)
    return ", ".join(ordered[:_SHOWN]) + (", ..." if len(ordered) > _SHOWN else "")


def _two_arms(photos: pd.DataFrame, design: Design) -> Iterator[str]:
    split = design.layout == "split-scalp"
    keys, one = (["subject", "side"], "side") if split else (["subject"], "subject")
    for unit, rows in photos.groupby(keys):
        arms = set(rows["arm"])
        if len(arms) > 1:
            yield f"subject {' '.join(map(str, unit))} is in the arms {_some(arms)}: one {one}, one arm"
    if not split:
        return
    for unit, rows in photos.groupby(["subject", "arm"]):
        sides = set(rows["side"])
        if len(sides) > 1:
            yield f"subject {unit[0]} has arm {unit[1]} on the sides {_some(sides)}: each side has an arm of its own"


def _endpoint_problems(photos: pd.DataFrame, design: Design) -> Iterator[str]:
    unscaled = []
    for name in PARAMETERS:
        if name not in photos:
            if name in design.endpoints:
                yield f"endpoints: images.csv has no column {name}"
            continue
        numbers = pd.to_numeric(photos[name], errors="coerce")
        wrong = photos.index[numbers.isna() & (photos[name].str.strip() != "")]
        is_missed = name in design.endpoints and numbers.isna().all()
        if len(wrong):
            yield f"images.csv {_lines(wrong)}: {name} is not a number"
        elif is_missed and PARAMETERS[name].needs_scale:
            unscaled.append(name)
        elif is_missed:
            yield f"endpoints: {name} was measured in no photograph"
    if unscaled:
        yield (
            f"endpoints: {', '.join(unscaled)} need a scale, and no photograph has one: "
            "run hairscan batch with --um-per-px, or with a column um_per_px in the manifest"
        )


def _subjects_problems(photos: pd.DataFrame, subjects: pd.DataFrame | None, design: Design) -> Iterator[str]:
    if subjects is None:
        return
    if "subject" not in subjects:
        yield f"{design.subjects} has no column subject"
        return
    twice = subjects.index[subjects["subject"].duplicated()]
    if len(twice):
        yield f"{design.subjects} {_lines(twice)}: the subject stands there already"
    missing = set(photos["subject"]) - set(subjects["subject"])
    if missing:
        yield f"{design.subjects} lacks the subjects {_some(missing)}"


def _covariate_problems(photos: pd.DataFrame, subjects: pd.DataFrame | None, design: Design) -> Iterator[str]:
    for name in design.covariates:
        table = subjects if subjects is not None and name in subjects else photos
        if name not in table:
            yield f"covariates: {name} is a column neither of the manifest nor of a subjects file"
            continue
        if "subject" not in table:
            continue
        known = table[table["subject"].isin(photos["subject"])]
        changing = known.groupby("subject")[name].nunique()
        if (changing > 1).any():
            yield f"covariates: {name} changes within the subjects {_some(changing.index[changing > 1])}"
        empty = known.loc[known[name].str.strip() == "", "subject"].unique()
        if len(empty):
            yield f"covariates: no {name} of the subjects {_some(empty)}"
        elif (problem := _coding_problem(known.drop_duplicates("subject"), name)) is not None:
            yield f"covariates: {problem}"


def _coding_problem(subjects: pd.DataFrame, name: str) -> str | None:
    """Why a covariate, one row per subject, is neither numbers nor names of groups; None where it is."""
    values = subjects[name].str.strip()
    is_number = pd.to_numeric(values, errors="coerce").notna()
    if is_number.all():
        return None
    if is_number.any():
        odd = [f"{values[row]!r} of {subjects.at[row, 'subject']}" for row in values.index[~is_number]]
        return f"{name} is a number of most subjects, but not {_some(odd)}: give numbers, or names of groups, for all"
    if pd.to_numeric(values.str.replace(",", "."), errors="coerce").notna().all():
        return f"{name} has commas in its numbers ({values.iloc[0]}): write points"
    n_groups = values.nunique()
    if n_groups > 2 and 2 * n_groups > len(values):
        return f"{name} has {n_groups} different texts in {len(values)} subjects: these are no groups"
    return None
