"""An invented run folder of known numbers: no photographs, only the tables that hairscan batch would write."""

import csv
import json
from pathlib import Path

import pytest

pytest.importorskip("pandas")

from hairscan.endpoints.rows import PhotoRow

MANIFEST = ["image", "subject", "arm", "visit", "side", "site"]
RECORD = {
    "hairscan_version": "0.1.0",
    "start_utc": "2026-01-01T00:00:00+00:00",
    "end_utc": "2026-01-01T00:10:00+00:00",
    "configuration": {"model": "default", "area": "whole"},
    "versions": {"numpy": "2"},
    "models": [{"name": "default", "sha256": "ab" * 32}],
    "devices": ["cpu"],
}
BASE = {
    "width_px": 1280,
    "height_px": 1024,
    "um_per_px": 2.78,
    "um_per_px_sd": 0.01,
    "scale_source": "manifest",
    "area_cm2": 0.1,
    "hair_count": 15,
    "density_per_cm2": 150.0,
    "terminal_40um_per_cm2": 90.0,
    "vellus_40um_per_cm2": 60.0,
    "mean_width_um": 50.0,
    "flags": "",
}


@pytest.fixture
def write_run(tmp_path):
    """Write a run folder of photographs given as dicts; what they do not say is that of `BASE`."""

    def write(photos, failures=(), name="run", without=()) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        extra = [key for photo in photos for key in photo if key not in MANIFEST and key not in PhotoRow.model_fields]
        columns = [*MANIFEST, *dict.fromkeys(extra), *(n for n in PhotoRow.model_fields if n != "image")]
        columns = [column for column in columns if column not in without]
        with (folder / "images.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, columns, restval="", extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
            for number, photo in enumerate(photos):
                writer.writerow({"image": f"{number:03d}.png", **BASE, "sha256": f"{number:064x}", **photo})
        with (folder / "failures.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, ["image", "error", "message"], extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
            writer.writerows(failures)
        with (folder / "manifest.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, MANIFEST, restval="", extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
            writer.writerows(failures)
        (folder / "run.json").write_text(json.dumps(RECORD))
        return folder

    return write


@pytest.fixture
def settings():
    """Give a design of a parallel trial as it stands in YAML."""
    return {
        "title": "Invented trial",
        "layout": "parallel",
        "control": "placebo",
        "treatments": ["prp"],
        "visits": {"0": 0, "12": 12, "24": 24},
        "baseline": "0",
        "primary_visit": "24",
        "endpoints": ["density_per_cm2", "mean_width_um"],
    }


@pytest.fixture
def parallel(settings):
    """Give the design of a parallel trial, with changes."""
    from hairscan.trial.design import Design

    return lambda **changes: Design.model_validate({**settings, **changes})


@pytest.fixture
def split(parallel):
    """Give the design of a split-scalp trial, with changes."""
    return lambda **changes: parallel(layout="split-scalp", **changes)
