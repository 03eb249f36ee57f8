"""An evaluation on disk: figures.json for programs, report.html for a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from hairscan.files import json_bytes, write_files, writing_to
from hairscan.training.evaluate import PhantomAgreement
from hairscan.training.figures import counts_by_field
from hairscan.training.metrics import Agreement
from hairscan.training.page import render_page
from hairscan.training.tables import Evaluation
from hairscan.training.vectors import Sample
from hairscan.training.worst import worst_phantoms, worst_photos


def write_report(
    folder: Path,
    evaluation: Evaluation,
    samples: Sequence[Sample],
    agreements: Sequence[Agreement],
    phantoms: Mapping[str, Sequence[PhantomAgreement]],
) -> Path:
    """Write figures.json and report.html, and return the path of the page.

    Parameters
    ----------
    samples, agreements
        The photographs that were judged, and what the model made of each.
    phantoms
        What it made of the phantoms, by kind.

    Raises
    ------
    OutputError
        When the folder cannot be written.
    """
    page = render_page(
        evaluation, counts_by_field(agreements), worst_photos(samples, agreements), worst_phantoms(phantoms)
    )
    with writing_to(folder):
        write_files({folder / "figures.json": json_bytes(evaluation), folder / "report.html": page.encode()})
    return folder / "report.html"
