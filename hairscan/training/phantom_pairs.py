"""How well hairs that went, came and thickened are found, on phantom sites of known truth that were clipped anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
from scipy.spatial import cKDTree

from hairscan.errors import HairscanError
from hairscan.files import Record
from hairscan.phantom.render import Phantom
from hairscan.phantom.truth import TrueHair
from hairscan.photo import read_photo
from hairscan.segment import Segmenter
from hairscan.training.bootstrap import Figure, bootstrap
from hairscan.training.evaluate_visits import (
    REACH_UM,
    REGISTERED_WORDS,
    PairAgreement,
    count_each,
    found_changes,
    pair_figures,
    registration_error_px,
)
from hairscan.training.figures import mean_of_known, ratio
from hairscan.training.phantom_sites import (
    SIZE_PX,
    THICKENING_SD_UM,
    THICKENING_UM,
    UM_PER_PX,
    PhantomPair,
    draw_phantom_pair,
)
from hairscan.training.tables import Table, figure_text
from hairscan.types import FloatArray
from hairscan.visits import Comparison, compare_visits
from hairscan.visits.matching import Status
from hairscan.visits.overlap import BORDER_UM
from hairscan.visits.plane import inverse, transform
from hairscan.visits.visit import Visit, read_visit

_SEED = 2**31 + 23
_TOUCHING_UM, _TOUCHING_SHARE = 90.0, 0.1
"""Two hairs of usual width whose axes are this near leave hardly any skin between them."""
_WORDS = {
    "registered": REGISTERED_WORDS,
    "registration_error_um": ("registration error, median over pairs, µm", ".1f"),
    "recall": ("recall of lost and gained hairs", ".3f"),
    "recall_apart": ("the same, of those that stand apart from others", ".3f"),
    "false_share": ("falsely lost or gained, of the matched", ".2%"),
    "undecided_share": ("undecided, of all", ".1%"),
    "count_change_error": ("error of the count change, matched hair to hair", ".2%"),
    "unmatched_error": ("the same, each visit counted on the common area", ".2%"),
    "thickening_bias_um": ("mean thickening, error, µm", "+.2f"),
    "thickening_error_um": ("the same without its sign, mean over pairs, µm", ".2f"),
    "unmatched_thickening_error_um": ("the same of the two mean widths, µm", ".2f"),
    "thickening_covered": ("pairs whose 95 % interval holds the true thickening", ".0%"),
}


@dataclass(frozen=True, slots=True)
class PhantomPairAgreement(PairAgreement):
    """That of a phantom site at two visits; `count` are the true hairs of the baseline.

    Attributes
    ----------
    changed_apart, found_apart : int
        As `changed` and `found`, of the hairs that no other one touches.
    thickening_um, true_um, unmatched_um : float
        Mean change of width: of matched hairs, of the true ones that stayed, and of the two mean widths.
    covered : float
        1 where the interval of the thickening holds the true one, 0 where not, NaN where there is none.
    """

    changed_apart: int = 0
    found_apart: int = 0
    thickening_um: float = nan
    true_um: float = nan
    unmatched_um: float = nan
    covered: float = nan


class PhantomVisitFigures(Record):
    """The figures of an evaluation on phantom pairs."""

    model: str
    pairs: int
    changed_hairs: int
    figures: dict[str, Figure]


def evaluate_phantom_visits(
    count: int, segmenter: Segmenter, *, progress: Callable[[], None]
) -> list[PhantomPairAgreement]:
    """Agreement on so many pairs; pair i is always the same."""
    agreements = []
    for number in range(count):
        pair = draw_phantom_pair(np.random.default_rng((_SEED, number)))
        visits = [read_visit(read_photo(one.rgb, um_per_px=one.um_per_px), segmenter) for one in pair.phantoms]
        agreements.append(judge_phantom_pair(pair, visits[0], visits[1]))
        progress()
    return agreements


def judge_phantom_pair(pair: PhantomPair, baseline: Visit, followup: Visit) -> PhantomPairAgreement:
    """Agreement of one scored pair with its truth."""
    try:
        comparison = compare_visits(baseline, followup)
    except HairscanError:
        return PhantomPairAgreement(registered=False)
    first, second = (_growing(phantom) for phantom in pair.phantoms)
    back = inverse(pair.matrix)
    here = {uid: hair for uid, hair in first.items() if _is_common(hair.path_xy[:1], comparison)}
    there = {uid: hair for uid, hair in second.items() if _is_common(transform(back, hair.path_xy[:1]), comparison)}
    # A hair is known from the whole site: its root may just be outside of the other photograph.
    shown = [{hair.uid for hair in phantom.hairs} for phantom in pair.phantoms]
    lost = [hair for uid, hair in here.items() if uid not in shown[1]]
    gained = [hair for uid, hair in there.items() if uid not in shown[0]]
    stayed = [uid for uid in here if uid in second]
    true_um = float(np.mean([second[uid].width_um - first[uid].width_um for uid in stayed])) if stayed else nan
    reach_px = REACH_UM / baseline.um_per_px
    found = found_changes(comparison, Status.LOST, _roots_and_middles(lost), reach_px)
    found += found_changes(comparison, Status.GAINED, _roots_and_middles(gained), reach_px)
    apart = [hair for hair in lost if _stands_apart(hair, pair.phantoms[0])]
    found_apart = found_changes(comparison, Status.LOST, _roots_and_middles(apart), reach_px)
    apart_too = [hair for hair in gained if _stands_apart(hair, pair.phantoms[1])]
    found_apart += found_changes(comparison, Status.GAINED, _roots_and_middles(apart_too), reach_px)
    counted = count_each(comparison)
    change = len(gained) - len(lost)
    width = comparison.width_change
    means = [np.nanmean([h.width_px for h in visit.result.traced if h.counted]) for visit in (baseline, followup)]
    covered = nan
    if width.low_um is not None and width.high_um is not None:
        covered = float(width.low_um <= true_um <= width.high_um)
    return PhantomPairAgreement(
        registered=True,
        error_um=registration_error_px(pair.matrix, comparison) * followup.um_per_px,
        changed=len(lost) + len(gained),
        found=found,
        changed_apart=len(apart) + len(apart_too),
        found_apart=found_apart,
        false_changes=comparison.number(Status.LOST) + comparison.number(Status.GAINED) - found,
        matched=comparison.number(Status.MATCHED),
        undecided=comparison.number(Status.UNDECIDED),
        count=len(here),
        change_error=abs((comparison.count_change.value or 0.0) - change),
        unmatched_error=abs(counted[1] - counted[0] - change),
        thickening_um=nan if width.mean_um is None else width.mean_um,
        true_um=true_um,
        unmatched_um=float(means[1] * followup.um_per_px - means[0] * baseline.um_per_px),
        covered=covered,
    )


def summarise_phantom_visits(agreements: Sequence[PhantomPairAgreement], *, model: str) -> PhantomVisitFigures:
    """Figures over pairs, with 95 % intervals over pairs."""
    return PhantomVisitFigures(
        model=model,
        pairs=len(agreements),
        changed_hairs=sum(one.changed for one in agreements),
        figures=bootstrap(lambda chosen: _figures([agreements[index] for index in chosen]), len(agreements)),
    )


def phantom_visit_table(figures: PhantomVisitFigures) -> Table:
    """The figures as a table of text."""
    sizes = [("pairs", str(figures.pairs)), ("hairs lost or gained", str(figures.changed_hairs))]
    rows = [(words, figure_text(figures.figures[name], form)) for name, (words, form) in _WORDS.items()]
    return Table(
        title="Pairs of visits, phantoms; 95 % intervals over pairs",
        note=f"Clipped phantom sites, {SIZE_PX[0]} x {SIZE_PX[1]} px at {UM_PER_PX} µm/px: 5 to 15 % of the hairs gone "
        f"and as many come, half of these inside a unit, the others {THICKENING_UM:g} µm thicker (SD "
        f"{THICKENING_SD_UM:g}), clipped anew to other lengths, turned, shifted, zoomed, in other light; the skin "
        "stays but for its shine. Errors of the count change are shares of the true count.",
        headings=("figure", figures.model),
        rows=(*sizes, *rows),
    )


def _growing(phantom: Phantom) -> dict[int, TrueHair]:
    """Hairs with their root in the photograph, by their identity."""
    return {hair.uid: hair for hair in phantom.hairs if hair.root_seen and not hair.loose}


def _is_common(root_xy: FloatArray, comparison: Comparison) -> bool:
    """Whether a root, px of the baseline, lies where both visits judge hairs."""
    return bool(comparison.overlap.depth_at(root_xy)[0] * comparison.overlap.um_per_px > BORDER_UM)


def _stands_apart(hair: TrueHair, phantom: Phantom) -> bool:
    """Whether hardly a point of a hair lies within a hair's width of another."""
    others = [one.path_xy for one in phantom.hairs if one is not hair and not one.loose]
    if not others:
        return True
    gaps_um = cKDTree(np.concatenate(others)).query(hair.path_xy)[0] * phantom.um_per_px
    return bool(np.mean(gaps_um < _TOUCHING_UM) <= _TOUCHING_SHARE)


def _roots_and_middles(hairs: Sequence[TrueHair]) -> FloatArray:
    places = [(hair.path_xy[0], hair.path_xy[len(hair.path_xy) // 2]) for hair in hairs]
    return np.array(places, np.float64).reshape(-1, 2, 2)


def _figures(agreements: Sequence[PhantomPairAgreement]) -> dict[str, float]:
    kept = [one for one in agreements if one.registered]
    figures = {
        **pair_figures(agreements),
        "recall_apart": ratio(sum(one.found_apart for one in kept), sum(one.changed_apart for one in kept)),
        "thickening_bias_um": mean_of_known([one.thickening_um - one.true_um for one in kept]),
        "thickening_error_um": mean_of_known([abs(one.thickening_um - one.true_um) for one in kept]),
        "unmatched_thickening_error_um": mean_of_known([abs(one.unmatched_um - one.true_um) for one in kept]),
        "thickening_covered": mean_of_known([one.covered for one in kept]),
    }
    return {name: figures[name] for name in _WORDS}
