"""A bundle is checked where it will run. Needs the base installation only."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from hairscan.errors import ModelError
from hairscan.segment.model import read_spec
from hairscan.segment.onnx_backend import OnnxBackend
from hairscan.segment.spec import BundleSpec, SelfTest, TensorFile
from hairscan.types import MapArray


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

    def passes(self, test: SelfTest) -> bool:
        """Whether a self-test lets it pass; NaN never does."""
        return self.largest <= test.max_difference and self.mean <= test.mean_difference


def verify_bundle(folder: Path) -> tuple[BundleSpec, Difference]:
    """The facts of a bundle that is whole and computes what it should, and how far its maps are from those expected.

    Raises
    ------
    ModelError
        Where it is no bundle, a file is missing or damaged, or its maps are too far from those expected.
    """
    spec = _bundle_spec(folder)
    _checked_bytes(folder / "model.onnx", spec.sha256)
    image = _tensor(folder, spec.self_test.input)
    expected = _tensor(folder, spec.self_test.expected)
    maps = OnnxBackend(folder / "model.onnx", "cpu").run(image)
    if maps.shape != expected.shape:
        raise ModelError(
            f"{folder}: the self-test gave maps of shape {maps.shape}, not {expected.shape}: do not use it"
        )
    difference = Difference.between(maps, expected)
    if not difference.passes(spec.self_test):
        raise ModelError(f"{folder}: the self-test failed, {describe(spec, difference)}: do not use it")
    return spec, difference


def describe(spec: BundleSpec, difference: Difference) -> str:
    """A bundle's difference beside what is let pass, for a person."""
    test = spec.self_test
    return (
        f"{spec.precision} maps differ from the model's by at most {difference.largest:.2g} "
        f"(allowed {test.max_difference:g}), on average {difference.mean:.2g} (allowed {test.mean_difference:g})"
    )


def _bundle_spec(folder: Path) -> BundleSpec:
    """The spec of a folder that is a bundle."""
    if not (folder / "spec.json").is_file():
        raise ModelError(f"{folder} is no bundle, it has no spec.json: give a folder that 'hairscan export' wrote")
    spec = read_spec(folder)
    if not isinstance(spec, BundleSpec):
        raise ModelError(f"{folder} is a model and no bundle: make one with hairscan export --model {folder} --out DIR")
    return spec


def _tensor(folder: Path, about: TensorFile) -> MapArray:
    """A tensor of the self-test."""
    content = _checked_bytes(folder / about.file, about.sha256)
    if len(content) != 4 * prod(about.shape):
        raise ModelError(f"{folder / about.file} is not of the shape that spec.json says: export the bundle again")
    return np.frombuffer(content, "<f4").reshape(about.shape).astype(np.float32, copy=False)


def _checked_bytes(path: Path, sha256: str) -> bytes:
    """Content of a file with this hash."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path} is missing: export the bundle again") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ModelError(f"{path} is damaged, its sha256 is not the one in spec.json: export the bundle again")
    return content
