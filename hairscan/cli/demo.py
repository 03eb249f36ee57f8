"""``hairscan demo``: a rendered scalp of known truth, scored and compared."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

_SEED = 2
_WIDTH_PX, _HEIGHT_PX = 1280, 1024
_UM_PER_PX = 5.0


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the picture, the tables and the overlay.")] = Path(
        "hairscan-demo"
    ),
    model: Annotated[str, typer.Option(help="Name or folder of the network.")] = "default",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
) -> None:
    """Draw a scalp of known truth, score it as a photograph, and print both side by side."""
    import numpy as np

    from hairscan.batch.run_folder import write_picture
    from hairscan.cli.one_photo import check_place, score_one, write_one
    from hairscan.cli.table import print_comparison, print_result
    from hairscan.errors import OutputError
    from hairscan.phantom import render_scene, sample_scene
    from hairscan.photo.codec import encode_png

    picture = out / "scalp.png"
    rng = np.random.default_rng(_SEED)
    scene = sample_scene("clipped", rng, width_px=_WIDTH_PX, height_px=_HEIGHT_PX, um_per_px=_UM_PER_PX)
    phantom = render_scene(scene, rng)
    drawn = encode_png(phantom.rgb)
    check_place(out, picture, sha256(drawn).hexdigest())
    if picture.is_file() and picture.read_bytes() != drawn:
        raise OutputError(f"{picture} is of no demo and would be replaced: name another folder")
    write_picture(picture, phantom.rgb)
    scored = score_one(picture, um_per_px=_UM_PER_PX, model=model, device=device)
    overlay = write_one(out, scored)
    print_result(scored.result, overlay)
    true_widths_um = [hair.width_um for hair in phantom.hairs if hair.counted]
    measured = scored.result.photo
    print_comparison(
        [
            ("hairs in the picture", measured.hair_count, len(true_widths_um), ".0f"),
            ("density, per cm²", measured.density_per_cm2, len(true_widths_um) / phantom.area_cm2, ".1f"),
            ("mean width, µm", measured.mean_width_um, float(np.mean(true_widths_um)), ".1f"),
            ("median width, µm", measured.median_width_um, float(np.median(true_widths_um)), ".1f"),
        ]
    )
    typer.echo(f"\nLook at {overlay}, then try your own: hairscan score PHOTO --um-per-px X --out DIR")
