from dataclasses import replace

import numpy as np
import pytest

from hairscan.endpoints.area import place_area
from hairscan.endpoints.result import RunInfo, photo_result
from hairscan.report.legend import ascii_text
from hairscan.report.marks import MARKS, marks_with_counts
from hairscan.report.overlay import draw_overlay
from hairscan.types import Hair, Ignored, Photo, Scale

RUN = RunInfo(hairscan_version="0", model_name="m", model_sha256="f" * 64, device="cpu")
SKIN = (205, 170, 150)


def photo_of(width_px=1400, height_px=700, um_per_px=5.0):
    rgb = np.full((height_px, width_px, 3), SKIN, np.uint8)
    scale = None if um_per_px is None else Scale(um_per_px, 0.05, "user")
    return Photo("ä.jpg", rgb, np.zeros((height_px, width_px), np.uint8), scale, "0" * 64, 1.2)


def hair_at(hair_id, y_px, width_px, root_x_px=300.0, **fields):
    path_xy = np.column_stack([np.linspace(root_x_px, root_x_px + 200, 50), np.full(50, float(y_px))])
    return Hair(hair_id, path_xy, fields.pop("root_seen", True), True, 0.9, width_px, 0.2, **fields)


def drawn(photo, hairs, area=None):
    result = photo_result(photo, hairs, place_area(area, photo), RUN)
    return draw_overlay(photo, result), result


def reddest(rgb, colour):
    """Number of pixels nearer to a colour than 40 grey levels."""
    return int((np.abs(rgb.astype(int) - colour).max(axis=-1) < 40).sum())


def test_the_edges_are_drawn_at_the_measured_width_in_the_colour_of_the_class():
    picture, _ = drawn(photo_of(), [hair_at(0, 200, 20.0), hair_at(1, 400, 4.0)])
    terminal, vellus = (np.array(MARKS[kind].rgb) for kind in ("terminal", "vellus"))
    column = picture[:700, 400].astype(int)
    for colour, edges_px in ((terminal, (190, 210)), (vellus, (398, 402))):
        near = np.flatnonzero(np.abs(column - colour).max(axis=-1) < 60)
        assert near.min() == pytest.approx(edges_px[0], abs=1.5)
        assert near.max() == pytest.approx(edges_px[1], abs=1.5)


def test_the_picture_above_the_legend_keeps_the_photographs_place_and_size():
    picture, _ = drawn(photo_of(), [])
    assert picture.shape[1] == 1400
    assert picture.shape[0] > 700
    assert (picture[:700] == SKIN).all()


@pytest.mark.parametrize(
    ("size", "long_px"), [((200, 100), 1400), ((1500, 800), 1500), ((6000, 1000), 2800), ((300, 1200), 1400)]
)
def test_small_photographs_are_enlarged_and_large_ones_reduced(size, long_px):
    photo = photo_of(*size)
    photo.rgb[-1] = 0
    picture, _ = drawn(photo, [])
    height_px = round(size[1] * long_px / max(size))
    assert picture.shape[1] == max(900, round(size[0] * long_px / max(size)))
    assert picture[height_px - 1, 0].max() < 0.7 * max(SKIN) < picture[height_px, 0].min()


def test_a_hair_that_is_not_counted_is_drawn_as_such():
    _, result = drawn(photo_of(), [hair_at(0, 350, 20.0, 10.0)], "circle:0.02cm2")
    assert marks_with_counts(result.hairs) == {"terminal": 0, "vellus": 0, "unmeasured": 0, "not-counted": 1}


def test_without_a_scale_there_are_no_classes():
    _, result = drawn(photo_of(um_per_px=None), [hair_at(0, 200, 20.0), hair_at(1, 400, np.nan)])
    assert marks_with_counts(result.hairs) == {"measured": 1, "unmeasured": 1, "not-counted": 0}


def test_a_seen_root_is_a_dot_and_a_hidden_one_a_ring():
    photo = photo_of()
    seen, _ = drawn(photo, [hair_at(0, 200, np.nan)])
    hidden, _ = drawn(photo, [hair_at(0, 200, np.nan, root_seen=False)])
    around = np.s_[192:209, 292:300]
    colour = MARKS["unmeasured"].rgb
    assert reddest(seen[around], colour) > reddest(hidden[around], colour) > 0


def test_ignored_zones_are_hatched_and_the_outside_of_the_area_is_dimmed():
    photo = photo_of()
    photo.ignored[300:400, 650:750] = Ignored.GLARE
    picture, _ = drawn(photo, [], "circle:0.05cm2")
    zone = picture[320:380, 670:730].astype(int).sum(axis=-1)
    assert zone.min() < 100
    assert zone.max() == sum(SKIN)
    assert picture[20, 20].max() < 0.6 * max(SKIN)


def test_drawing_changes_neither_the_photograph_nor_the_result():
    photo = photo_of()
    photo.rgb.flags.writeable = False
    before = photo.rgb.copy()
    first, result = drawn(photo, [hair_at(0, 200, 20.0)])
    assert (photo.rgb == before).all()
    assert (draw_overlay(photo, result) == first).all()


def test_every_flag_and_a_hair_of_two_points_can_be_drawn():
    photo = replace(photo_of(200, 120), flags=("out-of-focus", "low-contrast", "unheard-of"))
    hair = Hair(0, np.array([[10.0, 10.0], [10.0, 12.0]]), True, True, 0.5, 3.0, 0.1)
    picture, _ = drawn(photo, [hair])
    assert picture.dtype == np.uint8


def test_letters_that_the_font_lacks_lose_their_accents_only():
    assert ascii_text("Müller Ångström é 日") == "Muller Angstrom e ?"
