"""A model against its baselines: every column of the tables that `hairscan evaluate` prints."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from hairscan.phantom import KINDS
from hairscan.segment import Segmenter
from hairscan.training.baselines import answer_always, find_ridges, median_count
from hairscan.training.evaluate import (
    PhantomAgreement,
    draw_phantom,
    evaluate_phantom,
    evaluate_photos,
    find_hairs,
    label_noise,
    summarise_phantoms_with_intervals,
)
from hairscan.training.figures import COUNT_FIGURES, summarise_with_intervals
from hairscan.training.masks import MaskedPicture, evaluate_masks, summarise_masks
from hairscan.training.metrics import Agreement
from hairscan.training.tables import Column
from hairscan.training.vectors import Sample

_WITHOUT_ROOT = ("direction_wrong",)


def assess_photos(
    samples: Sequence[Sample], part: str, segmenter: Segmenter, *, progress: Callable[[], None]
) -> tuple[dict[str, Column], list[Agreement]]:
    """The columns of the photographs of one part, by method, and the model's agreement on each of them.

    Parameters
    ----------
    samples : sequence of Sample
        Of all parts: the median count is of those to train on, the labels are compared wherever there are two. None
        of the part: no columns.
    """
    judged = [sample for sample in samples if sample.part == part]
    if not judged:
        return {}, []
    # What reads other photographs than the judged ones comes first: a broken one is told before the network runs.
    twice = label_noise(samples)
    taught = [sample for sample in samples if sample.part == "train"]
    usual = median_count(taught) if taught else None
    by_model, by_ridges = evaluate_photos(
        judged, [partial(find_hairs, segmenter=segmenter), find_ridges], progress=progress
    )
    columns = {"model": _photo_column(by_model)}
    if twice:
        columns["labelled_twice"] = _photo_column(twice)
    columns["ridge_filter"] = _photo_column(by_ridges, without=_WITHOUT_ROOT)
    if usual is not None:
        columns["median_count"] = _photo_column(answer_always(usual, by_model), only=COUNT_FIGURES)
    return columns, by_model


def assess_phantoms(
    count: int, segmenter: Segmenter, *, progress: Callable[[], None]
) -> dict[str, list[PhantomAgreement]]:
    """Agreement on this many phantoms of every kind."""
    by_kind: dict[str, list[PhantomAgreement]] = {}
    for kind in KINDS if count else ():
        by_kind[kind] = []
        for index in range(count):
            by_kind[kind].append(evaluate_phantom(draw_phantom(kind, index), segmenter))
            progress()
    return by_kind


def phantom_columns(by_kind: Mapping[str, Sequence[PhantomAgreement]]) -> dict[str, Column]:
    """The columns of the phantoms, by kind."""
    return {
        kind: Column(
            sizes={"phantoms": len(agreements), "true hairs": sum(one.true for one in agreements)},
            figures=summarise_phantoms_with_intervals(agreements),
        )
        for kind, agreements in by_kind.items()
    }


def assess_masks(
    pictures: Sequence[MaskedPicture], segmenter: Segmenter, *, progress: Callable[[], None]
) -> dict[str, Column]:
    """The columns of the hand-traced masks, by method."""
    if not pictures:
        return {}
    by_model, by_ridges = evaluate_masks(pictures, segmenter, progress=progress)
    sizes = {"pictures": len(pictures)}
    return {
        method: Column(sizes=sizes, figures=summarise_masks(overlaps))
        for method, overlaps in (("model", by_model), ("ridge_filter", by_ridges))
    }


def _photo_column(
    agreements: Sequence[Agreement], *, only: tuple[str, ...] = (), without: tuple[str, ...] = ()
) -> Column:
    """Sizes and figures of one method; those that mean nothing for it left out."""
    figures = summarise_with_intervals(agreements)
    return Column(
        sizes={
            "photographs": len(agreements),
            "fields": len({agreement.field for agreement in agreements}),
            "annotated hairs": sum(agreement.labelled for agreement in agreements),
        },
        figures={
            name: figure for name, figure in figures.items() if name not in without and (not only or name in only)
        },
    )
