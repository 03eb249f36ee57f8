"""``hairscan phantom``: scalp scenes of known truth, to try and to test with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
    um_per_px: Annotated[float, typer.Option(help="Micrometres per pixel.")] = 2.78,
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
    for number in range(seed, seed + count):
        rng = np.random.default_rng(number)
        scene = sample_scene(kind, rng, width_px=width_px, height_px=height_px, um_per_px=um_per_px)
        rendered = render_scene(scene, rng)
        path = write_phantom(rendered, out, f"{kind}_{number:04d}", seed=number)
        typer.echo(f"{path}: {sum(hair.counted for hair in rendered.hairs)} hairs grow in the picture")
