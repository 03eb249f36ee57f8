"""By how much one hair is longer at the second of two visits, measured from one root to both tips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import hypot, nan

import numpy as np

from hairscan.lines import arc_lengths, length, unit
from hairscan.types import FloatArray, Hair
from hairscan.visits.compare import Comparison
from hairscan.visits.doubts import Doubt, find_doubts
from hairscan.visits.follicles import MOST_APART_UM, Frame, find_shift, length_frame
from hairscan.visits.matching import Status
from hairscan.visits.plane import transform
from hairscan.visits.tips import Tip, find_tips
from hairscan.visits.visit import Visit, heading_of

ROOT_HIDDEN = "root-hidden"
"""Neither visit shows where the hair leaves the skin."""
TRACED_ONCE = "traced-at-one-visit"
"""Only one visit traced the hair by itself."""
PASSES = "passes-a-root"
"""Another hair leaves the skin under the trace, in its direction: from there on the trace may be that hair's."""
MOVED = "root-elsewhere"
"""The root is seen where the follicles around it say it is not: a neighbour may have been taken for the hair."""
TURNED = "direction-differs"
"""The two traces leave the root, or run on, in different directions."""
_HEADING_UM = 120.0
_MOST_TURN_COS = float(np.cos(np.deg2rad(20.0)))
"""Rendered hairs whose elongation came out right differ by 15 degrees at most."""
_PASSED_UM = (60.0, 30.0)
_ALONG_COS = float(np.cos(np.deg2rad(25.0)))
"""A trace passes a root that lies so far along it, at least, so far beside it, at most, and whose hair runs along."""
_PULLED_UM = 20.0
"""The last points of a trace, which its tip on the map pulled aside."""
_MOST_MOVED_UM = 45.0
_STRAIGHT_SHARE = 0.1
"""Standard error, as a share, of a stretch of shaft that was not seen and taken to be straight."""


@dataclass(frozen=True, slots=True)
class Elongation:
    """Lengths of one hair at two visits, um of the baseline's scale; NaN where they cannot be told.

    Attributes
    ----------
    least_um : float
        So much longer it is at least, by what is seen of it; NaN where that cannot be told either.
    reason : str
        Why its elongation cannot be told, with the visit in front where it is one of them; empty where it can.
    enlargement_se_um : float
        What of `se_um` is due to how large the follow-up shows the skin: one error that all hairs share.
    """

    length_baseline_um: float = nan
    length_followup_um: float = nan
    elongation_um: float = nan
    se_um: float = nan
    least_um: float = nan
    reason: str = ""
    enlargement_se_um: float = 0.0


@dataclass(frozen=True, slots=True)
class _Side:
    """A hair at one visit, in micrometres of the baseline.

    Attributes
    ----------
    path_um : float array, shape (P, 2)
        Root to tip, or as far as the hair is surely seen.
    se_um : float
        Standard error of the tip; NaN where it is not seen.
    """

    path_um: FloatArray
    root_seen: bool
    se_um: float
    reason: str

    @property
    def heading(self) -> FloatArray:
        """Unit vector in which the hair leaves its root."""
        return heading_of(self.path_um, _HEADING_UM)

    def length_um(self, root_um: FloatArray) -> float:
        """Length from a root to the last point, along the path."""
        return length(self.path_um) - float((root_um - self.path_um[0]) @ self.heading)


def measure_elongations(comparison: Comparison, um_per_px: float) -> list[Elongation | None]:
    """Elongation of every matched hair; None for the others.

    Parameters
    ----------
    um_per_px : float
        Scale of the baseline.

    Notes
    -----
    Two lengths that were traced apart differ by the errors of two roots and two tips. Here both are measured from one
    root, the follicle, which `hairscan.visits.follicles` carries from the one visit to the other, to the edges at the
    tips. What the follicle's own place is wrong by cancels.
    """
    to_um = np.diag([um_per_px, um_per_px, 1.0])
    ones = _sides(comparison.baseline, [hair.baseline for hair in comparison.hairs], to_um)
    frame = _frame(comparison, um_per_px)
    others = _sides(comparison.followup, [hair.followup for hair in comparison.hairs], to_um @ frame.to_baseline)
    others = [None if side is None else _up_to_roots(side, ones[:k] + ones[k + 1 :]) for k, side in enumerate(others)]
    matched = [k for k, hair in enumerate(comparison.hairs) if hair.status is Status.MATCHED]
    pairs = {k: (one, other) for k in matched if (one := ones[k]) is not None and (other := others[k]) is not None}
    roots = np.array([one.path_um[0] for one, _ in pairs.values()]).reshape(-1, 2)
    misses = np.array([_miss(one, other) for one, other in pairs.values()]).reshape(-1, 2)
    shift = find_shift(roots, misses)
    places = {k: (by, float(se)) for k, by, se in zip(pairs, shift.by_um, shift.se_um, strict=True)}
    found: list[Elongation | None] = []
    for k, hair in enumerate(comparison.hairs):
        if hair.status is not Status.MATCHED:
            found.append(None)
        elif k in pairs:
            found.append(_elongation(*pairs[k], *places[k], frame.scale_se))
        else:
            found.append(Elongation(reason=TRACED_ONCE))
    return found


