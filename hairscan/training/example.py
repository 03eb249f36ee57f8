"""A photograph at the network's scale with what it teaches, from annotated photographs and from phantoms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hairscan.phantom import Phantom
from hairscan.photo import read_rgb
from hairscan.segment import Segmenter, resized
from hairscan.training.metrics import is_spared
from hairscan.training.revise import revise_labels, trace_sample
from hairscan.training.vectors import Sample
from hairscan.training.weak_labels import SHAFT, UNJUDGED, UNSURE_SHAFT, label_photo
from hairscan.types import FloatArray, Ignored, LabelImage, RgbImage


@dataclass(frozen=True, slots=True)
class Example:
    """One training example.

    Attributes
    ----------
    rgb : uint8 array, shape (H, W, 3)
    labels : uint8 array, shape (H, W)
        Codes of `weak_labels`.
    paths_px : list of float arrays, shape (P, 2)
        Root-to-tip centre-lines.
    ends_seen : list of (bool, bool)
        Whether root and tip of each path are real ends.
    """

    rgb: RgbImage
    labels: LabelImage
    paths_px: list[FloatArray]
    ends_seen: list[tuple[bool, bool]]


def example_of_sample(sample: Sample, *, um_per_px: float, reviser: Segmenter | None = None) -> Example:
    """The example of one annotated photograph, brought to `um_per_px`; its labels revised by a model, if one is given.

    Raises
    ------
    PhotoError
        Where the photograph cannot be read.
    """
    factor = sample.um_per_px / um_per_px
    rgb = resized(read_rgb(sample.image)[0], factor)
    # Loose and bent hairs ("abnormal") are labelled now and then only: they teach neither yes nor no.
    ignored = is_spared(sample.kinds)
    labels = label_photo(rgb, (sample.vectors_px + 0.5) * factor - 0.5, ignored, um_per_px=um_per_px)
    if reviser is not None:
        hairs = trace_sample(sample, reviser)
        paths_px = [(hair.path_xy + 0.5) * factor - 0.5 for hair in hairs]
        labels = revise_labels(labels, paths_px, [hair.confidence for hair in hairs], um_per_px=um_per_px)
    return Example(rgb, labels.image, labels.paths_px, [(True, True)] * len(labels.paths_px))


def example_of_phantom(phantom: Phantom, *, um_per_px: float) -> Example:
    """The example of one rendered scene, brought to `um_per_px`."""
    factor = phantom.um_per_px / um_per_px
    # A hair under a text box, in glare or outside the lens can be drawn, but it cannot be asked for.
    hidden = (phantom.ignored > 0) & (phantom.ignored != int(Ignored.INK))
    rgb, coverage = resized(phantom.rgb, factor), resized(phantom.coverage, factor)
    labels = np.where(coverage >= 0.5, SHAFT, 0).astype(np.uint8)
    labels[(coverage > 0.15) & (coverage < 0.5)] = UNSURE_SHAFT
    labels[(resized(hidden.astype(np.float32), factor) > 0) & (coverage > 0.15)] = UNJUDGED
    hairs = [hair for hair in phantom.hairs if not hair.loose and "hidden" not in hair.flags]
    ends_seen = [
        (hair.root_seen and not _at(hidden, hair.path_xy[0]), hair.tip_seen and not _at(hidden, hair.path_xy[-1]))
        for hair in hairs
    ]
    return Example(rgb, labels, [(hair.path_xy + 0.5) * factor - 0.5 for hair in hairs], ends_seen)


def _at(mask: NDArray[np.bool_], place: FloatArray) -> bool:
    """Value of a mask at a point; the nearest pixel's outside."""
    x, y = np.round(place).astype(int).clip(0, np.array(mask.shape[::-1]) - 1)
    return bool(mask[y, x])
