"""Fits, for a trained network, the probability that a traced shaft is a hair, and the threshold that counts fairly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from hairscan.errors import ModelError
from hairscan.files import json_bytes
from hairscan.lines import distances
from hairscan.phantom import KINDS
from hairscan.photo import read_photo
from hairscan.segment import Segmenter, load_model, segment_photo
from hairscan.segment.spec import ModelSpec
from hairscan.trace.confidence import READINGS, confidence_of
from hairscan.trace.hairs import trace_shafts
from hairscan.training.evaluate import draw_phantom
from hairscan.training.metrics import MATCH_UM, ends_of, in_judged_field, is_spared
from hairscan.training.vectors import Sample
from hairscan.types import FloatArray, Photo

PHANTOMS_PER_KIND = 4
FIRST_PHANTOM = 1_000_000
"""Phantoms of the fit lie far from those of the evaluation in their series."""
LABELLED_SHARE = 0.99
"""Share of the hairs of a photograph that are labelled. Of two labellings of one photograph of the FDU set, each lacks
2.5 % or more of the other's hairs; some of those are none."""
PENALTY = 1.0


@dataclass(frozen=True, slots=True)
class Candidates:
    """Traced shafts of one photograph.

    Attributes
    ----------
    readings : float array, shape (N, R)
    is_hair : bool array, shape (N,)
        Whether an annotated or true hair is there that no clearer shaft answers.
    true_count : float
        Hairs that a photograph shows, whether traced or not; of a phantom, those that were traced.
    """

    readings: FloatArray
    is_hair: NDArray[np.bool_]
    true_count: float


def calibrate_model(folder: Path, samples: Sequence[Sample]) -> ModelSpec:
    """Fit the confidence of a model folder on photographs of the tune part and on phantoms, and write it to its spec.

    The network has not seen either. The threshold is the one at which as many hairs are counted as the photographs
    show or, where there are none, as were traced on phantoms.

    Raises
    ------
    ModelError
        Where the network sees no hair yet.
    """
    segmenter = load_model(folder, "cpu")
    photos = [_of_sample(sample, segmenter) for sample in samples]
    phantoms = [
        _of_phantom(kind, FIRST_PHANTOM + index, segmenter) for kind in KINDS for index in range(PHANTOMS_PER_KIND)
    ]
    if not any(one.is_hair.any() for one in photos + phantoms):
        raise ModelError("the network sees no hair yet: train it for more steps")
    weights = fit_weights(photos + phantoms)
    # Photographs in which the network sees none of the hairs tell no threshold.
    threshold = fair_threshold(photos if any(one.is_hair.any() for one in photos) else phantoms, weights)
    spec = segmenter.spec.model_copy(update={"confidence_weights": weights, "hair_threshold": threshold})
    (folder / "spec.json").write_bytes(json_bytes(spec))
    return spec


def fit_weights(candidates: Sequence[Candidates]) -> tuple[float, ...]:
    """Intercept and weights of a logistic regression with a ridge penalty on standardised readings."""
    readings = np.concatenate([one.readings for one in candidates])
    is_hair = np.concatenate([one.is_hair for one in candidates]).astype(np.float64)
    mean, sd = readings.mean(axis=0), readings.std(axis=0) + 1e-9
    design = np.column_stack([np.ones(len(readings)), (readings - mean) / sd])

    def loss(weights: FloatArray) -> tuple[float, FloatArray]:
        score = design @ weights
        gradient = design.T @ (expit(score) - is_hair)
        gradient[1:] += PENALTY * weights[1:]
        penalty = 0.5 * PENALTY * float((weights[1:] ** 2).sum())
        return float((np.logaddexp(0.0, score) - is_hair * score).sum()) + penalty, gradient

    fitted = minimize(loss, np.zeros(1 + len(READINGS)), jac=True, method="L-BFGS-B").x
    slopes = fitted[1:] / sd
    return tuple(round(float(value), 5) for value in (fitted[0] - slopes @ mean, *slopes))


def fair_threshold(candidates: Sequence[Candidates], weights: tuple[float, ...]) -> float:
    """Probability above which as many shafts lie as there are hairs to count."""
    readings = np.concatenate([one.readings for one in candidates])
    probability = np.sort(confidence_of(readings, weights))[::-1]
    true_count = round(sum(one.true_count for one in candidates))
    return round(float(np.clip(probability[min(true_count, len(probability) - 1)], 0.2, 0.7)), 3)


def _of_sample(sample: Sample, segmenter: Segmenter) -> Candidates:
    """Candidates of an annotated photograph, border and unjudged kinds left out; matched by midpoint."""
    photo = read_photo(sample.image, um_per_px=sample.um_per_px)
    ends, readings = _shafts(photo, segmenter)
    border = MATCH_UM / sample.um_per_px
    label_of = _claim(ends.mean(axis=1), sample.vectors_px.mean(axis=1), readings, border)
    labels = in_judged_field(sample.vectors_px, photo.ignored, border) & ~is_spared(sample.kinds)
    judged = in_judged_field(ends, photo.ignored, border)
    # As in the evaluation, a pair of which one half is judged is judged by its label.
    judged[label_of >= 0] = labels[label_of[label_of >= 0]]
    return Candidates(readings[judged], label_of[judged] >= 0, labels.sum() / LABELLED_SHARE)


def _of_phantom(kind: str, index: int, segmenter: Segmenter) -> Candidates:
    """Candidates of a phantom, where it can be judged; matched by root.

    What begins near the border came in from outside: it is a hair, and has no root that could say so.
    """
    phantom = draw_phantom(kind, index)
    photo = read_photo(phantom.rgb, um_per_px=phantom.um_per_px)
    ends, readings = _shafts(photo, segmenter)
    true = [hair for hair in phantom.hairs if not hair.loose]
    roots = np.array([hair.path_xy[0] for hair in true], np.float64).reshape(-1, 2)
    border = MATCH_UM / phantom.um_per_px
    label_of = _claim(ends[:, 0], roots, readings, border)
    judged = in_judged_field(ends[:, :1], photo.ignored, border)
    is_hair = label_of[judged] >= 0
    # Some true hairs of a phantom are hidden altogether: false ones shall not make up for those.
    return Candidates(readings[judged], is_hair, int(is_hair.sum()))


def _shafts(photo: Photo, segmenter: Segmenter) -> tuple[FloatArray, FloatArray]:
    """Ends, px, shape (N, 2, 2), and readings of everything that might be a hair."""
    maps = segment_photo(photo, segmenter)
    shafts, readings = trace_shafts(maps)
    return (ends_of(shaft.path for shaft in shafts) + 0.5) * maps.px_per_cell - 0.5, readings


def _claim(found: FloatArray, true: FloatArray, readings: FloatArray, reach: float) -> NDArray[np.intp]:
    """Of each found place, the true place that it answers, the clearest shafts choosing first; -1 for none."""
    label_of = np.full(len(found), -1, np.intp)
    if not len(true):
        return label_of
    distance = distances(found, true)
    for index in np.argsort(-readings[:, 0], kind="stable"):
        nearest = int(np.argmin(distance[index]))
        if distance[index, nearest] <= reach:
            label_of[index] = nearest
            distance[:, nearest] = np.inf
    return label_of
