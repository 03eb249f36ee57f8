import csv
import json
import shutil

import pytest


@pytest.fixture
def photos(tmp_path, photo_file):
    """Folder of one photograph and one file that is none."""
    folder = tmp_path / "photos"
    folder.mkdir()
    shutil.copy(photo_file, folder / "good.png")
    (folder / "bad.jpg").write_bytes(b"not a picture")
    return folder


def test_a_run_with_a_failure_ends_with_1_and_says_where_everything_is(hairscan, photos, tmp_path):
    code, out, err = hairscan("batch", photos, "--out", tmp_path / "run", "--um-per-px", 5, "--device", "cpu")
    assert code == 1
    assert "1 measured, 1 failed" in out
    assert f"{tmp_path / 'run'}/ images.csv, hairs.csv, failures.csv, overlays/" in out
    assert "failed: bad.jpg: bad.jpg is not a JPEG, PNG or TIFF picture" in err
    assert "2/2 photos, 1 failed" in err
    with (tmp_path / "run" / "failures.csv").open(newline="") as file:
        assert [row["image"] for row in csv.DictReader(file)] == ["bad.jpg"]


def test_photographs_without_a_scale_are_told_at_the_end(hairscan, photos, tmp_path):
    (photos / "bad.jpg").unlink()
    shutil.copy(photos / "good.png", photos / "same.png")
    command = ("batch", photos, "--out", tmp_path / "run", "--device", "cpu")
    for n_bare in (2, 1):
        code, _, err = hairscan(*command)
        assert code == 0
        assert err.splitlines()[-1] == (
            f"note: {n_bare} of 2 photographs without a scale: no densities, and no widths in µm; "
            "give --um-per-px, or um_per_px in a manifest"
        )
        (photos / "same.json").write_text('{"um_per_px": 5}')
    assert "note:" not in hairscan(*command, "--um-per-px", 5)[2]


def test_a_shipped_model_comes_before_a_folder_of_its_name(hairscan, photos, tmp_path, monkeypatch):
    (tmp_path / "default").mkdir()
    monkeypatch.chdir(tmp_path)
    (photos / "bad.jpg").unlink()
    code, out, err = hairscan("batch", photos, "--out", tmp_path / "run", "--um-per-px", 5, "--device", "cpu")
    assert (code, "1 measured, 0 failed" in out) == (0, True), err
    assert json.loads((tmp_path / "run" / "run.json").read_text())["configuration"]["model"] == "default"


def test_pictures_that_are_left_out_are_told_in_one_line(hairscan, photos, tmp_path):
    for name in ("IMG_1.HEIC", "a.webp"):
        (photos / name).write_bytes(b"")
    code, _, err = hairscan("batch", photos, "--out", tmp_path / "run", "--um-per-px", 5, "--device", "cpu")
    assert code == 1
    text = "2 files were left out, as they are not JPEG, PNG or TIFF: IMG_1.HEIC, a.webp - convert them first"
    assert err.splitlines()[0] == text


def test_a_manifest_of_ones_own_is_refused_in_one_line(hairscan, photos):
    (photos / "manifest.csv").write_text("image,subject\ngood.png,S1\n")
    code, out, err = hairscan("batch", photos, "--out", photos, "--um-per-px", 5)
    assert (code, out) == (2, "")
    path = photos / "manifest.csv"
    assert err == f"error: {path} is of no earlier result and would be replaced: name another folder\n"
    assert sorted(file.name for file in photos.iterdir()) == ["bad.jpg", "good.png", "manifest.csv"]


def test_every_problem_of_a_manifest_is_a_line(hairscan, photos, tmp_path):
    (photos / "list.csv").write_text("image,um_per_px\nbad.jpg,0\ngone.jpg,5\n")
    code, out, err = hairscan("batch", photos / "list.csv", "--out", tmp_path / "run")
    assert (code, out) == (2, "")
    assert [line[:14] for line in err.splitlines()] == ["error: line 2:", "error: line 3:"]
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("given", ["empty", "missing.csv"])
def test_what_names_no_photograph(hairscan, tmp_path, given):
    (tmp_path / "empty").mkdir()
    code, out, err = hairscan("batch", tmp_path / given, "--out", tmp_path / "run")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("error: ")


def test_a_cluster_has_its_own_workers(hairscan, photos, tmp_path):
    code, _, err = hairscan("batch", photos, "--out", tmp_path / "run", "--workers", 2, "--cluster", "tcp://here:1")
    assert code == 2
    assert "a cluster has its own workers" in err
