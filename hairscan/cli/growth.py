"""``hairscan growth``: two photographs of a clipped site some days apart, how fast each hair grew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hairscan.cli.number import number

if TYPE_CHECKING:
    from hairscan.visits.growth import Growth
    from hairscan.visits.growth_rates import Estimate


def growth(
    first: Annotated[Path, typer.Argument(help="Photograph right after clipping.")],
    second: Annotated[Path, typer.Argument(help="Photograph of the same site 48 to 72 hours later.")],
    hours: Annotated[float, typer.Option(parser=number, help="Hours between the two, 12 to 120.")],
    um_per_px: Annotated[
        float | None, typer.Option(parser=number, help="Micrometres of scalp per pixel, of both.")
    ] = None,
    followup_um_per_px: Annotated[
        float | None, typer.Option(parser=number, help="The same of the second, if another.")
    ] = None,
    telogen_um_per_day: Annotated[
        float, typer.Option(parser=number, help="A hair that grows slower is telogen.")
    ] = 100.0,
    model: Annotated[str, typer.Option(help="Name or folder of the network.")] = "default",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    out: Annotated[Path | None, typer.Option(help="Folder for the table and the picture.")] = None,
) -> None:
    """Measure how fast each hair grew, and which did not: anagen and telogen."""
    from hairscan.batch.out_folder import check_out
    from hairscan.cli.compare import replaces_earlier, save
    from hairscan.errors import PhotoError, ScaleError, VisitError
    from hairscan.photo.codec import encode_png
    from hairscan.report.growth import draw_growth
    from hairscan.visits.growth import growth_of_photos
    from hairscan.visits.growth_files import growth_csv, growth_json, growth_refusal_json

    if out is not None:
        check_out(out, "growth", ("hairs.csv", "growth.json", "growth.png"))
    try:
        found = growth_of_photos(
            first,
            second,
            hours=hours,
            um_per_px=um_per_px,
            followup_um_per_px=followup_um_per_px,
            telogen_um_per_day=telogen_um_per_day,
            model=model,
            device=device,
        )
    except (VisitError, ScaleError, PhotoError) as error:
        if out is not None and replaces_earlier(error, out / "growth.json"):
            document = growth_refusal_json(first.name, second.name, hours, telogen_um_per_day, str(error))
            save(out, {"growth.json": document}, stale=("hairs.csv", "growth.png"))
        raise
    if out is not None:
        picture = encode_png(draw_growth(found))
        save(out, {"hairs.csv": growth_csv(found), "growth.json": growth_json(found), "growth.png": picture})
    _print(found)
    if out is not None:
        typer.echo(f"look at {out / 'growth.png'}")


def _print(found: Growth) -> None:
    """Print phases and rates, for a person."""
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    from hairscan.visits.growth import Phase
    from hairscan.visits.matching import Status

    table = Table(box=SIMPLE, show_header=False)
    comparison, share = found.comparison, found.anagen_share
    numbers = ", ".join(f"{comparison.number(status)} {status.value}" for status in Status)
    table.add_row("hairs", numbers)
    table.add_row("threshold", f"telogen below {found.telogen_um_per_day:g} µm/day, over {found.hours:g} h")
    for phase in Phase:
        table.add_row(phase.value, f"{found.number(phase)} hairs")
    if share.value is not None:
        table.add_row("anagen share", f"{share.value:.1%} of the decided (95 %: {share.low:.1%} to {share.high:.1%})")
    if share.low_if_undecided_telogen is not None:
        ends = f"{share.low_if_undecided_telogen:.1%} to {share.high_if_undecided_anagen:.1%}"
        table.add_row("", f"{ends} if all undecided are telogen, or all anagen")
    table.add_row("mean rate", _rate_text(found.mean_um_per_day))
    table.add_row("median rate", _rate_text(found.median_um_per_day))
    reasons = [hair.reason for hair in found.hairs if hair.phase is Phase.UNDECIDED]
    for reason in sorted(set(reasons)):
        table.add_row("undecided", f"{reasons.count(reason)} {reason}")
    Console(highlight=False, markup=False).print(table)


def _rate_text(rate: Estimate) -> str:
    if rate.um_per_day is None:
        return "no anagen hair was measured from root to tip"
    interval = ""
    if rate.low_um_per_day is not None:
        interval = f" (95 %: {rate.low_um_per_day:.0f} to {rate.high_um_per_day:.0f})"
    return f"{rate.um_per_day:.0f} µm/day{interval} over {rate.hairs} anagen hairs"
