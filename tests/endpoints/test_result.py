import json
from dataclasses import replace
from importlib.resources import files

import cv2
import numpy as np
import pytest

from hairscan.endpoints.area import place_area
from hairscan.endpoints.contrast import hair_contrasts
from hairscan.endpoints.result import ResultFile, RunInfo, json_schema, photo_result
from hairscan.endpoints.rows import HairRow, PhotoRow, cell_text, column_names, row_cells
from hairscan.errors import AreaError
from hairscan.types import Ignored

RUN = RunInfo(hairscan_version="0", model_name="m", model_sha256="f" * 64, device="cpu")
HAIR_COLUMNS = (
    "image, hair_id, root_x_px, root_y_px, tip_x_px, tip_y_px, width_px, width_um, width_se_um, length_um, kind, "
    "unit_id, counted, confidence, flags"
)
PHOTO_COLUMNS = (
    "image, sha256, width_px, height_px, um_per_px, um_per_px_sd, scale_source, area_cm2, hair_count, "
    "density_per_cm2, density_low_per_cm2, density_high_per_cm2, terminal_30um_per_cm2, vellus_30um_per_cm2, "
    "terminal_40um_per_cm2, vellus_40um_per_cm2, terminal_fraction, mean_width_um, median_width_um, sd_width_um, "
    "cumulative_width_mm_per_cm2, unit_density_per_cm2, hairs_per_unit, single_hair_unit_fraction, nearest_unit_mm, "
    "mean_length_um, focus_um, flags"
)


def scattered(make_hair, n=60, seed=0, width_px=800, height_px=600):
    rng = np.random.default_rng(seed)
    roots_xy = rng.uniform((20, 20), (width_px - 80, height_px - 40), (n, 2))
    return [
        make_hair(i, root, root + np.array([50, 10]), float(rng.uniform(2.5, 9.0))) for i, root in enumerate(roots_xy)
    ]


def draw_hairs(photo, hairs, grey):
    for hair in hairs:
        ends = [tuple(int(v) for v in np.rint(end)) for end in (hair.root_xy, hair.tip_xy)]
        cv2.line(photo.rgb, *ends, (grey,) * 3, max(1, round(hair.width_px)))


def scored(photo, hairs, area=None):
    return photo_result(photo, hairs, place_area(area, photo), RUN)


def test_the_columns_are_those_that_other_programs_read():
    assert ", ".join(column_names(HairRow)) == HAIR_COLUMNS
    assert ", ".join(column_names(PhotoRow)) == PHOTO_COLUMNS


def test_endpoints_of_four_hairs_by_hand(make_photo, make_hair):
    widths_px = (2.0, 3.5, 6.0, np.nan)
    hairs = [make_hair(i, (100 + 200 * i, 400), (160 + 200 * i, 400), w) for i, w in enumerate(widths_px)]
    photo = make_photo(1000, 1000)
    draw_hairs(photo, hairs[:3], grey=40)
    row = scored(photo, hairs).photo
    assert row.area_cm2 == pytest.approx(1.0)
    assert row.hair_count == 4
    assert row.density_per_cm2 == pytest.approx(4)
    # 20, 35 and 60 um: two of three reach 30, one of three reaches 40; the fourth hair is spread alike
    assert row.terminal_30um_per_cm2 == pytest.approx(8 / 3)
    assert row.vellus_30um_per_cm2 == pytest.approx(4 / 3)
    assert row.terminal_40um_per_cm2 == pytest.approx(4 / 3)
    assert row.terminal_fraction == pytest.approx(1 / 3)
    assert row.mean_width_um == pytest.approx(115 / 3)
    assert row.median_width_um == pytest.approx(35)
    assert row.sd_width_um == pytest.approx(np.std([20, 35, 60], ddof=1))
    assert row.cumulative_width_mm_per_cm2 == pytest.approx(4 * 115 / 3 / 1000)
    assert row.unit_density_per_cm2 == pytest.approx(4)
    assert (row.hairs_per_unit, row.single_hair_unit_fraction) == (1, 1)
    assert row.nearest_unit_mm == pytest.approx(2.0)
    assert row.mean_length_um == pytest.approx(600)
    assert row.focus_um == pytest.approx(12.0)
    assert row.flags == ("coarse-scale", "few-hairs", "many-unresolved", "width-missing:1")


