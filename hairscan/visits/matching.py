"""Every hair of two registered visits is matched, lost, gained or undecided, from both photographs together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import isfinite

import numpy as np

from hairscan.lines import arc_lengths
from hairscan.measure import measure_hairs
from hairscan.types import FloatArray, Hair
from hairscan.visits.assignment import Line, Shafts, pair_hairs
from hairscan.visits.overlap import Overlap
from hairscan.visits.plane import inverse, transform
from hairscan.visits.presence import Covered, Presence, look_for
from hairscan.visits.registration import Registration
from hairscan.visits.visit import Visit

_SHARED = 0.65
"""Share of a hair's place from which hairs of the other visit lie in it."""
_DOUBLED = 0.25
_FREE_UM = 300.0
"""A hair that shares this much of its place with a surer one of its own visit may be that one, traced twice, unless it
is sure itself and this long where no other hair is."""
_SAME = 0.85
_SAME_LOG_CONTRAST = 0.4
"""Correlation, and logarithm of the ratio of contrasts, of two pictures that show the same."""
_LIKE = 0.75
_LEAST_CONTRAST = 0.45
"""The same of a hair that one visit did not trace."""
_BARE_CONTRAST = 0.35
_UNLIKE = 0.6
_BARE_COVERAGE = 0.25
_BARE_LINE = 0.25
"""Bare skin shows less than these; what is like a hair nearby may be another one, where it is not very like."""
_NOTHING = 0.1
_OTHER_CONTRAST = 0.2
"""A hair keeps more of its contrast than this, unless it is another thing."""
_SURE_HAIR = 0.9
_LIKELY_HAIR = 0.6
_WHOLE_UM = 250.0
_APART = 0.2
"""A hair that may be called lost or gained is sure by its confidence, or it is likely one, longer than most cut
fragments, and no piece of another hair: hardly any of it lies on others."""
_HALO_UM = 20.0
"""Blur and shade beside a hair, which are not bare skin either."""
_SECOND_LOOK = 0.9
"""Confidence of a pair of which one half was not traced by itself, at most."""


