"""Dice and centre-line Dice on masks that can be counted by hand, and the coverage map as a mask."""

import cv2
import numpy as np
import pytest

from hairscan.errors import DataError
from hairscan.training.masks import (
    Overlap,
    centreline_dice,
    coverage_mask,
    dice,
    evaluate_masks,
    read_masks,
    summarise_masks,
)
from hairscan.types import N_DIRECTIONS, HairMaps


def bar(top, bottom, left=10, right=90, shape=(100, 100)):
    mask = np.zeros(shape, bool)
    mask[top:bottom, left:right] = True
    return mask


def test_equal_and_empty_masks():
    nothing = np.zeros((100, 100), bool)
    for figure in (dice, centreline_dice):
        assert figure(bar(40, 49), bar(40, 49)) == 1.0
        assert figure(nothing, nothing) == 1.0
        assert figure(bar(40, 49), nothing) == figure(nothing, bar(40, 49)) == 0.0
        assert figure(bar(10, 19), bar(60, 69)) == 0.0


def test_dice_asks_for_the_width_and_centre_line_dice_does_not():
    assert dice(bar(43, 46), bar(40, 49)) == pytest.approx(2 * 3 / (3 + 9))
    assert centreline_dice(bar(43, 46), bar(40, 49)) == 1.0


def test_centre_line_dice_of_a_bar_of_which_half_is_missing():
    # Inside the whole bar lies the whole half; of the whole bar's centre-line about half lies in the half.
    half = centreline_dice(bar(40, 49, 10, 50), bar(40, 49, 10, 90))
    assert half == pytest.approx(2 * 1.0 * 0.5 / 1.5, abs=0.02)


def test_a_covered_cell_covers_its_pixels():
    coverage = np.zeros((20, 30), np.float32)
    coverage[5:15, 10:20] = 1.0
    nothing = np.zeros_like(coverage)
    maps = HairMaps(coverage, np.zeros((N_DIRECTIONS, 20, 30), np.float32), nothing, nothing, 4.0, 11.1, (), 0.5, "cpu")
    expected = np.zeros((80, 120), bool)
    expected[20:60, 40:80] = True
    assert dice(coverage_mask(maps, (80, 120)), expected) > 0.99


@pytest.fixture
def folder(tmp_path):
    """Folder with one drawn picture and its mask."""
    rng = np.random.default_rng(0)
    shaft = np.zeros((128, 128), np.uint8)
    for x_px in (20, 60, 100):
        cv2.line(shaft, (x_px, 30), (x_px + 10, 95), 255, 6)
    grey = np.where(shaft > 0, 40, 180) + rng.normal(0, 4, shaft.shape)
    cv2.imwrite(str(tmp_path / "00.png"), np.clip(cv2.GaussianBlur(grey, (0, 0), 1.0), 0, 255).astype(np.uint8))
    cv2.imwrite(str(tmp_path / "00_t.png"), 255 - shaft)
    return tmp_path


def test_masks_are_dark_on_white(folder):
    [picture] = read_masks(folder)
    assert picture.path == folder / "00.png"
    assert picture.mask[60, 64]
    assert not picture.mask[5, 5]


def test_the_shipped_model_and_the_ridge_filter_find_drawn_shafts(folder, segmenter):
    [of_model], [of_filter] = evaluate_masks(read_masks(folder), segmenter, progress=lambda: None)
    for overlap in (of_model, of_filter):
        assert overlap.dice > 0.6
        assert overlap.cldice > 0.7


def test_figures_of_masks_are_means_over_pictures():
    figures = summarise_masks([Overlap(0.5, 0.6), Overlap(1.0, 0.8)])
    assert figures["dice"].value == pytest.approx(0.75)
    assert figures["cldice"].value == pytest.approx(0.7)
    assert (figures["dice"].low, figures["dice"].high) == (0.5, 1.0)


def test_folders_that_hold_no_masks(tmp_path, folder):
    with pytest.raises(DataError, match="is no folder"):
        read_masks(tmp_path / "missing")
    (folder / "01_t.png").write_bytes((folder / "00_t.png").read_bytes())
    with pytest.raises(DataError, match=r"01_t\.png is not a readable mask of a picture 01\.png"):
        read_masks(folder)
    (folder / "01_t.png").unlink()
    cv2.imwrite(str(folder / "00_t.png"), np.zeros((64, 64), np.uint8))
    with pytest.raises(DataError, match="of another size"):
        read_masks(folder)
    (folder / "00_t.png").unlink()
    with pytest.raises(DataError, match="no masks in"):
        read_masks(folder)
