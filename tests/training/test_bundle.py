"""A model as a bundle: fewer bits, the same maps. Needs onnx, of the train extra."""

import json
import re
from hashlib import sha256

import cv2
import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from hairscan.errors import DataError, ModelError  # noqa: E402
from hairscan.segment import load_model, model_folders  # noqa: E402
from hairscan.segment.spec import BundleSpec  # noqa: E402
from hairscan.training.bundle import TOLERANCES, write_bundle  # noqa: E402
from hairscan.training.tiles import SIDE_PX, photo_tiles, self_test_tile  # noqa: E402
from hairscan.training.vectors import Sample  # noqa: E402
from hairscan.training.verify import verify_bundle  # noqa: E402

PRECISIONS = ["fp32", "fp16", "int8"]


def weights_of(folder):
    """The convolutions' weights as they lie in the file."""
    graph = onnx.load(folder / "model.onnx").graph
    return [tensor for tensor in graph.initializer if len(tensor.dims) == 4]


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_bundle_passes_its_own_self_test(bundle_of, precision):
    spec, difference = verify_bundle(bundle_of(precision))
    assert (spec.precision, spec.opset) == (precision, 17)
    assert spec.source_sha256 == load_model("default", "cpu").sha256
    assert (difference.largest == 0) == (precision == "fp32")


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_bundle_is_a_model_for_pictures_of_any_size(bundle_of, precision, segmenter):
    bundle = load_model(bundle_of(precision), "cpu")
    assert isinstance(bundle.spec, BundleSpec)
    image = self_test_tile(segmenter.spec.um_per_px)[:, :, ::-1][:, :, :192, :320].copy()
    expected = segmenter.backend.run(image)
    apart = np.abs(bundle.backend.run(image) - expected)
    largest, mean = TOLERANCES[precision]
    assert apart.max() <= largest
    assert apart.mean() <= mean
    assert expected.mean() > 5 * mean, "maps of nothing would pass"


def test_half_floats_take_half_the_room(bundle_of):
    assert {tensor.data_type for tensor in weights_of(bundle_of("fp16"))} == {onnx.TensorProto.FLOAT16}
    assert (bundle_of("fp16") / "model.onnx").stat().st_size < 0.55 * (bundle_of("fp32") / "model.onnx").stat().st_size


def test_only_the_first_and_the_last_layer_of_int8_are_floats(bundle_of):
    weights = weights_of(bundle_of("int8"))
    floats = [tensor for tensor in weights if tensor.data_type == onnx.TensorProto.FLOAT]
    assert len(floats) == 2
    assert {tensor.data_type for tensor in weights} == {onnx.TensorProto.FLOAT, onnx.TensorProto.INT8}
    graph = onnx.load(bundle_of("int8") / "model.onnx").graph
    shape_of = {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    scales = {node.input[0]: shape_of[node.input[1]] for node in graph.node if node.op_type == "DequantizeLinear"}
    for tensor in weights:
        if tensor.data_type == onnx.TensorProto.INT8:
            assert scales[tensor.name] == [tensor.dims[0]], "one scale per channel"


@pytest.mark.parametrize("precision", PRECISIONS)
def test_input_and_output_are_float32_and_the_operators_are_standard(bundle_of, precision):
    model = onnx.load(bundle_of(precision) / "model.onnx")
    ends = [*model.graph.input, *model.graph.output]
    assert [end.name for end in ends] == ["image", "maps"]
    assert {end.type.tensor_type.elem_type for end in ends} == {onnx.TensorProto.FLOAT}
    assert {node.domain for node in model.graph.node} == {""}


def test_the_readme_says_this_bundles_numbers_and_its_program_runs(bundle_of, monkeypatch, capsys):
    folder = bundle_of("fp16")
    text = (folder / "README.md").read_text(encoding="utf-8")
    spec = json.loads((folder / "spec.json").read_text(encoding="utf-8"))
    assert "$" not in text
    assert f"**Scale: {spec['um_per_px']:g} micrometres" in text
    assert "not a medical device" in " ".join(text.split())
    monkeypatch.chdir(folder)
    (program,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(program, {})
    assert float(capsys.readouterr().out) <= spec["self_test"]["max_difference"]


def test_a_bundle_is_not_exported_again(bundle_of, tmp_path):
    with pytest.raises(ModelError, match="is a bundle already"):
        write_bundle(bundle_of("fp16"), "int8", tmp_path)


def test_a_model_for_one_size_is_refused(tmp_path):
    source = model_folders()["default"]
    network = onnx.load(source / "model.onnx")
    sides = network.graph.input[0].type.tensor_type.shape.dim
    sides[2].dim_value, sides[3].dim_value = 256, 384
    payload = network.SerializeToString()
    (tmp_path / "model.onnx").write_bytes(payload)
    facts = json.loads((source / "spec.json").read_text(encoding="utf-8")) | {"sha256": sha256(payload).hexdigest()}
    (tmp_path / "spec.json").write_text(json.dumps(facts), encoding="utf-8")
    with pytest.raises(ModelError, match="pictures of one size only"):
        write_bundle(tmp_path, "fp32", tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


@pytest.fixture
def samples(tmp_path):
    """One photograph of every part, each around a grey of its own."""

    def one(part, grey, size_px=700):
        path = tmp_path / f"{part}.png"
        noise = np.random.default_rng(0).integers(-15, 16, (size_px, size_px, 3)).astype(np.uint8)
        cv2.imwrite(str(path), noise + np.uint8(grey))
        return Sample(path, path.stem, "f", "g", part, np.zeros((0, 2, 2)), (), 2.78)

    return [one("train", 51), one("tune", 102), one("validation", 153)], one


def test_calibration_never_sees_what_is_used_for_validation(samples):
    tiles = photo_tiles(samples[0], 5.56)
    assert {tile.shape for tile in tiles} == {(1, 3, SIDE_PX, SIDE_PX)}
    assert sorted(round(float(tile.mean()), 2) for tile in tiles) == [0.2, 0.4]


def test_photographs_that_give_no_tile_are_named(samples):
    with pytest.raises(DataError, match="in the part train or tune"):
        photo_tiles(samples[0][2:], 5.56)
    with pytest.raises(DataError, match=r"train\.png is smaller"):
        photo_tiles([samples[1]("train", 90, 500)], 5.56)
