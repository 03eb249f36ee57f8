import csv
import json
import subprocess
import sys

import cv2
import numpy as np
import pytest

from hairscan.endpoints.area import place_area
from hairscan.endpoints.result import ResultFile, RunInfo, photo_result
from hairscan.types import Hair


@pytest.fixture
def photo_file(tmp_path):
    path = tmp_path / "scalp.png"
    rng = np.random.default_rng(0)
    picture = np.clip(rng.normal(175, 6, (300, 400, 3)), 0, 255).astype(np.uint8)
    for x_px in (100, 200, 300):
        cv2.line(picture, (x_px, 80), (x_px + 40, 220), (30, 30, 30), 10, cv2.LINE_AA)
    cv2.imwrite(str(path), picture)
    return path


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


def test_a_person_reads_counts_density_thickness_and_how_the_scale_is_known(hairscan, photo_file, three_hairs):
    code, out, err = hairscan("score", photo_file, "--um-per-px", 5, "--um-per-px-sd", 0.1)
    assert (code, err) == (0, "")
    for part in ("scalp.png", "density", "mean 50.0 µm", "terminal / vellus", "5 ± 0.1 µm/px (user)", "fewer than 20"):
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


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--um-per-px", "0"), "um/px"),
        (("--um-per-px", "-2"), "um/px"),
        (("--um-per-px", "nan"), "um/px"),
        (("--um-per-px", "0.01"), "um/px"),
        (("--um-per-px", "500"), "um/px"),
        (("--um-per-px", "5", "--area", "circle:9cm2"), "largest that fits"),
        (("--um-per-px", "5", "--area", "round"), "cannot be read"),
        (("--area", "circle:0.01cm2"), "needs a scale"),
    ],
)
def test_what_a_user_can_mend_is_one_line_and_exit_code_2(hairscan, photo_file, three_hairs, tmp_path, options, words):
    code, out, err = hairscan("score", photo_file, *options, "--out", tmp_path / "run")
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert words in err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("content", [None, b"", b"not a picture", b"\x89PNG\r\n\x1a\n cut"])
def test_a_file_that_is_no_photograph_is_one_line_and_exit_code_2(hairscan, tmp_path, content):
    path = tmp_path / "a.png"
    if content is not None:
        path.write_bytes(content)
    code, out, err = hairscan("score", path)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1


def test_a_folder_that_cannot_be_written_is_said_before_the_photo_is_read(hairscan, tmp_path):
    (tmp_path / "taken").write_text("")
    code, _, err = hairscan("score", tmp_path / "missing.png", "--out", tmp_path / "taken")
    assert code == 2
    assert "name another folder" in err


def test_an_unknown_network_is_one_line_and_exit_code_2(hairscan, photo_file):
    code, _, err = hairscan("score", photo_file, "--model", "nothing-of-that-name")
    assert code == 2
    assert err.startswith("error: no model 'nothing-of-that-name'")
    assert err.count("\n") == 1


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
