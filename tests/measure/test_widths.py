from dataclasses import replace

import cv2
import numpy as np
import pytest
from scipy.special import ndtr

from hairscan.measure import measure_hairs
from hairscan.measure.readings import common_share
from hairscan.measure.summary import summarise
from hairscan.types import Hair, HairMaps, Photo

SIGMA = 1.5


def scene(*shafts, size=200, ignored=None):
    """Photo, hairs and maps of horizontal shafts given as (y, width_px)."""
    y = np.arange(size, dtype=float)
    share = np.zeros(size)
    for centre, width in shafts:
        share += ndtr((y - centre + width / 2) / SIGMA) - ndtr((y - centre - width / 2) / SIGMA)
    gray = np.rint(170 - 120 * share)
    rgb = np.repeat(np.repeat(gray[:, None], size, axis=1)[..., None], 3, axis=2).astype(np.uint8)
    coverage = np.repeat(share[:, None], size, axis=1).astype(np.float32)
    none = np.zeros((1, 1), np.float32)
    maps = HairMaps(coverage, none[None], none, none, 1.0, 3.0, (), 0.3, "cpu")
    field = np.zeros((size, size), np.uint8) if ignored is None else ignored
    hairs = [hair(k, [(15, centre + 1), (size - 15, centre + 1)]) for k, (centre, _) in enumerate(shafts)]
    return Photo("drawn", rgb, field, None, "", SIGMA), hairs, maps


def hair(number, ends):
    return Hair(number, np.linspace(*np.array(ends, dtype=float), 30), True, True, 1.0, flags=("before",))


def test_every_hair_comes_back_in_order_with_what_it_had():
    photo, hairs, maps = scene((50.3, 12.0), (120.6, 20.0))
    found = measure_hairs(photo, hairs, maps)
    assert [one.hair_id for one in found] == [0, 1]
    assert [one.width_px for one in found] == pytest.approx([12.0, 20.0], abs=0.05)
    assert all(one.flags == ("before",) and 0 < one.width_se_px < 0.5 for one in found)
    assert all(one.path_xy is given.path_xy for one, given in zip(found, hairs, strict=True))


def test_the_order_of_the_hairs_does_not_matter():
    photo, hairs, maps = scene((50.3, 12.0), (66.0, 14.0), (120.6, 20.0))
    there = measure_hairs(photo, hairs, maps)
    back = measure_hairs(photo, hairs[::-1], maps)[::-1]
    assert [one.width_px for one in there] == pytest.approx([one.width_px for one in back])


def test_touching_hairs_are_flagged_and_share_the_room():
    photo, hairs, maps = scene((90.0, 16.0), (106.0, 16.0))
    left, right = measure_hairs(photo, hairs, maps)
    for one in (left, right):
        assert "touching" in one.flags
        assert abs(one.width_px - 16.0) < 2 * one.width_se_px


def test_a_stain_all_along_a_hair_is_in_its_standard_error():
    photo, hairs, maps = scene((90.0, 16.0))
    (clean,) = measure_hairs(photo, hairs, maps)
    stained = photo.rgb.copy()
    stained[99:104] -= 30
    (beside,) = measure_hairs(replace(photo, rgb=cv2.GaussianBlur(stained, (0, 0), 1.0)), hairs, maps)
    assert abs(beside.width_px - 16.0) > 3 * clean.width_se_px
    assert abs(beside.width_px - 16.0) < 2 * beside.width_se_px


def test_what_the_profiles_of_a_hair_have_in_common_is_told_from_noise():
    rng = np.random.default_rng(0)
    hair = np.repeat([0, 1, 2], [24, 24, 1])
    misfit = rng.normal(0, 1, (len(hair), 48))
    misfit[24:48] = misfit[0] + 0.5 * misfit[24:48]
    noise, same, single = np.split(common_share(hair, misfit), [24, 48])
    assert noise.max() < 0.05
    assert 0.7 < same.min() == same.max() < 0.9
    assert single == 1.0


def test_no_hair_no_widths():
    photo, _, maps = scene((90.0, 16.0))
    assert measure_hairs(photo, [], maps) == []


@pytest.mark.parametrize(
    "path", [[(20, 150), (180, 150)], [(90, 90), (90, 90)], [(np.nan, 1), (5, 5)], [(-90, 9), (-20, 9)]]
)
def test_where_nothing_fits_the_width_is_missing_and_says_so(path):
    photo, _, maps = scene((50.0, 16.0))
    (one,) = measure_hairs(photo, [hair(0, path)], maps)
    assert np.isnan(one.width_px)
    assert np.isnan(one.width_se_px)
    assert "width-failed" in one.flags


def test_the_ignored_field_is_not_read():
    ignored = np.zeros((200, 200), np.uint8)
    ignored[:, :] = 2
    photo, hairs, maps = scene((90.0, 16.0), ignored=ignored)
    assert np.isnan(measure_hairs(photo, hairs, maps)[0].width_px)


def test_the_blur_hides_a_hair_thinner_than_itself():
    photo, hairs, maps = scene((90.0, 2.0))
    assert {"unresolved", "width-failed"} & set(measure_hairs(photo, hairs, maps)[0].flags)


def test_inputs_are_not_changed():
    photo, hairs, maps = scene((90.0, 16.0))
    for array in (photo.rgb, photo.ignored, maps.coverage, *(one.path_xy for one in hairs)):
        array.setflags(write=False)
    assert np.isfinite(measure_hairs(photo, hairs, maps)[0].width_px)


def test_the_summary_ignores_outliers_and_knows_likeness():
    rng = np.random.default_rng(0)
    arc = np.arange(24.0)
    alone = summarise(arc, 10 + rng.normal(0, 0.2, 24), np.full(24, 0.2), shared=False)
    assert alone.width_px == pytest.approx(10.0, abs=0.15)
    spoilt = 10 + rng.normal(0, 0.2, 24)
    spoilt[:4] = 30.0
    assert summarise(arc, spoilt, np.full(24, 0.2), shared=False).width_px == pytest.approx(10.0, abs=0.3)
    alike = 10 + np.repeat(rng.normal(0, 0.2, 6), 4)
    assert summarise(arc, alike, np.full(24, 0.2), shared=False).se_px > 1.3 * alone.se_px
    assert summarise(arc, alone.width_px + 0 * arc, np.full(24, 0.5), shared=True).se_px >= 0.5


def test_the_summary_reports_a_taper():
    arc = np.arange(24.0)
    assert summarise(arc, 10 - 0.1 * arc, np.full(24, 0.1), shared=False).taper == pytest.approx(-0.1)


def test_where_all_is_covered_there_is_no_skin_to_measure_against():
    photo, hairs, maps = scene((100.0, 400.0))
    (found,) = measure_hairs(photo, hairs, maps)
    assert np.isnan(found.width_px)
    assert "width-failed" in found.flags
