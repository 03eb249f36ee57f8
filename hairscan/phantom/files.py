"""A phantom on disk: the photograph, its truth in the columns of hairs.csv, and its scale."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hairscan.endpoints.rows import HairRow, column_names, csv_bytes
from hairscan.endpoints.summary import KIND_CUT_OFF_UM
from hairscan.files import json_bytes, write_files, writing_to
from hairscan.phantom.render import Phantom
from hairscan.phantom.truth import TrueHair
from hairscan.photo.codec import encode_png


def write_phantom(phantom: Phantom, folder: Path, name: str, *, seed: int | None = None) -> Path:
    """Write NAME.png, NAME.hairs.csv and NAME.json, and return the path of the photograph.

    Parameters
    ----------
    seed : int, optional
        What the scene was drawn from; kept in the sidecar.

    Raises
    ------
    OutputError
        The folder cannot be written.

    Notes
    -----
    Loose fragments are no rows. A row whose root lies outside the picture has ``counted`` 0 and the flag
    ``root-outside``; its root columns hold the place where the shaft enters the picture.
    """
    image = f"{name}.png"
    with writing_to(folder):
        write_files(
            {
                folder / image: encode_png(phantom.rgb),
                folder / f"{name}.hairs.csv": _hairs_csv(phantom, image),
                folder / f"{name}.json": json_bytes(_sidecar(phantom, seed)),
            }
        )
    return folder / image


def _hairs_csv(phantom: Phantom, image: str) -> bytes:
    hairs = [hair for hair in phantom.hairs if not hair.loose]
    return csv_bytes(column_names(HairRow), *(_row(hair, hair_id, image) for hair_id, hair in enumerate(hairs)))


def _row(hair: TrueHair, hair_id: int, image: str) -> list[str]:
    root, tip = hair.path_xy[0], hair.path_xy[-1]
    return [
        image,
        str(hair_id),
        *(f"{value:.3f}" for value in (*root, *tip, hair.width_px, hair.width_um)),
        "0",
        f"{hair.length_um:.1f}",
        "terminal" if hair.width_um >= KIND_CUT_OFF_UM else "vellus",
        str(hair.unit_id),
        str(int(hair.counted)),
        "1",
        ";".join(hair.flags),
    ]


def _sidecar(phantom: Phantom, seed: int | None) -> dict[str, float | int | str | None]:
    widths = [hair.width_um for hair in phantom.hairs if hair.counted]
    return {
        "um_per_px": phantom.um_per_px,
        "um_per_px_sd": 0,
        "area_cm2": phantom.area_cm2,
        "hair_count": len(widths),
        "density_per_cm2": len(widths) / phantom.area_cm2,
        "mean_width_um": float(np.mean(widths)) if widths else None,
        "kind": phantom.kind,
        "seed": seed,
    }
