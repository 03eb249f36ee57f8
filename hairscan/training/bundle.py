"""A model becomes a bundle for other programs: network, facts, self-test and instructions. Needs the train extra."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory
from typing import get_args

import onnx

from hairscan.batch.run_folder import check_writable
from hairscan.errors import ModelError, OutputError
from hairscan.files import json_bytes, write_files, writing_to
from hairscan.photo.codec import encode_png
from hairscan.segment import find_model, load_model
from hairscan.segment.backend import Backend
from hairscan.segment.model import read_spec
from hairscan.segment.onnx_backend import OnnxBackend
from hairscan.segment.spec import (
    CELL_PX,
    INPUT,
    OUTPUT,
    RESIZING_TOLERANCE,
    TOLERANCES,
    BundleSpec,
    ModelSpec,
    PhotoTest,
    Precision,
    SelfTest,
    TensorFacts,
    TensorFile,
)
from hairscan.segment.tiling import MARGIN_PX, TILE_PX
from hairscan.trace.confidence import READINGS
from hairscan.training.precision import to_fp16, to_int8
from hairscan.training.tiles import SELF_TEST_PHANTOM, draw_series, phantom_tiles, photo_tiles, self_test_tile
from hairscan.training.vectors import Sample
from hairscan.training.verify import SUMS, Difference, bundle_files, describe, describe_photo, maps_of_photo
from hairscan.types import MapArray, RgbImage
from hairscan.version import __version__


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A phantom that is a photograph of the self-test.

    Attributes
    ----------
    size_px : tuple of int
        Width and height: at the network's scale both have to be padded.
    factor : float
        Its micrometres per pixel, as a share of the network's: it has to be resized.
    """

    name: str
    kind: str
    index: int
    density_per_cm2: float
    size_px: tuple[int, int]
    factor: float


PHOTOS = (
    # Takes two tiles; long hairs lie where they meet: a program that cuts it elsewhere gets other maps.
    _Drawn("photo", "long", SELF_TEST_PHANTOM, 150.0, (1134, 160), 0.74),
    # Has to be enlarged; of those of its size, one whose maps tell the ways of interpolating well apart, in int8 too.
    _Drawn("coarse_photo", "dense", 11, 300.0, (96, 64), 1.74),
)


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
        Where the bundle cannot be written, or the folder holds anything but an earlier bundle.
    """
    if precision not in get_args(Precision):
        raise ModelError(f"unknown precision {precision!r}: use {', '.join(get_args(Precision))}")
    segmenter = load_model(model, "cpu")
    source = segmenter.spec
    if isinstance(source, BundleSpec):
        raise ModelError(f"{model} is a bundle already: give the model that it was made from")
    check_writable(out)
    _check_replaceable(out)
    network = onnx.load(find_model(model) / "model.onnx")
    if precision == "fp16":
        network = to_fp16(network)
    elif precision == "int8":
        tiles = photo_tiles(samples, source.um_per_px) if samples else []
        network = to_int8(network, phantom_tiles(source.um_per_px) + tiles)
    _check(network)
    payload = network.SerializeToString()
    shown = _Shown.at_scale(source.um_per_px)
    expected = shown.maps(segmenter.backend, source)
    test, contents = shown.test(expected, precision)
    spec = _bundle_spec(source, precision, payload, test)
    difference, *of_photos = map(Difference.between, shown.maps(_backend(payload), source), expected)
    if not difference.passes(spec.self_test):
        raise ModelError(f"this model cannot be exported so: {describe(spec, difference)}; use a higher precision")
    for photo, apart in zip(spec.self_test.photos, of_photos, strict=True):
        if not apart.passes(photo):
            far = describe_photo(spec, photo, apart)
            raise ModelError(f"this model cannot be exported so: {far}; use a higher precision")
    contents |= {
        "model.onnx": payload,
        "spec.json": json_bytes(spec),
        "README.md": _readme(spec, difference, of_photos).encode(),
    }
    contents[SUMS] = _sums(contents)
    with writing_to(out):
        write_files({out / name: content for name, content in contents.items()})
    return spec, difference


@dataclass(frozen=True, slots=True)
class _Shown:
    """What the self-test shows a network: one input, and photographs of other scales than the network's.

    Attributes
    ----------
    photos : tuple of array and float
        Pictures of `PHOTOS`, and the micrometres per pixel of each.
    """

    image: MapArray
    photos: tuple[tuple[RgbImage, float], ...]

    @classmethod
    def at_scale(cls, um_per_px: float) -> _Shown:
        """For a network of this scale."""
        photos = []
        for drawn in PHOTOS:
            scale = round(drawn.factor * um_per_px, 2)
            rgb = draw_series(drawn.kind, drawn.index, drawn.size_px, scale, drawn.density_per_cm2)
            photos.append((rgb, scale))
        return cls(self_test_tile(um_per_px), tuple(photos))

    def maps(self, backend: Backend, spec: ModelSpec) -> list[MapArray]:
        """Maps of the input and of the photographs."""
        return [backend.run(self.image), *(maps_of_photo(backend, spec, rgb, scale) for rgb, scale in self.photos)]

    def test(self, expected: Sequence[MapArray], precision: Precision) -> tuple[SelfTest, dict[str, bytes]]:
        """The self-test that a network in this precision has to pass, and its files by their names."""
        largest, mean = TOLERANCES[precision]
        contents = {"selftest_input.bin": _bytes(self.image), "selftest_expected.bin": _bytes(expected[0])}
        photos = {}
        for drawn, (rgb, scale), maps in zip(PHOTOS, self.photos, expected[1:], strict=True):
            file, of_maps = f"{drawn.name}.png", f"{drawn.name}_expected.bin"
            contents |= {file: encode_png(rgb), of_maps: _bytes(maps)}
            photos[drawn.name] = PhotoTest(
                file=file,
                sha256=_sha256(contents[file]),
                um_per_px=scale,
                expected=_tensor_file(of_maps, maps),
                max_difference=largest + RESIZING_TOLERANCE[0],
                mean_difference=mean + RESIZING_TOLERANCE[1],
            )
        test = SelfTest(
            input=_tensor_file("selftest_input.bin", self.image),
            expected=_tensor_file("selftest_expected.bin", expected[0]),
            max_difference=largest,
            mean_difference=mean,
            **photos,
        )
        return test, contents


def _backend(payload: bytes) -> OnnxBackend:
    """The network as it will be written, ready to run."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(payload)
        return OnnxBackend(path, "cpu")


