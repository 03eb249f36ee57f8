"""A run folder becomes the data of a trial: the tidy table, what was left out of it and why, and the repeats."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from hairscan.endpoints.flags import flag_in_words
from hairscan.endpoints.rows import PhotoRow
from hairscan.errors import TrialError
from hairscan.trial.check import run_problems
from hairscan.trial.copies import copy_reasons
from hairscan.trial.design import Design
from hairscan.trial.flow import count_flow, exclusions_of
from hairscan.trial.observations import average_photos, of_design
from hairscan.trial.repeats import find_repeats

TEXT_COLUMNS = ("subject", "arm", "visit", "side", "site", "operator", "device", "date")
"""Columns of the manifest that are text; empty where the manifest has none."""

_PHOTO_TEXT = ("image", "sha256", "scale_source", "flags")
_NUMBERS = (*(name for name in PhotoRow.model_fields if name not in _PHOTO_TEXT), "days_since_clipping")
_READ_TWICE = "the same photograph read again: for reliability only"


@dataclass(frozen=True, slots=True)
class TrialData:
    """Everything the statistics start from.

    Attributes
    ----------
    observations : DataFrame
        `hairscan.trial.observations.COLUMNS`, of all measured endpoints:
        the design's in testing order, then the others.
    places : DataFrame
        Of `hairscan.trial.observations.Averaged`: the places that each value of the tidy table is the mean of.
    repeats : DataFrame
        endpoint, kind, subject, target, repeat, value.
    photos : DataFrame
        images.csv, numbers as numbers, with `used` (bool) and `reason` (why not, empty where used). Where `duplicate`
        is 1, as hairscan unblind writes it, the same photograph was read a second time.
    failures : DataFrame
        failures.csv, with what the manifest says of each photograph, which stands there once.
    exclusions : DataFrame
        level (photograph, visit, subject or per protocol), image, subject, arm, side, site, visit, reason.
    flow : DataFrame
        arm, item, visit, n.
    covariates : DataFrame
        subject, and one column per covariate of the design.
    run_record : dict
        run.json.
    """

    observations: pd.DataFrame
    places: pd.DataFrame
    repeats: pd.DataFrame
    photos: pd.DataFrame
    failures: pd.DataFrame
    exclusions: pd.DataFrame
    flow: pd.DataFrame
    covariates: pd.DataFrame
    run_record: dict[str, Any]


def read_observations(run: Path, design: Design) -> TrialData:
    """Read the run folder, check it against the design, and average its photographs into the tidy table.

    Raises
    ------
    TrialError
        Where a file is missing, or the run and the design do not fit; all of it is in `problems`.
    """
    text = _read_table(run / "images.csv", "run hairscan batch first, with --out")
    failures = _read_failures(run)
    subjects = None if design.subjects_path is None else _read_table(design.subjects_path, "the design names it")
    record = _read_record(run / "run.json")
    if text.empty:
        n_failed = failures["image"].nunique()
        raise TrialError(f"{run / 'images.csv'} holds no photograph: failures.csv says why {n_failed} failed")
    problems = run_problems(text, failures, subjects, design)
    if problems:
        raise TrialError(f"{run} and the design do not fit", tuple(problems))
    photos = _judge(_with_text_columns(_with_numbers(text)), design)
    if not photos["used"].any():
        raise TrialError(f"no photograph of {run} can be analysed: {'; '.join(photos['reason'].unique())}")
    averaged = average_photos(photos[photos["used"]], design)
    tested = of_design(averaged.observations, design)
    first = photos[photos["duplicate"] != "1"]
    failures = _once(failures, first)
    unseen = None if subjects is None else _unseen(subjects, first, failures, design)
    return TrialData(
        observations=averaged.observations,
        places=averaged.places,
        repeats=find_repeats(photos[photos["used"] | (photos["reason"] == _READ_TWICE)], design),
        photos=photos,
        failures=failures,
        exclusions=exclusions_of(first, failures, tested, averaged.dropped, unseen, design),
        flow=count_flow(first, failures, tested, unseen, design),
        covariates=_covariates(photos, subjects, design),
        run_record=record,
    )


def _read_table(path: Path, advice: str) -> pd.DataFrame:
    """A CSV as text, empty cells as empty text."""
    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False)
    except OSError as error:
        raise TrialError(f"{path} cannot be read: {advice}") from error
    except (ValueError, UnicodeDecodeError) as error:
        raise TrialError(f"{path} is not a CSV table: {' '.join(str(error).split())}") from error


def _read_failures(run: Path) -> pd.DataFrame:
    """Failed photographs with what the manifest says of them, where the run has one."""
    failures = _read_table(run / "failures.csv", "run hairscan batch again")
    if (run / "manifest.csv").is_file():
        manifest = _read_table(run / "manifest.csv", "run hairscan batch again")
        failures = failures.merge(manifest, on="image", how="left").fillna("")
    return _with_text_columns(failures)


def _once(failures: pd.DataFrame, measured: pd.DataFrame) -> pd.DataFrame:
    """The photographs that failed, each once: of one that was blinded twice either copy may have failed."""
    return failures[~failures["image"].isin(measured["image"])].drop_duplicates("image", ignore_index=True)


def _unseen(subjects: pd.DataFrame, photos: pd.DataFrame, failures: pd.DataFrame, design: Design) -> pd.DataFrame:
    """Subjects of the subjects file without a photograph: columns subject and arm, empty where the file tells none."""
    unseen = subjects[~subjects["subject"].isin(["", *photos["subject"], *failures["subject"]])]
    arms = unseen.get("arm", pd.Series("", unseen.index))
    return pd.DataFrame({"subject": unseen["subject"], "arm": arms.where(arms.isin(design.arms), "")})


def _read_record(path: Path) -> dict[str, Any]:
    """The content of run.json."""
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TrialError(f"{path} cannot be read: run hairscan batch again") from error
    if not isinstance(record, dict):
        raise TrialError(f"{path} is not what hairscan batch writes: run it again")
    return record


def _with_text_columns(table: pd.DataFrame) -> pd.DataFrame:
    """The table with every text column of a manifest, empty where it had none."""
    return table.assign(**{name: "" for name in (*TEXT_COLUMNS, "duplicate") if name not in table})


def _with_numbers(text: pd.DataFrame) -> pd.DataFrame:
    """images.csv with numbers; NaN where a cell is empty or the column is missing."""
    numbers = {name: pd.to_numeric(text.get(name, pd.Series("", text.index)), errors="coerce") for name in _NUMBERS}
    return text.assign(**numbers)


def _judge(photos: pd.DataFrame, design: Design) -> pd.DataFrame:
    """The photographs with `used` and `reason`."""
    reasons = {row: _reason(photo, design) for row, photo in photos.to_dict("index").items()}
    reasons |= copy_reasons(photos[[not reason for reason in reasons.values()]], design)
    return photos.assign(used=[not reason for reason in reasons.values()], reason=list(reasons.values()))


def _reason(photo: Mapping[Hashable, Any], design: Design) -> str:
    """Why a photograph is not analysed; empty where it is."""
    if photo["visit"] not in design.visits:
        return f"visit {photo['visit']} is not in the design"
    flags = [flag for flag in photo["flags"].split(";") if flag.partition(":")[0] in design.unusable_flags]
    if not flags and photo["duplicate"] == "1":
        return _READ_TWICE
    return "; ".join(flag_in_words(flag) for flag in flags)


def _covariates(photos: pd.DataFrame, subjects: pd.DataFrame | None, design: Design) -> pd.DataFrame:
    """One row per subject with the covariates of the design, as numbers where all are."""
    names = ["subject", *design.covariates]
    table = photos.drop_duplicates("subject")
    if subjects is not None:
        brought = [name for name in subjects if name == "subject" or name in design.covariates]
        table = table.drop(columns=[n for n in brought if n != "subject" and n in table]).merge(
            subjects[brought], how="left", on="subject"
        )
    table = table[names].reset_index(drop=True)
    numbers = {name: pd.to_numeric(table[name], errors="coerce") for name in design.covariates}
    return table.assign(**{name: column for name, column in numbers.items() if column.notna().all()})
