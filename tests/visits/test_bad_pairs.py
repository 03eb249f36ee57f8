"""Pairs of photographs that a person may give by mistake, and pairs that look odd and are right."""

import json
import sys

import cv2
import numpy as np
import pytest

from hairscan.cli import main
from hairscan.errors import VisitError
from hairscan.files import write_files
from hairscan.phantom.graphics import burn_graphics
from hairscan.photo.codec import encode_png
from hairscan.visits import compare_visits
from hairscan.visits.matching import Status

from .conftest import SIZE_PX, UM_PER_PX, Site, moved


def saved_as_jpeg(rgb, quality=60):
    ok, data = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert ok
    return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1])


def grey(rgb):
    return np.repeat(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)


def darker(rgb):
    return np.rint(0.45 * rgb).astype(np.uint8)


def upside_down(rgb):
    return np.ascontiguousarray(rgb[::-1, ::-1])


def on_its_side(rgb):
    return np.ascontiguousarray(np.rot90(rgb))


def larger(rgb):
    return cv2.resize(rgb, None, fx=1.25, fy=1.25, interpolation=cv2.INTER_CUBIC)


@pytest.fixture(scope="module")
def comparison(pair):
    return compare_visits(pair[0], pair[1])


@pytest.mark.parametrize(
    ("change", "um_per_px"),
    [
        (saved_as_jpeg, UM_PER_PX),
        (grey, UM_PER_PX),
        (darker, UM_PER_PX),
        (upside_down, UM_PER_PX),
        (on_its_side, UM_PER_PX),
        (larger, UM_PER_PX / 1.25),
    ],
)
def test_how_the_followup_was_saved_and_lit_changes_nothing(pair, look, comparison, change, um_per_px):
    other = compare_visits(pair[0], look(change(pair[1].photo.rgb), um_per_px=um_per_px))
    assert other.registration.zoom == pytest.approx(1.03, abs=0.01)
    assert other.count_change.value == pytest.approx(comparison.count_change.value, abs=1)
    assert other.number(Status.MATCHED) >= comparison.number(Status.MATCHED) - 2
    assert abs(other.width_change.mean_um) < 2.5


@pytest.mark.parametrize(
    ("change", "um_per_px"),
    [(saved_as_jpeg, UM_PER_PX), (on_its_side, UM_PER_PX), (upside_down, UM_PER_PX), (larger, UM_PER_PX / 1.25)],
)
def test_one_photograph_saved_again_is_no_second_visit(pair, look, change, um_per_px):
    with pytest.raises(VisitError, match="one photograph saved twice"):
        compare_visits(pair[0], look(change(pair[0].photo.rgb), um_per_px=um_per_px))


def test_neighbouring_parts_of_one_scalp_are_two_sites(look, site):
    left, right = (look(site.photograph(matrix=moved(0.0, 1.0, (x, 0.0), (0.0, 0.0)))) for x in (140.0, -140.0))
    half = SIZE_PX[0] // 2
    with pytest.raises(VisitError, match="do not show the same site"):
        compare_visits(
            look(np.ascontiguousarray(left.photo.rgb[:, :half])), look(np.ascontiguousarray(right.photo.rgb[:, half:]))
        )


def bald(rng):
    return Site(9).photograph(absent=range(len(Site(9).scene.hairs)))


def noise(rng):
    return rng.integers(0, 256, (*SIZE_PX[::-1], 3), dtype=np.uint8)


def wall(rng):
    plaster = cv2.GaussianBlur(rng.normal(0, 60, SIZE_PX[::-1]), (0, 0), 6)[..., None]
    rough = np.array([205.0, 200.0, 190.0]) + plaster + rng.normal(0, 3, (*SIZE_PX[::-1], 3))
    return np.clip(rough, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("paint", [bald, noise, wall])
def test_what_shows_no_hair_is_another_site(pair, look, paint):
    picture = look(paint(np.random.default_rng(12)))
    for two in ((pair[0], picture), (picture, pair[0])):
        with pytest.raises(VisitError, match=r"do not show the same site|no sharp edge|out of focus"):
            compare_visits(*two)


def test_graphics_that_the_device_burns_in_do_not_make_two_sites_one(pair, look):
    rgb = [pair[0].photo.rgb.copy(), Site(7).photograph()]
    for picture in rgb:
        drawn = np.zeros(picture.shape[:2], np.uint8)
        burn_graphics(picture, drawn, UM_PER_PX, ("header", "scale_bar", "circle"), np.random.default_rng(13))
    with pytest.raises(VisitError, match="do not show the same site"):
        compare_visits(*map(look, rgb))


@pytest.fixture
def compare_files(monkeypatch, capsys, tmp_path):
    """Run ``hairscan compare`` on two pictures; give exit code, stdout, stderr and the folder of its files."""

    def run(first, second, *options):
        write_files({tmp_path / "first.png": first, tmp_path / "second.png": second})
        out = tmp_path / "change"
        words = ["compare", tmp_path / "first.png", tmp_path / "second.png", "--device", "cpu", "--out", out, *options]
        monkeypatch.setattr(sys, "argv", ["hairscan", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, *capsys.readouterr(), out

    return run


def test_a_refusal_leaves_nothing_of_an_earlier_comparison(pair, compare_files):
    scale = ("--um-per-px", UM_PER_PX)
    first, second = (encode_png(visit.photo.rgb) for visit in pair[:2])
    code, _, _, out = compare_files(first, second, *scale)
    assert code == 0
    names = {"blink.png", "comparison.json", "hairs.csv", "registered.png"}
    assert {path.name for path in out.iterdir()} == names
    code, told, err, out = compare_files(first, encode_png(Site(7).photograph()), *scale)
    assert (code, told, err.count("\n")) == (2, "", 1)
    assert "first.png and second.png do not show the same site" in err
    assert [path.name for path in out.iterdir()] == ["comparison.json"]


@pytest.mark.parametrize(
    ("second", "words"),
    [
        (b"", "second.png is empty"),
        (b"no picture", "second.png is not a JPEG, PNG or TIFF picture"),
        (encode_png(np.zeros((400, 500, 3), np.uint8)), "second.png: nothing to judge: the photo is black"),
        (encode_png(np.full((20, 20, 3), 90, np.uint8)), "second.png is 20 x 20 px"),
    ],
)
def test_a_photograph_that_cannot_be_read_is_a_refusal_like_any_other(pair, compare_files, second, words):
    code, told, err, out = compare_files(encode_png(pair[0].photo.rgb), second, "--um-per-px", UM_PER_PX)
    assert (code, told, err.count("\n")) == (2, "", 1)
    assert words in err
    assert words in json.loads((out / "comparison.json").read_text())["refused"]


def test_a_patch_without_hairs_shows_no_change_and_nothing_that_is_not_a_number(compare_files, site):
    gone = range(len(site.scene.hairs))
    pictures = (site.photograph(absent=gone), site.photograph(absent=gone, matrix=moved()))
    code, told, _, out = compare_files(*map(encode_png, pictures), "--um-per-px", UM_PER_PX)
    assert code == 0
    assert "nan" not in told
    change = json.loads((out / "comparison.json").read_text())["change"]
    assert [change[name] for name in ("matched", "lost", "gained", "undecided")] == [0, 0, 0, 0]
    assert change["density_change_per_cm2"]["low"] < 0 < change["density_change_per_cm2"]["high"]
