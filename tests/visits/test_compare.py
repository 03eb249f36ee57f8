import csv
import io
import json

import cv2
import numpy as np
import pytest

from hairscan.errors import ScaleError, VisitError
from hairscan.report.comparison import blink_frames, draw_comparison, encode_blink
from hairscan.visits import compare_visits
from hairscan.visits.files import comparison_csv, comparison_json, refusal_json
from hairscan.visits.matching import Status
from hairscan.visits.plane import transform

from .conftest import SIZE_PX, UM_PER_PX, Site, moved

COLUMNS = [
    "status",
    "baseline_hair_id",
    "followup_hair_id",
    "baseline_root_x_px",
    "baseline_root_y_px",
    "followup_root_x_px",
    "followup_root_y_px",
    "baseline_width_um",
    "followup_width_um",
    "width_change_um",
    "width_change_se_um",
    "confidence",
]


@pytest.fixture(scope="module")
def comparison(pair):
    return compare_visits(pair[0], pair[1])


def middles(comparison, status):
    own = [
        hair.baseline if status is Status.LOST else hair.followup for hair in comparison.hairs if hair.status is status
    ]
    return np.array([hair.path_xy.mean(axis=0) for hair in own]).reshape(-1, 2)


def test_the_transformation_is_found_within_20_um(comparison, pair):
    grid = np.stack(np.meshgrid(*(np.linspace(60, side - 60, 5) for side in SIZE_PX)), -1).reshape(-1, 2)
    off = transform(comparison.registration.matrix, grid) - transform(pair[2], grid)
    assert np.median(np.hypot(*off.T)) * UM_PER_PX < 20.0
    assert comparison.registration.zoom == pytest.approx(1.03, abs=0.01)
    assert comparison.registration.turn_deg == pytest.approx(6.0, abs=0.5)


def test_exactly_the_hairs_that_went_and_came_are_lost_and_gained(comparison, pair):
    lost, gained = middles(comparison, Status.LOST), middles(comparison, Status.GAINED)
    expected = np.sort(pair[3].mean(axis=1), axis=0)
    np.testing.assert_allclose(np.sort(lost, axis=0), expected, atol=8.0)
    np.testing.assert_allclose(gained, transform(pair[2], pair[4].mean(axis=1)), atol=8.0)
    assert comparison.count_change.value == -1.0
    assert comparison.number(Status.MATCHED) > 5


def test_hairs_that_stayed_as_they_were_did_not_change_their_width(comparison):
    assert abs(comparison.width_change.mean_um) < 2.0
    assert comparison.width_change.se_um < 0.4 * UM_PER_PX


def test_the_other_way_round_lost_and_gained_change_places(comparison, pair):
    back = compare_visits(pair[1], pair[0])
    assert back.number(Status.LOST) == comparison.number(Status.GAINED)
    assert back.number(Status.GAINED) == comparison.number(Status.LOST)
    assert back.width_change.mean_um == pytest.approx(-comparison.width_change.mean_um, abs=0.5)


def test_the_table_has_the_columns_of_its_contract_and_empty_cells_where_a_hair_is_absent(comparison):
    rows = list(csv.DictReader(io.StringIO(comparison_csv(comparison).decode())))
    assert list(rows[0]) == COLUMNS
    assert len(rows) == len(comparison.hairs)
    for row in rows:
        if row["status"] == "lost":
            assert row["baseline_root_x_px"]
            assert not row["followup_root_x_px"]
            assert not row["width_change_um"]
        if row["status"] == "matched":
            assert row["baseline_root_x_px"]
            assert row["followup_root_x_px"]


def test_the_document_holds_transformation_area_counts_and_intervals(comparison):
    document = json.loads(comparison_json(comparison))
    assert document["refused"] is None
    np.testing.assert_allclose(document["registration"]["baseline_px_to_followup_px"], comparison.registration.matrix)
    change = document["change"]
    assert change["lost"] == 2
    assert change["gained"] == 1
    assert change["density_change_per_cm2"]["low"] < change["density_change_per_cm2"]["value"]
    assert json.loads(refusal_json("a.png", "b.png", "because"))["refused"] == "because"


def test_the_same_visits_give_the_same_bytes(comparison, pair):
    again = compare_visits(pair[0], pair[1])
    assert comparison_csv(again) == comparison_csv(comparison)
    assert comparison_json(again) == comparison_json(comparison)


