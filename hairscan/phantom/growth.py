"""Hairs grow in a scene: follicular units on the skin, shafts out of them, cut fragments on top."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from hairscan.lines import length
from hairscan.phantom.look import Rgb
from hairscan.phantom.recipe import Recipe
from hairscan.types import FloatArray

_SPARE_UNITS = 1.3


@dataclass(frozen=True, slots=True)
class PhantomHair:
    """One shaft in micrometres, root first. The top left corner of the picture is (0, 0).

    Attributes
    ----------
    path_um : float array, shape (P, 2)
        Centre-line root to tip, (x, y).
    width_um : float array, shape (P,)
        Shaft width along the path.
    defocus_um : float array, shape (P,)
        Gaussian softness of the shaft's edges along the path, on top of the optics.
    opacity : float
        1 hides the skin behind the shaft.
    unit_id : int
        Follicular unit; -1 for a loose fragment.
    uid : int
        Identity over the visits of its scene; -1 for a loose fragment.
    loose : bool
        A cut fragment that grows from nothing here: never counted.
    tip_um : float array, shape (C,)
        Shape of the cut: how far the tip reaches beyond the path's end, at even steps across the shaft.
    tip_slant, tip_round : float
        Tangent of the cut's slant, and 1 for a round end.
    shine : float
        Strength of the highlight along the shaft, grey levels.
    lift_um : float
        Height of the tip over the skin, which casts the shadow.
    under_skin_um : float
        Length of shaft seen through the skin behind the root.
    root_soft_um : float
        Gaussian softness of the root's end, which the skin veils.
    """

    path_um: FloatArray
    width_um: FloatArray
    defocus_um: FloatArray
    rgb: Rgb
    opacity: float = 1.0
    unit_id: int = -1
    uid: int = -1
    loose: bool = False
    tip_um: FloatArray = field(default_factory=lambda: np.zeros(2))
    tip_slant: float = 0.0
    tip_round: float = 0.0
    shine: float = 0.0
    lift_um: float = 0.0
    under_skin_um: float = 0.0
    root_soft_um: float = 0.0

    @property
    def length_um(self) -> float:
        """Length of the centre-line, um."""
        return length(self.path_um)


@dataclass(frozen=True, slots=True)
class Growth:
    """One scene's own settings, drawn once from its recipe."""

    recipe: Recipe
    direction_rad: float
    spread_rad: float
    swirl_rad_per_mm: FloatArray
    fan_rad: float
    width_um: float
    width_sd_um: float
    length_um: float
    vellus_share: float
    curl_per_mm: float
    rgb: Rgb
    shine: float
    focus_drop: float


def sample_growth(recipe: Recipe, rng: np.random.Generator) -> Growth:
    """One head's settings, from the ranges of a recipe."""
    shares = np.array([share for _, share in recipe.colours])
    rgb = recipe.colours[int(rng.choice(len(shares), p=shares / shares.sum()))][0]
    curly = rng.random() < recipe.curly_share
    return Growth(
        recipe=recipe,
        direction_rad=float(rng.uniform(0, 2 * np.pi)),
        spread_rad=float(np.radians(rng.uniform(4, 18))),
        swirl_rad_per_mm=rng.normal(0, 0.06, 2),
        fan_rad=float(np.radians(rng.uniform(3, 14))),
        width_um=float(rng.uniform(*recipe.width_um)),
        width_sd_um=float(rng.uniform(7, 15)),
        length_um=float(rng.uniform(*recipe.length_um)),
        vellus_share=float(rng.uniform(*recipe.vellus_share)),
        curl_per_mm=float(rng.uniform(0.7, 3.0)) if curly else 0.0,
        rgb=rgb,
        shine=float(rng.gamma(1.2, 10.0)) + 1.0,
        focus_drop=float(rng.uniform(0.0, 0.02)) * (rng.random() < 0.35),
    )


