"""What optics, sensor and file format make of a painted picture."""

from __future__ import annotations

import cv2
import numpy as np

from hairscan.phantom.look import Look
from hairscan.types import Ignored, LabelImage, MapArray, RgbImage

_LENS_EDGE_PX = 6.0


def expose(rgb: MapArray, ignored: LabelImage, look: Look, rng: np.random.Generator) -> RgbImage:
    """Return the picture that reaches the sensor: blurred, shaded to its corners, white-balanced, noisy, 8 bit.

    Parameters
    ----------
    ignored : uint8 array, shape (H, W)
        Gains the dark outside of the lens.
    """
    picture = blur(rgb, look.psf_sigma_px)
    radius2 = _relative_radius(picture.shape[:2]) ** 2
    if look.corner_blur_px:
        share = np.clip(1.6 * radius2 - 0.5, 0, 1)[..., None]
        picture = picture * (1 - share) + share * blur(picture, look.corner_blur_px)
    light = np.clip(1 - look.vignette * _relative_radius(picture.shape[:2], look.light_xy) ** 2, 0.1, 1)
    if look.lens_radius:
        half_diagonal = np.hypot(*picture.shape[:2]) / 2
        inside_px = (look.lens_radius - np.sqrt(radius2)) * half_diagonal
        light = light * np.clip(0.5 + inside_px / (2 * _LENS_EDGE_PX), 0.02, 1)
        ignored[inside_px < _LENS_EDGE_PX] = Ignored.LENS
    picture = picture * (light[..., None] * np.array(look.gain_rgb, dtype=np.float32))
    if look.noise_sd:
        level = np.sqrt(np.clip(picture, 0, 255) / 128.0) * 0.8 + 0.2
        picture = picture + look.noise_sd * level * _grain(
            (picture.shape[0], picture.shape[1]), look.noise_grain_px, rng
        )
    exposed: RgbImage = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    return exposed


def compress(rgb: RgbImage, quality: int) -> RgbImage:
    """Return the picture after a JPEG file of this quality; unchanged for 0."""
    if not quality:
        return rgb
    _, data = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded: RgbImage = cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    return decoded


def blur(rgb: MapArray, sigma_px: float) -> MapArray:
    """Gaussian blur whose kernel keeps the sum of the picture; unchanged for 0."""
    if sigma_px <= 0:
        return rgb
    side = 2 * int(np.ceil(4 * sigma_px)) + 1
    blurred: MapArray = cv2.GaussianBlur(rgb, (side, side), sigma_px, borderType=cv2.BORDER_REFLECT)
    return blurred


def _relative_radius(shape: tuple[int, ...], centre_xy: tuple[float, float] = (0.0, 0.0)) -> MapArray:
    """Distance from a centre, given in half sides from the middle, as a share of the half diagonal, shape (H, W)."""
    y = np.arange(shape[0], dtype=np.float32)[:, None] - np.float32((1 + centre_xy[1]) * (shape[0] - 1) / 2)
    x = np.arange(shape[1], dtype=np.float32)[None, :] - np.float32((1 + centre_xy[0]) * (shape[1] - 1) / 2)
    radius: MapArray = np.hypot(x, y) / np.float32(max(np.hypot(shape[0], shape[1]) / 2, 1.0))
    return radius


def _grain(shape: tuple[int, int], grain_px: float, rng: np.random.Generator) -> MapArray:
    if grain_px <= 1:
        return rng.standard_normal((*shape, 3), dtype=np.float32)
    small = rng.standard_normal(
        (int(np.ceil(shape[0] / grain_px)), int(np.ceil(shape[1] / grain_px)), 3), dtype=np.float32
    )
    grown: MapArray = cv2.resize(small, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
    return grown * np.float32(1.5)
