"""Tracing on maps drawn from known centre-lines: what goes in must come out, root first."""

import numpy as np
import pytest

from hairscan.segment.spec import CELL_PX, COVERAGE, FIRST_DIRECTION, ROOT, TIP
from hairscan.trace import trace_hairs
from hairscan.trace.confidence import READINGS
from hairscan.trace.hairs import trace_shafts
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
        confidence_weights=(0.0, 1.0, 1.0, 1.0, 1.0, -1.0, *([0.0] * (len(READINGS) - 5))),
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


def test_a_hair_that_emerges_from_beside_another_keeps_its_line_to_their_root(photo):
    root = np.array([90.0, 150.0])
    thick, thin = root + np.array([140.0, 0.0]), root + np.array([120.0, 22.0])
    # Half of the thin hair is not seen beside the thick one.
    maps = drawn_maps([[root, thick], [root + (thin - root) / 2, thin]], [(True, True), (False, True)])
    second, first = sorted(trace_hairs(maps, photo), key=lambda hair: -hair.tip_xy[1])
    assert np.hypot(*(second.root_xy - first.root_xy)) < 3.0
    ahead = (thin - root) / np.hypot(*(thin - root))
    assert np.abs((second.path_xy - root) @ (-ahead[1], ahead[0])).max() < 2.0


def test_a_gap_is_bridged(photo):
    maps = drawn_maps([[(60, 160), (240, 160)]])
    maps.centreline[:, :, 72:76] = 0.0
    assert len(trace_hairs(maps, photo)) == 1


@pytest.mark.parametrize("angle_deg", [0, 25, 60, 90])
def test_hairs_in_line_that_overlap_are_told_apart_by_their_root_and_tip(photo, angle_deg):
    direction = np.array([np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))])
    paths = [[160 + along * direction for along in ends] for ends in ((-120, 12), (-4, 120))]
    hairs = trace_hairs(drawn_maps(paths), photo)
    assert len(hairs) == 2
    for root, tip in paths:
        assert min(np.hypot(*(hair.root_xy - root)) + np.hypot(*(hair.tip_xy - tip)) for hair in hairs) < 8.0


def test_a_root_on_a_hair_is_another_hair_though_its_tip_is_lost(photo):
    ends_seen = [(True, False), (True, True)]
    hairs = trace_hairs(drawn_maps([[(40, 160), (280, 160)], [(160, 160), (280, 160)]], ends_seen), photo)
    assert sorted(round(hair.root_xy[0]) for hair in hairs) == pytest.approx([40, 160], abs=3)
    assert [hair.tip_xy[0] for hair in hairs] == pytest.approx([280, 280], abs=3)


def test_a_hair_that_comes_out_from_under_the_tip_of_another_is_a_second_one(photo):
    whole = np.array([[60.0, 60.0], [180.0, 180.0], [300.0, 260.0]])
    maps = drawn_maps([whole[:2], whole[1:]], ends_seen=[(True, True), (False, True)])
    hairs = trace_hairs(maps, photo)
    assert len(hairs) == 2
    for hair, line in zip(hairs, (whole[:2], whole[1:]), strict=True):
        assert hair.path_xy[[0, -1]] == pytest.approx(line, abs=10.0)
    # A faint tip on the way is no end: shafts have rough edges.
    maps.tip[85:95, 85:95] *= 0.2
    assert len(trace_hairs(maps, photo)) == 1


def test_the_rough_edge_of_a_shaft_is_no_hair(photo):
    paths = [[(50, 160), (270, 160)], [(140, 166), (170, 166)]]
    (hair,) = trace_hairs(drawn_maps(paths, [(True, True), (False, False)]), photo)
    assert np.abs(hair.path_xy[:, 1] - 160).max() < 1.0


def test_a_long_hair_is_one_though_others_lie_across_both_its_ends(photo):
    paths = [[(40, 197.5), (170, 122.5)], [(150, 197.5), (280, 122.5)], [(117, 160), (203, 160)]]
    hairs = trace_hairs(drawn_maps(paths, [(True, True), (True, True), (False, False)]), photo)
    assert len(hairs) == 3
    between = min(hairs, key=lambda hair: np.ptp(hair.path_xy[:, 1]))
    assert np.ptp(between.path_xy[:, 0]) == pytest.approx(86, abs=12)


