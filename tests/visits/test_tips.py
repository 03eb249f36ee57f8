from dataclasses import replace

import numpy as np
import pytest

from hairscan.phantom.shaft import across_share, edge_share, nearby_pixels
from hairscan.photo import read_photo
from hairscan.types import Hair
from hairscan.visits.tips import TIP_HIDDEN, TIP_OUTSIDE, find_tips

UM_PER_PX = 3.0
ROOT, WIDTH_PX = np.array([60.0, 100.0]), 22.0


def end_of(length_px, angle_deg):
    return ROOT + length_px * np.array([np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))])


def picture(shafts, level=60.0, noise=3.0, blur_px=1.3):
    """Shafts (root, tip) of exact area, their blur included, on noisy skin."""
    grey = np.full((260, 400), 170.0)
    for root, tip in shafts:
        path = np.array([root, tip])
        pixels = nearby_pixels(path, WIDTH_PX + 8, grey.shape)
        share = across_share(pixels, np.full(len(pixels.rows), WIDTH_PX / 2), blur_px)
        share *= edge_share(np.hypot(*(path[1] - path[0])) - pixels.along_px, pixels.tangent_xy, blur_px)
        share *= edge_share(pixels.along_px, pixels.tangent_xy, blur_px)
        place = pixels.rows, pixels.cols
        grey[place] += share * (level - grey[place])
    grey += np.random.default_rng(0).normal(0, noise, grey.shape)
    return np.repeat(np.clip(grey, 0, 255)[..., None], 3, axis=2).astype(np.uint8)


def tip_of(rgb, traced_end):
    path = np.linspace(ROOT, traced_end, 40)
    photo = read_photo(rgb, um_per_px=UM_PER_PX)
    photo = replace(photo, ignored=np.zeros_like(photo.ignored))
    return find_tips(photo, [Hair(0, path, True, True, 0.9, width_px=WIDTH_PX)], UM_PER_PX)[0]


@pytest.mark.parametrize("angle_deg", [0.0, 17.0, 31.0])
@pytest.mark.parametrize("traced_px", [-12.0, 0.0, 9.0])
def test_a_tip_is_found_within_a_third_of_a_pixel_wherever_the_trace_ends(angle_deg, traced_px):
    found = tip_of(picture([(ROOT, end_of(180.3, angle_deg))]), end_of(180.3 + traced_px, angle_deg))
    assert found.reason == ""
    assert found.along_px == pytest.approx(180.3, abs=0.35)
    np.testing.assert_allclose(found.xy, end_of(180.3, angle_deg), atol=0.5)
    assert 0.2 < found.se_px < 2.0


def test_a_hair_brighter_than_skin_has_its_tip_too():
    found = tip_of(picture([(ROOT, end_of(150.0, 20.0))], level=235.0), end_of(146.0, 20.0))
    assert found.along_px == pytest.approx(150.0, abs=0.4)


def test_a_shaft_that_runs_on_past_its_trace_has_no_tip_there():
    found = tip_of(picture([(ROOT, end_of(280.0, 10.0))]), end_of(138.0, 10.0))
    assert found.reason == TIP_HIDDEN
    assert np.isnan(found.se_px)
    assert found.along_px == pytest.approx(138.0, abs=1.0)


def test_where_glare_begins_is_no_tip():
    rgb = picture([(ROOT, end_of(250.0, 0.0))])
    rgb[:, 200:290] = 250
    assert tip_of(rgb, end_of(135.0, 0.0)).reason == TIP_HIDDEN


def test_a_shaft_that_leaves_the_picture_has_its_tip_outside():
    found = tip_of(picture([(ROOT, end_of(500.0, 0.0))]), end_of(338.0, 0.0))
    assert found.reason == TIP_OUTSIDE
    assert found.along_px == pytest.approx(338.0, abs=1.0)


def test_where_the_trace_runs_on_without_a_shaft_only_the_shaft_is_surely_shown():
    found = tip_of(picture([(ROOT, end_of(150.0, 0.0))]), end_of(240.0, 0.0))
    assert found.reason == TIP_HIDDEN
    assert found.along_px == pytest.approx(150.0, abs=3.0)


def test_no_shaft_has_no_tip():
    found = tip_of(picture([]), end_of(150.0, 0.0))
    assert (found.reason, found.along_px) == (TIP_HIDDEN, 0.0)
