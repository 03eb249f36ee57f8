"""Hairs hardly longer than wide: from root to tip, though hardly a centre-line is seen."""

import numpy as np
import pytest

from hairscan.segment.spec import FIRST_DIRECTION
from hairscan.trace.shafts import Shaft
from hairscan.trace.stubs import LONGEST_CELLS, find_stubs
from hairscan.training.targets import render_targets

FAINT = np.float32(0.15)


def faint_line(root, tip):
    """Directed layers, 80 cells square, of a hair whose evidence is too weak for a ridge."""
    path = np.array([root, tip], np.float64) * 2 + 0.5
    target, _ = render_targets(np.zeros((160, 160), np.uint8), [path], [(True, True)])
    return target[FIRST_DIRECTION:] * FAINT


@pytest.mark.parametrize("angle_deg", range(0, 360, 40))
def test_a_short_hair_runs_straight_from_its_root_to_its_tip(angle_deg):
    root = np.array([40.0, 40.0])
    tip = root + 9 * np.array([np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))])
    (stub,) = find_stubs([], root[None], tip[None], faint_line(root, tip))
    np.testing.assert_allclose(stub.path[[0, -1]], [root, tip])
    assert stub.root_seen
    assert stub.tip_seen
    assert stub.forward > 0.8 * stub.strength.sum()
    assert stub.strength.mean() == pytest.approx(FAINT, rel=0.1)


def test_a_line_the_other_way_round_is_no_hair():
    root, tip = np.array([40.0, 40.0]), np.array([48.0, 40.0])
    assert find_stubs([], root[None], tip[None], faint_line(tip, root)) == []


def test_without_a_line_between_there_is_no_hair():
    root, tip = np.array([40.0, 40.0]), np.array([48.0, 40.0])
    assert find_stubs([], root[None], tip[None], np.zeros_like(faint_line(root, tip))) == []


def test_ends_far_apart_are_two_hairs():
    root, tip = np.array([20.0, 40.0]), np.array([20.0 + LONGEST_CELLS + 1, 40.0])
    assert find_stubs([], root[None], tip[None], faint_line(root, tip)) == []


def test_a_root_at_which_a_hair_was_traced_is_not_used_again():
    root, tip = np.array([40.0, 40.0]), np.array([48.0, 40.0])
    traced = Shaft(np.array([[40.5, 40.0], [60.0, 55.0]]), 2.0, np.ones(2))
    assert find_stubs([traced], root[None], tip[None], faint_line(root, tip)) == []


def test_a_tip_belongs_to_the_root_with_the_clearer_line():
    roots, tip = np.array([[40.0, 40.0], [48.0, 46.0]]), np.array([48.0, 40.0])
    (stub,) = find_stubs([], roots, tip[None], faint_line(roots[0], tip))
    np.testing.assert_allclose(stub.path[0], roots[0])


def test_no_peaks_are_no_hairs():
    none = np.zeros((0, 2))
    assert find_stubs([], none, none, np.zeros((12, 8, 8), np.float32)) == []
