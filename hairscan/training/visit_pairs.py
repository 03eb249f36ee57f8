"""Pairs of visits whose truth is known: two pictures of one real field, hairs painted out of the one or the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hairscan.endpoints.rows import read_rows
from hairscan.errors import DataError
from hairscan.photo import read_rgb
from hairscan.training.extraction import hair_mask, paint_out
from hairscan.training.metrics import is_spared
from hairscan.training.recapture import draw_retake, retake
from hairscan.training.vectors import Sample
from hairscan.types import FloatArray, LabelImage, RgbImage
from hairscan.visits.plane import transform

QUADRANTS = ("1", "2", "3", "4")
"""Ends of the names of the four photographs that join to a field: top left, top right, bottom left, bottom right."""
MOST_EXTRACTED = 3
"""Hairs painted out of each of the two pictures, at most."""
_GRAPHICS = ("header", "scale_bar", "circle")
_MARGIN_UM = 200.0
"""Extracted hairs lie this far inside both pictures."""


@dataclass(frozen=True, slots=True)
class Field:
    """A photograph, larger than the pictures taken of it, and its labelled hairs.

    Attributes
    ----------
    vectors_px : float array, shape (N, 2, 2)
        Root and tip of every labelled hair.
    spared : bool array, shape (N,)
        Labels of loose and bent hairs, which need not be found.
    """

    name: str
    rgb: RgbImage
    vectors_px: FloatArray
    spared: NDArray[np.bool_]
    um_per_px: float


@dataclass(frozen=True, slots=True)
class VisitPair:
    """Two pictures of one site.

    Attributes
    ----------
    matrix : float array, shape (3, 3)
        Homography from px of the baseline to px of the follow-up.
    lost_xy : float array, shape (L, 2, 2)
        Root and tip of the hairs that only the baseline shows, px of the baseline.
    gained_xy : float array, shape (G, 2, 2)
        Root and tip of the hairs that only the follow-up shows, px of the follow-up.
    """

    name: str
    baseline: RgbImage
    followup: RgbImage
    um_per_px: float
    matrix: FloatArray
    lost_xy: FloatArray
    gained_xy: FloatArray


def whole_fields(samples: Sequence[Sample], folder: Path) -> list[list[Sample]]:
    """Photographs that show one larger field together: the four of every field that has its four quadrants.

    Left out are fields that were labelled before, and those whose row in the folder's `fields.csv` says that a header,
    a scale bar or a circle is burnt into them.

    Raises
    ------
    DataError
        Where none is left.
    """
    by_name = {sample.name: sample for sample in samples}
    drawn_on = _fields_with_graphics(folder / "fields.csv")
    fields = sorted({sample.field for sample in samples if not sample.copy_of} - drawn_on)
    groups = [[by_name.get(f"{field}_{quadrant}") for quadrant in QUADRANTS] for field in fields]
    whole = [[sample for sample in group if sample is not None] for group in groups if None not in group]
    if not whole:
        raise DataError(
            f"{folder} has no field of four photographs FIELD_1 to FIELD_4 without burnt-in graphics in this part: "
            "pairs of visits are drawn from such fields"
        )
    return whole


def _fields_with_graphics(fields_csv: Path) -> set[str]:
    if not fields_csv.exists():
        return set()
    return {
        row["field"] for row in read_rows(fields_csv)[1] if any((row.get(name) or "0") != "0" for name in _GRAPHICS)
    }


def read_field(quadrants: Sequence[Sample]) -> Field:
    """The larger field of four photographs that join without a seam."""
    pictures = [read_rgb(sample.image)[0] for sample in quadrants]
    height, width = pictures[0].shape[:2]
    rgb = np.vstack([np.hstack(pictures[:2]), np.hstack(pictures[2:])])
    corners = ((0, 0), (width, 0), (0, height), (width, height))
    vectors = [sample.vectors_px + np.array(corner) for sample, corner in zip(quadrants, corners, strict=True)]
    spared = np.concatenate([is_spared(sample.kinds) for sample in quadrants])
    return Field(quadrants[0].field, rgb, np.concatenate(vectors), spared, quadrants[0].um_per_px)


def draw_pair(field: Field, rng: np.random.Generator) -> VisitPair:
    """A chance pair of pictures, each half as wide and high as the field, some hairs extracted from each."""
    height, width = (side // 2 for side in field.rgb.shape[:2])
    origin = (int(rng.integers(width // 4, 3 * width // 4)), int(rng.integers(height // 4, 3 * height // 4)))
    how = draw_retake(rng, width, height)
    before_xy = field.vectors_px - np.array(origin)
    after_xy = transform(how.matrix, before_xy)
    inside = np.array(
        [
            all(_inside(ends, width, height, _MARGIN_UM / field.um_per_px) for ends in pair)
            for pair in zip(before_xy, after_xy, strict=True)
        ],
        bool,
    )
    inside &= ~field.spared
    removed: dict[str, list[int]] = {"lost": [], "gained": []}
    pictures = {"lost": field.rgb, "gained": field.rgb}
    taken = np.zeros(field.rgb.shape[:2], bool)
    for index in rng.permutation(np.flatnonzero(inside)):
        name = "lost" if len(removed["lost"]) <= len(removed["gained"]) else "gained"
        if len(removed[name]) >= MOST_EXTRACTED:
            break
        mask = hair_mask(field.rgb, field.vectors_px[index], field.um_per_px)
        if mask is None or taken[mask > 0].any() or _covers_others(mask, field.vectors_px, index):
            continue
        painted = paint_out(pictures[name], mask, field.um_per_px)
        if painted is not None:
            pictures[name], taken = painted, taken | (mask > 0)
            removed[name].append(int(index))
    # A hair is lost where the follow-up was taken of skin that it had been painted out of.
    window = pictures["gained"][origin[1] : origin[1] + height, origin[0] : origin[0] + width]
    return VisitPair(
        name=field.name,
        baseline=np.ascontiguousarray(window),
        followup=retake(pictures["lost"], origin, (width, height), how, rng),
        um_per_px=field.um_per_px,
        matrix=how.matrix,
        lost_xy=before_xy[removed["lost"]],
        gained_xy=after_xy[removed["gained"]],
    )


def _covers_others(mask: LabelImage, vectors_px: FloatArray, index: int) -> bool:
    """Whether a mask takes a part of any other labelled hair with it."""
    share = np.linspace(0.1, 0.9, 9)[None, :, None]
    points = vectors_px[:, :1] * (1 - share) + vectors_px[:, 1:] * share
    height, width = mask.shape
    column, row = (
        points[..., axis].round().astype(np.intp).clip(0, side - 1) for axis, side in ((0, width), (1, height))
    )
    covered = (mask[row, column] > 0).mean(axis=1)
    covered[index] = 0.0
    return bool((covered > 0.2).any())


def _inside(ends_xy: FloatArray, width_px: int, height_px: int, margin_px: float) -> bool:
    limit = np.array([width_px, height_px]) - 1.0 - margin_px
    return bool(((ends_xy >= margin_px) & (ends_xy <= limit)).all())
