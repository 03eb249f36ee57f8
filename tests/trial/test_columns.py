"""The data dictionary: no table has a column that nobody explains."""

import csv
import hashlib
import json

import numpy as np
import pytest

pytest.importorskip("pandas")

import pandas as pd

from hairscan.endpoints.columns import columns_of
from hairscan.endpoints.rows import HairRow, PhotoRow
from hairscan.report.columns import HEADINGS, RUN_TABLES, write_columns
from hairscan.trial.analysis import analyse_trial
from hairscan.trial.columns import OF_ENDPOINT, trial_column
from hairscan.trial.tables import TABLE_NAMES, tables_of
from hairscan.visits.change_rows import ChangeRow
from hairscan.visits.files import ComparedRow
from hairscan.visits.growth_files import GrowthRow
from hairscan.visits.history_rows import HistoryRow


def photographs(sides):
    """Photographs of eight subjects, the last visit of each photographed twice, and the changes of matched hairs."""
    rng = np.random.default_rng(1)
    photos, changes = [], []
    for number in range(8):
        for place, side in enumerate(sides):
            who = {"subject": f"S{number}", "arm": ("prp", "placebo")[(number if len(sides) == 1 else place) % 2]}
            who |= {"side": side, "site": "vertex"}
            for visit in ("0", "12", "24", "24"):
                image = f"{number}{side}-{len(photos)}.png"
                photos.append({**who, "visit": visit, "image": image, "density_per_cm2": rng.normal(150, 20)})
                row = {**who, "visit": visit, "image": image, "baseline_image": photos[-1]["image"], "refused": ""}
                row |= {"density_change_per_cm2": rng.normal(), "width_change_um": rng.normal()}
                row |= {"matched": 14, "lost": 1, "gained": 2, "undecided": 3}
                changes += [row] if visit != "0" and photos[-2]["visit"] != visit else []
    return photos, changes


@pytest.fixture(params=["parallel", "split-scalp"])
def result(request, write_run, parallel):
    """An analysed trial that has every table of its layout."""
    photos, changes = photographs(("",) if request.param == "parallel" else ("left", "right"))
    run = write_run(photos)
    pd.DataFrame(changes).to_csv(run / "changes.csv", index=False)
    images_sha256 = hashlib.sha256((run / "images.csv").read_bytes()).hexdigest()
    (run / "visits.json").write_text(json.dumps({"baseline": "0", "images_sha256": images_sha256}))
    responder = {"endpoint": "density_per_cm2", "change": 20}
    design = parallel(layout=request.param, responder=responder, exclude=[{"subject": "S4", "reason": "dyed"}])
    return analyse_trial(run, design)


def test_every_heading_of_a_trial_has_a_meaning(result, tmp_path):
    write_columns(result, tmp_path)
    with (tmp_path / "tables" / "columns.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == HEADINGS
    told = {(row["table"], row["column"]) for row in rows}
    assert len(told) == len(rows)
    written = {(table, str(name)) for table, content in tables_of(result).items() for name in content}
    assert written <= told
    assert {table for table, _ in told} == {*tables_of(result), "adhair", *RUN_TABLES}
    assert [f"{row['table']}.{row['column']}" for row in rows if not row["meaning"]] == []


def test_every_table_has_been_asked(result):
    missing = {*TABLE_NAMES} - {*tables_of(result), "columns"}
    assert missing == (set() if result.design.layout == "split-scalp" else {"pairs"})


@pytest.mark.parametrize("row_type", [HairRow, PhotoRow, ComparedRow, GrowthRow, ChangeRow, HistoryRow])
def test_every_heading_of_a_photograph_or_visit_has_a_meaning(row_type):
    assert [name for name, column in columns_of(row_type).items() if not column.meaning] == []


def test_a_heading_that_nobody_explains_is_written_without_words(result, tmp_path):
    result.tables["effects"] = result.tables["effects"].assign(riddle=1)
    write_columns(result, tmp_path)
    assert "\neffects,riddle,,\n" in (tmp_path / "tables" / "columns.csv").read_text()


@pytest.mark.parametrize(
    ("table", "name", "unit"),
    [
        ("describe", "percent_change_sd", "%"),
        ("describe", "change_high", OF_ENDPOINT),
        ("effects", "low", OF_ENDPOINT),
        ("responders", "difference_low", ""),
        ("pairs", "difference_low", OF_ENDPOINT),
        ("observations", "area_cm2", "cm2"),
        ("flow", "n", ""),
    ],
)
def test_units_follow_what_is_measured(table, name, unit):
    column = trial_column(table, name)
    assert column.meaning
    assert column.unit == unit


@pytest.mark.parametrize(
    ("row_type", "name", "unit"),
    [
        (PhotoRow, "um_per_px_sd", "um/px"),
        (PhotoRow, "cumulative_width_mm_per_cm2", "mm/cm2"),
        (PhotoRow, "density_low_per_cm2", "1/cm2"),
        (PhotoRow, "hairs_per_unit", ""),
        (GrowthRow, "growth_se_um_per_day", "um/day"),
        (ChangeRow, "miniaturised_30um", ""),
        (ChangeRow, "days", "days"),
    ],
)
def test_units_stand_at_the_end_of_a_name(row_type, name, unit):
    assert columns_of(row_type)[name].unit == unit
