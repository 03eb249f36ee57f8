import cv2
import numpy as np
import pytest

from hairscan.photo import read_photo
from hairscan.photo.focus import Edges, find_blurred, find_edges, is_out_of_focus, psf_sigma_px


@pytest.mark.parametrize("blur_px", [0.7, 1.0, 1.5, 2.0, 3.0, 4.0])
def test_blur_of_known_edges(make_shafts, blur_px):
    assert psf_sigma_px(find_edges(make_shafts(24, blur_px))) == pytest.approx(blur_px, rel=0.12)


@pytest.mark.parametrize("blur_px", [1.0, 2.0, 3.0])
def test_blur_of_known_edges_under_noise(make_shafts, blur_px):
    assert psf_sigma_px(find_edges(make_shafts(24, blur_px, noise=3.0))) == pytest.approx(blur_px, rel=0.15)


def test_no_edge_no_answer():
    smooth = np.full((300, 300, 3), 120, np.uint8)
    smooth[..., 1] += np.linspace(0, 60, 300).astype(np.uint8)
    assert np.isnan(psf_sigma_px(find_edges(smooth)))


def test_out_of_focus_is_a_flag_and_no_error(make_shafts):
    assert "out-of-focus" in read_photo(make_shafts(40, 11.0)).flags
    assert "out-of-focus" not in read_photo(make_shafts(40, 1.5)).flags
    assert is_out_of_focus(4.0, 10.0)
    assert not is_out_of_focus(4.0, 2.78)
    assert not is_out_of_focus(float("nan"), None)


def test_a_blurred_side_is_a_zone_and_a_sharp_photo_has_none(make_shafts):
    sharp = make_shafts(12, 1.0)
    edges = find_edges(sharp)
    assert not find_blurred(edges, psf_sigma_px(edges), sharp.shape[:2]).any()
    half = sharp.copy()
    half[:, 320:] = cv2.GaussianBlur(sharp, (0, 0), 9)[:, 320:]
    edges = find_edges(half)
    zone = find_blurred(edges, psf_sigma_px(edges), half.shape[:2])
    assert zone[:, 384:].mean() > 0.2
    assert zone[:, :280].mean() == 0


def _edges(blur_px):
    """Ten edges in every block of 96 px, under the blur of the block; none where it is NaN."""
    rows, columns = np.nonzero(np.isfinite(blur_px))
    sigmas = np.repeat(blur_px[rows, columns], 10)
    xy = np.repeat(np.column_stack([columns, rows]) * 96.0 + 48.0, 10, axis=0)
    return Edges(xy, np.full(len(xy), 20.0), np.tile(sigmas, (3, 1)), 96)


def test_a_few_soft_blocks_are_no_zone():
    blur_px = np.full((10, 10), 1.0)
    blur_px[3:6, 3:6] = 9.0
    assert not find_blurred(_edges(blur_px), 1.0, (960, 960)).any()
    blur_px[3:6, 6] = 9.0
    assert find_blurred(_edges(blur_px), 1.0, (960, 960)).mean() == 0.12


def test_blocks_without_edges_join_those_of_a_zone_and_stay_judged():
    blur_px = np.full((10, 10), 1.0)
    blur_px[2:8, [6, 8]], blur_px[2:8, 7] = 9.0, np.nan
    zone = find_blurred(_edges(blur_px), 1.0, (960, 960))
    assert zone.mean() == 0.12
    assert not zone[:, 7 * 96 : 8 * 96].any()
    blur_px[2:8, 7] = 1.0
    assert not find_blurred(_edges(blur_px), 1.0, (960, 960)).any()
