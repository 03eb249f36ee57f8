"""LabelMe and COCO-keypoint files become annotated photographs: where each lies, and its hairs root first."""

from __future__ import annotations

import codecs
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path

import numpy as np
from pydantic import BaseModel, Field, FiniteFloat, ValidationError

from hairscan.types import FloatArray

KINDS = ("single", "premium", "undersize", "abnormal")
"""Kinds of hairs that the figures tell apart; other words are kept."""
HOW_TO_DRAW = "draw every hair as a line or linestrip, root first"

LEAST_LENGTH_PX = 1.0
"""Nearer to each other, both ends of a hair are one point: a hand slipped."""


class Layout(StrEnum):
    """Kind of annotation file."""

    LABELME = "labelme"
    COCO = "coco"


@dataclass(frozen=True, slots=True)
class AnnotatedHair:
    """One hair as it was drawn.

    Attributes
    ----------
    path_px : float array, shape (P, 2)
        Two points or more, root first, px of the photograph.
    kind : str
        The annotators' word for it.
    """

    path_px: FloatArray
    kind: str


@dataclass(frozen=True, slots=True)
class AnnotatedPhoto:
    """One photograph as its annotation file describes it; nothing is checked against the picture yet.

    Attributes
    ----------
    image : str
        Path of the photograph, relative to the folder of `file`.
    size_px : tuple of int or None
        Width and height that the file tells, where it tells them.
    """

    file: Path
    image: str
    size_px: tuple[int, int] | None
    hairs: tuple[AnnotatedHair, ...]


def read_annotations(file: Path, layout: Layout) -> tuple[list[AnnotatedPhoto], list[str]]:
    """Annotated photographs of one file, and in words what is wrong with it."""
    try:
        text = file.read_bytes().removeprefix(codecs.BOM_UTF8)
        return _of_labelme(file, text) if layout is Layout.LABELME else _of_coco(file, text)
    except OSError as error:
        return [], [f"cannot be read ({error.strerror}): check the file"]
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the whole file"
        return [], [f"is no {layout} annotation file ({place}: {first['msg']}): export it again, or take it out"]


class _Shape(BaseModel):
    label: str
    points: list[tuple[FiniteFloat, FiniteFloat]]
    shape_type: str


class _LabelMe(BaseModel):
    shapes: list[_Shape]
    image: str = Field(alias="imagePath", min_length=1)
    width: int | None = Field(None, alias="imageWidth")
    height: int | None = Field(None, alias="imageHeight")


def _of_labelme(file: Path, text: bytes) -> tuple[list[AnnotatedPhoto], list[str]]:
    """The photograph of a LabelMe file.

    Notes
    -----
    LabelMe counts from the corner of the first pixel, hairscan from its centre.
    """
    content = _LabelMe.model_validate_json(text)
    hairs, problems = [], []
    for number, shape in enumerate(content.shapes, start=1):
        name = f"shape {number} ({shape.label!r})"
        path_px = np.array(shape.points, np.float64).reshape(-1, 2) - 0.5
        if shape.shape_type not in ("line", "linestrip"):
            problems.append(f"{name} is a {shape.shape_type}: {HOW_TO_DRAW}")
        elif not _has_length(path_px):
            problems.append(f"{name} has fewer than two points that differ: {HOW_TO_DRAW}, or delete it")
        else:
            try:
                hairs.append(AnnotatedHair(path_px, _kind(shape.label)))
            except ValueError as error:
                problems.append(f"shape {number} {error}")
    return [AnnotatedPhoto(file, content.image, _size(content.width, content.height), tuple(hairs))], problems


class _CocoImage(BaseModel):
    id: int | str
    file_name: str = Field(min_length=1)
    width: int | None = None
    height: int | None = None


class _CocoCategory(BaseModel):
    id: int | str
    name: str
    keypoints: list[str] = []


