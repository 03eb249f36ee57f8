"""The transformation between two photographs of one site, or the evidence that there is none."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot

import numpy as np

from hairscan.errors import ScaleError, VisitError
from hairscan.types import FloatArray, Scale
from hairscan.visits.constellation import RootMatch, judge_roots, match_constellations, near_roots
from hairscan.visits.plane import refine, transform, zoom_and_turn
from hairscan.visits.texture import UNMOVED_UM, TextureMatch, find_texture, match_texture, near_pairs
from hairscan.visits.visit import Roots, Visit, roots_of

MOST_FALSE_ALARMS = -3.0
"""Decimal logarithm of the chance agreement from which two photographs are taken to show one site."""
_STRONG = -8.0
"""Texture that agrees this well needs no constellation."""
_MOST_ZOOM = 1.12
"""How far the zoom may differ from what the two scales say."""
_SPAN_UM = 3000.0
_LEAST_AGREEING = 0.3
_FEW_UNITS = 5
_ROOT_SD_UM = 20.0
_TEXTURE_SD_UM = 12.0
_TEXTURE_REACH_UM = 40.0
_ROOT_REACH_UM = (120.0, 80.0, 60.0)


@dataclass(frozen=True, slots=True)
class Registration:
    """How the follow-up shows what the baseline shows.

    Attributes
    ----------
    matrix : float array, shape (3, 3)
        Homography from px of the baseline to px of the follow-up.
    zoom : float
        How much larger the follow-up shows the skin than the two scales say; 1 where they agree.
    turn_deg : float
        Rotation.
    residual_um : float
        Median distance of the roots that fall on roots; NaN where none do.
    roots_shown, roots_agreeing, skin_features : int
        Units of roots of the baseline whose place the follow-up shows, those with a root there, and features of the
        skin that agree.
    log10_false_alarms : float
        How many such agreements chance gives.
    """

    matrix: FloatArray
    zoom: float
    turn_deg: float
    residual_um: float
    roots_shown: int
    roots_agreeing: int
    skin_features: int
    log10_false_alarms: float


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A transformation, um to um, with what speaks for it."""

    roots: RootMatch
    texture: TextureMatch | None
    log10_false_alarms: float


def register(baseline: Visit, followup: Visit) -> Registration:
    """The transformation from the baseline to the follow-up.

    Raises
    ------
    VisitError
        Where the photographs do not show one site, or one is mirrored; with the evidence.
    ScaleError
        Where the two scales contradict what the photographs show.
    """
    first, second = (roots_of(visit.result.traced, visit.um_per_px) for visit in (baseline, followup))
    frame_um = _frame_um(followup)
    best = _search(baseline, followup, first, second, frame_um)
    if best is None or best.log10_false_alarms > MOST_FALSE_ALARMS:
        _refuse_mirrored(baseline, followup, first, second, frame_um)
        raise VisitError(_two_sites(baseline, followup, best))
    return _refined(best, baseline, followup, first, second)


def common_scale(baseline: Visit, followup: Visit, registration: Registration) -> Scale | None:
    """Scale of the baseline: its own or, where it has none, that of the follow-up carried over; None without any.

    Where the two scales and the zoom disagree, either may be the wrong one: half the disagreement is of the sd.
    """
    own, given = baseline.photo.scale, followup.photo.scale
    if given is None:
        return own
    if own is None:
        grown = zoom_and_turn(registration.matrix, np.array(baseline.photo.ignored.shape[::-1]) / 2.0)[0]
        return Scale(given.um_per_px * grown, given.sd * grown, given.source)
    doubt = own.um_per_px * abs(registration.zoom - 1.0) / 2.0
    return Scale(own.um_per_px, hypot(own.sd, doubt), own.source)


def _search(
    baseline: Visit, followup: Visit, first: Roots, second: Roots, frame_um: FloatArray, *, mirrored: bool = False
) -> _Candidate | None:
    """The best of what the skin's texture and the constellation of the roots say; None where neither says anything."""
    features = find_texture(baseline, mirrored=mirrored), find_texture(followup)
    candidates = []
    for moved_only in (False, True):
        texture = match_texture(*features, float(np.prod(frame_um)), moved_only=moved_only)
        if texture is None:
            break
        roots = judge_roots(texture.matrix, first, second, frame_um)
        if _is_of_the_camera(roots):
            continue
        evidence = texture.log10_false_alarms + min(roots.log10_false_alarms, 0.0)
        candidates.append(_Candidate(roots, texture, evidence))
        if evidence < _STRONG:
            return candidates[0]
        break
    roots_alone = match_constellations(first, second, frame_um)
    if roots_alone is not None:
        candidates.append(_Candidate(roots_alone, None, roots_alone.log10_false_alarms))
    return min(candidates, key=lambda one: one.log10_false_alarms, default=None)


