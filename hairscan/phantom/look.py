"""How a phantom is photographed: skin, light, dirt, burnt-in graphics, optics and sensor of one picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Rgb = tuple[float, float, float]

FITZPATRICK_RGB: tuple[Rgb, ...] = (
    (226, 200, 188),
    (214, 178, 158),
    (192, 152, 126),
    (160, 116, 90),
    (116, 80, 60),
    (78, 56, 46),
)
"""Skin of type I to VI as a close-up under white light shows it, 8 bit RGB."""

_VIDEO_MICROSCOPE_RGB: tuple[Rgb, ...] = (
    (142, 142, 150),
    (138, 140, 130),
    (154, 146, 124),
    (126, 138, 176),
    (136, 143, 190),
    (152, 149, 145),
    (158, 154, 158),
    (150, 134, 128),
)
_PHONE_RGB: tuple[Rgb, ...] = ((206, 170, 162), (178, 192, 182), (188, 202, 196), (216, 190, 184), (205, 152, 128))


@dataclass(frozen=True, slots=True)
class Look:
    """Everything in one picture that is not a hair. The defaults are flat skin through a perfect camera.

    Attributes
    ----------
    skin_rgb, sheen_rgb : (float, float, float)
        Skin, and what its highlights add at full strength, 8 bit levels.
    mottle, tint, lines, speckle, grain : float
        Strength in grey levels of: broad brightness patches, yellow to blue patches, fine skin lines,
        bright speckle, fine roughness.
    vessels : float
        Strength of reddish vessels, grey levels.
    halo : float
        Strength of the brown ring around follicles, 0 to 1.
    under_skin : float
        Darkness of the shaft seen through the skin behind its root, 0 to 1.
    glare, bubbles, ink, flakes : int
        Number of saturated patches, oil bubbles, ink stains and skin flakes.
    graphics : tuple of str
        Burnt-in overlays: any of `hairscan.phantom.graphics.OVERLAYS`.
    psf_sigma_px, corner_blur_px : float
        Blur of the optics, and the further blur that the corners have.
    noise_sd : float
        Sensor noise on mid grey, levels; it grows with the square root of the level.
    noise_grain_px : float
        Size of the noise grain, px; 1 is white noise, 2 an enlarged picture.
    vignette : float
        Loss of light at one half diagonal from the light's centre, 0 to 1.
    light_xy : (float, float)
        The light's centre, half sides of the picture from its middle: (1, 1) is the lower right corner.
    lens_radius : float
        Radius of the dark lens edge as a share of the half diagonal; 0 for none.
    jpeg_quality : int
        JPEG quality 1 to 100; 0 for no compression.
    """

    skin_rgb: Rgb = (170.0, 170.0, 170.0)
    sheen_rgb: Rgb = (60.0, 66.0, 90.0)
    mottle: float = 0.0
    tint: float = 0.0
    lines: float = 0.0
    lines_angle_deg: float = 0.0
    speckle: float = 0.0
    grain: float = 0.0
    vessels: float = 0.0
    halo: float = 0.0
    under_skin: float = 0.0
    glare: int = 0
    bubbles: int = 0
    ink: int = 0
    flakes: int = 0
    graphics: tuple[str, ...] = ()
    psf_sigma_px: float = 0.0
    corner_blur_px: float = 0.0
    noise_sd: float = 0.0
    noise_grain_px: float = 1.0
    vignette: float = 0.0
    light_xy: tuple[float, float] = (0.0, 0.0)
    lens_radius: float = 0.0
    gain_rgb: Rgb = (1.0, 1.0, 1.0)
    jpeg_quality: int = 0


PLAIN = Look()
"""Flat grey skin, no blur, no noise: for gates on the truth itself."""


def sample_look(kind: str, um_per_px: float, rng: np.random.Generator) -> Look:
    """Draw a plausible picture for a kind of scene, every nuisance at random.

    Parameters
    ----------
    kind : str
        One of `hairscan.phantom.scene.KINDS`; long hair is mostly seen through a phone.
    """
    phone = rng.random() < {"long": 0.85, "light": 0.5, "vellus": 0.3}.get(kind, 0.1)
    skin_rgb = _sample_skin(phone, kind, rng)
    brightness = float(np.mean(skin_rgb)) / 150.0
    blue = float(rng.uniform(0.0, 1.0))
    return Look(
        skin_rgb=skin_rgb,
        sheen_rgb=(45.0 + 20 * (1 - blue), 58.0 + 10 * (1 - blue), 66.0 + 30 * blue),
        mottle=float(rng.gamma(3.0, 2.2)) * brightness,
        tint=float(rng.gamma(2.0, 2.5)) * brightness * (0.4 if phone else 1.0),
        lines=float(rng.gamma(2.0, 2.2)) * brightness,
        lines_angle_deg=float(rng.uniform(0, 180)),
        speckle=float(rng.gamma(3.0, 5.5)) * (0.4 if phone else 1.0),
        grain=float(rng.uniform(0.5, 4.0)) * brightness,
        vessels=float(rng.gamma(1.0, 6.0)) * brightness,
        halo=float(rng.choice(np.array([0.0, rng.uniform(0.1, 0.6)]))),
        under_skin=float(rng.uniform(0.35, 1.0)) * (0.7 if phone else 1.0),
        glare=int(rng.poisson(0.35)),
        bubbles=int(rng.poisson(0.25)),
        ink=int(rng.random() < 0.12) * int(rng.integers(1, 4)),
        flakes=int(rng.integers(2, 16)) if rng.random() < 0.33 else 0,
        graphics=_sample_graphics(phone, rng),
        psf_sigma_px=_sample_blur(um_per_px, rng),
        corner_blur_px=float(rng.choice([0.0, 0.0, rng.uniform(0.8, 3.0)])),
        noise_sd=float(rng.uniform(0.6, 4.0)),
        noise_grain_px=float(rng.choice([1.0, 2.0])),
        vignette=float(rng.uniform(0.0, 0.35)),
        light_xy=(float(rng.uniform(-1, 1)), float(rng.uniform(-1, 1))),
        lens_radius=float(rng.uniform(0.72, 0.98)) if rng.random() < 0.06 else 0.0,
        gain_rgb=_sample_gain(rng),
        jpeg_quality=int(rng.integers(60, 96)),
    )


def _sample_skin(phone: bool, kind: str, rng: np.random.Generator) -> Rgb:
    tones = _PHONE_RGB if phone else _VIDEO_MICROSCOPE_RGB
    if rng.random() < 0.22:
        tones = FITZPATRICK_RGB[:3] if kind == "light" else FITZPATRICK_RGB
    tone = np.array(tones[int(rng.integers(len(tones)))]) * rng.uniform(0.92, 1.08) + rng.normal(0, 4, 3)
    return float(tone[0]), float(tone[1]), float(tone[2])


def _sample_blur(um_per_px: float, rng: np.random.Generator) -> float:
    blur_um = rng.uniform(2.0, 6.5)
    if rng.random() < 0.1:
        blur_um += rng.uniform(2.0, 9.0)
    return float(np.hypot(0.5, blur_um / um_per_px))


def _sample_gain(rng: np.random.Generator) -> Rgb:
    red, green, blue = np.exp(rng.normal(0.0, (0.035, 0.015, 0.04)))
    return float(red), float(green), float(blue)


def _sample_graphics(phone: bool, rng: np.random.Generator) -> tuple[str, ...]:
    if phone:
        return ("ruler",) if rng.random() < 0.06 else ()
    chances = {"header": 0.25, "footer": 0.2, "scale_bar": 0.25, "circle": 0.3, "text_box": 0.15, "ruler": 0.05}
    return tuple(name for name, chance in chances.items() if rng.random() < chance)
