"""How good a model is: on annotated photographs that it never saw, and on phantoms whose truth is known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hairscan.phantom import Phantom, TrueHair, render_scene, sample_scene
from hairscan.photo import read_photo
from hairscan.score import score_read_photo
from hairscan.segment import Segmenter
from hairscan.training.metrics import NOT_JUDGED_KINDS, Agreement, judge_photo, match_hairs, summarise
from hairscan.training.vectors import Sample
from hairscan.types import FloatArray, Hair, LabelImage

PHANTOM_UM_PER_PX = 4.0
PHANTOM_SIZE_PX = (1280, 1024)
ROOT_REACH_UM = 111.0
RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class PhantomAgreement:
    """Found against true hairs of one phantom, roots in its judged field."""

    kind: str
    found: int
    true: int
    matched: int
    mean_width_error_um: float


def ends_of(hairs: Iterable[Hair | TrueHair]) -> FloatArray:
    """Root and tip of every hair, shape (N, 2, 2)."""
    return np.array([[hair.path_xy[0], hair.path_xy[-1]] for hair in hairs], np.float64).reshape(-1, 2, 2)


def evaluate_photos(
    samples: Sequence[Sample], segmenter: Segmenter, *, progress: Callable[[], None]
) -> list[Agreement]:
    """Agreement on every annotated photograph, scored as a user would score it."""
    agreements = []
    for sample in samples:
        photo = read_photo(sample.image, um_per_px=sample.um_per_px)
        result = score_read_photo(photo, segmenter)
        found = ends_of(hair for hair in result.traced if hair.counted)
        agreements.append(
            judge_photo(
                sample.field, found, sample.vectors_px, sample.kinds, ignored=photo.ignored, um_per_px=sample.um_per_px
            )
        )
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
        judged = [kind not in NOT_JUDGED_KINDS for kind in sample.kinds]
        ignored = read_photo(sample.image, um_per_px=sample.um_per_px).ignored
        second = sample.vectors_px[np.array(judged, bool)]
        agreements.append(
            judge_photo(first.field, second, first.vectors_px, first.kinds, ignored=ignored, um_per_px=sample.um_per_px)
        )
    return agreements


def evaluate_phantom(phantom: Phantom, segmenter: Segmenter) -> PhantomAgreement:
    """Agreement on one phantom, scored as a photograph of known scale."""
    photo = read_photo(phantom.rgb, um_per_px=phantom.um_per_px)
    result = score_read_photo(photo, segmenter)
    true = [hair for hair in phantom.hairs if hair.counted and _is_judged(hair, photo.ignored)]
    found = [hair for hair in result.traced if hair.counted]
    rows, _ = match_hairs(_roots(found), _roots(true), ROOT_REACH_UM / phantom.um_per_px)
    widths = [hair.width_px for hair in found if np.isfinite(hair.width_px)]
    error_um = (float(np.mean(widths)) * phantom.um_per_px if widths else np.nan) - (
        float(np.mean([hair.width_um for hair in true])) if true else np.nan
    )
    return PhantomAgreement(phantom.kind, len(found), len(true), len(rows), error_um)


def draw_phantom(kind: str, index: int, density_per_cm2: float | None = None) -> Phantom:
    """Phantom number `index` of a kind, of the series that is kept for evaluation: no training run draws from it."""
    rng = np.random.default_rng((2**31, index))
    width, height = PHANTOM_SIZE_PX
    scene = sample_scene(
        kind, rng, width_px=width, height_px=height, um_per_px=PHANTOM_UM_PER_PX, density_per_cm2=density_per_cm2
    )
    return render_scene(scene, rng)


def summarise_phantoms(agreements: Sequence[PhantomAgreement]) -> dict[str, float]:
    """Figures over the phantoms of one kind."""
    found, true, matched = (np.array([getattr(a, name) for a in agreements]) for name in ("found", "true", "matched"))
    some = true > 0
    return {
        "phantoms": float(len(agreements)),
        "root_f1": float(2.0 * matched.sum() / max(found.sum() + true.sum(), 1)),
        "count_error": float((np.abs(found - true)[some] / true[some]).mean()),
        "bias": float((found.sum() - true.sum()) / max(true.sum(), 1)),
        "mean_width_error_um": float(np.nanmean([a.mean_width_error_um for a in agreements])),
        "mean_width_abs_error_um": float(np.nanmean(np.abs([a.mean_width_error_um for a in agreements]))),
    }


def bootstrap(agreements: Sequence[Agreement], seed: int = 0) -> dict[str, tuple[float, float]]:
    """95 % percentile interval of every figure, resampling whole fields (Efron and Tibshirani 1993, chapter 13)."""
    rng = np.random.default_rng(seed)
    by_field: dict[str, list[Agreement]] = {}
    for agreement in agreements:
        by_field.setdefault(agreement.field, []).append(agreement)
    fields = sorted(by_field)
    draws = []
    for _ in range(RESAMPLES):
        # A field that is drawn twice counts as two fields.
        chosen = rng.integers(len(fields), size=len(fields))
        draws.append(_figures([by_field[fields[i]] for i in chosen]))
    return {
        name: (
            float(np.nanpercentile([d[name] for d in draws if name in d], 2.5)),
            float(np.nanpercentile([d[name] for d in draws if name in d], 97.5)),
        )
        for name in summarise(list(agreements))
    }


def _figures(groups: list[list[Agreement]]) -> dict[str, float]:
    """Figures with every group as a field of its own."""
    return summarise([replace(a, field=str(index)) for index, group in enumerate(groups) for a in group])


def _roots(hairs: Sequence[Hair | TrueHair]) -> FloatArray:
    """Roots, in the form that `match_hairs` takes: both ends at the root."""
    return np.repeat(ends_of(hairs)[:, :1], 2, axis=1)


def _is_judged(hair: TrueHair, ignored: LabelImage) -> bool:
    """Whether the root lies where the photograph could be judged: what lies in glare was left out of the area too."""
    x, y = np.round(hair.path_xy[0]).astype(int)
    return not ignored[y, x]
