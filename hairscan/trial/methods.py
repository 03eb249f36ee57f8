"""What a reader must know of how a trial was measured and analysed: sentences, versions, hashes and counts."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import pandas as pd
from pandas.api.types import is_numeric_dtype

from hairscan.endpoints.flags import FLAG_WORDS
from hairscan.trial.comparison import SENSITIVITY_SEED
from hairscan.trial.copies import SAME_BYTES
from hairscan.trial.data import TrialData
from hairscan.trial.design import Design
from hairscan.trial.detectable import few_repeats_words
from hairscan.trial.missing import N_IMPUTATIONS
from hairscan.trial.parameters import PARAMETERS
from hairscan.trial.plausible import unmeasured_hairs
from hairscan.version import __version__

MATCHED_METHOD = (
    "Beside the primary analysis, hairs were matched one to one between the baseline and each visit (hairscan visits), "
    "and the change of density and of width on the common area was compared by the same model; this analysis is not "
    "the pre-specified one, and its p values are not adjusted."
)
_LIBRARIES = ("numpy", "scipy", "pandas", "statsmodels")


def methods_of(design: Design, data: TrialData, errors: pd.DataFrame) -> list[str]:
    """Sentences for the methods section of a publication, from measurement to multiplicity."""
    sentences = [*_measurement(design, data), *_sets(design)]
    if design.control is None:
        told = "There was no control arm: the arms were described, and no effect was estimated."
        return [*sentences, told, f"Intervals are {design.level}.", *_responder(design, errors), _software()]
    model = _split_model() if design.layout == "split-scalp" else _parallel_model(data.covariates, design)
    sizes = _effect_sizes(design)
    return [*sentences, _estimand(design), *model, sizes, *_level(design), *_responder(design, errors), _software()]


def facts_of(design: Design, data: TrialData, images_sha256: str) -> dict[str, str]:
    """Versions, hashes and counts by name, as CONSORT-AI asks for."""
    record, photos = data.run_record, data.photos[data.photos["duplicate"] != "1"]
    models = record.get("models", [])
    subjects = set(photos["subject"]) | set(data.failures["subject"]) - {""}
    return {
        "hairscan that measured": str(record.get("hairscan_version", "")),
        "hairscan that analysed": __version__,
        "model": ", ".join(f"{model['name']}" for model in models),
        "sha256 of the model": ", ".join(model["sha256"] for model in models),
        "device": ", ".join(map(str, record.get("devices", []))),
        "configuration": _settings(record.get("configuration", {})),
        "measured (UTC)": " to ".join(str(record[name]) for name in ("start_utc", "end_utc") if name in record),
        "sha256 of the design": design.sha256,
        "sha256 of the subjects file": _subjects_sha256(design),
        "sha256 of images.csv": images_sha256,
        "subjects": str(len(subjects)),
        "photographs": str(len(photos) + len(data.failures)),
        "photographs that failed": str(len(data.failures)),
        "photographs excluded": str(int((~photos["used"]).sum())),
        "photographs analysed": str(int(photos["used"].sum())),
        "hairs counted": str(int(photos["hair_count"].sum())),
        "hairs without a width": str(sum(map(unmeasured_hairs, photos["flags"]))),
        "poor photographs": _poor_words(design),
        "human corrections": "none recorded",
    }


def _measurement(design: Design, data: TrialData) -> Iterator[str]:
    record, photos = data.run_record, data.photos[data.photos["duplicate"] != "1"]
    models = ", ".join(f"{m['name']} (sha256 {m['sha256'][:12]})" for m in record.get("models", []))
    yield (
        f"Hairs were traced and measured in {_count(len(photos), 'photograph')} by hairscan "
        f"{record.get('hairscan_version', '')} with the network {models}, without human correction."
    )
    n_out = int((~photos["used"]).sum())
    yield (
        f"{_count(len(data.failures), 'further photograph')} could not be measured, and {n_out} "
        f"{'was' if n_out == 1 else 'were'} not analysed."
    )
    yield _poor_words(design)
    n_copies = int(photos["reason"].str.startswith(SAME_BYTES).sum())
    if n_copies:
        yield f"Of photographs that are the same file {_count(n_copies, 'copy', 'copies')} had no part in the analysis."
    yield (
        "Photographs of the same place and visit were averaged (densities weighted by area, hair counts together with "
        "the area of one photograph that they belong to), and then several places "
        f"of one {'side' if design.layout == 'split-scalp' else 'subject'}, each with the same weight; a visit that "
        f"did not show every place of the baseline was left out{_same_places(design)}."
    )


def _same_places(design: Design) -> str:
    return ", and so was a place of one side only" if design.layout == "split-scalp" else ""


def _poor_words(design: Design) -> str:
    flags = "; ".join(FLAG_WORDS[flag] for flag in design.unusable_flags)
    return f"Left out by a rule set in the design: photographs {flags}." if flags else "No photograph was left out."


def _sets(design: Design) -> Iterator[str]:
    if design.layout == "split-scalp":
        yield (
            "The full analysis set holds every pair of sides that both have a baseline and the same later visit of any "
            "endpoint of the design; each endpoint was compared in every pair that has them of its own, and described "
            "in every side with a baseline and a later visit."
        )
    else:
        yield (
            "The full analysis set holds every subject with a baseline and a later visit of any endpoint of the "
            "design; each endpoint was analysed in every subject with a baseline and a later visit of its own."
        )
    compared = "" if design.control is None else ", and those named in the design were compared"
    yield f"All endpoints that were measured were described{compared}."
    if design.exclude:
        yield f"The per-protocol set leaves out {_count(len(design.exclude), 'subject')} named in the design."


def _estimand(design: Design) -> str:
    endpoint = _words(design.endpoints[0])
    among = "sides of the same scalp" if design.layout == "split-scalp" else "arms"
    return (
        f"The primary estimand is the difference between {' or '.join(design.treatments)} and {design.control} in the "
        f"mean change of {endpoint} from baseline to visit {design.primary_visit}, between {among}, in all subjects "
        "of the full analysis set whatever happened to their treatment (treatment policy)."
    )


def _parallel_model(known: pd.DataFrame, design: Design) -> Iterator[str]:
    kinds = {name: "a number" if is_numeric_dtype(known[name]) else "groups" for name in design.covariates}
    covariates = "".join(f", {name} ({kind})" for name, kind in kinds.items())
    yield (
        "It was estimated by a mixed model for repeated measures (restricted maximum likelihood, unstructured "
        "covariance of the visits, Satterthwaite's degrees of freedom) with treatment by visit and, as covariates, "
        f"baseline by visit{covariates}; an analysis of covariance of each visit stands beside it."
    )
    yield (
        "Missed visits were taken as missing at random; as a sensitivity analysis they were imputed "
        f"{N_IMPUTATIONS} times as under the control (jump to reference) and, for the tipping point, with a "
        f"penalty in the treated arm (random seed {SENSITIVITY_SEED})."
    )


def _split_model() -> Iterator[str]:
    yield (
        "It was estimated by a mixed model for repeated measures of the differences between the sides (restricted "
        "maximum likelihood, unstructured covariance of the visits, Satterthwaite's degrees of freedom) with visit "
        "and baseline difference by visit; the paired t test and the Wilcoxon signed rank test with the "
        "Hodges-Lehmann estimate stand beside it."
    )
    yield (
        "Missed visits were taken as missing at random; as a sensitivity analysis the differences were imputed "
        f"{N_IMPUTATIONS} times as if both sides had been under the control from the missed visit on (jump to no "
        f"difference) and, for the tipping point, with a penalty on the imputed ones (random seed {SENSITIVITY_SEED}), "
        "and the paired tests were repeated in the subjects with every visit."
    )


def _effect_sizes(design: Design) -> str:
    if design.layout == "split-scalp":
        return (
            "Effect sizes are Hedges' g of pairs, the mean difference over the standard deviation of the changes "
            "averaged over both sides (g_av), and the dominance of pairs, the share of pairs in which the treated side "
            "is ahead less the share in which it is behind; the latter is not Cliff's delta of two groups, and cannot "
            "be set beside published ones."
        )
    return "Effect sizes are Hedges' g (pooled standard deviation) and Cliff's delta of the changes of two arms."


def _level(design: Design) -> Iterator[str]:
    order = ", ".join(_words(name) for name in design.endpoints)
    rule = {"fixed-sequence": "in a fixed sequence", "holm": "by Holm's method"}[design.multiplicity]
    yield f"Tests are two-sided at {design.alpha:g}; intervals are {design.level}."
    yield (
        f"At visit {design.primary_visit} the endpoints ({order}), and in each the treatments "
        f"({', '.join(design.treatments)}), were tested {rule}; all other p values are not adjusted."
    )


def _responder(design: Design, errors: pd.DataFrame) -> Iterator[str]:
    rule = design.responder
    if rule is None:
        return
    gain = f"{rule.percent:g} % of the baseline" if rule.change is None else f"{rule.change:g}"
    used = ", ".join(f"{row.kind} {row.sem:.4g} with {row.df:.0f} degrees of freedom" for row in errors.itertuples())
    if errors.empty:
        known = "without regard to the minimal detectable change, which is unknown as no photograph was repeated"
    else:
        known = (
            "and of at least the minimal detectable change (95 %) of the subject's own mean of photographs "
            f"and places (standard error of measurement: {used})"
        )
    label = _words(rule.endpoint)
    yield f"A responder had a gain in {label} of at least {gain} at visit {design.primary_visit}, {known}."
    if few := few_repeats_words(errors):
        yield f"{few[0].upper()}{few[1:]}."
    yield (
        "Everyone with a baseline was counted, those without a figure at that visit as non-responders; beside it they "
        "were left out. Shares of responders have Wilson's intervals."
    )


def _words(endpoint: str) -> str:
    """Name of an endpoint within a sentence, its unit as people write it."""
    label = PARAMETERS[endpoint].param
    return label[0].lower() + re.sub(r"\bum\b", "µm", label[1:]).replace("cm2", "cm²")


def _count(n: int, noun: str, nouns: str = "") -> str:
    """How many of a thing there are."""
    return f"{n} {noun if n == 1 else nouns or noun + 's'}"


def _software() -> str:
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    return f"The analysis was made with hairscan {__version__} ({libraries})."


def _settings(configuration: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in sorted(configuration.items()) if value is not None)


def _subjects_sha256(design: Design) -> str:
    path = design.subjects_path
    return "" if path is None else hashlib.sha256(path.read_bytes()).hexdigest()
