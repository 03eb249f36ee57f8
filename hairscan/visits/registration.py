"""The transformation between two photographs of one site, or the evidence that there is none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import hypot

import numpy as np

from hairscan.errors import ScaleError, VisitError
from hairscan.types import FloatArray, Scale
from hairscan.visits.chance import log10_both, log10_false_alarms
from hairscan.visits.constellation import (
    DOT_REACH_UM,
    RootMatch,
    judge_roots,
    match_around_dots,
    match_constellations,
    near_points,
    near_roots,
)
from hairscan.visits.dots import Dots, find_dots
from hairscan.visits.plane import refine, transform, zoom_and_turn
from hairscan.visits.texture import UNMOVED_UM, Texture, TextureMatch, find_texture, match_texture, near_pairs
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
_DOT_SD_UM = 40.0
_DOTS_CENTRED = 5.0
"""Dots lie where photographs overlap, near their middle: chance is this many times that of evenly strewn ones."""
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
    dots_shown, dots_agreeing : int
        Tattoo dots of the baseline whose place the follow-up shows, and those with a dot there.
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
    dots_shown: int
    dots_agreeing: int
    log10_false_alarms: float


@dataclass(frozen=True, slots=True)
class _Marks:
    """What of a photograph may be found again in another one, um.

    Attributes
    ----------
    roots : Roots
        Those that do not lie on a dot.
    frame_um : float array, shape (2,)
        Width and height of the photograph.
    """

    roots: Roots
    dots: Dots
    texture: Texture
    frame_um: FloatArray


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
    first, second = _marks(baseline), _marks(followup)
    best = _search(first, second)
    if best is None or best.log10_false_alarms > MOST_FALSE_ALARMS:
        _refuse_mirrored(baseline, followup, second)
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


def _marks(visit: Visit, *, mirrored: bool = False) -> _Marks:
    """What a photograph shows that may be found again in another one; of its mirror picture where asked for."""
    frame_um = _frame_um(visit)
    dots, roots = find_dots(visit), roots_of(visit.result.traced, visit.um_per_px)
    texture = find_texture(visit, dots, mirrored=mirrored)
    if len(dots):
        bare = ~dots.cover(roots.xy, 0.0)
        roots = Roots(roots.xy[bare], roots.heading[bare])
    if mirrored:
        edge = (frame_um[0] - visit.um_per_px, 0.0)
        roots, dots = (
            Roots(roots.xy * (-1, 1) + edge, roots.heading * (-1, 1)),
            replace(dots, xy=dots.xy * (-1, 1) + edge),
        )
    return _Marks(roots, dots, texture, frame_um)


def _search(first: _Marks, second: _Marks) -> _Candidate | None:
    """The best of what texture, constellation of the roots and dots say; None where nothing says anything."""
    candidates = []
    for moved_only in (False, True):
        texture = match_texture(first.texture, second.texture, float(np.prod(second.frame_um)), moved_only=moved_only)
        if texture is None:
            break
        roots = judge_roots(texture.matrix, first.roots, second.roots, second.frame_um)
        if _is_of_the_camera(roots):
            continue
        evidence = log10_both(texture.log10_false_alarms, roots.log10_false_alarms)
        evidence = log10_both(evidence, _dot_evidence(texture.matrix, first, second))
        candidates.append(_Candidate(roots, texture, evidence))
        if candidates[0].log10_false_alarms < _STRONG:
            return candidates[0]
        break
    alone = match_constellations(first.roots, second.roots, second.frame_um)
    if alone is not None:
        evidence = log10_both(alone.log10_false_alarms, _dot_evidence(alone.matrix, first, second))
        candidates.append(_Candidate(alone, None, evidence))
    around = match_around_dots(first.roots, second.roots, (first.dots.xy, second.dots.xy), second.frame_um)
    if around is not None:
        candidates.append(_Candidate(around, None, around.log10_false_alarms))
    return min(candidates, key=lambda one: one.log10_false_alarms, default=None)


def _dot_evidence(matrix: FloatArray, first: _Marks, second: _Marks) -> float:
    """Decimal logarithm of the chance that a transformation found without dots brings a dot onto a dot; 0 without any.

    One is worth as much as several: dots are set by a template, and where one agrees the others follow.
    """
    agreeing, shown = _count_dots(matrix, first, second)
    if not agreeing:
        return 0.0
    chance = _DOTS_CENTRED * len(second.dots) * np.pi * DOT_REACH_UM**2 / float(np.prod(second.frame_um))
    return log10_false_alarms(1.0, shown, 1, chance)


def _count_dots(matrix: FloatArray, first: _Marks, second: _Marks) -> tuple[int, int]:
    """How many dots of the baseline fall on one of the follow-up, and of how many it shows the place."""
    moved = transform(matrix, first.dots.xy)
    shown = int(((moved >= 0) & (moved <= second.frame_um)).all(axis=1).sum())
    return len(near_points(matrix, first.dots.xy, second.dots.xy, DOT_REACH_UM)[0]), shown


def _is_of_the_camera(roots: RootMatch) -> bool:
    """Whether nothing moved and the hairs are others: burnt-in graphics and dirt on the lens stay put on any skin."""
    corners = np.array([[0.0, 0.0], [_SPAN_UM, 0.0], [0.0, _SPAN_UM]])
    unmoved = bool(np.abs(transform(roots.matrix, corners) - corners).max() < UNMOVED_UM)
    return unmoved and roots.shown >= _FEW_UNITS and roots.agreeing < _LEAST_AGREEING * roots.shown


def _refined(candidate: _Candidate, baseline: Visit, followup: Visit, first: _Marks, second: _Marks) -> Registration:
    """The transformation fitted to every root, dot and skin feature that agrees with it, px to px."""
    matrix, features = _fitted(candidate, first, second)
    ones, others = near_roots(matrix, first.roots, second.roots, _ROOT_REACH_UM[-1])
    off = transform(matrix, first.roots.xy[ones]) - second.roots.xy[others]
    residual = float(np.median(np.hypot(off[:, 0], off[:, 1]))) if len(ones) else float("nan")
    zoom, turn_deg = zoom_and_turn(matrix, _frame_um(baseline) / 2)
    if baseline.photo.scale and followup.photo.scale and not 1 / _MOST_ZOOM < zoom < _MOST_ZOOM:
        raise ScaleError(_contradiction(baseline, followup, zoom))
    from_px = np.diag([baseline.um_per_px, baseline.um_per_px, 1.0])
    to_px = np.diag([1 / followup.um_per_px, 1 / followup.um_per_px, 1.0])
    whole = to_px @ matrix @ from_px
    dots_agreeing, dots_shown = _count_dots(matrix, first, second)
    return Registration(
        matrix=np.asarray(whole / whole[2, 2]),
        zoom=zoom,
        turn_deg=turn_deg,
        residual_um=residual,
        roots_shown=candidate.roots.shown,
        roots_agreeing=candidate.roots.agreeing,
        skin_features=features,
        dots_shown=dots_shown,
        dots_agreeing=dots_agreeing,
        log10_false_alarms=candidate.log10_false_alarms,
    )


def _fitted(candidate: _Candidate, first: _Marks, second: _Marks) -> tuple[FloatArray, int]:
    """A candidate fitted to all that agrees with it, um to um, and how many features of the skin do."""
    matrix, texture = candidate.roots.matrix, candidate.texture
    features = 0
    reaches = _ROOT_REACH_UM
    ones, others = near_roots(matrix, first.roots, second.roots, reaches[0])
    for reach in reaches:
        dot, other_dot = near_points(matrix, first.dots.xy, second.dots.xy, DOT_REACH_UM)
        from_um = [first.roots.xy[ones], first.dots.xy[dot]]
        to_um = [second.roots.xy[others], second.dots.xy[other_dot]]
        sd = [np.full(len(ones), _ROOT_SD_UM), np.full(len(dot), _DOT_SD_UM)]
        if texture is not None:
            near = near_pairs(texture, matrix, max(_TEXTURE_REACH_UM, reach))
            features = int(near.sum())
            from_um.append(texture.from_um[near])
            to_um.append(texture.to_um[near])
            sd.append(np.full(features, _TEXTURE_SD_UM))
        if sum(map(len, sd)) >= 2:
            matrix = refine(matrix, np.concatenate(from_um), np.concatenate(to_um), np.concatenate(sd))
        ones, others = near_roots(matrix, first.roots, second.roots, reach)
    return matrix, features


def _refuse_mirrored(baseline: Visit, followup: Visit, second: _Marks) -> None:
    """Raise VisitError where the follow-up shows the baseline mirrored."""
    found = _search(_marks(baseline, mirrored=True), second)
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
