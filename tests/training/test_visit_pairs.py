from dataclasses import replace

import cv2
import numpy as np
import pytest

from hairscan.errors import DataError
from hairscan.training.evaluate_visits import FieldPairAgreement, summarise_visits, visit_table
from hairscan.training.extraction import hair_mask, paint_out
from hairscan.training.recapture import MOST_TURN_DEG, MOST_ZOOM_SHARE, draw_retake, retake
from hairscan.training.vectors import Sample
from hairscan.training.visit_pairs import Field, draw_pair, whole_fields
from hairscan.visits.plane import transform, zoom_and_turn

UM_PER_PX = 2.78
ENDS = np.array([[[x, y], [x + 110, y + 60]] for x in range(60, 1100, 260) for y in range(60, 850, 190)], float)


@pytest.fixture(scope="module")
def field(draw_scalp):
    rgb = draw_scalp(ENDS, 26, 1280, 1024)
    return Field("drawn", rgb, ENDS, np.zeros(len(ENDS), bool), UM_PER_PX)


def darkness(rgb, ends):
    """Median grey level along the middle of a hair."""
    share = np.linspace(0.3, 0.7, 30)[:, None]
    x, y = np.round(ends[0] * (1 - share) + ends[1] * share).astype(int).T
    return float(np.median(rgb[y, x]))


def test_a_hair_that_is_painted_out_leaves_skin_and_its_neighbours(field):
    mask = hair_mask(field.rgb, ENDS[7], UM_PER_PX)
    bare = paint_out(field.rgb, mask, UM_PER_PX)
    assert darkness(field.rgb, ENDS[7]) < 70
    assert darkness(bare, ENDS[7]) > 140
    np.testing.assert_array_equal(
        bare[cv2.dilate(mask, np.ones((25, 25), np.uint8)) == 0],
        field.rgb[cv2.dilate(mask, np.ones((25, 25), np.uint8)) == 0],
    )
    patch = mask > 0
    assert abs(float(bare[patch].mean()) - float(np.median(field.rgb))) < 8
    assert bare[patch].std() > 0.5 * field.rgb[:40, :300].std()


def test_two_hairs_that_touch_are_not_extracted(draw_scalp):
    crossing = np.array([[[300, 300], [420, 360]], [[300, 345], [420, 310]]], float)
    rgb = draw_scalp(crossing, 26, 700, 600)
    assert hair_mask(rgb, crossing[0], UM_PER_PX) is None


def test_bare_skin_has_no_hair_to_extract(field):
    assert hair_mask(field.rgb, np.array([[200.0, 30.0], [300.0, 30.0]]), UM_PER_PX) is None


def test_a_retake_stays_in_its_ranges_and_without_change_keeps_the_window(field):
    rng = np.random.default_rng(0)
    retakes = [draw_retake(rng, 640, 512) for _ in range(50)]
    zooms, turns = np.array([zoom_and_turn(one.matrix, np.array([320.0, 256.0])) for one in retakes]).T
    assert np.abs(turns).max() < MOST_TURN_DEG + 2
    assert np.abs(zooms - 1).max() < MOST_ZOOM_SHARE + 0.03
    plain = replace(
        retakes[0], matrix=np.eye(3), gamma=1.0, gain_rgb=(1.0, 1.0, 1.0), blur_px=0.0, noise_sd=0.0, jpeg_quality=95
    )
    seen = retake(field.rgb, (100, 80), (640, 512), plain, rng)
    assert np.abs(seen.astype(int) - field.rgb[80:592, 100:740]).mean() < 4


def test_the_truth_of_a_pair_is_what_its_pictures_show(field):
    pair = draw_pair(field, np.random.default_rng(3))
    assert len(pair.lost_xy) + len(pair.gained_xy) > 1
    for ends in pair.lost_xy:
        assert darkness(pair.baseline, ends) + 50 < darkness(pair.followup, transform(pair.matrix, ends))
    for ends in pair.gained_xy:
        assert darkness(pair.followup, ends) + 50 < darkness(pair.baseline, transform(np.linalg.inv(pair.matrix), ends))


def test_the_same_seed_gives_the_same_pair(field):
    one, other = (draw_pair(field, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(one.followup, other.followup)
    np.testing.assert_array_equal(one.matrix, other.matrix)


def test_fields_that_are_drawn_on_or_lack_a_quadrant_are_left_out(tmp_path):
    (tmp_path / "fields.csv").write_text("field,group,header,scale_bar,circle\nA,g,0,0,0\nB,g,0,1,0\nC,g,0,0,0\n")
    names = [f"{field}_{quadrant}" for field in "AB" for quadrant in "1234"] + ["C_1", "C_2"]
    samples = [
        Sample(tmp_path / f"{name}.jpg", name, name[0], "g", "tune", np.zeros((0, 2, 2)), (), UM_PER_PX)
        for name in names
    ]
    assert [[sample.name for sample in group] for group in whole_fields(samples, tmp_path)] == [
        ["A_1", "A_2", "A_3", "A_4"]
    ]
    with pytest.raises(DataError, match="FIELD_1"):
        whole_fields(samples[4:], tmp_path)


def test_the_figures_add_up_over_pairs():
    good = FieldPairAgreement(True, 2.0, 3, 3, 0, 20, 1, 22, 0.0, 2.0, 4.4, True, 2.0, 0.5)
    bad = replace(good, changed=1, found=0, false_changes=1, matched=20, count=20, change_error=2.0, other_refused=None)
    failed = replace(
        good, registered=False, error_um=float("nan"), changed=0, found=0, matched=0, count=0, other_refused=False
    )
    found = summarise_visits([good, bad, failed], model="m", part="tune", fields=2)
    values = {name: figure.value for name, figure in found.figures.items()}
    assert values["registered"] == pytest.approx(2 / 3)
    assert values["recall"] == pytest.approx(3 / 4)
    assert values["false_share"] == pytest.approx(1 / 40)
    assert values["count_change_error"] == pytest.approx((0 + 2 / 20) / 2)
    assert values["unmatched_error"] == pytest.approx((2 / 22 + 2 / 20) / 2)
    assert values["refused"] == pytest.approx(0.5)
    assert ("pairs", "3") in visit_table(found).rows
