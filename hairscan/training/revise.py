"""Labels revised by a trained model: labels are rough, and some hairs were left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from hairscan.lines import unit
from hairscan.photo import read_photo
from hairscan.segment import Segmenter, segment_photo
from hairscan.trace import trace_hairs
from hairscan.training.metrics import MATCH_UM, ends_of, match_hairs
from hairscan.training.vectors import Sample
from hairscan.training.weak_labels import UNJUDGED, Labels
from hairscan.types import FloatArray, Hair

_LEAST_CONFIDENCE = 0.3
"""A trace this sure is a better axis than the rough line of a label that it agrees with."""
_SEEN_CONFIDENCE = 0.5
"""A trace this sure that has no label may be a hair all the same."""
_MOST_ASIDE_UM = 50.0
_MOST_END_UM = 60.0
"""A trace agrees with a label that it nowhere leaves by more, and whose ends are no farther from its own."""
_SHAFT_UM = 80.0


def trace_sample(sample: Sample, segmenter: Segmenter) -> list[Hair]:
    """Hairs that a model sees in an annotated photograph, sure ones and others; px of the photograph."""
    photo = read_photo(sample.image, um_per_px=sample.um_per_px)
    return trace_hairs(replace(segment_photo(photo, segmenter), hair_threshold=_LEAST_CONFIDENCE), photo)


def revise_labels(
    labels: Labels, paths_px: Sequence[FloatArray], confidences: Sequence[float], *, um_per_px: float
) -> Labels:
    """Labels with the model's centre-lines where both agree; what it sees and nobody labelled teaches nothing.

    Parameters
    ----------
    labels : Labels
        Every centre-line a straight one, from root to tip.
    paths_px, confidences : sequences of the same length
        Centre-line, root first, px of the labels, and confidence of every hair that the model sees.
    um_per_px : float
        Scale of the labels.
    """
    vectors = ends_of(labels.paths_px)
    seen, labelled = match_hairs(ends_of(paths_px), vectors, MATCH_UM / um_per_px)
    revised = list(labels.paths_px)
    for one, label in zip(seen.tolist(), labelled.tolist(), strict=True):
        if _agree(paths_px[one], vectors[label], um_per_px):
            revised[label] = paths_px[one]
    unlabelled = np.setdiff1d(np.flatnonzero(np.asarray(confidences) >= _SEEN_CONFIDENCE), seen)
    alone = [paths_px[one] for one in unlabelled]
    shape = (labels.image.shape[0], labels.image.shape[1])
    image = labels.image.copy()
    # The axis of a labelled hair that another one touches is still taught.
    image[_drawn(alone, round(_SHAFT_UM / um_per_px), shape) & ~_drawn(revised, 3, shape)] = UNJUDGED
    return Labels(image, revised)


def _agree(path: FloatArray, vector: FloatArray, um_per_px: float) -> bool:
    """Whether a trace keeps to a straight label from end to end."""
    along = unit(vector[1] - vector[0])
    off = path - vector[0]
    aside_um = np.abs(off[:, 0] * along[1] - off[:, 1] * along[0]) * um_per_px
    ends_um = np.hypot(*(path[[0, -1]] - vector).T) * um_per_px
    return bool(aside_um.max() <= _MOST_ASIDE_UM and ends_um.max() <= _MOST_END_UM)


def _drawn(paths_px: Sequence[FloatArray], width_px: int, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Pixels of lines of a width along the paths, shape (H, W)."""
    lines = [np.round(path).astype(np.int32) for path in paths_px]
    return np.asarray(cv2.polylines(np.zeros(shape, np.uint8), lines, False, 1, width_px) > 0)
