import csv
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from hairscan.batch.parts import _read_timings
from hairscan.batch.run_folder import (
    TIMING_COLUMNS,
    Failure,
    RunRecord,
    check_writable,
    overlay_names,
    timing_cells,
    write_run,
)
from hairscan.endpoints.area import place_area
from hairscan.endpoints.result import RunInfo, photo_result
from hairscan.endpoints.rows import HairRow, PhotoRow, column_names, csv_bytes
from hairscan.errors import OutputError
from hairscan.files import write_files
from hairscan.segment import model_folders
from hairscan.types import Hair, Photo, Scale

RECORD = RunRecord("2026-01-01T00:00:00+00:00", "2026-01-01T00:00:01+00:00", {"area": "whole"}, {"numpy": "2"})
PICTURE = np.full((20, 30, 3), (200, 10, 60), np.uint8)


@pytest.fixture
def result():
    photo = Photo(
        "a, b.jpg", np.zeros((200, 300, 3), np.uint8), np.zeros((200, 300), np.uint8), Scale(5.0, 0.1, "user"), "0", 1.0
    )
    hairs = [Hair(i, np.array([[40.0 * i + 20, 50], [40 * i + 30, 90]]), True, True, 0.8, 9.0, 0.1) for i in range(5)]
    run = RunInfo(hairscan_version="0", model_name="m", model_sha256="f" * 64, device="cpu")
    made = photo_result(photo, hairs, place_area(None, photo), run)
    return replace(made, seconds={"segment": 0.25, "measure": 0.5})


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_a_run_folder_holds_every_file_and_nothing_else(tmp_path, result):
    out = tmp_path / "new" / "run"
    write_run(
        out,
        [result],
        RECORD,
        failures=[Failure("c.jpg", "PhotoError", "c.jpg is empty")],
        overlays={"a, b.jpg": PICTURE},
    )
    written = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    assert written == [
        "failures.csv",
        "hairs.csv",
        "images.csv",
        "overlays/a, b.png",
        "run.json",
        "timings.csv",
    ]
    hairs, images = rows_of(out / "hairs.csv"), rows_of(out / "images.csv")
    assert hairs[0] == column_names(HairRow)
    assert len(hairs) == 6
    assert images[0] == column_names(PhotoRow)
    assert dict(zip(*images, strict=True))["hair_count"] == "5"
    assert rows_of(out / "failures.csv") == [["image", "error", "message"], ["c.jpg", "PhotoError", "c.jpg is empty"]]
    timings = dict(zip(*rows_of(out / "timings.csv"), strict=True))
    assert (timings["segment_s"], timings["read_s"]) == ("0.2500", "")
    run = json.loads((out / "run.json").read_text())
    spec = model_folders()["default"] / "spec.json"
    spec_sha256 = hashlib.sha256(spec.read_bytes()).hexdigest()
    assert run["models"] == [{"name": "m", "sha256": "f" * 64, "spec_sha256": spec_sha256}]
    assert (run["photos"], run["failures"], run["hairs_counted"], run["devices"]) == (1, 1, 5, ["cpu"])
    assert (cv2.imread(str(out / "overlays" / "a, b.png"))[0, 0] == PICTURE[0, 0, ::-1]).all()


def test_the_same_results_give_the_same_bytes(tmp_path, result):
    for name in ("one", "two"):
        write_run(tmp_path / name, [result], RECORD, overlays={"a, b.jpg": PICTURE})
    for name in ("hairs.csv", "images.csv", "failures.csv", "overlays/a, b.png"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_an_earlier_run_is_replaced_and_other_files_stay(tmp_path, result):
    (tmp_path / "notes.txt").write_text("mine")
    for _ in range(2):
        write_run(tmp_path, [result], RECORD, overlays={})
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert len(rows_of(tmp_path / "images.csv")) == 2


@pytest.mark.parametrize("taken", ["overlays", "hairs.csv/", "run.json/", "overlays/a, b.png/"])
def test_a_run_that_cannot_be_finished_is_not_begun(tmp_path, result, taken):
    out = tmp_path / "run"
    if taken.endswith("/"):
        (out / taken).mkdir(parents=True)
    else:
        out.mkdir()
        (out / taken).write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(OutputError, match="cannot write to"):
        write_run(out, [result], RECORD, overlays={"a, b.jpg": PICTURE})
    assert sorted(tmp_path.rglob("*")) == before


def test_folders_made_for_a_run_that_failed_are_taken_away(tmp_path):
    with pytest.raises(TypeError):
        write_files({tmp_path / "new" / "run" / "a.csv": b"whole", tmp_path / "new" / "run" / "b.csv": None})
    assert list(tmp_path.iterdir()) == []


def test_more_files_than_can_be_open_at_once_are_written_together(tmp_path):
    resource = pytest.importorskip("resource")
    (tmp_path / "source").write_bytes(b"copied")
    files = {tmp_path / "out" / f"{number}.png": tmp_path / "source" for number in range(300)}
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, hard))
    try:
        write_files(files)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert {path.read_bytes() for path in (tmp_path / "out").iterdir()} == {b"copied"}
    assert len(list((tmp_path / "out").iterdir())) == 300


def test_timings_belong_to_their_photograph_whatever_it_is_called(tmp_path):
    images = ["a\u2028b.jpg", "c\x85d.jpg", "e.jpg"]
    rows = [timing_cells(image, {"read": number}) for number, image in enumerate(images)]
    (tmp_path / "timings.csv").write_bytes(csv_bytes(TIMING_COLUMNS, *rows))
    found = _read_timings(tmp_path / "timings.csv")
    assert {image: seconds["read"] for image, seconds in found.items()} == dict(zip(images, range(3), strict=True))


def test_a_folder_that_is_a_file_is_refused_before_anything_is_measured(tmp_path):
    (tmp_path / "taken").write_text("")
    for folder in (tmp_path / "taken", tmp_path / "taken" / "run"):
        with pytest.raises(OutputError, match="is a file; name another folder"):
            check_writable(folder)


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder that nobody can write to")
def test_a_folder_that_nobody_can_write_to_is_refused():
    with pytest.raises(OutputError, match="name another folder"):
        check_writable(Path("/proc/self/run"))


def test_a_name_that_no_folder_can_have_is_refused(tmp_path):
    with pytest.raises(OutputError, match="name another folder"):
        check_writable(tmp_path / ("x" * 300))


def test_asking_whether_a_folder_can_be_written_leaves_nothing(tmp_path):
    check_writable(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []


def test_overlays_of_photographs_with_the_same_stem_do_not_overwrite_each_other():
    assert overlay_names(["x/a.jpg", "b.jpg", "b.png"]) == {
        "x/a.jpg": "x_a.png",
        "b.jpg": "b.jpg.png",
        "b.png": "b.png.png",
    }


def test_overlay_names_never_collide_and_can_be_written_anywhere():
    images = [
        "b.jpg",
        "b.png",
        "b.jpg.jpg",
        "x/a.jpg",
        "x_a.jpg",
        "A.png",
        "a.png",
        "../.hid.png",
        "s3://c/d.jpg",
        "é" * 200,
    ]
    names = overlay_names(images)
    assert len({name.casefold() for name in names.values()}) == len(images)
    assert all(len(name.encode()) < 255 and name[0] != "." and not set(name) & set("/:\\") for name in names.values())
