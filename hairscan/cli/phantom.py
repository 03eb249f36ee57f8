"""``hairscan phantom``: scalp scenes of known truth, to try and to test with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hairscan.cli.number import number

app = typer.Typer(help="Render scalp scenes of known truth.", no_args_is_help=True)


@app.callback()
def phantom() -> None:
    """Render scalp scenes of known truth."""


@app.command()
def render(
    out: Annotated[Path, typer.Option(help="Folder for the photographs and their truth.")],
    kind: Annotated[str, typer.Option(help="Kind of scene; an unknown one lists them all.")] = "clipped",
    count: Annotated[int, typer.Option(min=1, help="How many photographs.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 0,
    width_px: Annotated[int, typer.Option(min=1, max=20000)] = 1280,
    height_px: Annotated[int, typer.Option(min=1, max=20000)] = 1024,
    um_per_px: Annotated[float, typer.Option(parser=number, help="Micrometres per pixel.")] = 2.78,
) -> None:
    """Render COUNT photographs with their true hairs (NAME.hairs.csv) and scale (NAME.json) into OUT."""
    import numpy as np

    from hairscan.phantom.files import write_phantom
    from hairscan.phantom.render import render_scene
    from hairscan.phantom.scene import KINDS, sample_scene

    if kind not in KINDS:
        raise typer.BadParameter(
            f"{kind!r} is no kind of scene: choose one of {', '.join(KINDS)}.", param_hint="--kind"
        )
    for own_seed in range(seed, seed + count):
        rng = np.random.default_rng(own_seed)
        scene = sample_scene(kind, rng, width_px=width_px, height_px=height_px, um_per_px=um_per_px)
        rendered = render_scene(scene, rng)
        path = write_phantom(rendered, out, f"{kind}_{own_seed:04d}", seed=own_seed)
        typer.echo(f"{path}: {sum(hair.counted for hair in rendered.hairs)} hairs grow in the picture")


@app.command()
def trial(
    out: Annotated[Path, typer.Option(help="Folder for the photographs, manifest.csv and truth/.")],
    arms: Annotated[str, typer.Option(help="Names of the arms, the control first.")] = "placebo,prp,exosome",
    subjects: Annotated[int, typer.Option(min=2, help="Per arm; in all, where the layout is split-scalp.")] = 12,
    visits: Annotated[str, typer.Option(help="Weeks of the visits, the baseline first.")] = "0,12,24",
    layout: Annotated[str, typer.Option(help="parallel or split-scalp.")] = "parallel",
    density_change: Annotated[
        str | None, typer.Option(help="True mean change of each arm at the last visit, hairs/cm2: 5,15,25.")
    ] = None,
    width_change: Annotated[
        str | None, typer.Option(help="True mean change of each arm at the last visit, um: 0,1,3.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 0,
    width_px: Annotated[int, typer.Option(min=64, max=20000)] = 960,
    height_px: Annotated[int, typer.Option(min=64, max=20000)] = 768,
    um_per_px: Annotated[float, typer.Option(parser=number, help="Micrometres per pixel.")] = 5.0,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; all cores by default.")] = None,
) -> None:
    """Render a trial: photographs of every subject and visit, manifest.csv, and what is true of them in truth/."""
    from rich.console import Console
    from rich.progress import track

    from hairscan.batch.executors import n_workers
    from hairscan.errors import OutputError
    from hairscan.phantom.trial import render_trial
    from hairscan.phantom.trial_files import write_tables
    from hairscan.phantom.trial_plan import TrialSettings, arms_with_changes, plan_trial

    try:
        settings = TrialSettings(
            arms=arms_with_changes(
                arms.split(","),
                None if density_change is None else [number(change) for change in density_change.split(",")],
                None if width_change is None else [number(change) for change in width_change.split(",")],
            ),
            subjects=subjects,
            weeks=tuple(int(week) for week in visits.split(",")),
            layout=layout,
            seed=seed,
            width_px=width_px,
            height_px=height_px,
            um_per_px=um_per_px,
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    manifest = out / "manifest.csv"
    if manifest.exists() and not (out / "truth" / "effects.csv").is_file():
        raise OutputError(f"{manifest} is of no rendered trial and would be replaced: name another folder")
    sites = plan_trial(settings)
    rendering = render_trial(settings, sites, out, workers=workers or n_workers(len(sites)))
    rendered = list(track(rendering, "rendering", total=len(sites), console=Console(stderr=True)))
    manifest = write_tables(settings, rendered, out)
    typer.echo(f"{manifest}: {sum(len(site.photos) for site in sites)} photographs of {len(sites)} sites")
