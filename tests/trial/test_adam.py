import math

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from hairscan.errors import TrialError
from hairscan.trial.adam import LABELS, adam_dataset, write_adam
from hairscan.trial.analysis import analyse_trial
from hairscan.trial.tables import csv_bytes, write_tables


def photos_of(**subjects):
    """Photographs of subjects given as arm and density at the visits 0, 12 and 24; None is a missed visit."""
    return [
        {"subject": subject, "arm": arm, "visit": visit, "density_per_cm2": density, "site": "vertex"}
        for subject, (arm, *densities) in subjects.items()
        for visit, density in zip(("0", "12", "24"), densities, strict=True)
        if density is not None
    ]


PHOTOS = photos_of(
    S1=("placebo", 100, 101, 103),
    S2=("placebo", 140, 141, 139),
    S3=("prp", 100, 110, 130),
    S4=("prp", 120, None, 131),
    S5=("prp", None, 90, 95),
)


@pytest.fixture
def result(write_run, parallel):
    """An analysed trial of five subjects."""
    design = parallel(
        study="TRIAL-1",
        responder={"endpoint": "density_per_cm2", "change": 20},
        exclude=[{"subject": "S4", "reason": "dyed"}],
    )
    return analyse_trial(write_run(PHOTOS), design)


def test_variables_of_a_row(result, tmp_path):
    write_adam(result, tmp_path)
    table = pd.read_csv(tmp_path / "adhair.csv", keep_default_na=False, dtype=str)
    assert list(table) == list(LABELS)
    row = table[(table["SUBJID"] == "S3") & (table["PARAMCD"] == "TAHD") & (table["AVISITN"] == "24")].iloc[0]
    assert row.to_dict() == {
        "STUDYID": "TRIAL-1",
        "USUBJID": "TRIAL-1-S3",
        "SUBJID": "S3",
        "ASEQ": "3",
        "TRTP": "prp",
        "TRTA": "prp",
        "LAT": "",
        "LOC": "vertex",
        "AVISIT": "24",
        "AVISITN": "24",
        "PARAMCD": "TAHD",
        "PARAM": "Total area hair density (/cm2)",
        "AVAL": "130",
        "BASE": "100",
        "CHG": "30",
        "PCHG": "30",
        "ABLFL": "",
        "ANL01FL": "Y",
        "FASFL": "Y",
        "PPROTFL": "Y",
        "CRIT1": "Gain of at least 20",
        "CRIT1FL": "Y",
        "NPHOTO": "1",
        "AREACM2": "0.1",
        "QCFLAGS": "",
    }
    # the design's endpoints first, then all others that were measured
    assert list(table.loc[table["SUBJID"] == "S3", "PARAMCD"].unique()) == ["TAHD", "MHD", "TAHC", "NVTAH40", "VELL40"]
    flags = table.groupby("SUBJID")[["FASFL", "PPROTFL"]].first()
    assert flags.loc["S4"].tolist() == ["Y", "N"]
    assert flags.loc["S5"].tolist() == ["N", "N"]
    baselines = table[table["ABLFL"] == "Y"]
    assert set(baselines["AVISITN"]) == {"0"}
    assert set(baselines["CHG"]) == {""}
    assert not table.duplicated(["USUBJID", "ASEQ"]).any()


def test_the_criterion_is_the_responder_of_the_table(write_run, parallel):
    """Baselines photographed twice: a detectable change of about 20, beside which a gain of 10 is too small."""
    photos = photos_of(**{f"S{i:02d}": ("prp" if i % 2 else "placebo", 100, 100, 100 + 3 * i) for i in range(12)})
    again = [{**p, "density_per_cm2": 100 + 12 * (-1) ** i} for i, p in enumerate(photos) if p["visit"] == "0"]
    rule = {"endpoint": "density_per_cm2", "change": 10}
    result = analyse_trial(write_run([*photos, *again]), parallel(responder=rule))
    table = adam_dataset(result)
    at_24 = table[(table["PARAMCD"] == "TAHD") & (table["AVISITN"] == 24)]
    row = result.tables["responders"].iloc[0]
    n_yes = at_24[at_24["CRIT1FL"] == "Y"].groupby("TRTP").size()
    assert (n_yes["prp"], n_yes["placebo"]) == (row["responders_arm"], row["responders_control"])
    assert 0 < n_yes["prp"] < (at_24.loc[at_24["TRTP"] == "prp", "CHG"] >= 10).sum()
    assert set(at_24["CRIT1"]) == {"Gain of at least 10 and the minimal detectable change"}


