"""How well two visits are compared, on pairs of known truth: registration, lost and gained hairs, change of count."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import nan
from time import perf_counter

import numpy as np
from scipy.optimize import linear_sum_assignment

from hairscan.errors import HairscanError
from hairscan.files import Record
from hairscan.photo import read_photo
from hairscan.segment import Segmenter
from hairscan.training.bootstrap import Figure, bootstrap
from hairscan.training.figures import mean_of_known, ratio
from hairscan.training.tables import Table, figure_text
from hairscan.training.vectors import Sample
from hairscan.training.visit_pairs import Field, VisitPair, draw_pair, read_field
from hairscan.types import FloatArray, Hair
from hairscan.visits import Comparison, compare_visits
from hairscan.visits.matching import ComparedHair, Status
from hairscan.visits.plane import inverse, transform
from hairscan.visits.visit import Visit, read_visit

PAIRS_PER_FIELD = 4
_SEED = 2**31
REACH_UM = 125.0
"""A hair is the extracted one when its root or its middle lies this near to the label's."""
REGISTERED_UM = 100.0
"""A registration that misses by more puts hairs on their neighbours."""
REGISTERED_WORDS = (f"pairs registered, to within {REGISTERED_UM:g} µm", ".1%")
_WORDS = {
    "registered": REGISTERED_WORDS,
    "registration_error_um": ("registration error, median over pairs, µm", ".1f"),
    "recall": ("recall of lost and gained hairs", ".3f"),
    "false_share": ("falsely lost or gained, of the matched", ".2%"),
    "undecided_share": ("undecided, of all", ".1%"),
    "count_change_error": ("error of the count change, matched hair to hair", ".2%"),
    "unmatched_error": ("the same, each visit counted on the common area", ".2%"),
    "separate_error": ("the same, from each photograph's own density", ".2%"),
    "refused": ("pairs of different sites refused", ".1%"),
    "compare_s": ("seconds to compare a pair", ".2f"),
    "score_s": ("seconds to score its two photographs", ".2f"),
}


@dataclass(frozen=True, slots=True)
class PairAgreement:
    """What comparing one pair found against its truth.

    Attributes
    ----------
    registered : bool
        Whether the pair was taken to show one site; without it there is nothing of the common area.
    error_um : float
        Median error of the transformation over the overlap.
    changed, found : int
        Hairs of the common area that went or came, and those of them called so.
    false_changes, matched, undecided : int
        Hairs called lost or gained that were not, matched ones, undecided ones.
    count : int
        Hairs of the baseline on the common area.
    change_error, unmatched_error : float
        Error of the change of the count, hairs: matched; each visit counted on the common area.
    """

    registered: bool
    error_um: float = nan
    changed: int = 0
    found: int = 0
    false_changes: int = 0
    matched: int = 0
    undecided: int = 0
    count: int = 0
    change_error: float = nan
    unmatched_error: float = nan


@dataclass(frozen=True, slots=True)
class FieldPairAgreement(PairAgreement):
    """That of a field photographed twice: the hairs that changed were painted out of either picture.

    Attributes
    ----------
    separate_error : float
        Error of the change of the count, hairs, from each photograph's own density times the common area.
    other_refused : bool or None
        Whether the baseline was told apart from the follow-up of another field; None where it was not asked.
    """

    separate_error: float = nan
    other_refused: bool | None = None
    score_s: float = nan
    compare_s: float = nan


class VisitFigures(Record):
    """The figures of an evaluation of visits."""

    model: str
    part: str
    pairs: int
    fields: int
    extracted_hairs: int
    figures: dict[str, Figure]


def evaluate_visits(
    fields: Sequence[Sequence[Sample]], segmenter: Segmenter, *, progress: Callable[[], None]
) -> list[FieldPairAgreement]:
    """Agreement on `PAIRS_PER_FIELD` pairs of every field; pair i of a field is always the same."""
    agreements = []
    other: Visit | None = None
    for number, pair in _pairs(fields):
        start = perf_counter()
        visits = [
            read_visit(read_photo(rgb, um_per_px=pair.um_per_px), segmenter) for rgb in (pair.baseline, pair.followup)
        ]
        score_s = perf_counter() - start
        # The other site is that of the last field: the first field has none.
        told_apart = None if other is None else _is_refused(visits[0], other)
        agreements.append(judge_pair(pair, visits[0], visits[1], told_apart, score_s))
        if number == PAIRS_PER_FIELD - 1:
            other = visits[1]
        progress()
    return agreements


