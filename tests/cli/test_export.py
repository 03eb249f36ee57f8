"""``hairscan export``: what it writes, what it refuses, and what ``--verify`` finds."""

import hashlib
import json
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest

from hairscan.segment import model_folders
from hairscan.segment.spec import BundleSpec, PhotoTest, SelfTest, TensorFacts, TensorFile
from hairscan.segment.tiling import TILE_PX
from hairscan.trace.confidence import READINGS
from hairscan.training.verify import maps_of_photo

PHOTO_UM_PER_PX, COARSE_PHOTO_UM_PER_PX = 3.3, 7.1


@pytest.fixture(scope="module")
def whole_bundle(tmp_path_factory, segmenter, draw_scalp):
    """A bundle put together without the train extra, which checking one must not need."""
    folder = tmp_path_factory.mktemp("bundle")
    shutil.copy(model_folders()["default"] / "model.onnx", folder)
    (folder / "README.md").write_text("read me")
    photo = draw_scalp([[(10, 20), (60, 70)]], 8, 101, 83)
    coarse_photo = draw_scalp([[(10, 20), (50, 50)]], 6, 73, 65)
    for name, rgb in (("photo", photo), ("coarse_photo", coarse_photo)):
        cv2.imwrite(str(folder / f"{name}.png"), rgb[..., ::-1])
    image = np.random.default_rng(0).random((1, 3, 64, 96), np.float32)
    tensors = {
        "input": image,
        "expected": segmenter.backend.run(image),
        "photo_expected": maps_of_photo(segmenter.backend, segmenter.spec, photo, PHOTO_UM_PER_PX),
        "coarse_photo_expected": maps_of_photo(segmenter.backend, segmenter.spec, coarse_photo, COARSE_PHOTO_UM_PER_PX),
    }
    for name, tensor in tensors.items():
        (folder / f"{name}.bin").write_bytes(tensor.astype("<f4").tobytes())
    files = {
        name: TensorFile(file=f"{name}.bin", shape=tensor.shape, sha256=sha256_of(folder / f"{name}.bin"))
        for name, tensor in tensors.items()
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
        tile_px=TILE_PX,
        margin_px=64,
        confidence_readings=READINGS,
        self_test=SelfTest(
            input=files["input"],
            expected=files["expected"],
            **{
                name: PhotoTest(
                    file=f"{name}.png",
                    sha256=sha256_of(folder / f"{name}.png"),
                    um_per_px=um_per_px,
                    expected=files[f"{name}_expected"],
                    max_difference=1e-3,
                    mean_difference=1e-5,
                )
                for name, um_per_px in (("photo", PHOTO_UM_PER_PX), ("coarse_photo", COARSE_PHOTO_UM_PER_PX))
            },
            max_difference=1e-3,
            mean_difference=1e-5,
        ),
    )
    (folder / "spec.json").write_text(spec.model_dump_json(), encoding="utf-8")
    list_files(folder)
    return folder


@pytest.fixture
def bundle(whole_bundle, tmp_path):
    return shutil.copytree(whole_bundle, tmp_path / "bundle")


def sha256_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def list_files(folder):
    """Write the list of all files anew, as for a bundle that was made so."""
    files = sorted(path for path in folder.iterdir() if path.name != "SHA256SUMS")
    (folder / "SHA256SUMS").write_text("".join(f"{sha256_of(path)}  {path.name}\n" for path in files))


def add_line(folder, line):
    with (folder / "SHA256SUMS").open("a") as file:
        file.write(line + "\n")


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


def spoil_photo_with_the_right_hash(folder):
    path = folder / "photo.png"
    path.write_text("no picture")
    change_spec(folder, lambda facts: facts["self_test"]["photo"].update(sha256=sha256_of(path)))


def expect(folder, change, photo=None):
    """Other expected maps, with the right hash."""
    path = folder / (f"{photo}_expected.bin" if photo else "expected.bin")
    path.write_bytes(change(np.fromfile(path, "<f4")).tobytes())

    def record(facts):
        test = facts["self_test"][photo] if photo else facts["self_test"]
        test["expected"].update(sha256=sha256_of(path))

    change_spec(folder, record)


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


