"""``hairscan compare``: two visits of one site, hair by hair."""

from __future__ import annotations

from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hairscan.cli.number import number
from hairscan.errors import HairscanError, PhotoError, ScaleError, VisitError

if TYPE_CHECKING:
    from hairscan.visits import Comparison
    from hairscan.visits.changes import Change


def compare(
    baseline: Annotated[Path, typer.Argument(help="Photograph of the first visit.")],
    followup: Annotated[Path, typer.Argument(help="Photograph of the same site at a later visit.")],
    um_per_px: Annotated[
        float | None, typer.Option(parser=number, help="Micrometres of scalp per pixel, of both.")
    ] = None,
    followup_um_per_px: Annotated[
        float | None, typer.Option(parser=number, help="The same of the follow-up, if another.")
    ] = None,
    model: Annotated[str, typer.Option(help="Name or folder of the network.")] = "default",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    out: Annotated[Path | None, typer.Option(help="Folder for the tables and the pictures.")] = None,
) -> None:
    """Match the hairs of two visits one to one, and say what changed."""
    from hairscan.batch.out_folder import check_out
    from hairscan.visits import compare_photos
    from hairscan.visits.files import refusal_json

    if out is not None:
        check_out(out, "compare", ("hairs.csv", "comparison.json", "registered.png", "blink.png"))
    try:
        comparison = compare_photos(
            baseline,
            followup,
            um_per_px=um_per_px,
            followup_um_per_px=followup_um_per_px,
            model=model,
            device=device,
        )
    except (VisitError, ScaleError, PhotoError) as error:
        if out is not None and replaces_earlier(error, out / "comparison.json"):
            refusal = refusal_json(baseline.name, followup.name, str(error))
            save(out, {"comparison.json": refusal}, stale=("hairs.csv", "registered.png", "blink.png"))
        raise
    if out is not None:
        _write(out, comparison)
    _print(comparison)
    if out is not None:
        typer.echo(f"look at {out / 'registered.png'} and {out / 'blink.png'}")


def _write(folder: Path, comparison: Comparison) -> None:
    """Write the tables and the pictures."""
    from hairscan.photo.codec import encode_png
    from hairscan.report.comparison import blink_frames, draw_comparison, encode_blink
    from hairscan.visits.files import comparison_csv, comparison_json

    files = {
        "hairs.csv": comparison_csv(comparison),
        "comparison.json": comparison_json(comparison),
        "registered.png": encode_png(draw_comparison(comparison)),
        "blink.png": encode_blink(blink_frames(comparison)),
    }
    save(folder, files)


def replaces_earlier(error: HairscanError, result: Path) -> bool:
    """Whether a refusal is written: that of two photographs always, a mistake of the call where no result lies yet."""
    return isinstance(error, VisitError) or not result.exists()


def save(folder: Path, files: dict[str, bytes], *, stale: tuple[str, ...] = ()) -> None:
    """Write the files of a comparison, all or none, and take away those that an earlier one left and this one lacks."""
    from hairscan.files import write_files, writing_to

    with writing_to(folder):
        write_files({folder / name: content for name, content in files.items()})
        for name in stale:
            (folder / name).unlink(missing_ok=True)


def _print(comparison: Comparison) -> None:
    """Print what changed, for a person."""
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    from hairscan.visits.matching import Status

    table = Table(box=SIMPLE, show_header=False)
    area = comparison.overlap
    in_cm2 = "" if area.area_cm2 is None else f" = {area.area_cm2:.4f} cm²"
    table.add_row("common area", f"{area.share:.0%} of the smaller photograph{in_cm2}")
    table.add_row("registration", _registration_text(comparison))
    for status in Status:
        table.add_row(status.value, f"{comparison.number(status)} hairs")
    table.add_row("count", _change_text(comparison.count_change, "hairs", ".0f"))
    density, width = comparison.density_change_per_cm2, comparison.width_change
    if density.value is None:
        table.add_row("", "no scale: give --um-per-px for densities and widths")
    else:
        table.add_row("density", _change_text(density, "per cm²", ".1f"))
    if width.mean_um is not None and width.se_um is not None:
        text = f"{width.mean_um:+.2f} ± {width.se_um:.2f} µm (SE) over {width.hairs} matched hairs"
        table.add_row("width", text)
        for one in comparison.transitions:
            passed = f"{one.miniaturised} miniaturised ({one.miniaturised_sure} beyond the noise), "
            passed += f"{one.recovered} recovered ({one.recovered_sure})"
            table.add_row(f"at {one.cut_off_um:.0f} µm", passed)
    Console(highlight=False, markup=False).print(table)


def _registration_text(comparison: Comparison) -> str:
    found = comparison.registration
    is_known = comparison.scale is not None and isfinite(found.residual_um)
    residual = f"roots within {found.residual_um:.0f} µm, " if is_known else ""
    dots = f", {found.dots_agreeing} of {found.dots_shown} tattoo dots" if found.dots_shown else ""
    zoom = "" if comparison.scale is None else f", zoom {found.zoom:.3f}"
    return (
        f"{residual}{found.roots_agreeing} of {found.roots_shown} hair units and {found.skin_features} skin features"
        f"{dots} agree; turned {found.turn_deg:+.1f}°{zoom}"
    )


def _change_text(change: Change, unit: str, form: str) -> str:
    return f"{change.value:+{form}} {unit} (95 %: {change.low:+{form}} to {change.high:+{form}})"