class _CocoAnnotation(BaseModel):
    id: int | str
    image_id: int | str
    category_id: int | str
    keypoints: list[FiniteFloat] = []


class _Coco(BaseModel):
    images: list[_CocoImage]
    annotations: list[_CocoAnnotation]
    categories: list[_CocoCategory]


def _of_coco(file: Path, text: bytes) -> tuple[list[AnnotatedPhoto], list[str]]:
    """The photographs of a COCO file.

    Notes
    -----
    COCO's keypoints are pixel positions, as hairscan's are; a keypoint of visibility 0 was not marked.
    """
    content = _Coco.model_validate_json(text)
    twice = [
        *_twice("image", (image.id for image in content.images)),
        *_twice("category", (category.id for category in content.categories)),
    ]
    if twice:
        return [], twice
    categories = {category.id: category for category in content.categories}
    hairs: dict[int | str, list[AnnotatedHair]] = {image.id: [] for image in content.images}
    problems = []
    for annotation in content.annotations:
        try:
            if annotation.image_id not in hairs:
                raise ValueError(f"is of an image {annotation.image_id} that is not listed: export the file again")
            hairs[annotation.image_id].append(_of_keypoints(annotation, categories.get(annotation.category_id)))
        except ValueError as error:
            problems.append(f"annotation {annotation.id} {error}")
    photos = [
        AnnotatedPhoto(file, image.file_name, _size(image.width, image.height), tuple(hairs[image.id]))
        for image in content.images
    ]
    return photos, problems


def _twice(what: str, ids: Iterable[int | str]) -> Iterator[str]:
    for key, n in Counter(ids).items():
        if n > 1:
            yield f"gives the id {key} to {n} {what} entries: export the files that were joined one by one"


def _kind(label: str) -> str:
    """The annotators' word in small letters; ValueError where it is nearly one of the known ones."""
    word = label.strip().lower()
    near = get_close_matches(word, KINDS, n=1, cutoff=0.8)
    if near and word not in KINDS:
        raise ValueError(f"is labelled {label.strip()!r}: did you mean {near[0]}?")
    return word


def _of_keypoints(annotation: _CocoAnnotation, category: _CocoCategory | None) -> AnnotatedHair:
    """Hair of one annotation; ValueError, with the words that follow the annotation's name, where it is none."""
    if category is None:
        raise ValueError(f"is of a category {annotation.category_id} that is not listed: export the file again")
    names = [name.strip().lower() for name in category.keypoints]
    if not {"root", "tip"} <= set(names):
        raise ValueError(f"is of the category {category.name!r}: name its keypoints root and tip")
    if len(annotation.keypoints) != 3 * len(names):
        raise ValueError(f"has {len(annotation.keypoints)} numbers for {len(names)} keypoints: give x, y, v for each")
    marked = {name: (x, y) for name, (x, y, seen) in zip(names, _threes(annotation.keypoints), strict=True) if seen > 0}
    missing = {"root", "tip"} - set(marked)
    if missing:
        raise ValueError(f"has no {' and no '.join(sorted(missing))}: mark both ends of every hair")
    between = [place for name, place in marked.items() if name not in ("root", "tip")]
    path_px = np.array([marked["root"], *between, marked["tip"]], np.float64)
    if not _has_length(path_px):
        raise ValueError("has its root and tip on one point: mark both ends of every hair, or delete it")
    return AnnotatedHair(path_px, _kind(category.name))


def _threes(values: list[float]) -> Iterator[tuple[float, float, float]]:
    return zip(values[::3], values[1::3], values[2::3], strict=True)


def _has_length(path_px: FloatArray) -> bool:
    """Whether a path has two points or more, and its ends are not one pixel."""
    return len(path_px) >= 2 and float(np.hypot(*(path_px[-1] - path_px[0]))) >= LEAST_LENGTH_PX


def _size(width: int | None, height: int | None) -> tuple[int, int] | None:
    return (width, height) if width and height else None