IMPOSSIBLE = {
    "five weights": lambda facts: facts.update(confidence_weights=facts["confidence_weights"][:5]),
    "a weight that is no number": lambda facts: facts["confidence_weights"].__setitem__(2, float("nan")),
    "sides of another network": lambda facts: facts.update(multiple=7),
    "cells of another size": lambda facts: facts.update(cell_px=4),
    "tiles without a margin": lambda facts: facts.update(margin_px=0),
    "numbers of another kind": lambda facts: facts.update(precision="fp8"),
    "another input": lambda facts: facts["input"].update(name="x"),
    "another output": lambda facts: facts["output"].update(name="y"),
    "what int8 may differ by": lambda facts: facts["self_test"].update(max_difference=0.3),
    "a self-test that lets all pass": lambda facts: facts["self_test"].update(mean_difference=1e9),
    "a photograph's that lets all pass": lambda facts: facts["self_test"]["photo"].update(max_difference=1e9),
    "the other's that lets all pass": lambda facts: facts["self_test"]["coarse_photo"].update(mean_difference=1e9),
}
POSSIBLE = {
    "another scale": lambda facts: facts.update(um_per_px=8.9),
    "another threshold": lambda facts: facts.update(hair_threshold=0.9),
    "weights that say nothing": lambda facts: facts.update(confidence_weights=[0.0] * 11),
    "another opset": lambda facts: facts.update(opset=99),
}


@pytest.mark.parametrize("change", (IMPOSSIBLE | POSSIBLE).values(), ids=[*IMPOSSIBLE, *POSSIBLE])
def test_any_other_fact_in_a_bundle_is_noticed(hairscan, bundle, change):
    change_spec(bundle, change)
    code, out, err = hairscan("export", "--verify", bundle)
    assert (code, out) == (1, "")
    assert err == f"error: {bundle}: spec.json was changed: export the bundle again\n"


