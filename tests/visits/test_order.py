from datetime import date

import pytest

from hairscan.errors import VisitError
from hairscan.visits.order import baseline_of, natural_key, visits_of
from hairscan.visits.run_sites import RunPhoto, Site


def photo(visit, day=None, image=None):
    return RunPhoto(image or f"{visit}.png", "", visit, day, "", None, 0, "")


def site(*photos):
    return Site("S1", "", "", "vertex", photos)


def undated(*visits):
    return site(*map(photo, visits))


@pytest.mark.parametrize(
    "names",
    [["0", "4", "12"], ["V1", "V2", "V10"], ["Baseline", "week 4", "week 12"], ["0", "0.5", "12", "follow-up"]],
)
def test_names_are_ordered_as_a_person_would(names):
    assert sorted(names, key=natural_key) == names
    assert list(visits_of(undated(*reversed(names)))) == names


def test_dates_decide_where_every_photograph_has_one():
    dated = [photo("summer", date(2024, 7, 1)), photo("winter", date(2024, 1, 1)), photo("autumn", date(2024, 10, 1))]
    assert list(visits_of(site(*dated))) == ["winter", "summer", "autumn"]
    assert list(visits_of(site(*dated, photo("9")))) == ["9", "autumn", "summer", "winter"]


def test_photographs_of_a_visit_stay_in_the_order_of_the_manifest():
    found = visits_of(site(photo("1", image="b.png"), photo("0"), photo("1", image="a.png")))
    assert [one.image for one in found["1"]] == ["b.png", "a.png"]


def test_the_baseline_is_one_visit_of_the_whole_run():
    sites = [undated("12", "0"), undated("0", "12"), undated("12", "24")]
    assert baseline_of(sites, None) == "0"
    assert baseline_of(sites, "12") == "12"
    with pytest.raises(VisitError, match="no photograph is of a visit 3: choose one of 0, 12, 24"):
        baseline_of(sites, "3")
