"""What grows in each kind of scene: densities, widths, lengths, colours and how far hairs bend."""

from __future__ import annotations

from dataclasses import dataclass

from hairscan.phantom.look import Rgb

Range = tuple[float, float]

BLACK: Rgb = (27.0, 26.0, 29.0)
DARK_BROWN: Rgb = (46.0, 36.0, 30.0)
BROWN: Rgb = (84.0, 62.0, 44.0)
BLOND: Rgb = (168.0, 138.0, 96.0)
RED: Rgb = (136.0, 74.0, 42.0)
GREY: Rgb = (138.0, 138.0, 138.0)
WHITE: Rgb = (226.0, 226.0, 220.0)

_DARK = ((BLACK, 0.62), (DARK_BROWN, 0.28), (BROWN, 0.10))
_LIGHT = ((BLOND, 0.3), (RED, 0.2), (GREY, 0.2), (WHITE, 0.2), (BROWN, 0.1))


@dataclass(frozen=True, slots=True)
class Recipe:
    """Ranges from which one scene draws its own settings, and then each hair around those.

    Attributes
    ----------
    density_per_cm2 : (float, float)
        Hairs whose root lies in the picture.
    unit_shares : tuple of float
        Shares of follicular units of 1, 2, 3 and 4 hairs.
    width_um, length_um : (float, float)
        Range of the scene's mean terminal width and median length.
    vellus_share : (float, float)
        Share of hairs drawn from the vellus widths.
    bend_deg_per_mm : float
        Standard deviation of the curvature.
    curly_share : float
        Share of scenes whose hair is curly.
    uncut_share : float
        Share of hairs that end in a natural, tapered tip.
    dot_share : float
        Share of hairs seen end-on.
    loose_per_cm2 : (float, float)
        Cut fragments that lie on the skin.
    lift : float
        How far shafts stand off the skin, as a share of their length.
    colours : tuple of (Rgb, share)
        The scene's main hair colour.
    """

    density_per_cm2: Range = (60.0, 230.0)
    unit_shares: tuple[float, float, float, float] = (0.42, 0.39, 0.16, 0.03)
    width_um: Range = (56.0, 88.0)
    length_um: Range = (280.0, 620.0)
    vellus_share: Range = (0.02, 0.2)
    bend_deg_per_mm: float = 14.0
    curly_share: float = 0.0
    uncut_share: float = 0.02
    dot_share: float = 0.0
    loose_per_cm2: Range = (0.0, 45.0)
    lift: float = 0.15
    colours: tuple[tuple[Rgb, float], ...] = _DARK


RECIPES: dict[str, Recipe] = {
    "clipped": Recipe(),
    "short": Recipe(length_um=(80.0, 230.0), dot_share=0.2, loose_per_cm2=(0.0, 60.0)),
    "long": Recipe(
        density_per_cm2=(15.0, 130.0),
        width_um=(55.0, 90.0),
        length_um=(1800.0, 7000.0),
        bend_deg_per_mm=9.0,
        curly_share=0.12,
        uncut_share=0.35,
        loose_per_cm2=(0.0, 8.0),
    ),
    "light": Recipe(colours=_LIGHT, length_um=(280.0, 1500.0), uncut_share=0.2, width_um=(50.0, 80.0)),
    "dense": Recipe(density_per_cm2=(200.0, 300.0), unit_shares=(0.1, 0.25, 0.4, 0.25), length_um=(220.0, 480.0)),
    "vellus": Recipe(vellus_share=(0.45, 0.85), density_per_cm2=(60.0, 200.0), uncut_share=0.25),
}
