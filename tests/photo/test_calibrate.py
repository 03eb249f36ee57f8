import csv

import cv2
import numpy as np
import pytest

from hairscan.errors import ScaleError
from hairscan.photo.calibrate import scale_from_bar, scale_from_points, scale_from_ruler


def _draw_l(picture, x, y, length, tone=46, thickness=2):
    picture[y : y + thickness, x : x + length] = tone
    picture[y - length : y, x : x + thickness] = tone


@pytest.mark.parametrize("length", [180, 251, 360])
def test_the_foot_of_an_l(make_skin, through_jpeg, length):
    picture = make_skin()
    _draw_l(picture, 40, 470, length)
    found = scale_from_bar(through_jpeg(picture), 1.0)
    assert found.length_px == pytest.approx(length, abs=0.5)
    assert found.um_per_px == pytest.approx(1000 / length, rel=0.004)
    assert found.kind == "scale-bar"
    assert found.points[0] == pytest.approx((39.5, 470.5), abs=0.6)


@pytest.mark.parametrize("tone", [0, 255])
@pytest.mark.parametrize("thickness", [3, 8, 14])
def test_plain_solid_bars(make_skin, through_jpeg, tone, thickness):
    picture = make_skin(hairs=6)
    picture[460 : 460 + thickness, 380:580] = tone
    found = scale_from_bar(through_jpeg(picture), 0.5)
    assert found.um_per_px == pytest.approx(2.5, rel=0.005)
    assert found.sd < 0.03


def test_a_bar_with_end_caps_and_a_bar_along_a_column(make_skin):
    picture = make_skin(hairs=6)
    picture[460:462, 300:550] = 250
    picture[450:472, 300:302] = picture[450:472, 548:550] = 250
    assert scale_from_bar(picture, 1.0).um_per_px == pytest.approx(4.0, rel=0.01)
    turned = np.ascontiguousarray(np.rot90(picture))
    assert scale_from_bar(turned, 1.0).um_per_px == pytest.approx(4.0, rel=0.01)


def test_a_hair_across_the_bar_does_not_shorten_it(make_skin):
    picture = make_skin(hairs=0)
    picture[460:462, 200:500] = 46
    cv2.line(picture, (300, 420), (340, 500), (30, 28, 26), 12, cv2.LINE_AA)
    assert scale_from_bar(picture, 1.0).length_px == pytest.approx(300, abs=0.5)


def test_a_hair_over_the_end_is_refused_and_not_guessed(make_skin):
    picture = make_skin(hairs=0)
    picture[460:462, 200:500] = 46
    cv2.line(picture, (480, 420), (520, 500), (30, 28, 26), 14, cv2.LINE_AA)
    with pytest.raises(ScaleError, match="No scale bar"):
        scale_from_bar(picture, 1.0)


def test_nothing_there_is_told(make_skin):
    for seed in range(3):
        with pytest.raises(ScaleError, match=r"No scale bar found\. Give two points"):
            scale_from_bar(make_skin(seed=seed, hairs=30), 1.0)
        with pytest.raises(ScaleError, match="No ruler found"):
            scale_from_ruler(make_skin(seed=seed, hairs=30), 1.0)


def test_two_different_bars_are_refused(make_skin):
    picture = make_skin(hairs=0)
    picture[460:464, 100:300] = picture[60:64, 100:400] = 20
    with pytest.raises(ScaleError, match="More than one"):
        scale_from_bar(picture, 1.0)


def test_the_round_bar_of_a_phone_is_no_scale_bar(make_skin):
    picture = make_skin(hairs=0)
    cv2.line(picture, (200, 490), (440, 490), (20, 20, 20), 9, cv2.LINE_AA)
    with pytest.raises(ScaleError):
        scale_from_bar(picture, 1.0)


@pytest.mark.parametrize("period", [7.3, 18.0, 36.01])
@pytest.mark.parametrize("tone", [20, 245])
@pytest.mark.parametrize("turn", [0, 1])
def test_ruler(make_skin, through_jpeg, period, tone, turn):
    picture = make_skin(480, 800, hairs=8)
    for k in range(int(780 / period)):
        x = round((12 + k * period) * 16)
        reach = 26 if k % 10 == 0 else 17 if k % 5 == 0 else 10
        cv2.line(picture, (x, 440 * 16), (x, (440 - reach) * 16), (tone,) * 3, 1, cv2.LINE_AA, 4)
    found = scale_from_ruler(through_jpeg(np.ascontiguousarray(np.rot90(picture, turn))), 0.1)
    assert found.um_per_px == pytest.approx(100 / period, rel=0.002)
    assert abs(found.um_per_px - 100 / period) < 5 * found.sd
    assert found.kind == "ruler"


def test_points():
    found = scale_from_points((10, 20), (310, 420), 1.25)
    assert (found.um_per_px, found.length_px) == (2.5, 500)
    assert found.sd == pytest.approx(2.5 * 0.5 * 2**0.5 / 500)


@pytest.mark.parametrize(
    ("second", "mm"), [((12, 20), 1.0), ((310, 420), 0.0), ((310, 420), -1.0), ((310, 420), 900.0)]
)
def test_bad_points(second, mm):
    with pytest.raises(ScaleError):
        scale_from_points((10, 20), second, mm)


@pytest.mark.parametrize("bar_mm", [0.0, -1.0, float("nan")])
def test_bad_lengths(make_skin, bar_mm):
    with pytest.raises(ScaleError, match="positive number"):
        scale_from_bar(make_skin(), bar_mm)


def test_real_scale_bars_agree_and_none_is_wrong(fdu):
    with (fdu / "fields.csv").open() as lines:
        fields = list(csv.DictReader(lines))
    found = []
    for field in [field for field in fields if field["scale_bar"] == "1"][::7]:
        rgb = cv2.imread(str(fdu / "tiles" / f"{field['field']}_3.jpg"))[..., ::-1]
        try:
            found.append(scale_from_bar(np.ascontiguousarray(rgb), 1.0).um_per_px)
        except ScaleError:
            found.append(np.nan)
    found = np.array(found)
    assert np.isfinite(found).mean() > 0.85
    np.testing.assert_allclose(found[np.isfinite(found)], 1000 / 360, rtol=0.01)
    for field in [field for field in fields if field["header"] == "0"][::15]:
        rgb = cv2.imread(str(fdu / "tiles" / f"{field['field']}_3.jpg"))[..., ::-1]
        with pytest.raises(ScaleError):
            scale_from_bar(np.ascontiguousarray(rgb), 1.0)
