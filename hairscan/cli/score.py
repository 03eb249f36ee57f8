"""``hairscan score``: one photograph."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hairscan.cli.number import number


def score(
    photo: Annotated[Path, typer.Argument(help="Close-up photograph of a scalp: JPEG, PNG or TIFF.")],
    um_per_px: Annotated[float | None, typer.Option(parser=number, help="Micrometres of scalp per pixel.")] = None,
    um_per_px_sd: Annotated[float | None, typer.Option(parser=number, help="Its standard deviation.")] = None,
    area: Annotated[
        str | None, typer.Option(help="Counting area: whole, circle:1.0cm2, rect:10x8mm, circle:0.5cm2@x,y (px).")
    ] = None,
    model: Annotated[str, typer.Option(help="Name or folder of the network.")] = "default",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    out: Annotated[Path | None, typer.Option(help="Folder for the tables and the overlay picture.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON and nothing else.")] = False,
) -> None:
    """Count the hairs of one photograph and measure their density and thickness."""
    from hairscan.cli.one_photo import check_place, score_one, write_one
    from hairscan.cli.table import print_result

    if out is not None:
        check_place(out, photo)
    scored = score_one(photo, um_per_px=um_per_px, um_per_px_sd=um_per_px_sd, area=area, model=model, device=device)
    overlay = None if out is None else write_one(out, scored)
    if as_json:
        typer.echo(scored.result.to_json())
    else:
        print_result(scored.result, overlay)
