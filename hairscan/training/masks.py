"""How well the coverage map agrees with hand-traced masks of hair."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.morphology import skeletonize

from hairscan.errors import DataError
from hairscan.measure.sampling import read_coverage
from hairscan.photo import read_photo
from hairscan.segment import Segmenter, segment_photo
from hairscan.training.baselines import ridge_mask
from hairscan.training.bootstrap import Figure, bootstrap
from hairscan.training.photo_files import upright_shape
from hairscan.types import HairMaps

MASK_ENDING = "_t"
"""The mask of ``NAME.jpg`` is ``NAME_t.jpg``."""
DARK = 128
"""Pixels of a mask below this level are hair."""
COVERED = 0.5
"""Pixels of which at least this share is shaft count as hair."""


@dataclass(frozen=True, slots=True, eq=False)
class MaskedPicture:
    """A picture, and where a person saw hair in it: bool array, shape (H, W)."""

    path: Path
    mask: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Overlap:
    """Agreement of one picture's mask with the hand-traced one."""

    dice: float
    cldice: float


def read_masks(folder: Path) -> list[MaskedPicture]:
    """Pictures of a folder that have a hand-traced mask.

    Raises
    ------
    DataError, PhotoError
        Where there is none, a mask or its picture cannot be found or read, or the two differ in size.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder: give one with pictures NAME.jpg and masks NAME{MASK_ENDING}.jpg")
    pictures = []
    for path in sorted(folder.glob(f"*{MASK_ENDING}.*")):
        picture = path.with_name(path.stem.removesuffix(MASK_ENDING) + path.suffix)
        data = np.fromfile(path, np.uint8)
        levels = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE) if data.size else None
        if levels is None or not picture.is_file():
            raise DataError(f"{path} is not a readable mask of a picture {picture.name}: restore or remove it")
        if levels.shape != upright_shape(picture):
            raise DataError(f"the mask of {picture} is of another size: restore or remove it")
        pictures.append(MaskedPicture(picture, np.asarray(levels < DARK)))
    if not pictures:
        raise DataError(f"no masks in {folder}: put pictures NAME.jpg and masks NAME{MASK_ENDING}.jpg there")
    return pictures


def evaluate_masks(
    pictures: Sequence[MaskedPicture], segmenter: Segmenter, *, progress: Callable[[], None]
) -> tuple[list[Overlap], list[Overlap]]:
    """Overlap of the model's and of the ridge filter's mask with the hand-traced one of every picture.

    The pictures are read as a user's: without a scale beside them the one is taken at which shafts are of typical
    width, by the model; the ridge filter is told the same.
    """
    by_model, by_ridges = [], []
    for picture in pictures:
        photo, mask = read_photo(picture.path), picture.mask
        maps = segment_photo(photo, segmenter)
        ridges = ridge_mask(photo.rgb, np.zeros_like(photo.ignored), maps.um_per_cell / maps.px_per_cell)
        by_model.append(judge_mask(coverage_mask(maps, mask.shape), mask))
        by_ridges.append(judge_mask(ridges, mask))
        progress()
    return by_model, by_ridges


def coverage_mask(maps: HairMaps, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Pixels of a photograph of this shape that are shaft by the coverage map."""
    rows, columns = np.indices(shape, dtype=np.float64)
    return np.asarray(read_coverage(maps, np.stack([columns, rows], axis=-1)) >= COVERED)


def judge_mask(found: NDArray[np.bool_], true: NDArray[np.bool_]) -> Overlap:
    """Dice and centre-line Dice of two masks."""
    return Overlap(dice(found, true), centreline_dice(found, true))


def dice(found: NDArray[np.bool_], true: NDArray[np.bool_]) -> float:
    """Twice the common area over the sum of both areas; 1 where both are empty."""
    total = int(found.sum()) + int(true.sum())
    return 2.0 * int((found & true).sum()) / total if total else 1.0


def centreline_dice(found: NDArray[np.bool_], true: NDArray[np.bool_]) -> float:
    """Harmonic mean of the shares of each mask's skeleton that lie in the other mask; 1 where both are empty.

    Notes
    -----
    clDice of Shit et al., CVPR 2021: it does not ask how wide a shaft was traced.
    """
    if not found.any() and not true.any():
        return 1.0
    precision = _share_inside(skeletonize(found), true)
    sensitivity = _share_inside(skeletonize(true), found)
    total = precision + sensitivity
    return 2.0 * precision * sensitivity / total if total else 0.0


def summarise_masks(overlaps: Sequence[Overlap]) -> dict[str, Figure]:
    """Mean Dice and centre-line Dice over the pictures, with 95 % intervals over pictures."""
    values = np.array([[overlap.dice, overlap.cldice] for overlap in overlaps])

    def means(chosen: NDArray[np.intp]) -> dict[str, float]:
        dice_mean, cldice_mean = values[chosen].mean(axis=0)
        return {"dice": float(dice_mean), "cldice": float(cldice_mean)}

    return bootstrap(means, len(values))


def _share_inside(skeleton: NDArray[np.bool_], mask: NDArray[np.bool_]) -> float:
    length = int(skeleton.sum())
    return int((skeleton & mask).sum()) / length if length else 0.0
