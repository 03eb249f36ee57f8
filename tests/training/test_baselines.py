"""The baselines on pictures and photographs whose answer is known."""

import cv2
import numpy as np
import pytest

from hairscan.errors import DataError, ScaleError
from hairscan.photo import read_photo
from hairscan.training.baselines import answer_always, find_ridges, median_count
from hairscan.training.evaluate import evaluate_photos, label_noise
from hairscan.training.figures import summarise
from hairscan.training.vectors import Sample

UM_PER_PX = 2.78
BARS = np.array([[[200, 200], [300, 260]], [[500, 500], [620, 500]], [[700, 150], [700, 260]]], float)


@pytest.fixture
def draw(draw_scalp):
    """Draw a photograph with these hairs."""
    return lambda bars: draw_scalp(bars, 24, 900, 700)


@pytest.fixture
def sample(tmp_path, draw):
    """Make an annotated photograph with these hairs on it."""

    def make(name, labels=BARS, part="validation", copy_of="", bars=BARS):
        path = tmp_path / f"{name}.png"
        cv2.imwrite(str(path), draw(bars)[..., ::-1])
        kinds = ("single",) * len(labels)
        return Sample(path, name, name, "g", part, np.array(labels, float).reshape(-1, 2, 2), kinds, UM_PER_PX, copy_of)

    return make


def test_every_separate_bar_is_one_component_with_its_own_ends(sample):
    [agreements] = evaluate_photos([sample("a")], [find_ridges], progress=lambda: None)
    figures = summarise(agreements)
    assert figures["f1"] == 1.0
    assert figures["bias"] == 0.0
    # The ends are round and half as long as the shaft is wide.
    assert max(figures["root_error_um"], figures["tip_error_um"]) < 24 * UM_PER_PX
    assert figures["angle_error_deg"] < 3.0


def test_bars_that_touch_are_one_component(draw):
    unit = np.concatenate([BARS, BARS[:1] + np.array([[0, 0], [-50, 60]])])
    photo = read_photo(draw(unit), um_per_px=UM_PER_PX)
    assert len(find_ridges(photo).paths_xy) == len(unit) - 1


def test_the_ridge_filter_needs_a_scale(draw):
    with pytest.raises(ScaleError, match="has no scale"):
        find_ridges(read_photo(draw(BARS)))


def test_the_median_is_of_annotated_hairs_away_from_the_border(sample):
    at_border = np.array([[[5, 300], [100, 300]]])
    many = np.concatenate([BARS, at_border])
    samples = [sample("a", BARS[:1]), sample("b", BARS[:2]), sample("c", many)]
    assert median_count(samples) == 2.0


def test_the_median_of_photographs_that_are_none(sample):
    broken = sample("a")
    broken.image.write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"a\.png is not a readable photograph"):
        median_count([broken])


def test_always_the_same_count(sample):
    samples = [sample("a", BARS), sample("b", BARS[:1])]
    [agreements] = evaluate_photos(samples, [find_ridges], progress=lambda: None)
    figures = summarise(answer_always(2.0, agreements))
    assert figures["bias"] == 0.0
    assert figures["tile_count_error"] == pytest.approx((1 / 3 + 1) / 2)
    assert figures["ccc"] == 0.0


def test_labels_against_themselves(sample):
    first, second = sample("a", BARS), sample("b", BARS[:2], copy_of="a")
    [agreement] = label_noise([first, second, sample("c")])
    assert (agreement.found, agreement.labelled, agreement.matched) == (2, 3, 2)
