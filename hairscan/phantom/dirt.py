"""What lies on or over the scalp and is no hair: ink, flakes, oil bubbles, glare."""

from __future__ import annotations

import numpy as np

from hairscan.phantom.look import Look
from hairscan.phantom.skin import smooth_noise
from hairscan.types import FloatArray, Ignored, LabelImage, MapArray

_INKS = ((70.0, 82.0, 190.0), (104.0, 70.0, 176.0), (52.0, 60.0, 150.0))


def paint_ink(rgb: MapArray, ignored: LabelImage, um_per_px: float, look: Look, rng: np.random.Generator) -> None:
    """Stain the skin with marker ink that has collected in its furrows; the stain is not judged."""
    shape = rgb.shape[:2]
    for _ in range(look.ink):
        distance = _distance_from(rng.uniform(-0.1, 1.1, 2) * shape[::-1], shape) * um_per_px / rng.uniform(350, 1100)
        ragged = (
            1.2
            - distance
            + 0.45 * smooth_noise(shape, 170 / um_per_px, rng)
            + 0.3 * smooth_noise(shape, 35 / um_per_px, rng)
        )
        speckled = 0.55 + 0.45 * np.clip(smooth_noise(shape, 14 / um_per_px, rng), -1, 1)
        strength = np.clip(0.9 * ragged, 0, 1) ** 1.5 * speckled * rng.uniform(0.35, 0.85)
        tone = np.array(_INKS[int(rng.integers(len(_INKS)))], dtype=np.float32)
        rgb *= 1 - strength[..., None] * (1 - tone / 200.0)
        ignored[strength > 0.12] = Ignored.INK


def paint_flakes(rgb: MapArray, um_per_px: float, look: Look, rng: np.random.Generator) -> MapArray:
    """Lay pale skin flakes over skin and hair; returns their opacity, shape (H, W)."""
    shape = rgb.shape[:2]
    hidden = np.zeros(shape, dtype=np.float32)
    for _ in range(look.flakes):
        centre = rng.uniform(0, 1, 2) * shape[::-1]
        radius = rng.uniform(10, 55) / um_per_px
        window = _window(centre, 1.8 * radius, shape)
        patch = rgb[window]
        if not patch.size:
            continue
        distance = _distance_from(centre, shape, window) / radius
        ragged = 1.0 - distance + 0.5 * smooth_noise(patch.shape[:2], max(0.5 * radius, 1.5), rng)
        opacity = np.clip(ragged * 3, 0, 1) * rng.uniform(0.25, 0.75)
        tone = np.array([205.0, 208.0, 205.0]) * rng.uniform(0.8, 1.1) * np.array([1, 1, rng.uniform(0.8, 1.1)])
        patch += opacity[..., None] * (tone.astype(np.float32) - patch)
        hidden[window] = np.maximum(hidden[window], opacity)
    return hidden


def paint_bubbles(rgb: MapArray, ignored: LabelImage, um_per_px: float, look: Look, rng: np.random.Generator) -> None:
    """Float oil bubbles over the picture: a dark ring with a bright one inside and a window of light."""
    shape = rgb.shape[:2]
    for _ in range(look.bubbles):
        centre = rng.uniform(0, 1, 2) * shape[::-1]
        radius = rng.uniform(60, 420) / um_per_px
        window = _window(centre, radius + 12, shape)
        if not rgb[window].size:
            continue
        distance = _distance_from(centre, shape, window)
        edge = max(16 / um_per_px, 1.2)
        dark = np.exp(-(((distance - radius) / edge) ** 2))
        bright = np.exp(-(((distance - radius + 2.2 * edge) / edge) ** 2))
        spot_xy = centre + radius * rng.uniform(0.3, 0.6) * _unit(rng)
        spot = np.clip(1.6 - _distance_from(spot_xy, shape, window) / (0.14 * radius), 0, 1)
        rgb[window] *= (1 - 0.6 * dark)[..., None]
        rgb[window] += (70 * bright + 150 * spot)[..., None].astype(np.float32)
        ignored[window][(distance < radius + edge) & (distance > radius - 4 * edge)] = Ignored.GLARE
        ignored[window][spot > 0.2] = Ignored.GLARE


def paint_glare(rgb: MapArray, ignored: LabelImage, um_per_px: float, look: Look, rng: np.random.Generator) -> None:
    """Burn patches of the picture out to white; what is burnt out is not judged."""
    shape = rgb.shape[:2]
    for _ in range(look.glare):
        distance = _distance_from(rng.uniform(0, 1, 2) * shape[::-1], shape) * um_per_px / rng.uniform(70, 420)
        ragged = (
            1.0
            - distance
            + 0.5 * smooth_noise(shape, 110 / um_per_px, rng)
            + 0.25 * smooth_noise(shape, 30 / um_per_px, rng)
        )
        strength = np.clip(1.5 * ragged, 0, 1)
        rgb += strength[..., None] * (np.array([262.0, 262.0, 268.0], dtype=np.float32) - rgb)
        ignored[strength > 0.4] = Ignored.GLARE


def _distance_from(
    centre_xy: FloatArray, shape: tuple[int, int], window: tuple[slice, slice] | None = None
) -> MapArray:
    rows, cols = window if window is not None else (slice(0, shape[0]), slice(0, shape[1]))
    dx = np.arange(cols.start, cols.stop, dtype=np.float32) - np.float32(centre_xy[0])
    dy = np.arange(rows.start, rows.stop, dtype=np.float32) - np.float32(centre_xy[1])
    return np.hypot(dx[None, :], dy[:, None])


def _window(centre_xy: FloatArray, reach: float, shape: tuple[int, int]) -> tuple[slice, slice]:
    low = np.maximum(np.floor(centre_xy - reach).astype(int), 0)
    high = np.minimum(np.ceil(centre_xy + reach).astype(int) + 1, shape[::-1])
    return slice(int(low[1]), int(max(high[1], low[1]))), slice(int(low[0]), int(max(high[0], low[0])))


def _unit(rng: np.random.Generator) -> FloatArray:
    angle = rng.uniform(0, 2 * np.pi)
    return np.array([np.cos(angle), np.sin(angle)])
