"""A model as a bundle: fewer bits, the same maps. Needs onnx, of the train extra."""

import json
import re
from hashlib import sha256
from math import ceil

import cv2
import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
import onnxruntime  # noqa: E402

from hairscan.errors import DataError, ModelError  # noqa: E402
from hairscan.segment import load_model, model_folders, resized  # noqa: E402
from hairscan.segment.spec import TOLERANCES, BundleSpec  # noqa: E402
from hairscan.training.bundle import write_bundle  # noqa: E402
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
    said, test = capsys.readouterr().out, spec["self_test"]
    for name, facts in (("selftest", test), ("photo", test["photo"]), ("coarse_photo", test["coarse_photo"])):
        largest, mean = facts["max_difference"], facts["mean_difference"]
        words = rf"{name}: pass, at most \S+ \(allowed {largest:g}\), on average \S+ \(allowed {mean:g}\)"
        assert re.search(rf"^{words}$", said, re.MULTILINE)
    assert said.count("\n") == 3


@pytest.mark.parametrize("other", ["cv2.INTER_NEAREST", "cv2.INTER_CUBIC", "cv2.INTER_AREA"])
def test_the_program_in_the_readme_says_that_it_failed(bundle_of, monkeypatch, capsys, other):
    folder = bundle_of("fp16")
    text = (folder / "README.md").read_text(encoding="utf-8")
    monkeypatch.chdir(folder)
    (program,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert program.count("else cv2.INTER_LINEAR") == 1
    exec(program.replace("else cv2.INTER_LINEAR", f"else {other}"), {})
    verdicts = [line.split(",")[0] for line in capsys.readouterr().out.splitlines()]
    assert verdicts == ["selftest: pass", "photo: pass", "coarse_photo: FAIL"]


def test_every_file_of_a_bundle_is_listed_by_name(bundle_of):
    folder = bundle_of("fp16")
    listed = [line.split("  ") for line in (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines()]
    files = sorted(path.name for path in folder.iterdir() if path.name != "SHA256SUMS")
    assert listed == [[sha256((folder / name).read_bytes()).hexdigest(), name] for name in files]
    assert (folder / "photo.png").stat().st_size < 400_000
    assert (folder / "coarse_photo.png").stat().st_size < 20_000


def mean_of_what_is_covered(old, f):
    """Weights (new, old) that bring a side to f times its length, f < 1: as the guide of a bundle says it in words."""
    starts = np.arange(round(old * f))[:, None] / f
    pixels = np.arange(old)[None]
    share = np.clip(np.minimum(starts + 1 / f, pixels + 1) - np.maximum(starts, pixels), 0, None)
    return share / share.sum(axis=1, keepdims=True)


def between_two_pixels(old, f):
    """The same for f > 1."""
    at = np.clip((np.arange(round(old * f))[:, None] + 0.5) / f - 0.5, 0, old - 1)
    return np.clip(1 - np.abs(at - np.arange(old)[None]), 0, None)


def in_words(rgb, f):
    """A picture resized without OpenCV."""
    weights = mean_of_what_is_covered if f < 1 else between_two_pixels
    rows, columns = (weights(side, f) for side in rgb.shape[:2])
    return np.rint(np.einsum("rh,hwc,kw->rkc", rows, rgb.astype(float), columns, optimize=True)).astype(np.uint8)


def cuts_in_words(side, multiple=32, tile=832, margin=64):
    """Start, stop, keep from and keep to of the cuts of a side."""
    if side <= tile:
        return [(0, side, 0, side)]
    overlap = 2 * margin
    n = ceil((side - overlap) / (tile - overlap))
    length = ceil((side + (n - 1) * overlap) / (n * multiple)) * multiple
    step = ceil((side - length) / ((n - 1) * multiple)) * multiple
    cuts = []
    for start, after in zip(range(0, n * step, step), [*range(step, n * step, step), None], strict=True):
        start = min(start, side - length)
        keep_to = side if after is None else min(after, side - length) + margin
        cuts.append((start, start + length, start + margin if start else 0, keep_to))
    return cuts


def maps_in_words(folder, photo="photo", resize=in_words, pad="edge", cuts=cuts_in_words):
    """Maps of a photograph of a bundle by a program that knows the guide and nothing of hairscan."""
    spec = json.loads((folder / "spec.json").read_text(encoding="utf-8"))
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    rgb = cv2.imread(str(folder / f"{photo}.png"))[..., ::-1]
    shown = resize(rgb, spec["self_test"][photo]["um_per_px"] / spec["um_per_px"])
    height, width = shown.shape[:2]
    padded = np.pad(shown, ((0, -height % 32), (0, -width % 32), (0, 0)), mode=pad)
    image = (padded / 255).astype(np.float32).transpose(2, 0, 1)[None]
    maps = np.full((15, padded.shape[0] // 2, padded.shape[1] // 2), np.nan)
    for top, bottom, first_row, end_row in cuts(padded.shape[0]):
        for left, right, first_column, end_column in cuts(padded.shape[1]):
            (tile,) = session.run(["maps"], {"image": image[:, :, top:bottom, left:right]})[0]
            kept = tile[:, (first_row - top) // 2 : (end_row - top) // 2]
            kept = kept[:, :, (first_column - left) // 2 : (end_column - left) // 2]
            maps[:, first_row // 2 : end_row // 2, first_column // 2 : end_column // 2] = kept
    return maps[:, : ceil(height / 2), : ceil(width / 2)]


def differences(folder, maps, photo="photo"):
    """Largest and mean difference of a photograph's maps, and those that are let pass."""
    test = json.loads((folder / "spec.json").read_text(encoding="utf-8"))["self_test"][photo]
    expected = np.fromfile(folder / test["expected"]["file"], "<f4").reshape(test["expected"]["shape"])[0]
    assert maps.shape == expected.shape
    apart = np.abs(maps - expected)
    return (apart.max(), apart.mean()), (test["max_difference"], test["mean_difference"])


@pytest.mark.parametrize("photo", ["photo", "coarse_photo"])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_guide_is_enough_to_get_the_photographs_maps(bundle_of, precision, photo):
    found, allowed = differences(bundle_of(precision), maps_in_words(bundle_of(precision), photo), photo)
    assert all(np.less_equal(found, allowed)), found


def to_rounded_size(rgb, f):
    height, width = (round(side * f) for side in rgb.shape[:2])
    return cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA if f < 1 else cv2.INTER_LINEAR)


def tiles_from_the_left(side):
    """Tiles as long as they may be, the rest in the last."""
    return [(0, 832, 0, 768), (side - 832, side, 768, side)] if side > 832 else cuts_in_words(side)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(
    "change",
    [
        {"resize": to_rounded_size},
        {"resize": lambda rgb, f: in_words(rgb[..., ::-1], f)},
        {"pad": "constant"},
        {"cuts": lambda side: [(0, side, 0, side)]},
        {"cuts": tiles_from_the_left},
    ],
    ids=["size", "colours", "padding", "whole", "tiles"],
)
def test_a_program_with_other_rules_fails_the_self_test(bundle_of, precision, change):
    found, allowed = differences(bundle_of(precision), maps_in_words(bundle_of(precision), **change))
    assert any(np.greater(found, allowed)), found


def with_method(method):
    return lambda rgb, f: cv2.resize(rgb, None, fx=f, fy=f, interpolation=method)


def from_the_corner(rgb, f):
    """Interpolated as if the first pixels had their corners, not their sides, in common."""
    height, width = (round(side * f) for side in rgb.shape[:2])
    rows, columns = (np.arange(side, dtype=np.float32) / np.float32(f) for side in (height, width))
    x, y = np.meshgrid(columns, rows)
    return cv2.remap(rgb, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(
    "change",
    [
        {"resize": with_method(cv2.INTER_NEAREST)},
        {"resize": with_method(cv2.INTER_CUBIC)},
        {"resize": with_method(cv2.INTER_LANCZOS4)},
        {"resize": with_method(cv2.INTER_AREA)},
        {"resize": from_the_corner},
        {"resize": to_rounded_size},
        {"pad": "constant"},
    ],
    ids=["nearest", "cubic", "lanczos", "area", "corner", "size", "padding"],
)
def test_a_program_that_enlarges_by_other_rules_fails_the_self_test(bundle_of, precision, change):
    found, allowed = differences(
        bundle_of(precision), maps_in_words(bundle_of(precision), "coarse_photo", **change), "coarse_photo"
    )
    assert any(np.greater(found, allowed)), found


@pytest.mark.parametrize("f", [0.3, 0.5, 0.739, 0.97, 1.13, 2.0])
def test_pictures_are_resized_as_the_guide_says(f):
    rgb = np.random.default_rng(0).integers(0, 256, (83, 131, 3), dtype=np.uint8)
    expected = resized(rgb, f)
    found = in_words(rgb, f)
    assert found.shape == expected.shape
    apart = np.abs(found.astype(int) - expected)
    assert apart.max() <= 1
    assert (apart > 0).mean() < 1 / 7, "bytes that fall between two are rounded either way"


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
    with pytest.raises(DataError, match=r"train\.png is smaller than a calibration tile of 1\.78 x 1\.78 mm"):
        photo_tiles([samples[1]("train", 90, 500)], 5.56)
    with pytest.raises(DataError, match=r"train\.png is smaller than a calibration tile of 1\.42 x 1\.42 mm"):
        photo_tiles([samples[1]("train", 90, 500)], 4.45)