def test_a_flat_ridge_has_one_crest():
    maps = drawn_maps([[(60, 160), (250, 160)]])
    rough = np.random.default_rng(1).uniform(0.97, 1.03, maps.centreline.shape[1:])
    maps.centreline[:] = np.minimum(maps.centreline, 0.5) * rough
    ridge = find_ridge_points(maps.centreline, pair_layers(maps.centreline), threshold=0.3)
    columns = np.round(ridge.xy[:, 0])
    assert len(columns) == len(np.unique(columns))


@pytest.mark.parametrize("outside_px", [-2.0, 321.5])
def test_a_hair_along_the_border_with_its_middle_outside_is_no_hair(photo, outside_px):
    for path in ([(60, outside_px), (250, outside_px)], [(outside_px, 60), (outside_px, 250)]):
        assert trace_hairs(drawn_maps([path], [(False, False)]), photo) == []


def test_a_hair_that_is_hardly_more_than_a_dot_is_a_hair(photo):
    (hair,) = trace_hairs(drawn_maps([[(160, 160), (162.5, 160)]]), photo)
    assert np.hypot(*(hair.root_xy - (160, 160))) < 3.0


def test_readings_tell_what_is_shared_and_which_way_is_sure():
    maps = drawn_maps([[(60, 90), (150, 90)], [(100, 160), (200, 148)], [(100, 160), (200, 172)]])
    shafts, readings = trace_shafts(maps)
    directed, taken = (readings[:, READINGS.index(name)] for name in ("directed", "root_taken"))
    assert len(shafts) == 3
    assert (directed > 0.6).all()
    assert sorted(taken) == [0.0, 0.0, 1.0]
    layers = maps.centreline.shape[0] // 2
    maps.centreline[:] = 0.5 * (maps.centreline + np.roll(maps.centreline, layers, axis=0))
    maps.root[:] = maps.tip[:] = 0.0
    assert (trace_shafts(maps)[1][:, READINGS.index("directed")] < 0.1).all()


def test_a_curved_hair_is_one(photo):
    t = np.linspace(0.0, np.pi, 60)
    path = np.stack([160 + 80 * np.cos(t), 120 + 80 * np.sin(t)], axis=1)
    (hair,) = trace_hairs(drawn_maps([path]), photo)
    assert hair.length_px == pytest.approx(np.pi * 80, rel=0.05)


@pytest.mark.parametrize("way", [1, -1])
@pytest.mark.parametrize("turns", [0.92, 1.1])
def test_a_coiled_hair_is_one_from_its_root_to_its_tip(photo, turns, way):
    """With the tip just before the root, and with the tip on the first part of the hair."""
    angles = way * np.linspace(0.0, 2 * np.pi * turns, 400) + 0.6
    coil = np.array([160.0, 150.0]) + 75 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    (hair,) = trace_hairs(drawn_maps([coil]), photo)
    assert np.hypot(*(hair.root_xy - coil[0])) < 6.0
    assert np.hypot(*(hair.tip_xy - coil[-1])) < 6.0
    assert np.hypot(*np.diff(hair.path_xy, axis=0).T).sum() == pytest.approx(2 * np.pi * 75 * turns, rel=0.05)


def test_a_coil_without_an_end_to_see_is_not_cut(photo):
    angles = np.linspace(0.0, 2 * np.pi, 400)
    coil = np.array([160.0, 150.0]) + 75 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    maps = drawn_maps([coil], [(False, False)])
    assert len(trace_shafts(maps)[0]) <= 1


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


def test_a_root_that_is_not_seen_is_told_unless_it_may_lie_beyond_the_border():
    paths = [[(60, 60), (120, 80)], [(0, 160), (70, 170)], [(150, 240), (220, 250)]]
    maps = drawn_maps(paths, ends_seen=[(True, True), (False, True), (False, True)])
    shafts, readings = trace_shafts(maps)
    rooted = dict(zip([round(shaft.path[0, 1] * CELL_PX) for shaft in shafts], readings[:, -1], strict=True))
    assert READINGS[-1] == "rooted"
    assert [rooted[y] for y in sorted(rooted)] == [1.0, 1.0, 0.0]
