import numpy as np
import pytest

from hairscan.phantom.shaft import render_shaft

CONTRAST = 120.0


def integrated_width_px(shaft) -> float:
    """Width from the integral of the contrast over whole columns or rows, times the cosine of the tilt."""
    share = (170.0 - shaft.gray.astype(float)) / CONTRAST
    direction = np.diff(shaft.path_xy, axis=0)[0]
    direction /= np.hypot(*direction)
    steep = abs(direction[1]) > abs(direction[0])
    sums = share.sum(axis=1 if steep else 0)
    middle = slice(len(sums) // 2 - 10, len(sums) // 2 + 11)
    return float(sums[middle].mean() * max(abs(direction)))


@pytest.mark.parametrize("psf_sigma_px", [0.0, 0.8, 2.0])
@pytest.mark.parametrize("width_um", [3.0, 12.0, 40.0, 75.0, 120.0])
def test_contrast_across_the_shaft_is_its_width_at_any_angle(width_um, psf_sigma_px):
    widths = [
        integrated_width_px(
            render_shaft(
                width_um,
                5.0,
                angle_deg,
                psf_sigma_px=psf_sigma_px,
                size_px=160,
                offset_px=(0.37, -0.21),
                contrast=CONTRAST,
            )
        )
        for angle_deg in np.linspace(0, 360, 25)
    ]
    assert np.abs(np.array(widths) - width_um / 5.0).max() < 0.02


def test_the_path_passes_where_asked():
    shaft = render_shaft(40, 4.0, 0, psf_sigma_px=1.0, size_px=101, offset_px=(0.0, 3.25), contrast=CONTRAST)
    weights = 170.0 - shaft.gray[:, 50].astype(float)
    assert (weights * np.arange(101)).sum() / weights.sum() == pytest.approx(53.25, abs=1e-3)
    np.testing.assert_allclose(shaft.path_xy[:, 1], 53.25)


def test_noise_needs_a_generator_and_repeats_with_it():
    first, second = (
        render_shaft(40, 4.0, 30, psf_sigma_px=1.0, noise_sd=3.0, rng=np.random.default_rng(4)).gray for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)
    with pytest.raises(ValueError, match="rng"):
        render_shaft(40, 4.0, 30, psf_sigma_px=1.0, noise_sd=3.0)


def test_rgb_is_the_rounded_picture():
    shaft = render_shaft(40, 4.0, 30, psf_sigma_px=1.0)
    assert shaft.rgb.shape == (128, 128, 3)
    assert np.abs(shaft.rgb[..., 0] - shaft.gray).max() <= 0.5
