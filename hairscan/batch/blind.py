"""Copies of photographs from which nobody can read whose they are, when and under which treatment they were taken."""

from __future__ import annotations

import hashlib
import os
import shutil
import string
from collections.abc import Callable
from dataclasses import dataclass
from math import isclose
from pathlib import Path

import numpy as np

from hairscan.batch.blind_key import BlindCopy, BlindKey, Uncopied, write_key
from hairscan.batch.burnt_in import cover_text
from hairscan.batch.manifest import Manifest
from hairscan.batch.manifest_row import ManifestRow, is_url
from hairscan.batch.sources import read_place
from hairscan.endpoints.rows import csv_bytes
from hairscan.errors import BlindError, OutputError, PhotoError
from hairscan.files import writing_to
from hairscan.photo.codec import encode_png
from hairscan.photo.read import decode_rgb
from hairscan.photo.scale import ASSUMED_RELATIVE_SD, resolve_scale
from hairscan.types import Scale
from hairscan.version import __version__

_CODE_LETTERS = 8
# No vowels: no code is a word, and none is a number to a spreadsheet.
_ALPHABET = [letter for letter in string.ascii_lowercase if letter not in "aeiouy"]
_SAME_TIME_S = 946_684_800  # 2000-01-01 UTC


@dataclass(frozen=True, slots=True)
class Blinded:
    """What became of the photographs.

    Attributes
    ----------
    key : BlindKey
    covered : tuple of str
        Photographs, by their own names, on which text was covered.
    sd_lost : tuple of str
        Photographs whose scale has a standard deviation of its own, which the copies cannot tell.
    """

    key: BlindKey
    covered: tuple[str, ...]
    sd_lost: tuple[str, ...]


def blind_photos(
    manifest: Manifest,
    folder: Path,
    key_path: Path,
    rng: np.random.Generator,
    *,
    duplicates: float = 0.1,
    watch: Callable[[str], None] = lambda image: None,
) -> Blinded:
    """Write a copy of every photograph under a random code, a manifest of the copies, and the key.

    Parameters
    ----------
    folder : Path
        Holds nothing yet. It gets CODE.png and manifest.csv with ``image`` and ``um_per_px``, in the order of the
        codes and all with the same file time.
    key_path : Path
        Outside of the folder; is not there yet.
    duplicates : float
        Share of the photographs that get a second copy, 0 to 1.
    watch : callable
        Is told the name of every photograph that is done.

    Raises
    ------
    OutputError, BlindError
        A file cannot be written, or the key would lie in the folder, or there is something in it. Nothing is left
        behind.

    Notes
    -----
    A copy is a PNG of the upright 8-bit RGB pixels that are measured, without loss and without metadata; burnt-in text
    is covered (`hairscan.batch.burnt_in`). A photograph that cannot be read has no copy and stands in the key. The
    scale, which may tell one device from another, has to stay; its standard deviation in a sidecar file is lost. A
    duplicate has the same bytes as its first copy.
    """
    _check_places(folder, key_path)
    # A wrong scale is reported before thousands of photographs are copied.
    scales = {row.image: _scale_of(row) for row in manifest.rows}
    # Beside its place until it is whole: another process may be blinding to the same folder.
    made = folder.absolute().with_name(f".{folder.absolute().name}-{os.getpid()}")
    with writing_to(folder):
        try:
            made.mkdir(parents=True)
            key, covered = _write_copies(manifest, made, _codes(manifest, duplicates, rng), watch)
            rows = sorted((copy.copy_name, _scale_text(scales[copy.cells["image"]])) for copy in key.copies)
            (made / "manifest.csv").write_bytes(csv_bytes(("image", "um_per_px"), *rows))
            for place in (*made.iterdir(), made):
                os.utime(place, (_SAME_TIME_S, _SAME_TIME_S))
            if folder.exists():
                folder.rmdir()
            made = made.rename(folder)
            write_key(key, key_path)
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise
    return Blinded(key, covered, tuple(image for image, scale in scales.items() if _has_own_sd(scale)))


