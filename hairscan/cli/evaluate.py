"""``hairscan evaluate``: how good a model is, on annotated photographs, on phantoms and on hand-traced masks."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hairscan.cli.number import number

if TYPE_CHECKING:
    from rich.progress import Progress

    from hairscan.segment import Segmenter
    from hairscan.training.tables import Table
    from hairscan.training.vectors import Sample


def evaluate(
    data: Annotated[Path | None, typer.Option(help="Annotated photographs: tiles/, vectors.csv, fields.csv.")] = None,
    um_per_px: Annotated[
        float | None, typer.Option(parser=number, help="Scale of the photographs whose fields.csv tells none.")
    ] = None,
    part: Annotated[str, typer.Option(help="Part of the split: validation, tune or train.")] = "validation",
    masks: Annotated[Path | None, typer.Option(help="Pictures NAME.jpg with hand-traced masks NAME_t.jpg.")] = None,
    visits: Annotated[
        bool, typer.Option("--visits", help="Instead: pairs of visits of known truth, drawn from --data and rendered.")
    ] = False,
    phantoms: Annotated[int, typer.Option(min=0, help="Phantoms of every kind; 4 pairs each with --visits.")] = 10,
    model: Annotated[str, typer.Option(help="Name or folder of the network.")] = "default",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    out: Annotated[Path | None, typer.Option(help="Folder for figures.json and report.html.")] = None,
) -> None:
    """Print how well found hairs agree with annotated and with true ones, beside two baselines."""
    from rich.console import Console
    from rich.progress import Progress

    from hairscan.batch.run_folder import check_writable
    from hairscan.errors import DataError
    from hairscan.files import check_replaceable
    from hairscan.phantom import KINDS
    from hairscan.segment import load_model
    from hairscan.training.assess import assess_masks, assess_phantoms, assess_photos, phantom_columns
    from hairscan.training.masks import read_masks
    from hairscan.training.report_files import write_report
    from hairscan.training.tables import Evaluation, tables_of
    from hairscan.training.visit_evaluation import VisitEvaluation
    from hairscan.version import __version__

    if visits and masks is not None:
        raise typer.BadParameter("pairs of visits have no hand-traced masks: leave --masks out", param_hint="--masks")
    if data is None and masks is None and not phantoms:
        raise DataError("nothing to evaluate: give --data, --masks or --phantoms")
    # What can be refused is refused before the network runs for minutes.
    if out is not None:
        check_writable(out)
        if visits:
            check_replaceable(out, VisitEvaluation.model_fields, ["visits.json"], "evaluation")
        else:
            check_replaceable(out, Evaluation.model_fields, ["figures.json", "report.html"], "evaluation")
    samples = [] if data is None else _read_samples(data, part, um_per_px)
    if visits:
        _evaluate_visits(samples, data, part, phantoms, load_model(model, device), out)
        return
    pictures = [] if masks is None else read_masks(masks)
    segmenter = load_model(model, device)
    judged = [sample for sample in samples if sample.part == part]
    with Progress(console=Console(stderr=True), transient=True) as progress:
        columns, agreements = assess_photos(
            samples, part, segmenter, progress=_task(progress, "photographs", len(judged))
        )
        by_kind = assess_phantoms(phantoms, segmenter, progress=_task(progress, "phantoms", phantoms * len(KINDS)))
        by_mask = assess_masks(pictures, segmenter, progress=_task(progress, "masks", len(pictures)))
    evaluation = Evaluation(
        hairscan_version=__version__,
        model=segmenter.name,
        sha256=segmenter.sha256,
        device=segmenter.backend.device,
        command=shlex.join(["hairscan", *sys.argv[1:]]),
        part=part if samples else "",
        photos=columns,
        phantoms=phantom_columns(by_kind),
        masks=by_mask,
    )
    _print(tables_of(evaluation))
    if out is not None:
        typer.echo(f"look at {write_report(out, evaluation, judged, agreements, by_kind)}")


def _evaluate_visits(
    samples: list[Sample], data: Path | None, part: str, phantoms: int, segmenter: Segmenter, out: Path | None
) -> None:
    """Print how well pairs of visits are compared, beside counting each visit by itself."""
    from rich.console import Console
    from rich.progress import Progress

    from hairscan.errors import DataError
    from hairscan.files import json_bytes, write_files, writing_to
    from hairscan.training.visit_evaluation import evaluate_all_visits, visit_tables
    from hairscan.training.visit_pairs import whole_fields

    if data is None and not phantoms:
        raise DataError("nothing to evaluate: give --data or --phantoms")
    fields = [] if data is None else whole_fields([sample for sample in samples if sample.part == part], data)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        evaluation = evaluate_all_visits(fields, phantoms, segmenter, part=part, bar=partial(_task, progress))
    _print(visit_tables(evaluation))
    if out is not None:
        with writing_to(out):
            write_files({out / "visits.json": json_bytes(evaluation)})
        typer.echo(f"look at {out / 'visits.json'}")


def _read_samples(data: Path, part: str, um_per_px: float | None) -> list[Sample]:
    """All photographs of the folder; some of them must be of the part, and these must be whole."""
    from hairscan.errors import DataError
    from hairscan.training.photo_files import check_photos
    from hairscan.training.vectors import read_samples

    samples = read_samples(data, um_per_px=um_per_px)
    judged = [sample for sample in samples if sample.part == part]
    if not judged:
        raise DataError(f"no photographs of the part {part!r} in {data}: give validation, tune or train")
    check_photos(judged)
    if bald := sum(not len(sample.vectors_px) for sample in judged):
        typer.echo(
            f"note: {bald} of {len(judged)} photographs have no hair in vectors.csv and are judged as bald", err=True
        )
    return samples


def _task(progress: Progress, name: str, total: int) -> Callable[[], None]:
    """A bar of the progress display, and what moves it on by one."""
    task = progress.add_task(f"{total} {name}", total=total, visible=total > 0)
    return lambda: progress.advance(task)


def _print(tables: list[Table]) -> None:
    """Print the tables on stdout."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table as Grid

    console = Console(highlight=False, markup=False)
    for table in tables:
        grid = Grid(
            title=table.title, caption=table.note, title_justify="left", caption_justify="left", box=SIMPLE_HEAD
        )
        for heading in table.headings:
            grid.add_column(heading)
        for row in table.rows:
            grid.add_row(*row)
        console.print(grid)