def test_of_a_split_scalp_the_full_analysis_set_holds_pairs(write_run, split):
    """S2 lacks the baseline of one side."""
    sides = {"placebo": "left", "prp": "right"}
    photos = [
        {**photo, "subject": subject, "side": sides[photo["arm"]]}
        for subject in ("S1", "S2")
        for photo in PHOTOS[:3] + PHOTOS[6:9]
        if (subject, photo["arm"], photo["visit"]) != ("S2", "placebo", "0")
    ]
    table = adam_dataset(analyse_trial(write_run(photos), split()))
    flags = table.groupby("SUBJID")[["FASFL", "PPROTFL"]].first()
    assert flags.loc["S1"].tolist() == ["Y", "Y"]
    assert flags.loc["S2"].tolist() == ["N", "N"]


def test_transport_file_holds_the_same(result, tmp_path):
    write_adam(result, tmp_path)
    written = pd.read_csv(tmp_path / "adhair.csv", keep_default_na=False, dtype=str)
    table, meta = pyreadstat.read_xport(tmp_path / "adhair.xpt")
    assert meta.column_names_to_labels == LABELS
    assert meta.table_name == "ADHAIR"
    by_pandas = pd.read_sas(tmp_path / "adhair.xpt", format="xport", encoding="utf-8")
    for name in LABELS:
        for found in (table[name], by_pandas[name]):
            if pd.api.types.is_numeric_dtype(found):
                expected = pd.to_numeric(written[name], errors="coerce")
                # pandas reads the zero of IBM's floats as 5e-79
                np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-70, equal_nan=True)
            else:
                assert found.fillna("").tolist() == written[name].tolist(), name


def test_the_same_data_give_the_same_bytes(result, tmp_path):
    write_adam(result, tmp_path / "a")
    header = (tmp_path / "a" / "adhair.xpt").read_bytes()[: 8 * 80]
    assert header.count(b"01JAN60:00:00:00") == 4
    write_adam(result, tmp_path / "b")
    for name in ("adhair.csv", "adhair.xpt"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_limits_of_the_transport_file():
    assert all(len(name) <= 8 and len(label) <= 40 for name, label in LABELS.items())


def test_a_name_too_long_for_sas_is_refused(write_run, parallel, tmp_path):
    run = write_run([{**photo, "site": "é" * 101} for photo in PHOTOS])
    with pytest.raises(TrialError, match="Site of the Scalp"):
        write_adam(analyse_trial(run, parallel()), tmp_path)


def test_tables_have_six_digits_and_empty_cells():
    table = pd.DataFrame(
        {"a": [1 / 3, math.nan, -0.0], "b": [True, False, True], "c": ["x,y", "", "z"], "d": [1, 2, 3]}
    )
    assert csv_bytes(table, digits=6) == b'a,b,c,d\n0.333333,1,"x,y",1\n,0,,2\n0,1,z,3\n'


def test_every_table_is_written(result, tmp_path):
    write_tables(result, tmp_path)
    names = {path.stem for path in (tmp_path / "tables").iterdir()}
    assert names == {*result.tables, "observations", "facts"}
    effects = pd.read_csv(tmp_path / "tables" / "effects.csv")
    assert list(effects)[:2] == ["set", "endpoint"]
    assert len(effects) == len(result.tables["effects"])


def test_no_percentage_of_a_baseline_of_0_is_neither_yes_nor_no(write_run, parallel, tmp_path):
    photos = [*PHOTOS, *photos_of(S6=("prp", 0, 10, 20), S7=("prp", 100, 110, None))]
    result = analyse_trial(write_run(photos), parallel(responder={"endpoint": "density_per_cm2", "percent": 20}))
    write_adam(result, tmp_path)
    table = pd.read_csv(tmp_path / "adhair.csv", keep_default_na=False, dtype=str)
    at_24 = table[(table["PARAMCD"] == "TAHD") & (table["AVISITN"] == "24")].set_index("SUBJID")
    assert at_24["CRIT1FL"].to_dict() == {"S1": "N", "S2": "N", "S3": "Y", "S4": "N", "S5": "", "S6": ""}
    assert at_24.loc["S6", "CRIT1"] == ""
    first, row = (rows for _, rows in result.tables["responders"].iterrows())
    assert (first["missing"], first["n_arm"], first["responders_arm"]) == ("no response", 4, 1)
    assert (row["missing"], row["n_arm"], row["responders_arm"]) == ("left out", 2, 1)
    assert row["note"].startswith(
        "no figure at this visit: 1 of prp; no percentage of a baseline of 0 exists: 1 of prp"
    )
