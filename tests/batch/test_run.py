import csv
import json
import re
import shutil
from dataclasses import replace

import cv2
import fsspec
import pytest

from hairscan.batch.manifest import manifest_of_folder, read_manifest
from hairscan.batch.run_folder import Failure
from hairscan.batch.work import Kept, Measured, Settings
from hairscan.errors import AreaError, OutputError, ScaleError
from hairscan.files import locked
from hairscan.report.overlay import draw_overlay

N_PHOTOS = 5


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def measured(seen):
    return sorted(outcome.result.photo.image for outcome in seen if isinstance(outcome, Measured))


def overlays(out):
    return sorted(path.name for path in (out / "overlays").iterdir())


@pytest.fixture
def finished(reference, tmp_path):
    """Copy of the finished run folder."""
    return shutil.copytree(reference, tmp_path / "run")


def test_a_run_folder_holds_every_photograph(reference):
    images, hairs, timings = (rows_of(reference / f"{name}.csv") for name in ("images", "hairs", "timings"))
    names = [f"p{number}.png" for number in range(N_PHOTOS)]
    assert [row["image"] for row in images] == [row["image"] for row in timings] == names
    assert all(row["scale_source"] == "sidecar" and float(row["density_per_cm2"]) > 0 for row in images)
    counted = [sum(hair["counted"] == "1" for hair in hairs if hair["image"] == name) for name in names]
    assert counted == [int(row["hair_count"]) for row in images]
    assert all(float(row["segment_s"]) > 0 and float(row["overlay_s"]) > 0 for row in timings)
    assert overlays(reference) == names
    assert rows_of(reference / "failures.csv") == []
    record = json.loads((reference / "run.json").read_text())
    assert (record["photos"], record["hairs"], record["hairs_counted"]) == (N_PHOTOS, len(hairs), sum(counted))


def test_a_finished_run_is_not_measured_again(phantoms, reference, finished, run, contents):
    done, seen = run(phantoms, finished)
    assert sorted(outcome.image for outcome in seen if isinstance(outcome, Kept)) == [
        row.image for row in manifest_of_folder(phantoms).rows
    ]
    assert len(seen) == N_PHOTOS
    assert (done.n_measured, done.totals.photos) == (0, N_PHOTOS)
    assert contents(finished) == contents(reference)
    assert (finished / "timings.csv").read_bytes() == (reference / "timings.csv").read_bytes()


def test_only_a_photograph_that_changed_is_measured_again(photos, finished, run):
    shutil.copy(photos / "p0.png", photos / "p3.png")
    before = {path.name: path.stat().st_mtime_ns for path in (finished / ".parts").iterdir()}
    _, seen = run(photos, finished)
    assert measured(seen) == ["p3.png"]
    after = {path.name: path.stat().st_mtime_ns for path in (finished / ".parts").iterdir()}
    assert len([name for name in before if before[name] != after[name]]) == 1
    hair_count = {row["image"]: row["hair_count"] for row in rows_of(finished / "images.csv")}
    assert hair_count["p3.png"] == hair_count["p0.png"]


def test_a_sidecar_that_changed_means_measuring_again(photos, finished, run):
    (photos / "p1.json").write_text('{"um_per_px": 5.5, "um_per_px_sd": 0}')
    _, seen = run(photos, finished)
    assert measured(seen) == ["p1.png"]
    assert [row["um_per_px"] for row in rows_of(finished / "images.csv")][:2] == ["5", "5.5"]


def test_a_setting_or_a_network_that_changed_means_measuring_again(photos, finished, tmp_path, run):
    for path in list(photos.glob("p[1-9].*")):
        path.unlink()
    assert measured(run(photos, finished, settings=Settings(device="cpu", area="rect:2x1.5mm"))[1]) == ["p0.png"]
    assert measured(run(photos, finished, settings=Settings(device="cpu", um_per_px=4))[1]) == ["p0.png"]
    from hairscan.segment import find_model

    other = shutil.copytree(find_model("default"), tmp_path / "other", ignore=shutil.ignore_patterns("*.safetensors"))
    spec = json.loads((other / "spec.json").read_text())
    (other / "spec.json").write_text(json.dumps({**spec, "hair_threshold": 0.9}))
    assert measured(run(photos, finished, settings=Settings(device="cpu", um_per_px=4, model=str(other)))[1]) == [
        "p0.png"
    ]
    assert measured(run(photos, finished, settings=Settings(device="cpu", um_per_px=4, model=str(other)))[1]) == []