def test_without_a_scale_only_counts_and_pixels_are_given(make_photo, make_hair):
    photo, hairs = make_photo(um_per_px=None), scattered(make_hair)
    draw_hairs(photo, hairs, grey=40)
    result = scored(photo, hairs)
    filled = {name for name, value in result.photo.model_dump().items() if value is not None}
    assert filled == {
        *("image", "sha256", "width_px", "height_px", "hair_count", "hairs_per_unit", "single_hair_unit_fraction"),
        "flags",
    }
    assert result.photo.flags == ("scale-missing",)
    assert all(row.width_px is not None and row.width_um is None and row.kind is None for row in result.hairs)


def test_no_hair_is_a_density_of_zero_with_an_upper_limit_and_no_thickness(make_photo):
    row = scored(make_photo(), []).photo
    assert (row.hair_count, row.density_per_cm2, row.density_low_per_cm2) == (0, 0, 0)
    assert row.density_high_per_cm2 > 0
    assert (row.terminal_30um_per_cm2, row.vellus_40um_per_cm2, row.cumulative_width_mm_per_cm2) == (0, 0, 0)
    assert (row.mean_width_um, row.terminal_fraction, row.hairs_per_unit, row.mean_length_um) == (None,) * 4
    assert row.flags == ("coarse-scale", "no-hair")


def test_hairs_of_which_none_has_a_width_are_of_no_class(make_photo, make_hair):
    hairs = [make_hair(i, (100 + 20 * i, 100), (150 + 20 * i, 200), np.nan) for i in range(25)]
    result = scored(make_photo(), hairs)
    assert result.photo.density_per_cm2 > 0
    assert (result.photo.terminal_30um_per_cm2, result.photo.vellus_30um_per_cm2) == (None, None)
    assert result.photo.cumulative_width_mm_per_cm2 is None
    assert {row.kind for row in result.hairs} == {None}
    assert "width-missing:25" in result.photo.flags


def test_terminal_and_vellus_add_up_to_the_density(make_photo, make_hair):
    row = scored(make_photo(), [*scattered(make_hair), make_hair(99, (300, 300), (350, 300), np.nan)]).photo
    for cut_off in (30, 40):
        parts = [getattr(row, f"{kind}_{cut_off}um_per_cm2") for kind in ("terminal", "vellus")]
        assert sum(parts) == pytest.approx(row.density_per_cm2)


def test_twice_the_scale_is_twice_the_width_and_a_quarter_of_the_density(make_photo, make_hair):
    hairs = scattered(make_hair)
    small, large = (scored(make_photo(um_per_px=s, sd=0.01 * s), hairs).photo for s in (5.0, 10.0))
    assert large.mean_width_um == pytest.approx(2 * small.mean_width_um)
    assert large.mean_length_um == pytest.approx(2 * small.mean_length_um)
    assert large.density_per_cm2 == pytest.approx(small.density_per_cm2 / 4)
    assert large.density_high_per_cm2 == pytest.approx(small.density_high_per_cm2 / 4)


def test_pixels_that_cannot_be_judged_leave_the_denominator(make_photo, make_hair):
    photo = make_photo(1000, 800)
    hairs = scattered(make_hair)
    before = scored(photo, hairs).photo
    photo.ignored[700:] = Ignored.GRAPHICS
    after = scored(photo, hairs)
    assert after.photo.hair_count == before.hair_count
    assert after.photo.area_cm2 == pytest.approx(before.area_cm2 * 7 / 8)
    assert json.loads(after.to_json())["area"]["graphics_fraction"] == pytest.approx(1 / 8)


def test_a_hair_outside_the_area_changes_nothing_but_its_own_row(make_photo, make_hair):
    hairs = scattered(make_hair)
    before = scored(make_photo(), hairs, "circle:0.2cm2")
    after = scored(make_photo(), [*hairs, make_hair(99, (990, 790), (500, 400), 30.0)], "circle:0.2cm2")
    assert after.photo == before.photo
    assert after.hairs[:-1] == before.hairs