def _sums(contents: Mapping[str, bytes]) -> bytes:
    """The sha256 of every file, a line each, in the order of their names."""
    return "".join(f"{_sha256(content)}  {name}\n" for name, content in sorted(contents.items())).encode()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _check_replaceable(out: Path) -> None:
    """Raise OutputError where the folder holds anything but an earlier bundle."""
    known: set[str] = set()
    with suppress(ModelError):
        spec = read_spec(out)
        known = bundle_files(spec) | {SUMS} if isinstance(spec, BundleSpec) else known
    for path in sorted(out.iterdir()) if out.is_dir() else ():
        if path.name not in known:
            raise OutputError(f"{path} is of no earlier bundle: name another folder")


def _check(network: onnx.ModelProto) -> None:
    """Make sure that a network is valid ONNX and takes pictures of any size."""
    onnx.checker.check_model(network, full_check=True)
    sides = network.graph.input[0].type.tensor_type.shape.dim[2:]
    if not all(side.dim_param for side in sides):
        raise ModelError("the model takes pictures of one size only: export it from its weights again")


def _bundle_spec(source: ModelSpec, precision: Precision, payload: bytes, test: SelfTest) -> BundleSpec:
    facts = source.model_dump() | {"sha256": _sha256(payload), "weights_sha256": None}
    return BundleSpec(
        **facts,
        hairscan_version=__version__,
        precision=precision,
        opset=next(entry.version for entry in onnx.load_from_string(payload).opset_import if not entry.domain),
        source_sha256=source.sha256,
        input=TensorFacts(name=INPUT, values="red, green, blue; byte / 255"),
        output=TensorFacts(name=OUTPUT, values="0 to 1, in the order of channels"),
        cell_px=CELL_PX,
        tile_px=TILE_PX,
        margin_px=MARGIN_PX,
        confidence_readings=READINGS,
        self_test=test,
    )


def _tensor_file(name: str, tensor: MapArray) -> TensorFile:
    n, channels, height, width = tensor.shape
    return TensorFile(file=name, shape=(n, channels, height, width), sha256=_sha256(_bytes(tensor)))


def _bytes(tensor: MapArray) -> bytes:
    return tensor.astype("<f4").tobytes()


def _readme(spec: BundleSpec, difference: Difference, of_photos: Sequence[Difference]) -> str:
    """Instructions with this bundle's own numbers."""
    numbers: dict[str, str] = {}
    for drawn, photo, of_photo in zip(PHOTOS, spec.self_test.photos, of_photos, strict=True):
        numbers |= {
            f"{drawn.name}_um_per_px": f"{photo.um_per_px:g}",
            f"{drawn.name}_expected_shape": str(list(photo.expected.shape)),
            f"{drawn.name}_largest": f"{of_photo.largest:.2g}",
            f"{drawn.name}_mean": f"{of_photo.mean:.2g}",
            f"{drawn.name}_max_difference": f"{photo.max_difference:g}",
            f"{drawn.name}_mean_difference": f"{photo.mean_difference:g}",
        }
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
        **numbers,
    )
