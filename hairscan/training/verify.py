"""A bundle is checked where it will run. Needs the base installation only."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from hairscan.errors import ModelError, PhotoError
from hairscan.files import cannot_read
from hairscan.photo.read import decode_rgb
from hairscan.segment.backend import Backend
from hairscan.segment.maps import resized
from hairscan.segment.model import read_spec
from hairscan.segment.onnx_backend import OnnxBackend
from hairscan.segment.spec import BundleSpec, ModelSpec, PhotoTest, SelfTest, TensorFile, channel_names
from hairscan.segment.tiling import MARGIN_PX, TILE_PX, run_tiled
from hairscan.trace.confidence import READINGS
from hairscan.types import MapArray, RgbImage

SUMS = "SHA256SUMS"
"""Lists the sha256 of every other file of a bundle, as `sha256sum -c` reads it."""
_SUM = re.compile(r"([0-9a-f]{64}) [ *](\w[\w.-]*)")


@dataclass(frozen=True, slots=True)
class Difference:
    """How far maps in 0..1 are from those expected: largest and mean absolute difference."""

    largest: float
    mean: float

    @classmethod
    def between(cls, maps: MapArray, expected: MapArray) -> Difference:
        """The difference of maps of the same shape; NaN where a map is."""
        apart = np.abs(maps.astype(np.float64) - expected)
        return cls(float(apart.max()), float(apart.mean()))

    def passes(self, test: SelfTest | PhotoTest) -> bool:
        """Whether a self-test lets it pass; NaN never does."""
        return self.largest <= test.max_difference and self.mean <= test.mean_difference


def verify_bundle(folder: Path) -> tuple[BundleSpec, Difference]:
    """The facts of a bundle that is whole and computes what it should, and how far its maps are from those expected.

    Raises
    ------
    ModelError
        Where it is no bundle, a file is missing, unreadable or changed, or its maps are too far from those expected.
    """
    try:
        return _verified(folder)
    except OSError as error:
        raise ModelError(cannot_read(Path(error.filename or folder), error)) from error


def _verified(folder: Path) -> tuple[BundleSpec, Difference]:
    """The same; OSError where a file cannot be read."""
    sums = _read_sums(folder)
    _check_files(folder, sums)
    spec = _bundle_spec(folder)
    _check_names(folder, sums, spec)
    _checked_bytes(folder / "model.onnx", spec.sha256)
    test = spec.self_test
    backend = OnnxBackend(folder / "model.onnx", "cpu")
    difference = _compared(folder, backend.run(_tensor(folder, test.input)), test.expected)
    if not difference.passes(test):
        raise ModelError(f"{folder}: the self-test failed, {describe(spec, difference)}: do not use it")
    for photo in test.photos:
        maps = maps_of_photo(backend, spec, _photo(folder, photo), photo.um_per_px)
        of_photo = _compared(folder, maps, photo.expected)
        if not of_photo.passes(photo):
            raise ModelError(f"{folder}: the self-test failed, {describe_photo(spec, photo, of_photo)}: do not use it")
    return spec, difference


def maps_of_photo(backend: Backend, spec: ModelSpec, rgb: RgbImage, um_per_px: float) -> MapArray:
    """Maps of a photograph of known scale, resized and tiled as every photograph is, shape (1, C, rows, columns)."""
    return run_tiled(backend, resized(rgb, um_per_px / spec.um_per_px), multiple=spec.multiple)[None]


def bundle_files(spec: BundleSpec) -> set[str]:
    """Names of all files of a bundle but `SUMS`, which lists them."""
    test = spec.self_test
    tested = {test.input.file, test.expected.file}
    of_photos = {name for photo in test.photos for name in (photo.file, photo.expected.file)}
    return {"README.md", "model.onnx", "spec.json", *tested, *of_photos}


def describe(spec: BundleSpec, difference: Difference) -> str:
    """A bundle's difference beside what is let pass, for a person."""
    return f"{spec.precision} maps differ from the model's {_allowed(difference, spec.self_test)}"


def describe_photo(spec: BundleSpec, test: PhotoTest, difference: Difference) -> str:
    """The same of the maps of one of the photographs."""
    return f"{spec.precision} maps of {test.file} differ from the model's {_allowed(difference, test)}"


