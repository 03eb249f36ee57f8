import csv

import cv2
import numpy as np
import pytest

from hairscan.photo import judge_field
from hairscan.types import Ignored


def _share(ignored, code):
    return float((ignored == code).mean())


def _ignored_of_tile(fdu, tile):
    rgb = cv2.imread(str(fdu / "tiles" / f"{tile}.jpg"))[..., ::-1]
    return judge_field(np.ascontiguousarray(rgb)).ignored


def test_plain_skin_with_hairs_is_judged_all_over(make_skin, through_jpeg):
    for seed in range(3):
        field = judge_field(through_jpeg(make_skin(seed=seed)))
        assert _share(field.ignored, Ignored.JUDGED) > 0.999
        assert field.flags == ()


def test_the_dark_outside_of_a_lens(make_skin):
    picture = make_skin()
    y, x = np.mgrid[:512, :640]
    outside = np.hypot(y - 256, x - 320) > 290
    picture[outside] = 6
    ignored = judge_field(picture).ignored
    assert (ignored[outside] == Ignored.LENS).mean() > 0.97
    inside = np.hypot(y - 256, x - 320) < 280
    assert (ignored[inside] == Ignored.JUDGED).mean() > 0.995


def test_a_dark_hair_across_a_corner_is_no_lens(make_skin):
    picture = make_skin()
    cv2.line(picture, (-20, 60), (60, -20), (10, 8, 8), 26)
    assert not (judge_field(picture).ignored == Ignored.LENS).any()


def test_glare_is_broad_and_speckle_is_not(make_skin):
    picture = make_skin()
    rng = np.random.default_rng(1)
    for x, y in rng.integers(20, 480, (200, 2)):
        picture[y : y + 3, x : x + 3] = 255
    assert not (judge_field(picture).ignored == Ignored.GLARE).any()
    cv2.circle(picture, (300, 250), 40, (255, 255, 255), -1)
    ignored = judge_field(picture).ignored
    assert ignored[250, 300] == Ignored.GLARE
    assert (ignored == Ignored.GLARE).sum() == pytest.approx(np.pi * 40**2, rel=0.2)


def test_a_red_circle_leaves_no_more_than_its_line(make_skin, through_jpeg):
    picture = make_skin()
    cv2.circle(picture, (320, 256), 180, (235, 30, 36), 2, cv2.LINE_AA)
    ignored = judge_field(through_jpeg(picture)).ignored
    angle = np.linspace(0, 2 * np.pi, 400)
    on = ignored[np.rint(256 + 180 * np.sin(angle)).astype(int), np.rint(320 + 180 * np.cos(angle)).astype(int)]
    assert (on == Ignored.GRAPHICS).mean() > 0.9
    assert _share(ignored, Ignored.GRAPHICS) < 8 * 2 * np.pi * 180 / ignored.size


def test_header_text_box_scale_bar_and_bands(make_skin, through_jpeg):
    picture = make_skin(640, 960)
    cv2.rectangle(picture, (110, 8), (700, 40), (72, 72, 74), -1)
    cv2.putText(picture, "1280x1024 2024/05/06", (120, 34), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (250, 250, 250), 2)
    cv2.putText(picture, "A=19.934 mm", (400, 300), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (20, 16, 225), 2)
    picture[600:602, 120:420] = 46
    picture[:, :50] = 128
    picture[:90, :50] = (235, 40, 30)
    ignored = judge_field(through_jpeg(picture)).ignored
    for part in (ignored[12:36, 115:695], ignored[275:300, 400:600], ignored[600:602, 124:416], ignored[:, :50]):
        assert (part == Ignored.GRAPHICS).mean() > 0.95
    assert (ignored[120:250, 100:] == Ignored.JUDGED).mean() > 0.99


def test_even_skin_in_dim_light_is_no_band(make_skin):
    picture = (make_skin() * 0.3).astype(np.uint8)
    picture[:, :60] = cv2.GaussianBlur(picture, (0, 0), 25)[:, :60]
    assert not (judge_field(picture).ignored == Ignored.GRAPHICS).any()
    picture[:, :60] = picture[200, 30]
    picture[:, 60:] = np.clip(picture[:, 60:].astype(int) + 20, 0, 255).astype(np.uint8)
    assert (judge_field(picture).ignored[:, :60] == Ignored.GRAPHICS).mean() > 0.99


def test_skin_in_warm_light_is_not_drawn(make_skin, through_jpeg):
    picture = make_skin().astype(float)
    warm = through_jpeg(np.clip(picture * (1.3, 0.9, 0.7), 0, 255).astype(np.uint8))
    assert not (judge_field(warm).ignored == Ignored.GRAPHICS).any()
    cv2.circle(warm, (320, 256), 180, (235, 10, 16), 2, cv2.LINE_AA)
    on = judge_field(through_jpeg(warm)).ignored[256, [139, 140, 141, 499, 500, 501]]
    assert (on == Ignored.GRAPHICS).all()


@pytest.mark.parametrize("level", [0, 255])
def test_a_toolbar_between_bars_is_a_band_too(make_skin, level):
    """A screenshot of a phone that lies on its side."""
    picture = make_skin(480, 640, hairs=4)
    picture[440:] = 200
    cv2.circle(picture, (320, 460), 12, (60, 60, 60), -1)
    alone = judge_field(picture)
    framed = np.full((480, 940, 3), level, np.uint8)
    framed[:, 150:790] = picture
    field = judge_field(framed)
    # Black bars are also the dark outside of a lens.
    assert (field.ignored[440:] != Ignored.JUDGED).all()
    assert (field.ignored[:, :150] != Ignored.JUDGED).all()
    assert (field.ignored[10:430, 160:780] == Ignored.JUDGED).mean() > 0.99
    assert field.psf_sigma_px == pytest.approx(alone.psf_sigma_px, rel=0.1)


