import numpy as np

from hairscan.visits.assignment import Line, Shafts, pair_hairs


def line(root, angle_deg, length=500.0, width=70.0):
    along = np.linspace(0, length, 40)[:, None]
    direction = np.array([np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))])
    return Line(np.array(root, float) + along * direction, width)


def pairs(first, second):
    found = pair_hairs(first, second, 5.0)
    return dict(zip(found.first.tolist(), found.second.tolist(), strict=True))


def test_neighbours_of_one_unit_keep_their_partners():
    first = [line((0, 0), 40), line((60, 0), 40)]
    second = [line((70, 8), 43), line((8, 6), 38)]
    assert pairs(first, second) == {0: 1, 1: 0}


def test_direction_decides_between_hairs_of_one_root():
    first = [line((0, 0), 20), line((5, 5), 60)]
    second = [line((3, 3), 61), line((4, 2), 21)]
    assert pairs(first, second) == {0: 1, 1: 0}


def test_a_hair_that_grew_and_thickened_is_the_same_hair():
    assert pairs([line((0, 0), 30, length=300, width=50)], [line((6, -4), 33, length=700, width=75)]) == {0: 0}


def test_a_hair_whose_ends_were_swapped_is_the_same_hair():
    there = line((0, 0), 30)
    assert pairs([there], [Line(there.path_um[::-1], 70.0)]) == {0: 0}


def test_a_hair_elsewhere_or_across_is_another_hair():
    assert pairs([line((0, 0), 30)], [line((0, 140), 30)]) == {}
    assert pairs([line((0, 0), 30)], [line((0, 0), 120)]) == {}


def test_no_hairs_give_no_pairs():
    assert pairs([], [line((0, 0), 30)]) == {}


def test_shafts_cover_what_lies_on_them_and_no_neighbour():
    shafts = Shafts([line((3, 12), 31)])
    assert shafts.cover(line((0, 0), 30).path_um).mean() > 0.8
    assert not shafts.cover(line((0, 110), 30).path_um).any()
    assert not Shafts([]).cover(line((0, 0), 30).path_um).any()
    grid = np.zeros((2, 3, 2))
    assert shafts.cover(grid).shape == (2, 3)


def test_a_margin_widens_what_shafts_cover():
    shafts = Shafts([line((0, 0), 0)])
    beside = np.array([[150.0, 60.0]])
    assert not shafts.cover(beside).any()
    assert shafts.cover(beside, margin_um=40.0).all()
