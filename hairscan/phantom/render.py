"""A scene becomes a photograph with its truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hairscan.phantom.camera import compress, expose
from hairscan.phantom.dirt import paint_bubbles, paint_flakes, paint_glare, paint_ink
from hairscan.phantom.graphics import burn_graphics
from hairscan.phantom.paint import Canvas, paint_cast_shadow, paint_hair, paint_root
from hairscan.phantom.scene import Scene
from hairscan.phantom.skin import paint_shine, paint_skin
from hairscan.phantom.truth import TrueHair, true_hairs
from hairscan.types import LabelImage, MapArray, RgbImage


@dataclass(frozen=True, slots=True)
class Phantom:
    """One rendered photograph and everything that is true of it.

    Attributes
    ----------
    rgb : uint8 array, shape (H, W, 3)
        The photograph.
    hairs : tuple of TrueHair
        Every stretch of shaft in the picture, loose fragments included and marked.
    coverage : float32 array, shape (H, W)
        Share of each pixel covered by visible true hair, before blur: no loose fragment, no shade, no shadow.
    ignored : uint8 array, shape (H, W)
        `Ignored` code of glare, bubbles, ink, burnt-in graphics and the outside of the lens; 0 elsewhere.
    psf_sigma_px : float
        Gaussian blur of the optics in the middle of the picture.
    """

    rgb: RgbImage
    hairs: tuple[TrueHair, ...]
    coverage: MapArray
    ignored: LabelImage
    um_per_px: float
    psf_sigma_px: float
    area_cm2: float
    kind: str

    @property
    def mask(self) -> NDArray[np.bool_]:
        """True where the photograph cannot be judged, shape (H, W)."""
        return self.ignored > 0


def render_scene(scene: Scene, rng: np.random.Generator) -> Phantom:
    """Photograph a scene, with exact truth. The same scene and generator state give the same bytes."""
    look = scene.look
    shape = (scene.height_px, scene.width_px)
    ignored = np.zeros(shape, dtype=np.uint8)
    if scene.skin is None:
        skin = paint_skin(shape, scene.um_per_px, look, rng)
    else:
        skin = scene.skin + paint_shine(shape, scene.um_per_px, look, rng)
    canvas = Canvas(skin, np.zeros(shape, np.float32), np.full(shape, -1, np.int32), scene.um_per_px)
    paint_ink(canvas.rgb, ignored, scene.um_per_px, look, rng)
    visible = _paint_hairs(canvas, scene, rng)
    hidden = paint_flakes(canvas.rgb, scene.um_per_px, look, rng)
    paint_bubbles(canvas.rgb, ignored, scene.um_per_px, look, rng)
    paint_glare(canvas.rgb, ignored, scene.um_per_px, look, rng)
    photo = expose(canvas.rgb, ignored, look, rng)
    burn_graphics(photo, ignored, scene.um_per_px, look.graphics, rng)
    truths = [
        stretch
        for hair, share in zip(scene.hairs, visible, strict=True)
        for stretch in true_hairs(hair, scene.um_per_px, scene.width_px, scene.height_px, visible_fraction=share)
    ]
    return Phantom(
        rgb=compress(photo, look.jpeg_quality),
        hairs=tuple(truths),
        coverage=canvas.coverage * (1 - hidden),
        ignored=ignored,
        um_per_px=scene.um_per_px,
        psf_sigma_px=look.psf_sigma_px,
        area_cm2=scene.area_cm2,
        kind=scene.kind,
    )


def _paint_hairs(canvas: Canvas, scene: Scene, rng: np.random.Generator) -> list[float]:
    """Paint what is under the skin first, then shadows on it, then the shafts, bottom to top.

    Returns
    -------
    list of float
        Share of each shaft's pixels that no other shaft covers.
    """
    for hair in scene.hairs:
        if not hair.loose:
            paint_root(canvas, hair, scene.look, rng)
    angle = rng.uniform(0, 2 * np.pi)
    light_xy = np.array([np.cos(angle), np.sin(angle)])
    strength = float(rng.choice([0.0, rng.uniform(0.1, 0.6)]))
    for hair in scene.hairs:
        if hair.lift_um and strength:
            paint_cast_shadow(canvas, hair, light_xy, strength)
    painted = [paint_hair(canvas, hair, index, rng) for index, hair in enumerate(scene.hairs)]
    on_top = np.bincount(canvas.top[canvas.top >= 0], minlength=len(scene.hairs))
    # A shaft thinner than a pixel is solid nowhere, and too thin to be covered for long.
    return [float(seen / all_px) if all_px else 1.0 for seen, all_px in zip(on_top, painted, strict=True)]