@pytest.mark.parametrize("shape", [(64, 129), (65, 66), (257, 450), (512, 321)])
def test_a_bar_is_drawn_whatever_the_height_and_wherever_it_lies(make_skin, monkeypatch, shape):
    """As in one piece: rows are looked at a few at a time, and the last time may be a single row."""
    picture = make_skin()[: shape[0], : shape[1]].copy()
    for row in range(10, shape[0] - 10, 27):
        picture[row : row + 3, 3:-3] = 250
    found = judge_field(picture).ignored
    assert (found == Ignored.GRAPHICS).any()
    monkeypatch.setattr("hairscan.photo.straight._STRIP_PX", 100_000)
    np.testing.assert_array_equal(found, judge_field(picture).ignored)


def test_two_hairs_along_a_row_or_a_column_are_no_box(make_skin):
    picture = make_skin(hairs=0)
    shaft = np.array([[90, 200], [300, 200], [316, 226], [84, 226]])
    cv2.fillPoly(picture, [shaft, np.add(shaft, (10, 37))], (34, 30, 28))
    for turns in range(2):
        ignored = judge_field(np.ascontiguousarray(np.rot90(picture, turns))).ignored
        assert not (ignored == Ignored.GRAPHICS).any()


def test_real_hairs_along_a_row_are_no_box(fdu):
    for quarter in range(1, 5):
        assert _share(_ignored_of_tile(fdu, f"230219_A008_{quarter}"), Ignored.GRAPHICS) < 0.001


def test_hairs_of_an_enlarged_photograph_are_no_box(make_skin):
    """Every other row of it repeats the one before: each soft edge is a ladder of steps within one row."""
    picture = make_skin(256, 320, hairs=0)
    for y in (60, 78):
        cv2.line(picture, (40, y), (319, y - 3), (34, 30, 28), 7, cv2.LINE_AA)
    picture = cv2.GaussianBlur(picture, (0, 0), 1.5).repeat(2, axis=0).repeat(2, axis=1)
    for turns in range(2):
        ignored = judge_field(np.ascontiguousarray(np.rot90(picture, turns))).ignored
        assert not (ignored == Ignored.GRAPHICS).any()


def test_real_hairs_of_an_enlarged_photograph_are_no_box(fdu):
    ignored = _ignored_of_tile(fdu, "220106_A207_2")
    for part in (ignored[55:110, 20:540], ignored[550:600, 1130:]):
        assert not (part == Ignored.GRAPHICS).any()


def test_a_real_text_box_with_hairs_below_it(fdu):
    ignored = _ignored_of_tile(fdu, "220822_B660_4")
    assert (ignored[200:410, 862:1240] == Ignored.GRAPHICS).mean() > 0.98


def test_a_ruler_is_ignored_tick_by_tick(make_skin):
    picture = make_skin()
    picture[480:482, 10:630] = 20
    for x in range(10, 630, 20):
        picture[455:480, x : x + 2] = 20
    ignored = judge_field(picture).ignored
    assert (ignored[458:480, 10:630:20] == Ignored.GRAPHICS).mean() > 0.9
    assert (ignored[:420] == Ignored.JUDGED).mean() > 0.99


def test_ink_is_a_large_stain(make_skin):
    picture = make_skin(hairs=0)
    stain = cv2.GaussianBlur(cv2.circle(np.zeros((512, 640), np.float32), (480, 400), 90, 1, -1), (0, 0), 6)[..., None]
    picture = ((1 - stain) * picture + stain * np.array([70, 50, 210])).astype(np.uint8)
    field = judge_field(picture)
    assert field.ignored[400, 480] == Ignored.INK
    assert (field.ignored == Ignored.INK).sum() == pytest.approx(np.pi * 90**2, rel=0.3)
    assert "ink" in field.flags


def test_blue_light_on_the_skin_is_no_ink(make_skin):
    picture = make_skin(hairs=0)
    sheen = cv2.GaussianBlur(cv2.circle(np.zeros((512, 640), np.float32), (480, 400), 90, 1, -1), (0, 0), 6)[..., None]
    lit = ((1 - sheen) * picture + sheen * np.array([200, 175, 250])).astype(np.uint8)
    assert not (judge_field(lit).ignored == Ignored.INK).any()
    # the same hue, darker than the skin
    stained = ((1 - sheen) * picture + sheen * np.array([100, 75, 150])).astype(np.uint8)
    assert (judge_field(stained).ignored == Ignored.INK).any()


def test_turning_the_photo_turns_the_field(make_skin):
    picture = make_skin()
    cv2.circle(picture, (300, 250), 40, (255, 255, 255), -1)
    picture[400:402, 100:380] = 40
    upright = judge_field(picture).ignored
    turned = judge_field(np.ascontiguousarray(np.rot90(picture))).ignored
    assert (np.rot90(upright) != turned).mean() < 0.003


def test_real_hairs_lie_in_the_judged_field(fdu):
    with (fdu / "vectors.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    tiles = sorted({row["tile"] for row in rows})[::90]
    codes = []
    for tile in tiles:
        ignored = _ignored_of_tile(fdu, tile)
        for row in rows:
            if row["tile"] == tile:
                x, y = ((float(row[f"root_{k}_px"]) + float(row[f"tip_{k}_px"])) / 2 for k in "xy")
                codes.append(ignored[round(y), round(x)])
    counts = np.bincount(codes, minlength=len(Ignored))
    assert counts[Ignored.JUDGED] / (counts.sum() - counts[Ignored.GRAPHICS]) > 0.99