def _is_of_the_camera(roots: RootMatch) -> bool:
    """Whether nothing moved and the hairs are others: burnt-in graphics and dirt on the lens stay put on any skin."""
    corners = np.array([[0.0, 0.0], [_SPAN_UM, 0.0], [0.0, _SPAN_UM]])
    unmoved = bool(np.abs(transform(roots.matrix, corners) - corners).max() < UNMOVED_UM)
    return unmoved and roots.shown >= _FEW_UNITS and roots.agreeing < _LEAST_AGREEING * roots.shown


def _refined(candidate: _Candidate, baseline: Visit, followup: Visit, first: Roots, second: Roots) -> Registration:
    """The transformation fitted to every root and skin feature that agrees with it, px to px."""
    matrix, texture = candidate.roots.matrix, candidate.texture
    ones, others = near_roots(matrix, first, second, _ROOT_REACH_UM[0])
    features = 0
    for reach in _ROOT_REACH_UM:
        from_um, to_um = first.xy[ones], second.xy[others]
        sd = np.full(len(ones), _ROOT_SD_UM)
        if texture is not None:
            near = near_pairs(texture, matrix, max(_TEXTURE_REACH_UM, reach))
            features = int(near.sum())
            from_um = np.concatenate([from_um, texture.from_um[near]])
            to_um = np.concatenate([to_um, texture.to_um[near]])
            sd = np.concatenate([sd, np.full(features, _TEXTURE_SD_UM)])
        if len(from_um) >= 2:
            matrix = refine(matrix, from_um, to_um, sd)
        ones, others = near_roots(matrix, first, second, reach)
    off = transform(matrix, first.xy[ones]) - second.xy[others]
    residual = float(np.median(np.hypot(off[:, 0], off[:, 1]))) if len(ones) else float("nan")
    zoom, turn_deg = zoom_and_turn(matrix, _frame_um(baseline) / 2)
    if baseline.photo.scale and followup.photo.scale and not 1 / _MOST_ZOOM < zoom < _MOST_ZOOM:
        raise ScaleError(_contradiction(baseline, followup, zoom))
    from_px = np.diag([baseline.um_per_px, baseline.um_per_px, 1.0])
    to_px = np.diag([1 / followup.um_per_px, 1 / followup.um_per_px, 1.0])
    whole = to_px @ matrix @ from_px
    return Registration(
        matrix=np.asarray(whole / whole[2, 2]),
        zoom=zoom,
        turn_deg=turn_deg,
        residual_um=residual,
        roots_shown=candidate.roots.shown,
        roots_agreeing=candidate.roots.agreeing,
        skin_features=features,
        log10_false_alarms=candidate.log10_false_alarms,
    )


def _refuse_mirrored(baseline: Visit, followup: Visit, first: Roots, second: Roots, frame_um: FloatArray) -> None:
    """Raise VisitError where the follow-up shows the baseline mirrored."""
    width_um = _frame_um(baseline)[0]
    flipped = Roots(first.xy * (-1, 1) + (width_um - baseline.um_per_px, 0), first.heading * (-1, 1))
    found = _search(baseline, followup, flipped, second, frame_um, mirrored=True)
    if found is None or found.log10_false_alarms > MOST_FALSE_ALARMS:
        return
    # Graphics resemble their own mirror picture: hairs must confirm what a person is told to flip.
    if found.roots.agreeing >= max(_FEW_UNITS / 2, _LEAST_AGREEING * found.roots.shown):
        raise VisitError(
            f"one of {baseline.photo.name} and {followup.photo.name} is mirrored: their skin agrees only after one is "
            "flipped. Flip it back where it was exported, then compare again"
        )


def _frame_um(visit: Visit) -> FloatArray:
    """Width and height of the photograph, um."""
    return np.array(visit.photo.ignored.shape[::-1], np.float64) * visit.um_per_px


def _two_sites(baseline: Visit, followup: Visit, best: _Candidate | None) -> str:
    """Say what was looked at and how little of it agrees."""
    names = f"{baseline.photo.name} and {followup.photo.name} do not show the same site"
    if best is None:
        return f"{names}, or too little of it: too few hairs and skin features to tell. Compare photographs of one site"
    chance = 10.0 ** max(best.log10_false_alarms, -9.0)
    pairs = f" and {len(best.texture.from_um)} of {best.texture.pairs} skin features" if best.texture else ""
    return (
        f"{names}: in the best alignment {best.roots.agreeing} of {best.roots.shown} hair units{pairs} agree, and "
        f"chance gives {chance:.2g} such alignments. Compare photographs of one site that overlap by a fifth or more"
    )


def _contradiction(baseline: Visit, followup: Visit, zoom: float) -> str:
    """Say which scale the follow-up should have."""
    expected = followup.um_per_px / zoom
    return (
        f"the scales contradict each other: if {baseline.photo.name} has {baseline.um_per_px:.4g} um/px, "
        f"{followup.photo.name} has about {expected:.4g}, not {followup.um_per_px:.4g}. Correct the wrong one "
        "(--um-per-px, --followup-um-per-px)"
    )
