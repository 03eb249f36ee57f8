"""Annotated photographs of a clinic become the folder that training and evaluation read; all of it or nothing."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from unicodedata import normalize
from urllib.parse import unquote

import numpy as np

from hairscan.batch.manifest import PHOTO_ENDINGS, first_names
from hairscan.endpoints.rows import csv_bytes, read_rows
from hairscan.errors import DataError, OutputError, PhotoError
from hairscan.files import writing_to
from hairscan.photo.read import read_rgb
from hairscan.photo.scale import checked_scale
from hairscan.training.annotations import HOW_TO_DRAW, AnnotatedHair, AnnotatedPhoto, Layout, read_annotations
from hairscan.training.vectors import ENDS, split_groups
from hairscan.types import FloatArray

BENT = "abnormal"
"""Kind of a hair that no straight vector describes: neither taught nor judged."""
BEND_UM = 36.0
"""Farther from a straight vector, the labels of training see no shaft of it (`weak_labels`)."""


@dataclass(frozen=True, slots=True)
class CheckedPhoto:
    """An annotated photograph that is there, can be read, and holds all of its points.

    Attributes
    ----------
    subject : str
        Who is in it: photographs of one subject stay in one part of the split.
    """

    image: Path
    subject: str
    hairs: tuple[AnnotatedHair, ...]


def find_photos(
    source: Path, layout: Layout, subjects: dict[str, str] | None = None
) -> tuple[list[CheckedPhoto], list[str]]:
    """Annotated photographs of a file or of all files in a folder, and every problem, each in one line.

    Parameters
    ----------
    subjects : dict of str to str, optional
        Subject of each photograph, by its name without suffix; without it, every photograph is of another subject.

    Raises
    ------
    DataError
        Where there is no annotation file.
    """
    root = source if source.is_dir() else source.parent
    files = [source] if source.is_file() else sorted(source.rglob("*.json"))
    if not files:
        raise DataError(f"no annotation file (.json) in {source}: give the folder that your annotation tool wrote")
    photos: list[CheckedPhoto] = []
    problems: list[str] = []
    seen: dict[str, str] = {}
    for file in files:
        found, wrong = read_annotations(file, layout)
        for photo in found:
            checked, faults = _check(photo, root, subjects, seen)
            wrong += faults
            photos += [] if checked is None else [checked]
        problems += [f"{file.relative_to(root)}: {words}" for words in wrong]
    if not problems and not any(photo.hairs for photo in photos):
        raise DataError(f"{source} tells of no hair: {HOW_TO_DRAW}, or mark its root and tip")
    return photos, problems


def unannotated_photos(source: Path, photos: Sequence[CheckedPhoto]) -> list[str]:
    """Names of the photographs in a folder, or beside those of a file, that no annotation names."""
    folders = {photo.image.parent for photo in photos}
    files = source.rglob("*") if source.is_dir() else (path for folder in folders for path in folder.iterdir())
    annotated = {_composed(str(photo.image.resolve())) for photo in photos}
    return sorted(
        path.name
        for path in files
        if path.suffix.lower() in PHOTO_ENDINGS
        and not path.name.startswith(".")
        and _composed(str(path.resolve())) not in annotated
    )


def read_subjects(path: Path) -> dict[str, str]:
    """Subject of each photograph, by its name without suffix, from the columns `image` and `subject` of a CSV.

    Raises
    ------
    DataError
        Where the file or a column is missing, or one photograph has two subjects.
    """
    try:
        rows = read_rows(path)[1]
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as a table: give a CSV with the columns image and subject") from error
    subjects: dict[str, str] = {}
    for row in rows:
        image, subject = (row.get(column, "").strip() for column in ("image", "subject"))
        if not image or not subject:
            raise DataError(f"{path} needs a column image and a column subject, both filled in every row")
        if subjects.setdefault(_stem(image), subject) != subject:
            raise DataError(f"{path} names two subjects for {image}: give every photograph one")
    return subjects


def write_training_folder(photos: Sequence[CheckedPhoto], out: Path, *, um_per_px: float) -> None:
    """Write `tiles/`, `vectors.csv` and `fields.csv`, as `vectors.read_samples` reads them, split by subject.

    Parameters
    ----------
    um_per_px : float
        Scale of all photographs.

    Raises
    ------
    DataError
        Where the photographs are of too few subjects to be split.
    ScaleError
        Where the scale is impossible.
    OutputError
        Where `out` is there already or cannot be written.
    """
    checked_scale(um_per_px, None, source="user")
    part_of_subject = split_groups(photo.subject for photo in photos)
    rows = (row for photo in photos for row in _rows(photo, um_per_px))
    fields = [(p.image.stem, p.subject, part_of_subject[p.subject], f"{um_per_px:g}") for p in photos]
    if out.exists():
        raise OutputError(f"{out} is there already: name a new folder")
    partial = out.with_name(f".{out.name}-{os.getpid()}")
    try:
        with writing_to(out):
            (partial / "tiles").mkdir(parents=True)
            for photo in photos:
                shutil.copyfile(photo.image, partial / "tiles" / photo.image.name)
            (partial / "vectors.csv").write_bytes(csv_bytes(("tile", "field", "kind", *ENDS), *rows))
            (partial / "fields.csv").write_bytes(csv_bytes(("field", "group", "part", "um_per_px"), *fields))
            partial.rename(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _check(
    photo: AnnotatedPhoto, root: Path, subjects: dict[str, str] | None, seen: dict[str, str]
) -> tuple[CheckedPhoto | None, list[str]]:
    """The photograph, where it can be used, and what is wrong with it; its name and its bytes enter `seen`."""
    image = _file_of(photo)
    if not _lies_in(image, root):
        return None, [f"its photograph {photo.image!r} lies outside {root}: put it inside, and correct the path"]
    if not image.is_file():
        return None, [f"its photograph {photo.image} is missing: put it there, or take the annotation out"]
    try:
        rgb, sha256 = read_rgb(image)
    except PhotoError as error:
        return None, [str(error)]
    if image.name.startswith("."):
        return None, [f"{photo.image} is hidden by its name: rename it"]
    problems = []
    for key, same in ((_stem(image.name).casefold(), "has the name of"), (sha256, "is the same photograph as")):
        if key in seen:
            problems.append(f"{photo.image} {same} {seen[key]}: rename it, or keep one of the two")
        seen[key] = photo.image
    size = rgb.shape[1::-1]
    if photo.size_px not in (None, size):
        problems.append(
            f"{photo.image} is {_times(size)} px, not {_times(photo.size_px)} as annotated: put the original"
        )
    problems += _hair_problems(photo, size)
    subject = image.stem if subjects is None else _subject_of(subjects, image.name, photo.image)
    if not subject:
        problems.append(f"{photo.image} is not in the table of subjects: add a row with its image and subject")
    return CheckedPhoto(image, subject, photo.hairs), problems


def _hair_problems(photo: AnnotatedPhoto, size: tuple[int, ...]) -> Iterator[str]:
    """What is wrong with the hairs of a photograph of this width and height."""
    outside = sum(not _inside(hair.path_px, size) for hair in photo.hairs)
    if outside:
        yield f"{photo.image} is {_times(size)} px, and {outside} hairs reach outside: draw them again"
    if twice := _drawn_twice(photo.hairs):
        roots = first_names([f"({x:.0f}, {y:.0f})" for x, y in twice])
        yield f"hairs of {photo.image} are drawn twice, with their roots at {roots} px: delete one of each"


def _subject_of(subjects: dict[str, str], *names: str) -> str:
    """Subject of a photograph by the first of its names that the table has; empty where it has none."""
    return next((subjects[_stem(name)] for name in names if _stem(name) in subjects), "")


def _file_of(photo: AnnotatedPhoto) -> Path:
    """The file that an annotation means; the path as it is written where there is none.

    Some tools write names percent-encoded, and systems differ in how they compose accents.
    """
    # Annotations made on Windows have its separators.
    name = photo.image.replace("\\", "/")
    paths = [_existing(photo.file.parent, text) for text in (name, unquote(name))]
    return next((path for path in paths if path.is_file()), photo.file.parent / name)


def _existing(folder: Path, name: str) -> Path:
    """The path of this name in a folder, with the accents of every part composed as they are on the disk."""
    path = folder
    for part in PurePosixPath(name).parts:
        alike = [path / part]
        if not alike[0].exists():
            with suppress(OSError):
                alike = [child for child in path.iterdir() if _composed(child.name) == _composed(part)] or alike
        path = alike[0]
    return path


def _composed(name: str) -> str:
    """A name in the one form in which names are compared."""
    return normalize("NFC", name)


def _drawn_twice(hairs: Sequence[AnnotatedHair]) -> list[tuple[float, float]]:
    """Roots, px, of the hairs that were drawn before, from either end."""
    seen: set[bytes] = set()
    roots = []
    for hair in hairs:
        if hair.path_px.tobytes() in seen:
            roots.append((float(hair.path_px[0, 0]), float(hair.path_px[0, 1])))
        seen |= {hair.path_px.tobytes(), hair.path_px[::-1].tobytes()}
    return roots


def _rows(photo: CheckedPhoto, um_per_px: float) -> Iterator[tuple[str, ...]]:
    """Rows of vectors.csv: a straight hair is one vector, a bent one a vector per piece, marked as not judged."""
    name = photo.image.stem
    for hair in photo.hairs:
        straight = _bend_px(hair.path_px) * um_per_px <= BEND_UM
        path_px = hair.path_px[[0, -1]] if straight else _without_repeats(hair.path_px)
        for root, tip in itertools.pairwise(path_px):
            yield name, name, hair.kind if straight else BENT, *(f"{value:.2f}" for value in (*root, *tip))


def _without_repeats(path_px: FloatArray) -> FloatArray:
    """The path without the points on which it stands still: a double click leaves one."""
    moves = (np.diff(path_px, axis=0) != 0).any(axis=1)
    return path_px[[True, *moves]]


def _bend_px(path_px: FloatArray) -> float:
    """Largest distance of the points from the straight line between the ends."""
    root, chord = path_px[0], path_px[-1] - path_px[0]
    along = np.clip((path_px - root) @ chord / (chord @ chord), 0.0, 1.0)
    return float(np.hypot(*(path_px - root - along[:, None] * chord).T).max())


def _lies_in(image: Path, root: Path) -> bool:
    """Whether a path stays in a folder, links followed."""
    try:
        return image.resolve().is_relative_to(root.resolve())
    except (OSError, ValueError):
        return False


def _inside(path_px: FloatArray, size: tuple[int, ...]) -> bool:
    return bool(((path_px >= -0.5) & (path_px <= np.array(size) - 0.5)).all())


def _stem(image: str) -> str:
    """Name of a photograph without folder and suffix, composed; a name may hold points of its own."""
    path = Path(_composed(image).replace("\\", "/"))
    return path.stem if path.suffix.lower() in PHOTO_ENDINGS else path.name


def _times(size: tuple[int, ...]) -> str:
    return " x ".join(map(str, size))