def grow_hairs(
    growth: Growth, size_um: tuple[float, float], n_hairs: int, rng: np.random.Generator
) -> list[PhantomHair]:
    """Hairs of a scene: exactly `n_hairs` roots in the picture, and as dense around it, so that neighbours reach in."""
    size = np.array(size_um)
    margin = float(np.clip(1.3 * growth.length_um, 300.0, 3000.0))
    shares = np.array(growth.recipe.unit_shares)
    per_unit = float((shares * np.arange(1, 5)).sum())
    units_per_um2 = n_hairs / (size[0] * size[1]) / per_unit
    if n_hairs == 0:
        return []
    centres = _unit_centres(size, margin, units_per_um2 * _SPARE_UNITS, rng)
    hairs: list[PhantomHair] = []
    missing = n_hairs
    for unit_id, centre in enumerate(centres):
        unit = _grow_unit(growth, centre, size, int(rng.choice(4, p=shares)) + 1, unit_id, rng)
        inside = [hair for hair in unit if _in_picture(hair.path_um[0], size)]
        if not inside:
            if rng.random() < 1 / _SPARE_UNITS:
                hairs.extend(unit)
            continue
        hairs.extend(inside[:missing])
        missing -= min(missing, len(inside))
    while missing:
        centre = rng.uniform(0, 1, 2) * size
        unit = _grow_unit(growth, centre, size, 1, len(centres) + missing, rng)
        if _in_picture(unit[0].path_um[0], size):
            hairs.extend(unit)
            missing -= 1
    return [hair for hair in hairs if touches_picture(hair, size)]


def scatter_fragments(
    growth: Growth, size_um: tuple[float, float], count: int, rng: np.random.Generator
) -> list[PhantomHair]:
    """Loose cut fragments that lie on the skin, mostly across the growth direction, both ends free."""
    fragments = []
    for _ in range(count):
        centre = rng.uniform(0, 1, 2) * np.array(size_um)
        turn = rng.choice([rng.uniform(0.5, 2.6), rng.uniform(-np.pi, np.pi)])
        length = float(np.clip(rng.lognormal(np.log(150), 0.6), 40, 900))
        hair = _shaft(growth, centre, growth.direction_rad + float(turn), length, rng)
        paler = np.array(hair.rgb) + rng.uniform(0, 45) * np.array([1.0, 0.85, 0.7])
        fragments.append(
            replace(
                hair,
                rgb=(float(paler[0]), float(paler[1]), float(paler[2])),
                opacity=float(rng.uniform(0.55, 1.0)),
                width_um=hair.width_um * rng.uniform(0.6, 1.0),
                loose=True,
                under_skin_um=0.0,
                root_soft_um=0.0,
            )
        )
    return fragments


def _unit_centres(size: FloatArray, margin: float, units_per_um2: float, rng: np.random.Generator) -> FloatArray:
    """Centres in random order on a jittered, turned hexagonal grid: units keep their distance, without rows."""
    pitch = np.sqrt(2 / (np.sqrt(3) * units_per_um2))
    reach = np.hypot(*(size / 2 + margin)) + pitch
    steps = np.arange(-np.ceil(reach / pitch) * 1.2, np.ceil(reach / pitch) * 1.2 + 1)
    column, row = np.meshgrid(steps, steps)
    grid = np.stack([column + 0.5 * (row % 2), row * np.sqrt(3) / 2], axis=-1).reshape(-1, 2) * pitch
    grid += rng.uniform(-pitch, pitch, 2) + rng.normal(0, 0.24 * pitch, grid.shape)
    angle = rng.uniform(0, np.pi)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    centres = grid @ turn + size / 2
    kept = centres[((centres > -margin) & (centres < size + margin)).all(axis=1)]
    shuffled: FloatArray = rng.permutation(kept)
    return shuffled


def _grow_unit(
    growth: Growth, centre: FloatArray, size: FloatArray, n_hairs: int, unit_id: int, rng: np.random.Generator
) -> list[PhantomHair]:
    drift = float((centre - size / 2) @ growth.swirl_rad_per_mm) / 1000.0
    heading = growth.direction_rad + drift + rng.normal(0, growth.spread_rad)
    sideways = np.array([-np.sin(heading), np.cos(heading)])
    forward = np.array([np.cos(heading), np.sin(heading)])
    gap_um = float(np.clip(rng.lognormal(np.log(72), 0.42), 28, 160))
    fan = rng.normal(0, growth.fan_rad)
    vellus = rng.random() < growth.vellus_share
    hairs = []
    for k in range(n_hairs):
        rank = k - (n_hairs - 1) / 2
        root = centre + sideways * (rank * gap_um + rng.normal(0, 10)) + forward * rng.normal(0, 35)
        turn = heading + fan * rank + rng.normal(0, np.radians(4))
        length = growth.length_um * rng.lognormal(0.0, 0.28)
        hair = _shaft(growth, root, turn, length, rng, vellus=vellus or rng.random() < growth.vellus_share / 2)
        hairs.append(replace(hair, unit_id=unit_id))
    return hairs


