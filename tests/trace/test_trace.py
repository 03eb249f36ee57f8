"""Tracing on maps drawn from known centre-lines: what goes in must come out, root first."""

import numpy as np
import pytest

from hairscan.segment.spec import CELL_PX, COVERAGE, FIRST_DIRECTION, ROOT, TIP
from hairscan.trace import trace_hairs
from hairscan.trace.ridges import find_ridge_points, pair_layers
from hairscan.training.targets import render_targets
from hairscan.types import HairMaps, Photo, Scale

UM_PER_PX = 5.56
SIZE_PX = 320


def drawn_maps(paths, ends_seen=None):
    """Maps of exact centre-lines, as a perfect network would give them."""
    labels = np.zeros((SIZE_PX, SIZE_PX), np.uint8)
    paths = [np.asarray(path, np.float64) for path in paths]
    target, _ = render_targets(labels, paths, ends_seen or [(True, True)] * len(paths))
    return HairMaps(
        coverage=target[COVERAGE],
        centreline=target[FIRST_DIRECTION:],
        root=target[ROOT],
        tip=target[TIP],
        px_per_cell=float(CELL_PX),
        um_per_cell=UM_PER_PX * CELL_PX,
        confidence_weights=(0.0, 1.0, 1.0, 1.0, 1.0, -1.0, 0.0, 0.0),
        hair_threshold=0.5,
        device="cpu",
    )


@pytest.fixture
def photo():
    rgb = np.full((SIZE_PX, SIZE_PX, 3), 180, np.uint8)
    return Photo("drawn", rgb, np.zeros((SIZE_PX, SIZE_PX), np.uint8), Scale(UM_PER_PX, 0.05, "user"), "", 1.0)


@pytest.mark.parametrize("angle_deg", range(0, 360, 15))
def test_a_straight_hair_is_traced_root_first(photo, angle_deg):
    direction = np.array([np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))])
    root, tip = np.array([160.3, 159.6]) - 45 * direction, np.array([160.3, 159.6]) + 45 * direction
    (hair,) = trace_hairs(drawn_maps([[root, tip]]), photo)
    assert np.hypot(*(hair.root_xy - root)) < 3.0
    assert np.hypot(*(hair.tip_xy - tip)) < 3.0
    normal = np.array([-direction[1], direction[0]])
    assert np.abs((hair.path_xy - root) @ normal).max() < 0.8
    assert hair.root_seen
    assert hair.tip_seen


@pytest.mark.parametrize("crossing_deg", [14, 18, 22, 27, 31, 35, 45, 60, 75, 90])
def test_crossing_hairs_stay_two(photo, crossing_deg):
    half = np.deg2rad(crossing_deg) / 2
    paths = []
    for angle in (-half, half):
        direction = 70 * np.array([np.cos(angle), np.sin(angle)])
        paths.append([np.array([160, 160]) - direction, np.array([160, 160]) + direction])
    hairs = trace_hairs(drawn_maps(paths), photo)
    assert len(hairs) == 2
    # At a narrower angle nothing tells which half belongs to which: the count is right either way.
    for path in paths if crossing_deg > 25 else []:
        assert min(np.hypot(*(hair.root_xy - path[0])) + np.hypot(*(hair.tip_xy - path[1])) for hair in hairs) < 8.0


@pytest.mark.parametrize("gap_px", [6, 8, 12])
def test_parallel_neighbours_stay_two(photo, gap_px):
    paths = [[(100, 150), (190, 150)], [(100, 150 + gap_px), (190, 150 + gap_px)]]
    hairs = trace_hairs(drawn_maps(paths), photo)
    assert len(hairs) == 2
    assert sorted(round(hair.root_xy[1]) for hair in hairs) == pytest.approx([150, 150 + gap_px], abs=1)


@pytest.mark.parametrize("angle_deg", range(0, 180, 20))
def test_a_stub_is_a_hair(photo, angle_deg):
    direction = np.array([np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))])
    root = np.array([160.0, 160.0])
    (hair,) = trace_hairs(drawn_maps([[root, root + 11 * direction]]), photo)
    assert np.hypot(*(hair.root_xy - root)) < 3.0


def test_hairs_of_one_root_share_it(photo):
    paths = [[(100, 160), (200, 148)], [(100, 160), (200, 172)]]
    hairs = trace_hairs(drawn_maps(paths), photo)
    assert len(hairs) == 2
    for hair in hairs:
        assert np.hypot(*(hair.root_xy - (100, 160))) < 8.0


def test_a_gap_is_bridged(photo):
    maps = drawn_maps([[(60, 160), (240, 160)]])
    maps.centreline[:, :, 72:76] = 0.0
    assert len(trace_hairs(maps, photo)) == 1


def test_a_curved_hair_is_one(photo):
    t = np.linspace(0.0, np.pi, 60)
    path = np.stack([160 + 80 * np.cos(t), 120 + 80 * np.sin(t)], axis=1)
    (hair,) = trace_hairs(drawn_maps([path]), photo)
    assert hair.length_px == pytest.approx(np.pi * 80, rel=0.05)


def test_a_hair_that_leaves_the_picture_says_so(photo):
    (hair,) = trace_hairs(drawn_maps([[(120, 160), (319, 160)]], [(True, False)]), photo)
    assert hair.root_seen
    assert not hair.tip_seen
    assert "cut-by-border" in hair.flags


def test_empty_maps_have_no_hair(photo):
    assert trace_hairs(drawn_maps([]), photo) == []


def test_ridge_points_lie_on_the_line():
    maps = drawn_maps([[(60, 100.6), (250, 100.6)]])
    ridge = find_ridge_points(maps.centreline, pair_layers(maps.centreline), threshold=0.3)
    expected_row = (100.6 + 0.5) / CELL_PX - 0.5
    assert np.abs(ridge.xy[:, 1] - expected_row).max() < 0.1
    assert (np.abs(ridge.tangent_xy[:, 0]) > 0.99).all()


def test_rotating_the_maps_rotates_the_hairs(photo):
    paths = [[(60, 90), (150, 130)], [(200, 220), (120, 260)]]
    turned = [[(SIZE_PX - 1 - y, x) for x, y in path] for path in paths]
    plain = trace_hairs(drawn_maps(paths), photo)
    rotated = trace_hairs(drawn_maps(turned), photo)
    roots = sorted((SIZE_PX - 1 - hair.root_xy[1], hair.root_xy[0]) for hair in plain)
    assert np.allclose(roots, sorted(map(tuple, (hair.root_xy for hair in rotated))), atol=1.5)
