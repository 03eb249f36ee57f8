"""Where the subjects and photographs of a trial went: the flow, and every exclusion with its reason."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from hairscan.trial.design import Design
from hairscan.trial.observations import unit_columns
from hairscan.trial.pairs import make_pairs

EXCLUSION_COLUMNS = ("level", "image", "subject", "arm", "side", "site", "visit", "reason")


_ANALYSED = ["endpoint", "subject", "arm", "visit"]


def full_analysis_set(observations: pd.DataFrame, design: Design) -> pd.DataFrame:
    """What is analysed of the full analysis set: columns endpoint, subject, arm, visit.

    In a split-scalp trial the set holds pairs: both sides of a subject stand here at each visit that shows a change of
    both.

    Parameters
    ----------
    observations
        The tidy table of the design's endpoints.
    """
    if design.layout != "split-scalp":
        return observations.loc[observations["analysed"], _ANALYSED]
    pairs = make_pairs(observations, control=str(design.control))
    untreated = pairs.drop(columns="arm").rename(columns={"control": "arm"})
    return pd.concat([pairs[_ANALYSED], untreated[_ANALYSED]], ignore_index=True)


def exclusions_of(
    photos: pd.DataFrame,
    failures: pd.DataFrame,
    observations: pd.DataFrame,
    dropped: pd.DataFrame,
    unseen: pd.DataFrame | None,
    design: Design,
) -> pd.DataFrame:
    """Every photograph, visit and subject that is not analysed, and why.

    Levels: ``photograph``, ``visit`` (places that do not match the baseline), ``subject`` (no change can be told), and
    ``per protocol`` (left out of that set by the design).

    Parameters
    ----------
    observations
        The tidy table of the design's endpoints: who has none of these is not in the full analysis set.
    dropped
        Of `hairscan.trial.observations.Averaged`.
    unseen
        Subjects of the subjects file without a photograph, with their arm; None without such a file.
    """
    parts = [
        photos[~photos["used"]].assign(level="photograph"),
        dropped.assign(level="visit"),
        pd.DataFrame(_unit_lines(photos, failures, observations, design)).fillna("").assign(level="subject"),
        pd.DataFrame() if unseen is None else unseen.assign(level="subject", reason="listed without a photograph"),
        pd.DataFrame([entry.model_dump() for entry in design.exclude]).assign(level="per protocol"),
    ]
    filled = [part.reindex(columns=list(EXCLUSION_COLUMNS), fill_value="") for part in parts if len(part)]
    empty = pd.DataFrame(columns=list(EXCLUSION_COLUMNS), dtype=str)
    return pd.concat(filled, ignore_index=True) if filled else empty


def _unit_lines(
    photos: pd.DataFrame, failures: pd.DataFrame, observations: pd.DataFrame, design: Design
) -> Iterator[dict[str, str]]:
    """A line for each unit of analysis that is not in the full analysis set."""
    unit = unit_columns(design)
    known = failures[(failures[unit] != "").all(axis=1)].assign(used=False)
    for names, rows in pd.concat([photos, known]).groupby(unit):
        own = dict(zip(unit, map(str, names), strict=True))
        seen = observations[(observations[unit] == pd.Series(own)).all(axis=1)]
        if not seen["analysed"].any():
            yield {**own, "reason": _why_not(rows, seen)}
    analysed = observations[observations["analysed"]]
    # Of a split scalp a side can be analysed and have no fellow.
    alone = analysed[~analysed["subject"].isin(full_analysis_set(observations, design)["subject"])]
    for subject, rows in alone.groupby("subject"):
        sides = rows["arm"].unique()
        told = f"only the {sides[0]} side has a change" if len(sides) == 1 else "no visit shows a change of both sides"
        yield {"subject": str(subject), "reason": f"{told}: no pair"}


def _why_not(photos: pd.DataFrame, seen: pd.DataFrame) -> str:
    """Why a unit is not in the full analysis set."""
    if not photos["used"].any():
        return "no photograph can be analysed"
    if not seen["is_baseline"].any():
        return "no baseline"
    return "no later visit"


def count_flow(
    photos: pd.DataFrame,
    failures: pd.DataFrame,
    observations: pd.DataFrame,
    unseen: pd.DataFrame | None,
    design: Design,
) -> pd.DataFrame:
    """Subjects and photographs of each arm on their way to the analysis: columns arm, item, visit, n.

    The observations are those of the design's endpoints. In a split-scalp trial a subject is counted in both arms, and
    so is a pair, which is what is analysed. The arm is empty where that of a failed photograph, or of a subject without
    a photograph (`unseen`, as in `exclusions_of`), is not known.
    """
    known = [failures, *([] if unseen is None else [unseen])]
    arms = [*design.arms, *([""] if any((table["arm"] == "").any() for table in known) else [])]
    full = full_analysis_set(observations, design)
    lines = [line for arm in arms for line in _arm_lines(arm, photos, failures, observations, full, unseen, design)]
    return pd.DataFrame(lines, columns=["arm", "item", "visit", "n"])


def _arm_lines(
    arm: str,
    photos: pd.DataFrame,
    failures: pd.DataFrame,
    observations: pd.DataFrame,
    full: pd.DataFrame,
    unseen: pd.DataFrame | None,
    design: Design,
) -> Iterator[tuple[str, str, str, int]]:
    """The items of one arm, in the order of the walk."""
    photos, failures, seen, full = (table[table["arm"] == arm] for table in (photos, failures, observations, full))
    used = photos[photos["used"]]
    subjects = (set(photos["subject"]) | set(failures["subject"])) - {""}
    with_base = set(seen.loc[seen["is_baseline"], "subject"])
    with_change = set(seen.loc[seen["analysed"], "subject"])
    analysed = set(full["subject"])
    left_out = {entry.subject for entry in design.exclude}
    yield arm, "subjects in the manifest", "", len(subjects)
    yield arm, "photographs in the manifest", "", len(photos) + len(failures)
    if unseen is not None:
        yield arm, "subjects listed without a photograph", "", int((unseen["arm"] == arm).sum())
    yield arm, "photographs that failed", "", len(failures)
    yield arm, "photographs excluded", "", len(photos) - len(used)
    yield arm, "photographs analysed", "", len(used)
    yield arm, "subjects without baseline", "", len(subjects - with_base)
    yield arm, "subjects without a later visit", "", len((subjects & with_base) - with_change)
    noun, visits = "subjects", (design.baseline, *design.later_visits)
    if design.layout == "split-scalp":
        noun, visits = "pairs", design.later_visits
        yield arm, "subjects without a pair", "", len(with_change - analysed)
    yield arm, f"{noun} in the full analysis set", "", len(analysed)
    for visit in visits:
        yield arm, f"{noun} analysed at the visit", visit, full.loc[full["visit"] == visit, "subject"].nunique()
    yield arm, f"{noun} left out of the per-protocol set", "", len(analysed & left_out)
    yield arm, f"{noun} in the per-protocol set", "", len(analysed - left_out)
