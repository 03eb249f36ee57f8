"""Chains of hairs from comparisons that are written down here."""

from types import SimpleNamespace

import numpy as np
import pytest

from hairscan.types import Hair
from hairscan.visits.histories import hair_histories
from hairscan.visits.matching import ComparedHair, Status


def hair(hair_id):
    return Hair(hair_id, np.array([[0.0, 0.0], [10.0, 0.0]]), root_seen=True, tip_seen=True, confidence=0.9)


def compared(*hairs):
    """A comparison of hairs written as (status, id before, id after)."""
    return SimpleNamespace(
        hairs=tuple(
            ComparedHair(
                status,
                None if before is None else hair(before),
                None if after is None else hair(after),
                0.5 if status is Status.UNDECIDED else 0.8,
            )
            for status, before, after in hairs
        )
    )


MATCHED, LOST, GAINED, UNDECIDED = Status
SECOND_LOOK = -1


def courses(with_baseline, between=None, base=0):
    """Status of every hair at every visit, and its ids."""
    found = hair_histories(base, with_baseline, between or {})
    visits = sorted([base, *with_baseline])
    return [
        " ".join(
            f"{history.at[visit].hair.hair_id}" if history.at[visit].hair else history.at[visit].status.value
            for visit in visits
        )
        for history in found
    ]


def test_lost_and_gained_hairs_have_their_courses():
    first = compared((MATCHED, 0, 3), (LOST, 1, None), (GAINED, None, 4), (MATCHED, 2, 5))
    second = compared((MATCHED, 0, 6), (LOST, 1, None), (GAINED, None, 7), (LOST, 2, None))
    between = compared((MATCHED, 3, 6), (MATCHED, 4, 7), (LOST, 5, None))
    assert courses({1: first, 2: second}, {(1, 2): between}) == [
        "0 3 6",
        "1 absent absent",
        "2 5 absent",
        "absent 4 7",
    ]


def test_a_hair_that_comes_late_is_absent_where_it_was_looked_for():
    first, second = compared((MATCHED, 0, 0)), compared((MATCHED, 0, 0), (GAINED, None, 1))
    assert courses({1: first, 2: second}, {(1, 2): compared((MATCHED, 0, 0), (GAINED, None, 1))}) == [
        "0 0 0",
        "absent absent 1",
    ]


def test_a_hair_that_comes_and_goes_is_undecided_beyond_the_visits_next_to_it():
    pairs = {1: compared((GAINED, None, 9)), 2: compared(), 3: compared()}
    between = {(1, 2): compared((LOST, 9, None)), (2, 3): compared()}
    assert courses(pairs, between) == ["absent 9 absent undecided"]


def test_an_unusable_visit_in_the_middle_leaves_the_others_as_they_are():
    found = hair_histories(0, {2: compared((MATCHED, 0, 5), (GAINED, None, 6))}, {})
    assert [sorted(history.at) for history in found] == [[0, 2], [0, 2]]


def test_what_lies_outside_of_the_common_area_is_not_shown():
    first, second = compared((MATCHED, 0, 0)), compared((MATCHED, 1, 1), (GAINED, None, 2))
    assert courses({1: first, 2: second}, {(1, 2): compared()}) == [
        "0 0 not shown",
        "1 not shown 1",
        "absent not shown 2",
    ]


def test_a_hair_of_the_baseline_that_a_chain_finds_again_is_not_lost():
    first = compared((LOST, 0, None), (UNDECIDED, None, 4))
    second = compared((MATCHED, 0, 7))
    assert courses({1: first, 2: second}, {(1, 2): compared((MATCHED, 4, 7))}) == ["0 undecided 7"]


def test_a_gained_hair_that_a_chain_leads_to_the_baseline_is_not_gained():
    first = compared((UNDECIDED, 0, None), (GAINED, None, 4))
    second = compared((MATCHED, 0, 7))
    assert courses({1: first, 2: second}, {(1, 2): compared((MATCHED, 4, 7))}) == ["0 undecided 7"]
    # the other way round in time
    assert courses({1: second, 2: first}, {(1, 2): compared((MATCHED, 7, 4))}) == ["0 7 undecided"]


def test_an_undecided_hair_that_a_chain_finds_is_present():
    first = compared((UNDECIDED, 0, None), (UNDECIDED, None, 4))
    assert courses({1: first, 2: compared((MATCHED, 0, 7))}, {(1, 2): compared((MATCHED, 4, 7))}) == ["0 4 7"]


def test_one_hair_cannot_be_two_hairs_of_the_baseline():
    first = compared((MATCHED, 0, 4), (MATCHED, 1, 5))
    second = compared((MATCHED, 0, 7), (MATCHED, 1, 8))
    crossed = compared((MATCHED, 4, 8), (MATCHED, 5, 7))
    assert courses({1: first, 2: second}, {(1, 2): crossed}) == ["0 4 7", "1 5 8"]


def test_comparisons_that_disagree_on_the_baseline_leave_it_undecided():
    first, second = compared((GAINED, None, 4)), compared((MATCHED, SECOND_LOOK, 7))
    assert courses({1: first, 2: second}, {(1, 2): compared((MATCHED, 4, 7))}) == ["undecided 4 7"]


def test_a_hair_found_only_by_a_second_look_is_present():
    first, second = compared((MATCHED, SECOND_LOOK, 4)), compared((LOST, 0, None), (MATCHED, 1, SECOND_LOOK))
    assert courses({1: first, 2: second}, {(1, 2): compared((MATCHED, 4, SECOND_LOOK))}) == [
        "0 not shown absent",
        "1 not shown -1",
        "-1 4 -1",
    ]


@pytest.mark.parametrize("base", [0, 1, 2])
def test_the_baseline_may_be_any_visit(base):
    others = [visit for visit in range(3) if visit != base]
    found = courses({visit: compared((MATCHED, 0, visit + 5)) for visit in others}, base=base)
    assert found == [" ".join("0" if visit == base else str(visit + 5) for visit in range(3))]
