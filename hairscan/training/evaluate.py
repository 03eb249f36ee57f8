"""How good a model is: on annotated photographs that it never saw, and on phantoms whose truth is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hairscan.phantom import Phantom, TrueHair, render_scene, sample_scene
from hairscan.photo import read_photo
from hairscan.score import score_read_photo
from hairscan.segment import Segmenter
from hairscan.training.bootstrap import Figure, bootstrap
from hairscan.training.figures import mean_of_known, ratio
from hairscan.training.metrics import (
    MATCH_UM,
    Agreement,
    FoundHairs,
    ends_of,
    is_spared,
    judge_photo,
    match_hairs,
    straight_hairs,
    verdicts,
)
from hairscan.training.vectors import Sample
from hairscan.types import FloatArray, LabelImage, Photo

PHANTOM_UM_PER_PX = 4.0
PHANTOM_SIZE_PX = (1280, 1024)
ROOT_REACH_UM = 111.0


@dataclass(frozen=True, slots=True, eq=False)
class PhantomAgreement:
    """Found against true hairs of one phantom, roots in its judged field.

    Attributes
    ----------
    found, true, matched : int
        Hairs found, there, and both.
    mean_width_error_um : float
        Mean measured width less mean true width; NaN where one of the two is missing.
    width_off_se : float array, shape (W,)
        Error of the width of every hair whose middle was matched and that was measured, in its standard errors.
    paths_xy : tuple of float arrays, shape (P, 2)
        Centre-lines of the found hairs, px.
    found_verdicts, true_verdicts : uint8 arrays
        `Verdict` of every found hair and of every true one, those that are not judged among them.
    """

    kind: str
    found: int
    true: int
    matched: int
    mean_width_error_um: float
    width_off_se: FloatArray
    paths_xy: tuple[FloatArray, ...]
    found_verdicts: NDArray[np.uint8]
    true_verdicts: NDArray[np.uint8]


def find_hairs(photo: Photo, segmenter: Segmenter) -> FoundHairs:
    """The hairs that are counted in a photograph, scored as a user would score it."""
    counted = [hair for hair in score_read_photo(photo, segmenter).traced if hair.counted]
    um_per_px = photo.scale.um_per_px if photo.scale else np.nan
    widths_px = np.array([(hair.width_px, hair.width_se_px) for hair in counted], np.float64).reshape(-1, 2)
    return FoundHairs(tuple(hair.path_xy for hair in counted), *(widths_px.T * um_per_px))


def evaluate_photos(
    samples: Sequence[Sample],
    finders: Sequence[Callable[[Photo], FoundHairs]],
    *,
    progress: Callable[[], None],
) -> list[list[Agreement]]:
    """Agreement of what each finder finds in every annotated photograph: one list per finder."""
    agreements: list[list[Agreement]] = [[] for _ in finders]
    for sample in samples:
        photo = read_photo(sample.image, um_per_px=sample.um_per_px)
        for find, out in zip(finders, agreements, strict=True):
            out.append(_judge(sample, find(photo), photo.ignored))
        progress()
    return agreements


def label_noise(samples: Sequence[Sample]) -> list[Agreement]:
    """Agreement of the second labelling with the first, on photographs that were labelled twice: the ceiling."""
    by_name = {sample.name: sample for sample in samples}
    agreements = []
    for sample in samples:
        first = by_name.get(sample.copy_of)
        if first is None:
            continue
        ignored = read_photo(sample.image, um_per_px=sample.um_per_px).ignored
        second = straight_hairs(sample.vectors_px[~is_spared(sample.kinds)])
        agreements.append(_judge(first, second, ignored))
    return agreements


def evaluate_phantom(phantom: Phantom, segmenter: Segmenter) -> PhantomAgreement:
    """Agreement on one phantom, scored as a photograph of known scale; a hair is found where its root is."""
    photo = read_photo(phantom.rgb, um_per_px=phantom.um_per_px)
    found = find_hairs(photo, segmenter)
    judged = np.array([hair.counted and _is_judged(hair, photo.ignored) for hair in phantom.hairs], bool)
    ends = ends_of(hair.path_xy for hair in phantom.hairs)[judged]
    # Roots in the form that `match_hairs` takes: both ends at the root.
    rows, columns = match_hairs(
        np.repeat(found.ends_xy[:, :1], 2, axis=1), np.repeat(ends[:, :1], 2, axis=1), ROOT_REACH_UM / phantom.um_per_px
    )
    true_um = np.array([hair.width_um for hair in phantom.hairs], np.float64)[judged]
    # Hairs of a unit share the place of their roots: which is which, their middles tell.
    same, true_of = match_hairs(found.ends_xy, ends, MATCH_UM / phantom.um_per_px)
    off_se = (found.width_um[same] - true_um[true_of]) / found.width_se_um[same]
    return PhantomAgreement(
        kind=phantom.kind,
        found=len(found.paths_xy),
        true=int(judged.sum()),
        matched=len(rows),
        mean_width_error_um=mean_of_known(found.width_um) - mean_of_known(true_um),
        width_off_se=off_se[np.isfinite(off_se)],
        paths_xy=found.paths_xy,
        found_verdicts=verdicts(np.ones(len(found.paths_xy), bool), rows),
        true_verdicts=verdicts(judged, np.nonzero(judged)[0][columns]),
    )


def draw_phantom(kind: str, index: int, density_per_cm2: float | None = None) -> Phantom:
    """Phantom number `index` of a kind, of the series that is kept for evaluation: no training run draws from it."""
    rng = np.random.default_rng((2**31, index))
    width, height = PHANTOM_SIZE_PX
    scene = sample_scene(
        kind, rng, width_px=width, height_px=height, um_per_px=PHANTOM_UM_PER_PX, density_per_cm2=density_per_cm2
    )
    return render_scene(scene, rng)


def summarise_phantoms(agreements: Sequence[PhantomAgreement]) -> dict[str, float]:
    """Figures over the phantoms of one kind; NaN where nothing can be told.

    Notes
    -----
    ``root_f1`` and ``bias`` (``(found - true) / true``) are of all hairs together; ``count_error`` is the mean of
    ``|found - true| / true`` over phantoms; the width errors are means over phantoms of the error of a phantom's mean
    width, with its sign and without; ``width_within`` is the share of the hairs found whose true width lies within
    1.96 standard errors of the measured one.
    """
    found, true, matched = np.array([(a.found, a.true, a.matched) for a in agreements], np.float64).reshape(-1, 3).T
    some = true > 0
    errors_um = np.array([a.mean_width_error_um for a in agreements], np.float64)
    off_se = np.concatenate([np.zeros(0), *(a.width_off_se for a in agreements)])
    return {
        "root_f1": ratio(2.0 * matched.sum(), found.sum() + true.sum()),
        "count_error": mean_of_known(np.abs(found - true)[some] / true[some]),
        "bias": ratio(found.sum() - true.sum(), true.sum()),
        "mean_width_error_um": mean_of_known(errors_um),
        "mean_width_abs_error_um": mean_of_known(np.abs(errors_um)),
        "width_within": ratio((np.abs(off_se) < 1.96).sum(), len(off_se)),
    }


def summarise_phantoms_with_intervals(agreements: Sequence[PhantomAgreement]) -> dict[str, Figure]:
    """The figures of `summarise_phantoms`, each with its 95 % interval over phantoms."""
    return bootstrap(lambda chosen: summarise_phantoms([agreements[i] for i in chosen]), len(agreements))


def _judge(sample: Sample, found: FoundHairs, ignored: LabelImage) -> Agreement:
    return judge_photo(
        sample.field, found, sample.vectors_px, sample.kinds, ignored=ignored, um_per_px=sample.um_per_px
    )


def _is_judged(hair: TrueHair, ignored: LabelImage) -> bool:
    """Whether the root lies where the photograph could be judged: what lies in glare was left out of the area too."""
    x, y = np.round(hair.path_xy[0]).astype(int)
    return not ignored[y, x]
