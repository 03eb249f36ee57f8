"""A clipped site that grows for some days."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hairscan.lines import rotation, unit
from hairscan.phantom.growth import PhantomHair
from hairscan.phantom.scene import Scene
from hairscan.phantom.visits import LAY_SD_DEG, scatter_again

_CLIP_SPREAD = 0.05
_SLOWEST_SHARE = 0.4
_HOURS_PER_DAY = 24.0


@dataclass(frozen=True, slots=True)
class GrownSite:
    """A clipped site, the same some days later, and how fast each of its hairs grows.

    Attributes
    ----------
    first, second : Scene
        Every hair of the first is in the second, with the same identity and root.
    um_per_day : dict of int to float
        True growth rate of every hair by its identity; 0 for a telogen hair.
    """

    first: Scene
    second: Scene
    um_per_day: dict[int, float]


def grow_on(
    scene: Scene,
    rng: np.random.Generator,
    *,
    hours: float,
    clipped_um: float = 500.0,
    um_per_day: float = 350.0,
    um_per_day_sd: float = 60.0,
    telogen_share: float = 0.15,
) -> GrownSite:
    """Clip a scene, and let it grow.

    Parameters
    ----------
    clipped_um : float
        Length that the clipping leaves, 5 % of it more or less.
    um_per_day, um_per_day_sd : float
        Mean and standard deviation over anagen hairs of the growth rate; none grows slower than 0.4 of the mean.
    telogen_share : float
        Probability that a hair does not grow.

    Notes
    -----
    A hair grows at its root: what was there is pushed out, keeps its cut end, and follows where the new part of the
    shaft, bent as the old one, leads it. Shafts lie down anew by some degrees; cut fragments lie elsewhere.
    """
    grown = [hair for hair in scene.hairs if not hair.loose]
    loose = [hair for hair in scene.hairs if hair.loose]
    clipped = [_cut(hair, clipped_um * float(rng.lognormal(0, _CLIP_SPREAD))) for hair in grown]
    rates = np.maximum(rng.normal(um_per_day, um_per_day_sd, len(grown)), _SLOWEST_SHARE * um_per_day)
    rates = np.where(rng.random(len(grown)) < telogen_share, 0.0, rates)
    later = [
        _turned(_pushed_out(hair, float(rate) * hours / _HOURS_PER_DAY), rng.normal(0, LAY_SD_DEG))
        for hair, rate in zip(clipped, rates, strict=True)
    ]
    elsewhere = scatter_again(loose, np.array(scene.size_um), rng)
    return GrownSite(
        first=replace(scene, hairs=(*clipped, *loose)),
        second=replace(scene, hairs=(*later, *elsewhere)),
        um_per_day={hair.uid: float(rate) for hair, rate in zip(grown, rates, strict=True)},
    )


def _cut(hair: PhantomHair, length_um: float) -> PhantomHair:
    """The hair drawn out to a length and cut there straight through: no tapered tip."""
    root = hair.path_um[0]
    factor = length_um / hair.length_um
    widths = np.full(len(hair.width_um), float(np.median(hair.width_um)))
    return replace(hair, path_um=root + factor * (hair.path_um - root), width_um=widths, lift_um=factor * hair.lift_um)


def _pushed_out(hair: PhantomHair, growth_um: float) -> PhantomHair:
    """The hair after it grew at its root by that much; itself where it did not grow."""
    if growth_um <= 0.0:
        return hair
    steps = np.diff(hair.path_um, axis=0)
    length_um = hair.length_um
    bend = float(np.arctan2(*steps[-1][::-1]) - np.arctan2(*steps[0][::-1]))
    bend = (bend + np.pi) % (2 * np.pi) - np.pi
    turn = bend * growth_um / length_um
    count = max(round(growth_um * len(steps) / length_um), 1)
    heading = unit(steps[0])
    new = np.array([rotation(turn * (k + 0.5) / count) @ heading for k in range(count)]) * growth_um / count
    path = hair.path_um[0] + np.cumsum(np.vstack([np.zeros(2), new, steps @ rotation(turn).T]), axis=0)
    longer = 1.0 + growth_um / length_um
    places = np.linspace(0.0, 1.0, len(path))
    before = np.linspace(0.0, 1.0, len(hair.path_um))
    return replace(
        hair,
        path_um=path,
        width_um=np.interp(places, before, hair.width_um),
        defocus_um=longer * np.interp(places, before, hair.defocus_um),
        lift_um=longer * hair.lift_um,
    )


def _turned(hair: PhantomHair, turn_deg: float) -> PhantomHair:
    """The hair turned about its root."""
    root = hair.path_um[0]
    return replace(hair, path_um=root + (hair.path_um - root) @ rotation(np.radians(turn_deg)).T)
