"""A photograph taken again: moved, turned, tilted, another zoom, other light, blur, noise and JPEG."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from hairscan.lines import rotation
from hairscan.phantom.camera import blur, compress
from hairscan.types import FloatArray, RgbImage

MOST_TURN_DEG = 10.0
MOST_SHIFT_SHARE = 0.15
MOST_ZOOM_SHARE = 0.05
MOST_TILT_SHARE = 0.015
"""Share of the picture's sides by which a tilt moves each corner, at most."""


@dataclass(frozen=True, slots=True)
class Retake:
    """How the second picture differs from the first.

    Attributes
    ----------
    matrix : float array, shape (3, 3)
        Homography from px of the first picture to px of the second.
    """

    matrix: FloatArray
    gamma: float
    gain_rgb: tuple[float, float, float]
    blur_px: float
    noise_sd: float
    jpeg_quality: int


def draw_retake(rng: np.random.Generator, width_px: int, height_px: int) -> Retake:
    """Chance retake of a picture of that size, uniformly within the ranges of this module."""
    size = np.array([width_px, height_px], np.float64)
    middle = (size - 1.0) / 2.0
    turn = np.deg2rad(rng.uniform(-MOST_TURN_DEG, MOST_TURN_DEG))
    zoom = 1.0 + rng.uniform(-MOST_ZOOM_SHARE, MOST_ZOOM_SHARE)
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float64) * (size - 1.0)
    moved = (corners - middle) @ (zoom * rotation(turn)).T + middle
    moved += rng.uniform(-MOST_SHIFT_SHARE, MOST_SHIFT_SHARE, 2) * size
    moved += rng.uniform(-MOST_TILT_SHARE, MOST_TILT_SHARE, (4, 2)) * size
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), moved.astype(np.float32))
    gains = rng.uniform(0.92, 1.08, 3)
    return Retake(
        matrix=np.asarray(matrix, np.float64),
        gamma=float(np.exp(rng.uniform(-0.22, 0.22))),
        gain_rgb=(float(gains[0]), float(gains[1]), float(gains[2])),
        blur_px=float(rng.uniform(0.0, 1.5)),
        noise_sd=float(rng.uniform(0.0, 4.0)),
        jpeg_quality=int(rng.integers(70, 96)),
    )


def retake(
    picture: RgbImage, origin_xy: tuple[int, int], size_px: tuple[int, int], how: Retake, rng: np.random.Generator
) -> RgbImage:
    """The window of a larger picture as it is photographed again.

    Parameters
    ----------
    origin_xy : tuple of int
        Left and top of the window that the first picture showed.
    size_px : tuple of int
        Width and height of the window, and of what is returned.
    """
    to_window = np.array([[1, 0, -origin_xy[0]], [0, 1, -origin_xy[1]], [0, 0, 1]], np.float64)
    moved = cv2.warpPerspective(
        picture, how.matrix @ to_window, size_px, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    light = (moved.astype(np.float32) / 255.0) ** how.gamma * np.array(how.gain_rgb, np.float32) * 255.0
    seen = blur(light, how.blur_px) + how.noise_sd * rng.standard_normal(light.shape, dtype=np.float32)
    return compress(np.clip(np.rint(seen), 0, 255).astype(np.uint8), how.jpeg_quality)