@pytest.mark.parametrize("change", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_nothing_is_counted_by_facts_that_cannot_be_right(hairscan, bundle, photo_file, change):
    change_spec(bundle, change)
    code, out, err = hairscan("score", photo_file, "--um-per-px", "5", "--model", bundle)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {bundle / 'spec.json'} is damaged (")
    assert err.endswith("): restore the file from the distribution\n")
    list_files(bundle)
    assert hairscan("export", "--verify", bundle) == (1, "", err)


def test_channels_in_another_order_are_of_another_version(hairscan, bundle, photo_file):
    change_spec(bundle, lambda facts: facts["channels"].reverse())
    list_files(bundle)
    for arguments in (["score", photo_file, "--um-per-px", "5", "--model", bundle], ["export", "--verify", bundle]):
        code, out, err = hairscan(*arguments)
        assert (code > 0, out, err.count("\n")) == (True, "", 1)
        assert "was made for another version of hairscan" in err


@pytest.mark.parametrize("own", [{"hair_threshold": 0.9}, {"um_per_px": 8.9}])
def test_facts_of_ones_own_are_used_and_recorded(hairscan, bundle, photo_file, tmp_path, own):
    recorded = []
    for name in ("exported", "own"):
        out = tmp_path / name
        assert hairscan("score", photo_file, "--um-per-px", "5", "--model", bundle, "--out", out)[0] == 0
        (model,) = json.loads((out / "run.json").read_text(encoding="utf-8"))["models"]
        assert model["sha256"] == sha256_of(bundle / "model.onnx")
        assert model["spec_sha256"] == sha256_of(bundle / "spec.json")
        recorded.append(model["spec_sha256"])
        change_spec(bundle, lambda facts: facts.update(own))
    assert recorded[0] != recorded[1]


@pytest.mark.parametrize(
    "name",
    [
        *("README.md", "coarse_photo.png", "coarse_photo_expected.bin", "expected.bin", "input.bin", "model.onnx"),
        *("photo.png", "photo_expected.bin", "spec.json"),
    ],
)
def test_a_file_that_is_missing_or_changed_is_named(hairscan, bundle, name):
    flip_a_byte(bundle / name)
    again = "export the bundle again\n"
    assert hairscan("export", "--verify", bundle) == (1, "", f"error: {bundle}: {name} was changed: {again}")
    (bundle / name).unlink()
    assert hairscan("export", "--verify", bundle) == (1, "", f"error: {bundle}: {name} is missing: {again}")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda folder: shutil.rmtree(folder), "is no bundle, it has no spec.json"),
        (lambda folder: [(folder / name).unlink() for name in ("spec.json", "SHA256SUMS")], "is no bundle"),
        (
            lambda folder: [
                (folder / "SHA256SUMS").unlink(),
                shutil.copy(model_folders()["default"] / "spec.json", folder),
            ],
            "is a model and no bundle",
        ),
        (lambda folder: (folder / "SHA256SUMS").unlink(), "SHA256SUMS is missing: export"),
        (lambda folder: (folder / "SHA256SUMS").write_text(""), "SHA256SUMS does not list README.md, does not list"),
        (lambda folder: (folder / "SHA256SUMS").write_bytes(b"\xff"), "SHA256SUMS is damaged: export"),
        (lambda folder: add_line(folder, f"{'0' * 64}  ../bundle/spec.json"), "SHA256SUMS is damaged: export"),
        (lambda folder: add_line(folder, f"{'0' * 64}  notes.txt"), "notes.txt is missing: export"),
        (
            lambda folder: add_line(folder, f"{sha256_of(folder / 'SHA256SUMS')}  SHA256SUMS"),
            "SHA256SUMS was changed: export",
        ),
        (
            lambda folder: [(folder / "input.bin").unlink(), flip_a_byte(folder / "README.md")],
            "README.md was changed, input.bin is missing: export the bundle again",
        ),
    ],
)
def test_a_damaged_bundle_fails_in_one_line(hairscan, bundle, damage, words):
    damage(bundle)
    expect_failure(hairscan, bundle, words)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda folder: (folder / "spec.json").write_text("{"), "spec.json is damaged"),
        (lambda folder: (folder / "spec.json").write_bytes(b"\xff"), "spec.json is damaged"),
        (lambda folder: (folder / "README.md").unlink(), "SHA256SUMS does not list README.md: export"),
        (lambda folder: (folder / "notes.txt").touch(), "lists notes.txt, which is no file of a bundle: export"),
        (lambda folder: flip_a_byte(folder / "model.onnx"), "model.onnx is damaged"),
        (lambda folder: flip_a_byte(folder / "input.bin"), "input.bin is damaged"),
        (lambda folder: flip_a_byte(folder / "photo.png"), "photo.png is damaged"),
        (cut_with_the_right_hash, "model.onnx cannot be loaded"),
        (
            lambda folder: change_spec(folder, lambda facts: facts.update(tile_px=640)),
            "was made for another version of hairscan (tile_px in spec.json)",
        ),
        (
            lambda folder: change_spec(folder, lambda facts: facts.update(margin_px=32)),
            "was made for another version of hairscan (margin_px in spec.json)",
        ),
        (
            lambda folder: change_spec(folder, lambda facts: facts["confidence_readings"].reverse()),
            "was made for another version of hairscan (confidence_readings in spec.json)",
        ),
        (spoil_photo_with_the_right_hash, "photo.png cannot be read: export"),
        (lambda folder: declare_shape(folder, [1, 15, 32, 49]), "not of the shape that spec.json says"),
        (lambda folder: declare_shape(folder, [1, 15, 48, 32]), "gave maps of shape (1, 15, 32, 48)"),
        (lambda folder: expect(folder, one_cell_off), "the self-test failed, fp32 maps differ"),
        (lambda folder: expect(folder, not_a_number), "the self-test failed, fp32 maps differ"),
        (lambda folder: expect(folder, one_cell_off, "photo"), "the self-test failed, fp32 maps of photo.png differ"),
        (
            lambda folder: expect(folder, one_cell_off, "coarse_photo"),
            "the self-test failed, fp32 maps of coarse_photo.png differ",
        ),
        (
            lambda folder: change_spec(folder, lambda facts: facts["self_test"]["photo"].update(um_per_px=3.301)),
            "the self-test failed, fp32 maps of photo.png differ",
        ),
        (
            lambda folder: change_spec(folder, lambda facts: facts["self_test"]["input"].update(file="../input.bin")),
            "spec.json is damaged",
        ),
    ],
)
def test_what_is_listed_must_be_right_too(hairscan, bundle, damage, words):
    damage(bundle)
    list_files(bundle)
    expect_failure(hairscan, bundle, words)