def test_the_order_of_the_hairs_does_not_matter(make_photo, make_hair):
    hairs = scattered(make_hair)
    forward, backward = (scored(make_photo(), h).photo.model_dump() for h in (hairs, hairs[::-1]))
    for name, value in forward.items():
        assert backward[name] == (pytest.approx(value) if isinstance(value, float) else value), name


def test_a_field_of_which_nothing_can_be_judged_is_refused_with_the_reason(make_photo):
    photo = make_photo()
    photo.ignored[:] = Ignored.BLUR
    with pytest.raises(AreaError, match=r"a\.jpg can be judged \(blur 100\.0%\)"):
        scored(photo, [])


@pytest.mark.parametrize(
    ("um_per_px", "width_px", "flag"),
    [(1.0, 40.0, "implausible-density"), (45.0, 8.0, "implausible-width"), (1.0, 40.0, "area-small")],
)
def test_numbers_that_cannot_be_are_flagged(make_photo, make_hair, um_per_px, width_px, flag):
    hairs = [replace(hair, width_px=width_px) for hair in scattered(make_hair)]
    assert flag in scored(make_photo(um_per_px=um_per_px), hairs).photo.flags


def test_flags_of_the_photo_come_first_and_pale_hairs_are_flagged(make_photo, make_hair):
    photo, hairs = replace(make_photo(), flags=("out-of-focus",)), scattered(make_hair)
    draw_hairs(photo, hairs, grey=165)
    assert scored(photo, hairs).photo.flags == ("out-of-focus", "coarse-scale", "low-contrast")


def test_rough_widths_of_unresolved_hairs_make_the_photo_doubtful(make_photo, make_hair):
    photo, hairs = make_photo(), scattered(make_hair)
    draw_hairs(photo, hairs, grey=40)
    rough = [replace(hair, flags=("unresolved",)) for hair in hairs[:15]]
    assert scored(photo, [*rough, *hairs[15:]]).photo.flags == ("coarse-scale", "many-unresolved")


def test_pale_hairs_are_told_by_the_hairs_whose_contrast_is_known(make_photo, make_hair):
    photo, hairs = make_photo(), scattered(make_hair)
    draw_hairs(photo, hairs, grey=165)
    unmeasured = [replace(hair, width_px=float("nan")) for hair in hairs[10:]]
    assert "low-contrast" in scored(photo, [*hairs[:10], *unmeasured]).photo.flags


def test_contrast_is_the_grey_levels_between_skin_and_hair(make_photo, make_hair):
    photo = make_photo()
    hairs = [make_hair(0, (100, 100), (160, 140), 9.0), make_hair(1, (400, 100), (460, 90), np.nan)]
    draw_hairs(photo, hairs[:1], grey=60)
    contrasts = hair_contrasts(photo.rgb, hairs)
    assert contrasts[0] == pytest.approx(120, abs=1)
    assert np.isnan(contrasts[1])


def test_json_holds_the_rows_and_reads_back(make_photo, make_hair):
    result = scored(make_photo(), scattered(make_hair))
    document = ResultFile.model_validate_json(result.to_json())
    assert document.photo == result.photo
    assert document.hairs == result.hairs
    assert document.run == RUN


def test_the_published_schema_is_the_one_of_the_code():
    published = files("hairscan.endpoints").joinpath("photo_result.schema.json").read_text(encoding="utf-8")
    assert published == json_schema()


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("width_um", None, ""),
        ("counted", True, "1"),
        ("flags", ("a", "b"), "a;b"),
        ("density_per_cm2", 120.456, "120.46"),
        ("area_cm2", 0.0461234, "0.04612"),
        ("um_per_px", 2.78, "2.78"),
        ("um_per_px", 2.8638928581428575, "2.86389286"),
        ("root_x_px", -0.001, "0.00"),
        ("cumulative_width_mm_per_cm2", 12.34567, "12.346"),
        ("hair_count", 12, "12"),
    ],
)
def test_a_number_is_written_with_the_decimals_of_its_unit(name, value, text):
    assert cell_text(name, value) == text


def test_no_cell_of_a_result_reads_nan(make_photo, make_hair):
    result = scored(make_photo(), [make_hair(0, (100, 100), (150, 100), np.nan)])
    cells = row_cells(result.photo) + [cell for row in result.hairs for cell in row_cells(row)]
    assert "nan" not in cells
    assert "None" not in cells
