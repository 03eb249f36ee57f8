"""``hairscan blind`` and ``hairscan unblind``: photographs measured without knowing whose they are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def blind(
    manifest: Annotated[Path, typer.Argument(help="Manifest in CSV of the photographs.")],
    out: Annotated[Path, typer.Option(help="New folder for the copies and their manifest.")],
    key: Annotated[Path, typer.Option(help="New file that tells which copy is which; outside of OUT.")],
    duplicates: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the photographs that get a second copy.")
    ] = 0.1,
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="Repeats the codes: whoever knows it can undo the blinding. Random by default."),
    ] = None,
) -> None:
    """Copy photographs under random codes, without metadata and with burnt-in text covered.

    Ends with exit code 1 when some photographs cannot be read; they have no copy and stand in the key.
    """
    import numpy as np
    from rich.console import Console
    from rich.progress import Progress

    from hairscan.batch.blind import blind_photos
    from hairscan.batch.manifest import first_names, read_manifest

    photos = read_manifest(manifest)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("copying", total=None)
        blinded = blind_photos(
            photos,
            out,
            key,
            np.random.default_rng(seed),
            duplicates=duplicates,
            watch=lambda image: progress.advance(task),
        )
    copies = blinded.key.copies
    for name, text in (
        ("copies", f"{len(copies)}, {sum(copy.duplicate for copy in copies)} of them duplicates"),
        ("covered", f"text on {len(blinded.covered)} photographs; look through the copies before you pass them on"),
        ("written", f"{out}/ manifest.csv and the copies"),
        ("key", f"{key}: keep it from whoever measures"),
    ):
        typer.echo(f"{name:9}{text}")
    if blinded.sd_lost:
        lost = f"the copies of {first_names(blinded.sd_lost)} do not tell the scale's standard deviation"
        typer.echo(f"note: {lost}: give it to batch as --um-per-px-sd", err=True)
    for photo in blinded.key.uncopied:
        typer.echo(f"no copy: {photo.message}", err=True)
    if blinded.key.uncopied:
        raise typer.Exit(1)


def unblind(
    run: Annotated[Path, typer.Argument(help="Run folder of the copies.")],
    key: Annotated[Path, typer.Option(help="Key that hairscan blind wrote.")],
    out: Annotated[Path, typer.Option(help="Folder for the same run under the photographs' own names.")],
) -> None:
    """Join the results of blinded copies with the manifest of their photographs."""
    from hairscan.batch.unblind import unblind_run

    found = unblind_run(run, key, out)
    n_second = sum(copy.duplicate for copy in found.copies)
    typer.echo(f"{out}: {len(found.copies)} copies, {n_second} of them duplicates (column 'duplicate')")
