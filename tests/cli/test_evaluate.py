"""``hairscan evaluate``: what it writes, and what it says to input that it cannot use."""

import json
import re

import cv2
import numpy as np
import pytest

from hairscan.errors import ModelError
from hairscan.training.visit_evaluation import VisitEvaluation

BARS = [[(150, 120), (200, 220)], [(320, 150), (300, 260)], [(450, 130), (520, 210)]]
VALIDATION, TRAIN = "220128", "220106"


@pytest.fixture
def data(tmp_path, draw_scalp):
    """Folder of two annotated photographs, one to train on and one to validate."""
    folder = tmp_path / "data"
    (folder / "tiles").mkdir(parents=True)
    rows = ["tile,field,kind,root_x_px,root_y_px,tip_x_px,tip_y_px"]
    for field in "ab":
        cv2.imwrite(str(folder / "tiles" / f"{field}_1.png"), draw_scalp(BARS, 14, 640, 400)[..., ::-1])
        rows += [f"{field}_1,{field},single,{x},{y},{u},{v}" for (x, y), (u, v) in BARS]
    (folder / "vectors.csv").write_text("\n".join(rows) + "\n")
    (folder / "fields.csv").write_text(f"field,group,duplicate_of,um_per_px\na,{VALIDATION},,5\nb,{TRAIN},,5\n")
    return folder


@pytest.fixture
def masks(tmp_path):
    """Folder of one picture with its mask."""
    folder = tmp_path / "masks"
    folder.mkdir()
    mask = np.zeros((128, 128), np.uint8)
    cv2.line(mask, (30, 30), (90, 80), 255, 7)
    cv2.imwrite(str(folder / "0.png"), np.where(mask > 0, 40, 180).astype(np.uint8))
    cv2.imwrite(str(folder / "0_t.png"), 255 - mask)
    return folder


def test_it_prints_and_writes_figures_and_a_page(hairscan, data, masks, tmp_path):
    out = tmp_path / "new" / "out"
    code, printed, _ = hairscan(
        "evaluate", "--data", data, "--masks", masks, "--phantoms", 0, "--device", "cpu", "--out", out
    )
    assert code == 0
    assert sorted(path.name for path in out.iterdir()) == ["figures.json", "report.html"]
    figures = json.loads((out / "figures.json").read_text())
    assert set(figures["photos"]) == {"model", "ridge_filter", "median_count"}
    assert figures["phantoms"] == {}
    assert set(figures["masks"]) == {"model", "ridge_filter"}
    assert figures["photos"]["model"]["sizes"] == {"photographs": 1, "fields": 1, "annotated hairs": 3}
    assert set(figures["photos"]["median_count"]["figures"]) == {"bias", "field_count_error", "tile_count_error", "ccc"}
    assert figures["photos"]["median_count"]["figures"]["bias"] == {"value": 0.0, "low": None, "high": None}
    assert figures["photos"]["ridge_filter"]["figures"]["recall"]["value"] == 1.0
    assert "direction_wrong" not in figures["photos"]["ridge_filter"]["figures"]
    assert "Annotated photographs, validation part" in printed
    assert "Hand-traced masks" in printed
    page = (out / "report.html").read_text(encoding="utf-8")
    assert figures["sha256"] in page
    assert "hairscan evaluate --data" in page
    assert set(re.findall(r'(?:src|href)="([^:]*):', page)) == {"data"}


