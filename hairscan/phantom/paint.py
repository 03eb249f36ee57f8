"""Shafts, their shade on the skin and their root under it, painted on a picture of skin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hairscan.lines import arc_lengths, unit
from hairscan.phantom.growth import PhantomHair
from hairscan.phantom.look import Look
from hairscan.phantom.shaft import ShaftPixels, across_share, edge_share, nearby_pixels
from hairscan.types import FloatArray, MapArray

_SHADE_RGB = np.array([62.0, 72.0, 94.0])
_GLOW_FACTOR = np.array([0.48, 0.64, 0.80])


@dataclass(frozen=True, slots=True)
class Canvas:
    """The picture while it is painted: colours, visible hair, and whose it is.

    Attributes
    ----------
    rgb : float32 array, shape (H, W, 3)
    coverage : float32 array, shape (H, W)
        Share of each pixel that visible true hair covers.
    top : int32 array, shape (H, W)
        Index of the hair that lies on top; -1 on skin.
    """

    rgb: MapArray
    coverage: MapArray
    top: NDArray[np.int32]
    um_per_px: float


def path_px(path_um: FloatArray, um_per_px: float) -> FloatArray:
    """Micrometres from the picture's corner as (x, y) px, pixel centres at integers."""
    return path_um / um_per_px - 0.5


def paint_hair(canvas: Canvas, hair: PhantomHair, index: int, rng: np.random.Generator) -> int:
    """Paint one shaft over what is there, and say how many pixels it took.

    A loose fragment hides the hair below it from the coverage.
    """
    path = path_px(hair.path_um, canvas.um_per_px)
    reach = float(hair.width_um.max() / 2 + 3 * hair.defocus_um.max()) / canvas.um_per_px + 2.0
    pixels = nearby_pixels(path, reach, canvas.coverage.shape)
    if not len(pixels.rows):
        return 0
    along_um = arc_lengths(hair.path_um)
    half = np.interp(pixels.along_px, along_um / canvas.um_per_px, hair.width_um / (2 * canvas.um_per_px))
    sharp = _shaft_share(hair, pixels, half, canvas.um_per_px, 0.0, 0.0)
    place = (pixels.rows, pixels.cols)
    before = canvas.coverage[place]
    canvas.coverage[place] = before * (1 - sharp) if hair.loose else before + sharp * (1 - before)
    solid = sharp > 0.5
    canvas.top[pixels.rows[solid], pixels.cols[solid]] = index
    seen = sharp
    if hair.defocus_um.any() or hair.root_soft_um:
        soft = np.interp(pixels.along_px, along_um / canvas.um_per_px, hair.defocus_um / canvas.um_per_px)
        seen = _shaft_share(hair, pixels, half, canvas.um_per_px, soft, hair.root_soft_um / canvas.um_per_px)
    alpha = (seen * hair.opacity)[:, None]
    canvas.rgb[place] = canvas.rgb[place] * (1 - alpha) + alpha * _shaft_colour(
        hair, pixels, half, canvas.um_per_px, rng
    )
    return int(solid.sum())


def paint_root(canvas: Canvas, hair: PhantomHair, look: Look, rng: np.random.Generator) -> None:
    """Darken the skin where the shaft shows through it behind the root, and brown it around the follicle."""
    root, second = path_px(hair.path_um[:2], canvas.um_per_px)
    backwards = unit(root - second)
    if hair.under_skin_um and look.under_skin:
        _paint_under_skin(canvas, hair, root, backwards, look.under_skin * float(rng.uniform(0.7, 1.1)))
    if look.halo:
        radius = rng.uniform(90, 260) / canvas.um_per_px
        around = nearby_pixels(np.stack([root, root + backwards * 0.3 * radius]), radius, canvas.coverage.shape)
        distance = np.hypot(around.across_px, around.along_px) / radius
        ring = np.clip(1 - distance, 0, 1) ** 0.8 * (1 + 0.25 * np.sin(distance * rng.uniform(8, 22)))
        _multiply(canvas, around, look.halo * rng.uniform(0.0, 0.9) * ring, np.array([0.85, 0.68, 0.5]))


