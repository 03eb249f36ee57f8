"""A model becomes a bundle for other programs: network, facts, self-test and instructions. Needs the train extra."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import get_args

import numpy as np
import onnx
from onnxruntime import InferenceSession

from hairscan.batch.files import write_files
from hairscan.batch.run_folder import check_writable
from hairscan.errors import ModelError, OutputError
from hairscan.segment import find_model, load_model
from hairscan.segment.spec import CELL_PX, BundleSpec, ModelSpec, Precision, SelfTest, TensorFacts, TensorFile
from hairscan.segment.tiling import MARGIN_PX, TILE_PX
from hairscan.trace.confidence import READINGS
from hairscan.training.precision import to_fp16, to_int8
from hairscan.training.tiles import phantom_tiles, photo_tiles, self_test_tile
from hairscan.training.vectors import Sample
from hairscan.training.verify import Difference, describe
from hairscan.types import MapArray
from hairscan.version import __version__

TOLERANCES: dict[Precision, tuple[float, float]] = {"fp32": (1e-3, 1e-5), "fp16": (2e-2, 1e-4), "int8": (0.3, 5e-4)}
"""Largest and mean difference from the fp32 maps: room for another processor's rounding, none for a mistake.

In 8 bits single cells at the rim of a hair move far; a wrong network moves the mean.
"""


def write_bundle(
    model: str | Path,
    precision: Precision,
    out: Path,
    *,
    samples: Sequence[Sample] = (),
) -> tuple[BundleSpec, Difference]:
    """Write a bundle, and give its facts and how far its maps are from those of the model.

    Parameters
    ----------
    samples : sequence of Sample
        Photographs for the calibration of int8, beside phantoms.

    Raises
    ------
    ModelError
        Where there is no such model, or the bundle computes other maps.
    DataError
        Where the photographs cannot be used.
    OutputError
        Where the bundle cannot be written.
    """
    if precision not in get_args(Precision):
        raise ModelError(f"unknown precision {precision!r}: use {', '.join(get_args(Precision))}")
    segmenter = load_model(model, "cpu")
    source = segmenter.spec
    if isinstance(source, BundleSpec):
        raise ModelError(f"{model} is a bundle already: give the model that it was made from")
    check_writable(out)
    network = onnx.load(find_model(model) / "model.onnx")
    if precision == "fp16":
        network = to_fp16(network)
    elif precision == "int8":
        tiles = photo_tiles(samples, source.um_per_px) if samples else []
        network = to_int8(network, phantom_tiles(source.um_per_px) + tiles)
    _check(network)
    payload = network.SerializeToString()
    image = self_test_tile(source.um_per_px)
    expected = segmenter.backend.run(image)
    spec = _bundle_spec(source, precision, payload, image, expected)
    maps = InferenceSession(payload, providers=["CPUExecutionProvider"]).run(["maps"], {"image": image})[0]
    difference = Difference.between(np.asarray(maps), expected)
    if not difference.passes(spec.self_test):
        raise ModelError(f"this model cannot be exported so: {describe(spec, difference)}; use a higher precision")
    contents = {
        "model.onnx": payload,
        "spec.json": (spec.model_dump_json(indent=2) + "\n").encode(),
        spec.self_test.input.file: _bytes(image),
        spec.self_test.expected.file: _bytes(expected),
        "README.md": _readme(spec, difference).encode(),
    }
    _write(out, contents)
    return spec, difference


def _write(out: Path, contents: dict[str, bytes]) -> None:
    """Write all files of a bundle or none."""
    try:
        write_files({out / name: content for name, content in contents.items()})
    except OSError as error:
        raise OutputError(f"cannot write to {out}: {error.strerror}; name another folder") from error


def _check(network: onnx.ModelProto) -> None:
    """Make sure that a network is valid ONNX and takes pictures of any size."""
    onnx.checker.check_model(network, full_check=True)
    sides = network.graph.input[0].type.tensor_type.shape.dim[2:]
    if not all(side.dim_param for side in sides):
        raise ModelError("the model takes pictures of one size only: export it from its weights again")


def _bundle_spec(
    source: ModelSpec, precision: Precision, payload: bytes, image: MapArray, expected: MapArray
) -> BundleSpec:
    largest, mean = TOLERANCES[precision]
    facts = source.model_dump() | {"sha256": hashlib.sha256(payload).hexdigest(), "weights_sha256": None}
    return BundleSpec(
        **facts,
        hairscan_version=__version__,
        precision=precision,
        opset=next(entry.version for entry in onnx.load_from_string(payload).opset_import if not entry.domain),
        source_sha256=source.sha256,
        input=TensorFacts(name="image", values="red, green, blue; byte / 255"),
        output=TensorFacts(name="maps", values="0 to 1, in the order of channels"),
        cell_px=CELL_PX,
        tile_px=TILE_PX,
        margin_px=MARGIN_PX,
        confidence_readings=READINGS,
        self_test=SelfTest(
            input=_tensor_file("selftest_input.bin", image),
            expected=_tensor_file("selftest_expected.bin", expected),
            max_difference=largest,
            mean_difference=mean,
        ),
    )


def _tensor_file(name: str, tensor: MapArray) -> TensorFile:
    n, channels, height, width = tensor.shape
    return TensorFile(file=name, shape=(n, channels, height, width), sha256=hashlib.sha256(_bytes(tensor)).hexdigest())


def _bytes(tensor: MapArray) -> bytes:
    return tensor.astype("<f4").tobytes()


def _readme(spec: BundleSpec, difference: Difference) -> str:
    """Instructions with this bundle's own numbers."""
    template = files("hairscan.training").joinpath("bundle_readme.md").read_text(encoding="utf-8")
    return Template(template).substitute(
        spec.model_dump(),
        um_per_px=f"{spec.um_per_px:g}",
        um_per_cell=f"{spec.um_per_px * spec.cell_px:g}",
        overlap_px=2 * spec.margin_px,
        channel_count=len(spec.channels),
        input_shape=list(spec.self_test.input.shape),
        expected_shape=list(spec.self_test.expected.shape),
        largest=f"{difference.largest:.2g}",
        mean=f"{difference.mean:.2g}",
        max_difference=f"{spec.self_test.max_difference:g}",
        mean_difference=f"{spec.self_test.mean_difference:g}",
    )
