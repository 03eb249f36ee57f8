"""A run folder of rendered sites, followed through its visits."""

import csv
import json
import shutil
import sys

import pytest

from hairscan.batch.manifest import read_manifest
from hairscan.batch.run import run_batch
from hairscan.batch.work import Settings
from hairscan.cli import main
from hairscan.errors import VisitError
from hairscan.files import write_files
from hairscan.photo.codec import encode_png
from hairscan.report.overlay import draw_overlay
from hairscan.visits.run_sites import read_sites
from hairscan.visits.run_visits import follow_run, write_visits
from hairscan.visits.series import follow_site

from .conftest import UM_PER_PX, SameProcess, moved

MANIFEST = """\
image,subject,arm,visit,site,date
a1.png,A,prp,V1,vertex,2026-01-01
a1_again.png,A,prp,V1,vertex,2026-01-01
a10.png,A,prp,V10,vertex,2026-06-01
a2.png,A,prp,V2,vertex,2026-03-01
b1.png,B,placebo,V1,vertex,
b2_blurred.png,B,placebo,V2,vertex,
b10.png,B,placebo,V10,vertex,
c1_cut.png,C,placebo,V1,vertex,
c2.png,C,placebo,V2,vertex,
"""


@pytest.fixture(scope="module")
def home(site, tmp_path_factory):
    """Photographs of three visits, with two hairs lost and one gained after the first, and their run."""
    home = tmp_path_factory.mktemp("visits")
    lost, gained = site.inner()[:2], site.inner()[2:3]
    late = moved(-4.0, 0.98, (-20.0, 16.0))
    first = encode_png(site.photograph(absent=gained))
    second = encode_png(site.photograph(absent=lost, matrix=moved()))
    third = encode_png(site.photograph(absent=lost, matrix=late))
    files = {
        "a1.png": first,
        "a1_again.png": encode_png(site.photograph(absent=gained, matrix=moved(2.0, 1.0, (12.0, 8.0)))),
        "a2.png": second,
        "a10.png": third,
        "b1.png": first,
        "b2_blurred.png": encode_png(site.photograph(absent=lost, matrix=moved(), blur_px=9.0)),
        "b10.png": third,
        "c1_cut.png": first[: len(first) // 2],
        "c2.png": second,
        "manifest.csv": MANIFEST.encode(),
    }
    write_files({home / "photos" / name: content for name, content in files.items()})
    settings = Settings(um_per_px=UM_PER_PX, device="cpu")
    manifest = read_manifest(home / "photos" / "manifest.csv")
    run_batch(manifest, home / "run", settings, SameProcess(), draw=draw_overlay, versions={})
    return home


@pytest.fixture(scope="module")
def found(home):
    return follow_run(read_sites(home / "run"), SameProcess())


@pytest.fixture(scope="module")
def changes(found):
    return {(row.subject, row.visit): row for row in found.changes}


def course(found, subject, *statuses):
    """Hairs of a subject with these statuses at its visits."""
    rows = [row for row in found.histories if row.subject == subject]
    hairs = {row.hair: [r for r in rows if r.hair == row.hair] for row in rows}
    return [of_hair for of_hair in hairs.values() if [row.status for row in of_hair] == list(statuses)]


def test_every_visit_but_the_baseline_has_a_row_in_time(found):
    assert found.baseline == "V1"
    rows = [(row.subject, row.visit) for row in found.changes]
    assert rows == [("A", "V2"), ("A", "V10"), ("B", "V2"), ("B", "V10"), ("C", "V2")]


def test_the_hairs_that_went_and_came_are_counted_at_every_visit(changes):
    for visit in ("V2", "V10"):
        row = changes["A", visit]
        assert (row.refused, row.lost, row.gained, row.count_change) == ("", 2, 1, -1)
        assert row.baseline_image == "a1.png"
        assert row.baseline_count >= row.matched + row.lost
        assert row.density_change_per_cm2 == pytest.approx(-1 / row.common_area_cm2)
        assert abs(row.width_change_um) < 2.0
    assert changes["A", "V2"].days == 59


def test_the_unmatched_change_is_that_of_the_two_photographs(changes, home):
    with (home / "run" / "images.csv").open(newline="") as file:
        images = {row["image"]: row for row in csv.DictReader(file)}
    change = float(images["a2.png"]["density_per_cm2"]) - float(images["a1.png"]["density_per_cm2"])
    assert changes["A", "V2"].unmatched_density_change_per_cm2 == pytest.approx(change, abs=0.02)


def test_a_lost_and_a_gained_hair_keep_their_courses(found):
    assert len(course(found, "A", "present", "absent", "absent")) == 2
    (gained,) = course(found, "A", "absent", "present", "present")
    assert [row.hair_id is None for row in gained] == [True, False, False]
    assert gained[1].width_um == pytest.approx(gained[2].width_um, abs=6.0)
    assert gained[1].width_change_um is None
    stayed = course(found, "A", "present", "present", "present")
    measured = [hair[2] for hair in stayed if hair[0].width_um and hair[2].width_um]
    assert measured
    for row in measured:
        assert row.width_change_um == pytest.approx(row.width_um - stayed_before(stayed, row), abs=1e-9)


def stayed_before(stayed, row):
    return next(hair[0].width_um for hair in stayed if hair[0].hair == row.hair)


def test_an_unusable_visit_in_the_middle_stops_no_other(changes, found):
    assert "b2_blurred.png" in changes["B", "V2"].refused
    assert changes["B", "V2"].matched is None
    assert (changes["B", "V10"].refused, changes["B", "V10"].lost, changes["B", "V10"].gained) == ("", 2, 1)
    assert len(course(found, "B", "present", "not shown", "absent")) == 2


def test_no_other_visit_takes_the_place_of_a_baseline_that_failed(changes, found):
    row = changes["C", "V2"]
    assert row.refused.startswith("c1_cut.png was not measured: ")
    assert (row.image, row.baseline_image, row.matched) == ("c2.png", "c1_cut.png", None)
    assert not [row for row in found.histories if row.subject == "C"]


def test_a_photograph_taken_twice_is_a_repeat(found):
    targets = {repeat.target for repeat in found.repeats}
    assert targets == {"A|prp||vertex|V1|a1_again.png"}
    values = {(r.endpoint, r.kind, r.repeat): r.value for r in found.repeats}
    assert len(values) == 8
    for endpoint, noise in (("density_per_cm2", 15.0), ("mean_width_um", 3.0)):
        assert values[endpoint, "matched", 1] == pytest.approx(values[endpoint, "matched", 2], abs=noise)


def test_another_visit_can_be_the_baseline(home):
    found = follow_run(read_sites(home / "run"), SameProcess(), baseline="V10")
    rows = {(row.subject, row.visit): row for row in found.changes}
    assert (rows["A", "V1"].lost, rows["A", "V1"].gained, rows["A", "V1"].days) == (1, 2, -151)
    assert "no photograph of the baseline" in rows["C", "V2"].refused


def test_a_photograph_that_is_gone_or_changed_loses_no_other(home, tmp_path):
    shutil.copytree(home / "photos", tmp_path / "photos")
    shutil.copytree(home / "run", tmp_path / "run")
    record = (tmp_path / "run" / "run.json").read_text()
    (tmp_path / "run" / "run.json").write_text(record.replace(str(home / "photos"), "photos"))
    (tmp_path / "photos" / "a10.png").unlink()
    shutil.copy(tmp_path / "photos" / "c2.png", tmp_path / "photos" / "b10.png")
    rows = {(row.subject, row.visit): row for row in follow_run(read_sites(tmp_path / "run"), SameProcess()).changes}
    assert rows["A", "V2"].refused == ""
    assert "a10.png" in rows["A", "V10"].refused
    assert "b10.png is not the photograph that was measured" in rows["B", "V10"].refused


def test_a_mistake_of_the_program_refuses_one_site_and_loses_no_other(home, monkeypatch):
    def stumble(site, *rest):
        if site.subject == "A":
            raise RuntimeError("stumbled")
        return follow_site(site, *rest)

    monkeypatch.setattr("hairscan.visits.site_work.follow_site", stumble)
    rows = {(row.subject, row.visit): row for row in follow_run(read_sites(home / "run"), SameProcess()).changes}
    assert "stumbled (in test_run_visits.py" in rows["A", "V2"].refused
    assert "stumbled" in rows["A", "V10"].refused
    assert rows["B", "V10"].refused == ""


def test_another_network_is_refused(home, tmp_path):
    shutil.copytree(home / "run", tmp_path / "run")
    path = tmp_path / "run" / "run.json"
    sha256 = read_sites(home / "run").model_sha256
    path.write_text(path.read_text().replace(sha256, "ab" * 32))
    with pytest.raises(VisitError, match=f"has the sha256 {sha256[:12]} now, and abababababab measured"):
        read_sites(tmp_path / "run")


def test_a_changed_spec_is_refused(home, tmp_path):
    shutil.copytree(home / "run", tmp_path / "run")
    path = tmp_path / "run" / "run.json"
    (model,) = json.loads(path.read_text())["models"]
    path.write_text(path.read_text().replace(model["spec_sha256"], "ab" * 32))
    with pytest.raises(VisitError, match=r"spec\.json was changed since that network measured"):
        read_sites(tmp_path / "run")


def test_a_run_without_visits_is_refused_in_one_line(home, tmp_path):
    shutil.copytree(home / "run", tmp_path / "run")
    (tmp_path / "run" / "manifest.csv").write_text("image\na1.png\n")
    with pytest.raises(VisitError, match=r"names no subject of a1\.png"):
        read_sites(tmp_path / "run")


def test_an_arm_that_is_named_once_holds_for_all_visits_of_a_place(home, tmp_path):
    shutil.copytree(home / "run", tmp_path / "run")
    path = tmp_path / "run" / "manifest.csv"
    path.write_text(path.read_text().replace("a2.png,A,prp,", "a2.png,A,,").replace("a10.png,A,prp,", "a10.png,A,,"))
    assert path.read_text().count("A,,") == 2
    sites, as_before = (read_sites(run).sites for run in (tmp_path / "run", home / "run"))
    assert [(site.image, site.arm, len(site.photos)) for site in sites] == [
        (site.image, site.arm, len(site.photos)) for site in as_before
    ]


def test_tables_that_a_spreadsheet_saved_are_read_or_refused_in_one_line(home, tmp_path):
    shutil.copytree(home / "run", tmp_path / "run")
    for name in ("manifest.csv", "images.csv", "failures.csv"):
        path = tmp_path / "run" / name
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert read_sites(tmp_path / "run").sites == read_sites(home / "run").sites
    images = tmp_path / "run" / "images.csv"
    whole = images.read_text()
    images.write_text(whole.replace(",", ";"))
    with pytest.raises(VisitError, match=r"images\.csv lacks the columns hair_count, image"):
        read_sites(tmp_path / "run")
    images.write_text(whole.replace(f",{UM_PER_PX:g},", ",wide,"))
    with pytest.raises(VisitError, match=r"holds no row of a1\.png as it was written: run hairscan batch again"):
        read_sites(tmp_path / "run")
    images.write_bytes(whole.lstrip("\ufeff").replace("vertex", "sommet \xe9").encode("cp1252"))
    with pytest.raises(VisitError, match="is no CSV in UTF-8"):
        read_sites(tmp_path / "run")


def test_the_counting_area_holds_for_the_comparison_too(home, tmp_path):
    settings = Settings(um_per_px=UM_PER_PX, area="rect:2.5x2mm", device="cpu")
    manifest = read_manifest(home / "photos" / "manifest.csv")
    run_batch(manifest, tmp_path, settings, SameProcess(), draw=draw_overlay, versions={})
    rows = {(row.subject, row.visit): row for row in follow_run(read_sites(tmp_path), SameProcess()).changes}
    assert rows["A", "V2"].refused == ""
    assert rows["A", "V2"].common_area_cm2 < 0.05


def call(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["hairscan", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_the_files_are_the_same_with_one_worker_and_with_two(home, found, monkeypatch, capsys, tmp_path):
    pytest.importorskip("pandas")
    here = tmp_path / "here"
    shutil.copytree(home / "run", here)
    write_visits(here, read_sites(here), found, None)
    names = ("changes.csv", "hair_histories.csv", "visits.json")
    for workers in (1, 2):
        assert call(monkeypatch, "visits", home / "run", "--workers", workers) == 1
        assert [(home / "run" / name).read_bytes() for name in names] == [(here / name).read_bytes() for name in names]
        assert (home / "run" / "repeatability.csv").is_file()
    told = capsys.readouterr()
    assert "3 visits compared, 2 refused" in told.out
    assert "refused: B vertex, visit V2: b2_blurred.png" in told.err


def test_an_old_repeatability_goes_where_nothing_is_repeated(home, found, tmp_path):
    shutil.copytree(home / "run", tmp_path / "run")
    (tmp_path / "run" / "repeatability.csv").write_text("old")
    write_visits(tmp_path / "run", read_sites(home / "run"), found, None)
    assert not (tmp_path / "run" / "repeatability.csv").exists()


def test_a_folder_that_is_no_run_is_refused(monkeypatch, capsys, tmp_path):
    assert call(monkeypatch, "visits", tmp_path) == 2
    told = capsys.readouterr()
    assert told.err == f"error: {tmp_path / 'run.json'} cannot be read: give the run folder of hairscan batch\n"