def _shaft(
    growth: Growth,
    root: FloatArray,
    heading: float,
    length_um: float,
    rng: np.random.Generator,
    *,
    vellus: bool = False,
) -> PhantomHair:
    recipe = growth.recipe
    dot = rng.random() < recipe.dot_share
    length = float(np.clip(length_um * (0.65 if vellus else 1.0), 60, 12000))
    width = rng.uniform(12, 38) if vellus else float(np.clip(rng.normal(growth.width_um, growth.width_sd_um), 41, 118))
    if dot:
        length = width * float(rng.uniform(0.35, 0.8))
    path = _grow_path(growth, root, heading, length, rng)
    along = np.linspace(0, 1, len(path))
    uncut = not dot and rng.random() < max(recipe.uncut_share, 0.35 * vellus)
    widths = width * (1 + rng.normal(0, 0.06) * (along - 0.5) + 0.025 * np.clip(rng.standard_normal(len(path)), -2, 2))
    if uncut:
        widths = widths * np.clip((1 - along) / 0.25, 0.12, 1.0)
    browning = rng.uniform(20, 70) if vellus else max(0.0, rng.uniform(-90, 40))
    rgb = np.array(growth.rgb) * rng.uniform(0.8, 1.2) + browning * np.array([1, 0.8, 0.58])
    return PhantomHair(
        path_um=path,
        width_um=widths,
        defocus_um=np.minimum(growth.focus_drop * along * length * rng.uniform(0.3, 1.5), 45.0),
        rgb=(float(rgb[0]), float(rgb[1]), float(rgb[2])),
        opacity=float(rng.uniform(0.5, 0.85)) if vellus else float(rng.uniform(0.92, 1.0)),
        tip_slant=float(rng.normal(0, 0.45)),
        tip_um=_fray(rng) if not dot and rng.random() < 0.5 else np.zeros(2),
        tip_round=length / width if dot else float(rng.uniform(0.0, 0.6)),
        shine=0.25 * growth.shine if vellus else growth.shine,
        lift_um=min(recipe.lift * length * float(rng.uniform(0, 1)), 400.0),
        under_skin_um=float(rng.uniform(140, 460)) * (0.4 if vellus else 1.0),
        root_soft_um=float(rng.uniform(3, 24)),
    )


def _fray(rng: np.random.Generator) -> FloatArray:
    """Reach of a frayed cut across the shaft, um; it averages to 0, so that the hair keeps its length."""
    reach = rng.uniform(4, 16) * rng.standard_normal(int(rng.integers(3, 9)))
    centred: FloatArray = reach - reach.mean()
    return centred


def _grow_path(growth: Growth, root: FloatArray, heading: float, length: float, rng: np.random.Generator) -> FloatArray:
    n_points = int(np.clip(np.ceil(length / 55.0), 3, 140)) + 1
    along_mm = np.linspace(0, length, n_points) / 1000.0
    bend = np.radians(rng.normal(0, growth.recipe.bend_deg_per_mm)) + rng.choice([-1, 1]) * growth.curl_per_mm
    wave = rng.normal(0, 0.06) * np.sin(along_mm * rng.uniform(1.0, 3.0) + rng.uniform(0, 6.3))
    angles = heading + bend * along_mm + wave - wave[0]
    step = length / (n_points - 1)
    middle = (angles[1:] + angles[:-1]) / 2
    moves = step * np.stack([np.cos(middle), np.sin(middle)], axis=1)
    return np.vstack([root, root + np.cumsum(moves, axis=0)])


def _in_picture(point: FloatArray, size: FloatArray) -> bool:
    return bool(((point >= 0) & (point < size)).all())


def touches_picture(hair: PhantomHair, size: FloatArray) -> bool:
    """True where any of the shaft, or its blur, may lie in a picture of this width and height, um."""
    reach = float(hair.width_um.max()) + 30.0
    return bool(((hair.path_um.max(axis=0) > -reach) & (hair.path_um.min(axis=0) < size + reach)).all())