def judge_pair(
    pair: VisitPair, baseline: Visit, followup: Visit, other_refused: bool | None, score_s: float
) -> FieldPairAgreement:
    """Agreement of one scored pair with its truth."""
    start = perf_counter()
    try:
        comparison = compare_visits(baseline, followup)
    except HairscanError:
        return FieldPairAgreement(
            registered=False, other_refused=other_refused, score_s=score_s, compare_s=perf_counter() - start
        )
    compare_s = perf_counter() - start
    reach_px = REACH_UM / pair.um_per_px
    true_change = len(pair.gained_xy) - len(pair.lost_xy)
    found = found_changes(comparison, Status.LOST, _roots_and_middles(pair.lost_xy), reach_px)
    found += found_changes(comparison, Status.GAINED, _roots_and_middles(pair.gained_xy), reach_px)
    called = comparison.number(Status.LOST) + comparison.number(Status.GAINED)
    first, second = count_each(comparison)
    rows = baseline.result.photo, followup.result.photo
    area_cm2 = comparison.overlap.area_cm2 or nan
    densities = [row.density_per_cm2 or 0.0 for row in rows]
    return FieldPairAgreement(
        registered=True,
        error_um=registration_error_px(pair.matrix, comparison) * pair.um_per_px,
        changed=len(pair.lost_xy) + len(pair.gained_xy),
        found=found,
        false_changes=called - found,
        matched=comparison.number(Status.MATCHED),
        undecided=comparison.number(Status.UNDECIDED),
        count=first,
        change_error=abs((comparison.count_change.value or 0.0) - true_change),
        unmatched_error=abs(second - first - true_change),
        separate_error=abs((densities[1] - densities[0]) * area_cm2 - true_change),
        other_refused=other_refused,
        score_s=score_s,
        compare_s=compare_s,
    )


