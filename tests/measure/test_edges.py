import numpy as np
import pytest
from scipy.special import ndtr

from hairscan.measure.edges import fit_edges
from hairscan.measure.model import Grid, Profiles, shaft_model, start_state


def profiles(edges, sigma_px=1.5, start_off_px=0.0, count=3, shiny=False, noise=0.0):
    """Profiles of shafts with the given (left, right) edges, on a grid that reaches 12 px beyond them."""
    x = np.arange(edges[0][0] - 12.0, edges[-1][1] + 12.0, 0.7)
    level = sum(ndtr((x - left) / sigma_px) - ndtr((x - right) / sigma_px) for left, right in edges)
    level = np.repeat((level + 0.02 + 0.003 * x)[None], count, axis=0)
    level = level + np.random.default_rng(1).normal(0, noise, level.shape)
    start = np.repeat(np.array(edges, dtype=float)[None], count, axis=0) + np.array([-1, 1]) * start_off_px
    x = np.repeat(x[None], count, axis=0)
    return Profiles(x, level, np.ones_like(level), start, np.full(count, shiny))


def test_edges_are_found_from_a_start_two_px_off():
    fit = fit_edges(profiles([(-6.2, 7.1)], start_off_px=2.0), np.full(3, 1.5))
    assert fit.width_px == pytest.approx(13.3, abs=0.01)
    assert fit.centre_px == pytest.approx(0.45, abs=0.01)
    assert np.isinf(fit.gap_px).all()


def test_a_pair_is_separated_by_the_skin_between():
    fit = fit_edges(profiles([(-6.0, 6.0), (9.0, 18.0)], start_off_px=0.5), np.full(3, 1.5))
    assert fit.width_px == pytest.approx(12.0, abs=0.05)
    assert fit.gap_px == pytest.approx(3.0, abs=0.05)


def test_a_free_blur_is_found():
    fit = fit_edges(profiles([(-8.0, 8.0)], sigma_px=2.2), np.full(3, 1.5), free_sigma=True)
    assert fit.sigma_px == pytest.approx(2.2, abs=0.02)


def test_the_standard_error_follows_the_noise():
    quiet, loud = (
        fit_edges(profiles([(-8.0, 8.0)], noise=noise, count=200), np.full(200, 1.5)) for noise in (0.02, 0.06)
    )
    assert np.median(loud.width_se_px / quiet.width_se_px) == pytest.approx(3.0, rel=0.2)
    assert loud.width_px.std() == pytest.approx(np.median(loud.width_se_px), rel=0.4)


def test_a_profile_without_weight_does_not_disturb_the_others():
    given = profiles([(-6.0, 6.0)])
    given.weight[1] = 0.0
    fit = fit_edges(given, np.full(3, 1.5))
    assert fit.width_px[[0, 2]] == pytest.approx(12.0, abs=0.01)


def test_derivatives_are_the_slopes_of_the_model():
    given = profiles([(-6.0, 6.0), (8.0, 15.0)], shiny=True)
    state = start_state(given, np.full(3, 1.5), True)
    state[:, [2, 3, 4, 9]] += [0.1, -0.1, -0.3, 0.2]
    grid = Grid.of(given, np.full(3, 1.5))
    _, jacobian = shaft_model(grid, state, np.full(3, 1.5), True)
    for k in range(state.shape[1] - 1):
        before, after = state.copy(), state.copy()
        before[:, k] -= 5e-3
        after[:, k] += 5e-3
        rise = shaft_model(grid, after, np.full(3, 1.5), True)[0] - shaft_model(grid, before, np.full(3, 1.5), True)[0]
        slope = rise / 1e-2
        assert slope == pytest.approx(jacobian[:, k], abs=1e-4)


def test_the_model_is_a_blurred_box_to_a_millionth():
    given = profiles([(-6.0, 6.0)])
    value, _ = shaft_model(
        Grid.of(given, np.full(3, 1.5)), start_state(given, np.full(3, 1.5), False), np.full(3, 1.5), False
    )
    x = given.offset_px
    assert value == pytest.approx(ndtr((x + 6.0) / 1.5) - ndtr((x - 6.0) / 1.5), abs=1e-6)
