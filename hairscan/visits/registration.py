"""The transformation between two photographs of one site, or the evidence that there is none."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot, log10

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
from hairscan.visits.fitting import ROOT_REACH_UM, fit_marks
from hairscan.visits.marks import Marks, find_marks, frame_of
from hairscan.visits.patches import match_patches
from hairscan.visits.plane import transform, zoom_and_turn
from hairscan.visits.texture import UNMOVED_UM, TextureMatch, match_texture
from hairscan.visits.visit import Visit
from hairscan.visits.whole_skin import TRIED_WHOLE, match_whole_skin

MOST_FALSE_ALARMS = -3.0
"""Decimal logarithm of the chance agreement from which two photographs are taken to show one site."""
_STRONG = -8.0
"""Texture that agrees this well needs no constellation."""
_MOST_ZOOM = 1.12
"""How far the zoom may differ from what the two scales say."""
_GUESSES = 8
"""Constellations, and places of the skin, that are looked at closely where the roots alone do not tell."""
_SPAN_UM = 3000.0
_LEAST_AGREEING = 0.3
_FEW_UNITS = 5
_DOTS_CENTRED = 5.0
"""Dots lie where photographs overlap, near their middle: chance is this many times that of evenly strewn ones."""


@dataclass(frozen=True, slots=True)
class Registration:
    """How the follow-up shows what the baseline shows.

    Attributes
    ----------
    matrix : float array, shape (3, 3)
        Homography from px of the baseline to px of the follow-up.
    zoom : float
        How much larger the follow-up shows the skin than the two scales say; 1 where they agree. Without scales it is
        against those at which their hairs are of usual width, and says nothing.
    zoom_se : float
        Its standard error, as the misses of what was fitted tell it.
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
    zoom_se: float
    turn_deg: float
    residual_um: float
    roots_shown: int
    roots_agreeing: int
    skin_features: int
    dots_shown: int
    dots_agreeing: int
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
        Where the two scales contradict what the photographs show, or only one of them is known.
    """
    first, second = find_marks(baseline), find_marks(followup)
    best = _search(first, second)
    if best is None or best.log10_false_alarms > MOST_FALSE_ALARMS:
        _refuse_mirrored(baseline, followup, second)
        raise VisitError(_two_sites(baseline, followup, best))
    return _refined(best, baseline, followup, first, second)


def common_scale(baseline: Visit, followup: Visit, registration: Registration) -> Scale | None:
    """Scale of the baseline; None where neither has one.

    Where the two scales and the zoom disagree, either may be the wrong one: half the disagreement is of the sd.
    """
    own = baseline.photo.scale
    if own is None or followup.photo.scale is None:
        return None
    doubt = own.um_per_px * abs(registration.zoom - 1.0) / 2.0
    return Scale(own.um_per_px, hypot(own.sd, doubt), own.source)


def _search(first: Marks, second: Marks) -> _Candidate | None:
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
        if evidence < _STRONG and not _is_contradicted(roots):
            return candidates[0]
        break
    alone = match_constellations(first.roots, second.roots, second.frame_um)
    if alone:
        evidence = log10_both(alone[0].log10_false_alarms, _dot_evidence(alone[0].matrix, first, second))
        candidates.append(_Candidate(alone[0], None, evidence))
    around = match_around_dots(first.roots, second.roots, (first.dots.xy, second.dots.xy), second.frame_um)
    if around is not None:
        candidates.append(_Candidate(around, None, around.log10_false_alarms))
    if all(one.log10_false_alarms > MOST_FALSE_ALARMS or _is_contradicted(one.roots) for one in candidates):
        candidates += _seen_in_skin(alone[:_GUESSES], first, second)
    return min(candidates, key=_rank, default=None)


def _rank(candidate: _Candidate) -> tuple[bool, bool, float]:
    """The less the better: what is no accident first, of these what the hairs do not contradict.

    Features of the skin that lie close together say where they are, and not how far the rest is turned and zoomed.
    """
    evidence = candidate.log10_false_alarms
    return evidence > MOST_FALSE_ALARMS, _is_contradicted(candidate.roots), evidence


def _seen_in_skin(guesses: list[RootMatch], first: Marks, second: Marks) -> list[_Candidate]:
    """Constellations that the skin around them agrees with, and what the skin says as a whole."""
    found = []
    for guess in guesses:
        skin = match_patches(first.texture, second.texture, guess.matrix)
        if skin is not None:
            tried = skin.log10_false_alarms + log10(len(guesses))
            found.append((skin.matrix, log10_both(guess.log10_false_alarms, tried)))
    for matrix in match_whole_skin(first.texture, second.texture, _GUESSES):
        skin = match_patches(first.texture, second.texture, matrix)
        if skin is not None:
            roots = judge_roots(skin.matrix, first.roots, second.roots, second.frame_um)
            tried = skin.log10_false_alarms + log10(TRIED_WHOLE)
            found.append((skin.matrix, log10_both(roots.log10_false_alarms, tried)))
    judged = [
        _Candidate(judge_roots(matrix, first.roots, second.roots, second.frame_um), None, evidence)
        for matrix, evidence in found
    ]
    # Dirt on the lens and the grain of a sensor lie all over a photograph: two hairs at least must stay with them.
    return [one for one in judged if not _is_unmoved(one.roots.matrix) or _is_confirmed(one.roots)]


def _dot_evidence(matrix: FloatArray, first: Marks, second: Marks) -> float:
    """Decimal logarithm of the chance that a transformation found without dots brings a dot onto a dot; 0 without any.

    One is worth as much as several: dots are set by a template, and where one agrees the others follow.
    """
    agreeing, shown = _count_dots(matrix, first, second)
    if not agreeing:
        return 0.0
    chance = _DOTS_CENTRED * len(second.dots) * np.pi * DOT_REACH_UM**2 / float(np.prod(second.frame_um))
    return log10_false_alarms(1.0, shown, 1, chance)


def _count_dots(matrix: FloatArray, first: Marks, second: Marks) -> tuple[int, int]:
    """How many dots of the baseline fall on one of the follow-up, and of how many it shows the place."""
    moved = transform(matrix, first.dots.xy)
    shown = int(((moved >= 0) & (moved <= second.frame_um)).all(axis=1).sum())
    return len(near_points(matrix, first.dots.xy, second.dots.xy, DOT_REACH_UM)[0]), shown


def _is_of_the_camera(roots: RootMatch) -> bool:
    """Whether nothing moved and the hairs are others: burnt-in graphics and dirt on the lens stay put on any skin."""
    return _is_unmoved(roots.matrix) and _is_contradicted(roots)


def _is_contradicted(roots: RootMatch) -> bool:
    """Whether most units of roots are not where a transformation has them."""
    return roots.shown >= _FEW_UNITS and roots.agreeing < _LEAST_AGREEING * roots.shown


def _is_unmoved(matrix: FloatArray) -> bool:
    corners = np.array([[0.0, 0.0], [_SPAN_UM, 0.0], [0.0, _SPAN_UM]])
    return bool(np.abs(transform(matrix, corners) - corners).max() < UNMOVED_UM)


def _is_confirmed(roots: RootMatch) -> bool:
    return roots.agreeing >= max(2.0, _LEAST_AGREEING * roots.shown)


def _refined(candidate: _Candidate, baseline: Visit, followup: Visit, first: Marks, second: Marks) -> Registration:
    """The transformation fitted to every root, dot and skin feature that agrees with it, px to px."""
    fit = fit_marks(candidate.roots.matrix, candidate.texture, first, second)
    matrix = fit.matrix
    ones, others = near_roots(matrix, first.roots, second.roots, ROOT_REACH_UM[-1])
    off = transform(matrix, first.roots.xy[ones]) - second.roots.xy[others]
    residual = float(np.median(np.hypot(off[:, 0], off[:, 1]))) if len(ones) else float("nan")
    zoom, turn_deg = zoom_and_turn(matrix, frame_of(baseline) / 2)
    _check_scales(candidate, baseline, followup, zoom)
    from_px = np.diag([baseline.um_per_px, baseline.um_per_px, 1.0])
    to_px = np.diag([1 / followup.um_per_px, 1 / followup.um_per_px, 1.0])
    whole = to_px @ matrix @ from_px
    dots_agreeing, dots_shown = _count_dots(matrix, first, second)
    return Registration(
        matrix=np.asarray(whole / whole[2, 2]),
        zoom=zoom,
        zoom_se=fit.zoom_se,
        turn_deg=turn_deg,
        residual_um=residual,
        roots_shown=candidate.roots.shown,
        roots_agreeing=candidate.roots.agreeing,
        skin_features=fit.skin_features,
        dots_shown=dots_shown,
        dots_agreeing=dots_agreeing,
        log10_false_alarms=candidate.log10_false_alarms,
    )


def _check_scales(candidate: _Candidate, baseline: Visit, followup: Visit, zoom: float) -> None:
    """Raise ScaleError where the scales contradict the zoom, or one is missing that the zoom tells."""
    scales = baseline.photo.scale, followup.photo.scale
    if not any(scales) or (all(scales) and 1 / _MOST_ZOOM < zoom < _MOST_ZOOM):
        return
    # Skin that agrees by chance has any zoom: hairs must confirm what a person is told about a scale.
    if not _is_confirmed(candidate.roots):
        raise VisitError(_two_sites(baseline, followup, candidate))
    raise ScaleError((_contradiction if all(scales) else _missing_scale)(baseline, followup, zoom))


def _refuse_mirrored(baseline: Visit, followup: Visit, second: Marks) -> None:
    """Raise VisitError where the follow-up shows the baseline mirrored."""
    found = _search(find_marks(baseline, mirrored=True), second)
    if found is None or found.log10_false_alarms > MOST_FALSE_ALARMS:
        return
    # Graphics resemble their own mirror picture: hairs must confirm what a person is told to flip.
    if found.roots.agreeing >= max(_FEW_UNITS / 2, _LEAST_AGREEING * found.roots.shown):
        raise VisitError(
            f"one of {baseline.photo.name} and {followup.photo.name} is mirrored: their skin agrees only after one is "
            "flipped. Flip it back where it was exported, then compare again"
        )


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


def _missing_scale(baseline: Visit, followup: Visit, zoom: float) -> str:
    """Say which scale the photograph without one seems to have."""
    if followup.photo.scale is None:
        known, other, expected, option = baseline, followup, followup.um_per_px / zoom, "--followup-um-per-px"
    else:
        known, other, expected, option = followup, baseline, baseline.um_per_px * zoom, "--um-per-px"
    return (
        f"only {known.photo.name} has a scale: without one hairs are not found alike. By the skin that both show, "
        f"{other.photo.name} has about {expected:.4g} um/px: check that and give it ({option})"
    )


def _contradiction(baseline: Visit, followup: Visit, zoom: float) -> str:
    """Say which scale the follow-up should have."""
    expected = followup.um_per_px / zoom
    return (
        f"the scales contradict each other: if {baseline.photo.name} has {baseline.um_per_px:.4g} um/px, "
        f"{followup.photo.name} has about {expected:.4g}, not {followup.um_per_px:.4g}. Correct the wrong one "
        "(--um-per-px, --followup-um-per-px)"
    )
