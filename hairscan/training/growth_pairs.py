"""How well growth is measured, on phantom sites that were clipped and photographed again some days later."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import isfinite, nan

import numpy as np
from scipy.spatial import cKDTree

from hairscan.errors import HairscanError
from hairscan.files import Record
from hairscan.phantom.growth import PhantomHair
from hairscan.phantom.regrowth import grow_on
from hairscan.phantom.render import render_scene
from hairscan.phantom.scene import Scene, sample_scene
from hairscan.phantom.visits import frame_scene, next_look, sample_pose
from hairscan.photo import read_photo
from hairscan.segment import Segmenter
from hairscan.training.bootstrap import Figure, bootstrap
from hairscan.training.figures import mean_of_known
from hairscan.training.tables import Table, figure_text
from hairscan.types import FloatArray, Hair, RgbImage
from hairscan.visits import compare_visits
from hairscan.visits.growth import Growth, Phase, measure_growth
from hairscan.visits.visit import read_visit

UM_PER_PX = 2.78
SIZE_PX = (1280, 1024)
"""Width and height."""
_SEED = 2**31 + 19
_MARGIN_PX = 120
_HOURS = (48.0, 72.0)
_DENSITY_PER_CM2 = (120.0, 230.0)
_REACH_UM = 40.0
"""A trace is of the true hair that it runs nearest to, within this distance on average."""
_GROSS_Z = 4.0
_HOURS_PER_DAY = 24.0
_WORDS = {
    "measured": ("pairs that were measured", ".0%"),
    "elongation_bias_um": ("elongation error, mean, µm", "+.1f"),
    "elongation_sd_um": ("elongation error, SD, µm", ".1f"),
    "traced_sd_um": ("the same of two lengths traced apart, µm", ".1f"),
    "gross_share": ("elongations wrong by more than four standard errors", ".1%"),
    "z_sd": ("the other errors in standard errors, SD", ".2f"),
    "rate_bias_um_per_day": ("mean growth rate of anagen hairs, error, µm/day", "+.1f"),
    "share_error": ("anagen share of the decided, error", "+.1%"),
    "undecided_share": ("undecided, of all", ".1%"),
    "wrong_share": ("wrong phase, of the decided", ".1%"),
}


@dataclass(frozen=True, slots=True)
class GrowthPair:
    """Two photographs of one growth and the truth.

    Attributes
    ----------
    um_per_day : dict of int to float
        True growth rate of every hair by its identity; 0 for a telogen hair.
    """

    first: RgbImage
    second: RgbImage
    hours: float
    scene: Scene
    um_per_day: dict[int, float]


@dataclass(frozen=True, slots=True)
class GrowthAgreement:
    """What was measured on one pair against its truth.

    Attributes
    ----------
    measured : bool
        False where the pair was refused; then there is no hair.
    error_um, z, traced_error_um : float array, shape (N,)
        Error of the elongation of every decided hair, the same in standard errors, and that of the difference of its
        two traced lengths; NaN where it was not measured.
    true_um_per_day, um_per_day : float array, shape (N,)
        Growth rates, the second NaN where it was not measured.
    phase : tuple of Phase
    """

    measured: bool
    error_um: FloatArray
    z: FloatArray
    traced_error_um: FloatArray
    true_um_per_day: FloatArray
    um_per_day: FloatArray
    phase: tuple[Phase, ...]


class GrowthFigures(Record):
    """The figures of an evaluation of growth."""

    model: str
    pairs: int
    hairs: int
    figures: dict[str, Figure]


def draw_growth_pair(rng: np.random.Generator) -> GrowthPair:
    """A clipped phantom site at two times, 48 to 72 hours apart, held otherwise and in other light."""
    width, height = (side + 2 * _MARGIN_PX for side in SIZE_PX)
    density = float(rng.uniform(*_DENSITY_PER_CM2))
    site = sample_scene("clipped", rng, width_px=width, height_px=height, um_per_px=UM_PER_PX, density_per_cm2=density)
    site = replace(site, look=replace(site.look, graphics=()))
    hours = float(rng.uniform(*_HOURS))
    grown = grow_on(site, rng, hours=hours)
    scenes = grown.first, replace(grown.second, look=next_look(site, rng))
    framed = [frame_scene(scene, sample_pose(rng), width_px=SIZE_PX[0], height_px=SIZE_PX[1]) for scene in scenes]
    first, second = (render_scene(scene, rng).rgb for scene in framed)
    return GrowthPair(first, second, hours, framed[0], grown.um_per_day)


def evaluate_growth(count: int, segmenter: Segmenter, *, progress: Callable[[], None]) -> list[GrowthAgreement]:
    """Agreement on so many pairs; pair i is always the same."""
    agreements = []
    for number in range(count):
        agreements.append(judge_growth(draw_growth_pair(np.random.default_rng((_SEED, number))), segmenter))
        progress()
    return agreements


def judge_growth(pair: GrowthPair, segmenter: Segmenter) -> GrowthAgreement:
    """Agreement of what is measured on one pair with its truth."""
    visits = [read_visit(read_photo(rgb, um_per_px=UM_PER_PX), segmenter) for rgb in (pair.first, pair.second)]
    try:
        growth = measure_growth(compare_visits(*visits), hours=pair.hours)
    except HairscanError:
        none = np.zeros(0)
        return GrowthAgreement(False, none, none, none, none, none, ())
    return agreement_of(growth, pair)


def agreement_of(growth: Growth, pair: GrowthPair) -> GrowthAgreement:
    """Agreement of a measured growth with its truth; what is no true hair of the first photograph is left out."""
    rows, phases = [], []
    days = pair.hours / _HOURS_PER_DAY
    for hair, grown in zip(growth.comparison.hairs, growth.hairs, strict=True):
        true = None if hair.baseline is None else _true_hair(hair.baseline, pair.scene)
        if true is None or grown.phase is None:
            continue
        rate = pair.um_per_day[true.uid]
        lengths = grown.elongation
        error = nan if grown.phase is Phase.UNDECIDED else lengths.elongation_um - rate * days
        traced = nan
        if isfinite(error) and hair.baseline is not None and hair.followup is not None:
            traced = (hair.followup.length_px - hair.baseline.length_px) * UM_PER_PX - rate * days
        rows.append((error, error / lengths.se_um, traced, rate, grown.um_per_day))
        phases.append(grown.phase)
    error_um, z, traced_um, true_rate, found_rate = np.array(rows, np.float64).reshape(-1, 5).T
    return GrowthAgreement(True, error_um, z, traced_um, true_rate, found_rate, tuple(phases))


def summarise_growth(agreements: Sequence[GrowthAgreement], *, model: str) -> GrowthFigures:
    """Figures over pairs, with 95 % intervals over pairs."""
    return GrowthFigures(
        model=model,
        pairs=len(agreements),
        hairs=sum(len(one.phase) for one in agreements),
        figures=bootstrap(lambda chosen: _figures([agreements[index] for index in chosen]), len(agreements)),
    )


def growth_table(figures: GrowthFigures) -> Table:
    """The figures as a table of text."""
    sizes = [("pairs", str(figures.pairs)), ("hairs", str(figures.hairs))]
    rows = [(words, figure_text(figures.figures[name], form)) for name, (words, form) in _WORDS.items()]
    return Table(
        title="Growth pairs, phantoms; 95 % intervals over pairs",
        note=f"Clipped phantom sites of 120 to 230 hairs/cm², {SIZE_PX[0]} x {SIZE_PX[1]} px at {UM_PER_PX} µm/px, "
        "photographed again 48 to 72 hours later with the skin painted anew, so that the roots alone register them. No "
        "real growth pair of known truth was measured.",
        headings=("figure", figures.model),
        rows=(*sizes, *rows),
    )


def _true_hair(hair: Hair, scene: Scene) -> PhantomHair | None:
    """The true hair that a trace runs nearest to; None where none is near."""
    path_um = (hair.path_xy + 0.5) * scene.um_per_px
    near = [one for one in scene.hairs if not one.loose and np.hypot(*(one.path_um[0] - path_um[0])) < 6 * _REACH_UM]
    away = [_apart_um(path_um, one.path_um) for one in near]
    return near[int(np.argmin(away))] if away and min(away) < _REACH_UM else None


def _apart_um(path_um: FloatArray, true_um: FloatArray) -> float:
    """Mean distance of a trace from a true centre-line, and of its root from the true root."""
    share = np.linspace(0.0, 1.0, 20)[:, None]
    dense = np.concatenate([a + share * (b - a) for a, b in itertools.pairwise(true_um)])
    return float(np.mean(cKDTree(dense).query(path_um)[0]) + 0.5 * np.hypot(*(path_um[0] - true_um[0])))


def _figures(agreements: Sequence[GrowthAgreement]) -> dict[str, float]:
    kept = [one for one in agreements if one.measured]
    empty = [np.zeros(0)]
    errors, z, traced, true, found = (
        np.concatenate([getattr(one, name) for one in kept] or empty)
        for name in ("error_um", "z", "traced_error_um", "true_um_per_day", "um_per_day")
    )
    phases = [phase for one in kept for phase in one.phase]
    anagen = np.array([phase is Phase.ANAGEN for phase in phases], bool)
    decided = np.array([phase is not Phase.UNDECIDED for phase in phases], bool)
    return {
        "measured": len(kept) / len(agreements),
        "elongation_bias_um": mean_of_known(errors),
        "elongation_sd_um": _sd(errors),
        "traced_sd_um": _sd(traced),
        "gross_share": mean_of_known((np.abs(z[np.isfinite(z)]) > _GROSS_Z).astype(np.float64)),
        "z_sd": _sd(z[np.abs(z) <= _GROSS_Z]),
        "rate_bias_um_per_day": mean_of_known(found[anagen]) - mean_of_known(true[true > 0]),
        "share_error": mean_of_known(anagen[decided].astype(np.float64)) - mean_of_known((true > 0).astype(np.float64)),
        "undecided_share": mean_of_known((~decided).astype(np.float64)),
        "wrong_share": mean_of_known((anagen != (true > 0))[decided].astype(np.float64)),
    }


def _sd(values: FloatArray) -> float:
    told = values[np.isfinite(values)]
    return float(told.std(ddof=1)) if len(told) > 1 else nan
