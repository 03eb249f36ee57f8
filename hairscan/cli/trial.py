"""``hairscan trial``: a run folder and a design become the trial's endpoints, statistics and report."""

from __future__ import annotations

from math import isfinite
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hairscan.trial.analysis import TrialResult


def trial(
    run: Annotated[Path, typer.Argument(help="Run folder of hairscan batch.")],
    design: Annotated[Path, typer.Option(help="Design of the trial, such as configs/trial-parallel.yaml.")],
    out: Annotated[Path, typer.Option(help="Folder for the report and the tables; those of an earlier one go.")],
) -> None:
    """Analyse the photographs of a trial: tables, ADaM dataset, figures and one report that opens offline."""
    from hairscan.batch.run_folder import check_writable
    from hairscan.errors import TrialError

    check_writable(out)
    try:
        from hairscan.report.columns import write_columns
        from hairscan.report.trial_page import write_report
        from hairscan.trial.adam import write_adam
        from hairscan.trial.analysis import analyse_trial
        from hairscan.trial.design import read_design
        from hairscan.trial.tables import write_tables
    except ModuleNotFoundError as error:
        raise TrialError(f"a trial needs {error.name}: pip install 'hairscan[trial]'") from error
    result = analyse_trial(run, read_design(design))
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_tables(result, folder)
        write_columns(result, folder)
        write_adam(result, folder)
        write_report(result, folder, run=run)
        _move(folder, out)
    _print_effects(result)
    typer.echo(f"look at {out / 'report.html'}")


def _move(folder: Path, out: Path) -> None:
    """Bring every file of the folder to `out`, or none; tables and figures of an earlier report go."""
    from hairscan.errors import OutputError
    from hairscan.files import write_files, writing_to
    from hairscan.report.trial_files import earlier_files

    files = {out / path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}
    earlier = earlier_files(out)
    for path in () if earlier else files:
        if path.is_file():
            raise OutputError(f"{path} is of no earlier report and would be replaced: name another folder")
    with writing_to(out):
        write_files(files)
        for path in earlier - files.keys():
            path.unlink()


def _print_effects(result: TrialResult) -> None:
    """Print the primary effects at the primary visit, or say why there are none, and count what needs a look."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, markup=False)
    effects, design = result.tables["effects"], result.design
    primary = effects[effects["significant"] != ""]
    table = Table(
        title=f"change from baseline to visit {design.primary_visit}, less that of {design.control}",
        title_justify="left",
        show_edge=False,
    )
    table.add_column("")
    for heading in ("effect", f"{design.level} interval", "p", "adjusted p"):
        table.add_column(heading, justify="right", no_wrap=True)
    endpoint = ""
    for row in primary.to_dict("records"):
        if row["endpoint"] != endpoint:
            endpoint = row["endpoint"]
            table.add_row(endpoint)
        p, adjusted = (_p_words(row[name]) for name in ("p", "p_adjusted"))
        if p and not adjusted:
            adjusted = "not tested"
        interval = f"{row['low']:+.2f} to {row['high']:+.2f}" if isfinite(row["low"]) else "not estimable"
        estimate = f"{row['estimate']:+.2f}" if isfinite(row["estimate"]) else ""
        table.add_row(f"  {row['arm']}", estimate, interval, p, adjusted)
    if len(primary):
        console.print(table)
    elif design.control is None:
        console.print("no control arm: the arms are described, and no effect of a treatment can be told")
    console.print(f"{len(result.tables['warnings'])} warnings, {len(result.tables['exclusions'])} exclusions")


def _p_words(p: float) -> str:
    """Four decimals of a p value; nothing where there is none."""
    if not isfinite(p):
        return ""
    return "<0.0001" if p < 0.0001 else f"{p:.4f}"
