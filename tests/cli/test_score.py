import csv
import json
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest

from hairscan.endpoints.area import place_area
from hairscan.endpoints.result import ResultFile, RunInfo, photo_result
from hairscan.types import Hair


@pytest.fixture
def three_hairs(monkeypatch):
    """The walk with a network that always sees the three hairs of the photograph."""

    def score_read_photo(photo, segmenter, *, area=None):
        hairs = [
            Hair(i, np.linspace((x_px, 80), (x_px + 40, 220), 40), True, True, 0.9, 10.0, 0.2)
            for i, x_px in enumerate((100, 200, 300))
        ]
        run = RunInfo(hairscan_version="0", model_name="m", model_sha256="f" * 64, device="cpu")
        return photo_result(photo, hairs, place_area(area, photo), run)

    monkeypatch.setattr("hairscan.cli.one_photo.load_model", lambda model, device: None)
    monkeypatch.setattr("hairscan.cli.one_photo.score_read_photo", score_read_photo)


def test_a_person_reads_counts_density_width_and_how_the_scale_is_known(hairscan, photo_file, three_hairs):
    code, out, err = hairscan("score", photo_file, "--um-per-px", 5, "--um-per-px-sd", 0.1)
    assert (code, err) == (0, "")
    for part in ("scalp.png", "density", "mean 50.0 ± ", "terminal / vellus", "5 ± 0.1 µm/px (user)", "fewer than 20"):
        assert part in out


def test_without_a_scale_a_person_reads_counts_pixels_and_how_to_give_one(hairscan, photo_file, three_hairs):
    code, out, _ = hairscan("score", photo_file)
    assert code == 0
    assert "mean 10.00 px" in out
    assert "give --um-per-px" in out
    assert "per cm²" not in out
    assert "µm," not in out


def test_json_is_the_only_thing_on_stdout(hairscan, photo_file, three_hairs):
    code, out, err = hairscan("score", photo_file, "--um-per-px", 5, "--json")
    assert (code, err) == (0, "")
    document = ResultFile.model_validate_json(out)
    assert document.photo.hair_count == 3
    assert {"read", "load_model"} <= set(document.seconds)


def test_out_holds_the_tables_and_the_overlay(hairscan, photo_file, three_hairs, tmp_path):
    code, out, _ = hairscan("score", photo_file, "--um-per-px", 5, "--out", tmp_path / "run")
    assert code == 0
    assert "scalp.png" in out
    assert cv2.imread(str(tmp_path / "run" / "overlays" / "scalp.png")).shape[1] == 1400
    with (tmp_path / "run" / "hairs.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["kind"] for row in rows] == ["terminal"] * 3
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    assert run["configuration"]["um_per_px"] == 5
    assert "numpy" in run["versions"]


def test_a_photograph_replaces_its_own_result_entirely(hairscan, photo_file, three_hairs, tmp_path):
    out = tmp_path / "result"
    renamed = shutil.copy(photo_file, tmp_path / "renamed.png")
    for photo, um_per_px in ((photo_file, 5), (photo_file, 4), (renamed, 4)):
        assert hairscan("score", photo, "--um-per-px", um_per_px, "--out", out)[0] == 0
    assert [path.name for path in (out / "overlays").iterdir()] == ["renamed.png"]
    with (out / "images.csv").open(newline="") as file:
        assert [(row["image"], row["um_per_px"]) for row in csv.DictReader(file)] == [("renamed.png", "4")]


@pytest.mark.parametrize("name", ["other.png", "later/scalp.png"])
def test_the_result_of_another_photograph_is_never_replaced(hairscan, photo_file, three_hairs, tmp_path, name):
    out, other = tmp_path / "result", tmp_path / name
    other.parent.mkdir(exist_ok=True)
    cv2.imwrite(str(other), cv2.imread(str(photo_file))[::-1])
    assert hairscan("score", photo_file, "--um-per-px", 5, "--out", out)[0] == 0
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    for command in (("score", other, "--um-per-px", 5), ("demo",)):
        code, printed, err = hairscan(*command, "--out", out)
        assert (code, printed) == (2, "")
        assert err == f"error: {out} holds the result of another photograph (scalp.png): name another folder\n"
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_a_result_that_nobody_can_read_is_never_replaced(hairscan, photo_file, three_hairs, tmp_path):
    out = tmp_path / "result"
    assert hairscan("score", photo_file, "--um-per-px", 5, "--out", out)[0] == 0
    (out / "images.csv").write_text("image;sha256\nscalp.png;0\n")
    code, _, err = hairscan("score", photo_file, "--um-per-px", 5, "--out", out)
    assert (code, err.count("\n")) == (2, 1)
    assert "images.csv cannot be read and would be replaced: name another folder" in err


def test_the_folder_of_a_run_is_refused_before_anything_is_measured(hairscan, photo_file, tmp_path, monkeypatch):
    monkeypatch.setattr("hairscan.cli.one_photo.load_model", lambda model, device: pytest.fail("was measured"))
    out = tmp_path / "run"
    (out / ".parts").mkdir(parents=True)
    (out / "images.csv").write_text("image\na.png\nb.png\n")
    for command in (("score", photo_file, "--um-per-px", 5), ("demo",)):
        code, printed, err = hairscan(*command, "--out", out)
        assert (code, printed) == (2, "")
        assert err == f"error: {out} holds a result of hairscan batch: name another folder\n"
    assert (out / "images.csv").read_text() == "image\na.png\nb.png\n"
    assert sorted(path.name for path in out.iterdir()) == [".parts", "images.csv"]


def test_a_photograph_is_never_replaced_by_its_overlay(hairscan, photo_file, three_hairs, tmp_path):
    out = tmp_path / "result"
    (out / "overlays").mkdir(parents=True)
    photo = photo_file.rename(out / "overlays" / "scalp.png")
    before = photo.read_bytes()
    code, _, err = hairscan("score", photo, "--um-per-px", 5, "--out", out)
    assert (code, err.count("\n")) == (2, 1)
    assert "lies where pictures of" in err
    assert photo.read_bytes() == before


def test_the_demo_replaces_no_photograph(hairscan, photo_file, tmp_path):
    out = tmp_path / "result"
    out.mkdir()
    shutil.copy(photo_file, out / "scalp.png")
    code, _, err = hairscan("demo", "--out", out)
    assert (code, err) == (2, f"error: {out / 'scalp.png'} is of no demo and would be replaced: name another folder\n")
    assert (out / "scalp.png").read_bytes() == photo_file.read_bytes()


def test_version_and_help(hairscan):
    from hairscan import __version__

    assert hairscan("--version")[:2] == (0, f"hairscan {__version__}\n")
    code, out, _ = hairscan("--help")
    assert code == 0
    for verb in ("score", "demo", "doctor"):
        assert verb in out


def test_help_and_version_load_none_of_the_heavy_libraries():
    heavy = {"scipy", "cv2", "onnxruntime", "skimage", "torch"}
    code = f"import sys, hairscan.cli; print(sorted({heavy} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
