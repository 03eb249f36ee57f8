"""``hairscan export``: what it writes, what it refuses, and what ``--verify`` finds."""

import hashlib
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from hairscan.segment import model_folders
from hairscan.segment.spec import BundleSpec, SelfTest, TensorFacts, TensorFile

SIZES = {"input": (1, 3, 64, 96), "expected": (1, 15, 32, 48)}


@pytest.fixture(scope="module")
def whole_bundle(tmp_path_factory, segmenter):
    """A bundle put together without the train extra, which checking one must not need."""
    folder = tmp_path_factory.mktemp("bundle")
    shutil.copy(model_folders()["default"] / "model.onnx", folder)
    image = np.random.default_rng(0).random(SIZES["input"], np.float32)
    tensors = {"input": image, "expected": segmenter.backend.run(image)}
    for name, tensor in tensors.items():
        (folder / f"{name}.bin").write_bytes(tensor.astype("<f4").tobytes())
    files = {
        name: TensorFile(file=f"{name}.bin", shape=SIZES[name], sha256=sha256_of(folder / f"{name}.bin"))
        for name in SIZES
    }
    spec = BundleSpec(
        **segmenter.spec.model_dump(),
        hairscan_version="0",
        precision="fp32",
        opset=17,
        source_sha256=segmenter.sha256,
        input=TensorFacts(name="image", values=""),
        output=TensorFacts(name="maps", values=""),
        cell_px=2,
        tile_px=640,
        margin_px=64,
        confidence_readings=(),
        self_test=SelfTest(**files, max_difference=1e-3, mean_difference=1e-5),
    )
    (folder / "spec.json").write_text(spec.model_dump_json(), encoding="utf-8")
    return folder


@pytest.fixture
def bundle(whole_bundle, tmp_path):
    return shutil.copytree(whole_bundle, tmp_path / "bundle")


def sha256_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def change_spec(folder, change):
    path = folder / "spec.json"
    facts = json.loads(path.read_text(encoding="utf-8"))
    change(facts)
    path.write_text(json.dumps(facts), encoding="utf-8")


def flip_a_byte(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut_with_the_right_hash(folder):
    path = folder / "model.onnx"
    path.write_bytes(path.read_bytes()[: 10**6])
    change_spec(folder, lambda facts: facts.update(sha256=sha256_of(path)))


def expect(folder, change):
    """Other expected maps, with the right hash."""
    path = folder / "expected.bin"
    path.write_bytes(change(np.fromfile(path, "<f4")).tobytes())
    change_spec(folder, lambda facts: facts["self_test"]["expected"].update(sha256=sha256_of(path)))


def one_cell_off(maps):
    maps[7] += 0.01
    return maps


def not_a_number(maps):
    maps[7] = np.nan
    return maps


def declare_shape(folder, shape):
    change_spec(folder, lambda facts: facts["self_test"]["expected"].update(shape=shape))


def test_a_whole_bundle_passes(hairscan, bundle):
    code, out, err = hairscan("export", "--verify", bundle)
    assert (code, err) == (0, "")
    assert "is whole: fp32 maps differ from the model's by at most 0 (allowed 0.001), on average 0" in out


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda folder: shutil.rmtree(folder), "is no bundle, it has no spec.json"),
        (lambda folder: (folder / "spec.json").unlink(), "is no bundle, it has no spec.json"),
        (lambda folder: (folder / "spec.json").write_text("{"), "spec.json is damaged"),
        (lambda folder: (folder / "spec.json").write_bytes(b"\xff"), "spec.json is damaged"),
        (lambda folder: shutil.copy(model_folders()["default"] / "spec.json", folder), "is a model and no bundle"),
        (lambda folder: (folder / "model.onnx").unlink(), "model.onnx is missing"),
        (lambda folder: (folder / "input.bin").unlink(), "input.bin is missing"),
        (lambda folder: (folder / "expected.bin").unlink(), "expected.bin is missing"),
        (lambda folder: flip_a_byte(folder / "model.onnx"), "model.onnx is damaged"),
        (lambda folder: flip_a_byte(folder / "input.bin"), "input.bin is damaged"),
        (lambda folder: flip_a_byte(folder / "expected.bin"), "expected.bin is damaged"),
        (cut_with_the_right_hash, "model.onnx cannot be loaded"),
        (lambda folder: declare_shape(folder, [1, 15, 32, 49]), "not of the shape that spec.json says"),
        (lambda folder: declare_shape(folder, [1, 15, 48, 32]), "gave maps of shape (1, 15, 32, 48)"),
        (lambda folder: expect(folder, one_cell_off), "the self-test failed, fp32 maps differ"),
        (lambda folder: expect(folder, not_a_number), "the self-test failed, fp32 maps differ"),
        (
            lambda folder: change_spec(folder, lambda facts: facts["self_test"]["input"].update(file="../input.bin")),
            "spec.json is damaged",
        ),
    ],
)
def test_a_damaged_bundle_fails_in_one_line(hairscan, bundle, damage, words):
    damage(bundle)
    code, out, err = hairscan("export", "--verify", bundle)
    assert (code, out) == (1, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert words in err


def test_checking_a_bundle_needs_the_base_installation_only(bundle):
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['torch', 'onnx'])); "
        f"sys.argv = ['hairscan', 'export', '--verify', {str(bundle)!r}]; from hairscan.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "either --out"),
        (["--out", "OUT", "--verify", "OUT"], "either --out"),
        (["--out", "OUT", "--precision", "int4"], "unknown precision 'int4': use fp32, fp16, int8"),
        (["--out", "OUT", "--model", "nothing"], "no model 'nothing'"),
        (["--out", "OUT", "--data", "OUT"], "only int8 is calibrated"),
        (["--out", "OUT", "--data", "OUT", "--precision", "int8"], "vectors.csv is missing"),
        (["--out", "FILE"], "FILE is a file"),
    ],
)
def test_what_cannot_be_exported_is_refused(hairscan, tmp_path, options, words):
    pytest.importorskip("onnx")
    (tmp_path / "FILE").touch()
    code, out, err = hairscan(
        "export", *(tmp_path / option if option in ("OUT", "FILE") else option for option in options)
    )
    assert (code, out) == (2, "")
    assert words in " ".join(err.replace("│", " ").split())
    assert not (tmp_path / "OUT").exists()


def test_without_the_train_extra_the_way_to_it_is_said(hairscan, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    monkeypatch.delitem(sys.modules, "hairscan.training.bundle", raising=False)
    monkeypatch.delitem(sys.modules, "hairscan.training.precision", raising=False)
    code, out, err = hairscan("export", "--out", tmp_path / "bundle")
    assert (code, out) == (2, "")
    assert err == "error: exporting needs onnx: pip install 'hairscan[train]'\n"


def test_the_bundle_that_is_written_passes(hairscan, tmp_path):
    pytest.importorskip("onnx")
    code, out, err = hairscan("export", "--precision", "fp16", "--out", tmp_path / "bundle")
    assert (code, err) == (0, "")
    assert "MB, sha256" in out
    assert hairscan("export", "--verify", tmp_path / "bundle")[0] == 0