def expect_failure(hairscan, bundle, words):
    code, out, err = hairscan("export", "--verify", bundle)
    assert (code, out) == (1, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert words in err


@pytest.mark.parametrize("name", ["SHA256SUMS", "README.md", "model.onnx", "photo.png", "spec.json"])
def test_a_file_that_may_not_be_read_is_not_called_missing(hairscan, bundle, forbid, name):
    forbid(bundle / name)
    assert hairscan("export", "--verify", bundle) == (
        1,
        "",
        f"error: {bundle / name} cannot be read: Permission denied\n",
    )


def test_a_folder_that_may_not_be_read_is_named(hairscan, bundle, forbid):
    forbid(bundle)
    code, out, err = hairscan("export", "--verify", bundle)
    assert (code, out) == (1, "")
    assert err == f"error: {bundle / 'SHA256SUMS'} cannot be read: Permission denied\n"


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
        (["--verify", "OUT", "--precision", "fp32"], "a bundle is checked as it is: leave --precision out"),
        (["--verify", "OUT", "--model", "default"], "a bundle is checked as it is: leave --model out"),
        (["--verify", "OUT", "--data", "OUT"], "a bundle is checked as it is: leave --data out"),
        (["--verify", "OUT", "--um-per-px", "3"], "a bundle is checked as it is: leave --um-per-px out"),
        (["--out", "OUT", "--precision", "int8", "--um-per-px", "3"], "the photographs of --data: leave --um-per-px"),
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


@pytest.mark.parametrize("taken", ["README.md", "weights.safetensors", "notes.txt"])
def test_a_folder_that_holds_anything_but_a_bundle_is_refused(hairscan, tmp_path, taken):
    pytest.importorskip("onnx")
    out = tmp_path / "bundle"
    out.mkdir()
    (out / taken).write_text("mine")
    code, printed, err = hairscan("export", "--out", out)
    assert (code, printed) == (2, "")
    assert err == f"error: {out / taken} is of no earlier bundle: name another folder\n"
    assert {path.name: path.read_text() for path in out.iterdir()} == {taken: "mine"}


@pytest.mark.parametrize("missing", ["nothing", "weights.safetensors"])
def test_a_model_is_not_exported_into_its_own_folder(hairscan, tmp_path, missing):
    pytest.importorskip("onnx")
    model = shutil.copytree(
        model_folders()["default"], tmp_path / "model", ignore=shutil.ignore_patterns(missing, "*.md")
    )
    before = {path.name: sha256_of(path) for path in model.iterdir()}
    code, _, err = hairscan("export", "--model", model, "--precision", "int8", "--out", model)
    assert code == 2
    assert err == f"error: {model / 'model.onnx'} is of no earlier bundle: name another folder\n"
    assert {path.name: sha256_of(path) for path in model.iterdir()} == before


def test_an_earlier_bundle_is_replaced(hairscan, tmp_path):
    pytest.importorskip("onnx")
    out = tmp_path / "bundle"
    for precision in ("fp16", "fp32"):
        assert hairscan("export", "--precision", precision, "--out", out)[0] == 0
    code, printed, _ = hairscan("export", "--verify", out)
    assert code == 0
    assert "is whole: fp32" in printed
    shutil.copy(model_folders()["default"] / "weights.safetensors", out)
    code, _, err = hairscan("export", "--out", out)
    assert code == 2
    assert "weights.safetensors is of no earlier bundle" in err