def _allowed(difference: Difference, test: SelfTest | PhotoTest) -> str:
    return (
        f"by at most {difference.largest:.2g} (allowed {test.max_difference:g}), "
        f"on average {difference.mean:.2g} (allowed {test.mean_difference:g})"
    )


def _read_sums(folder: Path) -> dict[str, str]:
    """The sha256 of every file by its name, as the bundle lists them."""
    path = folder / SUMS
    if not path.is_file():
        # A folder that never was a bundle is told so first.
        _bundle_spec(folder)
        raise ModelError(f"{path} is missing: export the bundle again")
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    found = [_SUM.fullmatch(line) for line in lines]
    if not all(found):
        raise ModelError(f"{path} is damaged: export the bundle again")
    return {match[2]: match[1] for match in found if match}


def _check_files(folder: Path, sums: Mapping[str, str]) -> None:
    """Raise ModelError with every file that is missing or is not the one that was listed."""
    problems = []
    for name, sha256 in sums.items():
        try:
            if hashlib.sha256((folder / name).read_bytes()).hexdigest() != sha256:
                problems.append(f"{name} was changed")
        except FileNotFoundError:
            problems.append(f"{name} is missing")
    if problems:
        raise ModelError(f"{folder}: {', '.join(problems)}: export the bundle again")


def _check_names(folder: Path, sums: Mapping[str, str], spec: BundleSpec) -> None:
    """Raise ModelError where the list leaves out a file of the bundle, or names one that no bundle has."""
    files = bundle_files(spec)
    problems = [f"does not list {name}" for name in sorted(files - set(sums))]
    problems += [f"lists {name}, which is no file of a bundle" for name in sorted(set(sums) - files)]
    if problems:
        raise ModelError(f"{folder / SUMS} {', '.join(problems)}: export the bundle again")


def _bundle_spec(folder: Path) -> BundleSpec:
    """The spec of a folder that is a bundle."""
    if not (folder / "spec.json").is_file():
        raise ModelError(f"{folder} is no bundle, it has no spec.json: give a folder that 'hairscan export' wrote")
    spec = read_spec(folder)
    if not isinstance(spec, BundleSpec):
        raise ModelError(f"{folder} is a model and no bundle: make one with hairscan export --model {folder} --out DIR")
    # What the network does not hold: a program that goes by another spec than hairscan gets other maps and counts.
    ours = {
        "channels": channel_names(),
        "tile_px": TILE_PX,
        "margin_px": MARGIN_PX,
        "confidence_readings": READINGS,
    }
    if other := [name for name, value in ours.items() if getattr(spec, name) != value]:
        raise ModelError(
            f"{folder} was made for another version of hairscan ({', '.join(other)} in spec.json): "
            "export the bundle again"
        )
    return spec


def _compared(folder: Path, maps: MapArray, about: TensorFile) -> Difference:
    """How far maps are from those that a file of the self-test holds."""
    expected = _tensor(folder, about)
    if maps.shape != expected.shape:
        raise ModelError(
            f"{folder}: the self-test gave maps of shape {maps.shape}, not {expected.shape}: do not use it"
        )
    return Difference.between(maps, expected)


def _photo(folder: Path, test: PhotoTest) -> RgbImage:
    """The photograph of the self-test."""
    try:
        return decode_rgb(_checked_bytes(folder / test.file, test.sha256), test.file)
    except PhotoError as error:
        raise ModelError(f"{folder / test.file} cannot be read: export the bundle again") from error


def _tensor(folder: Path, about: TensorFile) -> MapArray:
    """A tensor of the self-test."""
    content = _checked_bytes(folder / about.file, about.sha256)
    if len(content) != 4 * prod(about.shape):
        raise ModelError(f"{folder / about.file} is not of the shape that spec.json says: export the bundle again")
    return np.frombuffer(content, "<f4").reshape(about.shape).astype(np.float32, copy=False)


def _checked_bytes(path: Path, sha256: str) -> bytes:
    """Content of a file with this hash."""
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ModelError(f"{path} is damaged, its sha256 is not the one in spec.json: export the bundle again")
    return content