def found_changes(comparison: Comparison, status: Status, true_xy: FloatArray, reach_px: float) -> int:
    """How many of the hairs that truly went (or came) are among those of the status.

    Parameters
    ----------
    true_xy : float array, shape (N, 2, 2)
        Their roots and middles, px of the photograph that shows them.
    reach_px : float
        How far the root, or the middle, of what was found may lie from theirs.
    """
    hairs = [_own(hair) for hair in comparison.hairs if hair.status is status]
    if not hairs or not len(true_xy):
        return 0
    found_xy = np.array([(hair.root_xy, hair.path_xy[len(hair.path_xy) // 2]) for hair in hairs])
    off = true_xy[:, None] - found_xy[None]
    gaps = np.hypot(off[..., 0], off[..., 1]).min(axis=2)
    rows, columns = linear_sum_assignment(np.minimum(gaps, reach_px))
    return int((gaps[rows, columns] < reach_px).sum())


def count_each(comparison: Comparison) -> tuple[int, int]:
    """Hairs that each visit by itself counts on the common area."""
    back = inverse(comparison.registration.matrix)
    judges = comparison.overlap.judges
    first = sum(judges(hair, hair.path_xy) for hair in comparison.baseline.result.traced)
    second = sum(judges(hair, transform(back, hair.path_xy)) for hair in comparison.followup.result.traced)
    return first, second


def registration_error_px(matrix: FloatArray, comparison: Comparison) -> float:
    """Median distance of where points of the overlap should go and where they go, px of the follow-up.

    Parameters
    ----------
    matrix : float array, shape (3, 3)
        True homography from px of the baseline to px of the follow-up.
    """
    height, width = comparison.baseline.photo.ignored.shape
    grid = np.stack(np.meshgrid(np.linspace(0, width - 1, 13), np.linspace(0, height - 1, 11)), axis=-1).reshape(-1, 2)
    true = transform(matrix, grid)
    height, width = comparison.followup.photo.ignored.shape
    shown = ((true >= 0) & (true <= (width - 1, height - 1))).all(axis=1)
    off = transform(comparison.registration.matrix, grid[shown]) - true[shown]
    return float(np.median(np.hypot(off[:, 0], off[:, 1])))


def share_registered(errors_um: Sequence[float]) -> float:
    """Share of the registrations, NaN where there is none, that hit; NaN without a pair."""
    return mean_of_known([float(error_um < REGISTERED_UM) for error_um in errors_um])


def pair_figures(agreements: Sequence[PairAgreement]) -> dict[str, float]:
    """Figures that pairs of photographs and of phantoms share; NaN where nothing can be told."""
    kept = [one for one in agreements if one.registered]
    counted = [one for one in kept if one.count]
    matched = sum(one.matched for one in kept)
    changes = sum(one.found + one.false_changes for one in kept)
    undecided = sum(one.undecided for one in kept)
    return {
        "registered": share_registered([one.error_um for one in agreements]),
        "registration_error_um": float(np.median([one.error_um for one in kept])) if kept else nan,
        "recall": ratio(sum(one.found for one in kept), sum(one.changed for one in kept)),
        "false_share": ratio(sum(one.false_changes for one in kept), matched),
        "undecided_share": ratio(undecided, matched + changes + undecided),
        "count_change_error": mean_of_known([one.change_error / one.count for one in counted]),
        "unmatched_error": mean_of_known([one.unmatched_error / one.count for one in counted]),
    }


def summarise_visits(agreements: Sequence[FieldPairAgreement], *, model: str, part: str, fields: int) -> VisitFigures:
    """Figures over pairs, with 95 % intervals over pairs."""
    return VisitFigures(
        model=model,
        part=part,
        pairs=len(agreements),
        fields=fields,
        extracted_hairs=sum(one.changed for one in agreements),
        figures=bootstrap(lambda chosen: _figures([agreements[index] for index in chosen]), len(agreements)),
    )


def visit_table(figures: VisitFigures) -> Table:
    """The figures as a table of text."""
    sizes = [(name, str(getattr(figures, name))) for name in ("fields", "pairs")]
    sizes.append(("hairs extracted", str(figures.extracted_hairs)))
    rows = [(words, figure_text(figures.figures[name], form)) for name, (words, form) in _WORDS.items()]
    return Table(
        title=f"Pairs of visits, {figures.part} part; 95 % intervals over pairs",
        note="One field photographed twice: single hairs painted out of either picture, the second turned, shifted, "
        "zoomed, tilted, with other light, blur, noise and JPEG. The skin is the same at both visits and no "
        "hair has grown: real visits are harder. Errors of the count change are shares of the count.",
        headings=("figure", figures.model),
        rows=(*sizes, *rows),
    )


def _pairs(fields: Sequence[Sequence[Sample]]) -> Iterator[tuple[int, VisitPair]]:
    for quadrants in fields:
        field: Field = read_field(quadrants)
        key = int.from_bytes(field.name.encode()[-6:], "big")
        for number in range(PAIRS_PER_FIELD):
            yield number, draw_pair(field, np.random.default_rng((_SEED, key, number)))


def _is_refused(baseline: Visit, other: Visit) -> bool:
    try:
        compare_visits(baseline, other)
    except HairscanError:
        return True
    return False


def _roots_and_middles(ends_xy: FloatArray) -> FloatArray:
    """Of straight hairs, from their roots and tips; shapes (N, 2, 2)."""
    return np.stack([ends_xy[:, 0], ends_xy.mean(axis=1)], axis=1)


def _own(hair: ComparedHair) -> Hair:
    """The half of a lost or gained hair that is there."""
    shown = hair.baseline if hair.status is Status.LOST else hair.followup
    assert shown is not None
    return shown


def _figures(agreements: Sequence[FieldPairAgreement]) -> dict[str, float]:
    counted = [one for one in agreements if one.count]
    return {
        **pair_figures(agreements),
        "separate_error": mean_of_known([one.separate_error / one.count for one in counted]),
        "refused": mean_of_known([float(one.other_refused) for one in agreements if one.other_refused is not None]),
        "compare_s": float(np.median([one.compare_s for one in agreements])),
        "score_s": float(np.median([one.score_s for one in agreements])),
    }
