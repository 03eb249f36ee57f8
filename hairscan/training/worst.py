"""Where a model errs most: the photographs and phantoms to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hairscan.phantom import Phantom
from hairscan.photo.read import read_rgb
from hairscan.training.evaluate import PhantomAgreement, draw_phantom
from hairscan.training.metrics import Agreement
from hairscan.training.pictures import draw_panel
from hairscan.training.vectors import Sample
from hairscan.types import RgbImage

WORST_PHOTOS = 10


@dataclass(frozen=True, slots=True, eq=False)
class ErrorPicture:
    """One photograph twice: with the hairs that are there, and with those that were found."""

    name: str
    found: int
    labelled: int
    missed: int
    wrong: int
    labels_rgb: RgbImage
    result_rgb: RgbImage


def error_of(found: int, true: int, matched: int) -> int:
    """How bad a result is: the error of its count, and every hair that was missed."""
    return abs(found - true) + true - matched


def worst_photos(samples: Sequence[Sample], agreements: Sequence[Agreement]) -> list[ErrorPicture]:
    """Pictures of the ten photographs of largest error, the worst first."""
    pairs = sorted(
        zip(samples, agreements, strict=True),
        key=lambda pair: (-error_of(pair[1].found, pair[1].labelled, pair[1].matched), pair[0].name),
    )
    return [_of_photo(sample, agreement) for sample, agreement in pairs[:WORST_PHOTOS]]


def worst_phantoms(by_kind: Mapping[str, Sequence[PhantomAgreement]]) -> list[ErrorPicture]:
    """Picture of the phantom of largest error of every kind."""
    pictures = []
    for kind, agreements in by_kind.items():
        errors = [error_of(one.found, one.true, one.matched) for one in agreements]
        index = errors.index(max(errors))
        pictures.append(_of_phantom(draw_phantom(kind, index), index, agreements[index]))
    return pictures


def _of_photo(sample: Sample, agreement: Agreement) -> ErrorPicture:
    rgb, _ = read_rgb(sample.image)
    return ErrorPicture(
        name=sample.name,
        found=agreement.found,
        labelled=agreement.labelled,
        missed=agreement.labelled - agreement.matched,
        wrong=agreement.found - agreement.matched,
        labels_rgb=draw_panel(rgb, tuple(sample.vectors_px), agreement.label_verdicts),
        result_rgb=draw_panel(rgb, agreement.hairs.paths_xy, agreement.found_verdicts),
    )


def _of_phantom(phantom: Phantom, index: int, agreement: PhantomAgreement) -> ErrorPicture:
    paths = tuple(hair.path_xy for hair in phantom.hairs)
    return ErrorPicture(
        name=f"{phantom.kind}, number {index}",
        found=agreement.found,
        labelled=agreement.true,
        missed=agreement.true - agreement.matched,
        wrong=agreement.found - agreement.matched,
        labels_rgb=draw_panel(phantom.rgb, paths, agreement.true_verdicts),
        result_rgb=draw_panel(phantom.rgb, agreement.paths_xy, agreement.found_verdicts),
    )
