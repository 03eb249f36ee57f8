"""Every hair of two registered visits is matched, lost, gained or undecided, from both photographs together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from hairscan.measure import measure_hairs
from hairscan.trace import trace_hairs
from hairscan.types import FloatArray, Hair
from hairscan.visits.assignment import Line, pair_hairs, shared_share
from hairscan.visits.overlap import Overlap
from hairscan.visits.plane import transform
from hairscan.visits.presence import Presence, look_for
from hairscan.visits.registration import Registration
from hairscan.visits.visit import Visit

_WEAK = 0.03
"""Least probability of a hair that is looked at again because the other visit shows one there."""
_SHARED = 0.5
"""A hair that shares this much of its place with hairs of the other visit cannot be told to be absent there."""
_LIKE = 0.75
_SAME_CONTRAST = 0.45
_BARE_CONTRAST = 0.35
_BARE_COVERAGE = 0.25
_BARE_LINE = 0.25
_SURE_HAIR = 0.6
"""Least confidence of a hair that may be called lost or gained."""
_SECOND_LOOK = 0.9
"""Confidence of a pair of which one half was found only because the other visit shows it, at most."""


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
class _Side:
    """One visit seen from the other.

    Attributes
    ----------
    to_other : float array, shape (3, 3)
        Homography from its px to those of the other visit.
    """

    visit: Visit
    hairs: tuple[Hair, ...]
    to_other: FloatArray
    to_baseline: FloatArray

    def lines(self, hairs: Sequence[Hair]) -> list[Line]:
        """Hairs in the common frame: micrometres of the baseline."""
        return [_line(hair, self.to_baseline) for hair in hairs]


def match_visits(
    baseline: Visit, followup: Visit, registration: Registration, overlap: Overlap
) -> list[ComparedHair]:
    """Hairs of the common area and what became of them, top to bottom by root.

    A hair that one visit shows clearly and the other does not is looked for in the other: first among the shafts that
    were too doubtful to be called hairs, then in the pixels of its place. What is neither clearly there nor clearly
    bare skin is undecided.
    """
    to_um = np.diag([baseline.um_per_px, baseline.um_per_px, 1.0])
    back = np.linalg.inv(registration.matrix)
    ones = _Side(baseline, baseline.result.traced, registration.matrix, to_um)
    others = _Side(followup, followup.result.traced, back, to_um @ back)
    residual_um = float(np.nan_to_num(registration.residual_um, nan=20.0))
    pairs, lone_first, lone_second = _pair_all(ones, others, residual_um)
    found = [compared for compared in pairs if _is_judged(compared, overlap, back)]
    for side, other, lone in ((ones, others, lone_first), (others, ones, lone_second)):
        kept = [hair for hair in lone if overlap.judges(hair, transform(side.to_baseline, hair.path_xy) / baseline.um_per_px)]
        found += _decide(side, other, kept, lost=side is ones)
    found = _measured(found, ones, others)
    return sorted(found, key=lambda one: _place(one, back))


def _pair_all(ones: _Side, others: _Side, residual_um: float) -> tuple[list[ComparedHair], list[Hair], list[Hair]]:
    """Pairs among the traced hairs and, for those left over, among the doubtful shafts; then what is still left."""
    pairs, lone_first, lone_second = _pair(ones.hairs, others.hairs, ones, others, residual_um, most=1.0)
    weak_second = _weak(others, pairs, first=False) if lone_first else []
    more, lone_first, _ = _pair(lone_first, weak_second, ones, others, residual_um, most=_SECOND_LOOK)
    weak_first = _weak(ones, pairs, first=True) if lone_second else []
    still, _, lone_second = _pair(weak_first, lone_second, ones, others, residual_um, most=_SECOND_LOOK)
    return [*pairs, *more, *still], lone_first, lone_second


def _pair(
    first: Sequence[Hair], second: Sequence[Hair], ones: _Side, others: _Side, residual_um: float, *, most: float
) -> tuple[list[ComparedHair], list[Hair], list[Hair]]:
    """Pairs, and the hairs of both visits that stay alone."""
    pairing = pair_hairs(ones.lines(first), others.lines(second), residual_um)
    pairs = [
        ComparedHair(Status.MATCHED, first[i], second[k], min(float(sure), most))
        for i, k, sure in zip(pairing.first, pairing.second, pairing.confidence, strict=True)
    ]
    lone_first = [hair for i, hair in enumerate(first) if i not in set(pairing.first)]
    lone_second = [hair for k, hair in enumerate(second) if k not in set(pairing.second)]
    return pairs, lone_first, lone_second


def _weak(side: _Side, pairs: Sequence[ComparedHair], *, first: bool) -> list[Hair]:
    """Shafts of a visit that are too doubtful to be hairs by themselves and lie on no hair that was matched."""
    everything = trace_hairs(replace(side.visit.maps, hair_threshold=_WEAK), side.visit.photo)
    weak = [hair for hair in everything if hair.confidence < side.visit.maps.hair_threshold]
    taken = [pair.baseline if first else pair.followup for pair in pairs]
    lines = side.lines([hair for hair in taken if hair is not None])
    return [
        replace(hair, hair_id=-1)
        for hair, line in zip(weak, side.lines(weak), strict=True)
        if shared_share(line, lines) < _SHARED
    ]


def _decide(side: _Side, other: _Side, hairs: Sequence[Hair], *, lost: bool) -> list[ComparedHair]:
    """What became of hairs that have no partner."""
    there = other.lines(other.hairs)
    decided = []
    for hair in hairs:
        seen = look_for(hair.path_xy, hair.width_px, side.visit, other.visit, side.to_other)
        shared = shared_share(_line(hair, side.to_baseline), there)
        status, confidence = _verdict(hair, seen, shared, lost=lost)
        partner = None
        if status is Status.MATCHED:
            partner = replace(hair, hair_id=-1, path_xy=seen.path_xy, width_px=np.nan, width_se_px=np.nan, flags=())
        decided.append(
            ComparedHair(status, hair if lost else partner, partner if lost else hair, confidence)
        )
    return decided


def _verdict(hair: Hair, seen: Presence, shared: float, *, lost: bool) -> tuple[Status, float]:
    """Status and confidence of a hair without a partner."""
    if not seen.judged or shared > _SHARED:
        return Status.UNDECIDED, 0.5
    if seen.likeness > _LIKE and seen.contrast > _SAME_CONTRAST:
        return Status.MATCHED, float(min(seen.likeness, _SECOND_LOOK))
    bare = seen.contrast < _BARE_CONTRAST and seen.coverage < _BARE_COVERAGE and seen.line < _BARE_LINE
    if bare and hair.confidence >= _SURE_HAIR:
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
            found[index] = replace(found[index], **{name: hair})
    return found


def _is_judged(pair: ComparedHair, overlap: Overlap, back: FloatArray) -> bool:
    """Whether a pair is of the common area: by the half that was counted."""
    assert pair.baseline is not None
    assert pair.followup is not None
    return overlap.judges(pair.baseline, pair.baseline.path_xy) or (
        overlap.judges(pair.followup, transform(back, pair.followup.path_xy))
    )


def _line(hair: Hair, to_um: FloatArray) -> Line:
    path_um = transform(to_um, hair.path_xy)
    grown = np.hypot(*np.diff(path_um, axis=0).T).sum() / max(hair.length_px, 1e-9)
    return Line(path_um, hair.width_px * float(grown))


def _place(one: ComparedHair, back: FloatArray) -> tuple[float, float]:
    """Root of a hair, row first, px of the baseline."""
    if one.baseline is not None:
        x, y = one.baseline.root_xy
    else:
        assert one.followup is not None
        x, y = transform(back, one.followup.root_xy)
    return float(y), float(x)