def test_the_pictures_show_both_visits_in_the_frame_of_the_baseline(comparison):
    picture = draw_comparison(comparison)
    before, after = blink_frames(comparison)
    assert picture.shape[1] > 2 * before.shape[1]
    assert before.shape == after.shape
    middle = tuple(slice(side // 3, 2 * side // 3) for side in before.shape[:2])
    assert np.corrcoef(before[middle].ravel(), after[middle].ravel())[0, 1] > 0.7
    assert encode_blink((before, after))[:8] == b"\x89PNG\r\n\x1a\n"


def test_the_same_photograph_twice_is_refused(pair):
    with pytest.raises(VisitError, match="same photograph"):
        compare_visits(pair[0], pair[0])


def test_two_sites_are_refused_with_the_evidence(pair, look):
    other = look(Site(7).photograph())
    with pytest.raises(VisitError, match=r"do not show the same site.* of .* hair units"):
        compare_visits(pair[0], other)


def test_a_mirrored_picture_is_refused_as_mirrored(pair, look, site):
    mirrored = look(np.ascontiguousarray(site.photograph(matrix=moved())[:, ::-1]))
    with pytest.raises(VisitError, match="mirrored"):
        compare_visits(pair[0], mirrored)


def test_a_photograph_without_focus_is_refused_by_name(pair, look, site):
    with pytest.raises(VisitError, match=r"out of focus|no sharp edge"):
        compare_visits(pair[0], look(site.photograph(matrix=moved(), blur_px=9.0)))


def test_less_than_a_fifth_in_common_is_refused(look, site):
    near, far = (
        look(site.photograph(matrix=moved(0.0, 1.0, (x, y), (0.0, 0.0)))) for x, y in ((150, 110), (-150, -110))
    )
    with pytest.raises(VisitError):
        compare_visits(look(near.photo.rgb[:, : SIZE_PX[0] // 2]), look(far.photo.rgb[:, SIZE_PX[0] // 2 :]))


def test_scales_that_contradict_each_other_are_refused_with_the_right_one(pair, look):
    wrong = look(pair[1].photo.rgb, um_per_px=1.4 * UM_PER_PX)
    with pytest.raises(ScaleError, match=r"about 4\.[789]"):
        compare_visits(pair[0], wrong)


@pytest.mark.parametrize(
    ("bare", "expected"),
    [
        (0, r"has about 5\.1[3-7]\d* um/px.*\(--um-per-px\)"),
        (1, r"has about 4\.8[3-7]\d* um/px.*\(--followup-um-per-px\)"),
    ],
)
def test_a_scale_that_one_photograph_lacks_is_asked_for_and_told(pair, look, bare, expected):
    visits = list(pair[:2])
    visits[bare] = look(visits[bare].photo.rgb, um_per_px=None)
    with pytest.raises(ScaleError, match=expected):
        compare_visits(*visits)


def test_without_any_scale_hairs_are_matched_and_nothing_is_told_in_um(pair, look):
    bare = compare_visits(*(look(visit.photo.rgb, um_per_px=None) for visit in pair[:2]))
    assert bare.number(Status.MATCHED) > 5
    assert bare.overlap.area_cm2 is None
    assert bare.density_change_per_cm2.value is None
    assert bare.width_change.hairs == 0
    registration = json.loads(comparison_json(bare))["registration"]
    assert registration["residual_um"] is None
    assert registration["zoom"] is None


def with_dirt(rgb):
    """The picture through a lens with dirt on it, that stays where it is."""
    rng = np.random.default_rng(11)
    dirty = rgb.copy()
    for x, y, radius in zip(
        rng.uniform(0, SIZE_PX[0], 90), rng.uniform(0, SIZE_PX[1], 90), rng.uniform(2, 5, 90), strict=True
    ):
        cv2.circle(dirty, (round(x), round(y)), round(radius), (120, 110, 105), -1, cv2.LINE_AA)
    return dirty


def test_dirt_on_the_lens_does_not_hold_the_visits_together(pair, look):
    dirty = compare_visits(*(look(with_dirt(visit.photo.rgb)) for visit in pair[:2]))
    assert dirty.registration.turn_deg == pytest.approx(6.0, abs=1.0)
    with pytest.raises(VisitError, match="do not show the same site"):
        compare_visits(dirty.baseline, look(with_dirt(Site(7).photograph())))
