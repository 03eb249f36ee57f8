"""Gates on counts: real photographs that were never trained on, phantoms, and the same photograph changed."""

from functools import partial

import cv2
import numpy as np
import pytest

from hairscan.photo import read_photo
from hairscan.score import score_read_photo
from hairscan.training.evaluate import (
    draw_phantom,
    evaluate_phantom,
    evaluate_photos,
    find_hairs,
    summarise_phantoms,
)
from hairscan.training.figures import summarise
from hairscan.training.vectors import read_samples

pytestmark = pytest.mark.accuracy

UM_PER_PX = 2.78


@pytest.fixture(scope="module")
def validation(fdu):
    return [sample for sample in read_samples(fdu, um_per_px=UM_PER_PX) if sample.part == "validation"]


def test_real_photographs(validation, segmenter, capsys):
    find = partial(find_hairs, segmenter=segmenter)
    figures = summarise(evaluate_photos(validation, [find], progress=lambda: None)[0])
    with capsys.disabled():
        print("\nreal:", {name: round(value, 3) for name, value in figures.items()})
    assert figures["f1"] >= 0.89
    assert figures["field_count_error"] <= 0.08
    assert abs(figures["bias"]) <= 0.03


def test_clipped_phantoms(segmenter, capsys):
    densities = np.linspace(80, 250, 18)
    figures = summarise_phantoms(
        [evaluate_phantom(draw_phantom("clipped", i, d), segmenter) for i, d in enumerate(densities)]
    )
    with capsys.disabled():
        print("\nclipped phantoms:", {name: round(value, 3) for name, value in figures.items()})
    # To reach: 5 %. Hairs that lie on top of each other over most of their length, and pale thin hairs, are missed
    # still; this gate keeps what is reached.
    assert figures["count_error"] <= 0.10
    assert figures["root_f1"] >= 0.90
    assert abs(figures["mean_width_error_um"]) <= 2.0


def halved(rgb):
    return cv2.resize(rgb, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), 2.0


def rotated(rgb):
    return np.ascontiguousarray(np.rot90(rgb)), 1.0


def mirrored(rgb):
    return np.ascontiguousarray(rgb[:, ::-1]), 1.0


def recompressed(rgb):
    _, data = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 80])
    return cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB), 1.0


@pytest.fixture(scope="module")
def plain_results(validation, segmenter):
    """Every fourth photograph of the validation part, with its result."""
    chosen = validation[::4]
    photos = [read_photo(sample.image, um_per_px=UM_PER_PX) for sample in chosen]
    return [(photo, score_read_photo(photo, segmenter)) for photo in photos]


@pytest.mark.parametrize("change", [halved, rotated, mirrored, recompressed])
def test_a_changed_photograph_gives_the_same_answer(change, plain_results, segmenter, capsys):
    counts, widths = [], []
    for photo, plain in plain_results:
        rgb, factor = change(photo.rgb)
        result = score_read_photo(read_photo(rgb, um_per_px=UM_PER_PX * factor), segmenter)
        counts.append((plain.photo.hair_count, result.photo.hair_count))
        widths.append((plain.photo.mean_width_um, result.photo.mean_width_um))
    before, after = np.array(counts, float).T
    shift_um = np.array(widths, float)
    shift_um = shift_um[:, 1] - shift_um[:, 0]
    total = after.sum() / before.sum() - 1.0
    with capsys.disabled():
        print(
            f"\n{change.__name__}: count {total:+.3f} in total, {np.abs(after / before - 1).mean():.3f} per photo; "
            f"mean width {shift_um.mean():+.2f} um, {np.abs(shift_um).mean():.2f} um per photo"
        )
    assert abs(total) <= 0.03
    assert abs(shift_um.mean()) <= 2.0
    # To reach: 2 um per photograph. A unit whose hairs overlap is read in another way now and then.
    assert np.abs(shift_um).mean() <= 3.0