def test_the_columns_of_the_manifest_stand_in_front_and_changing_them_measures_nothing(photos, tmp_path, run):
    path = photos / "trial.csv"
    path.write_text("subject,arm,image,um_per_px\nS2,prp,p1.png,4.5\nS1,saline,p0.png,\n")
    out = tmp_path / "run"
    assert measured(run(photos, out, manifest=read_manifest(path))[1]) == ["p0.png", "p1.png"]
    assert (out / "images.csv").read_text().startswith("subject,arm,image,um_per_px,sha256,width_px,")
    images = rows_of(out / "images.csv")
    assert [(row["subject"], row["image"], row["um_per_px"], row["scale_source"]) for row in images] == [
        ("S2", "p1.png", "4.5", "manifest"),
        ("S1", "p0.png", "5", "sidecar"),
    ]
    path.write_text(path.read_text().replace("saline", "exosome"))
    assert measured(run(photos, out, manifest=read_manifest(path))[1]) == []
    assert [row["arm"] for row in rows_of(out / "images.csv")] == ["prp", "exosome"]
    path.write_text(path.read_text().replace("4.5", "4.6"))
    assert measured(run(photos, out, manifest=read_manifest(path))[1]) == ["p1.png"]


def test_a_photograph_that_is_no_longer_in_the_manifest_leaves_nothing_behind(photos, finished, run):
    (photos / "p4.png").unlink()
    cv2.imwrite(str(photos / "p0.tif"), cv2.imread(str(photos / "p0.png")))
    _, seen = run(photos, finished)
    assert measured(seen) == ["p0.png", "p0.tif"]
    assert overlays(finished) == ["p0.png.png", "p0.tif.png", "p1.png", "p2.png", "p3.png"]
    assert len(list((finished / ".parts").iterdir())) == 5


@pytest.mark.parametrize("damage", ["part", "overlay", "overlay gone", "timings"])
def test_what_was_cut_off_is_measured_again(phantoms, reference, finished, damage, run, contents):
    part = next(path for path in (finished / ".parts").iterdir() if '"image":"p2.png"' in path.read_text())
    overlay = finished / "overlays" / "p2.png"
    if damage == "overlay gone":
        overlay.unlink()
    else:
        path = {"part": part, "overlay": overlay, "timings": finished / "timings.csv"}[damage]
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    for place in (finished, finished / ".parts", finished / "overlays"):
        (place / ".4242-1").write_bytes(b"half of a fi")
    _, seen = run(phantoms, finished)
    assert measured(seen) == ([] if damage == "timings" else ["p2.png"])
    assert contents(finished) == contents(reference)
    assert len(rows_of(finished / "timings.csv")) == N_PHOTOS


def test_photographs_that_fail_are_listed_and_the_rest_is_complete(photos, finished, run):
    (photos / "p1.png").write_bytes(b"not a picture")
    (photos / "p3.json").write_text("{")
    done, seen = run(photos, finished)
    assert measured(seen) == []
    failures = rows_of(finished / "failures.csv")
    assert [(row["image"], row["error"]) for row in failures] == [("p1.png", "PhotoError"), ("p3.png", "ScaleError")]
    assert list(failures[0]) == ["image", "error", "message"]
    assert [row["image"] for row in rows_of(finished / "manifest.csv")] == [f"p{k}.png" for k in range(N_PHOTOS)]
    assert failures[0]["message"].startswith("p1.png is not a JPEG, PNG or TIFF picture")
    assert [failure.image for failure in done.failures] == ["p1.png", "p3.png"]
    assert [row["image"] for row in rows_of(finished / "images.csv")] == ["p0.png", "p2.png", "p4.png"]
    assert {row["image"] for row in rows_of(finished / "hairs.csv")} == {"p0.png", "p2.png", "p4.png"}
    assert overlays(finished) == ["p0.png", "p2.png", "p4.png"]


