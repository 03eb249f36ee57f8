"""Small pictures of known content, made on the fly."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray


def _skin(height_px: int = 512, width_px: int = 640, seed: int = 0, *, hairs: int = 14) -> NDArray[np.uint8]:
    """Blotchy skin with dark oblique hairs, RGB."""
    rng = np.random.default_rng(seed)
    blotches = cv2.GaussianBlur(rng.normal(0, 1, (height_px, width_px)).astype(np.float32), (0, 0), 6)
    grain = cv2.GaussianBlur(rng.normal(0, 1, (height_px, width_px)).astype(np.float32), (0, 0), 1.2)
    tone = 1 + 0.04 * blotches / blotches.std() + 0.02 * grain / grain.std()
    picture = np.clip(tone[..., None] * np.array([196, 168, 148]), 0, 255).astype(np.uint8)
    for _ in range(hairs):
        root = rng.uniform(0.05, 0.95, 2) * [width_px, height_px]
        angle = np.pi / 4 + rng.uniform(-0.3, 0.3)
        tip = root + 90 * np.array([np.cos(angle), np.sin(angle)])
        cv2.line(picture, [int(v) for v in root], [int(v) for v in tip], (44, 38, 34), 9, cv2.LINE_AA)
    return cv2.GaussianBlur(picture, (0, 0), 1.2)


def _shafts(width_px: float, blur_px: float, noise: float = 0.0, seed: int = 0) -> NDArray[np.uint8]:
    """Straight dark shafts of one width in all directions, blurred by a known Gaussian, RGB."""
    rng = np.random.default_rng(seed)
    over = 4
    picture = np.full((480 * over, 640 * over), 170, np.uint8)
    for _ in range(24):
        middle = rng.uniform(0, 1, 2) * [640 * over, 480 * over]
        angle = rng.uniform(0, np.pi)
        reach = 130 * over * np.array([np.cos(angle), np.sin(angle)])
        ends = [[int(v) for v in middle + side * reach] for side in (-1, 1)]
        cv2.line(picture, *ends, 80, round(width_px * over))
    small = cv2.resize(picture, (640, 480), interpolation=cv2.INTER_AREA).astype(np.float32)
    blurred = cv2.GaussianBlur(small, (0, 0), blur_px) + rng.normal(0, noise, small.shape)
    return np.dstack([np.clip(np.rint(blurred), 0, 255).astype(np.uint8)] * 3)


def _jpeg(picture: NDArray[np.uint8], quality: int = 92) -> NDArray[np.uint8]:
    """The same RGB picture after JPEG."""
    encoded = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.ascontiguousarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR)[..., ::-1])


@pytest.fixture(scope="session")
def make_skin():
    """Function that gives skin with hairs, RGB."""
    return _skin


@pytest.fixture(scope="session")
def make_shafts():
    """Function that gives shafts under a known blur, RGB."""
    return _shafts


@pytest.fixture(scope="session")
def through_jpeg():
    """Function that gives a picture as JPEG returns it."""
    return _jpeg
