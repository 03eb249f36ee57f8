import numpy as np
import pytest

from hairscan.endpoints.area import place_area
from hairscan.endpoints.crossings import count_crossings
from hairscan.endpoints.result import RunInfo, photo_result


@pytest.fixture
def lattice(make_hair):
    """Hairs along rows and along columns, all of which cross."""

    def make(rows, columns):
        along_rows = [((100, y), (700, y)) for y in np.linspace(200, 500, rows)]
        along_columns = [((x, 100), (x, 700)) for x in np.linspace(200, 600, columns)]
        return [make_hair(i, *map(np.array, ends)) for i, ends in enumerate([*along_rows, *along_columns])]

    return make


@pytest.mark.parametrize(("rows", "columns"), [(0, 0), (1, 0), (3, 0), (2, 4), (5, 6)])
def test_every_pair_that_lies_across_counts_once(lattice, rows, columns):
    assert count_crossings(lattice(rows, columns)) == rows * columns


@pytest.mark.parametrize(("degrees", "crossings"), [(3, 0), (15, 0), (40, 1), (90, 1), (140, 1), (175, 0)])
def test_hairs_that_run_along_each_other_do_not_cross(make_hair, degrees, crossings):
    way = 200 * np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
    hairs = [make_hair(0, np.array([200, 400]), np.array([600, 400])), make_hair(1, 400 - way, 400 + way)]
    assert count_crossings(hairs) == crossings


def test_a_photograph_whose_hairs_lie_across_each_other_is_flagged(lattice, make_photo):
    photo, run = make_photo(), RunInfo(hairscan_version="0", model_name="m", model_sha256="f" * 64, device="cpu")
    flags = [
        photo_result(photo, lattice(*sides), place_area(None, photo), run).photo.flags for sides in ((6, 6), (12, 0))
    ]
    assert "many-crossings" in flags[0]
    assert "many-crossings" not in flags[1]