def test_without_out_nothing_is_written(hairscan, masks, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    code, printed, _ = hairscan("evaluate", "--masks", masks, "--phantoms", 0, "--device", "cpu")
    assert code == 0
    assert "centre-line Dice" in printed
    assert sorted(tmp_path.rglob("*")) == before


@pytest.fixture
def refused(hairscan, monkeypatch):
    """Run `evaluate`, which must stop with one line before it loads the network."""

    def run(*options):
        monkeypatch.setattr("hairscan.segment.load_model", lambda *arguments: pytest.fail("the network was loaded"))
        code, out, err = hairscan("evaluate", *options)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert err.startswith("error: ")
        return err

    return run


def test_a_folder_that_is_missing(refused, tmp_path):
    assert "give a folder with tiles/ and vectors.csv" in refused("--data", tmp_path / "missing")
    assert "is no folder" in refused("--masks", tmp_path / "missing")


def test_a_folder_without_vectors(refused, data):
    (data / "vectors.csv").unlink()
    assert "vectors.csv is missing" in refused("--data", data)


def test_a_part_that_has_no_photographs(refused, data):
    assert "no photographs of the part 'tune'" in refused("--data", data, "--part", "tune")


def test_a_photograph_that_is_cut_off(refused, data):
    photo = data / "tiles" / "a_1.png"
    photo.write_bytes(photo.read_bytes()[:-100])
    assert "a_1.png is not a readable photograph: replace or remove it" in refused("--data", data)


def test_a_mask_of_another_size(refused, data, masks):
    cv2.imwrite(str(masks / "0_t.png"), np.zeros((64, 64), np.uint8))
    assert "0.png is of another size" in refused("--data", data, "--masks", masks)


def test_a_photograph_to_train_on_that_is_none(hairscan, data, monkeypatch):
    (data / "tiles" / "b_1.png").write_bytes(b"no picture")
    monkeypatch.setattr("hairscan.segment.load_model", lambda *_: None)
    monkeypatch.setattr("hairscan.training.assess.evaluate_photos", lambda *_, **__: pytest.fail("the network ran"))
    code, out, err = hairscan("evaluate", "--data", data, "--phantoms", 0)
    assert (code, out) == (2, "")
    assert "b_1.png is not a readable photograph" in err


def test_photographs_without_hair_are_named(hairscan, data, monkeypatch):
    (data / "vectors.csv").write_text("tile,root_x_px,root_y_px,tip_x_px,tip_y_px\nb_1,1,2,3,4\n")
    (data / "fields.csv").write_text(f"field,group,um_per_px\na_1,{VALIDATION},5\nb_1,{TRAIN},5\n")

    def stop(*_):
        raise ModelError("far enough")

    monkeypatch.setattr("hairscan.segment.load_model", stop)
    _, _, err = hairscan("evaluate", "--data", data)
    assert err.splitlines()[0] == "note: 1 of 1 photographs have no hair in vectors.csv and are judged as bald"
    _, _, err = hairscan("evaluate", "--data", data, "--part", "train")
    assert "note: " not in err


def test_a_scale_that_no_table_tells_is_asked_for(hairscan, data, monkeypatch):
    (data / "fields.csv").write_text(f"field,group\na,{VALIDATION}\nb,{TRAIN}\n")
    monkeypatch.setattr("hairscan.segment.load_model", lambda *_: pytest.fail("the network was asked"))
    code, _, err = hairscan("evaluate", "--data", data)
    assert code == 2
    assert "nothing tells the scale of a_1.png" in err


def test_masks_show_no_pairs_of_visits(hairscan, masks):
    code, _, err = hairscan("evaluate", "--masks", masks, "--visits")
    assert code == 2
    assert "pairs of visits have no hand-traced masks" in err


def test_figures_of_visits_on_a_full_disk(hairscan, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    figures = VisitEvaluation(photographs=None, phantoms=None, growth=None)
    monkeypatch.setattr("hairscan.segment.load_model", lambda *_: None)
    monkeypatch.setattr("hairscan.training.visit_evaluation.evaluate_all_visits", lambda *_, **__: figures)
    monkeypatch.setattr("hairscan.files.write_files", fail)
    code, _, err = hairscan("evaluate", "--visits", "--out", tmp_path)
    assert code == 2
    assert err.splitlines()[-1].startswith(f"error: cannot write to {tmp_path}: No space left on device; free some")


def test_an_output_folder_that_is_a_file(refused, masks, tmp_path):
    (tmp_path / "taken").write_text("mine")
    assert "is a file; name another folder" in refused("--masks", masks, "--out", tmp_path / "taken")
    assert (tmp_path / "taken").read_text() == "mine"


@pytest.mark.parametrize("name", ["report.html", "figures.json"])
def test_files_of_something_else_are_not_replaced(refused, masks, tmp_path, name):
    (tmp_path / name).write_text("[]")
    said = refused("--masks", masks, "--phantoms", 0, "--out", tmp_path)
    assert f"{name} is of no earlier evaluation and would be replaced: name another folder" in said


def test_nothing_to_evaluate(refused):
    assert "nothing to evaluate: give --data, --masks or --phantoms" in refused("--phantoms", 0)