def _elongation(one: _Side, other: _Side, shift_um: FloatArray, shift_se_um: float, scale_se: float) -> Elongation:
    """Elongation of one matched hair.

    Parameters
    ----------
    shift_um : float array, shape (2,)
        From where the registration puts its root to where that is.
    """
    if not (one.root_seen or other.root_seen):
        return Elongation(reason=ROOT_HIDDEN)
    if _is_turned(one, other):
        return Elongation(reason=TURNED)
    if float(np.hypot(*(_miss(one, other) - shift_um))) > _MOST_MOVED_UM:
        return Elongation(reason=MOVED)
    seen = [
        side
        for side, shown in ((one.path_um[0], one.root_seen), (other.path_um[0] - shift_um, other.root_seen))
        if shown
    ]
    root = np.mean(seen, axis=0)
    before, after = one.length_um(root), other.length_um(root + shift_um)
    unseen = sum(
        hypot(*(place - side.path_um[0]))
        for side, place in ((one, root), (other, root + shift_um))
        if not side.root_seen
    )
    se = hypot(shift_se_um, _STRAIGHT_SHARE * unseen, scale_se * after)
    whole = Elongation(
        length_baseline_um=before if not one.reason else nan,
        length_followup_um=after if not other.reason else nan,
    )
    if one.reason:
        return replace(whole, reason=f"baseline-{one.reason}")
    if other.reason:
        return replace(whole, se_um=hypot(se, one.se_um), least_um=after - before, reason=f"followup-{other.reason}")
    se = hypot(se, one.se_um, other.se_um)
    return replace(
        whole,
        elongation_um=after - before,
        se_um=se,
        least_um=after - before,
        enlargement_se_um=scale_se * after,
    )


def _is_turned(one: _Side, other: _Side) -> bool:
    """Whether two traces point in different directions, at the root or as far as both are seen."""
    common_um = min(float(arc_lengths(side.path_um)[-1]) for side in (one, other))
    onward, others = (heading_of(side.path_um, common_um) for side in (one, other))
    return min(float(one.heading @ other.heading), float(onward @ others)) < _MOST_TURN_COS


def _up_to_roots(side: _Side, others: Sequence[_Side | None]) -> _Side:
    """The side, not to be trusted beyond the first root of another hair that it passes in that hair's direction."""
    path = side.path_um
    ahead = unit(np.gradient(path, axis=0))
    along = arc_lengths(path)
    passed = np.zeros(len(path), bool)
    for other in others:
        if other is not None and other.root_seen:
            near = np.hypot(*(path - other.path_um[0]).T) < _PASSED_UM[1]
            passed |= near & (along > _PASSED_UM[0]) & (ahead @ other.heading > _ALONG_COS)
    if not passed.any():
        return side
    kept = max(int(np.argmax(passed)), 2)
    return replace(side, path_um=path[:kept], se_um=nan, reason=side.reason or PASSES)


def _frame(comparison: Comparison, um_per_px: float) -> Frame:
    """The way from the follow-up to the baseline by which lengths are compared."""
    pairs = [
        (hair.baseline.root_xy, hair.followup.root_xy)
        for hair in comparison.hairs
        if hair.baseline is not None
        and hair.followup is not None
        and hair.baseline.root_seen
        and hair.followup.root_seen
    ]
    roots, later = (np.array([pair[k] for pair in pairs]).reshape(-1, 2) for k in (0, 1))
    return length_frame(comparison.registration, roots, later, MOST_APART_UM / um_per_px)


def _miss(one: _Side, other: _Side) -> FloatArray:
    """From where the registration puts a root to where the follow-up shows it; NaN where either does not."""
    if not (one.root_seen and other.root_seen):
        return np.full(2, nan)
    return np.asarray(other.path_um[0] - one.path_um[0])


def _sides(visit: Visit, hairs: Sequence[Hair | None], to_um: FloatArray) -> list[_Side | None]:
    """The hairs as one visit shows them; None where it did not trace them.

    Parameters
    ----------
    to_um : float array, shape (3, 3)
        Homography from px of the visit to micrometres of the baseline.
    """
    traced = visit.result.traced
    tips = find_tips(visit.photo, traced, visit.um_per_px)
    doubts = find_doubts(traced, np.array([tip.xy for tip in tips]).reshape(-1, 2), visit.um_per_px)
    at = {hair.hair_id: index for index, hair in enumerate(traced)}
    found: list[_Side | None] = []
    for hair in hairs:
        index = None if hair is None else at.get(hair.hair_id)
        found.append(
            None if index is None else _side(traced[index], tips[index], doubts[index], to_um, visit.um_per_px)
        )
    return found


def _side(hair: Hair, tip: Tip, doubt: Doubt, to_um: FloatArray, um_per_px: float) -> _Side:
    """A hair as one visit shows it, up to its tip or to where it can be trusted."""
    path = hair.path_xy
    along = arc_lengths(path)
    reason = tip.reason or doubt.reason
    if reason:
        kept = path[along <= min(tip.along_px, doubt.sure_px)]
    else:
        kept = np.concatenate([path[along < tip.along_px - _PULLED_UM / um_per_px], tip.xy[None]])
    if len(kept) < 2:
        kept = path[:2]
    path_um = transform(to_um, kept)
    grown = length(path_um) / max(length(kept), 1e-9)
    return _Side(path_um, hair.root_seen, tip.se_px * grown if not reason else nan, reason)