class Status(StrEnum):
    """What became of a hair between two visits."""

    MATCHED = "matched"
    LOST = "lost"
    GAINED = "gained"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class ComparedHair:
    """One hair of the common area.

    Attributes
    ----------
    baseline, followup : Hair or None
        The hair at each visit; None where it is absent or was not found. A hair with the id -1 was not traced: the
        other visit showed where to look.
    confidence : float
        How sure the status is, 0 to 1.
    """

    status: Status
    baseline: Hair | None
    followup: Hair | None
    confidence: float


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two traced hairs that may be one."""

    baseline: Hair
    followup: Hair
    confidence: float


@dataclass(frozen=True, slots=True)
class _Side:
    """One visit seen from the other.

    Attributes
    ----------
    to_other, to_baseline : float array, shape (3, 3)
        Homography from its px to those of the other visit, and to the common frame: micrometres of the baseline.
    lines : tuple of Line
        Its hairs in the common frame, in their order.
    shafts : Shafts
        What they all cover.
    """

    visit: Visit
    to_other: FloatArray
    to_baseline: FloatArray
    lines: tuple[Line, ...]
    shafts: Shafts

    @property
    def hairs(self) -> tuple[Hair, ...]:
        """Every traced hair."""
        return self.visit.result.traced

    def shafts_beside(self, hair: Hair) -> Shafts:
        """What all its hairs but one cover."""
        return Shafts([line for line, one in zip(self.lines, self.hairs, strict=True) if one is not hair])


def match_visits(baseline: Visit, followup: Visit, registration: Registration, overlap: Overlap) -> list[ComparedHair]:
    """Hairs of the common area and what became of them, top to bottom by root.

    A hair that was traced in one visit only is looked for in the pixels of its place in the other. What is neither
    clearly there nor clearly bare skin is undecided.
    """
    to_um = np.diag([baseline.um_per_px, baseline.um_per_px, 1.0])
    back = inverse(registration.matrix)
    ones = _side(baseline, registration.matrix, to_um)
    others = _side(followup, back, to_um @ back)
    residual_um = float(np.nan_to_num(registration.residual_um, nan=20.0))
    pairs, lone_first, lone_second = _pair(ones, others, residual_um)
    found = []
    for pair in pairs:
        if not _is_judged(pair, overlap, back):
            continue
        if _is_one_hair(pair, ones, others):
            found.append(ComparedHair(Status.MATCHED, pair.baseline, pair.followup, pair.confidence))
        else:
            lone_first.append(pair.baseline)
            lone_second.append(pair.followup)
    for side, other, lone in ((ones, others, lone_first), (others, ones, lone_second)):
        kept = [
            hair
            for hair in lone
            if overlap.judges(hair, transform(side.to_baseline, hair.path_xy) / baseline.um_per_px)
        ]
        found += _decide(side, other, kept, lost=side is ones)
    found = _measured(found, ones, others)
    return sorted(found, key=lambda one: _place(one, back))


def _side(visit: Visit, to_other: FloatArray, to_baseline: FloatArray) -> _Side:
    lines = tuple(_line(hair, to_baseline) for hair in visit.result.traced)
    return _Side(visit, to_other, to_baseline, lines, Shafts(lines))


def _pair(ones: _Side, others: _Side, residual_um: float) -> tuple[list[_Pair], list[Hair], list[Hair]]:
    """Pairs of traced hairs, and the hairs of both visits that stay alone."""
    first, second = ones.hairs, others.hairs
    pairing = pair_hairs(ones.lines, others.lines, residual_um)
    pairs = [
        _Pair(first[i], second[k], float(sure))
        for i, k, sure in zip(pairing.first, pairing.second, pairing.confidence, strict=True)
    ]
    lone_first = [first[i] for i in np.setdiff1d(np.arange(len(first)), pairing.first)]
    lone_second = [second[k] for k in np.setdiff1d(np.arange(len(second)), pairing.second)]
    return pairs, lone_first, lone_second


def _is_one_hair(pair: _Pair, ones: _Side, others: _Side) -> bool:
    """Whether neither visit shows bare skin where the other has its half of a pair.

    A mark that an extracted hair left can be traced as a hair, in its very place.
    """
    for hair, home, away in ((pair.baseline, ones, others), (pair.followup, others, ones)):
        seen = _look_for(hair, home, away)
        if seen.judged and seen.contrast < _OTHER_CONTRAST:
            return False
    return True


def _is_doubled(hair: Hair, side: _Side) -> bool:
    """Whether a hair may be a surer one of its visit, traced twice."""
    stronger = [line for line, one in zip(side.lines, side.hairs, strict=True) if one.confidence > hair.confidence]
    path_um = transform(side.to_baseline, hair.path_xy)
    if float(Shafts(stronger).cover(path_um).mean()) <= _DOUBLED:
        return False
    if hair.confidence < _SURE_HAIR:
        return True
    free = ~side.shafts_beside(hair).cover(path_um, _HALO_UM)
    return float(free.mean() * arc_lengths(path_um)[-1]) < _FREE_UM


def _look_for(hair: Hair, side: _Side, other: _Side) -> Presence:
    """What the other visit shows of a hair, what other hairs cover told apart."""

    def covered_by(shafts: Shafts) -> Covered:
        return lambda points_xy: shafts.cover(transform(side.to_baseline, points_xy), _HALO_UM)

    return look_for(
        hair.path_xy,
        hair.width_px,
        side.visit,
        other.visit,
        side.to_other,
        covered_at_home=covered_by(side.shafts_beside(hair)),
        covered_away=covered_by(other.shafts),
    )


def _decide(side: _Side, other: _Side, hairs: Sequence[Hair], *, lost: bool) -> list[ComparedHair]:
    """What became of hairs that have no partner; of one shaft that was traced twice only the surer one is decided."""
    decided = []
    for hair in hairs:
        seen = _look_for(hair, side, other)
        places_xy = transform(side.to_baseline, hair.path_xy), transform(other.to_baseline, seen.path_xy)
        shared, taken = (bool(other.shafts.cover(place).mean() > _SHARED) for place in places_xy)
        status, confidence = Status.UNDECIDED, 0.5
        if not _is_doubled(hair, side):
            sure = _is_sure(hair, side)
            status, confidence = _verdict(hair, seen, is_sure=sure, shared=shared, taken=taken, lost=lost)
        partner = None
        if status is Status.MATCHED:
            partner = replace(hair, hair_id=-1, path_xy=seen.path_xy, width_px=np.nan, width_se_px=np.nan, flags=())
        before, after = (hair, partner) if lost else (partner, hair)
        decided.append(ComparedHair(status, before, after, confidence))
    return decided


def _is_sure(hair: Hair, side: _Side) -> bool:
    """Whether a trace is of a hair of its own, and not of a fragment or of a piece of another hair."""
    if hair.confidence >= _SURE_HAIR:
        return True
    path_um = transform(side.to_baseline, hair.path_xy)
    is_apart = float(side.shafts_beside(hair).cover(path_um, _HALO_UM).mean()) <= _APART
    return bool(hair.confidence >= _LIKELY_HAIR and arc_lengths(path_um)[-1] >= _WHOLE_UM and is_apart)


def _verdict(
    hair: Hair, seen: Presence, *, is_sure: bool, shared: bool, taken: bool, lost: bool
) -> tuple[Status, float]:
    """Status and confidence of a hair without a partner.

    Parameters
    ----------
    is_sure : bool
        Whether it is a hair at all.
    shared : bool
        Whether traced hairs of the other visit lie in its place: only a picture that is the same there tells that
        nothing changed.
    taken : bool
        Whether what looks most like it nearby is a traced hair of the other visit: another one.
    """
    if not seen.judged:
        return Status.UNDECIDED, 0.5
    if shared:
        same = seen.likeness_in_place > _SAME and abs(np.log(max(seen.contrast_in_place, 1e-3))) < _SAME_LOG_CONTRAST
        return (Status.MATCHED, float(seen.likeness_in_place) * _SECOND_LOOK) if same else (Status.UNDECIDED, 0.5)
    if seen.likeness > _LIKE and seen.contrast > _LEAST_CONTRAST and not taken:
        return Status.MATCHED, float(seen.likeness) * _SECOND_LOOK
    # What is like the hair nearby may owe that to its neighbours: what none of them covers tells more, if anything.
    is_like = seen.likeness >= _UNLIKE and not taken
    contrast = seen.contrast if is_like and not isfinite(seen.contrast_alone) else seen.contrast_alone
    # Where a neighbour at home hides what the picture would tell, the network alone is asked, and must see nothing.
    faint = contrast < _BARE_CONTRAST if isfinite(contrast) else max(seen.coverage, seen.line) < _NOTHING
    bare = faint and seen.coverage < _BARE_COVERAGE and seen.line < _BARE_LINE
    if bare and is_sure:
        return (Status.LOST if lost else Status.GAINED), float(hair.confidence * (1.0 - seen.coverage))
    return Status.UNDECIDED, 0.5


def _measured(found: list[ComparedHair], ones: _Side, others: _Side) -> list[ComparedHair]:
    """The same hairs; those that only a second look found have their widths measured too."""
    for side, name in ((ones, "baseline"), (others, "followup")):
        at = [index for index, one in enumerate(found) if (hair := getattr(one, name)) is not None and hair.hair_id < 0]
        if not at:
            continue
        again = [getattr(found[index], name) for index in at]
        widths = measure_hairs(side.visit.photo, [*side.hairs, *again], side.visit.maps)[len(side.hairs) :]
        for index, hair in zip(at, widths, strict=True):
            one = found[index]
            found[index] = replace(one, baseline=hair) if name == "baseline" else replace(one, followup=hair)
    return found


def _is_judged(pair: _Pair, overlap: Overlap, back: FloatArray) -> bool:
    """Whether a pair is of the common area: by the half that was counted."""
    return overlap.judges(pair.baseline, pair.baseline.path_xy) or (
        overlap.judges(pair.followup, transform(back, pair.followup.path_xy))
    )


def _line(hair: Hair, to_um: FloatArray) -> Line:
    path_um = transform(to_um, hair.path_xy)
    return Line(path_um, hair.width_px * float(arc_lengths(path_um)[-1]) / max(hair.length_px, 1e-9))


def _place(one: ComparedHair, back: FloatArray) -> tuple[float, float]:
    """Root of a hair, row first, px of the baseline."""
    if one.baseline is not None:
        x, y = one.baseline.root_xy
    else:
        assert one.followup is not None
        x, y = transform(back, one.followup.root_xy)
    return float(y), float(x)
