"""The observations as an analysis dataset of ADaM's basic data structure: CSV and SAS transport file."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pyreadstat

from hairscan.errors import TrialError
from hairscan.trial.analysis import TrialResult
from hairscan.trial.detectable import errors_of
from hairscan.trial.flow import full_analysis_set
from hairscan.trial.observations import of_design
from hairscan.trial.parameters import PARAMETERS
from hairscan.trial.responders import judge_gains
from hairscan.trial.tables import csv_bytes

NAME = "adhair"
LABELS = {
    "STUDYID": "Study Identifier",
    "USUBJID": "Unique Subject Identifier",
    "SUBJID": "Subject Identifier for the Study",
    "ASEQ": "Analysis Sequence Number",
    "TRTP": "Planned Treatment",
    "TRTA": "Actual Treatment",
    "LAT": "Side of the Scalp",
    "LOC": "Site of the Scalp",
    "AVISIT": "Analysis Visit",
    "AVISITN": "Analysis Visit (weeks)",
    "PARAMCD": "Parameter Code",
    "PARAM": "Parameter",
    "AVAL": "Analysis Value",
    "BASE": "Baseline Value",
    "CHG": "Change from Baseline",
    "PCHG": "Percent Change from Baseline",
    "ABLFL": "Baseline Record Flag",
    "ANL01FL": "Analysis Flag 01: full analysis set",
    "FASFL": "Full Analysis Set Population Flag",
    "PPROTFL": "Per-Protocol Population Flag",
    "CRIT1": "Analysis Criterion 1",
    "CRIT1FL": "Criterion 1 Evaluation Result Flag",
    "NPHOTO": "Number of Photographs",
    "AREACM2": "Judged Area (cm2)",
    "QCFLAGS": "Quality Flags of the Photographs",
}
"""Variables in order, with labels; SAS transport version 5 allows 8 and 40 characters, and 200 in a text."""

_MOST_BYTES = 200
_EPOCH = b"01JAN60:00:00:00"
_TIME = re.compile(rb"\d\d[A-Z]{3}\d\d:\d\d:\d\d:\d\d")
_HEADER_BYTES = 8 * 80
"""The records of a transport file in which its times stand."""


def adam_dataset(result: TrialResult) -> pd.DataFrame:
    """One row per unit of analysis, visit and endpoint with the variables of `LABELS`."""
    design, rows = result.design, result.data.observations
    study = design.study or design.title
    tested = of_design(rows, design)
    analysed = set(full_analysis_set(tested, design)["subject"])
    per_protocol = analysed - {entry.subject for entry in design.exclude}
    codes = {name: parameter.code for name, parameter in PARAMETERS.items()}
    table = pd.DataFrame(
        {
            "STUDYID": study,
            "USUBJID": study + "-" + rows["subject"],
            "SUBJID": rows["subject"],
            "TRTP": rows["arm"],
            "TRTA": rows["arm"],
            "LAT": rows["side"],
            "LOC": rows["site"],
            "AVISIT": rows["visit"],
            "AVISITN": rows["week"],
            "PARAMCD": rows["endpoint"].map(codes),
            "PARAM": rows["endpoint"].map({name: parameter.param for name, parameter in PARAMETERS.items()}),
            "AVAL": rows["value"],
            "BASE": rows["base"],
            "CHG": rows["change"],
            "PCHG": rows["percent_change"].where(~rows["is_baseline"]),
            "ABLFL": _yes(rows["is_baseline"]),
            "ANL01FL": _yes(rows["analysed"]),
            "FASFL": _yes_no(rows["subject"].isin(analysed)),
            "PPROTFL": _yes_no(rows["subject"].isin(per_protocol)),
            **_criterion(result),
            "NPHOTO": rows["n_photos"],
            "AREACM2": rows["area_cm2"],
            "QCFLAGS": rows["flags"].map(_shortened),
        }
    )
    # the rows stand in the order of the endpoints, which a stable sort keeps
    table = table.sort_values("SUBJID", kind="stable", ignore_index=True)
    return table.assign(ASEQ=table.groupby("SUBJID").cumcount() + 1)[list(LABELS)]


def write_adam(result: TrialResult, folder: Path) -> None:
    """Write ``adhair.csv`` and ``adhair.xpt`` (SAS transport, version 5); the same data give the same bytes.

    Raises
    ------
    TrialError
        Where a name is too long for a transport file.
    """
    table = adam_dataset(result)
    for name in map(str, table.select_dtypes(exclude="number")):
        longest = max(table[name], key=lambda text: len(text.encode()), default="")
        if len(longest.encode()) > _MOST_BYTES:
            raise TrialError(f"{LABELS[name]} {longest[:40]}... is longer than the {_MOST_BYTES} bytes of SAS: shorten")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{NAME}.csv").write_bytes(csv_bytes(table, digits=10))
    path = folder / f"{NAME}.xpt"
    pyreadstat.write_xport(
        table,
        path,
        file_label="hairscan",
        column_labels=LABELS,
        table_name=NAME.upper(),
        file_format_version=5,
    )
    content = path.read_bytes()
    # the library writes the time of writing; a fixed one makes the file reproducible
    path.write_bytes(_TIME.sub(_EPOCH, content[:_HEADER_BYTES]) + content[_HEADER_BYTES:])


def _criterion(result: TrialResult) -> dict[str, pd.Series]:
    """CRIT1 and CRIT1FL: the responder, after baseline; empty on other rows."""
    rows, rule = result.data.observations, result.design.responder
    if rule is None:
        empty = pd.Series("", index=rows.index)
        return {"CRIT1": empty, "CRIT1FL": empty}
    errors = errors_of(result.tables["reliability"], rule.endpoint)
    judged = judge_gains(rows, rule, errors)
    told = (rows["endpoint"] == rule.endpoint) & rows["analysed"] & judged["is_judged"]
    gain = f"{rule.percent:g} %" if rule.change is None else f"{rule.change:.6g}"
    held = " and the minimal detectable change" if len(errors) else ""
    words = f"Gain of at least {gain}{held}"
    return {"CRIT1": told.map({True: words, False: ""}), "CRIT1FL": _yes_no(judged["responded"]).where(told, "")}


def _yes(holds: pd.Series) -> pd.Series:
    return holds.map({True: "Y", False: ""})


def _yes_no(holds: pd.Series) -> pd.Series:
    return holds.map({True: "Y", False: "N"})


def _shortened(flags: str) -> str:
    """The flags, the last ones left out where they would not fit."""
    while len(flags) > _MOST_BYTES:
        flags = flags.removesuffix(";...").rpartition(";")[0] + ";..."
    return flags
