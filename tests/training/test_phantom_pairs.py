from math import nan

import numpy as np
import pytest

from hairscan.photo import read_photo
from hairscan.training.phantom_pairs import (
    PhantomPairAgreement,
    judge_phantom_pair,
    phantom_visit_table,
    summarise_phantom_visits,
)
from hairscan.training.phantom_sites import draw_phantom_pair
from hairscan.visits.plane import transform
from hairscan.visits.visit import read_visit


@pytest.fixture(scope="module")
def pair():
    return draw_phantom_pair(np.random.default_rng(5))


def growing(phantom):
    return {hair.uid: hair for hair in phantom.hairs if hair.root_seen and not hair.loose}


def test_the_matrix_brings_the_roots_that_stayed_onto_themselves(pair):
    first, second = map(growing, pair.phantoms)
    both = sorted(first.keys() & second.keys())
    assert len(both) >= 5
    roots = np.array([first[uid].path_xy[0] for uid in both])
    moved = transform(pair.matrix, roots)
    np.testing.assert_allclose(moved, [second[uid].path_xy[0] for uid in both], atol=0.01)
    assert np.hypot(*(moved - roots).T).max() > 5


def test_hairs_that_stayed_are_thicker_and_some_went_and_came(pair):
    first, second = map(growing, pair.phantoms)
    both = first.keys() & second.keys()
    changes = [second[uid].width_um - first[uid].width_um for uid in both]
    assert np.mean(changes) == pytest.approx(3.0, abs=3 * 1.5 / np.sqrt(len(both)))
    whole = [{hair.uid for hair in phantom.hairs} for phantom in pair.phantoms]
    assert first.keys() - whole[1]
    assert second.keys() - whole[0]


def test_a_pair_is_judged_hair_by_hair(pair, segmenter):
    visits = [read_visit(read_photo(one.rgb, um_per_px=one.um_per_px), segmenter) for one in pair.phantoms]
    agreement = judge_phantom_pair(pair, *visits)
    assert agreement.registered
    assert agreement.error_um < 20.0
    assert 0 < agreement.changed < agreement.count
    assert agreement.found_apart <= agreement.changed_apart <= agreement.changed
    assert agreement.matched > agreement.count / 2
    assert agreement.true_um == pytest.approx(3.0, abs=1.5)


def test_a_photograph_of_another_site_counts_as_not_registered(pair, segmenter):
    other = draw_phantom_pair(np.random.default_rng(6))
    shown = pair.phantoms[0], other.phantoms[1]
    visits = [read_visit(read_photo(one.rgb, um_per_px=one.um_per_px), segmenter) for one in shown]
    agreement = judge_phantom_pair(pair, *visits)
    assert not agreement.registered
    assert agreement.matched == 0


def test_figures_are_those_of_the_pairs():
    good = PhantomPairAgreement(True, 2.0, 4, 3, 0, 19, 1, 20, 1.0, 3.0, 2, 2, 3.4, 3.0, 6.0, 1.0)
    poor = PhantomPairAgreement(True, 6.0, 0, 0, 2, 8, 0, 10, 2.0, 0.0, 0, 0, 2.0, 3.0, nan, 0.0)
    found = summarise_phantom_visits([good, poor, PhantomPairAgreement(registered=False)], model="m")
    assert (found.pairs, found.changed_hairs) == (3, 4)
    value = {name: figure.value for name, figure in found.figures.items()}
    assert value["registered"] == pytest.approx(2 / 3)
    assert value["registration_error_um"] == 4.0
    assert value["recall"] == 0.75
    assert value["recall_apart"] == 1.0
    assert value["false_share"] == pytest.approx(2 / 27)
    assert value["undecided_share"] == pytest.approx(1 / 33)
    assert value["count_change_error"] == pytest.approx((0.05 + 0.2) / 2)
    assert value["unmatched_error"] == pytest.approx(0.15 / 2)
    assert value["thickening_bias_um"] == pytest.approx(-0.3)
    assert value["thickening_error_um"] == pytest.approx(0.7)
    assert value["unmatched_thickening_error_um"] == pytest.approx(3.0)
    assert value["thickening_covered"] == 0.5


def test_without_a_registered_pair_the_table_is_empty_where_nothing_is_known():
    table = phantom_visit_table(summarise_phantom_visits([PhantomPairAgreement(registered=False)], model="m"))
    assert dict(table.rows)["recall of lost and gained hairs"] == ""
    assert "stays but for its shine" in table.note
