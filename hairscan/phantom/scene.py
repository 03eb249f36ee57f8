"""A scalp scene in micrometres: which hairs grow where, and how they will be photographed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hairscan.endpoints.area import UM2_PER_CM2
from hairscan.errors import ScaleError
from hairscan.phantom.growth import PhantomHair, grow_hairs, sample_growth, scatter_fragments
from hairscan.phantom.look import PLAIN, Look, sample_look
from hairscan.phantom.recipe import RECIPES
from hairscan.types import MapArray

KINDS = tuple(RECIPES)


@dataclass(frozen=True, slots=True)
class Scene:
    """One scalp, before any light falls on it.

    Attributes
    ----------
    hairs : tuple of PhantomHair
        Bottom to top; fragments among them.
    width_px, height_px : int
        Size of the picture.
    uids : int
        How many identities were given to its hairs so far, those of lost hairs included.
    skin : float32 array, shape (H, W, 3), optional
        Bare skin without its shine, 8 bit levels, that stays from one photograph to the next; where there is none, it
        is painted anew with each.
    """

    hairs: tuple[PhantomHair, ...]
    kind: str
    width_px: int
    height_px: int
    um_per_px: float
    look: Look
    uids: int = 0
    skin: MapArray | None = None

    @property
    def size_um(self) -> tuple[float, float]:
        """Width and height of the picture on the scalp, um."""
        return self.width_px * self.um_per_px, self.height_px * self.um_per_px

    @property
    def area_cm2(self) -> float:
        """Area of the picture on the scalp, cm2."""
        return self.size_um[0] * self.size_um[1] / UM2_PER_CM2


def sample_scene(
    kind: str,
    rng: np.random.Generator,
    *,
    width_px: int,
    height_px: int,
    um_per_px: float,
    density_per_cm2: float | None = None,
    person: np.random.Generator | None = None,
) -> Scene:
    """Draw a scene of a kind, with exactly ``round(density * area)`` hairs that grow in the picture.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    density_per_cm2 : float, optional
        Hairs with their root in the picture; drawn from the kind's range where not given.
    person : numpy.random.Generator, optional
        Draws what one head has everywhere (kind of hair, skin, device); `rng` does where not given. Two sites of one
        head come from two generators of the same state.

    Raises
    ------
    ValueError
        Unknown kind, or a picture without pixels.
    ScaleError
        A scale that no microscope has.
    """
    if kind not in RECIPES:
        raise ValueError(f"no scene kind {kind!r}: choose one of {', '.join(KINDS)}.")
    if width_px < 1 or height_px < 1:
        raise ValueError(
            f"a picture of {width_px} x {height_px} px has no pixels: give a width and height of 1 or more."
        )
    if not 0.1 <= um_per_px <= 200:
        raise ScaleError(
            f"{um_per_px} um/px is no scale of a scalp picture: give 0.1 to 200 (2.78 is a 70x microscope)."
        )
    recipe = RECIPES[kind]
    head = rng if person is None else person
    growth = sample_growth(recipe, head)
    density = float(rng.uniform(*recipe.density_per_cm2)) if density_per_cm2 is None else density_per_cm2
    size_um = (width_px * um_per_px, height_px * um_per_px)
    area_cm2 = size_um[0] * size_um[1] / UM2_PER_CM2
    hairs = grow_hairs(growth, size_um, round(density * area_cm2), rng)
    n_loose = int(rng.poisson(rng.uniform(*recipe.loose_per_cm2) * area_cm2))
    hairs += scatter_fragments(growth, size_um, n_loose, rng)
    order = rng.permutation(len(hairs))
    look = sample_look(kind, um_per_px, head)
    named = tuple(replace(hairs[i], uid=-1 if hairs[i].loose else uid) for uid, i in enumerate(order))
    return Scene(named, kind, width_px, height_px, um_per_px, look, uids=len(named))


def plain_scene(scene: Scene, *, psf_sigma_px: float = 0.0) -> Scene:
    """Put the same hairs on flat skin through a perfect camera: opaque, sharp, evenly dark, nothing else."""
    hairs = tuple(
        replace(
            hair,
            defocus_um=np.zeros_like(hair.defocus_um),
            rgb=(50.0, 50.0, 50.0),
            opacity=1.0,
            tip_um=np.zeros(2),
            shine=0.0,
            lift_um=0.0,
            under_skin_um=0.0,
            root_soft_um=0.0,
        )
        for hair in scene.hairs
    )
    return replace(scene, hairs=hairs, look=replace(PLAIN, psf_sigma_px=psf_sigma_px))
