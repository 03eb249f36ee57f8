"""A run folder and a design become every table of the trial's report."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from hairscan.endpoints.flags import flag_in_words
from hairscan.trial.changes import matched_observations, read_changes
from hairscan.trial.comparison import compare_sets, matched_effects
from hairscan.trial.data import TrialData, read_observations
from hairscan.trial.describe import describe, describe_pairs
from hairscan.trial.design import Design
from hairscan.trial.detectable import errors_of
from hairscan.trial.literature import literature_table, published_trials
from hairscan.trial.matched import matched_change
from hairscan.trial.methods import MATCHED_METHOD, facts_of, methods_of
from hairscan.trial.observations import of_design
from hairscan.trial.pairs import make_pairs
from hairscan.trial.plausible import find_warnings
from hairscan.trial.reliability import bland_altman, reliability
from hairscan.trial.sample_size import sample_sizes


@dataclass(frozen=True, slots=True)
class TrialResult:
    """An analysed trial.

    Attributes
    ----------
    tables : dict of str to DataFrame
        flow, exclusions, describe, pairs (split-scalp only), effects, adjusted_means, effect_sizes, responders,
        sensitivity, reliability, bland_altman, sample_size, literature, warnings, flagged_photos; matched_change and
        matched_effects only where hairscan visits matched the hairs of the run. Comparisons with the control are of
        the design's endpoints, what describes or repeats is of all that were measured.
    methods : list of str
        Sentences for the methods section of a publication.
    facts : dict of str to str
        Versions, hashes and counts.
    """

    design: Design
    data: TrialData
    tables: dict[str, pd.DataFrame]
    methods: list[str]
    facts: dict[str, str]


def analyse_trial(run: Path, design: Design) -> TrialResult:
    """Analyse the photographs of a run folder by the design of their trial.

    Raises
    ------
    TrialError
        Where the run and the design do not fit; all of it is in `problems`.
    """
    data = read_observations(run, design)
    matched = _matched(run, data, design)
    observations, alpha = data.observations, design.alpha
    tested = of_design(observations, design)
    repeated = reliability(data.repeats, alpha=alpha)
    errors = errors_of(repeated, "" if design.responder is None else design.responder.endpoint)
    described = {"describe": describe(observations, alpha=alpha)}
    if design.layout == "split-scalp":
        pairs = make_pairs(observations, control=str(design.control))
        described["pairs"] = describe_pairs(pairs, alpha=alpha)
    spreads = described.get("pairs", described["describe"])
    tables = {
        "flow": data.flow,
        "exclusions": data.exclusions,
        **described,
        **compare_sets(tested, data.covariates, errors, design),
        "reliability": repeated,
        "bland_altman": bland_altman(data.repeats, alpha=alpha),
        "sample_size": sample_sizes(spreads, alpha=alpha, differences=design.differences),
        "literature": literature_table(published_trials(), tested[~tested["is_baseline"]]),
        "warnings": find_warnings(data, errors, design),
        "flagged_photos": _flagged(data.photos),
        **matched,
    }
    images_sha256 = hashlib.sha256((run / "images.csv").read_bytes()).hexdigest()
    methods = [*methods_of(design, data, errors), *([MATCHED_METHOD] if matched else [])]
    return TrialResult(design, data, tables, methods, facts_of(design, data, images_sha256))


def _matched(run: Path, data: TrialData, design: Design) -> dict[str, pd.DataFrame]:
    """Tables of the matched changes; none where no hairs were matched."""
    changes = read_changes(run, design)
    if changes is None:
        return {}
    matched = matched_observations(changes, data, design)
    return {
        "matched_change": matched_change(matched, data.observations, design),
        "matched_effects": matched_effects(matched, data.covariates, design),
    }


def _flagged(photos: pd.DataFrame) -> pd.DataFrame:
    """Photographs with a flag: what it says, and whether they were used."""
    flagged = photos[photos["flags"] != ""]
    words = ["; ".join(map(flag_in_words, flags.split(";"))) for flags in flagged["flags"]]
    names = ["image", "subject", "arm", "side", "site", "visit", "flags"]
    used = flagged["used"].map({True: "yes", False: "no"})
    return flagged[names].assign(words=words, used=used, reason=flagged["reason"]).reset_index(drop=True)
