from dataclasses import replace
from math import pi

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hairscan.endpoints.area import CountingArea, judge_pixels, place_area
from hairscan.errors import AreaError, ScaleError
from hairscan.types import Ignored, Photo, Scale


def photo_of(width_px: int = 800, height_px: int = 600, um_per_px: float = 10.0) -> Photo:
    rgb = np.zeros((height_px, width_px, 3), np.uint8)
    return Photo("a.jpg", rgb, np.zeros((height_px, width_px), np.uint8), Scale(um_per_px, 0.1, "user"), "0" * 64, 1.0)


@pytest.mark.parametrize("text", [None, "whole", " Whole "])
def test_the_whole_picture_is_every_pixel(text):
    photo = photo_of()
    assert judge_pixels(place_area(text, photo), photo.ignored).judged == 800 * 600


def test_a_circle_has_the_area_it_was_asked_for():
    photo = photo_of()
    area = place_area("circle:0.2cm2", photo)
    assert pi * (area.width_px / 2) ** 2 * 10.0**2 / 1e8 == pytest.approx(0.2)
    # a pixelled circle of that size is within one part in a thousand of the true one
    assert judge_pixels(area, photo.ignored).judged * 1e-6 == pytest.approx(0.2, rel=1e-3)


def test_a_rectangle_has_the_sides_and_the_middle_it_was_asked_for():
    area = place_area("rect:3x2mm@400,250", photo_of())
    assert area == CountingArea("rect", 400.0, 250.0, 300.0, 200.0)


def test_pixels_that_cannot_be_judged_are_counted_by_reason():
    photo = photo_of()
    photo.ignored[:10, :] = Ignored.GLARE
    photo.ignored[-5:, :] = Ignored.BLUR
    judged = judge_pixels(place_area(None, photo), photo.ignored)
    assert judged.by_reason() == {
        "judged": 585 * 800,
        "lens": 0,
        "glare": 8000,
        "graphics": 0,
        "ink": 0,
        "blur": 4000,
    }
    assert judged.total == 800 * 600


@pytest.mark.parametrize(
    "text", ["", "circle", "circle:cm2", "circle:-1cm2", "circle:1mm2", "rect:1cm2", "rect:2x3mm@4", "1.0cm2"]
)
def test_a_malformed_area_says_how_to_write_one(text):
    with pytest.raises(AreaError, match=r"write whole, circle:1\.0cm2"):
        place_area(text, photo_of())


@pytest.mark.parametrize("text", ["circle:0cm2", "rect:0x5mm"])
def test_an_empty_area_is_refused(text):
    with pytest.raises(AreaError, match="smaller than a pixel"):
        place_area(text, photo_of())


@pytest.mark.parametrize("text", ["circle:1.0cm2", "rect:9x5mm", "circle:0.1cm2@50,300", "rect:2x2mm@799,300"])
def test_an_area_that_does_not_fit_names_the_largest_that_does_and_that_one_fits(text):
    with pytest.raises(AreaError, match="the largest that fits is") as caught:
        place_area(text, photo_of())
    largest = str(caught.value).rsplit(" ", 1)[1]
    centre = f"@{text.split('@')[1]}" if "@" in text else ""
    place_area(largest + centre, photo_of())


def test_a_middle_outside_the_picture_is_refused():
    with pytest.raises(AreaError, match="800 x 600 px"):
        place_area("circle:0.1cm2@900,300", photo_of())


def test_an_area_in_mm_needs_a_scale():
    with pytest.raises(ScaleError, match="--um-per-px"):
        place_area("circle:0.1cm2", replace(photo_of(), scale=None))


@given(st.floats(-50, 150), st.floats(-50, 150))
def test_rectangles_side_by_side_share_no_point_and_leave_none_out(x_px, y_px):
    tiles = [CountingArea("rect", cx, cy, 50.0, 50.0) for cx in (25.0, 75.0) for cy in (25.0, 75.0)]
    together = CountingArea("rect", 50.0, 50.0, 100.0, 100.0)
    point = np.array([x_px]), np.array([y_px])
    assert sum(int(tile.contains(*point)[0]) for tile in tiles) == int(together.contains(*point)[0])