def _check_places(folder: Path, key_path: Path) -> None:
    """Make sure that nothing old is in the folder, and that the key can lie where it shall."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"{folder} is not empty, and what lies there may tell who is who: name a new folder")
    if folder.resolve() in key_path.resolve().parents:
        raise BlindError(f"the key {key_path} would lie beside the copies: keep it where nobody who measures looks")
    if key_path.exists():
        raise OutputError(f"{key_path} exists, and a key is never replaced: name another file")
    if not key_path.parent.is_dir():
        raise OutputError(f"there is no folder {key_path.parent} for the key: make it, or name another")


def _codes(manifest: Manifest, duplicates: float, rng: np.random.Generator) -> list[tuple[str, int, bool]]:
    """File name of every copy in the order of the names, the number of its photograph, and whether it is the second."""
    n_photos = len(manifest.rows)
    second = rng.choice(n_photos, round(duplicates * n_photos), replace=False)
    codes: set[str] = set()
    while len(codes) < n_photos + len(second):
        codes.add("".join(rng.choice(_ALPHABET, _CODE_LETTERS)))
    # A set of text has no order that a seed would repeat.
    shuffled = rng.permutation(sorted(codes)).tolist()
    copies = [*((number, False) for number in range(n_photos)), *((number, True) for number in second.tolist())]
    return sorted((f"{code}.png", *copy) for code, copy in zip(shuffled, copies, strict=True))


def _write_copies(
    manifest: Manifest, folder: Path, codes: list[tuple[str, int, bool]], watch: Callable[[str], None]
) -> tuple[BlindKey, tuple[str, ...]]:
    """Write the copies in the order of their names, so that not even their places on the disk tell anything.

    Gives the key, and the photographs on which text was covered.
    """
    copies: list[tuple[int, BlindCopy]] = []
    uncopied: dict[int, Uncopied] = {}
    covered: set[int] = set()
    for name, number, is_second in codes:
        row = manifest.rows[number]
        try:
            data = read_place(row.place)
            rgb, mask = cover_text(decode_rgb(data, row.image))
        except PhotoError as error:
            uncopied[number] = Uncopied(cells=dict(row.cells), error=type(error).__name__, message=str(error))
            continue
        finally:
            watch(row.image)
        picture = encode_png(rgb)
        (folder / name).write_bytes(picture)
        covered |= {number} if mask.any() else set()
        copy = BlindCopy(
            copy_name=name,
            sha256=hashlib.sha256(picture).hexdigest(),
            original_sha256=hashlib.sha256(data).hexdigest(),
            duplicate=is_second,
            cells=dict(row.cells),
        )
        copies.append((number, copy))
    if not copies:
        raise BlindError("no photograph can be read, so there is nothing to blind: check the files of the manifest")
    key = BlindKey(
        hairscan_version=__version__,
        columns=manifest.columns,
        copies=tuple(copy for _, copy in sorted(copies, key=lambda pair: (pair[0], pair[1].duplicate))),
        uncopied=tuple(uncopied[number] for number in sorted(uncopied)),
    )
    return key, tuple(manifest.rows[number].image for number in sorted(covered))


def _scale_of(row: ManifestRow) -> Scale | None:
    """Scale of the manifest, else of a sidecar file."""
    path = None if is_url(row.place) else Path(row.place)
    return resolve_scale(path, um_per_px=row.um_per_px)


def _scale_text(scale: Scale | None) -> str:
    """A scale, written alike for all; empty where there is none."""
    return "" if scale is None else f"{scale.um_per_px:.9g}"


def _has_own_sd(scale: Scale | None) -> bool:
    """Whether the standard deviation of a scale is another than the one that is assumed."""
    return scale is not None and not isclose(scale.sd, ASSUMED_RELATIVE_SD * scale.um_per_px)