def test_a_mistake_of_the_program_fails_one_photograph(photos, tmp_path, run):
    def draw(photo, result):
        if photo.name == "p1.png":
            raise ZeroDivisionError("of\ntwo lines")
        return draw_overlay(photo, result)

    done, _ = run(photos, tmp_path / "run", draw=draw)
    assert done.totals.photos == N_PHOTOS - 1
    (failure,) = done.failures
    assert (failure.image, failure.error) == ("p1.png", "ZeroDivisionError")
    assert re.fullmatch(r"of two lines \(in test_run.py, line \d+: please report this\)", failure.message)


def test_a_failure_is_tried_again(photos, tmp_path, run):
    whole = (photos / "p0.png").read_bytes()
    (photos / "p0.png").write_bytes(whole[:1000])
    _, seen = run(photos, tmp_path / "run")
    assert [outcome.image for outcome in seen if isinstance(outcome, Failure)] == ["p0.png"]
    (photos / "p0.png").write_bytes(whole)
    done, seen = run(photos, tmp_path / "run")
    assert measured(seen) == ["p0.png"]
    assert done.failures == ()


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        (Settings(area="round"), AreaError, "write whole, circle"),
        (Settings(um_per_px=500), ScaleError, "no possible scale"),
        (Settings(um_per_px_sd=0.1), ScaleError, "give um_per_px as well"),
    ],
)
def test_impossible_settings_are_said_before_anything_is_written(phantoms, tmp_path, settings, error, words, run):
    with pytest.raises(error, match=words):
        run(phantoms, tmp_path / "run", settings=settings)
    assert not (tmp_path / "run").exists()


def test_two_runs_into_one_folder_are_refused(phantoms, tmp_path, run):
    with locked(tmp_path / "run"), pytest.raises(OutputError, match="another hairscan writes to"):
        run(phantoms, tmp_path / "run")
    assert [path.name for path in (tmp_path / "run").iterdir()] == [".lock"]


def test_photographs_are_read_from_urls(phantoms, tmp_path, run):
    files = fsspec.filesystem("memory")
    files.pipe("/trial/p0.png", (phantoms / "p0.png").read_bytes())
    path = tmp_path / "manifest.csv"
    path.write_text("image,um_per_px\nmemory://trial/p0.png,5\nmemory://trial/missing.png,5\n")
    done, _ = run(None, tmp_path / "run", manifest=read_manifest(path))
    (row,) = rows_of(tmp_path / "run" / "images.csv")
    assert (row["image"], row["scale_source"]) == ("memory://trial/p0.png", "manifest")
    assert overlays(tmp_path / "run") == ["memory___trial_p0.png"]
    (failure,) = done.failures
    assert "memory://trial/missing.png cannot be read: FileNotFoundError" in failure.message


def test_another_program_or_network_on_a_worker_ends_the_run(phantoms, tmp_path, run, same_process):
    class OtherMachine(same_process):
        def submit(self, measure, job):
            return super().submit(replace(measure, instrument="hairscan 9"), job)

    with pytest.raises(Exception, match="install the same on every machine"):
        run(phantoms, tmp_path / "run", crew=OtherMachine())


def test_no_more_photographs_are_handed_out_than_keep_the_workers_busy(phantoms, tmp_path, same_process):
    class Counting(same_process):
        waiting = most = 0

        def submit(self, measure, job):
            self.waiting += 1
            self.most = max(self.most, self.waiting)
            return super().submit(measure, job)

    crew = Counting()
    from hairscan.batch.executors import outcomes

    jobs = [row.image for row in manifest_of_folder(phantoms).rows] * 20
    for _ in outcomes(jobs, lambda job: job, crew):
        crew.waiting -= 1
    assert crew.most <= 2
