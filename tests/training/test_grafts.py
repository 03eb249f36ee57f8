"""Hairs set beside other hairs: where they go, what they teach, and what is left as it was."""

import numpy as np
import pytest

from hairscan.training.example import Example
from hairscan.training.grafts import WIDTH_RANGE, Graft, cut_grafts, graft_hairs
from hairscan.training.weak_labels import BACKGROUND, SHAFT, UNJUDGED, label_photo

UM_PER_PX = 4.45
ENDS = np.array([[[x, y], [x + 60, y + 30]] for x in (80, 240, 400) for y in (90, 240)], float)


@pytest.fixture(scope="module")
def example(draw_scalp):
    rgb = draw_scalp(ENDS, 16, 560, 400)
    labels = label_photo(rgb, ENDS, np.zeros(len(ENDS), bool), um_per_px=UM_PER_PX)
    return Example(rgb, labels.image, labels.paths_px, [(True, True)] * len(ENDS))


@pytest.fixture(scope="module")
def grafts(example):
    return cut_grafts([example], um_per_px=UM_PER_PX)


def skin_over_hair(rgb, path):
    """Median level along the middle of a hair, as a share of the usual skin."""
    share = np.linspace(0.3, 0.7, 20)[:, None]
    x, y = np.round(path[0] * (1 - share) + path[-1] * share).astype(int).T
    return float(np.median(rgb[y, x]) / np.median(rgb))


def test_a_graft_is_dark_on_its_shaft_and_clear_beside_it(grafts):
    assert len(grafts) == 2
    for graft in grafts:
        on_shaft = graft.transmission.mean(axis=2)[graft.shaft > 0]
        assert np.median(on_shaft) < 0.5
        corners = graft.transmission[[0, 0, -1, -1], [0, -1, 0, -1]]
        assert np.median(corners) == pytest.approx(1.0, abs=0.1)


def test_every_grafted_hair_is_in_the_picture_and_in_the_labels(example, grafts):
    seen = 0
    for seed in range(12):
        more = graft_hairs(example, grafts, 4, np.random.default_rng(seed), um_per_px=UM_PER_PX)
        new = more.paths_px[len(example.paths_px) :]
        assert len(more.ends_seen) == len(more.paths_px)
        for path in new:
            middle = np.round(path.mean(axis=0)).astype(int)
            around = more.labels[middle[1] - 3 : middle[1] + 4, middle[0] - 3 : middle[0] + 4]
            assert (around == SHAFT).any()
            assert skin_over_hair(more.rgb, path) < 0.9
        seen += len(new)
    assert seen > 20


def test_what_no_graft_covers_stays(example, grafts):
    more = graft_hairs(example, grafts, 3, np.random.default_rng(1), um_per_px=UM_PER_PX)
    changed = more.labels != example.labels
    assert changed.any()
    assert set(np.unique(example.labels[changed])) <= {BACKGROUND, 254}
    far = np.ones(changed.shape, bool)
    for path in more.paths_px[len(example.paths_px) :]:
        x0, y0 = (path.min(axis=0) - 60).astype(int).clip(0)
        x1, y1 = (path.max(axis=0) + 60).astype(int)
        far[y0:y1, x0:x1] = False
    np.testing.assert_array_equal(more.rgb[far], example.rgb[far])


def test_the_same_generator_grafts_the_same(example, grafts):
    first, second = (graft_hairs(example, grafts, 3, np.random.default_rng(5), um_per_px=UM_PER_PX) for _ in range(2))
    np.testing.assert_array_equal(first.rgb, second.rgb)
    np.testing.assert_array_equal(first.labels, second.labels)


def test_nothing_is_grafted_where_nothing_is_judged(example, grafts):
    unjudged = Example(example.rgb, np.full_like(example.labels, UNJUDGED), example.paths_px, example.ends_seen)
    more = graft_hairs(unjudged, grafts, 6, np.random.default_rng(0), um_per_px=UM_PER_PX)
    assert len(more.paths_px) == len(example.paths_px)
    np.testing.assert_array_equal(more.rgb, example.rgb)


def test_photographs_without_a_hair_to_cut_out_are_left_as_they_are(example):
    assert cut_grafts([Example(example.rgb, example.labels, [], [])], um_per_px=UM_PER_PX) == []
    assert graft_hairs(example, [], 5, np.random.default_rng(0), um_per_px=UM_PER_PX) is example


def test_thin_hairs_come_from_thick_ones(example):
    """A graft narrowed to a third covers a third of the area."""
    shaft = np.zeros((40, 100), np.float32)
    shaft[12:28, 10:90] = 1
    transmission = np.where(shaft[..., None] > 0, np.float32(0.2), np.float32(1.0)).repeat(3, axis=2)
    graft = Graft(transmission, shaft, np.array([[10.0, 19.5], [89.0, 19.5]]))
    bare = Example(np.full_like(example.rgb, 180), np.zeros_like(example.labels), [], [])
    widths = []
    for seed in range(60):
        more = graft_hairs(bare, [graft], 1, np.random.default_rng(seed), um_per_px=UM_PER_PX)
        for path in more.paths_px:
            widths.append((more.labels == SHAFT).sum() / np.hypot(*(path[-1] - path[0])))
    assert len(widths) > 15
    assert 16 * WIDTH_RANGE[0] * 0.7 < min(widths) < 16 * 0.6
    assert 16 * 0.8 < max(widths) < 16 * WIDTH_RANGE[1] * 1.15