def _paint_under_skin(
    canvas: Canvas, hair: PhantomHair, root: FloatArray, backwards: FloatArray, strength: float
) -> None:
    """A dark core that blurs with depth, in a blue-grey glow that reaches further."""
    width = float(hair.width_um[0]) / canvas.um_per_px
    length = hair.under_skin_um / canvas.um_per_px
    start = root - 0.3 * width * backwards
    pixels = nearby_pixels(
        np.stack([start, root + length * backwards]), 0.6 * length + 1.2 * width, canvas.coverage.shape
    )
    depth = np.clip(pixels.along_px / length, 0, 1)
    darkness = strength * (1.0 - float(np.mean(hair.rgb)) / 255.0)
    glow_soft = 0.4 * width + 0.16 * length * (0.3 + depth)
    glow = across_share(pixels, (0.8 + 0.5 * depth) * width, glow_soft)
    glow *= edge_share(pixels.along_px, pixels.tangent_xy, 0.6 * width) * (1 - depth) ** 0.8
    _multiply(canvas, pixels, np.clip(darkness * glow, 0, 0.9), _GLOW_FACTOR)
    core_soft = 5.0 / canvas.um_per_px + 0.08 * width + 0.16 * length * depth
    core = across_share(pixels, (0.5 + 0.3 * depth) * width, core_soft)
    core *= edge_share(pixels.along_px, pixels.tangent_xy, 0.15 * width) * np.clip(1 - 1.5 * depth, 0, 1) ** 1.2
    _multiply(canvas, pixels, np.clip(0.95 * darkness * core, 0, 0.95), _SHADE_RGB / 230.0)


def paint_cast_shadow(canvas: Canvas, hair: PhantomHair, light_xy: FloatArray, strength: float) -> None:
    """Darken the skin beside a shaft that stands off it: further and softer towards the tip."""
    coarse = np.unique(np.append(np.arange(0, len(hair.path_um), 3), len(hair.path_um) - 1))
    lift = hair.lift_um * coarse / coarse[-1] / canvas.um_per_px
    shadow_path = path_px(hair.path_um[coarse], canvas.um_per_px) + lift[:, None] * light_xy
    half = float(hair.width_um.mean()) / (2 * canvas.um_per_px)
    pixels = nearby_pixels(shadow_path, half + 4 + 0.36 * float(lift.max()), canvas.coverage.shape)
    if not len(pixels.rows):
        return
    arc = arc_lengths(shadow_path)
    soft = 1.2 + 0.12 * np.interp(pixels.along_px, arc, lift)
    share = across_share(pixels, np.full(len(pixels.rows), half), soft)
    ends = edge_share(arc[-1] - pixels.along_px, pixels.tangent_xy, 2.0) * edge_share(
        pixels.along_px, pixels.tangent_xy, 2.0
    )
    _multiply(canvas, pixels, strength * share * ends, np.array([0.55, 0.55, 0.6]))


def _shaft_share(
    hair: PhantomHair,
    pixels: ShaftPixels,
    half: FloatArray,
    um_per_px: float,
    soft: float | FloatArray,
    root_soft: float,
) -> FloatArray:
    length = float(arc_lengths(hair.path_um)[-1]) / um_per_px
    u = np.clip(pixels.across_px / np.maximum(half, 1e-6), -1, 1)
    tilt = hair.tip_slant * pixels.across_px
    fray = np.interp(u, np.linspace(-1, 1, len(hair.tip_um)), hair.tip_um / um_per_px)
    # A round end reaches as far as a blunt one of the same length on its axis.
    rounding = hair.tip_round * half * (np.sqrt(1 - u**2) - 1)
    tip = edge_share(length + tilt + fray + rounding - pixels.along_px, pixels.tangent_xy, soft)
    root = edge_share(pixels.along_px + rounding, pixels.tangent_xy, soft + root_soft)
    share: FloatArray = np.clip(across_share(pixels, half, soft) * tip * root, 0.0, 1.0)
    return share


def _shaft_colour(
    hair: PhantomHair, pixels: ShaftPixels, half: FloatArray, um_per_px: float, rng: np.random.Generator
) -> FloatArray:
    """Colour of each pixel of a shaft, shape (N, 3): a broken highlight along it, rough, paler at the cut."""
    colour = np.repeat(np.array(hair.rgb)[None], len(pixels.rows), axis=0)
    if hair.shine == 0.0:
        return colour
    u = pixels.across_px / np.maximum(half, 1e-6)
    along_um = pixels.along_px * um_per_px
    knots = rng.standard_normal(64)
    broken = np.clip(0.45 + 0.45 * np.interp(np.mod(along_um, 2300), np.arange(64) * 37.0, knots), 0.05, 1.6)
    stripe = np.exp(-(((u - rng.uniform(-0.6, 0.6) - rng.normal(0, 5e-4) * along_um) / rng.uniform(0.2, 0.5)) ** 2))
    rough = rng.standard_normal(len(u)) * 0.12 * hair.shine + 1.6 * np.interp(
        np.mod(along_um, 640), np.arange(64) * 10.0, knots
    )
    level = hair.shine * stripe * broken + rough + rng.normal(0, 5) * u
    cut = np.clip(1 - np.abs(arc_lengths(hair.path_um)[-1] - along_um) / 18.0, 0, 1)
    level += rng.uniform(0, 30) * cut
    shaded: FloatArray = colour + level[:, None] * np.array([0.92, 0.97, 1.08])
    return shaded


def _multiply(canvas: Canvas, pixels: ShaftPixels, share: FloatArray, factor: FloatArray) -> None:
    place = (pixels.rows, pixels.cols)
    canvas.rgb[place] *= 1 - share[:, None] * (1 - factor)
