"""Hairs that went from beside others that stayed."""

from copy import copy
from dataclasses import replace

import numpy as np
import pytest

from hairscan.visits import compare_visits
from hairscan.visits.matching import Status

from .conftest import UM_PER_PX, moved


@pytest.fixture(scope="module")
def beside(site):
    """A hair that stands alone in the site, and the same hair again 100 um aside of it."""
    hair = site.scene.hairs[site.inner()[3]]
    along = hair.path_um[-1] - hair.path_um[0]
    aside = np.array([-along[1], along[0]]) / np.hypot(*along)
    return hair, replace(hair, path_um=hair.path_um + 100.0 * aside, uid=-2)


@pytest.fixture(scope="module")
def visits(site, look, beside):
    """The site with both hairs, and later without the second."""
    return look(_with_one_more(site, beside[1])), look(site.photograph(matrix=moved()))


def _with_one_more(site, hair):
    """The photograph of the site with another hair."""
    grown = copy(site)
    grown.scene = replace(site.scene, hairs=(*site.scene.hairs, hair))
    return grown.photograph()


def test_a_hair_that_went_from_beside_another_is_lost_and_the_other_stays(site, beside, visits):
    comparison = compare_visits(*visits)
    lost = [hair.baseline for hair in comparison.hairs if hair.status is Status.LOST]
    assert len(lost) == 1
    stayed_px, gone_px = (hair.path_um.mean(axis=0) / UM_PER_PX - 0.5 - site.margin for hair in beside)
    assert np.hypot(*(lost[0].path_xy.mean(axis=0) - gone_px)) * UM_PER_PX < 40.0
    matched = [hair.baseline.path_xy.mean(axis=0) for hair in comparison.hairs if hair.status is Status.MATCHED]
    assert np.hypot(*(np.array(matched) - stayed_px).T).min() * UM_PER_PX < 40.0
    assert comparison.count_change.value == -1.0


def test_the_other_way_round_it_is_gained(visits):
    comparison = compare_visits(visits[1], visits[0])
    assert (comparison.number(Status.LOST), comparison.number(Status.GAINED)) == (0, 1)


def test_a_hair_that_went_from_the_root_of_another_is_lost(site, look, visits):
    hair = site.scene.hairs[site.inner()[0]]
    cos, sin = np.cos(np.deg2rad(17.0)), np.sin(np.deg2rad(17.0))
    turned_um = hair.path_um[0] + (hair.path_um - hair.path_um[0]) @ np.array([[cos, sin], [-sin, cos]])
    with_both = look(_with_one_more(site, replace(hair, path_um=turned_um, uid=-2)))
    comparison = compare_visits(with_both, visits[1])
    lost = [hair.baseline for hair in comparison.hairs if hair.status is Status.LOST]
    assert len(lost) == 1
    gone_px = turned_um.mean(axis=0) / UM_PER_PX - 0.5 - site.margin
    assert np.hypot(*(lost[0].path_xy.mean(axis=0) - gone_px)) * UM_PER_PX < 60.0
